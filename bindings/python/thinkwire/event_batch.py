"""Events of a streamed answer that were received together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ctypes import string_at
from itertools import chain, repeat

from ._abi import Kind, tw_batch, tw_event
from ._typing import Callable, Literal, Optional
from .events import KINDS, Event, EventKind, event_of


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


class Arrived:
    """A copy of a borrowed `tw_batch`."""

    __slots__ = (
        "_kinds",
        "_choices",
        "_text",
        "_text_ends",
        "_raw",
        "_raw_starts",
        "_raw_ends",
        "_texts",
        "_last",
    )

    def __init__(self, source: tw_batch) -> None:
        count = source.count
        self._kinds = string_at(source.kinds, count)
        self._choices = _numbers("i", source.choices, count)
        self._text_ends = _numbers("I", source.text_ends, count)
        self._text = string_at(source.text, self._text_ends[-1] if count else 0)
        self._raw_starts = _numbers("I", source.raw_starts, count)
        self._raw_ends = _numbers("I", source.raw_ends, count)
        self._raw = string_at(source.raw, self._raw_ends[-1] if count else 0)
        #: The texts of the pieces that events() creates events for, and the event after them.
        self._texts: list[str] = []
        last = event_of(tw_event.from_address(source.event)) if source.event else None
        self._last = [last] if last is not None else []

    def events(self) -> Iterator[Event]:
        """Creates the events, each when the iterator reaches it."""
        self._texts = self._split()
        pieces = map(
            Event,
            map(KINDS.__getitem__, self._kinds),
            self._texts,
            self._choices,
            repeat(self._raw),
            self._raw_starts,
            self._raw_ends,
        )
        return chain(pieces, self._last)

    def discard(self) -> None:
        """Ends the iterator over the events. From any thread."""
        self._texts.clear()
        self._last.clear()

    def batch(self) -> EventBatch:
        return EventBatch(self._joined(Kind.REASONING), self._joined(Kind.CONTENT), self.events)

    def _joined(self, kind: int) -> str:
        count = self._kinds.count(kind)
        if count == len(self._kinds):
            return self._text.decode("utf-8", "replace")
        if count == 0:
            return ""
        return "".join(text for text, other in zip(self._split(), self._kinds) if other == kind)

    def _split(self) -> list[str]:
        text, ends = self._text, self._text_ends
        ranges = zip([0, *ends], ends)
        if text.isascii():
            characters = text.decode()
            return [characters[start:end] for start, end in ranges]
        return [text[start:end].decode("utf-8", "replace") for start, end in ranges]


def _numbers(type: Literal["i", "I"], address: int, count: int) -> list[int]:
    return memoryview(string_at(address, 4 * count)).cast(type).tolist()
