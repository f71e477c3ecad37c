"""Fixtures of the tests of thinkwire-chat: its environment, a server, and a terminal."""

import chat_program
import mock_process
import pytest
from chat_server import ChatServer
from environment import clear_environment
from terminal import Terminal

clear_environment()


@pytest.fixture(scope="session")
def mock():
    yield mock_process.mock()
    mock_process.stop_mock()


@pytest.fixture
def server():
    running = ChatServer()
    yield running
    running.stop()


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A home directory of its own, and a server that answers with the request it received."""
    directory = tmp_path / "home"
    directory.mkdir()
    for name in ("XDG_STATE_HOME", "NO_COLOR", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {
        "HOME": str(directory),
        "LANG": "C.UTF-8",
        "SHELL": "/bin/sh",
        "THINKWIRE_API_KEY": "a-secret-key",
        "THINKWIRE_MODEL": "mock/echo",
    }.items():
        monkeypatch.setenv(name, value)
    return directory


@pytest.fixture
def uses_mock(mock, monkeypatch):
    monkeypatch.setenv("THINKWIRE_BASE_URL", mock.url)


@pytest.fixture
def uses_server(server, monkeypatch):
    monkeypatch.setenv("THINKWIRE_BASE_URL", server.url("127.0.0.1"))


@pytest.fixture
def open_terminal():
    """Starts programs in terminals of their own. Ends them at the end."""
    opened = []

    def start(*arguments, program=chat_program.CHAT, **options):
        opened.append(Terminal([str(program), *arguments], **options))
        return opened[-1]

    yield start
    for terminal in opened:
        terminal.close()
