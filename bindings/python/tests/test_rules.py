"""For the four known models, the library rejects the same values as the schemas of the provider.

Every field is tested with values of every kind.
"""

from __future__ import annotations

import http.client
import json
from typing import Any
from urllib.parse import urlsplit

import pytest
from conftest import NEXT, QWEN3, QWEN36, VL
from mock_process import Mock  # type: ignore[import-not-found]
from test_request import PNG, body
from thinkwire import Image, InvalidArgumentError
from thinkwire._library import library
from thinkwire._request import build

MODELS = (QWEN3, NEXT, VL, QWEN36)

#: Values of every kind, for every field. They are JSON texts, to test all notations of numbers.
COMMON = """null true false 0 1 -1 2 3 0.5 1.0 1.5 1e0 10e-1 -0 20 20.5 21 -2 -2.5 2.0000001
    0.01 0.009 1e400 -1e400 1e-400 99999999999999999999 "" "a" "none" "auto" "required" "low"
    "medium" "max" "text" [] [1] ["a"] ["a","b","c","d"] ["a","b","c","d","e"] ["a",null] {}
    {"a":1} {"a":null} {"50256":-100,"1":100} {"50256":-100.5} {"1":"1"} {"type":"text"}
    {"type":"json_object"} {"type":"function"} {"type":"json_object","a":1} {"type":null}""".split()


def function(**fields: Any) -> dict[str, Any]:
    return {
        "type": "function",
        "function": {"name": "f", "parameters": {"type": "object"}, **fields},
    }


def call(**fields: Any) -> dict[str, Any]:
    return {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}, **fields}


def json_schema(**fields: Any) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "s", **fields}}


def conversations(*messages: Any) -> list[list[Any]]:
    return [[{"role": "user", "content": "Hello"}, message] for message in messages]


TEXT = {"type": "text", "text": "Hello"}
IMAGE = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}

#: Additional values for single fields.
SPECIFIC: dict[str, list[Any]] = {
    "stream_options": [
        {"include_usage": True},
        {"include_usage": 1},
        {"include_usage": False, "more": 1},
    ],
    "tools": [
        [function()],
        [function()] * 128,
        [function()] * 129,
        [function(), function(name="a b")],
        [function(name="a" * 64)],
        [function(name="a" * 65)],
        [function(name="")],
        [function(name="é")],
        [function(name=1)],
        [function(parameters=None)],
        [function(parameters=[])],
        [function(parameters={"a": None})],
        [function(description="d", strict=None)],
        [function(description=None)],
        [function(strict=1)],
        [function(more=1)],
        [{**function(), "more": 1}],
        [{"type": "function", "function": {"name": "f"}}],
        [{"type": "function"}],
        [{"type": "custom", "function": {"name": "f", "parameters": {}}}],
    ],
    "tool_choice": [
        {"type": "function", "function": {"name": "f"}},
        {"type": "function", "function": {"name": 1}},
        {"type": "function", "function": {}},
        {"type": "function", "function": {"name": "f"}, "more": 1},
        {"type": "custom", "function": {"name": "f"}},
    ],
    "response_format": [
        json_schema(),
        json_schema(schema={"type": "object", "x": None}, strict=True, description="d"),
        json_schema(strict=None),
        json_schema(strict=1),
        json_schema(schema=[]),
        json_schema(description=None),
        json_schema(name=None),
        json_schema(more=1),
        {"type": "json_schema"},
        {"type": "json_schema", "json_schema": {}},
        {"type": "xml"},
    ],
    "prediction": [
        {"type": "content", "content": "x"},
        {"type": "content", "content": [TEXT]},
        {"type": "content", "content": [IMAGE]},
        {"type": "content", "content": [{"type": "text"}]},
        {"type": "content", "content": 1},
        {"type": "content"},
        {"type": "text", "content": "x"},
        {"content": "x"},
    ],
    "messages": conversations(
        {"role": "user", "content": "a", "name": "n", "more": 1},
        {"role": "user", "content": "a", "name": 1},
        {"role": "user", "content": None},
        {"role": "user"},
        {"role": "user", "content": []},
        {"role": "user", "content": [TEXT, TEXT]},
        {"role": "user", "content": [TEXT, IMAGE]},
        {
            "role": "user",
            "content": [{"type": "image_url", "image_url": {"url": "u", "detail": "low"}}],
        },
        {
            "role": "user",
            "content": [{"type": "image_url", "image_url": {"url": "u", "detail": "huge"}}],
        },
        {"role": "user", "content": [{"type": "image_url", "image_url": "u"}]},
        {"role": "user", "content": [{"type": "image_url"}]},
        {"role": "user", "content": [{"type": "video_url", "video_url": {"url": "u"}}]},
        {"role": "user", "content": [{"text": "Hello"}]},
        {"role": "user", "content": ["Hello"]},
        {"content": "without a role"},
        {"content": 1},
        {"role": None, "content": "a"},
        {"role": "developer", "content": "a"},
        {"role": "system", "content": "a", "name": "n"},
        {"role": "system", "content": [TEXT]},
        {"role": "system", "content": [IMAGE]},
        {"role": "system", "content": "a", "more": 1},
        {"role": "tool", "content": "a", "tool_call_id": "c"},
        {"role": "tool", "content": "a", "tool_call_id": "c", "name": None},
        {"role": "tool", "content": "a", "tool_call_id": "c", "more": 1},
        {"role": "tool", "content": [TEXT], "tool_call_id": "c"},
        {"role": "tool", "content": "a"},
        {"role": "assistant"},
        {"role": "assistant", "content": None},
        {"role": "assistant", "content": "a", "refusal": None, "reasoning_content": "more"},
        {"role": "assistant", "refusal": "no", "name": "n"},
        {"role": "assistant", "refusal": 1},
        {"role": "assistant", "content": [TEXT, {"type": "refusal", "refusal": "no"}]},
        {"role": "assistant", "content": [IMAGE]},
        {"role": "assistant", "tool_calls": [call(), call(more=1)]},
        {"role": "assistant", "tool_calls": []},
        {"role": "assistant", "tool_calls": None},
        {"role": "assistant", "tool_calls": [call(type="custom")]},
        {"role": "assistant", "tool_calls": [call(id=None)]},
        {"role": "assistant", "tool_calls": [call(function={"name": "f", "arguments": {}})]},
    ),
}

