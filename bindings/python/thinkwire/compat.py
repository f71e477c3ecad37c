"""The shapes of openai-python, so that a program moves over by changing its import and its constructor.

client = thinkwire.Client(base_url=…, api_key=…)
completion = client.chat.completions.create(model=…, messages=…)
print(completion.choices[0].message.content)
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Optional, Union, overload

from .errors import InvalidArgumentError
from .events import Event, EventKind
from .reply import Reply
from .stream import Stream

if TYPE_CHECKING:
    from ._request import Messages
    from .client import Client

#: What may be asked of an object that does not have it, because the API leaves it out when there is nothing to say.
_OPTIONAL = frozenset(
    "annotations audio cached_tokens completion_tokens_details content finish_reason function_call id logprobs name usage "
    "prompt_tokens_details reasoning_content reasoning_tokens refusal role service_tier system_fingerprint tool_calls".split()
)

_TEXT_FIELD = {
    EventKind.REASONING: "reasoning_content",
    EventKind.CONTENT: "content",
    EventKind.REFUSAL: "refusal",
}


class Object(dict[str, Any]):
    """A JSON object whose fields are attributes too. It stays a dict: it can be indexed, changed, and sent back as a message."""

    #: What the provider calls the request that this completion came of.
    _request_id: Optional[str] = None

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            if name in _OPTIONAL:
                return None
            raise AttributeError(f"the answer has no {name!r}, only {', '.join(self)}") from None

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "_request_id":
            super().__setattr__(name, value)
        else:
            self[name] = value

    def model_dump(self) -> dict[str, Any]:
        """A copy in plain dicts and lists."""
        plain: dict[str, Any] = json.loads(json.dumps(self))
        return plain

    def model_dump_json(self, *, indent: Optional[int] = None) -> str:
        return json.dumps(self, ensure_ascii=False, indent=indent)

    to_dict = model_dump


class ChunkStream:
    """The chunks of a stream, shaped as openai-python's. A context manager; `reply` has all that came, at the end.

    There is one for each event: a chunk of the provider's that has both a thought and a word becomes two. Its texts are the
    library's, so that thoughts are always in `reasoning_content`, by whatever name or tag they came.
    """

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._events = iter(stream)
        self._begun: set[int] = set()
        self._names: dict[tuple[int, Optional[int]], tuple[str, str]] = {}
        self._raw = ""
        self._of_raw: set[tuple[EventKind, int, Optional[int]]] = set()

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
        event = next(event for event in self._events if event.kind is not EventKind.RETRY)
        sent = _parsed(event.raw)
        chunk = Object(
            {"id": None, "object": "chat.completion.chunk", "created": None, "model": None}
        )
        chunk.update(
            (name, value) for name, value in sent.items() if name not in ("choices", "usage")
        )
        if event.kind is EventKind.USAGE:
            told = [sent, *(one for one in sent.get("choices") or [] if isinstance(one, Object))]
            chunk.update(
                choices=[], usage=next((one["usage"] for one in told if one.get("usage")), None)
            )
            return chunk
        chunk.update(choices=[self._choice(event, sent)], usage=None)
        return chunk

    def _choice(self, event: Event, sent: Object) -> Object:
        """The one choice of a chunk: what this event tells, and with the first event of a chunk all that came beside it."""
        delta, choice = (
            Object(),
            Object({"index": event.choice, "finish_reason": None, "logprobs": None}),
        )
        if self._is_first_of_its_chunk(event):
            for one in sent.get("choices") or []:
                if isinstance(one, Object) and one.get("index", 0) == event.choice:
                    told = (
                        "role",
                        "content",
                        "reasoning_content",
                        "reasoning",
                        "refusal",
                        "tool_calls",
                    )
                    beside = one.get("delta")
                    if isinstance(beside, Object):
                        delta.update(
                            (name, value) for name, value in beside.items() if name not in told
                        )
                    choice.update(
                        (name, value)
                        for name, value in one.items()
                        if name not in ("delta", "finish_reason")
                    )
        if event.choice not in self._begun:
            self._begun.add(event.choice)
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
        """A fragment: its id and name are told once, as far as they have not been."""
        key = (event.choice, event.tool_index)
        id_told, name_told = self._names.get(key, ("", ""))
        id_now, name_now = event.tool_id or "", event.tool_name or ""
        self._names[key] = (id_now, name_now)
        function = Object({"name": name_now[len(name_told) :] or None, "arguments": event.text})
        told_id = id_now if id_now and not id_told else None
        return Object(
            {"index": event.tool_index, "id": told_id, "type": "function", "function": function}
        )

    def _is_first_of_its_chunk(self, event: Event) -> bool:
        """One chunk tells each thing once: the same thing again, or other bytes, is another chunk."""
        key = (event.kind, event.choice, event.tool_index)
        if event.raw == self._raw and key not in self._of_raw:
            self._of_raw.add(key)
            return False
        self._raw, self._of_raw = event.raw, {key}
        return True


class Completions:
    """`client.chat.completions`."""

    def __init__(self, client: Client) -> None:
        self._client = client

    @overload
    def create(
        self, *, model: str, messages: Messages, stream: Literal[False] = False, **fields: Any
    ) -> Object: ...

    @overload
    def create(
        self, *, model: str, messages: Messages, stream: Literal[True], **fields: Any
    ) -> ChunkStream: ...

    @overload
    def create(
        self, *, model: str, messages: Messages, stream: bool, **fields: Any
    ) -> Union[Object, ChunkStream]: ...

    def create(
        self, *, model: str, messages: Messages, stream: Optional[bool] = False, **fields: Any
    ) -> Union[Object, ChunkStream]:
        """Sends the messages: gives the chat.completion, or with `stream=True` its chunks to iterate over.

        Fields go into the body as they are, those of `extra_body` too; `thinking`, `thinking_budget` and `timeout` are Client.send's.
        """
        fields.update(fields.pop("extra_body", None) or {})
        for name in ("extra_headers", "extra_query"):
            if fields.pop(name, None) is not None:
                raise InvalidArgumentError(
                    f"{name} belongs to the Client: give it headers, or a base_url of its own"
                )
        if stream:
            return ChunkStream(self._client.stream(model, messages, **fields))
        return completion_of(self._client.send(model, messages, **fields))


class Chat:
    """`client.chat`."""

    def __init__(self, client: Client) -> None:
        self.completions = Completions(client)


def completion_of(reply: Reply) -> Object:
    """A whole answer; of its first choice, thoughts and words are told apart as the library does."""
    completion = _parsed(reply.raw_json())
    for choice in completion.get("choices") or []:
        message = choice.get("message") if isinstance(choice, Object) else None
        if isinstance(message, Object) and choice.get("index", 0) == 0:
            if reply.reasoning:
                message["reasoning_content"] = reply.reasoning
            elif reply.content and not message.get(
                "content"
            ):  # With thinking switched off, the answer came as a thought.
                for name in ("reasoning_content", "reasoning"):
                    if message.get(name):
                        message[name] = None
            if message.get("content") is not None or reply.content:
                message["content"] = reply.content
    completion._request_id = reply.request_id
    return completion


def _parsed(document: str) -> Object:
    found = json.loads(document or "{}", object_hook=Object)
    return found if isinstance(found, Object) else Object()
