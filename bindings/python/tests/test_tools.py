"""Functions as tools, and structured answers."""

from __future__ import annotations

import copy
import enum
import json
import pickle
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Dict, List, Literal, Optional

import pytest
from conftest import Echo, call, request_calls
from thinkwire import Client, InvalidArgumentError, Status, Tool, stored_messages
from thinkwire._schema import schema_of, value_of


class Unit(enum.Enum):
    CELSIUS = "C"
    FAHRENHEIT = "F"


@dataclass
class Place:
    name: str
    height: float
    tags: List[str] = field(default_factory=list)


def weather(
    city: str, days: int = 1, unit: Unit = Unit.CELSIUS, near: Optional[Place] = None
) -> Dict[str, Any]:
    """Returns the weather forecast,
    day by day.

    city: the name of a city
    days (int): the number of days
    """
    return {"city": city, "days": days, "unit": unit.value, "near": near.name if near else None}


def test_definition_comes_from_signature_and_docstring() -> None:
    place = {
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "height": {"type": "number"},
            "tags": {"type": "array", "items": {"type": "string"}},
        },
        "required": ["name", "height"],
        "additionalProperties": False,
    }
    assert Tool(weather).definition() == {
        "type": "function",
        "function": {
            "name": "weather",
            "description": "Returns the weather forecast, day by day.",
            "parameters": {
                "type": "object",
                "properties": {
                    "city": {"type": "string", "description": "the name of a city"},
                    "days": {"type": "integer", "description": "the number of days"},
                    "unit": {"enum": ["C", "F"]},
                    "near": {"anyOf": [place, {"type": "null"}]},
                },
                "required": ["city"],
                "additionalProperties": False,
            },
        },
    }


def test_parameter_with_empty_description() -> None:
    def tool(city: str, days: int) -> None:
        """Does something.

        city:
        days: the number of days
        """

    parameters = Tool(tool).definition()["function"]["parameters"]["properties"]
    assert parameters == {
        "city": {"type": "string"},
        "days": {"type": "integer", "description": "the number of days"},
    }


@pytest.mark.parametrize(
    "arguments, result",
    [
        ('{"city": "Köln"}', '{"city": "Köln", "days": 1, "unit": "C", "near": null}'),
        (
            '{"city": "Köln", "days": 2, "unit": "F", "near": {"name": "Bonn", "height": 60}}',
            '{"city": "Köln", "days": 2, "unit": "F", "near": "Bonn"}',
        ),
        ("{}", "Error: the arguments must have the field city"),
        ("", "Error: the arguments must have the field city"),
        ('{"city": "Köln", "when": 1}', "Error: the arguments must not have the field when"),
        ('{"city": 7}', "Error: the arguments.city must be of type string"),
        ('{"city": "Köln", "days": true}', "Error: the arguments.days must be of type integer"),
        ('{"city": "Köln", "unit": "K"}', "Error: the arguments.unit must be one of 'C', 'F'"),
        ("[]", "Error: the arguments must be an object"),
    ],
)
def test_arguments_are_converted_to_the_annotated_types(arguments: str, result: str) -> None:
    assert Tool(weather).call(arguments) == result


def test_invalid_json_is_reported_to_the_model() -> None:
    assert Tool(weather).call("{'city'").startswith("Error: ")


def test_json_that_python_cannot_parse_is_reported_to_the_model() -> None:
    assert Tool(weather).call("[" * 100_000) == "Error: nested too deeply"
    near = '{"city": "Köln", "near": {"name": "Bonn", "height": 1' + "0" * 400 + "}}"
    assert "the arguments.near.height is too large for a float" in Tool(weather).call(near)


@pytest.mark.parametrize("function", [lambda *all: None, lambda **all: None])
def test_function_with_variable_arguments_is_rejected(function: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="cannot be passed by name"):
        Tool(function)


@dataclass
class Tree:
    children: List[Tree]


def test_recursive_type_is_rejected() -> None:
    with pytest.raises(InvalidArgumentError, match="Tree contains itself"):
        schema_of(Tree)
    assert schema_of(Dict[str, Place])["additionalProperties"] == schema_of(Place)


def test_type_without_a_schema_is_rejected() -> None:
    def function(x: bytes) -> None: ...

    with pytest.raises(InvalidArgumentError, match="bytes"):
        Tool(function).definition()


@pytest.mark.parametrize(
    "type_, schema, valid, invalid",
    [
        (int, {"type": "integer"}, 3, 3.5),
        (float, {"type": "number"}, 3.5, "3.5"),
        (bool, {"type": "boolean"}, True, 1),
        (None.__class__, {"type": "null"}, None, 0),
        (List[int], {"type": "array", "items": {"type": "integer"}}, [1, 2], [1, "2"]),
        (list, {"type": "array", "items": {}}, [1, "2"], {}),
        (
            Dict[str, int],
            {"type": "object", "additionalProperties": {"type": "integer"}},
            {"a": 1},
            {"a": None},
        ),
        (Literal["a", 1], {"enum": ["a", 1]}, 1, True),
        (Optional[str], {"anyOf": [{"type": "string"}, {"type": "null"}]}, None, 1),
        (Any, {}, [None], None),
    ],
)
def test_types_and_their_schemas(type_: Any, schema: Any, valid: Any, invalid: Any) -> None:
    assert schema_of(type_) == schema
    assert value_of(type_, valid) == valid
    if type_ is not Any:
        with pytest.raises(ValueError, match="the value"):
            value_of(type_, invalid)


