"""Functions of the caller's: what they are given, and what becomes of what they raise."""

from __future__ import annotations

import gc
import threading
import time
import weakref

import pytest
from conftest import QWEN3, SYNTHETIC, recorded
from thinkwire import Client, Event, EventKind, Status, TruncatedError, _log


class Stop(Exception):
    """What a callback raises here."""


def test_on_event_hears_what_iterating_would(client: Client) -> None:
    heard: list[Event] = []
    reply = client.send(QWEN3, "Hello", thinking=True, on_event=heard.append)
    with client.stream(QWEN3, "Hello", thinking=True) as stream:
        pulled = list(stream)
    assert [(event.kind, event.text, event.raw) for event in heard] == [
        (event.kind, event.text, event.raw) for event in pulled
    ]
    assert reply.status is Status.OK and reply.content == recorded("qwen3-32b.sse").content


def test_stream_with_on_event_does_as_send_does(client: Client) -> None:
    heard: list[str] = []
    reply = client.stream(
        QWEN3, "Hello", thinking=True, on_event=lambda event: heard.append(event.kind)
    )
    assert reply.reasoning == recorded("qwen3-32b.sse").reasoning
    assert {"reasoning", "content", "usage", "finish"} <= set(heard)


def test_what_on_event_raises_comes_out_at_once(client: Client) -> None:
    heard: list[Event] = []

    def fail(event: Event) -> None:
        heard.append(event)
        raise Stop

    began = time.monotonic()
    with pytest.raises(Stop):
        client.send(f"{SYNTHETIC}#chunks=1000,stall=2000", "Hello", on_event=fail)
    assert len(heard) == 1 and time.monotonic() - began < 10
    assert client.send(QWEN3, "Hello", thinking=False).status is Status.OK


def test_an_error_comes_out_after_the_events(client: Client) -> None:
    heard: list[Event] = []
    with pytest.raises(TruncatedError) as broken:
        client.send(f"{QWEN3}#cut=2000", "Hello", thinking=True, on_event=heard.append)
    assert broken.value.reply is not None
    assert (
        "".join(event.text for event in heard if event.kind is EventKind.REASONING)
        == broken.value.reply.reasoning
        != ""
    )


def test_a_callback_may_begin_another_exchange(client: Client) -> None:
    inner: list[str] = []

    def ask(event: Event) -> None:
        if not inner:
            inner.append(client.send(QWEN3, "Hello", thinking=False).content)

    reply = client.send(QWEN3, "Hello", thinking=True, on_event=ask)
    assert inner == [recorded("qwen3-32b.json").content]
    assert reply.content == recorded("qwen3-32b.sse").content


def test_a_callback_may_close_the_client(client: Client) -> None:
    reply = client.send(QWEN3, "Hello", thinking=True, on_event=lambda event: client.close())
    assert reply.content == recorded("qwen3-32b.sse").content


def test_the_log_gets_lines_without_the_key(base_url: str) -> None:
    lines: list[str] = []
    with Client(base_url=base_url, api_key="a-very-secret-key", log=lines.append) as client:
        client.send(QWEN3, "Say nothing of this", thinking=False)
    assert lines and not any("\n" in line for line in lines)
    assert not any("a-very-secret-key" in line or "Say nothing of this" in line for line in lines)


@pytest.mark.parametrize("aside", [False, True])
def test_what_the_log_raises_comes_out_of_the_call(base_url: str, aside: bool) -> None:
    def fail(line: str) -> None:
        raise Stop(line)

    raised: list[BaseException] = []

    def call() -> None:
        with Client(base_url=base_url, api_key="test", log=fail) as client:
            try:
                client.send(f"{SYNTHETIC}#delay=30000", "Hello")
            except Stop as error:
                raised.append(error)

    began = time.monotonic()
    if aside:
        thread = threading.Thread(target=call)
        thread.start()
        thread.join(20)
    else:
        call()
    assert len(raised) == 1 and time.monotonic() - began < 10
    assert not _log.failures


def test_a_log_function_lives_as_long_as_what_may_call_it(base_url: str) -> None:
    class Log:
        def __call__(self, line: str) -> None:
            pass

    log = Log()
    gone = weakref.ref(log)
    client = Client(base_url=base_url, api_key="test", log=log)
    stream = client.stream(f"{SYNTHETIC}#chunks=3", "Hello")
    client.close()
    del client, log
    gc.collect()
    assert gone() is not None and stream.finish().status is Status.OK
    del stream
    gc.collect()
    assert gone() is None
