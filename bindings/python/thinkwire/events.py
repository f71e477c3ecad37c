"""One thing that happened while an answer came in."""

from __future__ import annotations

from enum import Enum
from typing import Optional

from ._abi import Kind, Status
from .reply import Usage


class EventKind(str, Enum):
    """What an event tells. Each is also a str: `event.kind == "reasoning"`."""

    REASONING = "reasoning"
    CONTENT = "content"
    REFUSAL = "refusal"
    TOOL_CALL = "tool_call"
    USAGE = "usage"
    FINISH = "finish"
    RETRY = "retry"

    def __str__(self) -> str:
        return self.value


#: What a number of the library's stands for.
KINDS: dict[int, EventKind] = {kind.value: EventKind[kind.name] for kind in Kind}


class Event:
    """One thing that happened, in the order it did. It is a copy, and can be kept."""

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
        #: What it tells.
        self.kind = kind
        #: A piece of thinking, answer, refusal or a tool call's arguments; of FINISH, the reason; of RETRY, why; else "".
        self.text = text
        #: Which of the choices it belongs to; 0 unless several were asked for.
        self.choice = choice
        #: Of USAGE: the bill so far. The last one counts.
        self.usage: Optional[Usage] = None
        #: Of TOOL_CALL: which call of the choice, its id and its function's name, as far as they have come.
        self.tool_index: Optional[int] = None
        self.tool_id: Optional[str] = None
        self.tool_name: Optional[str] = None
        #: Of RETRY: which attempt comes next, what the last one ended in, and for how many seconds the next one waits.
        self.attempt: Optional[int] = None
        self.status: Optional[Status] = None
        self.wait: Optional[float] = None
        self._raw = raw

    @property
    def raw(self) -> str:
        """The JSON of the chunk that this event came with; "" of RETRY."""
        return self._raw.decode("utf-8", "replace")

    def __repr__(self) -> str:
        return f"<Event {self.kind} {self.text!r}>"
