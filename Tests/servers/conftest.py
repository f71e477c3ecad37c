"""Fixtures of the tests against real servers. A missing program fails the tests that need it."""

import os

import mock_process
import pytest
from certificates import Authority
from environment import clear_environment
from http_server import ANSWER, ScriptedServer, response
from programs import Microsocks, Nghttpx, Nginx, Tinyproxy

# Test the library that was just built, not an installed one.
os.environ.setdefault(
    "THINKWIRE_LIBRARY", str(mock_process.ROOT / ".build" / "release" / "libthinkwire.so")
)


clear_environment()

from thinkwire import Client  # noqa: E402  (after the environment has been cleaned)

KEY = "a-secret-key"
PASSWORD = "proxy-pass-word"
ALL_MODELS = [
    "alibaba/qwen3-32b",
    "alibaba/qwen3-next-80b-a3b-thinking",
    "alibaba/qwen3-vl-32b-thinking",
    "alibaba/qwen3.6-35b-a3b",
]


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def pair(authority):
    """The files of a valid certificate for this machine and of its key."""
    return authority.issue("localhost", "127.0.0.1")


@pytest.fixture
def connect(authority):
    """Creates clients that trust the tests' authority and prefer HTTP/2. Closes them at the end."""
    clients = []
    defaults = {"ca_file": authority.certificate, "max_retries": 0, "http_version": "2"}

    def create(url, **options):
        clients.append(Client(url, KEY, **{**defaults, **options}))
        return clients[-1]

    yield create
    for client in clients:
        client.close()


@pytest.fixture(scope="session")
def mock():
    yield mock_process.mock()
    mock_process.stop_mock()


@pytest.fixture
def start():
    """Starts servers. Stops them at the end."""
    running = []

    def start_one(kind, *arguments, **options):
        running.append(kind(*arguments, **options))
        return running[-1]

    yield start_one
    for server in reversed(running):
        server.stop()


@pytest.fixture(scope="session")
def nginx(tmp_path_factory, mock, pair):
    running = Nginx(tmp_path_factory.mktemp("nginx"), mock.port, pair)
    yield running
    running.stop()


@pytest.fixture(scope="session")
def nghttpx(tmp_path_factory, mock, pair):
    running = Nghttpx(tmp_path_factory.mktemp("nghttpx"), mock.port, pair)
    yield running
    running.stop()


@pytest.fixture(scope="session")
def tinyproxy(tmp_path_factory):
    running = Tinyproxy(tmp_path_factory.mktemp("tinyproxy"))
    yield running
    running.stop()


@pytest.fixture(scope="session")
def authenticating_proxy(tmp_path_factory):
    """A proxy that requires a user name and a password."""
    running = Tinyproxy(tmp_path_factory.mktemp("authenticating"), f"user:{PASSWORD}")
    yield running
    running.stop()


@pytest.fixture(scope="session")
def microsocks(tmp_path_factory):
    running = Microsocks(tmp_path_factory.mktemp("microsocks"), f"user:{PASSWORD}")
    yield running
    running.stop()


@pytest.fixture
def unused_server(start):
    """A server that would send a complete answer, but that the library must not connect to."""
    return start(ScriptedServer, [response(ANSWER)])
