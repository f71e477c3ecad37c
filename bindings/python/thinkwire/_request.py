"""Builds a library request from a conversation and its settings."""

from __future__ import annotations

from _collections_abc import Iterable, Mapping
from ctypes import CDLL, byref, c_size_t

from ._abi import TW_THINKING_AUTO, TW_THINKING_OFF, TW_THINKING_ON
from ._handle import Handle, c_integer, c_string, check, last_error, sized_text, utf8
from ._library import library as load_library
from ._typing import Any, Optional, Union
from .arguments import Arguments, ThinkingMode, fields_of
from .errors import InvalidArgumentError
from .options import tags_of, timeouts_of
from .reply import AssistantMessage, Reply

#: One message: a dict in the format of the API, or a Reply as the assistant's message. A dict that
#: as_message() or the interface of openai-python made of a reply, and that is unchanged, is treated
#: as the Reply: its reasoning is sent in the form that the endpoint requires. If the
#: content of a dict is a list, it may contain texts (str) and images (Image, Path or bytes) in
#: addition to the content parts of the API.
Message = Union[Mapping[str, Any], Reply]

#: A conversation. A str is one user message.
Messages = Union[str, Message, Iterable[Message]]


class Request(Handle):
    """A request of the library, with what a trace reports of it."""

    __slots__ = ("model", "fields")

    def __init__(self, library: CDLL, address: int, model: str, fields: Mapping[str, Any]) -> None:
        super().__init__(address, library.tw_request_destroy)
        self.model = model
        #: The fields of the body that the caller has set.
        self.fields = fields


def build(library: CDLL, model: str, messages: Messages, arguments: Arguments) -> Request:
    """Creates the request. The caller owns it."""
    fields = fields_of(arguments)
    address = library.tw_request_create(c_string("model", model))
    if address is None:
        raise InvalidArgumentError(last_error(library))
    request = Request(library, address, model, fields)
    system = arguments.get("system")
    if system is not None:
        if not isinstance(system, str):
            raise InvalidArgumentError(f"system must be a str, not {type(system).__name__}")
        _add_message(library, address, {"role": "system", "content": system})
    for message in message_list(messages):
        reply = _reply_of(message)
        if reply is not None:
            check(library, reply.add_to(address))
        else:
            _add_message(library, address, _plain_message(library, message))
    mode = _mode(arguments.get("thinking"), arguments.get("thinking_budget"))
    if mode != TW_THINKING_AUTO:
        budget = c_integer("thinking_budget", arguments.get("thinking_budget") or 0, 64)
        check(library, library.tw_request_set_thinking(address, mode, budget))
    if arguments.get("starts_thinking"):
        check(library, library.tw_request_set_starts_thinking(address, 1))
    if "reasoning_tags" in arguments:
        tags = tags_of(arguments["reasoning_tags"])
        check(library, library.tw_request_set_reasoning_tags(address, *tags))
    for kind, milliseconds in timeouts_of(arguments.get("timeout")):
        check(library, library.tw_request_set_timeout(address, kind, milliseconds))
    for name, value in fields.items():
        _set_field(library, address, name, value)
    return request


def stored_messages(messages: Messages) -> list[dict[str, Any]]:
    """Returns the messages as dicts that can be stored as JSON and sent again.

    The messages of replies hold the reasoning in the member "thinkwire_reasoning", which the
    library replaces by what the endpoint requires when the messages are sent. Other libraries do
    not know the member.
    """
    library = load_library()
    request = build(library, "m", messages, {})
    length = c_size_t()
    address = library.tw_request_json(request.address, byref(length))
    import json

    stored: list[dict[str, Any]] = json.loads(sized_text(address, length.value))["messages"]
    return stored


def _add_message(library: CDLL, address: int, message: Mapping[str, Any]) -> None:
    if list(message) == ["role", "content"] and all(map(_is_text, message.values())):
        # The library writes the JSON, because importing `json` takes a fifth of the time that a
        # program needs until its first delta.
        role, content = (utf8("messages", text) for text in message.values())
        check(library, library.tw_request_add_message(address, role, content))
        return
    body = _json("messages", message)
    check(library, library.tw_request_add_message_json(address, body, len(body)))


