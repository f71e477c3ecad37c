"""Many exchanges on one thread: a tw_loop, driven by an event loop."""

from __future__ import annotations

import ctypes
import functools
import itertools
import sys
import threading
import weakref
from collections import deque
from collections.abc import Mapping
from ctypes import CDLL, CFUNCTYPE, PYFUNCTYPE, c_int, c_void_p
from typing import Any, Callable, Optional

from . import _abi, _fork
from ._abi import TW_EVENT_DONE, tw_event
from ._enums import LoopLimit
from ._event_loop import EventLoop, Waiter
from ._handle import check, failures, last_error, taken_failure
from ._tracing import Span
from .errors import MisuseError
from .events import Event, event_of
from .options import Options
from .reply import Reply

#: The number of events in the queue of an exchange at which it is paused, so that TCP flow control
#: holds the server back. It is resumed when a quarter of them is left.
HIGH_WATER = 64

_CONTINUE, _CANCEL = 0, 1

#: tw_event_fn with an address as second parameter. Creating a POINTER would double its cost.
_Callback = CFUNCTYPE(c_int, c_void_p, c_void_p)


class Functions:
    """The functions of a loop, which keep the GIL.

    None of them waits. If they released it, each callback would have to acquire it again, which
    takes up to 5 ms if another thread is computing.
    """

    def __init__(self, library: CDLL) -> None:
        def function(name: str) -> Callable[..., Any]:
            result, parameters = _abi.FUNCTIONS[name]
            return PYFUNCTYPE(result, *parameters)((name, library))

        self.poll = function("tw_loop_poll")
        self.start = {
            name: function(name)
            for name in ("tw_loop_start", "tw_loop_start_unstreamed", "tw_loop_start_models")
        }
        self.destroy = function("tw_loop_destroy")
        self.cancel = function("tw_chat_cancel")
        self.pause = function("tw_chat_pause")
        self.resume = function("tw_chat_resume")
        self.retain = function("tw_reply_retain")


_functions_of = functools.cache(Functions)


