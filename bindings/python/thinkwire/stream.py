"""A running exchange whose events are pulled one at a time."""

from __future__ import annotations

import sys
from ctypes import CDLL, byref, c_void_p

from . import _fork
from ._abi import TW_NEXT_END, TW_NEXT_EVENT, tw_batch
from ._handle import NotCopyable, failures, raise_failure
from ._typing import TYPE_CHECKING, Callable, Optional
from .errors import MisuseError, error_of
from .event_batch import Arrived, EventBatch, batch_of
from .events import Event
from .options import Options
from .reply import Reply

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from ._tracing import Span

# Python runs signal handlers on the main thread only, between two bytecode instructions. A wait in
# C on that thread is therefore split into waits of this many milliseconds, so that Ctrl-C takes
# effect. The same applies to every thread if a log function, which may raise, is set. Other waits
# are not split.
_SLICE_MS = 50
_UNLIMITED = -1

#: Receives an event. False cancels the exchange; None or any other value continues it.
OnEvent = Callable[[Event], object]


class BaseStream(NotCopyable):
    """The result of an exchange."""

    _error_raised = False

    @property
    def reply(self) -> Reply:
        """The result of the exchange. Raises MisuseError if the exchange has not ended."""
        reply = self._result()
        if reply is None:
            raise MisuseError(
                "the exchange has not ended: iterate to its end, or call finish() or "
                f"{self._close_function}(), before reading its reply"
            )
        return reply

    #: The name of the function that ends the exchange.
    _close_function = "close"

    def _result(self) -> Optional[Reply]:
        """Returns the reply, or None if the exchange has not ended."""
        raise NotImplementedError

    def _raise_error(self) -> None:
        """Raises the error of a failed exchange, once."""
        if not self.reply._is_ok and not self._error_raised:
            self._error_raised = True
            raise error_of(self.reply)


