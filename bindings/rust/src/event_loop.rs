use crate::reply::Error;
use crate::stream::milliseconds;
use crate::{ffi::*, text, Client, EventRef, LoopLimit, Request, Result, Status};
use std::any::Any;
use std::cell::{Cell, RefCell};
use std::marker::PhantomData;
use std::ops::ControlFlow;
use std::os::raw::{c_int, c_void};
use std::panic::{catch_unwind, resume_unwind, AssertUnwindSafe};
use std::ptr::{self, NonNull};
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

type Handler<'a> = Box<dyn FnMut(EventRef<'_>) -> ControlFlow<()> + 'a>;
type Panic = Rc<RefCell<Option<Box<dyn Any + Send>>>>;

/// Many exchanges on the thread that polls.
///
/// A handler receives every event of its exchange; the last one is `Kind::Done`. If it returns
/// `ControlFlow::Break`, the exchange is cancelled. If it panics, the exchange is cancelled, and
/// `poll` continues the panic. Dropping the loop cancels every exchange.
///
/// Handlers can be anything, and all run on one thread, so a loop is neither Send nor Sync.
pub struct Loop<'a> {
    pointer: NonNull<tw_loop>,
    waker: Waker,
    panic: Panic,
    _handlers: PhantomData<Handler<'a>>,
}

/// Makes `Loop::poll` return, from any thread and at any time.
#[derive(Clone)]
pub struct Waker {
    // NULL from the moment at which the loop is destroyed.
    pointer: Arc<Mutex<LoopPointer>>,
}

struct LoopPointer(*mut tw_loop);

// Only tw_loop_wake uses the pointer, which any thread may call.
unsafe impl Send for LoopPointer {}

