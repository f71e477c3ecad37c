"""Requests: the body and the headers that are sent."""

from __future__ import annotations

import json
from ctypes import byref, c_size_t
from pathlib import Path
from typing import TYPE_CHECKING, Any, Optional, Union, cast

import pytest
from conftest import NEXT, QWEN3, QWEN36, ROOT, Echo
from thinkwire import Client, Dialect, Image, InvalidArgumentError, Thinking
from thinkwire._handle import sized_text
from thinkwire._library import library
from thinkwire._request import Messages, build
from thinkwire.arguments import Arguments, ThinkingMode

if TYPE_CHECKING:
    from typing_extensions import Unpack

#: A minimal PNG: one transparent pixel.
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c626001000000ffff030000060005057bfabd0000000049454e44ae426082"
)


def body(model: str, messages: Messages, **arguments: Unpack[Arguments]) -> Any:
    request = build(library(), model, messages, arguments)
    length = c_size_t()
    return json.loads(
        sized_text(library().tw_request_json(request.address, byref(length)), length.value)
    )


def test_str_becomes_one_user_message() -> None:
    assert body("m", "Grüße 😊\0\n") == {
        "model": "m",
        "messages": [{"role": "user", "content": "Grüße 😊\0\n"}],
    }


def test_messages_are_sent_unchanged() -> None:
    message = {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "a", "type": "function", "function": {"name": "f"}}],
    }
    assert body("m", message)["messages"] == [message]
    assert body("m", [{"content": "without a role"}, message])["messages"] == [
        {"content": "without a role"},
        message,
    ]
    assert body("m", iter([message, message]))["messages"] == [message, message]


def test_any_field_can_be_set() -> None:
    fields: Arguments = {
        "temperature": 0.2,
        "stop": ["a", "ß"],
        "logit_bias": {"50256": -100},
        "seed": None,
    }
    others = {"x-y": True, "temperature": 0.3, "thinking": {"type": "enabled"}}
    arguments: Arguments = {**fields, "extra_body": others}
    sent = body("m", "Hello", **arguments)
    del sent["model"], sent["messages"]
    assert sent == {**fields, **others}


def test_every_field_of_the_schemas_has_an_argument() -> None:
    """Except for those that the functions set themselves."""
    schemas = (ROOT / "Sources" / "thinkwire-mock" / "schemas").glob("*.json")
    names = {
        name
        for schema in schemas
        for name in json.loads(schema.read_text(encoding="utf-8"))["properties"]
    }
    assert len(names) > 20
    assert names - {"model", "messages", "stream"} <= Arguments.__optional_keys__


def test_system_message_precedes_the_others() -> None:
    assert body("m", "Hello", system="Be brief.")["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hello"},
    ]
    assert body("m", "Hello", system=None)["messages"] == [{"role": "user", "content": "Hello"}]


@pytest.mark.parametrize(
    "name, message",
    [
        ("temperatures", "unexpected argument 'temperatures'; did you mean 'temperature'?"),
        ("mock_reply", "unexpected argument 'mock_reply' \\(extra_body={…} sends fields"),
    ],
)
def test_unknown_argument_is_rejected(client: Client, name: str, message: str) -> None:
    arguments: dict[str, Any] = {name: 0.2}
    with pytest.raises(TypeError, match=message):
        client.send(QWEN3, "Hello", **arguments)
    with pytest.raises(TypeError, match=message):
        client.stream(QWEN3, "Hello", **arguments)
    with pytest.raises(TypeError, match=message):
        client.run(QWEN3, "Hello", tools=[], **arguments)
    with pytest.raises(TypeError, match=message):
        client.chat.completions.create(model=QWEN3, messages="Hello", **arguments)


def test_unknown_option_is_rejected() -> None:
    options: dict[str, Any] = {"max_retry": 2}
    with pytest.raises(TypeError, match="'max_retry'; did you mean 'max_retries'"):
        Client("http://127.0.0.1:1/v1", **options)
    with Client("http://127.0.0.1:1/v1", "") as client:
        with pytest.raises(TypeError, match="'max_retry'"):
            client.with_options(**options)


def test_non_ascii_text_is_not_escaped() -> None:
    request = build(library(), "m", "Grüße", {})
    length = c_size_t()
    assert "Grüße" in sized_text(
        library().tw_request_json(request.address, byref(length)), length.value
    )


@pytest.mark.parametrize(
    "messages, fields, expected",
    [
        ("Hello", {"temperature": float("nan")}, "temperature"),
        ("Hello", {"user": object()}, "user"),
        ("Hello", {"system": 5}, "system must be a str, not int"),
        ("Hello", {"extra_body": {"stream": True}}, "stream"),
        ("Hello", {"extra_body": {"a\0b": True}}, "NUL"),
        ("\ud800", {}, "messages"),
        ([1], {}, "messages"),
        ([{"role": "user", "content": [b"not an image"]}], {}, ""),
        ([{"role": "user", "content": [Path("/no/such/file.png")]}], {}, "/no/such/file.png"),
        ([{"role": "user", "content": [Path("/dev/null\0.png")]}], {}, "NUL"),
        ([{"role": "user", "content": [Image(cast(Any, 5))]}], {}, "the path of an image"),
    ],
)
def test_invalid_argument_is_named(messages: Any, fields: dict[str, Any], expected: str) -> None:
    with pytest.raises(InvalidArgumentError) as raised:
        body("m", messages, **fields)
    assert expected in raised.value.message != ""
    assert isinstance(raised.value, ValueError)


