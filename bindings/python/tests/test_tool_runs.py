"""`run` with tools that fail, return unusual values, or were requested by unusual answers."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Callable

import pydantic
import pytest
from conftest import Echo, call, request_calls
from thinkwire import Client, InvalidArgumentError, LimitError, Tool

USER = {"role": "user", "content": "Hello"}


@pytest.fixture
def client(echo: Echo) -> Iterator[Client]:
    with Client(echo.base_url, "test") as client:
        yield client


def calls(*arguments: str) -> dict[str, Any]:
    return request_calls(*(call("tool", each, f"c{n}") for n, each in enumerate(arguments)))


def weather(city: str) -> str:
    return f"Rain in {city}"


def test_conversation_has_no_answer_without_the_results_of_its_tools(
    echo: Echo, client: Client
) -> None:
    """Servers reject it (400), and the exception of a tool would end the conversation for good."""

    def tool(fails: bool) -> str:
        if fails:
            raise ZeroDivisionError
        return "done"

    messages: list[Any] = [USER]
    echo.script = [calls('{"fails": false}'), calls('{"fails": false}', '{"fails": true}')]
    with pytest.raises(ZeroDivisionError):
        client.run("m", messages, tools=[tool])
    assert [message["role"] for message in messages] == ["user", "assistant", "tool"]
    assert client.run("m", messages, tools=[tool]).content == "ok"


@pytest.mark.parametrize("reason", ["length", "content_filter"])
def test_calls_of_an_answer_that_was_cut_off_are_not_executed(
    echo: Echo, client: Client, reason: str
) -> None:
    def tool(dry_run: bool = False) -> str:
        raise AssertionError

    chunk = {"choices": [{"index": 0, "delta": calls(""), "finish_reason": reason}]}
    chunk["choices"][0]["delta"]["tool_calls"][0]["index"] = 0  # type: ignore[index]
    echo.script = [[chunk]]
    messages: list[Any] = [USER]
    reply = client.run("m", messages, tools=[tool], on_event=lambda event: None)
    assert reply.finish_reason == reason and len(echo.bodies) == 1
    assert [message["role"] for message in messages] == ["user", "assistant", "tool"]
    assert messages[-1]["content"].startswith("Error: not executed")


def test_half_of_a_surrogate_pair_is_replaced(echo: Echo, client: Client) -> None:
    def tool(text: str) -> str:
        return text

    echo.script = [calls('{"text": "a\\ud83d"}', '{"\\ud83d": 1}', '{"text": "\\ud83d\\ude00"}')]
    assert client.run("m", "Hello", tools=[tool]).content == "ok"
    results = [message["content"] for message in echo.bodies[1]["messages"][2:]]
    assert results[0] == "a\ufffd" and "\ufffd" in results[1] and results[2] == "\U0001f600"


def decorated() -> Callable[..., object]:
    def decorator(function: Callable[..., object]) -> Callable[..., object]:
        @functools.wraps(function)
        def wrapper(*arguments: Any, **named: Any) -> object:
            return function(*arguments, **named)

        return wrapper

    @decorator
    async def tool() -> str:
        return "never"

    return tool


def generator() -> Callable[..., object]:
    def tool() -> Iterator[str]:
        yield "never"

    return tool


@pytest.mark.parametrize("make", [decorated, generator])
def test_functions_that_do_not_run_when_called(
    echo: Echo, client: Client, make: Callable[[], Callable[..., object]]
) -> None:
    """The model would receive "<coroutine object …>"."""
    echo.script = [calls("{}")]
    with pytest.raises(InvalidArgumentError, match="the tool tool returned the .* has not run"):
        client.run("m", "Hello", tools=[make()])


@dataclass
class Day:
    name: str
    temperatures: list[int]


class Forecast(pydantic.BaseModel):
    days: int


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ([Day("Monday", [1, 2])], '[{"name": "Monday", "temperatures": [1, 2]}]'),
        ({"forecast": Forecast(days=3)}, '{"forecast": {"days": 3}}'),
        ("text", "text"),
        (None, "null"),
    ],
)
def test_results_are_json(value: object, text: str) -> None:
    def tool() -> object:
        return value

    assert Tool(tool).call("{}") == text


def test_run_accepts_tools(echo: Echo, client: Client) -> None:
    def tool() -> str:
        return "done"

    echo.script = [calls("{}")]
    assert client.run("m", "Hello", tools=[Tool(tool)]).content == "ok"
    assert echo.bodies[1]["messages"][-1]["content"] == "done"


async def async_tool(city: str) -> str:
    return city


@pytest.mark.parametrize(
    ("tools", "message"),
    [
        ([weather, weather], "two tools have the name weather"),
        ([async_tool], "the tool async_tool is async"),
    ],
)
def test_tools_that_run_cannot_call_are_rejected(
    echo: Echo, client: Client, tools: list[Any], message: str
) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        client.run("m", "Hello", tools=tools)
    assert echo.bodies == []


def test_run_stops_after_max_rounds(echo: Echo, client: Client) -> None:
    echo.script = [request_calls(call("weather", '{"city":"Köln"}')) for _ in range(10)]
    with pytest.raises(LimitError, match="after 3 answers") as raised:
        client.run("m", "Hello", tools=[weather], max_rounds=3)
    assert len(echo.bodies) == 3
    assert raised.value.reply is not None and raised.value.reply.tool_calls[0].name == "weather"
    with pytest.raises(InvalidArgumentError, match="max_rounds"):
        client.run("m", "Hello", tools=[weather], max_rounds=0)
