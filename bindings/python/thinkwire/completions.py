"""`client.chat.completions`, with the functions of openai-python."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Optional, Union, cast, overload

from ._parse import parse_completion
from ._request import Messages
from .arguments import Arguments
from .compat import AsyncChunkStream, ChunkStream, Object, completion_of
from .options import phases
from .response import RawResponse

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .async_client import AsyncClient
    from .client import Client


class NotGiven:
    """The type of NOT_GIVEN."""

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "NOT_GIVEN"


#: The value of an argument that is omitted, with both names that it has in openai-python. None is
#: sent as null.
NOT_GIVEN: Any = NotGiven()
omit = NOT_GIVEN


class Completions:
    """`client.chat.completions`."""

    def __init__(self, client: Client) -> None:
        self._client = client

    @overload
    def create(
        self,
        *,
        model: str,
        messages: Messages,
        stream: Optional[Literal[False]] = False,
        **arguments: Unpack[Arguments],
    ) -> Object: ...

    @overload
    def create(
        self,
        *,
        model: str,
        messages: Messages,
        stream: Literal[True],
        **arguments: Unpack[Arguments],
    ) -> ChunkStream: ...

    @overload
    def create(
        self, *, model: str, messages: Messages, stream: bool, **arguments: Unpack[Arguments]
    ) -> Union[Object, ChunkStream]: ...

    def create(
        self,
        *,
        model: str,
        messages: Messages,
        stream: Optional[bool] = False,
        **arguments: Unpack[Arguments],
    ) -> Union[Object, ChunkStream]:
        """Sends the messages and returns the chat.completion, or with `stream=True` its chunks.

        The arguments are those of Client.send. Only a number as `timeout` has the meaning that it
        has in openai-python: it limits the time to connect, the time to the first byte, and the
        time between two pieces of the answer.
        """
        arguments = _native(arguments)
        if stream:
            events = self._client.stream(model, messages, **arguments)
            return ChunkStream(events, _requests_usage(arguments))
        return completion_of(self._client.send(model, messages, **arguments))

    def parse(self, *, model: str, messages: Messages, **arguments: Unpack[Arguments]) -> Object:
        """Returns the chat.completion, with each answer as an instance of `response_format`.

        The instance is `completion.choices[0].message.parsed`; it is None if the model refused or
        called tools. `response_format` is a pydantic model, a dataclass or a TypedDict. The
        arguments of calls of a pydantic_function_tool() are in `tool_call.function
        .parsed_arguments`. Raises ValueError if an answer does not fit, LengthFinishReasonError or
        ContentFilterFinishReasonError if it is not complete.
        """
        arguments = _native(arguments)
        reply = self._client.send(model, messages, **arguments)
        return parse_completion(reply, completion_of(reply), arguments)

    @property
    def with_raw_response(self) -> RawCompletions:
        """`with_raw_response.create(…)` returns the completion with the headers of its response."""
        return RawCompletions(self._client)


class RawCompletions:
    """`client.chat.completions.with_raw_response`."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def create(
        self, *, model: str, messages: Messages, **arguments: Unpack[Arguments]
    ) -> RawResponse:
        """Sends the messages and returns the response. The answer is not streamed."""
        reply = self._client.send(model, messages, **_native(arguments))
        return RawResponse(reply, completion_of(reply))


class Chat:
    """`client.chat`."""

    def __init__(self, client: Client) -> None:
        self.completions = Completions(client)


class Beta:
    """`client.beta`."""

    def __init__(self, client: Client) -> None:
        self.chat = Chat(client)


class AsyncCompletions:
    """`client.chat.completions` of an AsyncClient."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    @overload
    async def create(
        self,
        *,
        model: str,
        messages: Messages,
        stream: Optional[Literal[False]] = False,
        **arguments: Unpack[Arguments],
    ) -> Object: ...

    @overload
    async def create(
        self,
        *,
        model: str,
        messages: Messages,
        stream: Literal[True],
        **arguments: Unpack[Arguments],
    ) -> AsyncChunkStream: ...

    @overload
    async def create(
        self, *, model: str, messages: Messages, stream: bool, **arguments: Unpack[Arguments]
    ) -> Union[Object, AsyncChunkStream]: ...

    async def create(
        self,
        *,
        model: str,
        messages: Messages,
        stream: Optional[bool] = False,
        **arguments: Unpack[Arguments],
    ) -> Union[Object, AsyncChunkStream]:
        """Sends the messages and returns the chat.completion, or with `stream=True` its chunks.

        The arguments are those of Completions.create.
        """
        arguments = _native(arguments)
        if stream:
            events = self._client.stream(model, messages, **arguments)
            return AsyncChunkStream(events, _requests_usage(arguments))
        return completion_of(await self._client.send(model, messages, **arguments))

    async def parse(
        self, *, model: str, messages: Messages, **arguments: Unpack[Arguments]
    ) -> Object:
        """Returns the chat.completion, with parsed answers; see Completions.parse."""
        arguments = _native(arguments)
        reply = await self._client.send(model, messages, **arguments)
        return parse_completion(reply, completion_of(reply), arguments)

    @property
    def with_raw_response(self) -> AsyncRawCompletions:
        """`with_raw_response.create(…)` returns the completion with the headers of its response."""
        return AsyncRawCompletions(self._client)


class AsyncRawCompletions:
    """`client.chat.completions.with_raw_response` of an AsyncClient."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    async def create(
        self, *, model: str, messages: Messages, **arguments: Unpack[Arguments]
    ) -> RawResponse:
        """Sends the messages and returns the response. The answer is not streamed."""
        reply = await self._client.send(model, messages, **_native(arguments))
        return RawResponse(reply, completion_of(reply))


class AsyncChat:
    """`client.chat` of an AsyncClient."""

    def __init__(self, client: AsyncClient) -> None:
        self.completions = AsyncCompletions(client)


class AsyncBeta:
    """`client.beta` of an AsyncClient."""

    def __init__(self, client: AsyncClient) -> None:
        self.chat = AsyncChat(client)


def _native(arguments: Arguments) -> Arguments:
    """Returns the arguments with the meaning that they have for Client.send."""
    given = {name: value for name, value in arguments.items() if value is not NOT_GIVEN}
    native = cast(Arguments, given)
    if "timeout" in native:
        native["timeout"] = phases(native["timeout"])
    if native.get("tools") is not None:
        # parse() reads them twice.
        native["tools"] = list(native["tools"] or ())
    return native


def _requests_usage(arguments: Arguments) -> bool:
    return bool((arguments.get("stream_options") or {}).get("include_usage"))
