"""The number of requests that run at once, adapted to what the server sustains. Pure."""

from __future__ import annotations

from typing import Optional

from .retries import RecentFailures

#: The number of requests with which a run begins.
_START = 32.0

#: The part of the limit that is left after an overload.
_DECREASE = 0.7

#: The server is overloaded if more than this part of the recent requests was not answered.
_OVERLOAD = 0.1

#: The smallest number of answers whose throughput is measured, because single answers differ. It
#: is multiplied each time that more requests did not yield more answers. Otherwise, a difference by
#: chance would be taken for growth some day.
_MEASURED, _MORE_MEASURED = 64, 3

#: If this many times the limit does not yield this many times the throughput, the server
#: only queues them.
_MORE_REQUESTS, _MORE_THROUGHPUT = 2.0, 1.25


class AdaptiveConcurrency:
    """Additive increase, multiplicative decrease, as in TCP (RFC 5681).

    The limit is doubled until the first overload, and then grows by one in the time of an answer.
    Requests that are rejected or exceed their timeout show an overload, unless they are few: their
    cause may be that they are too long.

    If the throughput does not grow with the limit, the server only queues more requests. The limit
    then returns to the one that had the same throughput, and the server is measured again, because
    longer answers look the same.
    """

    def __init__(self, maximum: int) -> None:
        self._maximum = float(maximum)
        self._limit = min(_START, self._maximum)
        self._has_been_overloaded = False
        self._failures = RecentFailures()
        self._decreased_at = float("-inf")
        #: A limit with its throughput, with which larger limits are compared.
        self._base: Optional[tuple[float, float]] = None
        self._measured = _MEASURED
        #: The answers since the last change, or since the measurement began.
        self._answers = 0
        #: The number of answers before the measurement begins.
        self._unmeasured = self.limit
        self._measured_since: Optional[float] = None

    @property
    def limit(self) -> int:
        return int(self._limit)

    @property
    def is_overloaded(self) -> bool:
        return self._failures.part > _OVERLOAD

    def answered(self, in_flight: int, now: float, *, attempt: int = 1) -> None:
        """Counts an answer. A limit that is not used does not grow."""
        self._failures.count(False, attempt)
        if 2 * in_flight < self.limit:
            return self._restart_measurement()
        if self._has_been_overloaded:
            self._set(self._limit + 1 / self._limit)
        self._answers += 1
        # Before that, answers arrive whose requests were sent with another limit.
        if self._measured_since is None:
            if self._answers >= self._unmeasured:
                self._answers, self._measured_since = 0, now
        elif self._answers >= max(self._measured, self.limit):
            throughput = self._answers / max(now - self._measured_since, 1e-9)
            self._compare(throughput, now)

    def unanswered(self, sent_at: float, now: float, *, attempt: int = 1) -> None:
        """Counts a request that was rejected or exceeded its timeout.

        Requests that were sent before the last decrease do not show its effect.
        """
        self._failures.count(True, attempt)
        if self.is_overloaded and sent_at >= self._decreased_at:
            self._has_been_overloaded = True
            self._decrease(self._limit * _DECREASE, now)

    def _compare(self, throughput: float, now: float) -> None:
        if self._base is None:
            self._base = self._limit, throughput
        elif self._limit >= _MORE_REQUESTS * self._base[0]:
            if throughput < _MORE_THROUGHPUT * self._base[1]:
                self._measured *= _MORE_MEASURED
                return self._decrease(self._base[0], now)
            self._base = self._limit, throughput
        if not self._has_been_overloaded:
            self._set(2 * self._limit)
        self._restart_measurement()

    def _decrease(self, limit: float, now: float) -> None:
        """Sets a smaller limit, with which the server is measured again."""
        queued = 2 * self.limit
        self._set(limit)
        self._decreased_at = now
        self._base = None
        self._restart_measurement()
        # Many requests are in progress that were sent with the larger limit.
        self._unmeasured = queued

    def _set(self, limit: float) -> None:
        self._limit = max(1.0, min(self._maximum, limit))

    def _restart_measurement(self) -> None:
        self._answers, self._unmeasured = 0, self.limit
        self._measured_since = None
