"""Retries and their events."""

from __future__ import annotations

import time

import pytest
import thinkwire
from conftest import QWEN3
from thinkwire import Client, Status


def test_error_response_is_retried(client: Client) -> None:
    model = f"{QWEN3}#status=429,header=retry-after-ms:20,message=Slow down,tries=1,key=python-1"
    with client.stream(model, "Hello") as stream:
        events = list(stream)
    retry = events[0]
    assert (
        retry.kind == "retry"
        and retry.attempt == 2
        and retry.status is Status.RATE_LIMITED
        and retry.wait == 0.02
    )
    assert "Slow down" in retry.text and retry.raw == ""
    assert all(
        event.kind != "retry" and event.attempt is None and event.wait is None
        for event in events[1:]
    )
    assert stream.reply.attempts == 2 and stream.reply.last_error == retry.text
    assert stream.reply.content.startswith("Hello")


def test_reply_without_retry(client: Client) -> None:
    reply = client.send(QWEN3, "Hello")
    assert reply.attempts == 1 and reply.last_error is None


@pytest.mark.parametrize("retries", [0, 1])
def test_max_retries_is_obeyed(base_url: str, retries: int) -> None:
    with Client(base_url=base_url, api_key="test", max_retries=retries) as client:
        with pytest.raises(thinkwire.ServerError) as raised:
            client.send(f"{QWEN3}#status=503,header=retry-after-ms:1", "Hello")
    assert raised.value.reply is not None and raised.value.reply.attempts == retries + 1


def test_retry_event_can_cancel_the_delay(client: Client) -> None:
    start = time.monotonic()
    reply = client.send(
        f"{QWEN3}#status=429,header=retry-after:50",
        "Hello",
        on_event=lambda event: event.kind != "retry",
    )
    assert reply.status is Status.CANCELLED and reply.last_error is not None
    assert time.monotonic() - start < 20


def test_openai_chunks_omit_retries(client: Client) -> None:
    model = f"{QWEN3}#status=500,header=retry-after-ms:1,tries=1,key=python-2"
    chunks = list(client.chat.completions.create(model=model, messages="Hello", stream=True))
    assert chunks[0].choices[0].delta.role == "assistant"
    assert "".join(
        chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices
    ).startswith("Hello")


@pytest.mark.slow
def test_timeout_of_a_request_replaces_that_of_the_client(client: Client) -> None:
    with pytest.raises(thinkwire.TimeoutError, match="200 ms.*first-byte"):
        client.send(f"{QWEN3}#delay=9000", "Hello", timeout={"first_byte": 0.2})
    with pytest.raises(thinkwire.InvalidArgumentError, match="negative"):
        client.send(QWEN3, "Hello", timeout=-1)


@pytest.mark.slow
def test_comments_keep_alive_can_be_disabled(base_url: str) -> None:
    with Client(
        base_url=base_url,
        api_key="test",
        timeout={"idle": 0.3, "total": 20},
        comments_keep_alive=False,
    ) as client:
        with pytest.raises(thinkwire.TimeoutError, match="idle"):
            comments = ": ping\n\n" * 4000
            client.send(
                "mock/script#type=text/event-stream,piece=8,pace=20",
                "Hello",
                extra_body={"mock_reply": comments},
                on_event=lambda _: None,
            )
