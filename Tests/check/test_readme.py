"""The programs of README.md compile, run against thinkwire-mock, and print the recorded answer.

THINKWIRE_LIBRARY and THINKWIRE_MOCK name the library and the mock's program.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from sources import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
REASONING = 'Okay, the user said "Hello".'
ANSWER = "Hello! How can I assist you today?"
# Variables of the developer's shell that would change where a program connects.
FOREIGN = re.compile(r"THINKWIRE_(?!LIBRARY|MOCK)|(AIMLAPI|OPENAI)_|.*_proxy$", re.IGNORECASE)


def programs(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.DOTALL | re.MULTILINE)


def environment(**changes: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not FOREIGN.match(name)}
    return {**kept, "PYTHONUTF8": "1", **changes}


def run(command: list[str], variables: dict[str, str], status: int = 0) -> tuple[str, str]:
    done = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=60)
    assert done.returncode == status, done.stderr
    return done.stdout, done.stderr


def compiled(program: str, folder: Path) -> list[str]:
    """The command that runs the C program, which is compiled without warnings."""
    library = Path(os.environ["THINKWIRE_LIBRARY"]).parent
    source, binary = folder / "program.c", folder / "program"
    source.write_text(program, encoding="utf-8")
    strict = ["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror", f"-I{ROOT / 'include'}"]
    link = [f"-L{library}", "-lthinkwire", f"-Wl,-rpath,{library}"]
    subprocess.run(["cc", *strict, str(source), "-o", str(binary), *link], check=True)
    return [str(binary)]


def test_there_is_one_program_in_each_language() -> None:
    assert len(programs("c")) == 1
    assert len(programs("python")) == 1


def test_the_c_program_streams_reasoning_and_answer(tmp_path: Path, base_url: str) -> None:
    variables = environment(THINKWIRE_BASE_URL=base_url, THINKWIRE_API_KEY="test")
    output, errors = run(compiled(programs("c")[0], tmp_path), variables)
    assert output.startswith(ANSWER)
    assert re.search(r"^\d+ tokens$", output, re.MULTILINE)
    assert errors.startswith(REASONING)


def test_the_c_program_reports_a_missing_key(tmp_path: Path) -> None:
    output, errors = run(compiled(programs("c")[0], tmp_path), environment(), status=1)
    assert output == ""
    assert "API_KEY" in errors


def test_the_c_program_reports_a_failed_exchange(tmp_path: Path) -> None:
    variables = environment(THINKWIRE_BASE_URL="http://127.0.0.1:1/v1", THINKWIRE_API_KEY="test")
    output, errors = run(compiled(programs("c")[0], tmp_path), variables, status=1)
    assert output == ""
    assert "TW_CONNECT: " in errors


def test_the_python_program_streams_reasoning_and_answer(base_url: str) -> None:
    variables = environment(
        THINKWIRE_BASE_URL=base_url,
        THINKWIRE_API_KEY="test",
        PYTHONPATH=str(ROOT / "bindings/python"),
    )
    output, _ = run([sys.executable, "-c", programs("python")[0]], variables)
    plain = re.sub(r"\033\[\d*m", "", output)
    assert plain.startswith(REASONING)
    assert ANSWER in plain
    assert "reasoning_tokens=82" in output


@pytest.mark.parametrize("path", sorted(set(re.findall(r"\]\(([^)#:]+)\)", README))))
def test_links_lead_to_files(path: str) -> None:
    assert (ROOT / path).exists()


def test_the_table_of_contents_lists_every_section() -> None:
    sections = re.findall(r"^## (.*)$", README, re.MULTILINE)
    assert re.findall(r"^- \[(.*)\]\(#.*\)$", README, re.MULTILINE) == sections
    anchors = re.findall(r"^- \[.*\]\(#(.*)\)$", README, re.MULTILINE)
    assert anchors == [section.lower().replace(" ", "-") for section in sections]
