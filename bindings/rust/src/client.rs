use crate::reply::Error;
use crate::{ffi::*, text, Options, Reply, Request, Result, Status, Stream};
use std::ptr::{self, NonNull};

/// An endpoint and its connections.
pub struct Client {
    pub(crate) client: NonNull<tw_client>,
}

// A client is immutable, and any number of threads may use it at once. It may be destroyed by any
// thread: exchanges in progress keep what they need.
unsafe impl Send for Client {}
unsafe impl Sync for Client {}

impl Client {
    /// Creates a client with the settings of the environment.
    pub fn new() -> Result<Self> {
        Self::create(ptr::null())
    }

    /// Creates a client from options.
    pub fn with(options: &Options) -> Result<Self> {
        Self::create(options.options.as_ptr())
    }

    fn create(options: *const tw_options) -> Result<Self> {
        let mut client = ptr::null_mut();
        let status = unsafe { tw_client_create(options, &mut client) };
        match NonNull::new(client) {
            Some(client) => Ok(Self { client }),
            None => Err(Error::new(Status::new(status), text::last_error())),
        }
    }

    /// Begins a streamed exchange. The request can be changed at once.
    pub fn stream(&self, request: &Request) -> Stream {
        let (client, request) = (self.client.as_ptr(), request.request.as_ptr());
        unsafe { Stream::new(tw_chat_open(client, request)) }
    }

    /// Waits for the complete answer.
    pub fn send(&self, request: &Request) -> Result<Reply> {
        let (client, request) = (self.client.as_ptr(), request.request.as_ptr());
        unsafe { Reply::new(tw_chat_send(client, request)) }.checked()
    }

    /// Begins an exchange that is not streamed, for a caller that must be able to cancel.
    pub fn open_unstreamed(&self, request: &Request) -> Stream {
        let (client, request) = (self.client.as_ptr(), request.request.as_ptr());
        unsafe { Stream::new(tw_chat_open_unstreamed(client, request)) }
    }

    /// Waits for the list of models: see `Reply::models`.
    pub fn models(&self) -> Result<Reply> {
        unsafe { Reply::new(tw_models_send(self.client.as_ptr())) }.checked()
    }

    /// Begins the exchange of `models`, for a caller that must be able to cancel.
    pub fn open_models(&self) -> Stream {
        unsafe { Stream::new(tw_models_open(self.client.as_ptr())) }
    }

    /// Cancels every exchange in progress. From any thread.
    pub fn cancel(&self) {
        unsafe { tw_client_cancel(self.client.as_ptr()) }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        unsafe { tw_client_destroy(self.client.as_ptr()) }
    }
}