class Stream(BaseStream):
    """Iterator over the events of one exchange. `reply` is available after the last event.

        with client.stream("alibaba/qwen3-32b", "Hello") as stream:
            for event in stream:
                print(event.kind, event.text)
        print(stream.reply.usage)

    Leaving the `with` block early cancels the exchange. So does deleting the last reference to the
    stream, as after a `break` out of `for event in client.stream(…)`, but only `with` does it
    immediately in every Python implementation.

    If the exchange fails, the iteration raises the error after the events received before it.
    Only one thread at a time may iterate. Any thread may call cancel() or close().
    """

    # Defined on the class because __del__ also runs if __init__ did not complete.
    _chat: Optional[int] = None

    def __init__(self, library: CDLL, chat: int, options: Options) -> None:
        self._library = library
        self._next = library.tw_chat_next_batch
        # The options own the log function, which must live as long as the exchange.
        self._options = options
        self._generation = _fork.generation
        self._chat = chat
        self.span: Optional[Span] = None
        self._reply: Optional[Reply] = None
        #: The events that were received and not taken yet, and what they are created from.
        self._arrived: Optional[Arrived] = None
        self._pending: Iterator[Event] = iter(())
        self._batch_out = c_void_p()
        self._batch_out_pointer = byref(self._batch_out)
        # The thread for which _timeout was computed.
        self._thread: Optional[int] = None
        self._timeout = _SLICE_MS
        # The locks are reentrant because a log function, a signal handler or a finalizer may run on
        # the thread that holds them.
        self._iteration_lock = _fork.RLock()
        self._is_iterating = False
        #: The events that arrive from now on are not copied.
        self._discards = False
        self._chat_lock = _fork.RLock()

    def __iter__(self) -> Iterator[Event]:
        # A generator takes a quarter of the time that __next__ takes.
        while True:
            try:
                # It continues after an iteration that was left, because it cannot be closed.
                yield from self._pending
            except GeneratorExit:
                raise
            except BaseException:
                # A signal handler has raised an exception, and an event may be lost.
                self.close()
                raise
            if not self._receive():
                return

    def __next__(self) -> Event:
        for event in self:
            return event
        raise StopIteration

    def batches(self) -> Iterator[EventBatch]:
        """Iterates over the events in batches, each of which contains all that have arrived.

        This is several times as fast as to take one event at a time, if they arrive fast.
        """
        events = list(self._pending)
        if events:
            yield batch_of(events)
        while (arrived := self._pull()) is not None:
            yield arrived.batch()

    def finish(self) -> Reply:
        """Discards the remaining events, waits for the end and returns the reply."""
        self._discard()
        self._pull()
        return self.reply

    def run(self, on_event: OnEvent) -> Reply:
        """Calls the function for every remaining event and returns the reply.

        If the function returns False, the exchange is cancelled and the reply, with
        Status.CANCELLED, is returned. If it raises, the exchange is cancelled and the exception is
        raised here.
        """
        with self:
            for event in self:
                if on_event(event) is False:
                    break
        return self.reply

    def cancel(self) -> None:
        """Cancels the exchange. An iteration on another thread raises CancelledError.

        May be called from any thread.
        """
        if self._generation != _fork.generation:
            return
        with self._chat_lock:
            self._discard()
            if self._chat is not None:
                self._library.tw_chat_cancel(self._chat)

    def close(self) -> None:
        """Ends the exchange and frees its resources. Cancels it if it has not ended.

        May be called from any thread and more than once. If a signal handler calls it during an
        iteration, the reply is available after that iteration continues.
        """
        if self._generation != _fork.generation:
            # The parent owns the connection, and one of its threads may have held a lock.
            return
        self.cancel()
        with self._iteration_lock:
            # If _pull is active, this thread interrupted it, and it may still read the event.
            if not self._is_iterating:
                self._end()

    def __enter__(self) -> Stream:
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        self.close()

    def __del__(self) -> None:
        if self._chat is not None:
            self.close()

    def _result(self) -> Optional[Reply]:
        return self._reply

    def _discard(self) -> None:
        """Discards the events that were not taken, and those that arrive from now on."""
        self._discards = True
        if self._arrived is not None:
            self._arrived.discard()

    def _receive(self) -> bool:
        """Waits for events, which are pending afterwards. False at the end of the exchange."""
        self._arrived = self._pull()
        if self._arrived is None:
            return False
        self._pending = self._arrived.events()
        return True

    def _pull(self) -> Optional[Arrived]:
        """Waits for events and copies them. Returns None at the end of the exchange.

        Raises the error of a failed exchange once, in place of the first None.
        """
        if self._generation != _fork.generation:
            raise MisuseError("the stream belongs to the process that this one was forked from")
        with self._iteration_lock:
            if self._is_iterating:
                raise MisuseError("the stream is already iterated by the code that was interrupted")
            self._is_iterating = True
            try:
                while self._chat is not None and self._wait() == TW_NEXT_EVENT:
                    arrived = None if self._discards else self._copy_batch()
                    # Another thread may have cancelled the exchange meanwhile.
                    if not self._discards:
                        return arrived
                self._end()
            except BaseException:
                self._end()
                raise
            finally:
                self._is_iterating = False
            self._raise_error()
            return None

    def _wait(self) -> int:
        """Waits for events or the end, and returns which of them occurred."""
        thread = _fork.get_ident()
        if thread != self._thread:
            # Other threads are then those of C, if any.
            threading = sys.modules.get("threading")
            sliced = (
                self._options.log_number is not None
                or threading is None
                or threading.current_thread() is threading.main_thread()
            )
            self._thread, self._timeout = thread, _SLICE_MS if sliced else _UNLIMITED
        while True:
            result: int = self._next(self._chat, self._batch_out_pointer, self._timeout)
            if failures:
                raise_failure()
            if result == TW_NEXT_EVENT or result == TW_NEXT_END:
                return result

    def _copy_batch(self) -> Arrived:
        address = self._batch_out.value
        assert address is not None
        return Arrived(tw_batch.from_address(address))

    def _end(self) -> None:
        """Closes the chat, if it is open, and stores its reply."""
        with self._chat_lock:
            chat, self._chat = self._chat, None
        if chat is None:
            return
        self._reply = Reply(self._library, self._library.tw_chat_close(chat))
        if self.span is not None:
            self.span.end(self._reply)
        if failures:
            raise_failure()
