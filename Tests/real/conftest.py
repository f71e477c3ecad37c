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

from model_servers import MLX, LiteLLM  # noqa: E402  (the library was not yet chosen)

#: The servers to test with; the proxy is optional, because it is large and starts slowly.
SERVERS = os.environ.get("SERVERS", "mlx").split()
collect_ignore = [] if "litellm" in SERVERS else ["test_proxy.py"]


@pytest.fixture(scope="session")
def mlx(tmp_path_factory):
    server = MLX(tmp_path_factory.mktemp("mlx"))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def litellm(tmp_path_factory, mlx):
    server = LiteLLM(tmp_path_factory.mktemp("litellm"), mlx)
    yield server
    server.stop()


@pytest.fixture(params=SERVERS)
def server(request):
    """Each of the servers, one after the other."""
    return request.getfixturevalue(request.param)
