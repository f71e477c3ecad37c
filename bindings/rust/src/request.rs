use crate::options::milliseconds;
use crate::reply::Error;
use crate::{ffi::*, text, Reply, Result, Status, Thinking, Timeout};
use std::os::raw::c_int;
use std::ptr::{self, NonNull};
use std::time::Duration;

/// A conversation and its settings.
///
/// Setters return the request. If one fails, sending the request fails with its message; see
/// `error`.
pub struct Request {
    pub(crate) request: NonNull<tw_request>,
}

// One thread at a time may change a request (`&mut self`), and any number may send or copy it at
// once (`&self`). Texts that are borrowed from it need `&mut self`: the header does not say that
// several threads may ask for them.
unsafe impl Send for Request {}
unsafe impl Sync for Request {}

impl Request {
    /// A request without messages; fails if the model is "".
    pub fn new(model: &str) -> Result<Self> {
        let request = unsafe { tw_request_create(text::argument(model).as_ptr()) };
        Self::created(request, TW_INVALID)
    }

    /// A request from a JSON body.
    pub fn parse(json: &str) -> Result<Self> {
        let mut request = ptr::null_mut();
        let status = unsafe { tw_request_parse(json.as_ptr().cast(), json.len(), &mut request) };
        Self::created(request, status)
    }

    fn created(request: *mut tw_request, status: tw_status) -> Result<Self> {
        match NonNull::new(request) {
            Some(request) => Ok(Self { request }),
            None => Err(Error::new(Status::new(status), text::last_error())),
        }
    }

    /// Calls a setter; the request records its failure.
    fn edit(&mut self, setter: impl FnOnce(*mut tw_request) -> tw_status) -> &mut Self {
        setter(self.request.as_ptr());
        self
    }

    /// Adds a message of the user.
    pub fn user(&mut self, text: &str) -> &mut Self {
        self.message("user", text)
    }

    /// Adds a message of any role.
    pub fn message(&mut self, role: &str, text: &str) -> &mut Self {
        let (role, text) = (text::argument(role), text::argument(text));
        self.edit(|request| unsafe {
            tw_request_add_message(request, role.as_ptr(), text.as_ptr())
        })
    }

    /// Adds a message that is a JSON object.
    pub fn message_json(&mut self, json: &str) -> &mut Self {
        self.edit(|request| unsafe {
            tw_request_add_message_json(request, json.as_ptr().cast(), json.len())
        })
    }

    /// Adds the assistant's message from a reply, with its tool calls.
    pub fn reply(&mut self, reply: &Reply) -> &mut Self {
        self.edit(|request| unsafe { tw_request_add_reply(request, reply.as_ptr()) })
    }

    /// Adds the result of a tool call.
    pub fn tool_result(&mut self, id: &str, text: &str) -> &mut Self {
        let (id, text) = (text::argument(id), text::argument(text));
        self.edit(|request| unsafe {
            tw_request_add_tool_result(request, id.as_ptr(), text.as_ptr())
        })
    }

    /// Offers the model a function; `parameters` is the JSON schema of an object, or "" without.
    pub fn tool(&mut self, name: &str, description: &str, parameters: &str) -> &mut Self {
        let (name, description) = (text::argument(name), text::argument(description));
        let parameters = (!parameters.is_empty()).then(|| text::argument(parameters));
        self.edit(|request| unsafe {
            let parameters = text::optional(&parameters);
            tw_request_add_tool(request, name.as_ptr(), description.as_ptr(), parameters)
        })
    }

    /// Adds an image to the last message, by its URL; `detail` is "low", "high" or "auto".
    pub fn image_url(&mut self, url: &str, detail: Option<&str>) -> &mut Self {
        let (url, detail) = (text::argument(url), detail.map(text::argument));
        self.edit(|request| unsafe {
            tw_request_add_image_url(request, url.as_ptr(), text::optional(&detail))
        })
    }

    /// Adds an image to the last message: a JPEG, PNG, GIF or WEBP file.
    pub fn image(&mut self, bytes: &[u8], detail: Option<&str>) -> &mut Self {
        let detail = detail.map(text::argument);
        self.edit(|request| unsafe {
            let detail = text::optional(&detail);
            tw_request_add_image(request, bytes.as_ptr().cast(), bytes.len(), detail)
        })
    }

