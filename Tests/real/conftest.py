"""Fixtures of the tests against real model servers. A missing environment fails the tests."""

import os
from pathlib import Path

import pytest
from environment import clear_environment

os.environ.setdefault(
    "THINKWIRE_LIBRARY",
    str(Path(__file__).resolve().parents[2] / ".build" / "release" / "libthinkwire.so"),
)
clear_environment()

from model_servers import BY_NAME, running  # noqa: E402  (the library was not yet chosen)

#: The servers to test with, each in its own environment. All but one are large or start slowly.
SERVERS = os.environ.get("SERVERS", "mlx").split()
assert set(SERVERS) <= set(BY_NAME), f"SERVERS can have {' '.join(BY_NAME)}"
collect_ignore = [] if "litellm" in SERVERS else ["test_proxy.py"]


@pytest.fixture(scope="session", params=SERVERS)
def server(request, tmp_path_factory):
    """Each of the servers. pytest groups the tests by them, so that one runs at a time."""
    with running(request.param, tmp_path_factory.mktemp(request.param)) as server:
        yield server


@pytest.fixture
def doomed(server):
    """The same server. The test may kill it; the next one finds it running."""
    yield server
    if server.process.poll() is not None:
        server.start()
