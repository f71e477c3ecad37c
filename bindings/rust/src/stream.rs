use crate::{ffi::*, Event, EventRef, Reply, Result};
use std::marker::PhantomData;
use std::os::raw::c_int;
use std::ptr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Cancels the exchange of a stream, from any thread and at any time, even after its end.
#[derive(Clone)]
pub struct Canceller {
    // NULL from the moment at which the chat is closed, so that a chat that was freed is never
    // used. tw_chat_cancel does not block, and neither does whatever else happens under the lock.
    chat: Arc<Mutex<ChatPointer>>,
}

struct ChatPointer(*mut tw_chat);

// Only tw_chat_cancel uses the pointer, which any thread may call.
unsafe impl Send for ChatPointer {}

impl Canceller {
    /// Ends the exchange with `Status::Cancelled`; a call that waits for it returns at once.
    pub fn cancel(&self) {
        unsafe { tw_chat_cancel(self.lock().0) }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, ChatPointer> {
        self.chat.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// What `Stream::wait` has received.
pub enum Next<'a> {
    /// An event, which is valid until the next call.
    Event(EventRef<'a>),
    /// There is no event yet.
    Timeout,
    /// The exchange has ended: see `Stream::finish`.
    End,
}

/// A time to wait in C, rounded up, because 0 does not wait; -1: as long as it takes.
pub(crate) fn milliseconds(timeout: Option<Duration>) -> c_int {
    let whole = |time: Duration| time.as_nanos().saturating_add(999_999) / 1_000_000;
    timeout.map_or(-1, |time| c_int::try_from(whole(time)).unwrap_or(c_int::MAX))
}

/// An exchange in progress: an iterator over its events. Dropping it cancels the exchange.
///
/// If the exchange fails, the last item is the error.
pub struct Stream {
    // NULL after the end.
    chat: *mut tw_chat,
    canceller: Canceller,
    reply: Option<Reply>,
    // One thread at a time may use a chat, but not always the same: it is Send, but not Sync.
    _not_sync: PhantomData<std::cell::Cell<()>>,
}

unsafe impl Send for Stream {}

impl Stream {
    /// # Safety
    /// The caller owns the chat.
    pub(crate) unsafe fn new(chat: *mut tw_chat) -> Self {
        let canceller = Canceller { chat: Arc::new(Mutex::new(ChatPointer(chat))) };
        Self { chat, canceller, reply: None, _not_sync: PhantomData }
    }

    /// Cancels the exchange from other threads.
    pub fn canceller(&self) -> Canceller {
        self.canceller.clone()
    }

    /// Waits for the next event; None: as long as it takes.
    pub fn wait(&mut self, timeout: Option<Duration>) -> Next<'_> {
        let timeout = milliseconds(timeout);
        let mut event = ptr::null();
        // The event is valid until the next call on the chat, which needs `&mut self`.
        match unsafe { tw_chat_next(self.chat, &mut event, timeout) } {
            TW_NEXT_EVENT => Next::Event(unsafe { EventRef::new(event) }),
            TW_NEXT_TIMEOUT => Next::Timeout,
            // TW_NEXT_END
            _ => Next::End,
        }
    }

    /// Receives the remaining events, and returns the reply.
    pub fn finish(mut self) -> Result<Reply> {
        while !matches!(self.wait(None), Next::End) {}
        self.close().checked()
    }

    /// Returns the reply, whatever its status is. An exchange that has not ended is cancelled.
    pub fn into_reply(mut self) -> Reply {
        self.close()
    }

    fn close(&mut self) -> Reply {
        if !self.chat.is_null() {
            self.canceller.lock().0 = ptr::null_mut();
            let chat = std::mem::replace(&mut self.chat, ptr::null_mut());
            // Not called in a callback, so there is a reply.
            self.reply = Some(unsafe { Reply::new(tw_chat_close(chat)) });
        }
        self.reply.clone().expect("a closed chat has a reply")
    }
}

impl Iterator for Stream {
    type Item = Result<Event>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.chat.is_null() {
            return None;
        }
        if let Next::Event(event) = self.wait(None) {
            return Some(Ok(event.to_owned()));
        }
        self.close().checked().err().map(Err)
    }
}

impl std::iter::FusedIterator for Stream {}

impl Drop for Stream {
    fn drop(&mut self) {
        self.close();
    }
}
