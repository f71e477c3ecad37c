use crate::{ffi::*, text, Reply, Status};
use std::borrow::Cow;
use std::time::Duration;

/// Tokens and cost of an answer; None for what the server did not report.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[allow(missing_docs)]
#[non_exhaustive]
pub struct Usage {
    pub prompt_tokens: Option<u64>,
    pub completion_tokens: Option<u64>,
    pub total_tokens: Option<u64>,
    /// Part of `completion_tokens`.
    pub reasoning_tokens: Option<u64>,
    /// Part of `prompt_tokens`.
    pub cached_tokens: Option<u64>,
    pub cost: Option<f64>,
    /// "USD" or "credits".
    pub cost_unit: Option<&'static str>,
}

impl Usage {
    pub(crate) fn new(usage: &tw_usage) -> Self {
        let tokens = |number: i64| u64::try_from(number).ok();
        let has_unit = !usage.cost_unit.is_null();
        Self {
            prompt_tokens: tokens(usage.prompt_tokens),
            completion_tokens: tokens(usage.completion_tokens),
            total_tokens: tokens(usage.total_tokens),
            reasoning_tokens: tokens(usage.reasoning_tokens),
            cached_tokens: tokens(usage.cached_tokens),
            cost: (usage.cost >= 0.0).then_some(usage.cost),
            // A static string.
            cost_unit: has_unit.then(|| unsafe { text::string(usage.cost_unit) }),
        }
    }
}

/// An event that owns its texts.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Event {
    /// Index of the choice to which the event belongs.
    pub choice: i32,
    /// What happened.
    pub kind: Kind<String>,
}

/// What happened. `T` is `String`, or `&str` for an event that is borrowed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Kind<T> {
    /// A piece of the model's reasoning.
    Reasoning(T),
    /// A piece of its answer.
    Content(T),
    /// A piece of its refusal to answer.
    Refusal(T),
    /// A piece of a tool call's arguments.
    ToolCall {
        /// Index of the tool call in its choice.
        index: i32,
        /// Id of the call, "" if not received yet.
        id: T,
        /// Name of the function, as far as it was received.
        name: T,
        /// The piece; "" if only the call itself was received.
        arguments: T,
    },
    /// The usage so far.
    Usage(Usage),
    /// The finish reason of the choice.
    Finish(T),
    /// A retry follows.
    Retry {
        /// Number of the next attempt.
        attempt: i32,
        /// Result of the last attempt.
        status: Status,
        /// Time until the next attempt.
        wait: Duration,
        /// Why the last attempt failed.
        message: T,
    },
    /// An exchange of a `Loop` has ended.
    Done(Reply),
    /// An event of a newer library.
    Other,
}

impl Kind<&str> {
    fn into_owned(self) -> Kind<String> {
        match self {
            Kind::Reasoning(text) => Kind::Reasoning(text.to_owned()),
            Kind::Content(text) => Kind::Content(text.to_owned()),
            Kind::Refusal(text) => Kind::Refusal(text.to_owned()),
            Kind::ToolCall { index, id, name, arguments } => Kind::ToolCall {
                index,
                id: id.to_owned(),
                name: name.to_owned(),
                arguments: arguments.to_owned(),
            },
            Kind::Usage(usage) => Kind::Usage(usage),
            Kind::Finish(text) => Kind::Finish(text.to_owned()),
            Kind::Retry { attempt, status, wait, message } => {
                Kind::Retry { attempt, status, wait, message: message.to_owned() }
            }
            Kind::Done(reply) => Kind::Done(reply),
            Kind::Other => Kind::Other,
        }
    }
}

/// An event without a copy of its texts.
#[derive(Clone, Copy)]
pub struct EventRef<'a> {
    event: &'a tw_event,
}

impl<'a> EventRef<'a> {
    /// # Safety
    /// The event, with everything that it points to, is valid for the lifetime.
    pub(crate) unsafe fn new(event: *const tw_event) -> Self {
        Self { event: &*event }
    }

    /// Index of the choice to which the event belongs.
    pub fn choice(&self) -> i32 {
        self.event.choice
    }

    /// JSON of the chunk that contained this event. What is not UTF-8 is replaced.
    pub fn raw(&self) -> Cow<'a, str> {
        let (raw, len) = (self.event.raw.cast(), self.event.raw_len);
        String::from_utf8_lossy(unsafe { std::slice::from_raw_parts(raw, len) })
    }

    /// What happened.
    pub fn kind(&self) -> Kind<&'a str> {
        let event = self.event;
        let text = || {
            // Never NULL, and valid as long as the event.
            text::utf8(unsafe { std::slice::from_raw_parts(event.text.cast(), event.text_len) })
        };
        match event.kind {
            TW_EVENT_REASONING => Kind::Reasoning(text()),
            TW_EVENT_CONTENT => Kind::Content(text()),
            TW_EVENT_REFUSAL => Kind::Refusal(text()),
            // Ids and names of tool calls are not NULL.
            TW_EVENT_TOOL_CALL => Kind::ToolCall {
                index: event.tool_index,
                id: unsafe { text::string(event.tool_id) },
                name: unsafe { text::string(event.tool_name) },
                arguments: text(),
            },
            TW_EVENT_USAGE => Kind::Usage(Usage::new(unsafe { &*event.usage })),
            TW_EVENT_FINISH => Kind::Finish(text()),
            TW_EVENT_RETRY => Kind::Retry {
                attempt: event.attempt,
                status: Status::new(event.status),
                wait: Duration::from_millis(event.wait_ms.max(0) as u64),
                message: text(),
            },
            // Retained, because the event only lends the reply.
            TW_EVENT_DONE => Kind::Done(unsafe { Reply::new(tw_reply_retain(event.reply)) }),
            _ => Kind::Other,
        }
    }

    /// A copy.
    pub fn to_owned(&self) -> Event {
        Event { choice: self.choice(), kind: self.kind().into_owned() }
    }
}
