"""`chat.completions.parse`: answers and arguments of tool calls as instances of types."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional

from . import _pydantic
from ._schema import parsed, value_of
from .arguments import Arguments
from .compat import Object
from .errors import (
    ContentFilterFinishReasonError,
    InvalidArgumentError,
    LengthFinishReasonError,
)
from .reply import Reply


class FunctionTool(dict[str, Any]):
    """The definition of a tool whose arguments are a pydantic model."""

    model: Any


def pydantic_function_tool(
    model: type, *, name: Optional[str] = None, description: Optional[str] = None
) -> FunctionTool:
    """Returns the definition of a tool whose arguments are the fields of a pydantic model.

    parse() returns the arguments of its calls as instances of the model. Without a description, it
    is the docstring of the model.
    """
    if not _pydantic.is_model(model):
        raise InvalidArgumentError(f"{model!r} is not a pydantic model")
    schema = _pydantic.strict_schema(model)
    function = {"name": name or model.__name__, "strict": True, "parameters": schema}
    text = description or schema.get("description")
    if text:
        function["description"] = text
    tool = FunctionTool(type="function", function=function)
    tool.model = model
    return tool


def parse_completion(reply: Reply, completion: Object, arguments: Arguments) -> Object:
    """Adds the attributes `parsed` and `parsed_arguments` to a completion and returns it."""
    shape = arguments.get("response_format")
    models = {
        tool["function"]["name"]: tool.model
        for tool in arguments.get("tools") or ()
        if isinstance(tool, FunctionTool)
    }
    for choice in completion.get("choices") or []:
        message = choice.get("message") if isinstance(choice, Object) else None
        if not isinstance(message, Object):
            continue
        _check_end(reply, completion, choice.get("finish_reason"))
        content = message.get("content")
        if isinstance(shape, type) and content and not message.get("refusal"):
            message.parsed = value_of(shape, parsed(content), "the answer")
        for call in message.get("tool_calls") or []:
            function = call.get("function") if isinstance(call, Mapping) else None
            if isinstance(function, Object) and function.get("name") in models:
                document = parsed(function.get("arguments") or "{}")
                function.parsed_arguments = value_of(models[function["name"]], document)
    return completion


def _check_end(reply: Reply, completion: Object, reason: object) -> None:
    """Raises an exception if the answer is not complete."""
    if reason == "length":
        error = LengthFinishReasonError(
            "the answer cannot be parsed: it reached the maximum number of tokens; "
            "increase max_tokens",
            reply,
        )
        error.completion = completion
        raise error
    if reason == "content_filter":
        raise ContentFilterFinishReasonError(
            "the answer cannot be parsed: a content filter ended it", reply
        )
