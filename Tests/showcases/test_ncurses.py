"""The program for a terminal: its columns, keys and sizes, in tmux."""

import os
import pathlib
import re
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "Tests" / "support"), str(ROOT / "Tests" / "mock")]

from environment import clear_environment  # noqa: E402
from http_server import (  # noqa: E402
    CONTENT,
    DONE,
    FINISH,
    HEAD,
    REASONING,
    Pause,
    ScriptedServer,
    chunk,
    response,
)
from terminal import Terminal  # noqa: E402

PROGRAM = ROOT / ".build" / "showcases" / "ncurses"


@pytest.fixture
def start():
    """Starts the program in a terminal, with a server that does what the list says."""
    opened = []

    def start(*script, width=80, height=10, program=PROGRAM):
        clear_environment()
        server = ScriptedServer([*script])
        variables = {"BASE_URL": server.url(), "API_KEY": "key", "MODEL": "m"}
        setting = [f"THINKWIRE_{name}={value}" for name, value in variables.items()]
        command = ["env", "LC_ALL=C.UTF-8", f"PATH={os.environ['PATH']}", *setting]
        terminal = Terminal([*command, str(program), "Why?"], width, height)
        opened.extend([terminal, server])
        return terminal

    yield start
    for each in opened:
        each.close() if isinstance(each, Terminal) else each.stop()


def test_reasoning_and_answer_are_side_by_side(start):
    body = (
        chunk(reasoning_content="Let me\nthink 🧠.") + chunk(content="Because ü.") + FINISH + DONE
    )
    terminal = start(response(body))
    lines = terminal.wait_for("complete after").split("\n")
    assert [line.split("│")[0].strip() for line in lines[:3]] == [
        "Reasoning",
        "Let me",
        "think 🧠.",
    ]
    assert [line.split("│")[1].strip() for line in lines[:3]] == ["Answer", "Because ü.", ""]
    assert lines[9].startswith("m: complete after 0.")
    terminal.press("q")
    assert terminal.status() == 0
    assert terminal.wait_for("^Because ü.$")


def wait_until_thinking(terminal, seconds):
    """Waits until the status line shows at least so many seconds, and returns how many it shows.

    On a busy machine, the test may not see each second.
    """
    shown = -1
    while shown < seconds:
        screen = terminal.wait_for(rf"m: thinking, (?!{shown} )\d+ s")
        shown = int(re.search(r"m: thinking, (\d+) s", screen)[1])
    return shown


def test_columns_grow_while_the_server_is_silent(start):
    terminal = start(HEAD + b"\r\n" + REASONING, Pause(60))
    terminal.wait_for("^Hm.  ")
    wait_until_thinking(terminal, 2)
    terminal.press("q")
    terminal.wait_for("cancelled.*q: quit")
    assert "Hm." in terminal.screen()
    terminal.press("q")
    assert terminal.status() == 1


def test_text_is_printed_again_in_another_size(start):
    words = " ".join(f"w{number}" for number in range(12))
    terminal = start(HEAD + b"\r\n" + chunk(content=words) + CONTENT, Pause(60), width=100)
    assert terminal.wait_for("answering").count("\n") == 10
    assert words in terminal.screen()
    terminal.resize(40, 12)
    terminal.wait_for(r"│w0 w1 w2 w3 w4 w5 w6\s")
    terminal.resize(2, 2)
    terminal.resize(120, 30)
    terminal.wait_for(r"│w0 w1 .* w10 w11Hi\s")
    terminal.press("C-c", "C-c")
    assert terminal.status() == 1


def test_a_long_text_scrolls(start):
    text = "\n".join(f"line {number}" for number in range(100))
    terminal = start(response(chunk(reasoning_content=text) + CONTENT + FINISH + DONE))
    screen = terminal.wait_for("complete after")
    assert "line 99" in screen
    assert "line 90\n" not in screen
    terminal.press("q")
    assert terminal.status() == 0


def test_control_characters_do_not_reach_the_terminal(start):
    body = chunk(content="a\x1b[2Jb\x07\x00\x9b2Jc") + FINISH + DONE
    terminal = start(response(body))
    screen = terminal.wait_for("complete after")
    assert "Reasoning" in screen
    assert r"a^[[2Jb^G^@" in screen
    terminal.press("q")
    assert terminal.status() == 0


def test_an_error_is_shown_and_is_the_exit_status(start):
    body = b'{"error":{"message":"the key has expired"}}'
    terminal = start(response(body, "401 Unauthorized", "application/json"))
    terminal.wait_for("the key has expired.*q: quit")
    terminal.press("q")
    assert terminal.status() == 1
    terminal.wait_for("^.*the key has expired")


def test_the_program_does_not_use_the_processor_while_it_waits(start):
    terminal = start(HEAD + b"\r\n" + REASONING, Pause(60))
    shown = wait_until_thinking(terminal, 1)
    [pid] = [
        int(entry.name)
        for entry in pathlib.Path("/proc").iterdir()
        if entry.name.isdigit() and str(PROGRAM).encode() == command(entry)
    ]
    before = ticks(pid)
    wait_until_thinking(terminal, shown + 2)
    assert ticks(pid) - before < 10
    terminal.press("q", "q")
    assert terminal.status() == 1


def command(process):
    try:
        return (process / "cmdline").read_bytes().split(b"\0")[0]
    except OSError:
        return b""


def ticks(pid):
    """Processor time of a process, in hundredths of a second."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])
