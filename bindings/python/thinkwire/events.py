"""Events of a streamed answer."""

from __future__ import annotations

from ctypes import c_void_p, string_at

from ._abi import (
    TW_EVENT_CONTENT,
    TW_EVENT_FINISH,
    TW_EVENT_REASONING,
    TW_EVENT_REFUSAL,
    TW_EVENT_RETRY,
    TW_EVENT_TOOL_CALL,
    TW_EVENT_USAGE,
    tw_event,
)
from ._handle import message_text, text
from ._typing import TYPE_CHECKING, Any, Optional, Union

if TYPE_CHECKING:
    from enum import Enum

    from ._enums import Status
    from .event_batch import Chunks
    from .reply_values import Usage

    class _StringEnum(str, Enum): ...

else:

    class _Members(type):
        """Makes members of the strings in a class, as `enum.Enum` does, and looks them up."""

        def __init__(cls, name, bases, namespace):
            strings = {key: value for key, value in namespace.items() if key.isupper()}
            cls.__members__ = {key: str.__new__(cls, value) for key, value in strings.items()}
            for key, member in cls.__members__.items():
                member.name, member.value = key, strings[key]
                setattr(cls, key, member)

        def __call__(cls, value):
            for member in cls:
                if member == value:
                    return member
            raise ValueError(f"{value!r} is not a valid {cls.__name__}")

        def __getitem__(cls, name):
            return cls.__members__[name]

        def __iter__(cls):
            return iter(cls.__members__.values())

        def __len__(cls):
            return len(cls.__members__)

        def __contains__(cls, value):
            return value in cls.__members__.values()

    class _StringEnum(str, metaclass=_Members):
        """What `enum` would provide, which takes 7 ms to import."""

        def __reduce__(self):
            return type(self), (self.value,)

        def __repr__(self):
            return f"<{type(self).__name__}.{self.name}: {self.value!r}>"


class EventKind(_StringEnum):
    """The kind of an event. The members are also strings: `event.kind == "reasoning"`.

    It has the lookups, the iteration and the attributes of an `enum.Enum`, but is no subclass of
    it: a program that only receives an answer does not import `enum`.
    """

    REASONING = "reasoning"
    CONTENT = "content"
    REFUSAL = "refusal"
    TOOL_CALL = "tool_call"
    USAGE = "usage"
    FINISH = "finish"
    RETRY = "retry"

    def __str__(self) -> str:
        return self.value


#: The kind for each number that the library uses.
KINDS: dict[int, EventKind] = {
    TW_EVENT_REASONING: EventKind.REASONING,
    TW_EVENT_CONTENT: EventKind.CONTENT,
    TW_EVENT_REFUSAL: EventKind.REFUSAL,
    TW_EVENT_TOOL_CALL: EventKind.TOOL_CALL,
    TW_EVENT_USAGE: EventKind.USAGE,
    TW_EVENT_FINISH: EventKind.FINISH,
    TW_EVENT_RETRY: EventKind.RETRY,
}

_TOOL_CALL, _USAGE, _RETRY = EventKind.TOOL_CALL, EventKind.USAGE, EventKind.RETRY


class Event:
    """One event of an exchange, copied from the library. It stays valid after the next event."""

    __slots__ = ("kind", "text", "choice", "_chunks", "_index")

    #: USAGE: the token counts so far. The last event is final.
    usage: Optional[Usage] = None
    #: TOOL_CALL: the index of the call within the choice, its id and the function's name, as far as
    #: they were received.
    tool_index: Optional[int] = None
    tool_id: Optional[str] = None
    tool_name: Optional[str] = None
    #: RETRY: the number of the next attempt, the status of the last one, and the delay before the
    #: next one in seconds.
    attempt: Optional[int] = None
    status: Optional[Status] = None
    wait: Optional[float] = None

    def __init__(
        self, kind: EventKind, text: str, choice: int, chunks: Union[bytes, Chunks], index: int
    ) -> None:
        #: The kind of the event, which determines the other attributes.
        self.kind = kind
        #: A piece of the reasoning, the answer, the refusal or the arguments of a tool call;
        #: FINISH: the finish reason; RETRY: why the last attempt failed; otherwise "".
        self.text = text
        #: The index of the choice that the event belongs to; 0 unless several were requested.
        self.choice = choice
        # The chunk, or those of several events and which of these events this one is.
        self._chunks = chunks
        self._index = index

    @property
    def raw(self) -> str:
        """The JSON of the chunk that the event was received with; "" for RETRY."""
        chunks = self._chunks
        chunk = chunks if isinstance(chunks, bytes) else chunks.chunk(self._index)
        return chunk.decode("utf-8", "replace")

    def __repr__(self) -> str:
        return f"<Event {self.kind} {self.text!r}>"


class _DetailedEvent(Event):
    """An event of any kind. Without slots, its attributes can replace those of the class."""


def event_of(source: tw_event) -> Optional[Event]:
    """Copies a borrowed event. Returns None for a kind added by a later library version."""
    kind = KINDS.get(source.kind)
    if kind is None:
        return None
    content: bytes = source.text
    if len(content) != source.text_len:
        content = _with_nul(source, tw_event.text, source.text_len)
    raw: bytes = source.raw or b""
    if len(raw) != source.raw_len:
        raw = _with_nul(source, tw_event.raw, source.raw_len)
    event = _DetailedEvent(kind, content.decode("utf-8", "replace"), source.choice, raw, 0)
    if kind is _TOOL_CALL:
        event.tool_index = source.tool_index
        event.tool_id = text(source.tool_id)
        event.tool_name = text(source.tool_name)
    elif kind is _USAGE and source.usage:
        from .reply_values import usage_of

        event.usage = usage_of(source.usage.contents)
    elif kind is _RETRY:
        from ._enums import Status

        event.text = message_text(content) or ""
        event.attempt = source.attempt
        event.status = Status(source.status)
        event.wait = source.wait_ms / 1000
    return event


def _with_nul(source: tw_event, field: Any, length: int) -> bytes:
    """Returns the string in a field of type `c_char_p`, which contains NUL characters."""
    return string_at(c_void_p.from_buffer(source, field.offset).value or 0, length)
