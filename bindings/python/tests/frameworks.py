"""The event loops that the tests of AsyncClient run in, with one interface."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Awaitable, Coroutine
from typing import Any, Callable, TypeVar, Union

import pytest
import trio
import uvloop

_T = TypeVar("_T")
AsyncFunction = Callable[[], Coroutine[Any, Any, _T]]


class Asyncio:
    """asyncio with its own event loop."""

    new_event_loop: Callable[[], asyncio.AbstractEventLoop] = staticmethod(asyncio.new_event_loop)

    def run(self, main: AsyncFunction[_T]) -> _T:
        if sys.version_info >= (3, 11):
            with asyncio.Runner(loop_factory=self.new_event_loop) as runner:
                return runner.run(main())
        else:
            with contextlib.closing(self.new_event_loop()) as loop:
                result = loop.run_until_complete(main())
                loop.run_until_complete(loop.shutdown_asyncgens())
                return result

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def run_all(self, *functions: AsyncFunction[_T]) -> list[_T]:
        """Runs the functions concurrently and returns their results."""
        return list(await asyncio.gather(*(function() for function in functions)))

    async def cancel_when(
        self, condition: Callable[[], bool], function: AsyncFunction[object]
    ) -> None:
        """Runs the function in a task and cancels it as soon as the condition is met."""
        task = asyncio.create_task(function())
        while not condition():
            await asyncio.sleep(0.001)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()


class Uvloop(Asyncio):
    """asyncio with the event loop of uvloop."""

    new_event_loop = staticmethod(uvloop.new_event_loop)


class Trio:
    """trio."""

    def run(self, main: AsyncFunction[_T]) -> _T:
        return trio.run(main)

    async def sleep(self, seconds: float) -> None:
        await trio.sleep(seconds)

    async def run_all(self, *functions: AsyncFunction[_T]) -> list[_T]:
        """Runs the functions concurrently and returns their results."""
        results: dict[int, _T] = {}

        async def run(index: int, function: Callable[[], Awaitable[_T]]) -> None:
            results[index] = await function()

        async with trio.open_nursery() as nursery:
            for index, function in enumerate(functions):
                nursery.start_soon(run, index, function)
        return [results[index] for index in range(len(functions))]

    async def cancel_when(
        self, condition: Callable[[], bool], function: AsyncFunction[object]
    ) -> None:
        """Runs the function in a task and cancels it as soon as the condition is met."""

        async def run() -> None:
            with scope:
                await function()

        scope = trio.CancelScope()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(run)
            while not condition():
                await trio.sleep(0.001)
            scope.cancel()
        assert scope.cancelled_caught


Framework = Union[Asyncio, Trio]

FRAMEWORKS: dict[str, Framework] = {"asyncio": Asyncio(), "uvloop": Uvloop(), "trio": Trio()}

#: The fast tests use only the event loop of asyncio.
PARAMETERS = [
    pytest.param(name, marks=() if name == "asyncio" else pytest.mark.slow) for name in FRAMEWORKS
]
