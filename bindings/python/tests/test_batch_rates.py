"""Rate limits and adaptive concurrency of `thinkwire batch`, with a simulated clock."""

from __future__ import annotations

import heapq
import random
from typing import Callable

import pytest
from thinkwire.batch.concurrency import AdaptiveConcurrency
from thinkwire.batch.limits import (
    RateLimits,
    TokenBucket,
    demanded_pause,
    duration,
    used_tokens,
)
from thinkwire.batch.shared_rate import SharedRate
from thinkwire.reply_values import Usage


def sent_within(limits: RateLimits, tokens: float, seconds: float) -> int:
    """Returns the number of requests that the limits permit in a simulated time."""
    now, count = 0.0, 0
    while now < seconds:
        wait = limits.wait(now)
        if wait > 0:
            now += wait + 1e-9
        else:
            limits.send(tokens, now)
            count += 1
    return count


def test_requests_per_minute_are_reached_and_not_exceeded() -> None:
    # A second's share may be sent at once, at the beginning.
    assert 600 <= sent_within(RateLimits(600, None, 0), 1, 60) <= 611


def test_tokens_per_minute_are_reached_and_not_exceeded() -> None:
    assert 60 <= sent_within(RateLimits(None, 6000, 0), 100, 60) <= 63


def test_unlimited_requests_do_not_wait() -> None:
    assert RateLimits(None, None, 0).wait(0) <= 0


def test_returned_tokens_are_available_at_once() -> None:
    bucket = TokenBucket(60, 0)
    bucket.take(31, 0)
    assert bucket.wait(0) == pytest.approx(31)
    bucket.take(-30, 0)
    assert bucket.wait(0) == pytest.approx(1)


def test_pause_delays_all_requests_and_is_not_shortened() -> None:
    limits = RateLimits(None, None, 0)
    limits.pause(10, 0)
    limits.pause(1, 0)
    assert limits.wait(4) == pytest.approx(6)
    limits.pause(1e9, 0)
    assert limits.wait(0) == 600


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1s", 1), ("6m0s", 360), ("20ms", 0.02), ("1h2m3.5s", 3723.5), ("", None), ("1 s", None)],
)
def test_durations_of_rate_limit_headers(text: str, seconds: float) -> None:
    assert duration(text) == (pytest.approx(seconds) if seconds is not None else None)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "2"}, 2),
        ({"retry-after": "2", "retry-after-ms": "1500"}, 1.5),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "nan"}, None),
        # The time of the response is Sun, 06 Nov 1994 08:49:30 GMT.
        ({"retry-after": "Sun, 06 Nov 1994 08:49:37 GMT"}, 7),
        ({"retry-after": "Sunday, 06-Nov-94 08:49:37 GMT"}, 7),
        ({"retry-after": "Sun, 06 Nov 1994 08:49:00 GMT"}, 0),
        ({"retry-after": "Sun, 99 Nov 1994 08:49:00 GMT"}, None),
        ({"retry-after": "GMT"}, None),
        ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "3s"}, 3),
        ({"x-ratelimit-remaining-tokens": "9", "x-ratelimit-reset-tokens": "3s"}, None),
        ({"retry-after": "86400"}, 600),
        ({"retry-after": "Mon, 07 Nov 1994 08:49:37 GMT"}, 600),
        ({}, None),
    ],
)
def test_demanded_pause(headers: dict[str, str], seconds: float) -> None:
    assert demanded_pause(headers.get, time=784111770) == seconds


def test_tokens_are_added_if_there_is_no_sum() -> None:
    assert used_tokens(Usage(3, 4, None, None, None, None, None)) == 7
    assert used_tokens(Usage(3, 4, 9, None, None, None, None)) == 9
    assert used_tokens(Usage(None, None, None, None, None, None, None)) == 0


def test_concurrency_grows_only_if_it_is_used() -> None:
    concurrency = AdaptiveConcurrency(100)
    start, now = concurrency.limit, 1.0
    concurrency.answered(in_flight=1, now=1)
    assert concurrency.limit == start
    for _ in range(1000):
        # The throughput is in proportion to the limit.
        now += 1 / concurrency.limit
        concurrency.answered(concurrency.limit, now)
    assert concurrency.limit == 100


def test_rejections_of_one_round_decrease_the_concurrency_once() -> None:
    concurrency = AdaptiveConcurrency(10)
    for _ in range(10):
        concurrency.unanswered(sent_at=0, now=1)
    assert concurrency.limit == 7
    concurrency.unanswered(sent_at=2, now=3)
    assert concurrency.limit == 4
    for time in range(4, 100):
        concurrency.unanswered(sent_at=time, now=time + 1)
    assert concurrency.limit == 1


