"""Client for one endpoint, for programs with an event loop."""

from __future__ import annotations

from collections.abc import Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Optional, TypeVar, Union
from weakref import WeakValueDictionary

from . import _tracing
from ._base_client import BaseClient
from ._enums import LoopLimit
from ._event_loop import interface_of, running_event_loop
from ._handle import c_integer
from ._loop import Exchange, Loop
from ._request import Messages, Request
from ._tool_run import ToolRun
from .arguments import Arguments, RunArguments
from .async_stream import AsyncStream
from .completions import AsyncBeta, AsyncChat
from .models import AsyncModels
from .options import AllOptions
from .reply import Reply
from .stream import OnEvent
from .tools import Tool, ToolFunction

if TYPE_CHECKING:
    from typing_extensions import Unpack

_AsyncClient = TypeVar("_AsyncClient", bound="AsyncClient")


class AsyncClient(BaseClient):
    """A Client for programs with an event loop: asyncio, uvloop, trio, or anyio on one of them.

        async def main():
            async with AsyncClient() as client:
                reply = await client.send("alibaba/qwen3-32b", "Hello", thinking=True)
                print(reply.content)

    The arguments are those of Client. Any number of exchanges run at once, without threads. An
    AsyncClient may be used in several event loops, also on several threads; each opens connections
    of its own. An exchange belongs to the event loop in which it began.

    If the log function raises, the next exchange that receives an event ends with that exception;
    after a line about a retry or the end of an exchange, that is the same exchange.
    """

    #: The number of exchanges that run at once in an event loop; others wait in the order in which
    #: they began. None selects the default, 1000. To be set before the first exchange.
    max_exchanges: Optional[int] = None

    #: The number of connections that an event loop opens at once; None for no limit. With HTTP/2,
    #: exchanges share a connection. To be set before the first exchange.
    max_connections: Optional[int] = None

    #: The loops by the number of their event loop. Created by the first exchange.
    _loops: Optional[WeakValueDictionary[int, Loop]] = None

    async def send(
        self,
        model: str,
        messages: Messages,
        *,
        on_event: Optional[OnEvent] = None,
        **arguments: Unpack[Arguments],
    ) -> Reply:
        """Sends the messages and waits for the whole answer; see Client.send.

        `on_event` may be an async function. If the task is cancelled, so is the exchange.
        """
        function = "tw_loop_start_unstreamed" if on_event is None else "tw_loop_start"
        stream = self._open(function, model, messages, arguments)
        return await (stream.finish() if on_event is None else stream.run(on_event))

    def stream(self, model: str, messages: Messages, **arguments: Unpack[Arguments]) -> AsyncStream:
        """Streams the answer: returns an asynchronous iterator over its events.

        It is not awaited itself. The arguments are those of Client.send.
        """
        return self._open("tw_loop_start", model, messages, arguments)

    async def run(
        self,
        model: str,
        messages: Messages,
        *,
        tools: Iterable[Union[Tool, ToolFunction]],
        max_rounds: int = 10,
        on_event: Optional[OnEvent] = None,
        **arguments: Unpack[RunArguments],
    ) -> Reply:
        """Sends the messages and executes the requested tools until the model answers.

        It awaits the tools that are async functions, one after another; other tools block the event
        loop. Otherwise like Client.run.
        """
        conversation = ToolRun(messages, tools, max_rounds, allow_async=True)
        sent: Arguments = {**arguments, "tools": conversation.tools}
        while True:
            reply = await self.send(model, conversation.history, on_event=on_event, **sent)
            calls = conversation.add_reply(reply)
            if not calls:
                return reply
            for call in calls:
                await conversation.execute_async(call)
            conversation.end_round(reply)

    @property
    def chat(self) -> AsyncChat:
        """The interface of openai-python: `await client.chat.completions.create(…)`."""
        return AsyncChat(self)

    @property
    def beta(self) -> AsyncBeta:
        """`client.beta.chat` of older programs is `client.chat`."""
        return AsyncBeta(self)

    @property
    def models(self) -> AsyncModels:
        """The models of the endpoint: `await client.models()` returns their ids.

        `await client.models.list()` returns the same list, as in openai-python.
        """
        return AsyncModels(lambda: AsyncStream(self, "tw_loop_start_models"))

    async def aclose(self) -> None:
        """Closes the client and its connections in all event loops. Cancels its exchanges.

        It does not wait. May be called in any event loop, and more than once.
        """
        for variant in self._taken_variants():
            await variant.aclose()
        with self._process_lock():
            loops, self._loops = self._loops, None
        self._destroy_handle()
        for loop in list(loops.values()) if loops else ():
            loop.close()

    #: The name of this function in openai-python.
    close = aclose

    async def __aenter__(self: _AsyncClient) -> _AsyncClient:
        return self

    async def __aexit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        await self.aclose()

    def __del__(self) -> None:
        # This may be another thread, or a callback of a loop.
        for loop in list(self._loops.values()) if self._loops else ():
            loop.close_soon()

    def _variant(self: _AsyncClient, changes: AllOptions) -> _AsyncClient:
        variant = super()._variant(changes)
        variant.max_exchanges, variant.max_connections = self.max_exchanges, self.max_connections
        return variant

    def _open(
        self, function: str, model: str, messages: Messages, arguments: Arguments
    ) -> AsyncStream:
        client = self._with_headers(arguments.get("extra_headers"))
        return AsyncStream(client, function, client._request(model, messages, arguments))

    def _start(self, function: str, *requests: Request) -> Exchange:
        """Begins an exchange in the running event loop."""
        framework, running = running_event_loop()
        with self._process_lock():
            client = self._address()
            if self._loops is None:
                self._loops = WeakValueDictionary()
            # The event loop owns the loop and is alive as long as it, so the number is unique.
            loop = self._loops.get(id(running))
            if loop is None or not loop.is_open:
                loop = Loop(
                    self._library, client, self._options, interface_of(framework), self._limits()
                )
                self._loops[id(running)] = loop
        exchange = loop.start(function, *(request.address for request in requests))
        exchange.span = _tracing.begin(self._arguments.get("base_url"), function, *requests)
        return exchange

    def _limits(self) -> dict[LoopLimit, int]:
        limits = {
            LoopLimit.EXCHANGES: ("max_exchanges", self.max_exchanges),
            LoopLimit.CONNECTIONS: ("max_connections", self.max_connections),
        }
        return {
            limit: c_integer(name, number, 64)
            for limit, (name, number) in limits.items()
            if number is not None
        }
