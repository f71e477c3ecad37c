"""The scenarios that every model server runs: what is asked, and what the answer must contain."""

from dataclasses import dataclass, field
from typing import Any

from dialogues import TOOL

TOOLS = {"tools": [TOOL]}
#: What the model may ask for in the scenarios with tools.
BERLIN = "How is the weather in Berlin?"


@dataclass(frozen=True)
class Scenario:
    """A request. `contains` lists what the answer must contain, so that a test is about it.

    The members of `contains`: "reasoning", "content", "tool_calls", "usage", a finish_reason, or
    "error". A server without such an answer is in `varies`.
    """

    name: str
    question: Any
    contains: tuple = ("content", "stop")
    thinking: Any = False
    fields: dict = field(default_factory=dict)
    model: str = ""
    key: str = ""
    #: The servers that answer differently, and what they do. Only their bytes are compared.
    varies: dict = field(default_factory=dict)


HISTORY = [
    {"role": "user", "content": BERLIN},
    {
        "role": "assistant",
        "content": "",
        "tool_calls": [
            {
                "id": "call-1",
                "type": "function",
                "function": {
                    "name": "get_weather",
                    "arguments": '{"city": "Berlin", "unit": "celsius"}',
                },
            }
        ],
    },
    {"role": "tool", "tool_call_id": "call-1", "content": "21 degrees, sunny"},
]
FORCED = {"type": "function", "function": {"name": "get_weather"}}
INVALID_SCHEMA = {
    "type": "json_schema",
    "json_schema": {"name": "x", "schema": {"type": "no-such-type"}},
}
CUT = {"max_tokens": 20}
KEYLESS = {"mlx": "accepts every key", "transformers": "accepts every key"}
BOTH = ("reasoning", "content", "stop")

SCENARIOS = [
    Scenario("hello with thinking", "Hello", BOTH, thinking=True),
    Scenario("hello without thinking", "Hello"),
    Scenario("hello with the default", "Hello", BOTH, thinking=None),
    Scenario("system message", [
        {"role": "system", "content": "you are kind"}, {"role": "user", "content": "Hello"}
    ]),
    Scenario("earlier turns", [
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": "Hello! How can I help you?"},
        {"role": "user", "content": "And again?"},
    ], BOTH, thinking=True),
    Scenario("tool call", BERLIN, ("reasoning", "tool_calls"), True, TOOLS),
    Scenario("tool call without thinking", BERLIN, ("tool_calls",), False, TOOLS),
    Scenario(
        "two tool calls", "How is the weather in Berlin and in 東京?", ("tool_calls",), False, TOOLS
    ),
    Scenario("tool result", HISTORY, ("content", "stop"), False, TOOLS),
    Scenario("tool result with thinking", HISTORY, BOTH, True, TOOLS),
    Scenario("forced tool", BERLIN, ("tool_calls",), False, {**TOOLS, "tool_choice": FORCED}),
    Scenario("tool call that breaks", "Break the call", (), True, TOOLS),
    Scenario("three choices", "Toss a coin", ("content",), False, {"n": 3, "temperature": 1}),
    Scenario("logprobs", "Hello", ("content",), False, {"logprobs": True, "top_logprobs": 3}),
    Scenario("cut in the reasoning", "Count to fifty", ("reasoning", "length"), True, CUT),
    Scenario("cut in the answer", "Count to fifty", ("content", "length"), False, CUT),
    Scenario(
        "cut in a tool call", BERLIN, ("length",), False, {**TOOLS, "max_tokens": 12},
        varies={"transformers": "answers with status 500 if unstreamed"},
    ),
    Scenario("thinking that never ends", "Only think", ("reasoning", "stop"), True),
    Scenario("no thinking although enabled", "Do not think", ("stop",), True),
    Scenario("other scripts", "Use other scripts", BOTH, thinking=True),
    Scenario("other scripts without thinking", "Use other scripts"),
    Scenario("a character cut by max_tokens", "Use other scripts", (), False, {"max_tokens": 17}),
    Scenario("JSON", "Who is Ada? As JSON", fields={"response_format": {"type": "json_object"}}),
    Scenario("quoted tags", "Explain tags", ("content", "stop")),
    Scenario("empty answer", "Say nothing", ("stop",)),
    Scenario("stop sequence", "Say the word", fields={"stop": ["STOP"]}),
    Scenario(
        "unknown model", "Hello", ("error",), model="no-such-model",
        varies={"llama": "ignores the name of the model"},
    ),
    Scenario("invalid schema", "Hello", (), fields={**CUT, "response_format": INVALID_SCHEMA}),
    Scenario("invalid field", "Hello", ("error",), fields={"temperature": "hot"}),
    Scenario("wrong key", "Hello", ("error",), key="sk-wrong", varies=KEYLESS),
]  # fmt: skip
