"""How an exchange ended, and all that came."""

from __future__ import annotations

import json
from ctypes import CDLL, byref, c_size_t
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Optional, TypeVar, overload

from . import _abi
from ._abi import Status
from ._handle import Handle, c_string, sized_text, text
from ._schema import parsed, value_of

_Shape = TypeVar("_Shape")


@dataclass(frozen=True)
class Usage:
    """What an answer costs. None is what the server did not tell."""

    prompt_tokens: Optional[int]
    #: What is billed; it can be far more than what was shown.
    completion_tokens: Optional[int]
    total_tokens: Optional[int]
    #: Of the completion's, those spent on thinking.
    reasoning_tokens: Optional[int]
    #: Of the prompt's, those that the server had kept.
    cached_tokens: Optional[int]
    #: In `cost_unit`.
    cost: Optional[float]
    #: "USD" or "credits".
    cost_unit: Optional[str]


@dataclass(frozen=True)
class ToolCall:
    """A call of a tool that the model wants made."""

    choice: int
    index: int
    #: To be sent back with the result; "" if the server gave none.
    id: str
    name: str
    #: As the model wrote them: JSON if it did well.
    arguments: str

    def parsed(self) -> Any:
        """The arguments as Python values; ValueError if the model wrote something that is not JSON."""
        return parsed(self.arguments)


@dataclass(frozen=True)
class Timing:
    """When things happened, in seconds from the start of the call. None is what did not."""

    connected: Optional[float]
    first_byte: Optional[float]
    first_reasoning: Optional[float]
    first_content: Optional[float]
    total: Optional[float]
    reused_connection: bool


