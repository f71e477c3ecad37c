"""What the tests against real servers share. Whatever is missing fails: nothing is ever skipped."""

import os

import mock_process
import pytest
from certificates import Authority
from peers import WHOLE, Plain, response
from programs import Microsocks, Nghttpx, Nginx, Tinyproxy

# The library under test is the one just built, not one that happens to be installed.
os.environ.setdefault(
    "THINKWIRE_LIBRARY", str(mock_process.ROOT / ".build" / "release" / "libthinkwire.so")
)

# No key, address or proxy of whoever runs the tests may reach them.
for _name in list(os.environ):
    if (
        _name.startswith("THINKWIRE_")
        and _name not in ("THINKWIRE_LIBRARY", "THINKWIRE_MOCK")
        or _name.endswith("_API_KEY")
    ):
        del os.environ[_name]
    if _name.lower() in (
        "http_proxy",
        "https_proxy",
        "all_proxy",
        "no_proxy",
        "openai_base_url",
        "ssl_cert_file",
        "ssl_cert_dir",
    ):
        del os.environ[_name]

from thinkwire import Client  # noqa: E402  (the environment comes first)

KEY = "a-secret-key"
EVERY_MODEL = [
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
    """A good certificate for this machine, and its key."""
    return authority.issue("localhost", "127.0.0.1")


@pytest.fixture
def connect(authority):
    """Makes clients that trust our authority and speak HTTP/2 wherever it is spoken, and closes them."""
    made = []

    def client(url, **options):
        made.append(
            Client(
                url,
                KEY,
                **{
                    "ca_file": authority.certificate,
                    "max_retries": 0,
                    "http_version": "2",
                    **options,
                },
            )
        )
        return made[-1]

    yield client
    for each in made:
        each.close()


@pytest.fixture(scope="session")
def mock():
    running = mock_process.Mock()
    yield running
    code, errors = running.stop()
    assert (code, errors) == (0, "")


@pytest.fixture
def start():
    """Starts servers, and stops them in the end."""
    running = []

    def started(kind, *arguments, **options):
        running.append(kind(*arguments, **options))
        return running[-1]

    yield started
    for each in reversed(running):
        each.stop()


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
def guarded_proxy(tmp_path_factory):
    """A proxy that wants to know who asks."""
    running = Tinyproxy(tmp_path_factory.mktemp("guarded"), "user:proxy-pass-word")
    yield running
    running.stop()


@pytest.fixture(scope="session")
def microsocks(tmp_path_factory):
    running = Microsocks(tmp_path_factory.mktemp("microsocks"), "user:proxy-pass-word")
    yield running
    running.stop()


@pytest.fixture
def recorder(start):
    """A server that nothing is to be said to, and that would answer well."""
    return start(Plain, [response(WHOLE)])
