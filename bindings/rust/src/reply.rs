use crate::{ffi::*, text, Status, Usage};
use std::borrow::Cow;
use std::fmt;
use std::ptr::NonNull;
use std::time::Duration;

/// The result of an exchange. Clones share it.
pub struct Reply {
    reply: NonNull<tw_reply>,
}

// A reply never changes, any number of threads may read it at once, and its references are counted
// atomically (tw_reply_retain: "from any thread").
unsafe impl Send for Reply {}
unsafe impl Sync for Reply {}

/// A tool call of a reply.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ToolCall<'a> {
    /// Index of the choice that contains the call.
    pub choice: i32,
    /// Index of the call in that choice.
    pub index: i32,
    /// Id to send back with the result.
    pub id: &'a str,
    /// Name of the function.
    pub name: &'a str,
    /// Arguments as the model wrote them, possibly invalid JSON: see `Json`.
    pub arguments: &'a str,
}

/// Times from the start of an exchange; None for what did not happen.
#[derive(Clone, Copy, Debug, Default)]
#[allow(missing_docs)]
#[non_exhaustive]
pub struct Timing {
    pub connected: Option<Duration>,
    pub first_byte: Option<Duration>,
    pub first_reasoning: Option<Duration>,
    pub first_content: Option<Duration>,
    pub total: Option<Duration>,
    pub reused_connection: bool,
}

impl Reply {
    /// Takes over a reply of C.
    ///
    /// # Safety
    /// The caller owns the reply.
    pub(crate) unsafe fn new(reply: *mut tw_reply) -> Self {
        Self { reply: NonNull::new(reply).expect("the exchange has a reply") }
    }

    pub(crate) fn as_ptr(&self) -> *const tw_reply {
        self.reply.as_ptr()
    }

    /// The reply, or the error that it reports.
    pub(crate) fn checked(self) -> crate::Result<Self> {
        match self.status() {
            Status::Ok => Ok(self),
            status => {
                let message = self.message().to_owned();
                Err(Error { status, message, reply: Some(self) })
            }
        }
    }

    /// The status of the exchange.
    pub fn status(&self) -> Status {
        Status::new(unsafe { tw_reply_status(self.as_ptr()) })
    }

    /// One line that says what happened and what to do; "" for `Status::Ok`.
    pub fn message(&self) -> &str {
        unsafe { text::string(tw_reply_message(self.as_ptr())) }
    }

    /// How many times the request was sent.
    pub fn attempts(&self) -> i32 {
        unsafe { tw_reply_attempts(self.as_ptr()) }
    }

    /// The status and the message of the error that caused the last retry.
    pub fn last_error(&self) -> Option<(Status, &str)> {
        let mut status = TW_OK;
        let message = unsafe { text::string(tw_reply_last_error(self.as_ptr(), &mut status)) };
        (status != TW_OK).then_some((Status::new(status), message))
    }

    /// The HTTP status; None if there was no response.
    pub fn http_status(&self) -> Option<i32> {
        Some(unsafe { tw_reply_http_status(self.as_ptr()) }).filter(|status| *status != 0)
    }

    /// The reasoning of the first choice.
    pub fn reasoning(&self) -> &str {
        unsafe { text::sized(|len| tw_reply_reasoning(self.as_ptr(), len)) }.unwrap_or("")
    }

    /// The answer of the first choice.
    pub fn content(&self) -> &str {
        unsafe { text::sized(|len| tw_reply_content(self.as_ptr(), len)) }.unwrap_or("")
    }

    /// The refusal of the first choice.
    pub fn refusal(&self) -> &str {
        unsafe { text::sized(|len| tw_reply_refusal(self.as_ptr(), len)) }.unwrap_or("")
    }

    /// The finish reason of the first choice.
    pub fn finish_reason(&self) -> &str {
        unsafe { text::string(tw_reply_finish_reason(self.as_ptr())) }
    }

