"""The values of a reply that have several fields."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, NoReturn, Optional

from . import _abi
from ._handle import text


@dataclass(frozen=True)
class Usage:
    """Token counts and cost of an answer. None for values that the server did not report."""

    prompt_tokens: Optional[int]
    #: The billed tokens; often far more than those of the visible text.
    completion_tokens: Optional[int]
    total_tokens: Optional[int]
    #: The completion tokens that were used for reasoning.
    reasoning_tokens: Optional[int]
    #: The prompt tokens that the server had cached.
    cached_tokens: Optional[int]
    #: The cost in `cost_unit`.
    cost: Optional[float]
    #: "USD" or "credits".
    cost_unit: Optional[str]


#: The usage if the server reported none.
UNREPORTED = Usage(None, None, None, None, None, None, None)


@dataclass(frozen=True)
class ToolCall:
    """A tool call requested by the model."""

    choice: int
    index: int
    #: The identifier to return with the result; "" if the server sent none.
    id: str
    name: str
    #: The arguments as written by the model, which may be invalid JSON.
    arguments: str

    def parsed(self) -> Any:
        """Returns the arguments as Python values. Raises ValueError if they are not valid JSON."""
        from ._schema import parsed

        return parsed(self.arguments)

    def valid_arguments(self) -> str:
        """Returns the arguments, or "{}" if they are not a JSON object, as the API requires."""
        try:
            document = json.loads(self.arguments, parse_constant=_reject_constant)
        except (ValueError, RecursionError):
            return "{}"
        return self.arguments if isinstance(document, dict) else "{}"


@dataclass(frozen=True)
class Timing:
    """Times in seconds since the start of the call. None for events that did not occur."""

    connected: Optional[float]
    first_byte: Optional[float]
    first_reasoning: Optional[float]
    first_content: Optional[float]
    total: Optional[float]
    reused_connection: bool


def usage_of(usage: _abi.tw_usage) -> Usage:
    """Copies a borrowed usage struct."""
    return Usage(
        prompt_tokens=_reported(usage.prompt_tokens),
        completion_tokens=_reported(usage.completion_tokens),
        total_tokens=_reported(usage.total_tokens),
        reasoning_tokens=_reported(usage.reasoning_tokens),
        cached_tokens=_reported(usage.cached_tokens),
        cost=usage.cost if usage.cost >= 0 else None,
        cost_unit=text(usage.cost_unit),
    )


def _reject_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _reported(number: int) -> Optional[int]:
    return number if number >= 0 else None
