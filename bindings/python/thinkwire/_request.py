"""A conversation and its settings, as the library's request."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from ctypes import CDLL
from pathlib import Path
from typing import Any, Optional, Union

from ._abi import Thinking
from ._handle import Handle, c_number, c_string, check, text, utf8
from ._schema import schema_of
from .errors import InvalidArgumentError
from .images import Image
from .options import TimeoutLike, clocks_of
from .reply import Reply
from .tools import Tool, definition_of

#: One message: a dict in the API's own shape, whose content may be a list that has, beside the API's own parts, texts (str) and
#: images (Image, a Path, or bytes); or a Reply, as the assistant's turn.
Message = Union[Mapping[str, Any], Reply]

#: A conversation. A str is one message of the user's.
Messages = Union[str, Message, Iterable[Message]]

#: None leaves it to the model; True and False are on and off; or how hard: "low", "medium", "high".
ThinkingMode = Union[bool, str, Thinking, None]


def build(
    library: CDLL,
    model: str,
    messages: Messages,
    thinking: ThinkingMode,
    thinking_budget: Optional[int],
    fields: Mapping[str, Any],
    starts_thinking: bool = False,
    timeout: TimeoutLike = None,
) -> Handle:
    """The request, to be sent and let go of."""
    address = library.tw_request_create(c_string("model", model))
    if address is None:
        raise InvalidArgumentError(text(library.tw_last_error()) or "model is refused")
    request = Handle(address, library.tw_request_destroy)
    for message in listed(messages):
        if isinstance(message, Reply):
            check(library, message.add_to(address))
        else:
            body = _json("messages", _plain_message(library, message))
            check(library, library.tw_request_add_message_json(address, body, len(body)))
    mode = _mode(thinking, thinking_budget)
    if mode is not Thinking.AUTO:
        budget = c_number("thinking_budget", thinking_budget or 0, 64)
        check(library, library.tw_request_set_thinking(address, mode, budget))
    if starts_thinking:
        check(library, library.tw_request_set_starts_thinking(address, 1))
    for clock, milliseconds in clocks_of(timeout):
        check(library, library.tw_request_set_timeout(address, clock, milliseconds))
    for name, value in fields.items():
        if name == "tools" and isinstance(value, (list, tuple)):
            if value and all(callable(tool) or isinstance(tool, Tool) for tool in value):
                for tool in value:
                    check(library, library.tw_request_add_tool(address, *_tool(tool)))
                continue
            value = [definition_of(tool) for tool in value]
        elif name == "response_format" and isinstance(value, type):
            value = response_format_of(value)
        check(
            library,
            library.tw_request_set(address, c_string("a field's name", name), _json(name, value)),
        )
    return request


def listed(messages: Messages) -> Iterable[Message]:
    """The messages, one by one."""
    if isinstance(messages, str):
        return [{"role": "user", "content": messages}]
    return [messages] if isinstance(messages, (Mapping, Reply)) else messages


def _tool(tool: Any) -> tuple[bytes, bytes, bytes]:
    """The name, the description and the parameters of a function."""
    function = definition_of(tool)["function"]
    name, description = (
        c_string(f"a tool's {part}", function[part]) for part in ("name", "description")
    )
    return name, description, _json("a tool's parameters", function["parameters"])


def _plain_message(library: CDLL, message: Any) -> Mapping[str, Any]:
    if not isinstance(message, Mapping):
        raise InvalidArgumentError(
            f"messages: each is a dict or a Reply, not {type(message).__name__}"
        )
    content = message.get("content")
    if not isinstance(content, list):
        return message
    return {**message, "content": [_part(library, part) for part in content]}


def _part(library: CDLL, part: Any) -> Any:
    if isinstance(part, str):
        return {"type": "text", "text": part}
    if isinstance(part, (Path, bytes)):
        part = Image(part)
    return part.part(library) if isinstance(part, Image) else part


def _mode(thinking: ThinkingMode, budget: Optional[int]) -> Thinking:
    if thinking is None:  # Who says how much to think says that it is to think.
        return Thinking.ON if budget else Thinking.AUTO
    if isinstance(thinking, bool):
        return Thinking.ON if thinking else Thinking.OFF
    if isinstance(thinking, Thinking):
        return thinking
    if isinstance(thinking, str) and thinking.upper() in Thinking.__members__:
        return Thinking[thinking.upper()]
    raise InvalidArgumentError(
        f"thinking is True, False, None, 'low', 'medium' or 'high', not {thinking!r}"
    )


def response_format_of(shape: type) -> dict[str, Any]:
    """The field that asks for an answer in the shape of a dataclass."""
    schema = schema_of(shape)
    strict = list(schema.get("properties", {})) == schema.get("required")
    return {
        "type": "json_schema",
        "json_schema": {"name": shape.__name__, "schema": schema, "strict": strict},
    }


def _json(name: str, value: Any) -> bytes:
    """JSON as RFC 8259 has it, so without NaN; texts stay as they are, unescaped."""
    try:
        return utf8(
            name, json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        )
    except (TypeError, ValueError, RecursionError) as error:
        if isinstance(error, InvalidArgumentError):
            raise
        raise InvalidArgumentError(f"{name} can't be written as JSON: {error}") from error
