"""The extension for SQLite, in SQLite's shell: texts, errors, and interruption."""

import json
import os
import pathlib
import signal
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "Tests" / "support"), str(ROOT / "Tests" / "mock")]

from environment import clear_environment  # noqa: E402
from http_server import HEAD, REASONING, Pause, ScriptedServer, response  # noqa: E402
from mock_process import Mock  # noqa: E402

MODEL = "alibaba/qwen3-next-80b-a3b-thinking"
EXTENSION = ROOT / ".build" / "showcases" / "thinkwire"
STATEMENTS = ("SELECT thinkwire_chat('Hello', 'm')", "SELECT answer FROM thinkwire('Hello', 'm')")


def start(url, *statements, **more):
    """A shell that runs the statements with the extension, which uses the server at `url`."""
    clear_environment()
    variables = {"BASE_URL": url, "API_KEY": "key", **more}
    return subprocess.Popen(
        ["sqlite3", "-json", "-bail", "-cmd", f".load {EXTENSION}", ":memory:", *statements],
        env=os.environ | {f"THINKWIRE_{name}": value for name, value in variables.items()},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def rows(mock, *statements):
    """The rows of the last statement, which is the only query."""
    shell = start(mock.url, *statements, MODEL=MODEL)
    output, errors = shell.communicate(timeout=30)
    assert (shell.returncode, errors) == (0, b"")
    return [tuple(row.values()) for row in json.loads(output or "[]")]


def error(shell):
    """The error message of a shell that has failed."""
    output, errors = shell.communicate(timeout=20)
    assert shell.returncode != 0
    assert output == b""
    return errors.decode()


@pytest.fixture(scope="module")
def mock():
    process = Mock()
    yield process
    process.stop()


def test_function_and_table_return_the_same_answer(mock):
    [(answer,)] = rows(mock, "SELECT thinkwire_chat('Hello')")
    [(reasoning, same)] = rows(mock, "SELECT reasoning, answer FROM thinkwire('Hello')")
    assert answer == same != ""
    assert reasoning not in ("", answer)


@pytest.mark.parametrize(
    "query",
    [
        "SELECT text, thinkwire_chat(text, 'mock/echo') FROM prompts",
        "SELECT text, answer FROM prompts, thinkwire(text, 'mock/echo')",
    ],
)
def test_model_and_prompt_are_sent_for_each_row(mock, query):
    table = "CREATE TABLE prompts AS SELECT 'first one' AS text UNION SELECT 'second'"
    answers = dict(rows(mock, table, query))
    assert set(answers) == {"first one", "second"}
    for prompt, answer in answers.items():
        sent = json.loads(answer)
        assert sent["model"] == "mock/echo"
        assert sent["messages"] == [{"role": "user", "content": prompt}]


def test_null_prompt(mock):
    assert rows(mock, "SELECT thinkwire_chat(NULL)") == [(None,)]
    assert rows(mock, "SELECT * FROM thinkwire(NULL)") == []


@pytest.mark.parametrize("statement", STATEMENTS)
def test_views_cannot_send_requests(mock, statement):
    shell = start(mock.url, f"CREATE VIEW view AS {statement}", "SELECT * FROM view")
    assert "unsafe use of" in error(shell)


def test_default_model(mock):
    output, _ = start(mock.url, "SELECT thinkwire_chat('Hello') <> '' AS yes").communicate()
    assert json.loads(output) == [{"yes": 1}]


@pytest.mark.parametrize("statement", STATEMENTS)
def test_error_has_the_message_of_the_library(statement):
    body = b'{"error":{"message":"the key has expired"}}'
    server = ScriptedServer([response(body, "401 Unauthorized", "application/json")])
    assert "the key has expired" in error(start(server.url(), statement))
    server.stop()


@pytest.mark.parametrize("statement", STATEMENTS)
def test_interruption_cancels_while_the_model_is_silent(statement):
    def interrupt():
        shell.send_signal(signal.SIGINT)

    server = ScriptedServer([HEAD + b"\r\n" + REASONING, interrupt, Pause(60)])
    shell = start(server.url(), statement)
    assert "cancelled (9)" in error(shell)  # SQLITE_INTERRUPT is 9.
    server.stop()
