"""The result of an exchange."""

from __future__ import annotations

from ctypes import CDLL, byref, c_size_t

from . import _abi
from ._handle import Handle, c_string, message_text, sized_text, text
from ._typing import TYPE_CHECKING, Any, Optional, TypeVar, overload

if TYPE_CHECKING:
    from collections.abc import Mapping
    from functools import cached_property

    from ._enums import Status
    from .reply_values import Timing, ToolCall, Usage

_T = TypeVar("_T")


if not TYPE_CHECKING:

    class cached_property:
        """What `functools` exports, which takes 4 ms to import."""

        def __init__(self, function):
            self.__doc__ = function.__doc__
            self._function = function

        def __set_name__(self, owner, name):
            self._name = name

        def __get__(self, instance, owner=None):
            if instance is None:
                return self
            value = instance.__dict__[self._name] = self._function(instance)
            return value


class Reply:
    """The result of an exchange with everything received. Any number of threads may read it."""

    def __init__(self, library: CDLL, address: int) -> None:
        self._library = library
        self._handle = Handle(address, library.tw_reply_destroy)

    def __repr__(self) -> str:
        shown = self.content if len(self.content) <= 60 else self.content[:59] + "…"
        return f"<Reply {self.status.name} http_status={self.http_status} content={shown!r}>"

    @cached_property
    def status(self) -> Status:
        """The status of the exchange. Status.OK means that the model finished."""
        from ._enums import Status

        return Status(self._library.tw_reply_status(self._handle.address))

    @property
    def _is_ok(self) -> bool:
        """The same without `enum`, which a program whose exchanges succeed need not import."""
        return bool(self._library.tw_reply_status(self._handle.address) == _abi.TW_OK)

    @cached_property
    def message(self) -> str:
        """One line with the reason, the text of the provider and what to do; "" for Status.OK."""
        return message_text(self._library.tw_reply_message(self._handle.address)) or ""

    @property
    def attempts(self) -> int:
        """The number of times the request was sent: 1 without retries, 0 if it was never sent."""
        return int(self._library.tw_reply_attempts(self._handle.address))

    @property
    def last_error(self) -> Optional[str]:
        """Why the last retried attempt failed; None without a retry.

        All other attributes describe the final attempt.
        """
        return message_text(self._library.tw_reply_last_error(self._handle.address, None)) or None

    @cached_property
    def http_status(self) -> int:
        """The HTTP status; 0 without a response."""
        return int(self._library.tw_reply_http_status(self._handle.address))

    @cached_property
    def reasoning(self) -> str:
        """The received part of the reasoning of the first choice."""
        return self._sized("tw_reply_reasoning")

    @cached_property
    def content(self) -> str:
        """The received part of the answer of the first choice.

        For other choices, use get("/choices/1/message/content").
        """
        return self._sized("tw_reply_content")

    @cached_property
    def refusal(self) -> str:
        """The refusal of the model to answer; "" if it did not refuse."""
        return self._sized("tw_reply_refusal")

    @cached_property
    def finish_reason(self) -> Optional[str]:
        """The reason: "stop", "length", "tool_calls", "content_filter", …; None if not reported."""
        return text(self._library.tw_reply_finish_reason(self._handle.address)) or None

    @cached_property
    def usage(self) -> Optional[Usage]:
        """Token counts and cost; None if the server did not report them."""
        from .reply_values import UNREPORTED, usage_of

        usage = usage_of(self._library.tw_reply_usage(self._handle.address).contents)
        return usage if usage != UNREPORTED else None

    @property
    def cost(self) -> Optional[float]:
        """The cost in `usage.cost_unit`; None if the server did not report it."""
        return self.usage.cost if self.usage is not None else None

    @cached_property
    def tool_calls(self) -> list[ToolCall]:
        """The tool calls requested by the model, of all choices."""
        count = self._library.tw_reply_tool_call_count(self._handle.address)
        return [self._tool_call(index) for index in range(count)]

    @cached_property
    def models(self) -> list[str]:
        """The ids of a list of models (see Client.models); empty for any other reply."""
        count = self._library.tw_reply_model_count(self._handle.address)
        models = (self._library.tw_reply_model(self._handle.address, i) for i in range(count))
        return [text(model) or "" for model in models]

    @cached_property
    def timing(self) -> Timing:
        """The times at which the exchange progressed."""
        from .reply_values import Timing

        times: _abi.tw_timing = self._library.tw_reply_timing(self._handle.address).contents
        return Timing(
            connected=_seconds(times.connected_us),
            first_byte=_seconds(times.first_byte_us),
            first_reasoning=_seconds(times.first_reasoning_us),
            first_content=_seconds(times.first_content_us),
            total=_seconds(times.total_us),
            reused_connection=bool(times.reused_connection),
        )

    @cached_property
    def request_id(self) -> Optional[str]:
        """The provider's identifier of the request, for inquiries to its support."""
        return text(self._library.tw_reply_request_id(self._handle.address)) or None

    def header(self, name: str) -> Optional[str]:
        """Returns the value of a response header, ignoring its case; None if it is absent."""
        encoded = c_string("the name of the header", name)
        return text(self._library.tw_reply_header(self._handle.address, encoded))

    def raw_json(self) -> str:
        """Returns the answer as one chat.completion document.

        An unstreamed answer is returned byte for byte as received. "" if no JSON was received.
        """
        return self._sized("tw_reply_json")

    def json(self) -> Any:
        """Returns the parsed chat.completion document, or the JSON of an error response.

        None if no JSON was received. Each call parses the document again, so that the caller may
        modify the result.
        """
        import json

        document = self.raw_json()
        return json.loads(document) if document else None

    def get(self, pointer: str) -> Optional[str]:
        """Returns the value at a JSON pointer (RFC 6901), such as "/choices/0/message/content".

        A string is returned as its text, any other value as its JSON. None if it does not exist.
        """
        length = c_size_t()
        address = self._library.tw_reply_get(
            self._handle.address, c_string("the JSON pointer", pointer), byref(length)
        )
        return sized_text(address, length.value) if address else None

    @overload
    def parse(self) -> Any: ...

    @overload
    def parse(self, shape: type[_T]) -> _T: ...

    def parse(self, shape: Any = None) -> Any:
        """Parses the answer as JSON, or as an instance of the dataclass `shape`.

        Raises ValueError, with the path of the value in the message, if the answer does not fit the
        dataclass that was requested with `response_format=`.
        """
        from ._schema import parsed, value_of

        document = parsed(self.content)
        return document if shape is None else value_of(shape, document, "the answer")

    def as_message(self) -> dict[str, Any]:
        """Returns the assistant's message as a dict, without its reasoning.

        A conversation that contains the dict is continued as if it contained the reply itself: the
        reasoning is sent to the endpoints that require it. This applies until the dict is changed,
        and not to copies of it in other formats, such as JSON: see stored_messages. Arguments of
        tool calls that are not a JSON object are replaced by {}, because some servers reject them.
        """
        message = AssistantMessage({"role": "assistant", "content": self.content or None})
        if self.refusal:
            message["refusal"] = self.refusal
        calls = [call for call in self.tool_calls if call.choice == 0]
        if calls:
            message["tool_calls"] = [
                {
                    "id": call.id,
                    "type": "function",
                    "function": {"name": call.name, "arguments": call.valid_arguments()},
                }
                for call in calls
            ]
        message._source = MessageSource(self, message)
        return message

    def add_to(self, request: Optional[int]) -> int:
        """Appends the assistant's message to a library request and returns the status."""
        return int(self._library.tw_request_add_reply(request, self._handle.address))

    def _sized(self, function: str) -> str:
        length = c_size_t()
        address = getattr(self._library, function)(self._handle.address, byref(length))
        return sized_text(address, length.value)

    def _tool_call(self, index: int) -> ToolCall:
        from .reply_values import ToolCall

        pointer = self._library.tw_reply_tool_call(self._handle.address, index)
        call: _abi.tw_tool_call = pointer.contents
        return ToolCall(
            choice=call.choice,
            index=call.index,
            id=text(call.id) or "",
            name=text(call.name) or "",
            arguments=sized_text(call.arguments, call.arguments_len),
        )


class MessageSource:
    """The reply that a message was made of, for as long as the message is unchanged."""

    def __init__(self, reply: Reply, message: Mapping[str, Any]) -> None:
        self._reply = reply
        self._unchanged = _serialized(message)

    def reply_of(self, message: Mapping[str, Any]) -> Optional[Reply]:
        """Returns the reply; None if the message was changed."""
        return self._reply if _serialized(message) == self._unchanged else None

    def __deepcopy__(self, memo: object) -> MessageSource:
        return self

    def __reduce__(self) -> tuple[type[None], tuple[()]]:
        # A reply exists only in its process: a pickled message has no source.
        return (type(None), ())


class AssistantMessage(dict[str, Any]):
    """A message that was made of a reply. It equals a dict with the same members."""

    _source: Optional[MessageSource] = None


def _serialized(message: Mapping[str, Any]) -> str:
    import json

    return json.dumps(message)


def _seconds(microseconds: int) -> Optional[float]:
    return microseconds / 1e6 if microseconds >= 0 else None