@pytest.mark.parametrize("model", ["", b"m", None])
def test_model_is_required(client: Client, model: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="model"):
        client.send(model, "Hello")


@pytest.mark.parametrize("budget", [2**64 + 5, "5", 0.5])
def test_budget_must_be_an_integer(budget: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="thinking_budget"):
        body("m", "Hello", thinking=True, thinking_budget=budget)


@pytest.mark.parametrize("thinking", ["sometimes", 3])
def test_unknown_thinking_mode_is_rejected(thinking: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="thinking must be True"):
        body("m", "Hello", thinking=thinking)


def test_images_keep_their_order(tmp_path: Path) -> None:
    file = tmp_path / "a picture.png"
    file.write_bytes(PNG)
    link = Image("https://example.com/a.jpg", detail="low")
    content = ["Before", file, "between", PNG, link, {"type": "text", "text": "after"}]
    parts = body("m", [{"role": "user", "content": content, "name": "Ada"}])["messages"][0][
        "content"
    ]
    assert [part["type"] for part in parts] == [
        "text",
        "image_url",
        "text",
        "image_url",
        "image_url",
        "text",
    ]
    assert [part.get("text") for part in parts] == ["Before", None, "between", None, None, "after"]
    assert parts[1] == parts[3] and parts[1]["image_url"]["url"].startswith(
        "data:image/png;base64,iVBOR"
    )
    assert parts[4]["image_url"] == {"url": "https://example.com/a.jpg", "detail": "low"}


def test_key_and_headers_are_sent(echo: Echo) -> None:
    with Client(
        echo.base_url, "a-key", headers={"X-Title": "Test", "User-Agent": "mine"}
    ) as client:
        reply = client.send("m", "Hello", temperature=0.5)
    assert (reply.content, reply.request_id, reply.header("X-Request-ID")) == (
        "ok",
        "req-1",
        "req-1",
    )
    assert echo.headers[0]["authorization"] == "Bearer a-key"
    assert (echo.headers[0]["x-title"], echo.headers[0]["user-agent"]) == ("Test", "mine")
    assert echo.bodies == [
        {"model": "m", "messages": [{"role": "user", "content": "Hello"}], "temperature": 0.5}
    ]


@pytest.mark.parametrize(
    "dialect, sent",
    [
        ("enable_thinking", {"enable_thinking": True}),
        ("chat_template", {"chat_template_kwargs": {"enable_thinking": True}}),
        ("reasoning_effort", {"reasoning_effort": "high"}),
        (Dialect.REASONING_OBJECT, {"reasoning": {"effort": "high"}}),
        ("thinking_type", {"thinking": {"type": "enabled"}}),
        (Dialect.TEMPLATE_THINKING, {"chat_template_kwargs": {"thinking": True}}),
        ("none", {}),
    ],
)
def test_dialect_selects_the_fields_for_thinking(
    echo: Echo, dialect: Union[str, Dialect], sent: dict[str, object]
) -> None:
    with Client(echo.base_url, "", dialect=dialect) as client:
        client.stream("m", "Hello", thinking="high", stream_options=None).finish()
    for name in ("model", "messages", "stream", "stream_options"):
        echo.bodies[0].pop(name, None)
    assert echo.bodies == [sent]


@pytest.mark.parametrize("effort", ["none", "minimal", "low", "medium", "high", "xhigh", "max"])
def test_every_effort_can_be_selected(echo: Echo, effort: str) -> None:
    with Client(echo.base_url, "", dialect="reasoning_effort") as client:
        client.send("m", "Hello", thinking=effort)
        client.send("m", "Hello", thinking=Thinking[effort.upper()])
    assert [body["reasoning_effort"] for body in echo.bodies] == [effort, effort]


LOCAL_BUDGETS = {
    "thinking_token_budget": 100,
    "thinking_budget_tokens": 100,
    "reasoning_budget_tokens": 100,
}


