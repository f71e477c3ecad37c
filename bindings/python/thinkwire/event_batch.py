"""Events of a streamed answer that were received together."""

from __future__ import annotations

from ctypes import string_at
from itertools import chain, count, repeat
from sys import byteorder

from ._abi import TW_EVENT_CONTENT, TW_EVENT_REASONING, tw_batch, tw_event
from ._typing import TYPE_CHECKING, Callable, Optional
from .events import KINDS, Event, EventKind, event_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class EventBatch:
    """The events that were received together, at least one, in their order.

    for batch in client.stream("alibaba/qwen3-32b", "Hello").batches():
        print(batch.content, end="")
    """

    __slots__ = ("reasoning", "content", "_create", "_events")

    def __init__(self, reasoning: str, content: str, create: Callable[[], Iterable[Event]]) -> None:
        #: The text of all events of the kind REASONING.
        self.reasoning = reasoning
        #: The text of all events of the kind CONTENT.
        self.content = content
        self._create = create
        self._events: Optional[list[Event]] = None

    @property
    def events(self) -> list[Event]:
        """The events. They are created when they are first used."""
        if self._events is None:
            self._events = list(self._create())
        return self._events

    def __iter__(self) -> Iterator[Event]:
        return iter(self.events)

    def __len__(self) -> int:
        return len(self.events)

    def __repr__(self) -> str:
        return f"<EventBatch of {len(self)} events>"


def batch_of(events: list[Event]) -> EventBatch:
    """Returns a batch of events that exist already."""

    def text(kind: EventKind) -> str:
        return "".join(event.text for event in events if event.kind is kind)

    return EventBatch(text(EventKind.REASONING), text(EventKind.CONTENT), lambda: events)


class Chunks:
    """The JSON of the chunks of the pieces in a batch."""

    __slots__ = ("_raw", "_starts", "_ends")

    def __init__(self, source: tw_batch) -> None:
        size = 4 * source.count
        self._starts = string_at(source.raw_starts, size)
        self._ends = string_at(source.raw_ends, size)
        self._raw = string_at(source.raw, _last_number(self._ends))

    def chunk(self, index: int) -> bytes:
        return self._raw[_number(self._starts, index) : _number(self._ends, index)]


class Arrived:
    """A copy of a borrowed `tw_batch`. Numbers are read when events are created."""

    __slots__ = ("_kinds", "_choices", "_text", "_text_ends", "_chunks", "_texts", "_last")

    def __init__(self, source: tw_batch) -> None:
        self._kinds = string_at(source.kinds, source.count)
        self._choices = string_at(source.choices, 4 * source.count)
        self._text_ends = string_at(source.text_ends, 4 * source.count)
        self._text = string_at(source.text, _last_number(self._text_ends))
        self._chunks = Chunks(source)
        #: The texts of the pieces that events() creates events for, and the event after them.
        self._texts: list[str] = []
        last = event_of(tw_event.from_address(source.event)) if source.event else None
        self._last = [last] if last is not None else []

    def events(self) -> Iterator[Event]:
        """Creates the events, each when the iterator reaches it."""
        self._texts = self._split()
        is_one_choice = self._choices.count(0) == len(self._choices)
        pieces = map(
            Event,
            map(KINDS.__getitem__, self._kinds),
            self._texts,
            repeat(0) if is_one_choice else memoryview(self._choices).cast("i"),
            repeat(self._chunks),
            count(),
        )
        return chain(pieces, self._last)

    def discard(self) -> None:
        """Ends the iterator over the events. From any thread."""
        self._texts.clear()
        self._last.clear()

    def batch(self) -> EventBatch:
        return EventBatch(
            self._joined(TW_EVENT_REASONING), self._joined(TW_EVENT_CONTENT), self.events
        )

    def _joined(self, kind: int) -> str:
        found = self._kinds.count(kind)
        if found == len(self._kinds):
            return self._text.decode("utf-8", "replace")
        if found == 0:
            return ""
        return "".join(text for text, other in zip(self._split(), self._kinds) if other == kind)

    def _split(self) -> list[str]:
        text, ends = self._text, memoryview(self._text_ends).cast("I").tolist()
        ranges = zip([0, *ends], ends)
        if text.isascii():
            characters = text.decode()
            return [characters[start:end] for start, end in ranges]
        return [text[start:end].decode("utf-8", "replace") for start, end in ranges]


def _number(numbers: bytes, index: int) -> int:
    """Reads an element of an array of uint32_t."""
    return int.from_bytes(numbers[4 * index : 4 * index + 4], byteorder)


def _last_number(numbers: bytes) -> int:
    """Reads the last element; 0 of an empty array."""
    return int.from_bytes(numbers[-4:], byteorder)
