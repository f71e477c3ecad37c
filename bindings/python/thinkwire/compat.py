"""The objects of openai-python: completions, chunks, and streams of chunks."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any, Optional

from .events import Event, EventKind
from .reply import AssistantMessage, MessageSource, Reply
from .stream import Stream

if TYPE_CHECKING:
    from .async_stream import AsyncStream

#: Fields that the API omits if they have no value. Reading an absent one returns None.
_OPTIONAL = frozenset(
    "annotations audio cached_tokens completion_tokens_details content finish_reason function_call "
    "id logprobs name usage prompt_tokens_details reasoning_content reasoning_tokens refusal role "
    "service_tier system_fingerprint tool_calls".split()
)

_TEXT_FIELD = {
    EventKind.REASONING: "reasoning_content",
    EventKind.CONTENT: "content",
    EventKind.REFUSAL: "refusal",
}

#: The fields of a delta that the events of the library replace.
_EVENT_FIELDS = frozenset("role content reasoning_content reasoning refusal tool_calls".split())


#: Attributes of an Object that are not fields.
_ATTRIBUTES = frozenset(("_request_id", "_source", "parsed", "parsed_arguments"))


class Object(AssistantMessage):
    """A JSON object whose fields are also attributes. As a dict it can be modified and sent.

    The message of a completion that is sent unchanged is treated as its Reply (see Message).
    """

    #: The provider's identifier of the request that returned this completion.
    _request_id: Optional[str] = None

    #: The answer in a message, and the arguments in a function, that parse() has returned. They are
    #: not fields, so the message can still be sent.
    parsed: Any = None
    parsed_arguments: Any = None

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            if name in _OPTIONAL:
                return None
            raise AttributeError(f"the object has no {name!r}, only {', '.join(self)}") from None

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _ATTRIBUTES:
            super().__setattr__(name, value)
        else:
            self[name] = value

    def model_dump(
        self, *, mode: str = "python", exclude_none: bool = False, exclude_unset: bool = False
    ) -> dict[str, Any]:
        """Returns a copy made of plain dicts and lists, without None if `exclude_none` is set.

        `mode` and `exclude_unset` have no effect: every value is JSON, and was received.
        """
        plain: dict[str, Any] = json.loads(
            json.dumps(self), object_hook=_without_none if exclude_none else None
        )
        return plain

    def model_dump_json(self, *, indent: Optional[int] = None) -> str:
        return json.dumps(self, ensure_ascii=False, indent=indent)

    to_dict = model_dump
    to_json = model_dump_json


def _without_none(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


class _ChunkFormatter:
    """Turns the events of one stream into chunks in the format of openai-python."""

    def __init__(self) -> None:
        #: The choices that have received a role.
        self._started: set[int] = set()
        #: The id and the name emitted so far, by choice and index of the tool call.
        self._tool_calls: dict[tuple[int, Optional[int]], tuple[str, str]] = {}
        #: The provider's current chunk, and which kinds of events were emitted for it.
        self._raw = ""
        self._emitted: set[tuple[EventKind, int, Optional[int]]] = set()

    def chunk_of(self, event: Event) -> Object:
        source = _parsed(event.raw)
        chunk = Object(
            {"id": None, "object": "chat.completion.chunk", "created": None, "model": None}
        )
        chunk.update(
            (name, value) for name, value in source.items() if name not in ("choices", "usage")
        )
        if event.kind is EventKind.USAGE:
            chunk.update(choices=[], usage=_usage(source))
        else:
            chunk.update(choices=[self._choice(event, source)], usage=None)
        return chunk

    def _choice(self, event: Event, source: Object) -> Object:
        """Returns the only choice of a chunk, with the text of the event.

        The first event of a provider's chunk also carries the other fields of that chunk.
        """
        delta = Object()
        choice = Object({"index": event.choice, "finish_reason": None, "logprobs": None})
        if self._is_first_of_its_chunk(event):
            _copy_other_fields(source, event.choice, choice, delta)
        if event.choice not in self._started:
            self._started.add(event.choice)
            delta["role"] = "assistant"
        if event.kind is EventKind.FINISH:
            choice["finish_reason"] = event.text
        elif event.kind is EventKind.TOOL_CALL:
            delta["tool_calls"] = [self._tool_call(event)]
        else:
            delta[_TEXT_FIELD[event.kind]] = event.text
        choice["delta"] = delta
        return choice

    def _tool_call(self, event: Event) -> Object:
        """Returns a fragment of a tool call. Its id and its name are emitted only once."""
        key = (event.choice, event.tool_index)
        emitted_id, emitted_name = self._tool_calls.get(key, ("", ""))
        id_, name = event.tool_id or "", event.tool_name or ""
        self._tool_calls[key] = (id_, name)
        new_id = id_ if id_ and not emitted_id else None
        new_name = name[len(emitted_name) :] or None
        function = Object({"name": new_name, "arguments": event.text})
        return Object(
            {"index": event.tool_index, "id": new_id, "type": "function", "function": function}
        )

    def _is_first_of_its_chunk(self, event: Event) -> bool:
        """Whether the event is the first one of a chunk of the provider.

        A chunk causes at most one event of each kind. The same kind again, or different JSON, means
        that a new chunk was received.
        """
        key = (event.kind, event.choice, event.tool_index)
        if event.raw == self._raw and key not in self._emitted:
            self._emitted.add(key)
            return False
        self._raw, self._emitted = event.raw, {key}
        return True


class ChunkStream:
    """Iterator over the chunks of a stream in the format of openai-python, and a context manager.

    Each event becomes one chunk: a provider's chunk with both reasoning and content becomes two.
    The texts are those of the library, so reasoning is always in `reasoning_content`, whichever
    field or tag the provider used. `reply` is available after the last chunk.

    The usage is in a chunk without choices. There is one only if the program has requested it with
    `stream_options`, because other programs read `chunk.choices[0]`; `reply.usage` always has it.
    """

    def __init__(self, stream: Stream, with_usage: bool) -> None:
        self._stream = stream
        self._with_usage = with_usage
        self._formatter = _ChunkFormatter()

    @property
    def reply(self) -> Reply:
        return self._stream.reply

    def close(self) -> None:
        self._stream.close()

    def __enter__(self) -> ChunkStream:
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        self.close()

    def __iter__(self) -> Iterator[Object]:
        return self

    def __next__(self) -> Object:
        for event in self._stream:
            if _has_chunk(event, self._with_usage):
                return self._formatter.chunk_of(event)
        raise StopIteration


class AsyncChunkStream:
    """Asynchronous iterator over the chunks of a stream, otherwise like ChunkStream."""

    def __init__(self, stream: AsyncStream, with_usage: bool) -> None:
        self._stream = stream
        self._with_usage = with_usage
        self._formatter = _ChunkFormatter()

    @property
    def reply(self) -> Reply:
        return self._stream.reply

    async def aclose(self) -> None:
        await self._stream.aclose()

    close = aclose

    async def __aenter__(self) -> AsyncChunkStream:
        await self._stream.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        await self.aclose()

    def __aiter__(self) -> AsyncIterator[Object]:
        return self

    async def __anext__(self) -> Object:
        while True:
            event = await self._stream.__anext__()
            if _has_chunk(event, self._with_usage):
                return self._formatter.chunk_of(event)


def _has_chunk(event: Event, with_usage: bool) -> bool:
    kind = event.kind
    return kind is not EventKind.RETRY and (with_usage or kind is not EventKind.USAGE)


def completion_of(reply: Reply) -> Object:
    """Returns the completion of a reply.

    In its first choice, reasoning and content are separated as by the library.
    """
    completion = _parsed(reply.raw_json())
    for choice in completion.get("choices") or []:
        message = choice.get("message") if isinstance(choice, Object) else None
        if isinstance(message, Object) and choice.get("index", 0) == 0:
            if reply.reasoning:
                message["reasoning_content"] = reply.reasoning
            elif reply.content and not message.get("content"):
                # With thinking disabled, the server sent the answer in a field for reasoning.
                for name in ("reasoning_content", "reasoning"):
                    if message.get(name):
                        message[name] = None
            if message.get("content") is not None or reply.content:
                message["content"] = reply.content
            message._source = MessageSource(reply, message)
    completion._request_id = reply.request_id
    return completion


def _copy_other_fields(source: Object, index: int, choice: Object, delta: Object) -> None:
    """Copies those fields of a provider's choice for which the library has no events."""
    for other in source.get("choices") or []:
        if not isinstance(other, Object) or other.get("index", 0) != index:
            continue
        other_delta = other.get("delta")
        if isinstance(other_delta, Object):
            delta.update(
                (name, value) for name, value in other_delta.items() if name not in _EVENT_FIELDS
            )
        choice.update(
            (name, value) for name, value in other.items() if name not in ("delta", "finish_reason")
        )


def _usage(chunk: Object) -> Any:
    """Returns the usage of a chunk, or of the first of its choices that has one."""
    choices = (choice for choice in chunk.get("choices") or [] if isinstance(choice, Object))
    return next((object_["usage"] for object_ in (chunk, *choices) if object_.get("usage")), None)


def _parsed(document: str) -> Object:
    value = json.loads(document or "{}", object_hook=Object)
    return value if isinstance(value, Object) else Object()
