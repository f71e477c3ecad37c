"""What providers really send: each case of Tests/corpus, through the binding. The README there says what a case is."""

from __future__ import annotations

import importlib.util
import threading
from collections.abc import Iterator
from typing import Any, Optional

import pytest
from conftest import ROOT
from thinkwire import Client, Error, Event, EventKind, Reply
from thinkwire.reply import Usage


def _load() -> Any:
    spec = importlib.util.spec_from_file_location("corpus", ROOT / "Tests" / "corpus" / "corpus.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


corpus = _load()
CASES = {case.name: case for case in corpus.cases()}

#: How the body comes: whole, in two pieces in different places, a byte at a time.
CUTS = ["whole", "first=1", "first=100", "first=333", "piece=1"]

#: The cases that have been played.
played: set[str] = set()


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with corpus.Server() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running.url
        running.shutdown()
        thread.join()


@pytest.mark.parametrize("name", CASES)
def test_case(server: str, name: str) -> None:
    case = CASES[name]
    for cut in CUTS:
        with Client(
            base_url=f"{server}/{name}/{cut}/v1", api_key="test", timeout=20, max_retries=0
        ) as client:
            events, streamed = listen(client, case)
            sent = send(client, case)
        assert corpus.differences(case, heard(streamed), events, streamed.raw_json()) == [], cut
        assert corpus.differences(case, heard(sent), None, sent.raw_json()) == [], f"{cut}, sent"
    played.add(name)


def test_every_case_was_played() -> None:
    files = list(corpus.CASES.glob("*.json"))
    print(f"corpus through Python: {len(played)} cases of {len(files)}")
    assert len(played) == len(files) > 0


def test_what_is_heard_wrong_is_noticed(server: str) -> None:
    with Client(base_url=f"{server}/think-tags/whole/v1", api_key="test") as client:
        events, reply = listen(client, CASES["think-tags"])
    found = corpus.differences(CASES["tool-calls-by-index"], heard(reply), events, reply.raw_json())
    assert [line.split(" is ")[0] for line in found] == [
        "events", "reasoning", "content", "finish_reason", "tool_calls", "the document"
    ]  # fmt: skip


def listen(client: Client, case: Any) -> tuple[list[Any], Reply]:
    """The events of a streamed answer in the corpus' words, and the reply, whether it is one of success or not."""
    stream = client.stream("m", "Hello", **thinking(case))
    events = []
    with stream:
        try:
            for event in stream:
                events.append(written(event))
        except Error:
            pass
    return events, stream.reply


def send(client: Client, case: Any) -> Reply:
    try:
        return client.send("m", "Hello", **thinking(case))
    except Error as error:
        assert error.reply is not None
        return error.reply


def thinking(case: Any) -> dict[str, Any]:
    """What a case has to be asked with, in the binding's words."""
    given = {"starts_thinking": bool(case.request.get("starts_thinking"))}
    return {**given, "thinking": False} if case.request.get("thinking") == "off" else given


def written(event: Event) -> list[Any]:
    subject: list[Any] = [str(event.kind)]
    if event.kind is EventKind.TOOL_CALL:
        subject += [event.tool_index, event.tool_id, event.tool_name]
    said = bill(event.usage) if event.kind is EventKind.USAGE else event.text
    return [*subject, said, *([event.choice] if event.choice else [])]


def bill(usage: Optional[Usage]) -> Optional[dict[str, Any]]:
    return None if usage is None else dict(vars(usage))


def heard(reply: Reply) -> dict[str, Any]:
    return {
        "status": f"TW_{reply.status.name}",
        "http_status": reply.http_status,
        "message": reply.message,
        "reasoning": reply.reasoning,
        "content": reply.content,
        "refusal": reply.refusal,
        "finish_reason": reply.finish_reason,
        "usage": bill(reply.usage),
        "tool_calls": [
            [call.index, call.id, call.name, call.arguments, call.choice]
            for call in reply.tool_calls
        ],
        "request_id": reply.request_id,
    }