def test_few_unanswered_requests_do_not_decrease_the_concurrency() -> None:
    """One request of a hundred is rejected ten times."""
    concurrency, now = AdaptiveConcurrency(100), 0.0
    for number in range(10_000):
        now += 1 / concurrency.limit
        concurrency.answered(concurrency.limit, now)
        if number % 10 == 0:
            concurrency.unanswered(now - 1, now, attempt=1 + number // 10 % 10)
    assert concurrency.limit == 100 and not concurrency.is_overloaded
    for _ in range(5):
        concurrency.unanswered(now - 1, now)
    assert concurrency.limit == 70 and concurrency.is_overloaded


def time_of(latencies: list[float]) -> float:
    """Returns how long requests take, of which 200 may run, with a server without limits."""
    concurrency, now = AdaptiveConcurrency(200), 0.0
    running: list[float] = []
    for latency in latencies:
        if len(running) >= concurrency.limit:
            in_flight = len(running)
            now = heapq.heappop(running)
            concurrency.answered(in_flight, now)
        while len(running) >= concurrency.limit:
            now = heapq.heappop(running)
            concurrency.answered(len(running) + 1, now)
        heapq.heappush(running, now + latency)
    return max(running)


def test_concurrency_grows_in_a_few_rounds() -> None:
    assert time_of([60.0] * 200) <= 5 * 60
    assert time_of([60.0] * 1000) <= 10 * 60


def test_concurrency_recovers_from_answers_that_become_longer() -> None:
    spread = random.Random(0)
    longer = [2.0] * 100 + [40.0] * 4900
    assert time_of([seconds * spread.uniform(0.5, 1.5) for seconds in longer]) <= 1.75 * 980
    sorted_by_length = [5 + 45 * number / 10_000 for number in range(10_000)]
    assert time_of(sorted_by_length) <= 1.5 * sum(sorted_by_length) / 200


def test_concurrency_converges_to_what_a_server_sustains() -> None:
    """A server that rejects more than 40 requests at once, simulated in rounds."""
    concurrency, used = AdaptiveConcurrency(500), []
    for time in range(400):
        in_flight = concurrency.limit
        for _ in range(min(in_flight, 40)):
            concurrency.answered(in_flight, time + 0.5)
        for _ in range(in_flight - 40):
            concurrency.unanswered(time, time + 0.5)
        used.append(min(in_flight, 40))
    assert sum(used[100:]) / len(used[100:]) > 0.8 * 40


def simulated_requests(latency: Callable[[int], float]) -> list[int]:
    """Returns how many requests run at each of 40,000 answers of a server of this latency.

    The lengths of the answers differ: their latencies are spread exponentially around the mean.
    """
    concurrency, now, spread = AdaptiveConcurrency(1000), 0.0, random.Random(0)
    running: list[float] = []
    in_flight = []
    for _ in range(40_000):
        while len(running) < concurrency.limit:
            seconds = latency(len(running) + 1) * spread.expovariate(1)
            heapq.heappush(running, now + seconds)
        in_flight.append(len(running))
        now = heapq.heappop(running)
        concurrency.answered(in_flight[-1], now)
    return in_flight


def test_concurrency_does_not_grow_where_only_the_latency_grows() -> None:
    """A server that works on 40 requests at once, and lets the others wait."""
    in_flight = simulated_requests(lambda requests: max(1.0, requests / 40))
    assert 40 <= sum(in_flight[10_000:]) / 30_000 <= 160
    assert max(in_flight[10_000:]) <= 250


def test_concurrency_grows_where_the_throughput_grows_more_than_the_latency() -> None:
    """A server whose latency grows slowly, like that of one that forms larger batches."""
    in_flight = simulated_requests(lambda requests: (requests / 16) ** 0.3)
    assert sum(in_flight[10_000:]) / 30_000 >= 500


def test_shared_rate_does_not_exceed_the_requests_per_minute() -> None:
    rate, now, sent = SharedRate(600, None, 0), 0.0, 0
    while now < 60:
        is_permitted, wait = rate.request(1, now)
        now += max(wait, 0.001)
        sent += is_permitted
    assert 550 <= sent <= 620


def shared_rate_results(seconds: float, outage: tuple[float, float]) -> list[tuple[float, bool]]:
    """Returns when each request is sent to a simulated server, and whether it is accepted.

    The server accepts 100 requests per second, except in an outage, and counts rejected ones. There
    is always another request.
    """
    rate, now, full_at = SharedRate(None, None, 0), 0.0, 0.0
    sends: list[float] = []
    results: list[tuple[float, bool]] = []
    while now < seconds:
        is_permitted, wait = rate.request(1, now)
        if is_permitted:
            heapq.heappush(sends, now + wait)
            continue
        now += wait
        while sends and sends[0] <= now:
            sent_at = heapq.heappop(sends)
            full_at = max(full_at, sent_at) + 1 / 100
            is_accepted = full_at <= sent_at + 1 and not outage[0] <= sent_at < outage[1]
            full_at = min(full_at, sent_at + 1)
            if not is_accepted:
                rate.rejected(sent_at, pause=0.01, now=sent_at)
            results.append((sent_at, is_accepted))
    return results


def test_shared_rate_converges_to_what_a_server_accepts() -> None:
    results = [is_accepted for at, is_accepted in shared_rate_results(60, (0, 0)) if at >= 15]
    accepted = sum(results)
    assert accepted >= 0.8 * 100 * 45
    assert len(results) - accepted <= 0.3 * accepted


def test_shared_rate_recovers_from_an_outage() -> None:
    results = shared_rate_results(240, (60, 90))
    assert sum(is_accepted for at, is_accepted in results if at >= 180) >= 0.8 * 100 * 60


def test_shared_pause_delays_all_workers() -> None:
    rate = SharedRate(None, None, 0)
    assert rate.request(1, 0) == (True, 0)
    rate.rejected(sent_at=0, pause=20, now=1)
    is_permitted, wait = rate.request(1, 1)
    assert not is_permitted and 19 <= wait <= 20
