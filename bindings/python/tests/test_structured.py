"""Structured answers as dataclasses, TypedDicts and pydantic models, and models in tools."""

from __future__ import annotations

import datetime
import uuid
from dataclasses import dataclass
from typing import Annotated, Any, Dict, List, Optional, TypedDict

import pydantic
import pytest
import thinkwire
from conftest import Echo
from thinkwire import Client, InvalidArgumentError, Tool, pydantic_function_tool
from thinkwire._schema import schema_of, value_of
from typing_extensions import NotRequired, Required


class Step(pydantic.BaseModel):
    """One step."""

    explanation: str
    output: Optional[str] = None


class Solution(pydantic.BaseModel):
    steps: List[Step]
    last: Step = pydantic.Field(description="The last step")


class Node(pydantic.BaseModel):
    name: str
    children: List[Node]


class Table(pydantic.BaseModel):
    cells: Dict[str, int]


@dataclass
class Placed:
    step: Step
    position: int


class Place(TypedDict):
    name: str
    near: Optional[Place]


class City(TypedDict, total=False):
    name: str
    steps: List[Step]


STEP = {
    "title": "Step",
    "description": "One step.",
    "type": "object",
    "properties": {
        "explanation": {"title": "Explanation", "type": "string"},
        "output": {"title": "Output", "anyOf": [{"type": "string"}, {"type": "null"}]},
    },
    "required": ["explanation", "output"],
    "additionalProperties": False,
}


def sent_format(echo: Echo, client: Client, type_: type) -> Any:
    client.send("m", "Hello", response_format=type_)
    return echo.bodies[-1]["response_format"]["json_schema"]


@pytest.fixture
def client(echo: Echo) -> Any:
    with Client(echo.base_url, "") as client:
        yield client


