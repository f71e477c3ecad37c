"""One exchange under way, pulled from event by event."""

from __future__ import annotations

import threading
from ctypes import CDLL, byref, c_void_p, string_at
from types import TracebackType
from typing import Callable, Iterator, Optional

from . import _fork, _log
from ._abi import Next, Status, tw_event
from ._handle import Single, text
from .errors import MisuseError, error_of
from .events import KINDS, Event, EventKind
from .options import Options
from .reply import Reply, usage_of

# Python runs signal handlers in its main thread, and only between two of its instructions: there, a wait in C is cut into slices
# of this many milliseconds so that Ctrl-C is heard, and wherever a log function may raise. Any other wait is as long as it takes.
_SLICE_MS = 50
_FOR_EVER = -1

_EVENT, _END = int(Next.EVENT), int(Next.END)
_TOOL_CALL, _USAGE, _RETRY = EventKind.TOOL_CALL, EventKind.USAGE, EventKind.RETRY

#: Receives an event. False cancels the exchange; None, or anything else, goes on.
OnEvent = Callable[[Event], object]


class Stream(Single):
    """The events of one exchange, as they come; at the end, its `reply`.

        with client.stream("alibaba/qwen3-32b", "Hello") as stream:
            for event in stream:
                print(event.kind, event.text)
        print(stream.reply.usage)

    Leaving the `with` early cancels the exchange. So does losing the last reference to it, as after a `break` out of
    `for event in client.stream(…)`; but only `with` does it at once on every Python.

    When the exchange fails, the iteration raises the error after it has given every event that had come.
    One thread at a time may iterate; any thread may cancel() or close().
    """

    # A stream that was never wholly made still has a __del__.
    _chat: Optional[int] = None

    def __init__(self, library: CDLL, chat: int, options: Options) -> None:
        self._library = library
        self._next = library.tw_chat_next
        self._options = (
            options  # They keep the log function, which is to live as long as the exchange.
        )
        self._generation = _fork.generation
        self._chat = chat
        self._reply: Optional[Reply] = None
        self._error_told = False
        self._found = c_void_p()
        self._found_out = byref(self._found)
        self._thread: Optional[int] = None  # Whose wait _timeout is.
        self._timeout = _SLICE_MS
        self._event = tw_event()
        self._event_address: Optional[int] = None
        # Re-entrant, because a log function, a signal handler or a finalizer may come in on the thread that holds them.
        self._pulling = threading.RLock()
        self._pulls = False
        self._guard = threading.RLock()

    def __iter__(self) -> Iterator[Event]:
        return self

    def __next__(self) -> Event:
        event = self._pull()
        if event is None:
            raise StopIteration
        return event

    def finish(self) -> Reply:
        """Waits for the end of the exchange without looking at its events, and gives the reply."""
        while self._pull() is not None:
            pass
        return self.reply

    def run(self, on_event: OnEvent) -> Reply:
        """Calls the function for every event to come, and gives the reply.

        A function that returns False cancels the exchange: then the reply, with Status.CANCELLED, is given all the same. What it
        raises cancels as well, and comes out here.
        """
        with self:
            for event in self:
                if on_event(event) is False:
                    break
        return self.reply

    @property
    def reply(self) -> Reply:
        """How it ended, and all that came. MisuseError while it has not ended."""
        if self._reply is None:
            raise MisuseError(
                "the exchange is not over: iterate to its end, finish() it or close() it, then look at its reply"
            )
        return self._reply

    def cancel(self) -> None:
        """Ends the exchange as soon as it can; an iteration on another thread raises CancelledError. From any thread."""
        if self._generation != _fork.generation:
            return
        with self._guard:
            if self._chat is not None:
                self._library.tw_chat_cancel(self._chat)

    def close(self) -> None:
        """Lets go of the exchange: cancelled, if it is not over. From any thread, and any number of times.

        From a signal handler that interrupts an iteration, the reply is there when that goes on.
        """
        if (
            self._generation != _fork.generation
        ):  # The connection is the parent's, and a lock may look as if somebody held it.
            return
        self.cancel()
        with self._pulling:
            if not self._pulls:  # Else this thread has been interrupted in _pull, which may still be reading what is the chat's.
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

    def _pull(self) -> Optional[Event]:
        """Waits for the next event and copies it; None at the end. An exchange that failed raises its error there, once."""
        if self._generation != _fork.generation:
            raise MisuseError("the exchange belongs to the process that this one was forked from")
        with self._pulling:
            if self._pulls:
                raise MisuseError(
                    "the stream is being iterated already, by what this call has interrupted"
                )
            self._pulls = True
            try:
                while self._chat is not None and self._wait() == _EVENT:
                    event = self._take()
                    if event is not None:
                        return event
                self._end()
            except BaseException:
                self._end()
                raise
            finally:
                self._pulls = False
            if self.reply.status is not Status.OK and not self._error_told:
                self._error_told = True
                raise error_of(self.reply)
            return None

    def _wait(self) -> int:
        thread = threading.get_ident()
        if thread != self._thread:
            sliced = (
                self._options.log_number is not None
                or threading.current_thread() is threading.main_thread()
            )
            self._thread, self._timeout = thread, _SLICE_MS if sliced else _FOR_EVER
        while True:
            found: int = self._next(self._chat, self._found_out, self._timeout)
            if _log.failures:
                _log.raise_failure()
            if found == _EVENT or found == _END:
                return found

    def _take(self) -> Optional[Event]:
        """A copy of the event just found; None for a kind that a later library has and this package does not know."""
        address = self._found.value
        if (
            address != self._event_address
        ):  # The library reuses one struct, so that looking at it anew is rarely needed.
            assert address is not None
            self._event, self._event_address = tw_event.from_address(address), address
        found = self._event
        kind = KINDS.get(found.kind)
        if kind is None:
            return None
        event = Event(
            kind,
            string_at(found.text, found.text_len).decode("utf-8", "replace"),
            found.choice,
            string_at(found.raw, found.raw_len) if found.raw else b"",
        )
        if kind is _TOOL_CALL:
            event.tool_index = found.tool_index
            event.tool_id = text(found.tool_id)
            event.tool_name = text(found.tool_name)
        elif kind is _USAGE and found.usage:
            event.usage = usage_of(found.usage.contents)
        elif kind is _RETRY:
            event.attempt, event.status, event.wait = (
                found.attempt,
                Status(found.status),
                found.wait_ms / 1000,
            )
        return event

    def _end(self) -> None:
        """Closes the chat, if it is open, and keeps its reply."""
        with self._guard:
            chat, self._chat = self._chat, None
        if chat is None:
            return
        self._reply = Reply(self._library, self._library.tw_chat_close(chat))
        if _log.failures:
            _log.raise_failure()
