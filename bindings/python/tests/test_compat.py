"""Programs written for openai-python run with this package."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
import thinkwire
from conftest import NEXT, QWEN3, QWEN36, Echo, recorded
from thinkwire import Client
from thinkwire.compat import Object


def test_completion_equals_the_document_of_the_provider(client: Client) -> None:
    document = recorded("qwen3.6-35b-a3b.json").document
    completion = client.chat.completions.create(
        model=QWEN36, messages=[{"role": "user", "content": "Hi!"}]
    )
    assert (
        completion
        == document
        == completion.model_dump()
        == json.loads(completion.model_dump_json())
    )
    assert type(completion.model_dump()) is dict
    plain = {"a": [{"b": None, "c": 0}], "d": None}
    assert Object(plain).model_dump(mode="json", exclude_none=True) == {"a": [{"c": 0}]}
    message = completion.choices[0].message
    assert message.content == document["choices"][0]["message"]["content"]
    assert message.reasoning_content == document["choices"][0]["message"]["reasoning_content"]
    assert (message.role, message.tool_calls, message.refusal) == ("assistant", None, None)
    assert completion.usage.completion_tokens_details.reasoning_tokens == 840
    assert completion.meta.usage.usd_spent == 0.003511
    assert getattr(message, "reasoning_content", None) and not hasattr(message, "no_such_field")


def test_thinking_works_without_streaming(client: Client) -> None:
    recording = recorded("qwen3-32b.sse")
    for fields in ({"extra_body": {"enable_thinking": True}}, {"thinking": True}):
        completion = client.chat.completions.create(model=QWEN3, messages="Hello", **fields)
        message = completion.choices[0].message
        assert (message.reasoning_content, message.content) == (
            recording.reasoning,
            recording.content,
        )


def test_typical_loop_over_chunks(client: Client) -> None:
    recording = recorded("qwen3-32b.sse")
    messages = [{"role": "user", "content": "Hello"}]
    stream = client.chat.completions.create(
        model=QWEN3,
        messages=messages,
        stream=True,
        stream_options={"include_usage": True},
        extra_body={"enable_thinking": True},
    )
    reasoning = answer = ""
    reasons, usage = [], None
    for chunk in stream:
        assert chunk.object == "chat.completion.chunk" and chunk.id == recording.document[0]["id"]
        if chunk.usage:
            usage = chunk.usage
        if not chunk.choices:
            continue
        delta = chunk.choices[0].delta
        reasoning += delta.reasoning_content or ""
        answer += delta.content or ""
        reasons.append(chunk.choices[0].finish_reason)
    assert (reasoning, answer) == (recording.reasoning, recording.content)
    assert [reason for reason in reasons if reason] == ["stop"] == reasons[-1:]
    assert usage is not None and usage.completion_tokens == 2010
    assert stream.reply.content == answer


def test_chunks_work_as_dicts(client: Client) -> None:
    """The documentation of the provider reads chunks as parsed JSON."""
    recording = recorded("qwen3-32b.sse")
    answer = reasoning = ""
    for data in client.chat.completions.create(
        model=QWEN3, messages="Hello", stream=True, enable_thinking=True
    ):
        choices = data.get("choices")
        if not choices or "delta" not in choices[0]:
            continue
        delta = choices[0]["delta"]
        content_piece = delta.get("content")
        reasoning_piece = delta.get("reasoning_content")
        if content_piece:
            answer += content_piece
        if reasoning_piece:
            reasoning += reasoning_piece
    assert (reasoning, answer) == (recording.reasoning, recording.content)


def test_message_of_a_completion_can_be_sent(client: Client) -> None:
    messages: list[Any] = [{"role": "user", "content": "Hello"}]
    messages.append(
        client.chat.completions.create(model=NEXT, messages=messages).choices[0].message
    )
    messages.append({"role": "user", "content": "And?"})
    assert (
        client.chat.completions.create(model=NEXT, messages=messages).choices[0].finish_reason
        == "stop"
    )


def test_unchanged_message_of_a_completion_is_sent_like_its_reply(echo: Echo) -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{'broken"}}
    echo.script = [
        {"role": "assistant", "content": "Yes", "reasoning": "Hm", "source": 1},
        {"role": "assistant", "content": None, "reasoning": "Hm", "tool_calls": [call]},
    ]
    with Client(echo.base_url, "") as client:

        def sent(message: Any) -> Any:
            client.chat.completions.create(model="m", messages=[message])
            return echo.bodies[-1]["messages"][0]

        def message() -> Any:
            completion = client.chat.completions.create(model="m", messages="Hello")
            return completion.choices[0].message

        plain, with_call = message(), message()
        assert (plain.reasoning_content, plain.source) == ("Hm", 1)
        # A server that is not known receives reasoning only with tool calls.
        assert sent(plain) == {"role": "assistant", "content": "Yes"}
        assert with_call.tool_calls[0].function.arguments == "{'broken"
        expected = {**call, "function": {"name": "f", "arguments": "{}"}}
        assert (
            sent(with_call)
            == sent(copy.deepcopy(with_call))
            == {
                "role": "assistant",
                "content": None,
                "tool_calls": [expected],
                "reasoning": "Hm",
            }
        )
        # Other messages are sent as they are.
        assert sent(plain.model_dump()) == plain.model_dump()
        plain.content = "No"
        assert sent(plain) == {**plain.model_dump(), "content": "No"}


@pytest.mark.slow
def test_errors_have_the_names_of_openai_python(client: Client) -> None:
    with pytest.raises(thinkwire.RateLimitError):
        client.chat.completions.create(model=f"{QWEN3}#status=429", messages="Hello")
    with pytest.raises(thinkwire.RateLimitError):
        list(
            client.chat.completions.create(
                model=f"{QWEN3}#status=429", messages="Hello", stream=True
            )
        )
    with pytest.raises(thinkwire.APITimeoutError, match="first-byte timeout"):
        client.chat.completions.create(model=f"{QWEN3}#delay=5000", messages="Hello", timeout=0.2)


def test_leaving_the_with_block_cancels(client: Client) -> None:
    with client.chat.completions.create(
        model="mock/synthetic#chunks=1000,stall=2000", messages="Hello", stream=True
    ) as stream:
        next(stream)
    assert stream.reply.status is thinkwire.Status.CANCELLED


def streamed(echo: Echo, deltas: list[Any], with_usage: bool = False, **fields: Any) -> list[Any]:
    echo.script = [[{"choices": [{"index": 0, "delta": delta, **fields}]} for delta in deltas]]
    options = {"include_usage": with_usage}
    with Client(echo.base_url, "") as client:
        return list(
            client.chat.completions.create(
                model="m", messages="Hello", stream=True, stream_options=options
            )
        )


def test_reasoning_is_in_one_field_whatever_the_server_calls_it(echo: Echo) -> None:
    chunks = streamed(echo, [{"role": "assistant", "reasoning": "Hm"}, {"content": "Yes"}])
    assert [chunk.choices[0].delta for chunk in chunks] == [
        {"role": "assistant", "reasoning_content": "Hm"},
        {"content": "Yes"},
    ]


def test_unstreamed_reasoning_is_separated_as_by_the_library(client: Client) -> None:
    def message(sent: str, **fields: Any) -> Any:
        body = f'{{"choices": [{{"index": 0, "message": {sent}, "finish_reason": "stop"}}]}}'
        completion = client.chat.completions.create(
            model="mock/script", messages="Hello", extra_body={"mock_reply": body}, **fields
        )
        return completion.choices[0].message

    # With thinking disabled, the server sends the answer in the field for reasoning.
    for name in ("reasoning_content", "reasoning"):
        answer = message(f'{{"content": null, "{name}": "Yes"}}', thinking=False)
        assert (answer.content, answer.reasoning_content, answer.get("reasoning")) == (
            "Yes",
            None,
            None,
        )
    reasoning = '{"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}]}'
    parts = message(f'{{"content": [{reasoning}, {{"type": "text", "text": "Yes"}}]}}')
    assert (parts.content, parts.reasoning_content) == ("Yes", "Hm")
    assert message('{"content": null, "tool_calls": []}').content is None


def test_usage_in_a_choice_becomes_the_usage_of_the_chunk(echo: Echo) -> None:
    answer: dict[str, Any] = {"finish_reason": "stop", "usage": {"total_tokens": 7}}
    *_, last = streamed(echo, [{"content": "Yes"}], with_usage=True, **answer)
    assert last.usage.total_tokens == 7 and last.choices == []


def test_every_chunk_has_a_choice_unless_usage_is_requested(echo: Echo) -> None:
    """Programs read chunk.choices[0], because OpenAI sends usage only on request."""
    usage = {"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2}}
    text = {"choices": [{"index": 0, "delta": {"content": "Yes"}, "finish_reason": "stop"}]}
    echo.script = [[text, usage]]
    with Client(echo.base_url, "") as client:
        stream = client.chat.completions.create(model="m", messages="Hello", stream=True)
        assert "".join(chunk.choices[0].delta.content or "" for chunk in stream) == "Yes"
    assert stream.reply.usage is not None and stream.reply.usage.completion_tokens == 2


def test_equal_chunks_are_not_merged(echo: Echo) -> None:
    chunks = streamed(echo, [{"content": "ha", "extra": 1}] * 3)
    assert [chunk.choices[0].delta.content for chunk in chunks] == ["ha"] * 3
    assert [chunk.choices[0].delta.extra for chunk in chunks] == [1] * 3


def test_other_fields_of_a_chunk_are_emitted_once(echo: Echo) -> None:
    delta = {"reasoning_content": "Hm", "content": "Yes", "annotations": [{"type": "url_citation"}]}
    reasoning, content = streamed(echo, [delta], logprobs={"content": []})
    assert reasoning.choices[0] == {
        "index": 0,
        "finish_reason": None,
        "logprobs": {"content": []},
        "delta": {
            "annotations": [{"type": "url_citation"}],
            "role": "assistant",
            "reasoning_content": "Hm",
        },
    }
    assert content.choices[0] == {
        "index": 0,
        "finish_reason": None,
        "logprobs": None,
        "delta": {"content": "Yes"},
    }


def test_tool_call_fragments_have_the_format_of_openai(echo: Echo) -> None:
    first = {"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": ""}}
    rest = [{"index": 0, "function": {"arguments": arguments}} for arguments in ("{", "}")]
    chunks = streamed(echo, [{"tool_calls": [fragment]} for fragment in (first, *rest)])
    calls = [chunk.choices[0].delta.tool_calls[0] for chunk in chunks if chunk.choices]
    assert [call.id for call in calls] == ["a", None, None]
    assert [call.function.name for call in calls] == ["f", None, None]
    assert "".join(call.function.arguments for call in calls) == "{}"


def test_malformed_choices_and_deltas_are_ignored(echo: Echo, client: Client) -> None:
    (last,) = streamed(echo, ["not an object"], finish_reason="stop")
    assert last.choices[0].finish_reason == "stop"
    echo.script = [
        [{"choices": [5, {"index": 0, "delta": {"content": "Yes"}, "finish_reason": "stop"}]}]
    ]
    body = '{"choices": [5, {"index": 0, "message": {"content": "Yes"}, "finish_reason": "stop"}]}'
    with Client(echo.base_url, "") as streaming:
        first, _ = streaming.chat.completions.create(model="m", messages="Hello", stream=True)
    assert first.choices[0].delta == {"role": "assistant", "content": "Yes"}
    completion = client.chat.completions.create(
        model="mock/script", messages="Hello", extra_body={"mock_reply": body}
    )
    assert completion.choices[1].message.content == "Yes"


def test_fields_can_be_changed_and_unknown_ones_raise(echo: Echo) -> None:
    with Client(echo.base_url, "") as client:
        completion = client.chat.completions.create(model="m", messages="Hello")
    assert completion._request_id == "req-1" and "_request_id" not in completion
    completion.choices[0].message.content = "changed"
    assert completion["choices"][0]["message"]["content"] == "changed"
    with pytest.raises(AttributeError, match="no 'choice', only .*choices"):
        _ = completion.choice
