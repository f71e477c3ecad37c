"""Events of a streamed answer."""

from __future__ import annotations

from enum import Enum
from typing import Optional

from ._abi import Kind, Status
from .reply import Usage


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
KINDS: dict[int, EventKind] = {kind.value: EventKind[kind.name] for kind in Kind}


class Event:
    """One event of an exchange, copied from the library. It stays valid after the next event."""

    __slots__ = (
        "kind",
        "text",
        "choice",
        "usage",
        "tool_index",
        "tool_id",
        "tool_name",
        "attempt",
        "status",
        "wait",
        "_raw",
    )

    def __init__(self, kind: EventKind, text: str, choice: int, raw: bytes) -> None:
        #: The kind of the event, which determines the other attributes.
        self.kind = kind
        #: A piece of the reasoning, the answer, the refusal or the arguments of a tool call;
        #: FINISH: the finish reason; RETRY: why the last attempt failed; otherwise "".
        self.text = text
        #: The index of the choice that the event belongs to; 0 unless several were requested.
        self.choice = choice
        #: USAGE: the token counts so far. The last event is final.
        self.usage: Optional[Usage] = None
        #: TOOL_CALL: the index of the call within the choice, its id and the function's name, as
        #: far as they were received.
        self.tool_index: Optional[int] = None
        self.tool_id: Optional[str] = None
        self.tool_name: Optional[str] = None
        #: RETRY: the number of the next attempt, the status of the last one, and the delay before
        #: the next one in seconds.
        self.attempt: Optional[int] = None
        self.status: Optional[Status] = None
        self.wait: Optional[float] = None
        self._raw = raw

    @property
    def raw(self) -> str:
        """The JSON of the chunk that the event was received with; "" for RETRY."""
        return self._raw.decode("utf-8", "replace")

    def __repr__(self) -> str:
        return f"<Event {self.kind} {self.text!r}>"