@pytest.fixture
def client(echo: Echo) -> Iterator[Client]:
    with Client(echo.base_url, "") as client:
        yield client


def test_run_executes_tools_until_the_model_answers(echo: Echo, client: Client) -> None:
    first = request_calls(
        call("weather", '{"city":"Köln"}', "a"), call("weather", '{"city":"Bonn"}', "b")
    )
    echo.script = [
        first,
        request_calls(call("nothing", "{}", "c")),
        {"role": "assistant", "content": "Rain."},
    ]
    messages: list[Any] = [{"role": "user", "content": "How will it be?"}]
    reply = client.run("m", messages, tools=[weather], temperature=0.5)
    assert reply.content == "Rain."
    assert len(echo.bodies) == 3
    assert (
        echo.bodies[0]["tools"] == [Tool(weather).definition()]
        and echo.bodies[2]["temperature"] == 0.5
    )
    results = [
        {
            "role": "tool",
            "tool_call_id": "a",
            "content": '{"city": "Köln", "days": 1, "unit": "C", "near": null}',
        },
        {
            "role": "tool",
            "tool_call_id": "b",
            "content": '{"city": "Bonn", "days": 1, "unit": "C", "near": null}',
        },
    ]
    assert echo.bodies[1]["messages"][1:] == [first, *results]
    assert echo.bodies[2]["messages"][-1] == {
        "role": "tool",
        "tool_call_id": "c",
        "content": "Error: there is no tool nothing",
    }
    assert messages == [*echo.bodies[2]["messages"], {"role": "assistant", "content": "Rain."}]


CALL_WITH_REASONING = {
    **request_calls(call("weather", '{"city":"Köln"}', "a")),
    "reasoning": "Hm",
}


@pytest.mark.parametrize("replay, expected", [("auto", {"reasoning": "Hm"}), ("none", {})])
def test_run_returns_the_reasoning(echo: Echo, replay: str, expected: Any) -> None:
    echo.script = [CALL_WITH_REASONING]
    messages: list[Any] = [{"role": "user", "content": "How will it be?"}]
    with Client(echo.base_url, "", reasoning_replay=replay) as client:
        assert client.run("m", messages, tools=[weather]).content == "ok"
        plain = request_calls(call("weather", '{"city":"Köln"}', "a"))
        assert echo.bodies[1]["messages"][1] == {**plain, **expected}
        # The list contains plain messages, with which the conversation can be continued.
        assert messages[1] == plain
        assert client.run("m", messages, tools=[weather]).content == "ok"
        assert echo.bodies[2]["messages"][1] == {**plain, **expected}


def test_message_of_a_reply_is_sent_like_the_reply_until_it_is_changed(
    echo: Echo, client: Client
) -> None:
    echo.script = [CALL_WITH_REASONING]
    message = client.send("m", "Hello").as_message()
    plain = request_calls(call("weather", '{"city":"Köln"}', "a"))
    assert message == plain

    def sent(message: Any) -> Any:
        client.send("m", [message])
        return echo.bodies[-1]["messages"][0]

    assert sent(message) == sent(copy.deepcopy(message)) == CALL_WITH_REASONING
    assert sent(dict(message)) == sent(json.loads(json.dumps(message))) == plain
    assert sent(pickle.loads(pickle.dumps(message))) == plain
    message["content"] = "So:"
    assert sent(message) == {**plain, "content": "So:"}


def test_stored_messages_keep_the_reasoning_as_json(echo: Echo, client: Client) -> None:
    echo.script = [CALL_WITH_REASONING]
    reply = client.send("m", "Hello")
    own = {"role": "user", "content": ["Hello"]}
    stored = json.loads(json.dumps(stored_messages([own, reply, reply.as_message()])))
    assert stored[0] == {"role": "user", "content": [{"type": "text", "text": "Hello"}]}
    assert "thinkwire_reasoning" in stored[1] and stored[1] == stored[2]
    assert stored_messages(stored) == stored
    client.send("m", stored)
    assert echo.bodies[-1]["messages"] == [stored[0], CALL_WITH_REASONING, CALL_WITH_REASONING]
    assert stored_messages("Hello") == [{"role": "user", "content": "Hello"}]


def test_form_of_reasoning_must_be_a_name(echo: Echo) -> None:
    for replay in ("", "role", "tool_calls"):
        with pytest.raises(InvalidArgumentError, match="reasoning"):
            Client(echo.base_url, "", reasoning_replay=replay)


@pytest.mark.parametrize("arguments", ["{'city'", "[]", '{"city": NaN}', "null"])
def test_broken_arguments_are_not_sent_back(echo: Echo, client: Client, arguments: str) -> None:
    echo.script = [request_calls(call("weather", arguments))]
    messages: list[Any] = [{"role": "user", "content": "Hello"}]
    assert client.run("m", messages, tools=[weather]).content == "ok"
    assert messages[:-1] == echo.bodies[1]["messages"]
    assert messages[1] == request_calls(call("weather", "{}"))
    assert messages[2]["content"].startswith("Error: ") and arguments in messages[2]["content"]