@pytest.mark.parametrize(
    "host, model, thinking, budget, sent",
    [
        ("api.openai.com", "gpt-5.1", False, None, {"reasoning_effort": "none"}),
        ("api.openai.com", "gpt-5", "xhigh", None, {"reasoning_effort": "high"}),
        ("api.deepseek.com", "deepseek-chat", False, None, {"thinking": {"type": "disabled"}}),
        (
            "api.deepseek.com",
            "deepseek-chat",
            "max",
            None,
            {"thinking": {"type": "enabled"}, "reasoning_effort": "max"},
        ),
        ("openrouter.ai", "m", True, 100, {"reasoning": {"max_tokens": 100}}),
        (
            "localhost:8000",
            "m",
            None,
            100,
            {"chat_template_kwargs": {"enable_thinking": True}, **LOCAL_BUDGETS},
        ),
        ("localhost:11434", "m", False, None, {"reasoning_effort": "none"}),
        ("llm.example.com", "m", True, 100, {}),
    ],
)
def test_thinking_uses_the_fields_of_the_host(
    echo: Echo,
    host: str,
    model: str,
    thinking: ThinkingMode,
    budget: Optional[int],
    sent: dict[str, object],
) -> None:
    """The server is the proxy of every host."""
    with Client(f"http://{host}/v1", "", proxy=echo.base_url) as client:
        client.send(model, "Hello", thinking=thinking, thinking_budget=budget)
    for name in ("model", "messages"):
        echo.bodies[0].pop(name)
    assert echo.bodies == [sent]


def test_unknown_dialect_is_rejected(echo: Echo) -> None:
    with pytest.raises(
        InvalidArgumentError, match="dialect must be 'auto', 'none', .* or None, not 'latin'"
    ):
        Client(echo.base_url, "", dialect="latin")


@pytest.mark.parametrize("version", ["auto", "1.1", "2", None])
def test_http_version_can_be_set(echo: Echo, version: Optional[str]) -> None:
    """Over http, HTTP/1.1 is always used."""
    with Client(echo.base_url, "", http_version=version) as client:
        assert client.send("m", "Hello").http_status == 200


def test_unknown_http_version_is_rejected(echo: Echo) -> None:
    with pytest.raises(
        InvalidArgumentError, match="http_version must be 'auto', '1.1', '2' or None, not '3'"
    ):
        Client(echo.base_url, "", http_version="3")


def test_stream_sets_the_stream_fields(echo: Echo) -> None:
    with Client(echo.base_url, "") as client:
        assert client.stream("m", "Hello").finish().content == "ok"
        assert client.stream("m", "Hello", stream_options=None).finish().content == "ok"
    assert "authorization" not in echo.headers[0]
    assert (echo.bodies[0]["stream"], echo.bodies[0]["stream_options"]) == (
        True,
        {"include_usage": True},
    )
    assert "stream_options" not in echo.bodies[1]


@pytest.mark.parametrize(
    "model, thinking, budget, expected",
    [
        (QWEN3, True, None, {"enable_thinking": True}),
        (QWEN3, False, None, {"enable_thinking": False}),
        (QWEN3, True, 100, {"enable_thinking": True, "thinking_budget": 100}),
        (QWEN3, None, 100, {"enable_thinking": True, "thinking_budget": 100}),
        (QWEN3, None, None, {}),
        (QWEN36, "low", None, {"reasoning_effort": "low"}),
        (QWEN36, Thinking.HIGH, None, {"reasoning_effort": "high"}),
        (NEXT, True, None, {}),
    ],
)
def test_thinking_uses_the_fields_of_the_model(
    echo: Echo, model: str, thinking: ThinkingMode, budget: int | None, expected: dict[str, Any]
) -> None:
    with Client(echo.base_url, "") as client:
        stream = client.stream(model, "Hello", thinking=thinking, thinking_budget=budget)
        assert stream.finish().content == "ok"
    common = ("model", "messages", "stream", "stream_options")
    fields = {name: value for name, value in echo.bodies[0].items() if name not in common}
    assert fields == expected


def test_explicit_field_has_priority_over_thinking(echo: Echo) -> None:
    with Client(echo.base_url, "") as client:
        client.stream(QWEN3, "Hello", thinking=True, enable_thinking=False).finish()
    assert echo.bodies[0]["enable_thinking"] is False


def test_reasoning_tags_of_the_client_and_of_an_exchange(base_url: str) -> None:
    def content(client: Client, answer: str, **fields: Any) -> str:
        message = {"index": 0, "message": {"content": answer}, "finish_reason": "stop"}
        body = json.dumps({"choices": [message]})
        return client.send(
            "mock/script", "Hello", extra_body={"mock_reply": body}, **fields
        ).content

    own, known = "<plan>Hm.</plan>Hi", "<think>Hm.</think>Hi"
    with Client(base_url, "key") as client:
        assert content(client, own) == own
        assert content(client, own, reasoning_tags=("<plan>", "</plan>")) == "Hi"
        assert content(client, known) == "Hi"
        assert content(client, known, reasoning_tags=False) == known
    with Client(base_url, "key", reasoning_tags=("<plan>", "</plan>")) as client:
        assert content(client, own) == content(client, known) == "Hi"
        with pytest.raises(InvalidArgumentError, match="reasoning_tags must be a pair"):
            content(client, own, reasoning_tags="<plan>")
        with pytest.raises(InvalidArgumentError, match="only one reasoning tag is empty"):
            content(client, own, reasoning_tags=("<plan>", ""))
