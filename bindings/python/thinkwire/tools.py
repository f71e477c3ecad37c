"""Python functions as tools that a model can call."""

from __future__ import annotations

import inspect
import json
import re
from typing import Any, Callable

from ._schema import hints_of, object_schema, parsed, schema_of, values_of
from .errors import InvalidArgumentError
from .reply import ToolCall

ToolFunction = Callable[..., object]


class Tool:
    """A function with its name, its description, and the types of its parameters, as its signature and docstring tell them.

        def weather(city: str, days: int = 1) -> str:
            '''The weather to come.

            city: the name of a place
            days: how many days of it
            '''

    The docstring's first paragraph describes it; a line that begins with a parameter's name and a colon describes that.
    """

    def __init__(self, function: ToolFunction) -> None:
        self.function = function
        self.name: str = getattr(function, "__name__", type(function).__name__)
        hints = hints_of(function)
        self._shapes: dict[str, Any] = {}
        self._required: list[str] = []
        for parameter in inspect.signature(function).parameters.values():
            if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
                raise InvalidArgumentError(
                    f"the tool {self.name} has a parameter {parameter}, which can't be given by name"
                )
            self._shapes[parameter.name] = hints.get(parameter.name, parameter.empty)
            if parameter.default is parameter.empty:
                self._required.append(parameter.name)

    def definition(self) -> dict[str, Any]:
        """What stands for it in a request's `tools`."""
        document = inspect.getdoc(self.function) or ""
        properties = {name: schema_of(shape) for name, shape in self._shapes.items()}
        for name, described in properties.items():
            line = re.search(
                rf"^\s*{re.escape(name)}\s*(?:\([^)]*\))?\s*:[ \t]*(\S.*)$", document, re.MULTILINE
            )
            if line:
                described["description"] = line.group(1).strip()
        return {
            "type": "function",
            "function": {
                "name": self.name,
                "description": " ".join(document.split("\n\n")[0].split()),
                "parameters": object_schema(properties, self._required),
            },
        }

    def call(self, arguments: str) -> str:
        """Calls it with arguments as a model wrote them, and gives what to tell the model.

        A mistake of the model's is told to the model. What the function raises is raised.
        """
        try:
            given = values_of(
                self._shapes, self._required, parsed(arguments or "{}"), "the arguments"
            )
        except ValueError as error:
            return f"Error: {error}"
        result = self.function(**given)
        return (
            result
            if isinstance(result, str)
            else json.dumps(result, ensure_ascii=False, default=str)
        )


def definition_of(tool: Any) -> Any:
    """What stands for it in a request's `tools`: of a function or a Tool, its definition; anything else is the caller's own."""
    if isinstance(tool, Tool):
        return tool.definition()
    return Tool(tool).definition() if callable(tool) else tool


def answer(tools: dict[str, Tool], call: ToolCall) -> dict[str, Any]:
    """The message that answers a model's call."""
    tool = tools.get(call.name)
    told = tool.call(call.arguments) if tool is not None else f"Error: there is no tool {call.name}"
    return {"role": "tool", "tool_call_id": call.id, "content": told}