def test_long_broken_arguments_are_shortened_for_the_model(echo: Echo, client: Client) -> None:
    echo.script = [request_calls(call("weather", "[" * 100_000))]
    client.run("m", "Hello", tools=[weather])
    assert len(echo.bodies[1]["messages"][2]["content"]) < 2200


@pytest.mark.parametrize(
    "tools, names",
    [
        ([weather], ["weather"]),
        ([Tool(weather), weather], ["weather"] * 2),
        ([weather, {"type": "custom"}], ["weather", None]),
        ([], []),
    ],
)
def test_tools_are_functions_or_definitions(
    echo: Echo, client: Client, tools: list[Any], names: list[Any]
) -> None:
    client.send("m", "Hello", tools=tools)
    assert [tool.get("function", {}).get("name") for tool in echo.bodies[0]["tools"]] == names
    assert all(
        tool in (Tool(weather).definition(), {"type": "custom"}) for tool in echo.bodies[0]["tools"]
    )


def test_invalid_tool_name_is_rejected(client: Client) -> None:
    with pytest.raises(
        InvalidArgumentError,
        match="a tool's name must be 1 to 64 characters of A-Z, a-z, 0-9, _ and -, not <lambda>",
    ):
        client.send("m", "Hello", tools=[lambda: None])


def test_run_with_on_event(echo: Echo, client: Client) -> None:
    delta = {"tool_calls": [{"index": 0, **call("weather", '{"city":"Köln"}')}]}
    last = {"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]}
    echo.script = [[{"choices": [{"index": 0, "delta": delta}]}, last]]
    received: list[str] = []
    reply = client.run(
        "m", "Hello", tools=[weather], on_event=lambda event: received.append(event.kind)
    )
    assert reply.content == "ok"
    assert received == ["tool_call", "finish", "content", "finish"]
    assert (
        client.run("m", "Hello", tools=[weather], on_event=lambda event: False).status
        is Status.CANCELLED
    )


def test_streamed_tool_call_is_assembled(echo: Echo, client: Client) -> None:
    first = {
        "index": 0,
        "id": "a",
        "type": "function",
        "function": {"name": "weather", "arguments": ""},
    }
    rest = [{"index": 0, "function": {"arguments": part}} for part in ('{"city":', '"Köln"}')]
    deltas = [
        {"role": "assistant", "content": None, "tool_calls": [fragment]}
        for fragment in (first, *rest)
    ]
    last = {"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]}
    echo.script = [[*({"choices": [{"index": 0, "delta": delta}]} for delta in deltas), last]]
    with client.stream("m", "Hello", tools=[weather]) as stream:
        fragments = [event for event in stream if event.kind == "tool_call"]
    assert "".join(event.text for event in fragments) == '{"city":"Köln"}'
    assert {(event.tool_index, event.tool_id, event.tool_name) for event in fragments} == {
        (0, "a", "weather")
    }
    (tool_call,) = stream.reply.tool_calls
    assert (tool_call.id, tool_call.name, tool_call.arguments) == (
        "a",
        "weather",
        '{"city":"Köln"}',
    )
    assert tool_call.parsed() == {"city": "Köln"}
    assert stream.reply.as_message()["tool_calls"] == [call("weather", '{"city":"Köln"}', "a")]


def test_answer_is_parsed_as_a_dataclass(echo: Echo, client: Client) -> None:
    echo.script = [
        {"role": "assistant", "content": '{"name": "Köln", "height": 53, "tags": ["old"]}'}
    ]
    reply = client.send("m", "Where?", response_format=Place)
    sent = echo.bodies[0]["response_format"]
    assert sent == {
        "type": "json_schema",
        "json_schema": {"name": "Place", "schema": schema_of(Place), "strict": False},
    }
    assert reply.parse(Place) == Place("Köln", 53.0, ["old"])
    assert reply.parse() == {"name": "Köln", "height": 53, "tags": ["old"]}


def test_answer_that_does_not_fit_the_dataclass_raises(echo: Echo, client: Client) -> None:
    echo.script = [{"role": "assistant", "content": '{"name": "Köln", "height": "53"}'}]
    with pytest.raises(ValueError, match="the answer.height must be of type number"):
        client.send("m", "Where?", response_format=Place).parse(Place)


def test_answer_that_python_cannot_parse_raises(echo: Echo, client: Client) -> None:
    echo.script = [{"role": "assistant", "content": "[" * 100_000}]
    with pytest.raises(ValueError, match="nested too deeply"):
        client.send("m", "Where?").parse()


def test_explicit_response_format_is_sent_unchanged(echo: Echo, client: Client) -> None:
    explicit = {"type": "json_schema", "json_schema": {"name": "s", "schema": {"type": "object"}}}
    client.send("m", "Where?", response_format=explicit)
    assert echo.bodies[0]["response_format"] == explicit