def _is_text(value: object) -> bool:
    """Whether the value is a string that the C interface accepts in every place."""
    return isinstance(value, str) and value != "" and "\0" not in value


def _set_field(library: CDLL, address: int, name: str, value: Any) -> None:
    if name == "tools" and isinstance(value, Iterable) and not isinstance(value, (str, Mapping)):
        from .tools import Tool, definition_of

        value = list(value)
        if value and all(callable(tool) or isinstance(tool, Tool) for tool in value):
            for tool in value:
                check(library, library.tw_request_add_tool(address, *_tool_arguments(tool)))
            return
        value = [definition_of(tool) for tool in value]
    elif name == "response_format" and isinstance(value, type):
        from ._response_format import response_format_of

        value = response_format_of(value)
    field = c_string("the name of a field", name)
    check(library, library.tw_request_set(address, field, _json(name, value)))


def message_list(messages: Messages) -> Iterable[Message]:
    """Returns the messages as an iterable: a str or a single message becomes a list."""
    if isinstance(messages, str):
        return [{"role": "user", "content": messages}]
    return [messages] if isinstance(messages, (Mapping, Reply)) else messages


def _tool_arguments(tool: Any) -> tuple[bytes, bytes, bytes]:
    """Returns the name, the description and the parameters of a function."""
    from .tools import definition_of

    function = definition_of(tool)["function"]
    name, description = (
        c_string(f"the {part} of a tool", function[part]) for part in ("name", "description")
    )
    return name, description, _json("the parameters of a tool", function["parameters"])


def _reply_of(message: Any) -> Optional[Reply]:
    """Returns the reply that a message is, or that an unchanged message was made of."""
    if isinstance(message, Reply):
        return message
    source = message._source if isinstance(message, AssistantMessage) else None
    return source.reply_of(message) if source is not None else None


def _plain_message(library: CDLL, message: Any) -> Mapping[str, Any]:
    if not isinstance(message, Mapping):
        raise InvalidArgumentError(
            f"messages: each message must be a dict or a Reply, not {type(message).__name__}"
        )
    content = message.get("content")
    if not isinstance(content, list):
        return message
    return {**message, "content": [_content_part(library, part) for part in content]}


def _content_part(library: CDLL, part: Any) -> Any:
    if isinstance(part, str):
        return {"type": "text", "text": part}
    from pathlib import Path

    from .images import Image

    if isinstance(part, (Path, bytes)):
        part = Image(part)
    return part.part(library) if isinstance(part, Image) else part


def _mode(thinking: ThinkingMode, budget: Optional[int]) -> int:
    """Returns the `tw_thinking` of an argument."""
    if thinking is None:
        # A budget implies that the model should think.
        return TW_THINKING_ON if budget else TW_THINKING_AUTO
    if isinstance(thinking, bool):
        return TW_THINKING_ON if thinking else TW_THINKING_OFF
    from ._enums import Thinking

    if isinstance(thinking, Thinking):
        return thinking
    if isinstance(thinking, str) and thinking.upper() in Thinking.__members__:
        return Thinking[thinking.upper()]
    raise InvalidArgumentError(
        "thinking must be True, False, None, 'none', 'minimal', 'low', 'medium', 'high', 'xhigh'"
        f" or 'max', not {thinking!r}"
    )


def _json(name: str, value: Any) -> bytes:
    """Serializes to JSON as in RFC 8259, so without NaN. Non-ASCII characters are not escaped."""
    import json

    try:
        return utf8(
            name, json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        )
    except (TypeError, ValueError, RecursionError) as error:
        if isinstance(error, InvalidArgumentError):
            raise
        raise InvalidArgumentError(f"{name} cannot be serialized as JSON: {error}") from error
