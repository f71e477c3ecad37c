"""The manual pages of `make docs` have no warnings, and describe every function."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MANUAL = ROOT / ".build" / "docs" / "man"
INTERFACE = json.loads((ROOT / "bindings" / "thinkwire.json").read_text(encoding="utf-8"))
PAGES = sorted((MANUAL / "man3").glob("thinkwire*.3"))
# man uses the warnings of groff, and neither colours nor a terminal's width.
ENVIRONMENT = {**os.environ, "MANPATH": str(MANUAL), "MANWIDTH": "80", "LC_ALL": "C.UTF-8"}
ENVIRONMENT["MANROFFOPT"] = "-c"


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, timeout=60)


def shown(name: str) -> str:
    """What `man` prints."""
    done = run("man", "--pager=cat", "3", name)
    assert done.returncode == 0, done.stderr
    return re.sub(r".\x08", "", done.stdout)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pages_have_no_warnings(page: Path) -> None:
    done = run("mandoc", "-Tlint", "-W", "warning", str(page))
    assert done.returncode == 0, done.stdout
    done = run("man", "--warnings", "--local-file", str(page))
    assert (done.returncode, done.stderr) == (0, "")


def test_every_name_leads_to_the_page_that_describes_it() -> None:
    kinds = ("functions", "callbacks", "objects", "structs", "enums")
    names = {entry["name"] for kind in kinds for entry in INTERFACE[kind]}
    texts = {page.name: shown(page.stem) for page in PAGES}
    for name in sorted(names):
        (linked,) = re.findall(r"^\.so man3/(.*)\n$", (MANUAL / f"man3/{name}.3").read_text())
        assert re.search(rf"^   {name}$", texts[linked], re.MULTILINE), name
    assert shown("tw_chat_open") == texts["thinkwire-chat.3"]


def test_descriptions_are_those_of_the_header() -> None:
    text = " ".join(shown("tw_request_set_thinking").split())
    assert "AI/ML API, DashScope off, on: enable_thinking; budget: thinking_budget." in text
    assert '• On is "medium".' in text
    assert "The library never crashes on NULL." in " ".join(shown("thinkwire").split())


def test_examples_are_programs_that_the_tests_run() -> None:
    for page, file in (("chat", "stream.c"), ("chat", "pull.c"), ("loop", "loop_epoll.c")):
        program = (ROOT / "bindings/c/examples" / file).read_text(encoding="utf-8")
        lines = [line.removeprefix(" " * 11) for line in shown(f"thinkwire-{page}").split("\n")]
        assert program in "\n".join(lines) + "\n"
        assert file.removesuffix(".c") in (ROOT / "Tests/check/install.sh").read_text()