    /// Adds an image to the last message, from a file that is read now.
    pub fn image_file(&mut self, path: &str, detail: Option<&str>) -> &mut Self {
        let (path, detail) = (text::argument(path), detail.map(text::argument));
        self.edit(|request| unsafe {
            tw_request_add_image_file(request, path.as_ptr(), text::optional(&detail))
        })
    }

    /// Sets a field of the body to a JSON value; None removes it.
    pub fn set_json(&mut self, field: &str, json: Option<&str>) -> &mut Self {
        let (field, json) = (text::argument(field), json.map(text::argument));
        self.edit(|request| unsafe {
            tw_request_set(request, field.as_ptr(), text::optional(&json))
        })
    }

    /// Sets a field of the body to a text.
    pub fn set_string(&mut self, field: &str, text: &str) -> &mut Self {
        let (field, text) = (text::argument(field), text::argument(text));
        self.edit(|request| unsafe {
            tw_request_set_string(request, field.as_ptr(), text.as_ptr())
        })
    }

    /// Sets a field of the body to a number.
    pub fn set_number(&mut self, field: &str, number: f64) -> &mut Self {
        let field = text::argument(field);
        self.edit(|request| unsafe { tw_request_set_number(request, field.as_ptr(), number) })
    }

    /// Sets a field of the body to true or false.
    pub fn set_bool(&mut self, field: &str, yes: bool) -> &mut Self {
        let field = text::argument(field);
        self.edit(|request| unsafe { tw_request_set_bool(request, field.as_ptr(), yes.into()) })
    }

    /// Switches thinking, without a maximum number of tokens to think with.
    pub fn thinking(&mut self, mode: Thinking) -> &mut Self {
        self.thinking_budget(mode, 0)
    }

    /// Switches thinking; `budget` is the maximum number of tokens to think with, 0 for no maximum.
    pub fn thinking_budget(&mut self, mode: Thinking, budget: i64) -> &mut Self {
        self.edit(|request| unsafe { tw_request_set_thinking(request, mode as c_int, budget) })
    }

    /// Sets whether the model's chat template contains the opening `<think>`.
    pub fn starts_thinking(&mut self, yes: bool) -> &mut Self {
        self.edit(|request| unsafe { tw_request_set_starts_thinking(request, yes.into()) })
    }

    /// Sets the tags that enclose reasoning; None restores those of the client.
    pub fn reasoning_tags(&mut self, tags: Option<(&str, &str)>) -> &mut Self {
        let opening = tags.map(|tags| text::argument(tags.0));
        let closing = tags.map(|tags| text::argument(tags.1));
        self.edit(|request| unsafe {
            let (opening, closing) = (text::optional(&opening), text::optional(&closing));
            tw_request_set_reasoning_tags(request, opening, closing)
        })
    }

    /// Sets a timeout in place of the client's; None: none.
    pub fn timeout(&mut self, which: Timeout, time: Option<Duration>) -> &mut Self {
        let time = milliseconds(time);
        self.edit(|request| unsafe { tw_request_set_timeout(request, which as c_int, time) })
    }

    /// Restores a timeout of the client.
    pub fn restore_timeout(&mut self, which: Timeout) -> &mut Self {
        self.edit(|request| unsafe { tw_request_set_timeout(request, which as c_int, -1) })
    }

    /// The first failure of a function that changed this request; "" if none has failed.
    pub fn error(&mut self) -> &str {
        // Valid until the request is changed.
        unsafe { text::string(tw_request_error(self.request.as_ptr())) }
    }

    /// Forgets the first failure.
    pub fn clear_error(&mut self) -> &mut Self {
        unsafe { tw_request_clear_error(self.request.as_ptr()) }
        self
    }

    /// The body as JSON text; `parse` makes a request of it.
    pub fn json(&mut self) -> &str {
        // Valid until the request is changed.
        unsafe { text::sized(|len| tw_request_json(self.request.as_ptr(), len)) }.unwrap_or("")
    }
}

impl Clone for Request {
    fn clone(&self) -> Self {
        let request = NonNull::new(unsafe { tw_request_copy(self.request.as_ptr()) });
        Self { request: request.expect("a copy is NULL only for NULL") }
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        unsafe { tw_request_destroy(self.request.as_ptr()) }
    }
}
