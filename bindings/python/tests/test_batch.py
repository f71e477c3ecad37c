"""`thinkwire batch` against servers."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from conftest import PACKAGE, SLOWNESS, SYNTHETIC, Echo, Failure
from http_server import (  # type: ignore[import-not-found]
    Server,
    content_length,
    response,
)
from thinkwire.batch.command import main

KILLS = 200
#: Seconds between two syncs of the output.
SYNC_INTERVAL = 0.5


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THINKWIRE_API_KEY", "test")


class Files:
    """An input with numbered prompts, and its output."""

    def __init__(self, directory: Path, lines: int) -> None:
        self.input, self.output = directory / "in.jsonl", directory / "out.jsonl"
        self.ids = [f"id-{number}" for number in range(lines)]
        rows = ({"custom_id": id_, "prompt": id_} for id_ in self.ids)
        self.input.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")

    def run(self, base_url: str, *arguments: str) -> int:
        return main(
            [str(self.input), "-o", str(self.output), "--base-url", base_url, "-m", "m"]
            + [*arguments]
        )

    def results(self) -> dict[str, Any]:
        """Returns the lines of the output by their ids. Fails if an id occurs twice."""
        lines = [json.loads(line) for line in self.output.read_bytes().splitlines()]
        by_id = {line["custom_id"]: line for line in lines}
        assert len(by_id) == len(lines)
        return by_id


def test_each_prompt_has_its_answer_in_the_format_of_openai(tmp_path: Path, base_url: str) -> None:
    files = Files(tmp_path, 50)
    assert files.run(base_url, "-q", "-m", "mock/echo") == 0
    results = files.results()
    assert sorted(results) == sorted(files.ids)
    for id_, line in results.items():
        assert set(line) == {"id", "custom_id", "response", "error"} and line["error"] is None
        assert line["response"]["status_code"] == 200
        body = line["response"]["body"]
        sent = json.loads(body["choices"][0]["message"]["content"])
        assert sent["messages"] == [{"role": "user", "content": id_}]


def test_results_are_on_the_disk_at_the_end_with_few_syncs(
    tmp_path: Path, base_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    monkeypatch.setattr("os.fsync", lambda file: sizes.append(os.fstat(file).st_size))
    files = Files(tmp_path, 500)
    begin = time.monotonic()
    assert files.run(base_url, "-q", "-m", "mock/echo") == 0
    duration = time.monotonic() - begin
    assert len(files.results()) == 500
    assert sizes[-1] == files.output.stat().st_size
    assert len(sizes) <= duration / SYNC_INTERVAL + 1


def test_finished_lines_are_not_sent_again(
    tmp_path: Path, echo: Echo, capsys: pytest.CaptureFixture[str]
) -> None:
    files = Files(tmp_path, 5)
    assert files.run(echo.base_url) == 0
    assert "5/5" in capsys.readouterr().err
    assert files.run(echo.base_url) == 0
    assert len(echo.bodies) == 5


def test_failed_lines_state_the_reason_and_are_retried_on_request(
    tmp_path: Path, echo: Echo, capsys: pytest.CaptureFixture[str]
) -> None:
    files = Files(tmp_path, 3)
    echo.script = [Failure("400 Bad Request", '{"error": {"message": "too long"}}')]
    assert files.run(echo.base_url, "--concurrency", "1") == 1
    assert "1 lines failed; --retry-failed" in capsys.readouterr().err
    failed = files.results()["id-0"]
    assert failed["response"]["status_code"] == 400
    assert failed["response"]["body"] == {"error": {"message": "too long"}}
    assert failed["error"]["code"] == "bad_request" and "too long" in failed["error"]["message"]
    assert files.run(echo.base_url) == 1
    assert len(echo.bodies) == 3
    assert files.run(echo.base_url, "--retry-failed") == 0
    assert len(echo.bodies) == 4
    assert all(line["error"] is None for line in files.results().values())


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


def test_rejected_key_stops_the_run_and_writes_no_result(
    tmp_path: Path, echo: Echo, capsys: pytest.CaptureFixture[str]
) -> None:
    files = Files(tmp_path, 20)
    echo.script = [Failure("401 Unauthorized", '{"error": {"message": "bad key"}}')]
    assert files.run(echo.base_url, "--concurrency", "1") == 3
    assert "bad key" in (printed := capsys.readouterr().err) and "to continue: " in printed
    assert files.results() == {} and len(echo.bodies) == 1
    assert files.run(echo.base_url) == 0


def test_line_that_would_be_sent_again_after_the_stop_has_no_result(
    tmp_path: Path, echo: Echo
) -> None:
    files = Files(tmp_path, 2)
    echo.script = [
        Failure("503 Service Unavailable\r\nRetry-After: 1", "{}"),
        Failure("401 Unauthorized", '{"error": {"message": "bad key"}}'),
    ]
    assert files.run(echo.base_url, "--concurrency", "2") == 3
    assert files.results() == {}
    assert files.run(echo.base_url) == 0
    assert len(files.results()) == 2


def test_run_stops_before_the_maximum_cost(
    tmp_path: Path, base_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    files = Files(tmp_path, 100)
    # One prompt token and ten completion tokens, so 0.00001 USD for each answer.
    arguments = ("-m", f"{SYNTHETIC}#chunks=10", "--prices", "0", "1")
    assert files.run(base_url, *arguments, "--max-cost", "0.000305") == 3
    assert "--max-cost 0.000305 is reached" in capsys.readouterr().err
    assert len(files.results()) == 30
    # The cost of the earlier answers counts.
    assert files.run(base_url, *arguments, "--max-cost", "0.000305") == 3
    assert len(files.results()) == 30
    assert files.run(base_url, *arguments, "--max-cost", "0.000505") == 3
    assert len(files.results()) == 50
    assert files.run(base_url, *arguments) == 0
    assert len(files.results()) == 100


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


def test_requests_per_minute(tmp_path: Path, base_url: str) -> None:
    files = Files(tmp_path, 30)
    started = time.monotonic()
    assert files.run(base_url, "-m", f"{SYNTHETIC}#chunks=1", "--rpm", "1200") == 0
    # 20 at once, and one more every 50 ms.
    assert time.monotonic() - started >= 0.45


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


def test_output_that_is_the_input_is_not_changed(
    tmp_path: Path, base_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    files = Files(tmp_path, 1)
    files.output = files.input
    # Without its newline, the line looks like one whose writing was interrupted.
    contents = files.input.read_bytes().strip()
    files.input.write_bytes(contents)
    assert files.run(base_url) == 2
    assert "the output is the input" in capsys.readouterr().err
    assert files.input.read_bytes() == contents


def test_input_from_a_pipe_is_reported(
    tmp_path: Path, base_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    files = Files(tmp_path, 0)
    reading, writing = os.pipe()
    os.write(writing, b'{"prompt": "a"}\n')
    os.close(writing)
    files.input = Path(f"/dev/fd/{reading}")
    assert files.run(base_url) == 2
    os.close(reading)
    assert "not a regular file" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["--concurrency", "0"],
        ["--rpm", "nan"],
        ["--prices", "nan", "1"],
        ["--retries", "-1"],
        ["--output"],
    ],
)
def test_invalid_arguments(
    tmp_path: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    files = Files(tmp_path, 1)
    with pytest.raises(SystemExit) as ended:
        files.run("http://127.0.0.1:1", *arguments)
    assert ended.value.code == 2
    assert arguments[0] in capsys.readouterr().err


def test_missing_input_is_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "in"), "-o", str(tmp_path / "out")]) == 2
    assert "No such file" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_interrupted_run_keeps_what_was_received_and_continues(
    tmp_path: Path, base_url: str
) -> None:
    files = Files(tmp_path, 2000)
    model = f"{SYNTHETIC}#chunks=2,delay=100"
    command = ["batch", str(files.input), "-o", str(files.output), "-m", model]
    process = subprocess.Popen(
        [sys.executable, "-m", "thinkwire", *command, "--base-url", base_url],
        cwd=PACKAGE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 60
    while not files.output.exists() or files.output.stat().st_size == 0:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "interrupted; to continue: thinkwire batch " in errors and "Traceback" not in errors
    assert 0 < len(files.results()) < 2000


@pytest.mark.slow
def test_example_of_the_readme_runs(tmp_path: Path, base_url: str) -> None:
    text = (PACKAGE / "README.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"^```sh\n(.*?)^```$", text, re.M | re.S)
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {"THINKWIRE_BASE_URL": base_url, "PYTHONPATH": str(PACKAGE), "PATH": path}
    subprocess.run(
        ["sh", "-e", "-c", example], cwd=tmp_path, env={**os.environ, **environment}, check=True
    )
    assert len((tmp_path / "answers.jsonl").read_bytes().splitlines()) == 2


#: Runs the command, and prints the largest memory of the process since its start.
MEASURED_RUN = """
import re, sys
from thinkwire.batch.command import main
assert main(sys.argv[1:]) == 0
with open("/proc/self/status") as status:
    print(re.search(r"VmHWM:\\s*(\\d+) kB", status.read())[1])
