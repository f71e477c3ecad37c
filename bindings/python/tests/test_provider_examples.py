"""The example requests of the provider's documentation return the documented answers."""

from __future__ import annotations

from typing import Any

import pytest
from conftest import NEXT, QWEN3, QWEN36, VL, recorded
from thinkwire import Client, InvalidArgumentError

HELLO = [{"role": "user", "content": "Hello"}]
MANKIND = "Hi! What do you think about mankind?"

EXAMPLES = [
    ({"model": QWEN3, "messages": HELLO, "enable_thinking": False}, "qwen3-32b.json"),
    (
        {"model": NEXT, "messages": HELLO, "enable_thinking": False},
        "qwen3-next-80b-a3b-thinking.json",
    ),
    ({"model": NEXT, "messages": HELLO}, "qwen3-next-80b-a3b-thinking.json"),
    ({"model": QWEN36, "messages": [{"role": "user", "content": MANKIND}]}, "qwen3.6-35b-a3b.json"),
    # The message in this example has no role.
    (
        {"model": VL, "messages": [{"content": MANKIND}]},
        "qwen3-vl-32b-thinking.json",
    ),
    (
        {"model": VL, "messages": [{"role": "user", "content": MANKIND}]},
        "qwen3-vl-32b-thinking.json",
    ),
]


@pytest.mark.parametrize("request_fields, name", EXAMPLES)
def test_unstreamed_example(client: Client, request_fields: dict[str, Any], name: str) -> None:
    recording = recorded(name)
    reply = client.send(**request_fields)
    assert (reply.reasoning, reply.content) == (recording.reasoning, recording.content)
    assert reply.json() == recording.document
    assert client.chat.completions.create(**request_fields) == recording.document


@pytest.mark.parametrize("request_fields, name", EXAMPLES)
def test_streamed_example(client: Client, request_fields: dict[str, Any], name: str) -> None:
    recording = recorded(name)
    with client.stream(**request_fields) as stream:
        texts = {
            kind: "".join(event.text for event in events)
            for kind, events in by_kind(list(stream)).items()
        }
    assert texts.get("reasoning", "") == recording.reasoning == stream.reply.reasoning
    assert texts["content"] == recording.content == stream.reply.content


@pytest.mark.parametrize("thinking", [True, False])
@pytest.mark.parametrize("request_fields, name", EXAMPLES)
def test_example_with_thinking_on_and_off(
    client: Client, request_fields: dict[str, Any], name: str, thinking: bool
) -> None:
    """Omits `enable_thinking`, which would have priority over the argument `thinking`."""
    fields = {field: value for field, value in request_fields.items() if field != "enable_thinking"}
    recording = recorded("qwen3-32b.sse" if thinking and fields["model"] == QWEN3 else name)
    stream = client.stream(**fields, thinking=thinking)
    texts = {
        kind: "".join(event.text for event in events)
        for kind, events in by_kind(list(stream)).items()
    }
    assert (texts.get("reasoning", ""), texts["content"]) == (
        recording.reasoning,
        recording.content,
    )
    reply = client.send(**fields, thinking=thinking)
    assert (reply.reasoning, reply.content) == (recording.reasoning, recording.content)


def by_kind(events: list[Any]) -> dict[str, list[Any]]:
    grouped: dict[str, list[Any]] = {}
    for event in events:
        grouped.setdefault(str(event.kind), []).append(event)
    return grouped


def test_streamed_example_with_thinking(client: Client) -> None:
    recording = recorded("qwen3-32b.sse")
    stream = client.stream(QWEN3, HELLO, enable_thinking=True)
    assert (
        "".join(event.text for event in stream if event.kind == "reasoning") == recording.reasoning
    )
    assert stream.reply.content == recording.content


def test_send_streams_if_thinking_requires_it(client: Client) -> None:
    """This model rejects unstreamed requests with thinking, so send() streams."""
    recording = recorded("qwen3-32b.sse")
    reply = client.send(QWEN3, HELLO, enable_thinking=True)
    assert (reply.reasoning, reply.content) == (recording.reasoning, recording.content)
    assert reply.get("/object") == "chat.completion"
    with pytest.raises(
        InvalidArgumentError, match='enable_thinking must be true or false, not "yes"'
    ):
        client.send(QWEN3, HELLO, extra_body={"enable_thinking": "yes"})
