"""`python -m thinkwire` prints what is installed, and whether the endpoint answers."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys

import pytest
import thinkwire
from conftest import PACKAGE


def run(*arguments: str, **environment: str) -> tuple[int, str]:
    """Returns the exit status and the output."""
    completed = subprocess.run(
        [sys.executable, "-m", "thinkwire", *arguments],
        cwd=PACKAGE,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert completed.stderr == ""
    return completed.returncode, completed.stdout


@pytest.mark.slow
def test_program_prints_versions_and_the_answer_of_the_endpoint(base_url: str) -> None:
    status, output = run(THINKWIRE_BASE_URL=base_url, THINKWIRE_API_KEY="a-very-secret-key")
    lines = dict(re.findall(r"^(\S+) +(.+)$", output, re.M))
    assert status == 0
    assert lines["thinkwire"].startswith(thinkwire.__version__)
    version, _, path = lines["libthinkwire"].partition(" ")
    assert version == thinkwire.library_version()
    assert os.path.samefile(path.strip("()"), os.environ["THINKWIRE_LIBRARY"])
    assert re.fullmatch(r"\d+\.\d+\.\d+\S*", lines["libcurl"])
    assert re.fullmatch(r"\w+/\d\S*", lines["TLS"])
    assert re.fullmatch(
        rf"{re.escape(base_url)}/models answers in \d+ ms with \d+ models", lines["endpoint"]
    )
    assert "secret" not in output


@pytest.mark.slow
def test_program_reports_why_the_endpoint_does_not_answer(base_url: str) -> None:
    status, output = run("--base-url", "http://127.0.0.1:1/v1")
    assert status == 1 and "http://127.0.0.1:1/v1/models does not answer: " in output
    status, output = run("--base-url", f"{base_url}/nothing")
    assert status == 1 and "answers, with an error: " in output
    status, output = run("--base-url", "ftp://127.0.0.1")
    assert status == 1 and "endpoint     the base URL is neither https nor http" in output


@pytest.mark.slow
def test_program_reports_a_missing_library() -> None:
    status, output = run(THINKWIRE_LIBRARY="/no/such/libthinkwire.so")
    assert status == 1 and "THINKWIRE_LIBRARY is '/no/such/libthinkwire.so'" in output


@pytest.mark.slow
@pytest.mark.parametrize("options", [[], ["-u"]])
def test_program_ends_quietly_if_nothing_reads_its_output(options: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        completed = subprocess.run(
            [sys.executable, *options, "-m", "thinkwire", "--base-url", "http://127.0.0.1:1"],
            cwd=PACKAGE,
            stdout=writer,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
        )
    finally:
        os.close(writer)
    assert completed.stderr == ""
    assert completed.returncode == 128 + signal.SIGPIPE
