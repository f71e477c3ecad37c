"""The event loop of asyncio, and every other one with its interface, such as uvloop."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
from typing import Callable

from ._event_loop import Pollable


class AsyncioEventLoop:
    """The running event loop."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.create_waiter: Callable[[], asyncio.Future[None]] = self._loop.create_future

    def watch(self, descriptor: int, pollable: Pollable) -> None:
        # The reader keeps a copy of the current context, and with it everything that the first task
        # has stored there. An empty context prevents this.
        contextvars.Context().run(self._loop.add_reader, descriptor, pollable.poll)

    def unwatch(self, descriptor: int) -> None:
        if not self._loop.is_closed():
            self._loop.remove_reader(descriptor)

    def is_current(self) -> bool:
        try:
            return asyncio.get_running_loop() is self._loop
        except RuntimeError:
            return False

    def is_closed(self) -> bool:
        return self._loop.is_closed()

    def call_soon_threadsafe(self, function: Callable[[], object]) -> None:
        # RuntimeError: the event loop is closed.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(function, context=contextvars.Context())