FIELDS = (
    "messages max_tokens max_completion_tokens stream_options tools tool_choice "
    "parallel_tool_calls temperature top_p stop frequency_penalty presence_penalty "
    "repetition_penalty seed logprobs top_logprobs logit_bias response_format prediction "
    "reasoning_effort enable_thinking thinking_budget user n an_unknown_field"
).split()


class Provider:
    """Connection to the mock that does not use the library."""

    def __init__(self, base_url: str) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(base_url).netloc, timeout=10)

    def accepts(self, model: str, field: str, value: str) -> bool:
        fields = {"messages": '[{"role":"user","content":"Hello"}]', field: value}
        # The library leaves conflicts between two fields to the server, so avoid them here.
        if field == "top_logprobs":
            fields["logprobs"] = "true"
        if field == "enable_thinking":
            fields["stream"] = "true"
        members = ",".join(f'"{name}":{json_value}' for name, json_value in fields.items())
        headers = {"authorization": "Bearer test", "content-type": "application/json"}
        self._connection.request(
            "POST", "/v1/chat/completions", f'{{"model":"{model}",{members}}}'.encode(), headers
        )
        response = self._connection.getresponse()
        response.read()
        assert response.status in (200, 400)
        return response.status == 200

    def close(self) -> None:
        self._connection.close()


def library_error(model: str, field: str, value: str) -> str:
    """Returns the error message of the library; "" if it accepts the value."""
    request = build(library(), model, "Hello", {})
    if library().tw_request_set(request.address, field.encode(), value.encode()) == 0:
        return ""
    return (library().tw_last_error() or b"").decode()


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS)
def test_library_and_schema_accept_the_same_values(model: str) -> None:
    mock = Mock("--pace", "0")
    provider = Provider(mock.url)
    accepted = rejected = 0
    try:
        for field in FIELDS:
            for value in [*COMMON, *map(json.dumps, SPECIFIC.get(field, []))]:
                if (field, value) == ("stream_options", "null"):
                    continue  # For the library, null removes the field.
                error = library_error(model, field, value)
                assert (error == "") == provider.accepts(model, field, value), (
                    f"{field}: {value}: {error or 'accepted'}"
                )
                if error:
                    assert error.startswith(field) and error.endswith(f"({model})"), error
                accepted, rejected = accepted + (error == ""), rejected + (error != "")
    finally:
        provider.close()
        mock.stop()
    assert accepted > 400 and rejected > 400


@pytest.mark.parametrize(
    "field, value, message",
    [
        ("temperature", "3", "temperature must be at most 2, not 3"),
        ("top_p", "0.009", "top_p must be at least 0.01, not 0.009"),
        ("seed", "1.5", "seed must be a whole number, not 1.5"),
        ("stop", "7", "stop must be a string or an array, not 7"),
        ("stop", '["a","b","c","d","e"]', "stop must have at most 4 elements, not 5"),
        ("tool_choice", '"any"', 'tool_choice must be "none", "auto" or "required", not "any"'),
        ("tool_choice", "7", "tool_choice must be a string or an object, not 7"),
        (
            "messages",
            '[{"role":"user","content":7}]',
            "messages[0].content must be a string or an array, not 7",
        ),
        ("messages", "null", "messages must be an array, not null"),
        (
            "response_format",
            '{"type":"xml"}',
            'response_format.type must be "text", "json_object" or "json_schema", not "xml"',
        ),
        ("response_format", '{"type":"json_schema"}', "response_format.json_schema is missing"),
        ("stream_options", "{}", "stream_options.include_usage is missing"),
        (
            "tools",
            '[{"type":"function","function":{"name":"a b","parameters":{}}}]',
            "tools[0].function.name must be 1 to 64 characters of A-Z, a-z, 0-9, _ and -, "
            'not "a b"',
        ),
        (
            "tools",
            '[{"type":"function","x\\n":1}]',
            "tools[0].x\\n is an unknown field",
        ),
    ],
)
def test_message_names_the_field_the_limit_and_the_value(
    field: str, value: str, message: str
) -> None:
    assert library_error(QWEN3, field, value) == f"{message} ({QWEN3})"


def test_other_models_are_not_validated() -> None:
    invalid = {"tools": {}, "stop": False}
    for model in ("m", "alibaba/qwen3-32b-instruct", "qwen3-32b", "mock/echo#chunks=3"):
        assert body(model, "Hello", temperature=3, extra_body=invalid)["temperature"] == 3


def test_model_is_recognized_with_a_fault_plan_in_its_name() -> None:
    with pytest.raises(
        InvalidArgumentError, match=r"temperature must be at most 2, not 3 \(alibaba/qwen3-32b\)"
    ):
        body(QWEN3 + "#cut=900", "Hello", temperature=3)


def test_image_is_rejected_for_models_without_vision(mock: Mock) -> None:
    for model in MODELS:
        request = build(library(), model, "Hello", {})
        status = library().tw_request_add_image(request.address, PNG, len(PNG), None)
        assert (status == 0) == (model in (VL, QWEN36))
    # A message given as JSON is not validated.
    assert body(QWEN3, {"role": "user", "content": [Image(PNG)]})
