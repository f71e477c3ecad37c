"""Limits of requests and tokens per minute, and the pause of a run. Pure: callers pass the time."""

from __future__ import annotations

import re
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import Optional

from ..reply_values import Usage

#: Parts of durations such as "6m0s" and "20ms" in x-ratelimit-reset-….
_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|h|m|s)")

#: A server that says to wait longer than this, in seconds, is asked again after this time.
_MAX_PAUSE = 600.0


class TokenBucket:
    """Permits an amount per minute, of which at most one second's share at once."""

    def __init__(self, per_minute: float, now: float) -> None:
        self._rate = per_minute / 60
        self._burst = max(1.0, self._rate)
        self._level = self._burst
        self._time = now

    def wait(self, now: float) -> float:
        """Returns the number of seconds until something may be taken."""
        self._refill(now)
        missing = min(1.0, self._burst) - self._level
        return max(0.0, missing / self._rate)

    def take(self, amount: float, now: float) -> None:
        """Takes an amount, which may exceed the level: the following ones wait for longer.

        A negative amount is returned to the bucket.
        """
        self._refill(now)
        self._level = min(self._burst, self._level - amount)

    def _refill(self, now: float) -> None:
        elapsed, self._time = max(0.0, now - self._time), max(now, self._time)
        self._level = min(self._burst, self._level + elapsed * self._rate)


class RateLimits:
    """The limits of a run: requests and tokens per minute, and the pause that a server demands."""

    def __init__(self, rpm: Optional[float], tpm: Optional[float], now: float) -> None:
        self._requests = TokenBucket(rpm, now) if rpm else None
        self._tokens = TokenBucket(tpm, now) if tpm else None
        self._paused_until = now

    def wait(self, now: float) -> float:
        """Returns the number of seconds until the next request may be sent."""
        buckets = [bucket for bucket in (self._requests, self._tokens) if bucket]
        return max([self._paused_until - now, *(bucket.wait(now) for bucket in buckets)], default=0)

    def send(self, tokens: float, now: float) -> None:
        """Counts a request that is sent, with its estimated tokens."""
        if self._requests:
            self._requests.take(1, now)
        self.correct(tokens, now)

    def correct(self, tokens: float, now: float) -> None:
        """Counts the difference between the used and the estimated tokens."""
        if self._tokens:
            self._tokens.take(tokens, now)

    def pause(self, seconds: float, now: float) -> None:
        """Delays all requests for this time."""
        self._paused_until = max(self._paused_until, now + min(seconds, _MAX_PAUSE))


def used_tokens(usage: Usage) -> int:
    """Returns the tokens of a request and its answer. Some servers do not report the sum."""
    return usage.total_tokens or (usage.prompt_tokens or 0) + (usage.completion_tokens or 0)


def demanded_pause(header: Callable[[str], Optional[str]], time: float) -> Optional[float]:
    """Returns the wait that an error response demands, in seconds, up to ten minutes.

    None if it names none. `header` returns the value of a response header. `time` is that of the
    response in seconds of the Unix epoch, for a date in retry-after (RFC 9110, section 10.2.3).
    """
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        value = header(name)
        if value is not None and re.fullmatch(r"\s*\d{1,9}(\.\d+)?\s*", value):
            return min(float(value) * unit, _MAX_PAUSE)
    date = _date(header("retry-after"))
    if date is not None:
        return min(max(0.0, date - time), _MAX_PAUSE)
    wait = exhausted_for(header)
    return None if wait is None else min(wait, _MAX_PAUSE)


def _date(text: Optional[str]) -> Optional[float]:
    """Returns an HTTP date in seconds of the Unix epoch; None for any other text."""
    if text is None or not text.strip().endswith("GMT"):
        return None
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def exhausted_for(header: Callable[[str], Optional[str]]) -> Optional[float]:
    """Returns the seconds until a used-up limit of x-ratelimit-… is reset; None without one."""
    waits = [
        duration(header(f"x-ratelimit-reset-{kind}") or "")
        for kind in ("requests", "tokens")
        if header(f"x-ratelimit-remaining-{kind}") == "0"
    ]
    return max((wait for wait in waits if wait is not None), default=None)


def duration(text: str) -> Optional[float]:
    """Returns the seconds of a duration such as "6m0s"; None for any other text."""
    parts = _DURATION.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        return None
    return sum(float(number) * _UNITS[unit] for number, unit in parts)
