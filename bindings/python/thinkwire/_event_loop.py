"""What the package needs from an event loop, and which event loop is running.

`_asyncio.py` and `_trio.py` implement it, one class for each framework. A framework is not imported
before the program itself has imported it.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Generator
from typing import Any, Callable, Protocol

from .errors import MisuseError


class Waiter(Protocol):
    """An object that one task awaits until set_result() is called, such as an asyncio.Future."""

    def done(self) -> bool: ...

    def set_result(self, result: None, /) -> object: ...

    def __await__(self) -> Generator[Any, Any, None]: ...


class Pollable(Protocol):
    """What an event loop drives and owns."""

    @property
    def is_open(self) -> bool: ...

    def poll(self) -> int: ...

    def destroy(self) -> None: ...


class EventLoop(Protocol):
    """An event loop. Except for call_soon_threadsafe, it is used on its own thread."""

    def watch(self, descriptor: int, pollable: Pollable) -> None:
        """Calls poll() whenever the descriptor is readable.

        The event loop owns the object. When the event loop closes, it destroys the object or
        deletes its reference to it.
        """

    def unwatch(self, descriptor: int) -> None:
        """Undoes watch(). The caller closes the descriptor afterwards."""

    def create_waiter(self) -> Waiter: ...

    def is_current(self) -> bool:
        """Whether the caller runs in this event loop."""

    def is_closed(self) -> bool: ...

    def call_soon_threadsafe(self, function: Callable[[], object]) -> None:
        """Calls the function in the event loop, unless that has ended. From any thread."""


def running_event_loop() -> tuple[str, object]:
    """Returns the name of the running framework, and the object with which it identifies its loop.

    Raises MisuseError if no event loop is running on this thread.
    """
    # With trio in guest mode, a thread has a running event loop of asyncio, too.
    trio = sys.modules.get("trio")
    if trio is not None:
        with contextlib.suppress(RuntimeError):
            trio.lowlevel.current_task()
            return "trio", trio.lowlevel.current_trio_token()
    asyncio = sys.modules.get("asyncio")
    if asyncio is not None:
        with contextlib.suppress(RuntimeError):
            return "asyncio", asyncio.get_running_loop()
    raise MisuseError("no event loop is running: use AsyncClient in a coroutine, or use Client")


def interface_of(framework: str) -> EventLoop:
    """Returns the interface to the running event loop of a framework."""
    if framework == "trio":
        from ._trio import TrioEventLoop

        return TrioEventLoop()
    from ._asyncio import AsyncioEventLoop

    return AsyncioEventLoop()