class Exchange:
    """An exchange in progress: its events are received in a queue, from which one task takes them.

    Except for cancel(), it is used on the thread of its event loop.
    """

    __slots__ = (
        "events",
        "reply",
        "failure",
        "span",
        "is_paused",
        "high_water",
        "_discards",
        "_loop",
        "_event_loop",
        "_library",
        "_functions",
        "_lock",
        "_generation",
        "_chat",
        "_waiter",
        "_source",
        "_source_address",
    )

    def __init__(self, loop: Loop) -> None:
        self.events: deque[Event] = deque()
        #: The result, after the end of the exchange.
        self.reply: Optional[Reply] = None
        #: The exception that ended the exchange, in place of the error of the reply.
        self.failure: Optional[BaseException] = None
        #: The trace of the exchange, if the program records one.
        self.span: Optional[Span] = None
        self.is_paused = False
        self.high_water = HIGH_WATER
        self._discards = False
        # Only the event loop owns the loop, see Loop.
        self._loop = weakref.ref(loop)
        self._event_loop = loop.event_loop
        self._library = loop.library
        self._functions = loop.functions
        self._lock = loop.lock
        self._generation = _fork.generation
        self._chat: Optional[int] = None
        self._waiter: Optional[Waiter] = None
        self._source: tw_event
        self._source_address: Optional[int] = None

    def attach(self, chat: int) -> None:
        """Sets the library's chat, which is valid until the exchange ends."""
        self._chat = chat

    @property
    def has_ended(self) -> bool:
        return self._chat is None

    def wait(self) -> Waiter:
        """Returns an object to await: it is done when an event is received, or at the end.

        If the task is interrupted while it waits, it must call interrupt().
        """
        if self._generation != _fork.generation or not self._event_loop.is_current():
            raise MisuseError("the stream belongs to another event loop, or to a parent process")
        if self._waiter is not None and not self._waiter.done():
            raise MisuseError("another task is waiting for the next event of this stream")
        waiter = self._waiter = self._event_loop.create_waiter()
        return waiter

    def interrupt(self) -> None:
        """Ends the exchange because its task was cancelled while it waited."""
        self._waiter = None
        self.close()

    def resume(self) -> None:
        """Continues a paused exchange, if few enough events are left."""
        if len(self.events) <= self.high_water // 4:
            self.is_paused = False
            self._functions.resume(self._chat)

    def discard(self) -> None:
        """Deletes all events, including those that are received later."""
        self._discards = True
        self.events.clear()
        if self.is_paused:
            self.resume()

    def cancel(self) -> None:
        """Cancels the exchange, which ends when the event loop continues. From any thread."""
        if self._generation == _fork.generation:
            with self._lock:
                if self._chat is not None:
                    self._functions.cancel(self._chat)

    def close(self) -> None:
        """Cancels the exchange. It ends at once, unless this is a callback."""
        self.cancel()
        loop = self._loop()
        if loop is not None and self._event_loop.is_current():
            while self._chat is not None and loop.poll() > 0:
                pass

    def receive(self, address: int) -> None:
        """Stores a borrowed event and wakes the task that waits for it."""
        # The library reuses one struct, so the ctypes view of it rarely needs to be recreated.
        if address != self._source_address:
            self._source, self._source_address = tw_event.from_address(address), address
        source = self._source
        if source.kind == TW_EVENT_DONE:
            self.end(Reply(self._library, self._functions.retain(source.reply)))
            return
        event = None if self._discards else event_of(source)
        if event is None:
            return
        events = self.events
        events.append(event)
        if len(events) >= self.high_water and not self.is_paused:
            self.is_paused = True
            self._functions.pause(self._chat)
        if self._waiter is not None:
            self._wake()

    def end(self, reply: Optional[Reply]) -> None:
        """Stores the result and wakes the task that waits for it."""
        self.reply = reply
        self._chat = None
        if self.span is not None:
            self.span.end(reply)
        self._wake()

    def forget_waiter(self) -> None:
        """Prevents the use of a waiter whose event loop is closed."""
        self._waiter = None

    def _wake(self) -> None:
        waiter = self._waiter
        if waiter is not None:
            # It is done if its task has just been cancelled.
            if not waiter.done():
                waiter.set_result(None)
            # Not earlier, because a signal handler may interrupt this function.
            self._waiter = None


class Inbox:
    """The exchanges of a loop by number, and the callback through which they receive events."""

    __slots__ = ("exchanges", "received", "failure")

    def __init__(self) -> None:
        self.exchanges: dict[int, Exchange] = {}
        #: The number of events received by deliver().
        self.received = 0
        #: The first exception that was raised in deliver().
        self.failure: Optional[BaseException] = None

    def deliver(self, number: int, address: int) -> int:
        try:
            self.received += 1
            exchange = self.exchanges.get(number)
            if exchange is None:
                # A signal handler has interrupted start().
                return _CANCEL
            # Most lines of the log are written just before an event of the same exchange.
            if failures:
                exchange.failure = exchange.failure or taken_failure()
            exchange.receive(address)
            if exchange.reply is not None:
                del self.exchanges[number]
            return _CONTINUE if exchange.failure is None else _CANCEL
        except BaseException as error:
            # An exception cannot pass through C.
            self.failure = self.failure or error
            return _CANCEL


