"""The event loop of trio."""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from typing import Any, Callable

import trio

from ._event_loop import Pollable


class TrioEventLoop:
    """The running call of trio.run."""

    def __init__(self) -> None:
        self._token = trio.lowlevel.current_trio_token()

    def watch(self, descriptor: int, pollable: Pollable) -> None:
        trio.lowlevel.spawn_system_task(self._drive, descriptor, pollable)

    async def _drive(self, descriptor: int, pollable: Pollable) -> None:
        # trio cancels its system tasks after the main task has ended.
        try:
            while pollable.is_open:
                await trio.lowlevel.wait_readable(descriptor)
                # An exception would end trio.run with an internal error. The streams raise it.
                with contextlib.suppress(BaseException):
                    pollable.poll()
        except trio.ClosedResourceError:
            pass
        finally:
            pollable.destroy()

    def unwatch(self, descriptor: int) -> None:
        if self.is_current():
            trio.lowlevel.notify_closing(descriptor)

    def create_waiter(self) -> TrioWaiter:
        return TrioWaiter()

    def is_current(self) -> bool:
        try:
            return trio.lowlevel.current_trio_token() is self._token
        except RuntimeError:
            return False

    def is_closed(self) -> bool:
        return False

    def call_soon_threadsafe(self, function: Callable[[], object]) -> None:
        with contextlib.suppress(trio.RunFinishedError):
            self._token.run_sync_soon(function)


class TrioWaiter:
    """The part of asyncio.Future that the package uses."""

    __slots__ = ("_event",)

    def __init__(self) -> None:
        self._event = trio.Event()

    def done(self) -> bool:
        return self._event.is_set()

    def set_result(self, result: None, /) -> None:
        self._event.set()

    def __await__(self) -> Generator[Any, Any, None]:
        return self._event.wait().__await__()
