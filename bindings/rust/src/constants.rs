//! The enumerations of C.

use crate::{ffi, ffi::*, text};
use std::fmt;
use std::os::raw::c_int;

macro_rules! enumeration {
    ($(#[$attribute:meta])* $name:ident { $($variant:ident = $constant:ident,)* }) => {
        $(#[$attribute])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        #[repr(i32)]
        #[allow(missing_docs)]
        pub enum $name { $($variant = $constant,)* }

        impl $name {
            /// The value of C; None if this version of the package does not know it.
            #[allow(dead_code)]
            pub(crate) fn from_c(value: c_int) -> Option<Self> {
                match value {
                    $($constant => Some(Self::$variant),)*
                    _ => None,
                }
            }
        }
    };
}

enumeration! {
    /// Result of an exchange or of a call: `tw_status`.
    Status {
        Ok = TW_OK,
        Invalid = TW_INVALID,
        Misuse = TW_MISUSE,
        Cancelled = TW_CANCELLED,
        Resolve = TW_RESOLVE,
        Connect = TW_CONNECT,
        Tls = TW_TLS,
        Network = TW_NETWORK,
        Timeout = TW_TIMEOUT,
        Auth = TW_AUTH,
        Forbidden = TW_FORBIDDEN,
        Quota = TW_QUOTA,
        NotFound = TW_NOT_FOUND,
        BadRequest = TW_BAD_REQUEST,
        RateLimited = TW_RATE_LIMITED,
        Server = TW_SERVER,
        Truncated = TW_TRUNCATED,
        Protocol = TW_PROTOCOL,
        Limit = TW_LIMIT,
        // A value of a newer library.
        Unknown = UNKNOWN,
    }
}
const UNKNOWN: c_int = c_int::MIN;

impl Status {
    pub(crate) fn new(status: tw_status) -> Self {
        Self::from_c(status).unwrap_or(Self::Unknown)
    }
}

impl fmt::Display for Status {
    /// The name in C without its prefix, in lower case: "rate_limited".
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        // A static string.
        let name = unsafe { text::string(ffi::tw_status_name(*self as c_int)) };
        formatter.write_str(&name.trim_start_matches("TW_").to_ascii_lowercase())
    }
}

enumeration! {
    /// Timeouts of an exchange: `tw_timeout`.
    Timeout {
        Connect = TW_TIMEOUT_CONNECT,
        FirstByte = TW_TIMEOUT_FIRST_BYTE,
        Idle = TW_TIMEOUT_IDLE,
        Total = TW_TIMEOUT_TOTAL,
    }
}

enumeration! {
    /// Limits on what a server may send: `tw_limit`.
    Limit {
        Event = TW_LIMIT_EVENT,
        Reply = TW_LIMIT_REPLY,
        Headers = TW_LIMIT_HEADERS,
    }
}

enumeration! {
    /// Version of HTTP: `tw_http_version`.
    HttpVersion {
        Auto = TW_HTTP_AUTO,
        Http11 = TW_HTTP_1_1,
        Http2 = TW_HTTP_2,
    }
}

enumeration! {
    /// Fields of a request that switch thinking: `tw_dialect`.
    Dialect {
        Auto = TW_DIALECT_AUTO,
        None = TW_DIALECT_NONE,
        EnableThinking = TW_DIALECT_ENABLE_THINKING,
        ChatTemplate = TW_DIALECT_CHAT_TEMPLATE,
        ReasoningEffort = TW_DIALECT_REASONING_EFFORT,
        ReasoningObject = TW_DIALECT_REASONING_OBJECT,
        ThinkingType = TW_DIALECT_THINKING_TYPE,
        TemplateThinking = TW_DIALECT_TEMPLATE_THINKING,
    }
}

enumeration! {
    /// Whether a model thinks before it answers: `tw_thinking`.
    Thinking {
        Auto = TW_THINKING_AUTO,
        Off = TW_THINKING_OFF,
        On = TW_THINKING_ON,
        Minimal = TW_THINKING_MINIMAL,
        Low = TW_THINKING_LOW,
        Medium = TW_THINKING_MEDIUM,
        High = TW_THINKING_HIGH,
        Xhigh = TW_THINKING_XHIGH,
        Max = TW_THINKING_MAX,
    }
}

enumeration! {
    /// Limits of a loop: `tw_loop_limit`.
    LoopLimit {
        Exchanges = TW_LOOP_EXCHANGES,
        Connections = TW_LOOP_CONNECTIONS,
    }
}

enumeration! {
    /// Type of a JSON value: `tw_json_type`.
    JsonType {
        Null = TW_JSON_NULL,
        Bool = TW_JSON_BOOL,
        Number = TW_JSON_NUMBER,
        String = TW_JSON_STRING,
        Array = TW_JSON_ARRAY,
        Object = TW_JSON_OBJECT,
    }
}
