"""`thinkwire batch` with limits, and against servers that are overloaded."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from batch_runs import Files
from conftest import SYNTHETIC, Echo, Failure
from http_server import (  # type: ignore[import-not-found]
    Server,
    content_length,
    response,
)

# All of them wait: for a limit, a retry or a slow server.
pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THINKWIRE_API_KEY", "test")


class Costly(Server):  # type: ignore[misc]
    """Reports a cost of one millionth for each byte of a request."""

    def __init__(self) -> None:
        self.cost = 0.0
        self._lock = threading.Lock()
        super().__init__()

    def serve(self, connection: Any) -> None:
        while True:
            length = content_length(connection.read_head())
            connection.read(length)
            time.sleep(0.02)
            with self._lock:
                self.cost += length / 1e6
            choice = {"message": {"content": "ok"}, "finish_reason": "stop"}
            body = json.dumps({"choices": [choice], "usage": {"cost": length / 1e6}})
            connection.send(response(body.encode(), "200 OK", "application/json"))


def test_maximum_cost_with_longer_prompts_after_short_ones(tmp_path: Path) -> None:
    files = Files(tmp_path, 0)
    lengths = [100] * 20 + [10_000] * 50
    rows = (json.dumps({"prompt": "a" * length}) + "\n" for length in lengths)
    files.input.write_text("".join(rows), encoding="utf-8")
    server = Costly()
    assert files.run(server.url("127.0.0.1"), "--max-cost", "0.1") == 3
    server.stop()
    assert 0.08 <= server.cost <= 0.1


def test_maximum_cost_requires_known_costs(
    tmp_path: Path, base_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    files = Files(tmp_path, 10)
    assert files.run(base_url, "-m", f"{SYNTHETIC}#chunks=1", "--max-cost", "1") == 3
    assert "--prices" in capsys.readouterr().err
    assert len(files.results()) == 1


class Sustaining(Server):  # type: ignore[misc]
    """Works on a few requests at once, and lets the others wait or rejects them.

    Works on any number of the first requests, `unlimited`.
    """

    def __init__(self, at_once: int, *, rejects: bool, unlimited: int = 0) -> None:
        self._unlimited = unlimited
        self._workers = threading.Semaphore(at_once)
        self._rejects = rejects
        self._lock = threading.Lock()
        self._at_once = 0
        self.most_at_once = self.rejections = 0
        super().__init__()

    def serve(self, connection: Any) -> None:
        while True:
            connection.read(content_length(connection.read_head()))
            self._count(1)
            self._unlimited -= 1
            is_limited = self._unlimited < 0
            accepted = not is_limited or self._workers.acquire(blocking=not self._rejects)
            if accepted:
                time.sleep(0.02)
                if is_limited:
                    self._workers.release()
            # Before the response, after which the client sends the next request.
            self._count(-1)
            if accepted:
                message = {"role": "assistant", "content": "ok"}
                body = json.dumps({"choices": [{"message": message, "finish_reason": "stop"}]})
                answer = response(body.encode(), "200 OK", "application/json")
            else:
                self.rejections += 1
                status = "503 Service Unavailable"
                answer = response(b"{}", status, "application/json", "Retry-After-Ms: 20")
            connection.send(answer)

    def _count(self, change: int) -> None:
        with self._lock:
            self._at_once += change
            self.most_at_once = max(self.most_at_once, self._at_once)


@pytest.mark.parametrize("rejects", [True, False])
def test_concurrency_adapts_to_what_the_server_sustains(tmp_path: Path, rejects: bool) -> None:
    files = Files(tmp_path, 600)
    server = Sustaining(8, rejects=rejects)
    assert files.run(server.url("127.0.0.1"), "-q", "--concurrency", "400") == 0
    server.stop()
    assert all(line["error"] is None for line in files.results().values())
    # Without an adaptation, 400 are sent at once.
    assert server.most_at_once <= 100
    assert server.rejections <= 300


def test_rejected_lines_obey_the_adapted_concurrency(tmp_path: Path) -> None:
    """The lines in progress when the server is first overloaded are not sent again at once."""
    files = Files(tmp_path, 700)
    server = Sustaining(2, rejects=True, unlimited=500)
    assert files.run(server.url("127.0.0.1"), "-q", "--concurrency", "400") == 0
    server.stop()
    assert all(line["error"] is None for line in files.results().values())
    # With each decrease, the requests in progress are rejected: 400 to 440 in all. If lines that
    # are sent again do not count, it is 1,300 to 2,700.
    assert server.rejections <= 800


class Picky(Server):  # type: ignore[misc]
    """Rejects one request until it has answered a number of others."""

    def __init__(self, others: int) -> None:
        self._others = others
        self.answers = self.rejections = 0
        super().__init__()

    def serve(self, connection: Any) -> None:
        while True:
            body = connection.read(content_length(connection.read_head()))
            if b'"id-5"' in body and self.answers < self._others:
                self.rejections += 1
                connection.send(response(b"{}", "503 Service Unavailable", "application/json"))
                continue
            self.answers += 1
            choice = {"message": {"content": "ok"}, "finish_reason": "stop"}
            answer = json.dumps({"choices": [choice]}).encode()
            connection.send(response(answer, "200 OK", "application/json"))


def test_line_that_is_always_rejected_does_not_stop_the_others(tmp_path: Path) -> None:
    files = Files(tmp_path, 3000)
    server = Picky(2999)
    assert files.run(server.url("127.0.0.1"), "-q", "--concurrency", "50") == 0
    server.stop()
    assert len(files.results()) == 3000
    assert server.rejections <= 10


def test_rejections_pause_the_run_and_are_sent_again(tmp_path: Path, echo: Echo) -> None:
    files = Files(tmp_path, 3)
    limited = Failure("429 Too Many Requests\r\nRetry-After-Ms: 300", '{"error": {}}')
    echo.script = [limited, limited]
    started = time.monotonic()
    assert files.run(echo.base_url, "--concurrency", "1") == 0
    assert time.monotonic() - started >= 0.6
    assert len(echo.bodies) == 5


def test_rejections_with_other_statuses_are_sent_again(tmp_path: Path, echo: Echo) -> None:
    files = Files(tmp_path, 1)
    body = '{"error": {"code": "rate_limit_exceeded", "message": "slow down"}}'
    # More than the attempts after other failures.
    echo.script = [Failure("400 Bad Request\r\nRetry-After-Ms: 10", body)] * 6
    assert files.run(echo.base_url) == 0


def test_a_demanded_wait_of_0_does_not_prevent_a_pause(tmp_path: Path, echo: Echo) -> None:
    files = Files(tmp_path, 1)
    echo.script = [Failure("503 Service Unavailable\r\nRetry-After: 0", "{}")]
    started = time.monotonic()
    assert files.run(echo.base_url) == 0
    assert time.monotonic() - started >= 0.4


def test_maximum_of_tokens_of_failures_is_returned(tmp_path: Path, echo: Echo) -> None:
    files = Files(tmp_path, 0)
    rows = [json.dumps({"prompt": "a", "max_tokens": 30_000}) + "\n"] * 5
    files.input.write_text("".join(rows), encoding="utf-8")
    echo.script = [Failure("400 Bad Request", "{}")] * 5
    started = time.monotonic()
    assert files.run(echo.base_url, "--tpm", "60000", "--concurrency", "1") == 1
    # Otherwise, each of the failures takes half a minute.
    assert time.monotonic() - started < 25


@pytest.mark.parametrize("maximum", ["-1", "1e999", "1" + "0" * 400, '"all"'])
def test_unusual_maximum_of_tokens(tmp_path: Path, echo: Echo, maximum: str) -> None:
    files = Files(tmp_path, 0)
    row = f'{{"prompt": "a", "max_tokens": {maximum}}}\n'
    files.input.write_text(row * 3, encoding="utf-8")
    assert files.run(echo.base_url, "--tpm", "60000") in (0, 1)
    assert len(files.results()) == 3


def test_tokens_per_minute_without_their_sum(tmp_path: Path, echo: Echo) -> None:
    files = Files(tmp_path, 5)
    answer = {"choices": [{"message": {"content": "ok"}, "finish_reason": "stop"}]}
    usage = {"prompt_tokens": 10, "completion_tokens": 990}
    body = json.dumps({**answer, "usage": usage})
    echo.script = [Failure("200 OK", body)] * 5
    started = time.monotonic()
    assert files.run(echo.base_url, "--tpm", "120000", "--concurrency", "1") == 0
    # 2,000 per second. The first three are sent at once, the others after half a second each.
    assert time.monotonic() - started >= 0.9


def test_tokens_of_the_first_answers_are_estimated(tmp_path: Path, echo: Echo) -> None:
    files = Files(tmp_path, 0)
    rows = [json.dumps({"prompt": "a", "max_tokens": 1000}) + "\n"] * 5
    files.input.write_text("".join(rows), encoding="utf-8")
    started = time.monotonic()
    assert files.run(echo.base_url, "--tpm", "120000") == 0
    assert time.monotonic() - started >= 0.9


def test_requests_per_minute(tmp_path: Path, base_url: str) -> None:
    files = Files(tmp_path, 30)
    started = time.monotonic()
    assert files.run(base_url, "-m", f"{SYNTHETIC}#chunks=1", "--rpm", "1200") == 0
    # 20 at once, and one more every 50 ms.
    assert time.monotonic() - started >= 0.45
