"""The rate of requests that workers share, adapted to what the server accepts. Pure."""

from __future__ import annotations

from typing import Optional

from .limits import RateLimits

#: Requests per second at the beginning.
_START = 10.0

#: The part of the rate that is left after the first rejection, and after each later one. Before the
#: first one arrives, the rate has doubled about twice beyond what the server accepts.
_FIRST_DECREASE, _DECREASE = 0.25, 0.85

#: The growth in each second: until the first rejection; far from the rate that was last rejected;
#: and near it. As in CUBIC (RFC 9438), so that a decrease is quickly reverted, and a server that
#: accepts more than it did is soon used.
_FIRST_GROWTH, _FAR_GROWTH, _NEAR_GROWTH = 2.0, 1.1, 1.005

#: The multiples of the rejected rate between which a rate is near it.
_NEAR = 0.93, 1.05

#: The time without requests after a decrease, in which the server's bucket fills.
_GAP = 0.5

#: A request is permitted this many seconds in advance, which hides the time of the messages.
_ADVANCE = 1.0


class SharedRate:
    """Permits the requests of all workers: at most rpm and tpm, and what the server accepts.

    The rate increases while it is used, and decreases with a rejection. Only requests that were
    sent after a decrease show its effect: until then, the rate does not increase, and rejections
    are not counted.
    """

    def __init__(self, rpm: Optional[float], tpm: Optional[float], now: float) -> None:
        self._limits = RateLimits(rpm, tpm, now)
        self._rate = _START
        self._rejected_rate = float("inf")
        #: Rejections of requests that were sent earlier do not count.
        self._decreased_at = float("-inf")
        #: When the next request may be sent.
        self._next = now
        self._period_start = now
        self._permitted = 0

    def request(self, tokens: float, now: float) -> tuple[bool, float]:
        """Asks for one request. Returns whether it is permitted, and the seconds to wait.

        After the wait, a permitted request is to be sent; otherwise the worker asks again.
        """
        self._grow(now)
        wait = max(self._next - now, self._limits.wait(now), 0.0)
        if wait > _ADVANCE:
            return False, wait - _ADVANCE / 2
        self._next = max(self._next, now) + 1 / self._rate
        self._limits.send(tokens, now)
        self._permitted += 1
        return True, wait

    def correct(self, tokens: float, now: float) -> None:
        """Counts the difference between the used and the estimated tokens."""
        self._limits.correct(tokens, now)

    def rejected(self, sent_at: float, pause: float, now: float) -> None:
        """Counts a rejection, with the pause in seconds that the server demands."""
        if sent_at >= self._decreased_at:
            is_first = self._rejected_rate == float("inf")
            self._rejected_rate = self._rate
            self._rate = max(0.1, self._rate * (_FIRST_DECREASE if is_first else _DECREASE))
            # Up to then, requests are sent that were permitted before.
            self._next = self._decreased_at = max(self._next, now) + _GAP
        self._limits.pause(pause, now)

    def _grow(self, now: float) -> None:
        elapsed = now - self._period_start
        if elapsed < 1:
            return
        shows_effect = self._period_start >= self._decreased_at
        if shows_effect and self._permitted >= 0.5 * self._rate * elapsed:
            self._rate *= self._growth()
        self._period_start, self._permitted = now, 0

    def _growth(self) -> float:
        if self._rejected_rate == float("inf"):
            return _FIRST_GROWTH
        is_near = _NEAR[0] <= self._rate / self._rejected_rate <= _NEAR[1]
        return _NEAR_GROWTH if is_near else _FAR_GROWTH
