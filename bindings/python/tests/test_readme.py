"""The examples in the README and in docstrings run and print the documented output."""

from __future__ import annotations

import inspect
import itertools
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import thinkwire
from conftest import PACKAGE, recorded

README = (PACKAGE / "README.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def indented(document: str) -> str:
    """Returns the indented lines of a docstring, which are its example."""
    lines = inspect.cleandoc(document).splitlines()
    first = next(index for index, line in enumerate(lines) if line.startswith("    "))
    example = itertools.takewhile(lambda line: not line or line.startswith("    "), lines[first:])
    return textwrap.dedent("\n".join(example))


def run(example: str, base_url: str, tmp_path: Path) -> str:
    environment = {
        **os.environ,
        "THINKWIRE_BASE_URL": base_url,
        "THINKWIRE_API_KEY": "test",
        "PYTHONPATH": str(PACKAGE),
        "PYTHONUTF8": "1",
    }
    completed = subprocess.run(
        [sys.executable, "-c", example],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert completed.returncode == 0, completed.stderr
    return completed.stdout


def test_readme_has_examples() -> None:
    assert len(EXAMPLES) >= 4


@pytest.mark.slow
@pytest.mark.parametrize("example", EXAMPLES)
def test_readme_example_runs(example: str, base_url: str, tmp_path: Path) -> None:
    assert run(example, base_url, tmp_path) != ""


@pytest.mark.slow
def test_first_example_has_ten_lines_and_prints_reasoning(base_url: str, tmp_path: Path) -> None:
    assert len(EXAMPLES[0].splitlines()) <= 10
    output = run(EXAMPLES[0], base_url, tmp_path)
    recording = recorded("qwen3-32b.sse")
    assert re.sub(r"\033\[\d*m", "", output).startswith(recording.reasoning + recording.content)
    assert output.startswith("\033[2mOkay") and "reasoning_tokens=82" in output


@pytest.mark.slow
def test_example_of_the_package_runs(base_url: str, tmp_path: Path) -> None:
    assert "reasoning Okay" in run(indented(thinkwire.__doc__ or ""), base_url, tmp_path)


@pytest.mark.slow
def test_example_of_client_runs(base_url: str, tmp_path: Path) -> None:
    example = indented(thinkwire.Client.__doc__ or "").replace(
        "https://api.aimlapi.com/v1", base_url
    )
    assert base_url in example
    assert run("from thinkwire import Client\n" + example, base_url, tmp_path) != ""


@pytest.mark.slow
def test_example_of_stream_runs(base_url: str, tmp_path: Path) -> None:
    example = "from thinkwire import Client\nclient = Client()\n" + indented(
        thinkwire.Stream.__doc__ or ""
    )
    assert "Usage(" in run(example, base_url, tmp_path)
