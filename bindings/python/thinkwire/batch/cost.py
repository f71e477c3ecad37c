"""The cost of answers, as the server reports it or from prices."""

from __future__ import annotations

from typing import Any, Optional

#: USD per million prompt tokens and completion tokens.
Prices = tuple[float, float]


def priced(prices: Prices, prompt_tokens: Optional[int], completion_tokens: Optional[int]) -> float:
    """Returns the cost of an answer in USD. Unknown token counts cost nothing."""
    return (prices[0] * (prompt_tokens or 0) + prices[1] * (completion_tokens or 0)) / 1e6


def recorded_cost(line: dict[str, Any], prices: Optional[Prices]) -> tuple[Optional[float], str]:
    """Returns the cost of a line of the output and its unit; None if it is unknown.

    Reads the members of the response in which the library finds the cost, too: `usage.cost` in USD,
    and `meta.usage`.
    """
    body = _member(_member(line, "response"), "body")
    usage = _member(body, "usage")
    if prices is not None:
        tokens = [_number(usage, name) for name in ("prompt_tokens", "completion_tokens")]
        if tokens == [None, None]:
            return None, "USD"
        return priced(prices, *(int(count or 0) for count in tokens)), "USD"
    meta = _member(_member(body, "meta"), "usage")
    for owner, name, unit in (
        (meta, "usd_spent", "USD"),
        (meta, "credits_used", "credits"),
        (meta, "tokens_used", "credits"),
        (usage, "cost", "USD"),
    ):
        cost = _number(owner, name)
        if cost is not None:
            return cost, unit
    return None, "USD"


def _member(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else None


def _number(value: Any, name: str) -> Optional[float]:
    number = _member(value, name)
    is_number = isinstance(number, (int, float)) and not isinstance(number, bool)
    return number if is_number and 0 <= number < float("inf") else None
