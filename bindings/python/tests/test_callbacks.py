"""Event and log functions: what they receive, and how their exceptions propagate."""

from __future__ import annotations

import gc
import threading
import time
import weakref

import pytest
from conftest import QWEN3, SYNTHETIC, recorded
from thinkwire import Client, Event, EventKind, Status, TruncatedError
from thinkwire._handle import failures


class Stop(Exception):
    """The exception that the callbacks of these tests raise."""


def test_on_event_receives_the_same_events_as_iteration(client: Client) -> None:
    received: list[Event] = []
    reply = client.send(QWEN3, "Hello", thinking=True, on_event=received.append)
    with client.stream(QWEN3, "Hello", thinking=True) as stream:
        pulled = list(stream)
    assert [(event.kind, event.text, event.raw) for event in received] == [
        (event.kind, event.text, event.raw) for event in pulled
    ]
    assert reply.status is Status.OK and reply.content == recorded("qwen3-32b.sse").content


def test_stream_with_on_event_behaves_as_send(client: Client) -> None:
    received: list[str] = []
    reply = client.stream(
        QWEN3, "Hello", thinking=True, on_event=lambda event: received.append(event.kind)
    )
    assert reply.reasoning == recorded("qwen3-32b.sse").reasoning
    assert {"reasoning", "content", "usage", "finish"} <= set(received)


def test_exception_in_on_event_propagates_immediately(client: Client) -> None:
    received: list[Event] = []

    def fail(event: Event) -> None:
        received.append(event)
        raise Stop

    start = time.monotonic()
    with pytest.raises(Stop):
        client.send(f"{SYNTHETIC}#chunks=1000,stall=2000", "Hello", on_event=fail)
    assert len(received) == 1 and time.monotonic() - start < 10
    assert client.send(QWEN3, "Hello", thinking=False).status is Status.OK


def test_error_is_raised_after_the_events(client: Client) -> None:
    received: list[Event] = []
    with pytest.raises(TruncatedError) as raised:
        client.send(f"{QWEN3}#cut=2000", "Hello", thinking=True, on_event=received.append)
    assert raised.value.reply is not None
    assert (
        "".join(event.text for event in received if event.kind is EventKind.REASONING)
        == raised.value.reply.reasoning
        != ""
    )


def test_callback_may_start_another_exchange(client: Client) -> None:
    inner: list[str] = []

    def ask(event: Event) -> None:
        if not inner:
            inner.append(client.send(QWEN3, "Hello", thinking=False).content)

    reply = client.send(QWEN3, "Hello", thinking=True, on_event=ask)
    assert inner == [recorded("qwen3-32b.json").content]
    assert reply.content == recorded("qwen3-32b.sse").content


def test_callback_may_close_the_client(client: Client) -> None:
    reply = client.send(QWEN3, "Hello", thinking=True, on_event=lambda event: client.close())
    assert reply.content == recorded("qwen3-32b.sse").content


def test_log_contains_neither_key_nor_messages(base_url: str) -> None:
    lines: list[str] = []
    with Client(base_url=base_url, api_key="a-very-secret-key", log=lines.append) as client:
        client.send(QWEN3, "Text of the message", thinking=False)
    assert lines and not any("\n" in line for line in lines)
    assert not any("a-very-secret-key" in line or "Text of the message" in line for line in lines)


@pytest.mark.parametrize("on_thread", [False, True])
def test_exception_in_log_function_propagates(base_url: str, on_thread: bool) -> None:
    def fail(line: str) -> None:
        raise Stop(line)

    raised: list[BaseException] = []

    def call() -> None:
        with Client(base_url=base_url, api_key="test", log=fail) as client:
            try:
                client.send(f"{SYNTHETIC}#delay=30000", "Hello")
            except Stop as error:
                raised.append(error)

    start = time.monotonic()
    if on_thread:
        thread = threading.Thread(target=call)
        thread.start()
        thread.join(20)
    else:
        call()
    assert len(raised) == 1 and time.monotonic() - start < 10
    assert not failures


def test_log_function_lives_as_long_as_its_exchanges(base_url: str) -> None:
    class Log:
        def __call__(self, line: str) -> None:
            pass

    log = Log()
    reference = weakref.ref(log)
    client = Client(base_url=base_url, api_key="test", log=log)
    stream = client.stream(f"{SYNTHETIC}#chunks=3", "Hello")
    client.close()
    del client, log
    gc.collect()
    assert reference() is not None and stream.finish().status is Status.OK
    del stream
    gc.collect()
    assert reference() is None
