"""The parts of `thinkwire batch` that need neither a server nor a clock."""

from __future__ import annotations

import gc
import heapq
import json
import os
import random
import sqlite3
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, Callable, Optional

import pytest
from thinkwire.batch.concurrency import AdaptiveConcurrency
from thinkwire.batch.cost import recorded_cost
from thinkwire.batch.finished import IdSet
from thinkwire.batch.inputs import InputError, count, read
from thinkwire.batch.journal import Journal, JournalError
from thinkwire.batch.limits import RateLimits, TokenBucket, demanded_pause, duration
from thinkwire.batch.progress import Progress, display
from thinkwire.batch.shared_rate import SharedRate


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
        ({}, None),
    ],
)
def test_demanded_pause(headers: dict[str, str], seconds: float) -> None:
    assert demanded_pause(headers.get, time=784111770) == seconds


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
        concurrency.overloaded(sent_at=0, now=1)
    assert concurrency.limit == 7
    concurrency.overloaded(sent_at=2, now=3)
    assert concurrency.limit == 4
    for time in range(4, 100):
        concurrency.overloaded(sent_at=time, now=time + 1)
    assert concurrency.limit == 1


def test_concurrency_converges_to_what_a_server_sustains() -> None:
    """A server that rejects more than 40 requests at once, simulated in rounds."""
    concurrency, used = AdaptiveConcurrency(500), []
    for time in range(400):
        in_flight = concurrency.limit
        for _ in range(min(in_flight, 40)):
            concurrency.answered(in_flight, time + 0.5)
        for _ in range(in_flight - 40):
            concurrency.overloaded(time, time + 0.5)
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


def test_id_set_agrees_with_a_set() -> None:
    ids, expected = IdSet(), set()
    for number in range(20000):
        id_ = f"id-{number % 15000}"
        assert ids.add(id_) == (id_ not in expected)
        expected.add(id_)
    assert len(ids) == len(expected) == 15000
    assert "id-14999" in ids and "id-15000" not in ids and "\ud800" not in ids


def test_released_id_set_closes_its_file() -> None:
    ids = IdSet()
    database = ids._database
    del ids
    gc.collect()
    with pytest.raises(sqlite3.ProgrammingError, match="closed database"):
        database.execute("SELECT 1")


def test_shared_rate_does_not_exceed_the_requests_per_minute() -> None:
    rate, now, sent = SharedRate(600, None, 0), 0.0, 0
    while now < 60:
        is_permitted, wait = rate.request(1, now)
        now += max(wait, 0.001)
        sent += is_permitted
    assert 550 <= sent <= 620


def test_shared_pause_delays_all_workers() -> None:
    rate = SharedRate(None, None, 0)
    assert rate.request(1, 0) == (True, 0)
    rate.rejected(sent_at=0, pause=20, now=1)
    is_permitted, wait = rate.request(1, 1)
    assert not is_permitted and 19 <= wait <= 20


def bodies(path: Path, model: str = "m") -> list[tuple[str, object, object]]:
    lines = read(path, model)
    return [(line.custom_id, line.body["model"], line.body["messages"]) for line in lines]


HELLO = [{"role": "user", "content": "Hello"}]


@pytest.mark.parametrize(
    ("name", "text", "custom_id"),
    [
        ("a.jsonl", '\n{"prompt": "Hello", "temperature": 0}\n', "request-2"),
        ("a.jsonl", json.dumps({"custom_id": "x", "messages": HELLO}), "x"),
        (
            "a.jsonl",
            json.dumps(
                {
                    "custom_id": "x",
                    "method": "POST",
                    "url": "/v1/chat/completions",
                    "body": {"model": "other", "messages": HELLO},
                }
            ),
            "x",
        ),
        ("a.csv", "\ufeffcustom_id,prompt,ignored\r\n7,Hello,data\r\n", "7"),
        ("a.csv", 'messages\n"' + json.dumps(HELLO).replace('"', '""') + '"\n', "request-1"),
    ],
)
def test_inputs(tmp_path: Path, name: str, text: str, custom_id: str) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    assert bodies(path) == [(custom_id, "m", HELLO)]


def test_csv_and_parquet_of_pyarrow(tmp_path: Path) -> None:
    pyarrow = import_module("pyarrow")
    csv, parquet = import_module("pyarrow.csv"), import_module("pyarrow.parquet")
    table = pyarrow.table(
        {
            "custom_id": [7, 8, None],
            "prompt": ["Hello", None, "Hello"],
            "messages": [None, json.dumps(HELLO), None],
            "ignored": [1.5, 2.5, None],
        }
    )
    csv.write_csv(table, tmp_path / "a.csv")
    parquet.write_table(table, tmp_path / "a.parquet", row_group_size=2)
    structured = pyarrow.table({"messages": [HELLO, HELLO]})
    parquet.write_table(structured, tmp_path / "b.parquet")
    expected = [("7", "m", HELLO), ("8", "m", HELLO), ("request-3", "m", HELLO)]
    assert bodies(tmp_path / "a.csv") == bodies(tmp_path / "a.parquet") == expected
    assert bodies(tmp_path / "b.parquet")[1] == ("request-2", "m", HELLO)


