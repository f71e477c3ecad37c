"""Batches of events, and the iterations that can be combined with them."""

from __future__ import annotations

import gc

import pytest
from conftest import QWEN3, SYNTHETIC
from thinkwire import Client, EventBatch, EventKind, Status, TruncatedError

MODELS = [
    QWEN3,
    f"{SYNTHETIC}#reasoning=600,chunks=600",
    f"{SYNTHETIC}#reasoning=3,chunks=300,choices=3",
    f"{SYNTHETIC}#chunks=40,text=é€😀",
]


@pytest.mark.parametrize("model", MODELS)
def test_batches_contain_the_events_of_the_stream(client: Client, model: str) -> None:
    with client.stream(model, "Hello", thinking=True) as stream:
        expected = [(event.kind, event.text, event.choice, event.usage) for event in stream]
    with client.stream(model, "Hello", thinking=True) as stream:
        batches = list(stream.batches())
    events = [event for batch in batches for event in batch]
    assert [(event.kind, event.text, event.choice, event.usage) for event in events] == expected
    assert sum(map(len, batches)) == len(expected)
    for kind, text in [
        (EventKind.REASONING, "".join(batch.reasoning for batch in batches)),
        (EventKind.CONTENT, "".join(batch.content for batch in batches)),
    ]:
        assert text == "".join(event.text for event in events if event.kind is kind)
    assert stream.reply.status is Status.OK


def test_batch_can_be_iterated_more_than_once(client: Client) -> None:
    batch = next(client.stream(f"{SYNTHETIC}#chunks=10", "Hello").batches())
    assert isinstance(batch, EventBatch) and len(batch) > 0
    assert list(batch) == list(batch) == batch.events
    assert repr(batch) == f"<EventBatch of {len(batch)} events>"


def test_events_contain_their_chunks_after_the_stream_is_gone(client: Client) -> None:
    model = f"{SYNTHETIC}#reasoning=50,chunks=50"
    events = list(client.stream(model, "Hello"))
    gc.collect()
    for event in events:
        if event.kind in (EventKind.REASONING, EventKind.CONTENT):
            assert f'"{event.text}"' in event.raw
            assert event.raw.startswith("{") and event.raw.endswith("}")


def test_iterations_continue_each_other(client: Client) -> None:
    model = f"{SYNTHETIC}#chunks=900,text=x"
    stream = client.stream(model, "Hello")
    texts = [next(stream).text]
    for event in stream:
        texts.append(event.text)
        if len(texts) == 10:
            break
    iterator = iter(stream)
    texts += [next(iterator).text, next(stream).text, next(iterator).text]
    batches = stream.batches()
    texts.append(next(batches).content)
    texts += [event.text for event in stream if event.kind is EventKind.CONTENT]
    assert "".join(texts) == "x" * 900 == stream.reply.content
    with pytest.raises(StopIteration):
        next(batches)


def test_finish_discards_what_was_not_taken(client: Client) -> None:
    stream = client.stream(f"{SYNTHETIC}#chunks=100,text=x", "Hello")
    iterator = iter(stream)
    next(iterator)
    assert stream.finish().content == "x" * 100
    with pytest.raises(StopIteration):
        next(iterator)


def test_error_follows_the_batches_that_were_received(client: Client) -> None:
    stream = client.stream(f"{SYNTHETIC}#chunks=100,text=x,cut=6000", "Hello")
    received = ""
    with pytest.raises(TruncatedError):
        for batch in stream.batches():
            received += batch.content
    assert received == stream.reply.content != ""
