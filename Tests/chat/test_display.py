"""What a terminal shows: reasoning, Markdown, and no control characters."""

import re

import pytest
from chat_program import run, run_on_terminal
from chat_server import Gate, answer
from http_server import DONE, chunk

pytestmark = pytest.mark.usefixtures("uses_server")

WORDS = "The quick brown fox jumps over the lazy dog, thinks about it, and jumps once more. "
MARKDOWN = """\
# A *heading*

Some **bold text with `code`**, some `code with ** in it`, 2 ** 3 ** 4, a*b*c and ``a ` b``.
A **mark without an end, and a ` too.

- one
  * two
10. ten
-5 degrees, #hash

```c
int **x; /* `not` a # heading */
# include
~~~
```
\\*plain\\* \\(x\\)
"""
BOLD, CODE, PLAIN = "\033[1m", "\033[36m", "\033[0m"
RENDERED = f"""\
{BOLD}A *heading*{PLAIN}

Some {BOLD}bold text with {PLAIN}{CODE}code{PLAIN}, some {CODE}code with ** in it{PLAIN}, \
2 ** 3 ** 4, a*b*c and {CODE}a ` b{PLAIN}.
A **mark without an end, and a ` too.

• one
  • two
10. ten
-5 degrees, #hash

{CODE}int **x; /* `not` a # heading */{PLAIN}
{CODE}# include{PLAIN}
{CODE}~~~{PLAIN}
*plain* \\(x\\)
"""


def pieces(text, size):
    return [text[at : at + size] for at in range(0, len(text), size)]


def simplified(text):
    """Without styles that end where the same style begins, as the pieces of a stream cause them."""
    return text.replace(PLAIN + CODE, "")


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_markdown_is_rendered_however_it_is_split(server, size):
    server.answers = [answer(*pieces(MARKDOWN, size))]
    output = run_on_terminal("--quiet", "--markdown", "Hello")
    assert simplified(output) == simplified(RENDERED)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("**open", "**open"),
        ("`open", "`open"),
        ("# ", f"{BOLD}{PLAIN}"),
        ("#", "#"),
        ("-", "-"),
        ("a\\", "a\\"),
        ("**b**", f"{BOLD}b{PLAIN}"),
        ("`c`", f"{CODE}c{PLAIN}"),
        ("```\ncode", f"{CODE}code{PLAIN}"),
        ("```x```", f"{CODE}x{PLAIN}"),
        ("   ", "   "),
        ("*" * 5000, "*" * 5000),
        ("`" * 5000 + "x", "`" * 5000 + "x"),
        ("**" + "x" * 5000, "**" + "x" * 5000),
        (" " * 5000 + "x", " " * 5000 + "x"),
    ],
)
def test_markdown_at_the_end_of_an_answer(server, text, shown):
    server.answers = [answer(*pieces(text, 16))]
    assert simplified(run_on_terminal("--quiet", "--markdown", "Hello")) == f"{shown}\n"


def test_markdown_is_unchanged_in_a_pipe(server):
    server.answers = [answer(MARKDOWN)]
    assert run("--quiet", "--markdown", "Hello")[0] == MARKDOWN


def test_markdown_is_unchanged_without_styles(server, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    server.answers = [answer(MARKDOWN)]
    assert run_on_terminal("--quiet", "--markdown", "Hello") == MARKDOWN


def test_markdown_in_a_terminal(server, open_terminal):
    server.answers = [answer("# Title\n- **bold**\n")]
    terminal = open_terminal("--markdown", "Hello")
    terminal.wait_for("^• bold$")
    screen = terminal.screen("-e")
    assert "\033[1mTitle" in screen and "• \033[1mbold" in screen


@pytest.mark.parametrize("size", [1, 5, 1000])
def test_reasoning_wraps_at_the_width(server, open_terminal, size):
    reasoning = WORDS * 3 + "\n\n  indented " + "x" * 50 + " 漢字" * 20
    reasoning += "\n" + " " * 30 + "y" * 15
    server.answers = [answer("Done.", reasoning=pieces(reasoning, size))]
    terminal = open_terminal("Hello", width=40)
    screen = terminal.wait_for(r"^Done\.$")
    assert terminal.status() == 0
    lines = screen[: screen.index("\nDone.")].rstrip().split("\n")
    text = " ".join(line for line in lines[: lines.index("")])
    assert text == (WORDS * 3).strip()
    assert all(len(line) > 25 for line in lines[: lines.index("") - 1])
    assert "  indented" in lines and "y" * 15 in lines
    assert "x" * 40 in lines and "".join(lines).count("漢字") == 20


def test_reasoning_wraps_at_the_new_width_of_a_resized_window(server, open_terminal):
    gate = Gate()
    begin, end = [chunk(reasoning_content=WORDS)], [chunk(reasoning_content=WORDS * 2)]
    server.answers = [[*begin, gate, *end, chunk(content="Done.", finish="stop") + DONE]]
    terminal = open_terminal("Hello", width=80)
    terminal.wait_for("once")
    terminal.resize(50)
    gate.open()
    terminal.wait_for(r"^Done\.$")
    # tmux itself breaks the line that was written before; -J joins its parts.
    screen = terminal.screen("-J")
    lines = screen[: screen.index("\nDone.")].rstrip().split("\n")
    assert " ".join(lines).split() == (WORDS * 3).split()
    assert all(len(line) <= 50 for line in lines[2:])


def test_reasoning_is_dimmed_unless_the_user_wants_no_styles(server, open_terminal, monkeypatch):
    server.answers = [answer("Done.", reasoning=["Hm."]) for _ in range(2)]
    terminal = open_terminal("Hello")
    terminal.wait_for("total")
    assert "\033[2mHm." in terminal.screen("-e")
    assert "[thinking]" not in terminal.screen()
    monkeypatch.setenv("NO_COLOR", "1")
    terminal = open_terminal("Hello")
    terminal.wait_for("total")
    assert "\033" not in terminal.screen("-e")
    assert re.match(r"\[thinking\]\nHm\.\n\[answer\]\nDone\.\n", terminal.screen())


def test_the_summary_has_no_finish_reason_if_there_was_none(server):
    server.answers = [[chunk(content="Hi")] for _ in range(2)]
    assert run("--no-require-finish", "Hello")[1].endswith(" s\n")
    assert "ended before" in run("Hello", status=1)[1]


@pytest.mark.parametrize("option", ["--quiet", "--markdown"])
def test_control_characters_do_not_reach_the_terminal(server, option):
    hostile = "a\033]0;title\007b\u009b31mc\rd\be\x7f"
    server.answers = [answer(hostile, reasoning=[hostile])]
    output = run_on_terminal(option, "Hello")
    plain = re.sub(r"\033\[\d*m", "", output)
    assert not re.search("[\0-\x08\x0b-\x1f\x7f-\x9f]", plain)
    assert "a\ufffd]0;title\ufffdb\ufffd31mc\ufffdd\ufffde\ufffd" in plain
