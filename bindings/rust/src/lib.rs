#![doc = include_str!("../README.md")]
#![warn(missing_docs)]

mod client;
mod constants;
mod event;
mod event_loop;
#[rustfmt::skip]
pub mod ffi;
mod json;
mod options;
mod reply;
mod request;
mod stream;
mod text;

pub use client::Client;
pub use constants::{Dialect, HttpVersion, JsonType, Limit, LoopLimit, Status, Thinking, Timeout};
pub use event::{Event, EventRef, Kind, Usage};
pub use event_loop::{Chat, Loop, Waker};
pub use json::Json;
pub use options::Options;
pub use reply::{Error, Reply, Timing, ToolCall};
pub use request::Request;
pub use stream::{Canceller, Next, Stream};

/// The result of a call that can fail.
pub type Result<T> = std::result::Result<T, Error>;

/// The version of the loaded library.
pub fn version() -> &'static str {
    // A static string.
    unsafe { text::string(ffi::tw_version()) }
}

#[cfg(test)]
mod tests {
    /// Tests/bindings/layout.py writes the file.
    #[test]
    fn structs_have_the_layout_of_c() {
        let path = std::env::var("THINKWIRE_LAYOUT").expect("THINKWIRE_LAYOUT");
        let of_c = std::fs::read_to_string(path).unwrap();
        let lines: Vec<_> =
            crate::ffi::layout().iter().map(|(name, number)| format!("{name} {number}")).collect();
        assert_eq!(of_c.lines().collect::<Vec<_>>(), lines);
    }
}