@pytest.mark.parametrize("name", ["a.csv", "a.parquet"])
def test_files_of_another_format_are_reported(tmp_path: Path, name: str) -> None:
    import_module("pyarrow")
    (tmp_path / name).write_bytes(b"prompt\n\xff\xfe\n")
    with pytest.raises(InputError, match=name):
        count(tmp_path / name, "m")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "1: not JSON"),
        ("[" * 100_000, "1: not JSON"),
        ("[]", "expected a JSON object"),
        ('{"custom_id": 1, "prompt": "a"}', "custom_id must be a string"),
        ('{"text": "a"}', "expected one of body, messages"),
        ('{"prompt": "a", "model": 3}', "no model"),
        ('{"prompt": "a", "messages": []}', "both prompt and messages"),
        ('{"body": {"model": "m"}}', "array of messages"),
        ('{"body": {"messages": []}, "url": "/v1/embeddings"}', "only POST requests"),
        ('{"custom_id": "a", "prompt": "a", "model": "m"}\n' * 2, "'a' occurs twice"),
    ],
)
def test_unusable_lines_are_reported(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(line, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        count(path, None)


def result(custom_id: str, *, failed: bool = False) -> bytes:
    error = {"code": "server", "message": "m"} if failed else None
    response = None if failed else {"status_code": 200, "request_id": "", "body": {}}
    line = {"id": "b", "custom_id": custom_id, "response": response, "error": error}
    return json.dumps(line).encode() + b"\n"


def test_incomplete_last_line_is_removed_wherever_it_ends(tmp_path: Path) -> None:
    path, complete, last = tmp_path / "out", result("a"), result("b")
    for length in range(len(last)):
        path.write_bytes(complete + last[:length])
        journal = Journal(path)
        assert len(journal.finished) == 1
        journal.append(last)
        journal.close()
        assert path.read_bytes() == complete + last


def test_other_files_are_not_changed(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.write_bytes(b"notes\nof mine")
    with pytest.raises(JournalError, match="1: not a batch result"):
        Journal(path)
    assert path.read_bytes() == b"notes\nof mine"


def test_two_processes_cannot_write_the_same_output(tmp_path: Path) -> None:
    first = Journal(tmp_path / "out")
    with pytest.raises(JournalError, match="another process"):
        Journal(tmp_path / "out")
    first.close()
    Journal(tmp_path / "out").close()


def test_output_is_synced_in_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    monkeypatch.setattr("os.fsync", lambda file: sizes.append(os.fstat(file).st_size))
    journal, line = Journal(tmp_path / "out"), result("a")
    journal.sync()
    for _ in range(3):
        journal.append(line)
    assert sizes == []
    journal.sync()
    journal.sync()
    journal.append(line)
    journal.close()
    assert sizes == [3 * len(line), 4 * len(line)]


def test_failed_lines_are_removed_to_be_sent_again(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.write_bytes(result("a") + result("b", failed=True) + result("c"))
    journal = Journal(path, retry_failed=True)
    assert "a" in journal.finished and "b" not in journal.finished and "c" in journal.finished
    journal.append(result("b"))
    journal.close()
    assert path.read_bytes() == result("a") + result("c") + result("b")
    assert list(tmp_path.iterdir()) == [path]


def clocks() -> Iterator[tuple[Progress, float, str]]:
    yield Progress(10, 0, started=0), 1, "0/10, 0.0 answers/s"
    progress = Progress(100, 10, answered=28, failed=2, tokens=600, started=0)
    progress.add_cost(0.5, "USD")
    yield (
        progress,
        60,
        "40/100, 0.5 answers/s, 2 failed, 10 tokens/s, 0.5000 USD, 0:02:00 left",
    )


def test_summary_of_the_progress() -> None:
    for progress, now, summary in clocks():
        assert progress.summary(now) == summary


@pytest.mark.parametrize("module", ["tqdm", "rich", None])
def test_progress_in_a_terminal(
    module: Optional[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if module is not None:
        import_module(module)
    for other in {"tqdm", "rich"} - {module}:
        # An import of this module fails.
        monkeypatch.setitem(sys.modules, other, None)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("TERM", "xterm")
    progress = Progress(4, 1)
    show = display(progress, quiet=False)
    show(False)
    progress.answered = 3
    show(True)
    printed = capsys.readouterr()
    assert printed.out == "" and "4/4, " in printed.err
    is_bar = any(block in printed.err for block in "█━")
    assert is_bar == (module is not None), printed.err


@pytest.mark.parametrize(
    ("body", "prices", "cost"),
    [
        ({"usage": {"cost": 0.5}}, None, (0.5, "USD")),
        ({"usage": {"cost": 0.5}, "meta": {"usage": {"usd_spent": 2}}}, None, (2, "USD")),
        ({"meta": {"usage": {"credits_used": 7}}}, None, (7, "credits")),
        ({"usage": {"prompt_tokens": 1000, "completion_tokens": 10}}, (1, 2), (0.00102, "USD")),
        ({"usage": {"cost": True}}, None, (None, "USD")),
        ({"usage": {"prompt_tokens": "9"}}, (1, 2), (None, "USD")),
        ([], None, (None, "USD")),
        (None, (1, 2), (None, "USD")),
    ],
)
def test_recorded_cost(body: Any, prices: Any, cost: Any) -> None:
    assert recorded_cost({"response": {"body": body}}, prices) == cost
    assert recorded_cost({"response": None}, prices)[0] is None
