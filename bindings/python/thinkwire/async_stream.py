"""A running exchange whose events are awaited one at a time."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator
from types import TracebackType
from typing import TYPE_CHECKING, Optional

from ._loop import Exchange
from ._request import Request
from .errors import MisuseError
from .events import Event
from .reply import Reply
from .stream import BaseStream, OnEvent

if TYPE_CHECKING:
    from .async_client import AsyncClient


class AsyncStream(BaseStream):
    """Asynchronous iterator over the events of one exchange, otherwise like Stream.

        async with client.stream("alibaba/qwen3-32b", "Hello") as stream:
            async for event in stream:
                print(event.kind, event.text)
        print(stream.reply.usage)

    The request is sent when the `async with` block or the iteration begins. The exchange is
    cancelled when the `async with` block is left early, when a task is cancelled that waits for an
    event, and when the last reference to the stream is deleted. It never needs to be awaited for
    that.

    Events are received in advance. If many of them have not been taken, nothing more is read from
    the connection, so that the server is held back. A stream that is left early has the status OK
    if the rest of the answer had been received. Only one task at a time may iterate.
    """

    _close_function = "aclose"

    # Defined on the class because __del__ also runs if __init__ did not complete.
    _exchange: Optional[Exchange] = None

    def __init__(self, client: AsyncClient, function: str, *requests: Request) -> None:
        # The client must not be deleted, and thereby closed, as long as the stream exists.
        self._client = client
        #: The library's function that begins the exchange, and its request, until it is called.
        self._beginning: Optional[tuple[str, tuple[Request, ...]]] = function, requests

    def __aiter__(self) -> AsyncIterator[Event]:
        return self

    async def __anext__(self) -> Event:
        exchange = self._exchange or self._start()
        events = exchange.events
        if exchange.is_paused:
            exchange.resume()
        while not events:
            if exchange.has_ended:
                self._raise_error()
                raise StopAsyncIteration
            waiter = exchange.wait()
            try:
                await waiter
            except BaseException:
                exchange.interrupt()
                raise
        return events.popleft()

    async def finish(self) -> Reply:
        """Discards the remaining events, waits for the end and returns the reply."""
        exchange = self._exchange or self._start()
        exchange.discard()
        while not exchange.has_ended:
            waiter = exchange.wait()
            try:
                await waiter
            except BaseException:
                exchange.interrupt()
                raise
        self._raise_error()
        return self.reply

    async def run(self, on_event: OnEvent) -> Reply:
        """Calls the function for every remaining event and returns the reply.

        If the function is async, its result is awaited. Otherwise like Stream.run.
        """
        async with self:
            # No event is received before the function has returned, so that False cancels the
            # exchange even if the rest of the answer is available.
            (self._exchange or self._start()).high_water = 1
            async for event in self:
                result = on_event(event)
                if inspect.isawaitable(result):
                    result = await result
                if result is False:
                    break
        return self.reply

    async def aclose(self) -> None:
        """Ends the exchange and frees its resources. Cancels it if it has not ended.

        It does not wait, so it also works in a task that has been cancelled.
        """
        self._beginning = None
        if self._exchange is not None:
            self._exchange.close()

    #: The name of this function in openai-python.
    close = aclose

    async def __aenter__(self) -> AsyncStream:
        if self._exchange is None:
            self._start()
        return self

    async def __aexit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        await self.aclose()

    def __del__(self) -> None:
        if self._exchange is not None:
            # This may be another thread, or a callback. The event loop does the rest.
            self._exchange.cancel()

    def _start(self) -> Exchange:
        beginning, self._beginning = self._beginning, None
        if beginning is None:
            raise MisuseError("the stream was closed before it began")
        function, requests = beginning
        self._exchange = self._client._start(function, *requests)
        return self._exchange

    def _result(self) -> Optional[Reply]:
        return self._exchange.reply if self._exchange is not None else None

    def _raise_error(self) -> None:
        exchange = self._exchange
        if exchange is not None and exchange.failure is not None and not self._error_raised:
            self._error_raised = True
            raise exchange.failure
        super()._raise_error()
