"""Functions as tools, and answers in a shape."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Dict, List, Literal, Optional

import pytest
from conftest import Echo
from thinkwire import Client, InvalidArgumentError, LimitError, Status, Tool
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
    """The weather to come,
    day by day.

    city: the name of a place
    days (int): how many days of it
    """
    return {"city": city, "days": days, "unit": unit.value, "near": near.name if near else None}


def test_a_function_describes_itself() -> None:
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
            "description": "The weather to come, day by day.",
            "parameters": {
                "type": "object",
                "properties": {
                    "city": {"type": "string", "description": "the name of a place"},
                    "days": {"type": "integer", "description": "how many days of it"},
                    "unit": {"enum": ["C", "F"]},
                    "near": {"anyOf": [place, {"type": "null"}]},
                },
                "required": ["city"],
                "additionalProperties": False,
            },
        },
    }


def test_a_parameter_that_is_only_named_has_no_description() -> None:
    def tool(city: str, days: int) -> None:
        """Does something.

        city:
        days: how many of them
        """

    parameters = Tool(tool).definition()["function"]["parameters"]["properties"]
    assert parameters == {
        "city": {"type": "string"},
        "days": {"type": "integer", "description": "how many of them"},
    }


@pytest.mark.parametrize(
    "arguments, told",
    [
        ('{"city": "Köln"}', '{"city": "Köln", "days": 1, "unit": "C", "near": null}'),
        (
            '{"city": "Köln", "days": 2, "unit": "F", "near": {"name": "Bonn", "height": 60}}',
            '{"city": "Köln", "days": 2, "unit": "F", "near": "Bonn"}',
        ),
        ("{}", "Error: the arguments lacks city"),
        ("", "Error: the arguments lacks city"),
        ('{"city": "Köln", "when": 1}', "Error: the arguments has no field when"),
        ('{"city": 7}', "Error: the arguments.city is not of type string"),
        ('{"city": "Köln", "days": true}', "Error: the arguments.days is not of type integer"),
        ('{"city": "Köln", "unit": "K"}', "Error: the arguments.unit is none of 'C', 'F'"),
        ("[]", "Error: the arguments is not an object"),
    ],
)
def test_a_tool_is_called_with_values_of_its_types(arguments: str, told: str) -> None:
    assert Tool(weather).call(arguments) == told


def test_arguments_that_are_not_json_are_told_to_the_model() -> None:
    assert Tool(weather).call("{'city'").startswith("Error: ")


def test_what_python_cannot_read_is_told_to_the_model() -> None:
    assert Tool(weather).call("[" * 100_000) == "Error: nested too deeply"
    near = '{"city": "Köln", "near": {"name": "Bonn", "height": 1' + "0" * 400 + "}}"
    assert "the arguments.near.height is larger than a float can be" in Tool(weather).call(near)


@pytest.mark.parametrize("odd", [lambda *all: None, lambda **all: None])
def test_a_function_that_cannot_be_called_by_name_is_no_tool(odd: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="can't be given by name"):
        Tool(odd)


@dataclass
class Tree:
    children: List[Tree]


def test_a_type_that_contains_itself_is_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="Tree contains itself"):
        schema_of(Tree)
    assert schema_of(Dict[str, Place])["additionalProperties"] == schema_of(Place)


def test_a_type_without_a_schema_is_refused() -> None:
    def odd(x: bytes) -> None: ...

    with pytest.raises(InvalidArgumentError, match="bytes"):
        Tool(odd).definition()


@pytest.mark.parametrize(
    "shape, schema, good, bad",
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
def test_types_and_their_schemas(shape: Any, schema: Any, good: Any, bad: Any) -> None:
    assert schema_of(shape) == schema
    assert value_of(shape, good) == good
    if shape is not Any:
        with pytest.raises(ValueError, match="the value"):
            value_of(shape, bad)


@pytest.fixture
def client(echo: Echo) -> Iterator[Client]:
    with Client(echo.base_url, "") as made:
        yield made


def call(name: str, arguments: str, id: str = "call-1") -> dict[str, Any]:
    return {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}


def asks(*calls: dict[str, Any]) -> dict[str, Any]:
    return {"role": "assistant", "content": None, "tool_calls": list(calls)}


def test_run_calls_tools_until_the_model_answers(echo: Echo, client: Client) -> None:
    first = asks(call("weather", '{"city":"Köln"}', "a"), call("weather", '{"city":"Bonn"}', "b"))
    echo.script = [
        first,
        asks(call("nothing", "{}", "c")),
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
    told = [
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
    assert echo.bodies[1]["messages"][1:] == [first, *told]
    assert echo.bodies[2]["messages"][-1] == {
        "role": "tool",
        "tool_call_id": "c",
        "content": "Error: there is no tool nothing",
    }
    assert messages == [*echo.bodies[2]["messages"], {"role": "assistant", "content": "Rain."}]


def test_reasoning_goes_back_with_the_calls_where_it_is_wanted(echo: Echo) -> None:
    first = {**asks(call("weather", '{"city":"Köln"}', "a")), "reasoning": "Hm"}
    messages: list[Any] = [{"role": "user", "content": "How will it be?"}]
    for dialect in ("reasoning_object", "chat_template"):
        echo.script = [first]
        with Client(echo.base_url, "", dialect=dialect) as client:
            assert client.run("m", messages, tools=[weather]).content == "ok"
    back, plain = echo.bodies[1]["messages"], echo.bodies[3]["messages"]
    assert back[1] == {**asks(call("weather", '{"city":"Köln"}', "a")), "reasoning": "Hm"}
    assert not any("reasoning" in message for message in [*plain, *messages])
    assert messages[:-1] == plain


@pytest.mark.parametrize(
    "tools, names",
    [
        ([weather], ["weather"]),
        ([Tool(weather), weather], ["weather"] * 2),
        ([weather, {"type": "own"}], ["weather", None]),
        ([], []),
    ],
)
def test_tools_are_functions_or_ones_own(
    echo: Echo, client: Client, tools: list[Any], names: list[Any]
) -> None:
    client.send("m", "Hello", tools=tools)
    assert [tool.get("function", {}).get("name") for tool in echo.bodies[0]["tools"]] == names
    assert all(
        tool in (Tool(weather).definition(), {"type": "own"}) for tool in echo.bodies[0]["tools"]
    )


def test_a_tool_whose_name_cannot_be_sent_is_refused(client: Client) -> None:
    with pytest.raises(
        InvalidArgumentError,
        match="a tool's name is 1 to 64 of A-Z, a-z, 0-9, _ and -, unlike <lambda>",
    ):
        client.send("m", "Hello", tools=[lambda: None])


async def later(city: str) -> str:
    return city


@pytest.mark.parametrize(
    ("tools", "why"),
    [([weather, weather], "two tools have the name weather"), ([later], "the tool later is async")],
)
def test_tools_that_run_cannot_call_are_refused(
    echo: Echo, client: Client, tools: list[Any], why: str
) -> None:
    with pytest.raises(InvalidArgumentError, match=why):
        client.run("m", "Hello", tools=tools)
    assert echo.bodies == []


def test_run_is_bounded(echo: Echo, client: Client) -> None:
    echo.script = [asks(call("weather", '{"city":"Köln"}')) for _ in range(10)]
    with pytest.raises(LimitError, match="after 3 answers") as endless:
        client.run("m", "Hello", tools=[weather], max_rounds=3)
    assert len(echo.bodies) == 3
    assert endless.value.reply is not None and endless.value.reply.tool_calls[0].name == "weather"
    with pytest.raises(InvalidArgumentError, match="max_rounds"):
        client.run("m", "Hello", tools=[weather], max_rounds=0)


def test_what_a_tool_raises_comes_out(echo: Echo, client: Client) -> None:
    def fail() -> None:
        raise ZeroDivisionError

    echo.script = [asks(call("fail", "{}"))]
    with pytest.raises(ZeroDivisionError):
        client.run("m", "Hello", tools=[fail])


def test_run_can_be_heard_and_stopped(echo: Echo, client: Client) -> None:
    delta = {"tool_calls": [{"index": 0, **call("weather", '{"city":"Köln"}')}]}
    last = {"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]}
    echo.script = [[{"choices": [{"index": 0, "delta": delta}]}, last]]
    heard: list[str] = []
    reply = client.run(
        "m", "Hello", tools=[weather], on_event=lambda event: heard.append(event.kind)
    )
    assert reply.content == "ok"
    assert heard == ["tool_call", "finish", "content", "finish"]
    assert (
        client.run("m", "Hello", tools=[weather], on_event=lambda event: False).status
        is Status.CANCELLED
    )


def test_a_streamed_tool_call_grows(echo: Echo, client: Client) -> None:
    first = {
        "index": 0,
        "id": "a",
        "type": "function",
        "function": {"name": "weather", "arguments": ""},
    }
    pieces = [{"index": 0, "function": {"arguments": piece}} for piece in ('{"city":', '"Köln"}')]
    deltas = [
        {"role": "assistant", "content": None, "tool_calls": [one]} for one in (first, *pieces)
    ]
    last = {"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]}
    echo.script = [[*({"choices": [{"index": 0, "delta": delta}]} for delta in deltas), last]]
    with client.stream("m", "Hello", tools=[weather]) as stream:
        grown = [event for event in stream if event.kind == "tool_call"]
    assert "".join(event.text for event in grown) == '{"city":"Köln"}'
    assert {(event.tool_index, event.tool_id, event.tool_name) for event in grown} == {
        (0, "a", "weather")
    }
    (whole,) = stream.reply.tool_calls
    assert (whole.id, whole.name, whole.arguments) == ("a", "weather", '{"city":"Köln"}')
    assert whole.parsed() == {"city": "Köln"}
    assert stream.reply.as_message()["tool_calls"] == [call("weather", '{"city":"Köln"}', "a")]


def test_an_answer_in_the_shape_of_a_dataclass(echo: Echo, client: Client) -> None:
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


def test_an_answer_in_another_shape_is_told(echo: Echo, client: Client) -> None:
    echo.script = [{"role": "assistant", "content": '{"name": "Köln", "height": "53"}'}]
    with pytest.raises(ValueError, match="the answer.height is not of type number"):
        client.send("m", "Where?", response_format=Place).parse(Place)


def test_an_answer_that_python_cannot_read_is_told(echo: Echo, client: Client) -> None:
    echo.script = [{"role": "assistant", "content": "[" * 100_000}]
    with pytest.raises(ValueError, match="nested too deeply"):
        client.send("m", "Where?").parse()


def test_a_schema_of_ones_own_goes_out_as_it_is(echo: Echo, client: Client) -> None:
    own = {"type": "json_schema", "json_schema": {"name": "own", "schema": {"type": "object"}}}
    client.send("m", "Where?", response_format=own)
    assert echo.bodies[0]["response_format"] == own
