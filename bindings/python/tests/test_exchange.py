"""Successful exchanges: the mock plays recordings, and the texts are those of the recordings."""

from __future__ import annotations

import copy
import json
import pickle

import pytest
from conftest import NEXT, QWEN3, QWEN36, SYNTHETIC, VL, Recording, recorded
from thinkwire import Client, Event, EventKind, MisuseError, Status, Usage

#: Each model with the recording that the mock plays with thinking enabled.
THINKING = [
    (QWEN3, "qwen3-32b.sse"),
    (NEXT, "qwen3-next-80b-a3b-thinking.json"),
    (VL, "qwen3-vl-32b-thinking.json"),
    (QWEN36, "qwen3.6-35b-a3b.json"),
]


def texts(events: list[Event], kind: EventKind) -> str:
    return "".join(event.text for event in events if event.kind is kind)


@pytest.mark.parametrize("model, name", THINKING)
def test_send_returns_the_recorded_answer(client: Client, model: str, name: str) -> None:
    recording = recorded(name)
    assert recording.reasoning and recording.content
    reply = client.send(model, "Hello", thinking=True)
    assert (reply.status, reply.message, reply.http_status) == (Status.OK, "", 200)
    assert reply.reasoning == recording.reasoning
    assert reply.content == recording.content
    assert reply.finish_reason == "stop"


@pytest.mark.parametrize("model, name", THINKING)
def test_stream_emits_the_recorded_answer_in_pieces(client: Client, model: str, name: str) -> None:
    recording = recorded(name)
    with client.stream(model, "Hello", thinking=True) as stream:
        events = list(stream)
    assert texts(events, EventKind.REASONING) == recording.reasoning == stream.reply.reasoning
    assert texts(events, EventKind.CONTENT) == recording.content == stream.reply.content
    assert len([event for event in events if event.kind == "reasoning"]) > 1
    kinds = [event.kind for event in events]
    assert kinds.index(EventKind.CONTENT) > max(
        index for index, kind in enumerate(kinds) if kind is EventKind.REASONING
    )
    assert [event.text for event in events if event.kind is EventKind.FINISH] == ["stop"]
    assert stream.reply.status is Status.OK


def test_thinking_off_returns_no_reasoning(client: Client) -> None:
    recording = recorded("qwen3-32b.json")
    reply = client.send(QWEN3, "Hello", thinking=False)
    assert (reply.reasoning, reply.content) == ("", recording.content)
    with client.stream(QWEN3, "Hello", thinking=False) as stream:
        events = list(stream)
    assert texts(events, EventKind.REASONING) == "" == stream.reply.reasoning
    assert texts(events, EventKind.CONTENT) == stream.reply.content != ""


def test_all_attributes_of_a_reply(client: Client) -> None:
    document = recorded("qwen3.6-35b-a3b.json").document
    reply = client.send(QWEN36, "Hi! What do you think about mankind?")
    assert reply.json() == document
    assert reply.usage == Usage(19, 1197, 1216, 840, None, 0.003511, "USD")
    assert reply.cost == 0.003511
    assert reply.get("/meta/usage/credits_used") == "7022"
    assert reply.get("/choices/0/message/content") == reply.content
    assert reply.get("/choices/1") is None
    assert (reply.header("Content-Type") or "").startswith("application/json")
    assert reply.header("x-no-such-header") is None
    assert (reply.refusal, reply.tool_calls) == ("", [])
    timing = reply.timing
    assert (
        timing.connected is not None and timing.first_byte is not None and timing.total is not None
    )
    assert 0 <= timing.connected <= timing.first_byte <= timing.total < 60
    assert "OK" in repr(reply)


def test_usage_is_in_an_event_and_in_the_reply(client: Client) -> None:
    with client.stream(QWEN3, "Hello", thinking=True) as stream:
        usages = [event.usage for event in stream if event.kind is EventKind.USAGE]
    assert usages[-1] == stream.reply.usage == Usage(13, 2010, 2023, 82, None, None, None)


def test_kinds_are_used_as_members_of_an_enum() -> None:
    kind = EventKind.TOOL_CALL
    assert (kind.name, kind.value, str(kind), f"{kind}") == ("TOOL_CALL", *["tool_call"] * 3)
    assert repr(kind) == "<EventKind.TOOL_CALL: 'tool_call'>" and json.dumps(kind) == '"tool_call"'
    assert EventKind("tool_call") is kind is EventKind["TOOL_CALL"]
    assert kind in EventKind and len(EventKind) == 7
    assert list(EventKind)[:2] == [EventKind.REASONING, EventKind.CONTENT]
    assert EventKind.__members__["TOOL_CALL"] is kind
    assert pickle.loads(pickle.dumps(kind)) is kind is copy.deepcopy(kind)
    assert isinstance(kind, EventKind) and isinstance(kind, str) and {"tool_call": 1}.get(kind) == 1
    with pytest.raises(ValueError, match="'other' is not a valid EventKind"):
        EventKind("other")


def test_event_contains_its_chunk(client: Client) -> None:
    recording = recorded("qwen3-32b.sse")
    with client.stream(QWEN3, "Hello", thinking=True) as stream:
        event = next(stream)
        assert (event.kind, event.text, event.choice) == (EventKind.REASONING, "Okay", 0)
        assert (
            '"reasoning_content":"Okay"' in event.raw and recording.document[1]["id"] in event.raw
        )
        assert (event.tool_index, event.tool_id, event.tool_name, event.usage) == (
            None,
            None,
            None,
            None,
        )
        assert str(event.kind) == f"{event.kind}" == "reasoning"
        assert repr(event) == "<Event reasoning 'Okay'>"


def test_events_are_copies(client: Client) -> None:
    """The library reuses its event struct, which must not change earlier events."""
    with client.stream(f"{SYNTHETIC}#chunks=200,reasoning=100", "Hello") as stream:
        events = list(stream)
    assert texts(events, EventKind.REASONING) == stream.reply.reasoning != ""
    assert texts(events, EventKind.CONTENT) == stream.reply.content != ""


def test_event_with_nul_characters_is_copied_whole(client: Client) -> None:
    with client.stream(f"{SYNTHETIC}#chunks=2,text=a%00b", "Hello") as stream:
        events = [event for event in stream if event.kind is EventKind.CONTENT]
    assert [event.text for event in events] == ["a\0b", "a\0b"]
    assert all(
        json.loads(event.raw)["choices"][0]["delta"]["content"] == "a\0b" for event in events
    )


def test_reply_is_available_only_at_the_end(client: Client) -> None:
    with client.stream(QWEN3, "Hello", thinking=True) as stream:
        with pytest.raises(MisuseError, match="has not ended"):
            _ = stream.reply
        reply = stream.finish()
        assert reply is stream.reply and reply.content == recorded("qwen3-32b.sse").content
        assert list(stream) == []


def test_conversation_continues_with_the_reply(client: Client) -> None:
    first = client.send(NEXT, [{"role": "user", "content": "Hello"}])
    assert first.as_message() == {"role": "assistant", "content": first.content}
    second = client.send(
        NEXT, [{"role": "user", "content": "Hello"}, first, {"role": "user", "content": "And now?"}]
    )
    assert second.content == recorded("qwen3-next-80b-a3b-thinking.json").content


def test_recordings_are_not_empty() -> None:
    """The expected texts are read from files; an empty file would weaken the tests above."""
    for _, name in THINKING:
        recording: Recording = recorded(name)
        assert len(recording.reasoning) > 100 and len(recording.content) > 10