class Reply:
    """How an exchange ended, and all that came. Any number of threads may read one."""

    def __init__(self, library: CDLL, address: int) -> None:
        self._library = library
        self._handle = Handle(address, library.tw_reply_destroy)

    def __repr__(self) -> str:
        shown = self.content if len(self.content) <= 60 else self.content[:59] + "…"
        return f"<Reply {self.status.name} http_status={self.http_status} content={shown!r}>"

    @cached_property
    def status(self) -> Status:
        """How it ended. Status.OK: the model finished."""
        return Status(self._library.tw_reply_status(self._handle.address))

    @cached_property
    def message(self) -> str:
        """One line that says what happened and what to do, with the provider's own words; "" for Status.OK."""
        return text(self._library.tw_reply_message(self._handle.address)) or ""

    @property
    def attempts(self) -> int:
        """How many times the request was sent: 1 unless it was tried again, 0 if it never was."""
        return int(self._library.tw_reply_attempts(self._handle.address))

    @property
    def last_error(self) -> Optional[str]:
        """Why the last attempt that was tried again had failed; None if none was. All else here is of the last attempt."""
        return text(self._library.tw_reply_last_error(self._handle.address, None))

    @cached_property
    def http_status(self) -> int:
        """The HTTP status; 0 if no response came."""
        return int(self._library.tw_reply_http_status(self._handle.address))

    @cached_property
    def reasoning(self) -> str:
        """The thinking of the first choice, as far as it came."""
        return self._sized("tw_reply_reasoning")

    @cached_property
    def content(self) -> str:
        """The answer of the first choice, as far as it came. For other choices: get("/choices/1/message/content")."""
        return self._sized("tw_reply_content")

    @cached_property
    def refusal(self) -> str:
        """The model's refusal to answer; "" if it did not refuse."""
        return self._sized("tw_reply_refusal")

    @cached_property
    def finish_reason(self) -> Optional[str]:
        """ "stop", "length", "tool_calls", "content_filter" or whatever else the server said; None if nothing."""
        return text(self._library.tw_reply_finish_reason(self._handle.address))

    @cached_property
    def usage(self) -> Optional[Usage]:
        """What it cost; None if the server did not tell."""
        found = self._library.tw_reply_usage(self._handle.address)
        return usage_of(found.contents) if found else None

    @property
    def cost(self) -> Optional[float]:
        """What it cost, in `usage.cost_unit`; None if the server did not tell."""
        return self.usage.cost if self.usage is not None else None

    @cached_property
    def tool_calls(self) -> list[ToolCall]:
        """The calls of tools that the model wants made, over all choices."""
        count = self._library.tw_reply_tool_call_count(self._handle.address)
        return [self._tool_call(place) for place in range(count)]

    @cached_property
    def timing(self) -> Timing:
        """When things happened."""
        found: _abi.tw_timing = self._library.tw_reply_timing(self._handle.address).contents
        return Timing(
            connected=_seconds(found.connected_us),
            first_byte=_seconds(found.first_byte_us),
            first_reasoning=_seconds(found.first_reasoning_us),
            first_content=_seconds(found.first_content_us),
            total=_seconds(found.total_us),
            reused_connection=bool(found.reused_connection),
        )

    @cached_property
    def request_id(self) -> Optional[str]:
        """What the provider calls this request, to be quoted to its support."""
        return text(self._library.tw_reply_request_id(self._handle.address))

    def header(self, name: str) -> Optional[str]:
        """The value of a response header, whatever its case; None if there is none."""
        return text(
            self._library.tw_reply_header(self._handle.address, c_string("the header's name", name))
        )

    def raw_json(self) -> str:
        """The answer as one chat.completion document, byte for byte as it came if it was not streamed; "" if no JSON came."""
        return self._sized("tw_reply_json")

    def json(self) -> Any:
        """The answer as one chat.completion document, or the provider's JSON after a refusal; None if no JSON came.

        It is parsed anew by each call, and so is the caller's to change.
        """
        document = self.raw_json()
        return json.loads(document) if document else None

    def get(self, pointer: str) -> Optional[str]:
        """One value of that document by a JSON pointer, such as "/choices/0/message/content".

        A string is given as its text, anything else as its JSON; None if there is no such value.
        """
        length = c_size_t()
        address = self._library.tw_reply_get(
            self._handle.address, c_string("the pointer", pointer), byref(length)
        )
        return sized_text(address, length.value) if address else None

    @overload
    def parse(self) -> Any: ...

    @overload
    def parse(self, shape: type[_Shape]) -> _Shape: ...

    def parse(self, shape: Any = Any) -> Any:
        """The answer as the JSON it is, or as the dataclass that it was asked for with `response_format=`.

        ValueError, which says where, if it is not what was asked for.
        """
        return value_of(shape, parsed(self.content), "the answer")

    def as_message(self) -> dict[str, Any]:
        """The assistant's turn as a plain message, without its reasoning.

        To go on with a conversation, append the reply itself: then the reasoning goes back to the endpoints that want it.
        """
        message: dict[str, Any] = {"role": "assistant", "content": self.content or None}
        if self.refusal:
            message["refusal"] = self.refusal
        calls = [call for call in self.tool_calls if call.choice == 0]
        if calls:
            message["tool_calls"] = [
                {
                    "id": call.id,
                    "type": "function",
                    "function": {"name": call.name, "arguments": call.arguments},
                }
                for call in calls
            ]
        return message

    def add_to(self, request: Optional[int]) -> int:
        """Appends the assistant's turn to a request of the library's, and gives the status of that."""
        return int(self._library.tw_request_add_reply(request, self._handle.address))

    def _sized(self, function: str) -> str:
        length = c_size_t()
        address = getattr(self._library, function)(self._handle.address, byref(length))
        return sized_text(address, length.value)

    def _tool_call(self, place: int) -> ToolCall:
        found: _abi.tw_tool_call = self._library.tw_reply_tool_call(
            self._handle.address, place
        ).contents
        return ToolCall(
            choice=found.choice,
            index=found.index,
            id=text(found.id) or "",
            name=text(found.name) or "",
            arguments=sized_text(found.arguments, found.arguments_len),
        )


def usage_of(found: _abi.tw_usage) -> Usage:
    """A copy of a borrowed bill."""
    return Usage(
        prompt_tokens=_told(found.prompt_tokens),
        completion_tokens=_told(found.completion_tokens),
        total_tokens=_told(found.total_tokens),
        reasoning_tokens=_told(found.reasoning_tokens),
        cached_tokens=_told(found.cached_tokens),
        cost=found.cost if found.cost >= 0 else None,
        cost_unit=text(found.cost_unit),
    )


def _told(number: int) -> Optional[int]:
    return number if number >= 0 else None


def _seconds(microseconds: int) -> Optional[float]:
    return microseconds / 1e6 if microseconds >= 0 else None
