"""Responses of real providers: the cases of Tests/corpus (see its README) through the binding."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import corpus  # type: ignore[import-not-found]
import pytest
from thinkwire import Client, Error, Reply

CASES = {case.name: case for case in corpus.cases()}

#: How the body is split: not at all, into two pieces at different offsets, into single bytes.
SPLITS = ["whole", "first=1", "first=100", "first=333", "piece=1"]

#: The cases that wait for a timeout.
SLOW_CASES = {"open-after-done"}

#: The cases and splits that were played.
played: set[tuple[str, str]] = set()


@pytest.fixture(scope="module")
def server() -> Iterator[Any]:
    corpus_server = corpus.Server()
    yield corpus_server
    corpus_server.stop()


@pytest.mark.parametrize(
    "split", ["whole", *(pytest.param(split, marks=pytest.mark.slow) for split in SPLITS[1:])]
)
@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.slow) if name in SLOW_CASES else name for name in CASES],
)
def test_case(server: Any, name: str, split: str) -> None:
    case = CASES[name]
    with Client(
        base_url=server.url_of(name, split), api_key="test", timeout=20, max_retries=0
    ) as client:
        events, streamed = stream_case(client, case)
        sent = send_case(client, case)
    assert corpus.differences(case, corpus.reply_of(streamed), events, streamed.raw_json()) == []
    assert corpus.differences(case, corpus.reply_of(sent), None, sent.raw_json()) == [], "sent"
    played.add((name, split))


@pytest.mark.slow
def test_every_case_was_played() -> None:
    files = list(corpus.CASES.glob("*.json"))
    print(f"corpus through Python: {len(played)} exchanges for {len(files)} cases")
    assert len(played) == len(files) * len(SPLITS) > 0


def test_a_difference_is_detected(server: Any) -> None:
    with Client(base_url=server.url_of("think-tags"), api_key="test") as client:
        events, reply = stream_case(client, CASES["think-tags"])
    differences = corpus.differences(
        CASES["tool-calls-by-index"], corpus.reply_of(reply), events, reply.raw_json()
    )
    assert [line.split(" is ")[0] for line in differences] == [
        "events", "reasoning", "content", "finish_reason", "tool_calls", "the document"
    ]  # fmt: skip


def stream_case(client: Client, case: Any) -> tuple[list[Any], Reply]:
    """Returns the events of a streamed answer in the format of the corpus, and the reply."""
    stream = client.stream("m", "Hello", **request_fields(case))
    events = []
    with stream:
        try:
            for event in stream:
                events.append(corpus.event_of(event))
        except Error:
            pass
    return events, stream.reply


def send_case(client: Client, case: Any) -> Reply:
    try:
        return client.send("m", "Hello", **request_fields(case))
    except Error as error:
        assert error.reply is not None
        return error.reply


def request_fields(case: Any) -> dict[str, Any]:
    """Returns the arguments with which to send the request of a case."""
    fields = {"starts_thinking": bool(case.request.get("starts_thinking"))}
    return {**fields, "thinking": False} if case.request.get("thinking") == "off" else fields
