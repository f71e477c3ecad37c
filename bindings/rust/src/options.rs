use crate::{ffi::*, text, Dialect, HttpVersion, Limit, Timeout};
use std::os::raw::c_int;
use std::ptr::NonNull;
use std::time::Duration;

/// Where and how to connect. A setter that fails is reported when a client is created.
pub struct Options {
    pub(crate) options: NonNull<tw_options>,
}

// Only methods that take `&mut self` or `self` use the object, except for creating a client, which
// reads it. The library does not tie it to a thread.
unsafe impl Send for Options {}

impl Default for Options {
    fn default() -> Self {
        Self::new()
    }
}

impl Options {
    /// Options with default values.
    pub fn new() -> Self {
        let options = NonNull::new(unsafe { tw_options_create() });
        Self { options: options.expect("tw_options_create never returns NULL") }
    }

    /// Calls a setter; the options record its failure.
    fn set(self, setter: impl FnOnce(*mut tw_options) -> tw_status) -> Self {
        setter(self.options.as_ptr());
        self
    }

    /// Sets the URL to which "/chat/completions" is appended.
    pub fn base_url(self, url: &str) -> Self {
        let url = text::argument(url);
        self.set(|options| unsafe { tw_options_set_base_url(options, url.as_ptr()) })
    }

    /// Sets the API key; "": no key, whatever the environment contains.
    pub fn api_key(self, key: &str) -> Self {
        let key = text::argument(key);
        self.set(|options| unsafe { tw_options_set_api_key(options, key.as_ptr()) })
    }

    /// Sets a header; None restores the library's own.
    pub fn header(self, name: &str, value: Option<&str>) -> Self {
        let (name, value) = (text::argument(name), value.map(text::argument));
        self.set(|options| unsafe {
            tw_options_set_header(options, name.as_ptr(), text::optional(&value))
        })
    }

    /// Sets a timeout; None: none.
    pub fn timeout(self, which: Timeout, time: Option<Duration>) -> Self {
        let time = milliseconds(time);
        self.set(|options| unsafe { tw_options_set_timeout(options, which as c_int, time) })
    }

    /// Sets whether SSE comments reset the idle timeout.
    pub fn comments_keep_alive(self, yes: bool) -> Self {
        self.set(|options| unsafe { tw_options_set_comments_keep_alive(options, yes.into()) })
    }

    /// Sets whether a streamed answer must end with a finish_reason or `[DONE]`.
    pub fn require_finish(self, yes: bool) -> Self {
        self.set(|options| unsafe { tw_options_set_require_finish(options, yes.into()) })
    }

    /// Sets how many times a failed exchange is retried.
    pub fn retries(self, count: i32) -> Self {
        self.set(|options| unsafe { tw_options_set_retries(options, count) })
    }

    /// Sets a limit, in bytes.
    pub fn limit(self, which: Limit, bytes: i64) -> Self {
        self.set(|options| unsafe { tw_options_set_limit(options, which as c_int, bytes) })
    }

    /// Sets the proxy; "": none, None: that of the environment.
    pub fn proxy(self, url: Option<&str>) -> Self {
        let url = url.map(text::argument);
        self.set(|options| unsafe { tw_options_set_proxy(options, text::optional(&url)) })
    }

    /// Sets the hosts for which no proxy is used; None: those of the environment.
    pub fn no_proxy(self, hosts: Option<&str>) -> Self {
        let hosts = hosts.map(text::argument);
        self.set(|options| unsafe { tw_options_set_no_proxy(options, text::optional(&hosts)) })
    }

    /// Sets a file of trusted certificates.
    pub fn ca_file(self, path: Option<&str>) -> Self {
        let path = path.map(text::argument);
        self.set(|options| unsafe { tw_options_set_ca_file(options, text::optional(&path)) })
    }

    /// Sets a directory of trusted certificates.
    pub fn ca_directory(self, path: Option<&str>) -> Self {
        let path = path.map(text::argument);
        self.set(|options| unsafe { tw_options_set_ca_directory(options, text::optional(&path)) })
    }

    /// Sets the version of HTTP.
    pub fn http_version(self, version: HttpVersion) -> Self {
        self.set(|options| unsafe { tw_options_set_http_version(options, version as c_int) })
    }

    /// Sets the fields that switch thinking.
    pub fn dialect(self, dialect: Dialect) -> Self {
        self.set(|options| unsafe { tw_options_set_dialect(options, dialect as c_int) })
    }

    /// Sets a pair of tags that encloses reasoning; None restores those of known models.
    pub fn reasoning_tags(self, tags: Option<(&str, &str)>) -> Self {
        let opening = tags.map(|tags| text::argument(tags.0));
        let closing = tags.map(|tags| text::argument(tags.1));
        self.set(|options| unsafe {
            let (opening, closing) = (text::optional(&opening), text::optional(&closing));
            tw_options_set_reasoning_tags(options, opening, closing)
        })
    }

    /// Sets the form in which the reasoning of earlier replies is sent back.
    pub fn reasoning_replay(self, form: &str) -> Self {
        let form = text::argument(form);
        self.set(|options| unsafe { tw_options_set_reasoning_replay(options, form.as_ptr()) })
    }

    /// Allows the API key to be sent in clear text to a host that is not this machine.
    pub fn allow_cleartext(self, host: &str) -> Self {
        let host = text::argument(host);
        self.set(|options| unsafe { tw_options_allow_cleartext(options, host.as_ptr()) })
    }
}

/// A timeout in C: 0 means none, so a shorter one than a millisecond is 1.
pub(crate) fn milliseconds(time: Option<Duration>) -> i64 {
    time.map_or(0, |time| i64::try_from(time.as_millis()).unwrap_or(i64::MAX).max(1))
}

impl Drop for Options {
    fn drop(&mut self) {
        unsafe { tw_options_destroy(self.options.as_ptr()) }
    }
}