    /// Tokens and cost.
    pub fn usage(&self) -> Usage {
        unsafe { Usage::new(&*tw_reply_usage(self.as_ptr())) }
    }

    /// Times of the exchange.
    pub fn timing(&self) -> Timing {
        let timing = unsafe { &*tw_reply_timing(self.as_ptr()) };
        let time = |time: i64| u64::try_from(time).ok().map(Duration::from_micros);
        Timing {
            connected: time(timing.connected_us),
            first_byte: time(timing.first_byte_us),
            first_reasoning: time(timing.first_reasoning_us),
            first_content: time(timing.first_content_us),
            total: time(timing.total_us),
            reused_connection: timing.reused_connection != 0,
        }
    }

    /// The tool calls of all choices.
    pub fn tool_calls(&self) -> impl ExactSizeIterator<Item = ToolCall<'_>> {
        let count = unsafe { tw_reply_tool_call_count(self.as_ptr()) };
        // Everything in a call is valid as long as the reply.
        (0..count).map(move |index| unsafe {
            let call = &*tw_reply_tool_call(self.as_ptr(), index);
            let arguments = std::slice::from_raw_parts(call.arguments.cast(), call.arguments_len);
            ToolCall {
                choice: call.choice,
                index: call.index,
                id: text::string(call.id),
                name: text::string(call.name),
                arguments: text::utf8(arguments),
            }
        })
    }

    /// The ids of a list of models.
    pub fn models(&self) -> impl ExactSizeIterator<Item = &str> {
        let count = unsafe { tw_reply_model_count(self.as_ptr()) };
        (0..count).map(move |index| unsafe { text::string(tw_reply_model(self.as_ptr(), index)) })
    }

    /// The value of a response header.
    pub fn header(&self, name: &str) -> Option<&str> {
        let value = unsafe { tw_reply_header(self.as_ptr(), text::argument(name).as_ptr()) };
        (!value.is_null()).then(|| unsafe { text::string(value) })
    }

    /// The provider's id of this request.
    pub fn request_id(&self) -> &str {
        unsafe { text::string(tw_reply_request_id(self.as_ptr())) }
    }

    /// The complete answer as one chat.completion document. What is not UTF-8 is replaced.
    pub fn json(&self) -> Cow<'_, str> {
        let bytes = unsafe { text::bytes(|len| tw_reply_json(self.as_ptr(), len)) };
        String::from_utf8_lossy(bytes.unwrap_or(b""))
    }

    /// A value of that document, by a JSON pointer such as "/choices/0/message/content".
    pub fn get(&self, pointer: &str) -> Option<Cow<'_, str>> {
        let pointer = text::argument(pointer);
        let bytes =
            unsafe { text::bytes(|len| tw_reply_get(self.as_ptr(), pointer.as_ptr(), len)) };
        bytes.map(String::from_utf8_lossy)
    }
}

impl Clone for Reply {
    fn clone(&self) -> Self {
        unsafe { Self::new(tw_reply_retain(self.as_ptr())) }
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        unsafe { tw_reply_destroy(self.reply.as_ptr()) }
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter
            .debug_struct("Reply")
            .field("status", &self.status())
            .field("message", &self.message())
            .field("content", &self.content())
            .finish_non_exhaustive()
    }
}

/// An exchange or a call that failed.
#[derive(Clone, Debug)]
pub struct Error {
    status: Status,
    message: String,
    reply: Option<Reply>,
}

impl Error {
    pub(crate) fn new(status: Status, message: String) -> Self {
        Self { status, message, reply: None }
    }

    /// What kind of failure it is.
    pub fn status(&self) -> Status {
        self.status
    }

    /// One line that says what happened and what to do.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What was received; None if there was no exchange.
    pub fn reply(&self) -> Option<&Reply> {
        self.reply.as_ref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        write!(formatter, "{}: {}", self.status, self.message)
    }
}

impl std::error::Error for Error {}
