"""`thinkwire batch` against servers."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from batch_runs import Files
from conftest import PACKAGE, SLOWNESS, SYNTHETIC, Echo, Failure
from thinkwire import AsyncClient
from thinkwire.batch.command import main
from thinkwire.batch.inputs import read
from thinkwire.batch.journal import Journal
from thinkwire.batch.progress import Progress
from thinkwire.batch.runner import Runner, Settings

KILLS = 200
#: Seconds between two syncs of the output.
SYNC_INTERVAL = 0.5


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THINKWIRE_API_KEY", "test")


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


@pytest.mark.slow
@pytest.mark.parametrize(
    ("status", "attempts"),
    [
        ("408 Request Timeout", 2),
        ("409 Conflict", 2),
        ("404 Not Found", 1),
        ("404 Not Found\r\nX-Should-Retry: true", 2),
        ("429 Too Many Requests\r\nX-Should-Retry: false", 1),
    ],
)
def test_failures_are_sent_again_if_they_may_not_occur_again(
    tmp_path: Path, echo: Echo, status: str, attempts: int
) -> None:
    files = Files(tmp_path, 1)
    echo.script = [Failure(status, "{}")]
    assert files.run(echo.base_url) == (0 if attempts > 1 else 1)
    assert len(echo.bodies) == attempts


def test_server_that_cannot_be_reached_stops_the_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = Files(tmp_path, 20)
    with socket.socket() as closed:
        # Bound, but not listening.
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/v1"
        assert files.run(url, "--retries", "0") == 3
    assert "cannot be reached" in capsys.readouterr().err
    assert files.results() == {}


def test_results_of_another_input_are_not_taken(
    tmp_path: Path, echo: Echo, capsys: pytest.CaptureFixture[str]
) -> None:
    files = Files(tmp_path, 0)
    files.input.write_text('{"prompt": "a"}\n{"prompt": "b"}\n', encoding="utf-8")
    assert files.run(echo.base_url) == 0
    assert files.run(echo.base_url, "-m", "other") == 0
    files.input.write_text('{"prompt": "c"}\n' * 9 + '{"prompt": "b"}\n', encoding="utf-8")
    assert files.run(echo.base_url) == 2
    assert "request-1 is that of another request" in capsys.readouterr().err
    files.input.write_text(
        '{"prompt": "a"}\n{"model": "m", "messages": [{"content": "b", "role": "user"}]}\n',
        encoding="utf-8",
    )
    assert files.run(echo.base_url) == 0
    assert len(echo.bodies) == 2 and len(files.results()) == 2


def test_results_of_other_inputs_are_not_counted(
    tmp_path: Path, echo: Echo, capsys: pytest.CaptureFixture[str]
) -> None:
    files = Files(tmp_path, 5)
    assert files.run(echo.base_url) == 0
    files.input.write_text('{"custom_id": "x", "prompt": "x"}\n', encoding="utf-8")
    capsys.readouterr()
    assert files.run(echo.base_url) == 0
    assert "1/1, " in capsys.readouterr().err


def test_signals_are_handled_while_finished_lines_are_skipped(tmp_path: Path, echo: Echo) -> None:
    files = Files(tmp_path, 1000)
    assert files.run(echo.base_url, "-q") == 0
    turns = 0

    async def run() -> None:
        nonlocal turns
        async with AsyncClient(echo.base_url, max_retries=0) as client:
            journal = Journal(files.output)
            runner = Runner(client, journal, Settings(), Progress(1000))
            running = asyncio.ensure_future(runner.run(read(files.input, "m"), lambda _: None))
            while not running.done():
                await asyncio.sleep(0)
                turns += 1
            journal.close()

    asyncio.run(run())
    assert turns >= 10


def test_open_files_limit_the_concurrency(tmp_path: Path, base_url: str) -> None:
    files = Files(tmp_path, 300)
    command = f"ulimit -n 80 && exec {shlex.quote(sys.executable)} -m thinkwire batch"
    arguments = [files.input, "-o", files.output, "--base-url", base_url, "-m", "mock/echo", "-q"]
    done = subprocess.run(
        ["sh", "-c", f'{command} "$@"', "sh", *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(PACKAGE)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "at most 16 requests at once" in done.stderr
    assert all(line["error"] is None for line in files.results().values())


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


@pytest.mark.slow
@pytest.mark.parametrize("redirection", ["2>&1 >/dev/null | true", "2>&-", ">&- 2>&-"])
def test_run_continues_if_nobody_reads_standard_error(
    tmp_path: Path, base_url: str, redirection: str
) -> None:
    files = Files(tmp_path, 30)
    command = [sys.executable, "-m", "thinkwire", "batch", str(files.input)]
    command += ["-o", str(files.output), "--base-url", base_url, "-m", f"{SYNTHETIC}#chunks=1"]
    # Python buffers the stream, if it is not told otherwise.
    environment = {**os.environ, "PYTHONUNBUFFERED": ""}
    completed = subprocess.run(
        ["bash", "-o", "pipefail", "-c", f"{shlex.join(command)} {redirection}"],
        cwd=PACKAGE,
        env=environment,
        timeout=60,
    )
    assert completed.returncode == 0
    assert len(files.results()) == 30