"""


def memory_of_a_run(directory: Path, base_url: str, lines: int) -> float:
    """Returns the largest memory of a process that answers this many lines, in MiB."""
    directory.mkdir()
    files = Files(directory, lines)
    command = [sys.executable, "-c", MEASURED_RUN, str(files.input), "-o", str(files.output), "-q"]
    command += ["--base-url", base_url, "-m", f"{SYNTHETIC}#chunks=1", "--concurrency", "50"]
    completed = subprocess.run(
        command, cwd=PACKAGE, capture_output=True, text=True, timeout=300 * SLOWNESS
    )
    assert completed.returncode == 0, completed.stderr
    assert len(files.output.read_bytes().splitlines()) == lines
    return int(completed.stdout) / 1024


@pytest.mark.slow
def test_memory_does_not_grow_with_the_file(tmp_path: Path, base_url: str) -> None:
    # After fewer lines, the buffers may not have reached their final size.
    small = memory_of_a_run(tmp_path / "small", base_url, 10_000)
    large = memory_of_a_run(tmp_path / "large", base_url, 40_000)
    # Up to 2 MiB of the ids are in memory, however many there are; the output has 17 MiB.
    assert large - small < 2


@pytest.mark.slow
def test_no_line_is_lost_or_duplicated_by_kills(tmp_path: Path, base_url: str) -> None:
    files = Files(tmp_path, 16 * KILLS)
    program = Path(__file__).with_name("batch_kills.py")
    completed = subprocess.run(
        [sys.executable, str(program), str(KILLS), str(files.input), str(files.output)]
        + [f"{SYNTHETIC}#chunks=1"],
        env={**os.environ, "PYTHONPATH": str(PACKAGE), "THINKWIRE_BASE_URL": base_url},
        capture_output=True,
        text=True,
        timeout=300 * SLOWNESS,
    )
    assert completed.returncode == 0, completed.stderr
    assert int(completed.stdout) == KILLS, completed.stderr
    results = files.results()
    assert sorted(results) == sorted(files.ids)
    assert all(line["error"] is None for line in results.values())