class Loop:
    """A tw_loop in an event loop.

    The event loop owns it, and nothing else does: it is destroyed when the event loop closes, when
    its client is closed, and when a callback raises an exception. Then its exchanges end.
    """

    # Defined on the class because __del__ also runs if __init__ did not complete.
    _address: Optional[int] = None

    def __init__(
        self,
        library: CDLL,
        client: int,
        options: Options,
        event_loop: EventLoop,
        limits: Mapping[LoopLimit, int],
    ) -> None:
        self.library = library
        self.functions = _functions_of(library)
        self.event_loop = event_loop
        # Reentrant because a signal handler or a finalizer may run on the thread that holds it.
        self.lock = threading.RLock()
        # The options own the log function, which must live as long as the exchanges.
        self._options = options
        self._generation = _fork.generation
        self._is_polling = False
        # C receives a number as user data, never the address of an object.
        self._numbers = itertools.count(1)
        self._inbox = Inbox()
        self._callback = _Callback(self._inbox.deliver)
        self._event_fn = ctypes.cast(self._callback, _abi.tw_event_fn)
        self._address = library.tw_loop_create(client)
        if self._address is None:
            raise MisuseError(last_error(library))
        self._descriptor: int = library.tw_loop_fd(self._address)
        for limit, number in limits.items():
            check(library, library.tw_loop_set_limit(self._address, limit, number))
        event_loop.watch(self._descriptor, self)

    @property
    def is_open(self) -> bool:
        return self._address is not None and self._generation == _fork.generation

    def start(self, function: str, *arguments: Optional[int]) -> Exchange:
        """Begins an exchange with one of the functions of Functions.start."""
        exchange, number = Exchange(self), next(self._numbers)
        start = self.functions.start[function]
        chat = start(self._address, *arguments, self._event_fn, number)
        if chat is None:
            raise MisuseError(last_error(self.library))
        exchange.attach(chat)
        self._inbox.exchanges[number] = exchange
        return exchange

    def poll(self) -> int:
        """Delivers what is ready, and returns the number of events. Does nothing in a callback.

        Raises an exception only if a signal handler raised it, such as KeyboardInterrupt, or if the
        library returns an error. The streams of all exchanges raise it, too.
        """
        if self._is_polling or self._address is None:
            return 0
        inbox = self._inbox
        # The lock protects cancel(), on another thread, from the end of its exchange.
        with self.lock:
            received = inbox.received
            self._is_polling = True
            try:
                delivered: int = self.functions.poll(self._address, 0)
            finally:
                self._is_polling = False
            if delivered != inbox.received - received or inbox.failure:
                self._fail(delivered)
        return delivered

    def close(self) -> None:
        """Destroys the loop: at once, or, from another event loop, soon. From any thread."""
        if self.event_loop.is_current() and not self._is_polling:
            self.destroy()
        else:
            self.close_soon()

    def close_soon(self) -> None:
        """Makes the event loop destroy the loop. From any thread, and in a callback."""
        if self.is_open and not sys.is_finalizing():
            self.event_loop.call_soon_threadsafe(self.destroy)

    def destroy(self) -> None:
        """Destroys the loop and ends its exchanges. In its event loop, or when that has ended."""
        if not self.is_open:
            return
        address, self._address = self._address, None
        self.event_loop.unwatch(self._descriptor)
        exchanges = self._inbox.exchanges
        if self.event_loop.is_closed():
            for exchange in exchanges.values():
                exchange.forget_waiter()
        with self.lock:
            self.functions.destroy(address)
            for exchange in exchanges.values():
                exchange.end(None)
            exchanges.clear()

    def __del__(self) -> None:
        # A callback cannot run while the interpreter exits.
        if not sys.is_finalizing():
            self.destroy()

    def _fail(self, delivered: int) -> None:
        """Ends all exchanges, because an event was lost or the library returned an error."""
        failure = self._inbox.failure
        if failure is None and delivered < 0:
            failure = MisuseError(last_error(self.library))
        if failure is None:
            # deliver() was interrupted before its first statement, so by a signal handler. The
            # exception is lost, but Python has printed it.
            failure = KeyboardInterrupt("a signal interrupted the delivery of an event")
        for exchange in self._inbox.exchanges.values():
            exchange.failure = failure
        self.destroy()
        raise failure