impl Waker {
    /// Makes `poll` return at once, or its next call.
    pub fn wake(&self) {
        unsafe { tw_loop_wake(self.lock().0) }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, LoopPointer> {
        self.pointer.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// An exchange of a loop. After its end, the methods do nothing.
#[derive(Clone)]
pub struct Chat {
    // NULL after the end of the exchange, when C frees it.
    pointer: Rc<Cell<*mut tw_chat>>,
}

impl Chat {
    /// Cancels the exchange; `Kind::Done` follows.
    pub fn cancel(&self) {
        unsafe { tw_chat_cancel(self.pointer.get()) }
    }

    /// Stops delivering events, until `resume`.
    pub fn pause(&self) {
        unsafe { tw_chat_pause(self.pointer.get()) };
    }

    /// Continues an exchange that was paused.
    pub fn resume(&self) {
        unsafe { tw_chat_resume(self.pointer.get()) };
    }
}

struct Task<'a> {
    handler: Handler<'a>,
    chat: Chat,
    panic: Panic,
}

/// Calls the handler of a task, and frees the task after its last event.
///
/// `deliver` is the callback of every exchange, so `userdata` is the task of `start_by`. No panic
/// may cross the frames of C.
unsafe extern "C" fn deliver(userdata: *mut c_void, event: *const tw_event) -> c_int {
    let task = userdata.cast::<Task>();
    let is_last = (*event).kind == TW_EVENT_DONE;
    let result = catch_unwind(AssertUnwindSafe(|| ((*task).handler)(EventRef::new(event))));
    let flow = result.unwrap_or_else(|panic| {
        (*task).panic.borrow_mut().get_or_insert(panic);
        ControlFlow::Break(())
    });
    if is_last {
        (*task).chat.pointer.set(ptr::null_mut());
        let task = Box::from_raw(task);
        let panic = task.panic.clone();
        // What the handler owns may panic, too, when it is dropped.
        if let Err(thrown) = catch_unwind(AssertUnwindSafe(|| drop(task))) {
            panic.borrow_mut().get_or_insert(thrown);
        }
    }
    flow.is_break().into()
}

impl<'a> Loop<'a> {
    /// Creates a loop for exchanges of one client.
    pub fn new(client: &Client) -> Result<Self> {
        let pointer = NonNull::new(unsafe { tw_loop_create(client.client.as_ptr()) })
            .ok_or_else(|| Error::new(Status::Network, text::last_error()))?;
        let waker = Waker { pointer: Arc::new(Mutex::new(LoopPointer(pointer.as_ptr()))) };
        Ok(Self { pointer, waker, panic: Panic::default(), _handlers: PhantomData })
    }

    /// Starts a streamed exchange. No handler runs before the next `poll`.
    pub fn start(
        &self,
        request: &Request,
        handler: impl FnMut(EventRef<'_>) -> ControlFlow<()> + 'a,
    ) -> Result<Chat> {
        let request = request.request.as_ptr();
        self.start_by(Box::new(handler), |pointer, task| unsafe {
            tw_loop_start(pointer, request, Some(deliver), task)
        })
    }

    /// Starts an exchange that is not streamed.
    pub fn start_unstreamed(
        &self,
        request: &Request,
        handler: impl FnMut(EventRef<'_>) -> ControlFlow<()> + 'a,
    ) -> Result<Chat> {
        let request = request.request.as_ptr();
        self.start_by(Box::new(handler), |pointer, task| unsafe {
            tw_loop_start_unstreamed(pointer, request, Some(deliver), task)
        })
    }

    /// Starts an exchange that requests the list of models.
    pub fn start_models(
        &self,
        handler: impl FnMut(EventRef<'_>) -> ControlFlow<()> + 'a,
    ) -> Result<Chat> {
        self.start_by(Box::new(handler), |pointer, task| unsafe {
            tw_loop_start_models(pointer, Some(deliver), task)
        })
    }

    fn start_by(
        &self,
        handler: Handler<'a>,
        start: impl FnOnce(*mut tw_loop, *mut c_void) -> *mut tw_chat,
    ) -> Result<Chat> {
        let chat = Chat { pointer: Rc::new(Cell::new(ptr::null_mut())) };
        let task = Task { handler, chat: chat.clone(), panic: self.panic.clone() };
        let task = Box::into_raw(Box::new(task));
        let started = start(self.pointer.as_ptr(), task.cast());
        if started.is_null() {
            // No callback runs.
            drop(unsafe { Box::from_raw(task) });
            return Err(Error::new(Status::Misuse, text::last_error()));
        }
        chat.pointer.set(started);
        Ok(chat)
    }

    /// Delivers events; returns their number. None: waits as long as it takes.
    pub fn poll(&self, timeout: Option<Duration>) -> Result<usize> {
        let count = unsafe { tw_loop_poll(self.pointer.as_ptr(), milliseconds(timeout)) };
        let panic = self.panic.borrow_mut().take();
        if let Some(panic) = panic {
            resume_unwind(panic);
        }
        usize::try_from(count).map_err(|_| Error::new(Status::new(-count), text::last_error()))
    }

    /// Polls until no exchange is left.
    pub fn run(&self) -> Result<()> {
        while self.active() > 0 {
            self.poll(None)?;
        }
        Ok(())
    }

    /// A descriptor that is readable whenever `poll` has work. Do not read or close it.
    pub fn fd(&self) -> std::os::unix::io::RawFd {
        unsafe { tw_loop_fd(self.pointer.as_ptr()) }
    }

    /// Wakes the loop from other threads.
    pub fn waker(&self) -> Waker {
        self.waker.clone()
    }

    /// The number of exchanges that have not ended.
    pub fn active(&self) -> usize {
        unsafe { tw_loop_active(self.pointer.as_ptr()) }
    }

    /// Sets a limit.
    pub fn set_limit(&self, which: LoopLimit, number: i64) -> Result<()> {
        match unsafe { tw_loop_set_limit(self.pointer.as_ptr(), which as c_int, number) } {
            TW_OK => Ok(()),
            status => Err(Error::new(Status::new(status), text::last_error())),
        }
    }
}

impl Drop for Loop<'_> {
    /// Delivers the last events. A panic of a handler is dropped: the thread may be panicking.
    fn drop(&mut self) {
        self.waker.lock().0 = ptr::null_mut();
        unsafe { tw_loop_destroy(self.pointer.as_ptr()) }
    }
}
