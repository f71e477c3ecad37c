"""Every example in the documentation is run by a test, or listed here with the reason why not.

The commands of README.md and of the manual pages run here.
"""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from sources import ROOT, files

sys.path.insert(0, str(ROOT / "bindings" / "docs"))
from comments import blocks

TEST_README = "Tests/check/test_readme.py"
INSTALL = "Tests/check/install.sh"
#: Blocks in Markdown files: the file, the language, and the test that runs all of them.
RUN: dict[tuple[str, str], str] = {
    ("README.md", "c"): INSTALL,
    ("README.md", "python"): TEST_README,
    ("Sources/thinkwire-mock/README.md", "c"): "Tests/mock/test_readme.py",
    ("Sources/thinkwire-mock/README.md", "json"): "Tests/mock/test_readme.py",
    ("Sources/thinkwire-mock/README.md", "python"): "Tests/mock/test_readme.py",
    ("Sources/thinkwire-mock/README.md", "sh"): "Tests/mock/test_readme.py",
    ("bindings/c/README.md", "c"): INSTALL,
    ("bindings/c/README.md", "cmake"): INSTALL,
    ("bindings/cpp/README.md", "cpp"): "bindings/cpp/test.sh",
    ("bindings/csharp/README.md", "csharp"): "bindings/csharp/test.sh",
    ("bindings/go/README.md", "go"): "bindings/go/test.sh",
    ("bindings/java/README.md", "java"): "bindings/java/test.sh",
    ("bindings/lua/README.md", "lua"): "bindings/lua/test.sh",
    ("bindings/node/README.md", "js"): "bindings/node/test.sh",
    ("bindings/perl/README.md", "perl"): "bindings/perl/test.sh",
    ("bindings/php/README.md", "php"): "bindings/php/test.sh",
    ("bindings/python/README.md", "python"): "bindings/python/tests/test_readme.py",
    ("bindings/python/README.md", "sh"): "bindings/python/tests/test_batch.py",
    ("bindings/ruby/README.md", "ruby"): "bindings/ruby/test.sh",
    # As a documentation test, which `cargo test` finds in the crate's comment.
    ("bindings/rust/README.md", "rust"): "bindings/rust/test.sh",
    ("bindings/swift/README.md", "swift"): "bindings/swift/test.sh",
}
#: Blocks that no test runs, and why.
NOT_RUN: dict[tuple[str, str], str] = {
    ("README.md", ""): "what a terminal shows",
    ("bindings/rust/README.md", "toml"): "a part of another file",
}
FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)


def test_every_block_is_run_or_has_a_reason() -> None:
    found = {
        (path, language)
        for path in files()
        if path.endswith(".md")
        for _, language, _ in FENCE.findall((ROOT / path).read_text(encoding="utf-8"))
    }
    assert found == RUN.keys() | NOT_RUN.keys()


@pytest.mark.parametrize("example", RUN, ids=" ".join)
def test_the_tests_take_the_blocks_from_the_documents(example: tuple[str, str]) -> None:
    test = (ROOT / RUN[example]).read_text(encoding="utf-8")
    assert "README.md" in test or "bindings/run.sh" in test, RUN[example]
    assert re.search(rf"\b{example[1]}\b", test), f"{RUN[example]} does not run {example[1]}"


def test_the_header_has_one_program() -> None:
    """install.sh runs the first indented block; the others are tables."""
    interface = json.loads((ROOT / "bindings/thinkwire.json").read_text(encoding="utf-8"))
    comments = [interface["comment"], *(s["comment"] for s in interface["sections"])]
    for kind in ("enums", "structs", "objects", "callbacks", "functions", "constants"):
        comments += [entry["comment"] for entry in interface[kind]]
    literal = [block for text in comments for block in blocks(text) if block.kind == "literal"]
    programs = [block for block in literal if any(line.endswith(");") for line in block.lines)]
    assert len(programs) == 1 and programs[0].lines == literal[0].lines


# The commands of manual pages, and of README.md. A line is a command of its own.
def displayed(page: str) -> list[str]:
    """The commands in the section EXAMPLES of a manual page."""
    text = subprocess.run(
        ["mandoc", "-Tutf8", "-O", "width=200", str(ROOT / "bindings/c/man" / page)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout
    section = re.sub(r".\x08", "", text).split("\nEXAMPLES\n")[1].split("\nSEE ALSO\n")[0]
    return re.findall(r"^ {11,}(\S.*)$", section, re.MULTILINE)


def indented(title: str) -> list[str]:
    """The commands in a section of README.md."""
    section = (ROOT / "README.md").read_text(encoding="utf-8").split(f"\n## {title}\n")[1]
    return re.findall(r"^ {4}(\S.*)$", section.split("\n## ")[0], re.MULTILINE)


QUESTIONS = list(dict.fromkeys([*displayed("thinkwire-chat.1"), *indented("In a terminal")]))
SERVERS = displayed("thinkwire-mock.1")
PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII="
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files that the commands name, as the home directory of a new user."""
    for name in ("report.txt", "old.c", "new.c"):
        (tmp_path / name).write_text("text\n")
    (tmp_path / "photo.jpg").write_bytes(base64.b64decode(PIXEL))
    for name in [n for n in os.environ if re.match(r"THINKWIRE_|OPENAI_|AIMLAPI_|XDG_", n)]:
        if name not in ("THINKWIRE_LIBRARY", "THINKWIRE_MOCK"):
            monkeypatch.delenv(name)
    built = Path(os.environ["THINKWIRE_MOCK"]).parent
    monkeypatch.setenv("PATH", f"{built}:{os.environ['PATH']}")
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def test_there_are_commands() -> None:
    assert len(QUESTIONS) >= 5 and len(SERVERS) >= 3


@pytest.mark.parametrize("command", QUESTIONS)
def test_commands_of_thinkwire_chat_print_an_answer(
    command: str, folder: Path, base_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("THINKWIRE_BASE_URL", base_url)
    monkeypatch.setenv("THINKWIRE_API_KEY", "key")
    # Without a model, thinkwire-chat takes the only one of a server; the mock has several.
    monkeypatch.setenv("THINKWIRE_MODEL", "alibaba/qwen3-32b")
    # The server on the local network is the mock.
    command = command.replace("http://gpu.lan:8000/v1", base_url).replace("gpu.lan", "127.0.0.1")
    if "--continue" in command:
        # script is a terminal, on which conversations are kept.
        terminal = ["script", "--quiet", "--return", "--command", "thinkwire-chat Hello", "log"]
        subprocess.run(terminal, cwd=folder, check=True, timeout=60)
    done = subprocess.run(
        command,
        shell=True,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() != ""


def test_commands_of_thinkwire_mock_serve(folder: Path) -> None:
    """They follow each other: the last one replays what the second has recorded."""
    for command in SERVERS:
        with subprocess.Popen(
            f"exec {command} --port 0", shell=True, cwd=folder, stdout=subprocess.PIPE, text=True
        ) as server:
            assert server.stdout
            assert server.stdout.readline().startswith("http://127.0.0.1:"), command
            server.terminate()
        assert server.returncode == 0, command