class Event(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(strict=True)

    day: datetime.date
    id: uuid.UUID


def test_strict_model_is_parsed_from_json() -> None:
    """A strict model accepts dates and UUIDs as texts only in JSON."""
    document = {"day": "2024-01-01", "id": "12345678-1234-1234-1234-123456789abc"}
    assert value_of(Event, document) == Event(
        day=datetime.date(2024, 1, 1), id=uuid.UUID(document["id"])
    )


class Sized(TypedDict):
    name: str
    size: NotRequired[int]


class Marked(Sized, total=False):
    mark: Annotated[Required[str], "a mark"]
    note: str


def test_required_names_of_a_typed_dict() -> None:
    """The annotations of this module are texts, which `__required_keys__` does not read."""
    assert schema_of(Sized)["required"] == ["name"]
    assert schema_of(Marked)["required"] == ["name", "mark"]
    assert value_of(Sized, {"name": "a"}) == {"name": "a"}
    with pytest.raises(ValueError, match="mark"):
        value_of(Marked, {"name": "a"})


def test_pydantic_model_is_sent_as_a_strict_schema(echo: Echo, client: Client) -> None:
    assert sent_format(echo, client, Solution) == {
        "name": "Solution",
        "strict": True,
        "schema": {
            "title": "Solution",
            "type": "object",
            "properties": {
                "steps": {"title": "Steps", "type": "array", "items": STEP},
                # OpenAI accepts no other keywords next to a reference.
                "last": {**STEP, "description": "The last step"},
            },
            "required": ["steps", "last"],
            "additionalProperties": False,
        },
    }


def test_model_that_contains_itself_keeps_its_references(echo: Echo, client: Client) -> None:
    schema = sent_format(echo, client, Node)["schema"]
    assert schema["type"] == "object"
    assert schema["properties"]["children"]["items"] == {"$ref": "#/$defs/Node"}
    assert schema["$defs"]["Node"]["required"] == ["name", "children"]
    with pytest.raises(InvalidArgumentError, match="Node contains itself"):
        schema_of(List[Node])


def test_free_form_objects_are_not_strict(echo: Echo, client: Client) -> None:
    assert sent_format(echo, client, Table)["strict"] is False
    assert sent_format(echo, client, Solution)["strict"] is True


def test_answer_is_parsed_as_a_pydantic_model(echo: Echo, client: Client) -> None:
    echo.script = [
        {"role": "assistant", "content": '{"explanation": "Add", "output": null}'},
        {"role": "assistant", "content": '{"output": null}'},
    ]
    reply = client.send("m", "Hello", response_format=Step)
    assert reply.parse(Step) == Step(explanation="Add")
    with pytest.raises(ValueError, match="explanation"):
        client.send("m", "Hello", response_format=Step).parse(Step)


def test_models_are_parts_of_other_types() -> None:
    schema = schema_of(Placed)["properties"]["step"]
    assert schema["properties"].keys() == {"explanation", "output"}
    value = value_of(Placed, {"step": {"explanation": "Add"}, "position": 1})
    assert value == Placed(Step(explanation="Add"), 1)

    def plan(steps: List[Step]) -> int:
        assert all(isinstance(step, Step) for step in steps)
        return len(steps)

    assert Tool(plan).call('{"steps": [{"explanation": "Add"}]}') == "1"
    assert Tool(plan).call('{"steps": [{}]}').startswith("Error: ")


def test_typed_dict_is_a_structured_answer(echo: Echo, client: Client) -> None:
    sent = sent_format(echo, client, City)
    assert (sent["name"], sent["strict"], sent["schema"]["required"]) == ("City", False, [])
    echo.script = [{"role": "assistant", "content": '{"name": "Köln"}'}]
    city = client.send("m", "Where?", response_format=City).parse(City)
    assert city["name"] == "Köln"
    with pytest.raises(ValueError, match="must not have the field height"):
        value_of(City, {"height": 1})
    with pytest.raises(ValueError, match="must have the field near"):
        value_of(Place, {"name": "Köln"})
    with pytest.raises(InvalidArgumentError, match="Place contains itself"):
        schema_of(Place)


def test_nested_optional_fields_are_not_strict(echo: Echo, client: Client) -> None:
    @dataclass
    class Inner:
        size: int = 1

    @dataclass
    class Outer:
        inner: Inner

    globals().update(Inner=Inner)
    assert sent_format(echo, client, Outer)["strict"] is False


def parse(echo: Echo, client: Client, message: dict[str, object], **arguments: Any) -> Any:
    echo.script = [{"role": "assistant", "content": None, **message}]
    return client.chat.completions.parse(model="m", messages="Hello", **arguments)


def test_parsed_answer_is_not_a_field_of_the_message(echo: Echo, client: Client) -> None:
    answer: dict[str, object] = {"content": '{"explanation": "Add"}'}
    message = parse(echo, client, answer, response_format=Step).choices[0].message
    assert message.parsed == Step(explanation="Add")
    assert message.model_dump() == {"role": "assistant", **answer}
    client.chat.completions.create(model="m", messages=[message])
    assert echo.bodies[-1]["messages"] == [{"role": "assistant", **answer}]


def test_refusal_and_tool_calls_are_not_parsed(echo: Echo, client: Client) -> None:
    refused = parse(echo, client, {"refusal": "No.", "content": "No."}, response_format=Step)
    assert refused.choices[0].message.parsed is None
    call = {"id": "a", "type": "function", "function": {"name": "Step", "arguments": "{}"}}
    with pytest.raises(ValueError, match="explanation"):
        parse(echo, client, {"tool_calls": [call]}, tools=[pydantic_function_tool(Step)])
    other = iter([pydantic_function_tool(Step, name="other", description="Other")])
    called = parse(echo, client, {"tool_calls": [call]}, response_format=Step, tools=other)
    assert called.choices[0].message.parsed is None
    assert called.choices[0].message.tool_calls[0].function.parsed_arguments is None
    tool = echo.bodies[-1]["tools"][0]["function"]
    assert (tool["name"], tool["description"], tool["strict"]) == ("other", "Other", True)
    assert pydantic_function_tool(Step)["function"]["description"] == "One step."
    with pytest.raises(InvalidArgumentError, match="is not a pydantic model"):
        pydantic_function_tool(int)


@pytest.mark.parametrize(
    "reason, kind",
    [
        ("length", thinkwire.LengthFinishReasonError),
        ("content_filter", thinkwire.ContentFilterFinishReasonError),
    ],
)
def test_unfinished_answer_is_not_parsed(
    base_url: str, reason: str, kind: type[thinkwire.Error]
) -> None:
    body = f'{{"choices": [{{"message": {{"content": "{{"}}, "finish_reason": "{reason}"}}]}}'
    with Client(base_url, "key") as client, pytest.raises(kind) as raised:
        client.chat.completions.parse(
            model="mock/script",
            messages="Hello",
            response_format=Step,
            extra_body={"mock_reply": body},
        )
    assert raised.value.reply is not None and raised.value.reply.content == "{"
    if isinstance(raised.value, thinkwire.LengthFinishReasonError):
        assert raised.value.completion.choices[0].finish_reason == "length"
