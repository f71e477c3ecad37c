"""Python functions as tools that a model can call."""

from __future__ import annotations

import dataclasses
import inspect
import json
import re
from typing import Any, Callable

from . import _pydantic
from ._schema import hints_of, object_schema, parsed, schema_of, values_of
from .errors import InvalidArgumentError

ToolFunction = Callable[..., object]


class Tool:
    """A function that a model can call, described by its signature and its docstring.

        def weather(city: str, days: int = 1) -> str:
            '''Returns the weather forecast.

            city: the name of a city
            days: the number of days
            '''

    The first paragraph of the docstring describes the function. A line that starts with the name of
    a parameter and a colon describes that parameter.
    """

    def __init__(self, function: ToolFunction) -> None:
        self.function = function
        self.name: str = getattr(function, "__name__", type(function).__name__)
        hints = hints_of(function)
        self._types: dict[str, Any] = {}
        self._required: list[str] = []
        for parameter in inspect.signature(function).parameters.values():
            if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
                raise InvalidArgumentError(
                    f"the tool {self.name} has the parameter {parameter}, "
                    "which cannot be passed by name"
                )
            self._types[parameter.name] = hints.get(parameter.name, parameter.empty)
            if parameter.default is parameter.empty:
                self._required.append(parameter.name)

    def definition(self) -> dict[str, Any]:
        """Returns the definition for the `tools` field of a request."""
        document = inspect.getdoc(self.function) or ""
        properties = {name: schema_of(type_) for name, type_ in self._types.items()}
        for name, schema in properties.items():
            line = re.search(
                rf"^\s*{re.escape(name)}\s*(?:\([^)]*\))?\s*:[ \t]*(\S.*)$", document, re.MULTILINE
            )
            if line:
                schema["description"] = line.group(1).strip()
        return {
            "type": "function",
            "function": {
                "name": self.name,
                "description": " ".join(document.split("\n\n")[0].split()),
                "parameters": object_schema(properties, self._required),
            },
        }

    def call(self, arguments: str) -> str:
        """Calls the function with arguments written by a model and returns the text for the model.

        Texts are returned as they are, and other results as JSON. Invalid arguments are reported in
        that text. Exceptions of the function propagate. Raises InvalidArgumentError if the function
        returns an awaitable or a generator, such as an async function with a decorator.
        """
        try:
            values = self._values(arguments)
        except ValueError as error:
            return f"Error: {error}"
        return self._text_of(self.function(**values))

    async def call_async(self, arguments: str) -> str:
        """Does the same as call(), and awaits the result if it is awaitable."""
        try:
            values = self._values(arguments)
        except ValueError as error:
            return f"Error: {error}"
        result = self.function(**values)
        return self._text_of(await result if inspect.isawaitable(result) else result)

    def _values(self, arguments: str) -> dict[str, Any]:
        document = parsed(arguments or "{}")
        return values_of(self._types, self._required, document, "the arguments")

    def _text_of(self, result: object) -> str:
        if inspect.iscoroutine(result):
            # It would warn that it was never awaited.
            result.close()
        if inspect.isawaitable(result) or inspect.isgenerator(result) or inspect.isasyncgen(result):
            kind = type(result).__name__
            raise InvalidArgumentError(
                f"the tool {self.name} returned the {kind} of a function that has not run; "
                "only AsyncClient awaits tools, and generators are not supported"
            )
        return (
            result
            if isinstance(result, str)
            else json.dumps(result, ensure_ascii=False, default=_json_of)
        )


def _json_of(value: Any) -> Any:
    """Returns what represents a value that JSON does not know."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if _pydantic.is_model(type(value)):
        return value.model_dump(mode="json")
    return str(value)


def definition_of(tool: Any) -> Any:
    """Returns the definition of a function or a Tool. Any other value is returned unchanged."""
    if isinstance(tool, Tool):
        return tool.definition()
    return Tool(tool).definition() if callable(tool) else tool
