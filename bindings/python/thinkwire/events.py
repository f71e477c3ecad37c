"""Events of a streamed answer."""

from __future__ import annotations

from ctypes import c_void_p, string_at
from enum import Enum

from ._abi import Kind, Status, tw_event
from ._handle import message_text, text
from ._typing import TYPE_CHECKING, Any, Optional

if TYPE_CHECKING:
    from .reply_values import Usage


class EventKind(str, Enum):
    """The kind of an event. The members are also strings: `event.kind == "reasoning"`."""

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
    kind.value: EventKind[kind.name] for kind in Kind if kind is not Kind.DONE
}

_TOOL_CALL, _USAGE, _RETRY = EventKind.TOOL_CALL, EventKind.USAGE, EventKind.RETRY


class Event:
    """One event of an exchange, copied from the library. It stays valid after the next event."""

    __slots__ = ("kind", "text", "choice", "_raw", "_raw_start", "_raw_end")

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
        self, kind: EventKind, text: str, choice: int, raw: bytes, raw_start: int, raw_end: int
    ) -> None:
        #: The kind of the event, which determines the other attributes.
        self.kind = kind
        #: A piece of the reasoning, the answer, the refusal or the arguments of a tool call;
        #: FINISH: the finish reason; RETRY: why the last attempt failed; otherwise "".
        self.text = text
        #: The index of the choice that the event belongs to; 0 unless several were requested.
        self.choice = choice
        # The chunks of several events, and where this event's chunk is in it.
        self._raw = raw
        self._raw_start = raw_start
        self._raw_end = raw_end

    @property
    def raw(self) -> str:
        """The JSON of the chunk that the event was received with; "" for RETRY."""
        return self._raw[self._raw_start : self._raw_end].decode("utf-8", "replace")

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
    event = _DetailedEvent(
        kind, content.decode("utf-8", "replace"), source.choice, raw, 0, len(raw)
    )
    if kind is _TOOL_CALL:
        event.tool_index = source.tool_index
        event.tool_id = text(source.tool_id)
        event.tool_name = text(source.tool_name)
    elif kind is _USAGE and source.usage:
        from .reply_values import usage_of

        event.usage = usage_of(source.usage.contents)
    elif kind is _RETRY:
        event.text = message_text(content) or ""
        event.attempt = source.attempt
        event.status = Status(source.status)
        event.wait = source.wait_ms / 1000
    return event


def _with_nul(source: tw_event, field: Any, length: int) -> bytes:
    """Returns the string in a field of type `c_char_p`, which contains NUL characters."""
    return string_at(c_void_p.from_buffer(source, field.offset).value or 0, length)
