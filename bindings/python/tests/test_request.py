"""What goes out: the body as it was meant, and the headers."""

from __future__ import annotations

import json
from ctypes import byref, c_size_t
from pathlib import Path
from typing import Any, Optional, Union, cast

import pytest
from conftest import NEXT, QWEN3, QWEN36, Echo
from thinkwire import Client, Dialect, Image, InvalidArgumentError, Thinking
from thinkwire._handle import sized_text
from thinkwire._library import library
from thinkwire._request import Messages, ThinkingMode, build

#: The smallest PNG there is: one transparent pixel.
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c626001000000ffff030000060005057bfabd0000000049454e44ae426082"
)


def body(
    model: str,
    messages: Messages,
    thinking: ThinkingMode = None,
    budget: int | None = None,
    **fields: Any,
) -> Any:
    request = build(library(), model, messages, thinking, budget, fields)
    length = c_size_t()
    return json.loads(
        sized_text(library().tw_request_json(request.address, byref(length)), length.value)
    )


def test_a_text_is_one_message_of_the_users() -> None:
    assert body("m", "Grüße 😊\0\n") == {
        "model": "m",
        "messages": [{"role": "user", "content": "Grüße 😊\0\n"}],
    }


def test_messages_go_out_as_they_are_given() -> None:
    turn = {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "a", "type": "function", "function": {"name": "f"}}],
    }
    assert body("m", turn)["messages"] == [turn]
    assert body("m", [{"content": "without a role"}, turn])["messages"] == [
        {"content": "without a role"},
        turn,
    ]
    assert body("m", iter([turn, turn]))["messages"] == [turn, turn]


def test_any_field_can_be_set() -> None:
    fields: dict[str, Any] = {
        "temperature": 0.2,
        "stop": ["a", "ß"],
        "logit_bias": {"50256": -100},
        "seed": None,
        "x-y": True,
    }
    sent = body("m", "Hello", **fields)
    assert {name: sent[name] for name in fields} == fields


def test_a_field_goes_out_in_utf_8_and_unescaped() -> None:
    request = build(library(), "m", "Grüße", None, None, {})
    length = c_size_t()
    assert "Grüße" in sized_text(
        library().tw_request_json(request.address, byref(length)), length.value
    )


@pytest.mark.parametrize(
    "messages, fields, named",
    [
        ("Hello", {"temperature": float("nan")}, "temperature"),
        ("Hello", {"user": object()}, "user"),
        ("Hello", {"stream": True}, "stream"),
        ("Hello", {"a\0b": True}, "NUL"),
        ("\ud800", {}, "messages"),
        ([1], {}, "messages"),
        ([{"role": "user", "content": [b"no image"]}], {}, ""),
        ([{"role": "user", "content": [Path("/no/such/file.png")]}], {}, "/no/such/file.png"),
        ([{"role": "user", "content": [Path("/dev/null\0.png")]}], {}, "NUL"),
        ([{"role": "user", "content": [Image(cast(Any, 5))]}], {}, "an image's path"),
    ],
)
def test_what_cannot_be_sent_is_refused_by_name(
    messages: Any, fields: dict[str, Any], named: str
) -> None:
    with pytest.raises(InvalidArgumentError) as refused:
        body("m", messages, **fields)
    assert named in refused.value.message != ""
    assert isinstance(refused.value, ValueError)


@pytest.mark.parametrize("odd", ["", b"m", None])
def test_a_model_is_needed(client: Client, odd: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="model"):
        client.send(odd, "Hello")


@pytest.mark.parametrize("odd", [2**64 + 5, "5", 0.5])
def test_a_budget_is_a_whole_number(odd: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="thinking_budget"):
        body("m", "Hello", True, odd)


@pytest.mark.parametrize("odd", ["sometimes", 3])
def test_an_unknown_way_of_thinking_is_refused(odd: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="thinking is True"):
        body("m", "Hello", odd)


def test_images_stand_where_they_were_put(tmp_path: Path) -> None:
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


def test_the_key_and_the_headers(echo: Echo) -> None:
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
        ("none", {}),
    ],
)
def test_the_words_for_thinking_can_be_chosen(
    echo: Echo, dialect: Union[str, Dialect], sent: dict[str, object]
) -> None:
    with Client(echo.base_url, "", dialect=dialect) as client:
        client.stream("m", "Hello", thinking="high", stream_options=None).finish()
    for name in ("model", "messages", "stream", "stream_options"):
        echo.bodies[0].pop(name, None)
    assert echo.bodies == [sent]


def test_a_dialect_that_nobody_speaks(echo: Echo) -> None:
    with pytest.raises(
        InvalidArgumentError, match="dialect is 'auto', 'none', .* or None, not 'latin'"
    ):
        Client(echo.base_url, "", dialect="latin")


@pytest.mark.parametrize("version", ["auto", "1.1", "2", None])
def test_a_version_of_http_can_be_asked_for(echo: Echo, version: Optional[str]) -> None:
    """Over http, it is 1.1 whatever is asked for."""
    with Client(echo.base_url, "", http_version=version) as client:
        assert client.send("m", "Hello").http_status == 200


def test_a_version_of_http_that_there_is_not(echo: Echo) -> None:
    with pytest.raises(
        InvalidArgumentError, match="http_version is 'auto', '1.1', '2' or None, not '3'"
    ):
        Client(echo.base_url, "", http_version="3")


def test_a_stream_says_that_it_is_one(echo: Echo) -> None:
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
def test_thinking_goes_out_in_the_models_own_words(
    echo: Echo, model: str, thinking: ThinkingMode, budget: int | None, expected: dict[str, Any]
) -> None:
    with Client(echo.base_url, "") as client:
        assert (
            client.stream(model, "Hello", thinking=thinking, thinking_budget=budget)
            .finish()
            .content
            == "ok"
        )
    own = ("model", "messages", "stream", "stream_options")
    assert {name: value for name, value in echo.bodies[0].items() if name not in own} == expected


def test_a_field_set_by_hand_wins(echo: Echo) -> None:
    with Client(echo.base_url, "") as client:
        client.stream(QWEN3, "Hello", thinking=True, enable_thinking=False).finish()
    assert echo.bodies[0]["enable_thinking"] is False
