"""A local provider and a client for it. A missing requirement fails.

A test is skipped only on a version of Python that lacks what it uses.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from environment import clear_environment  # type: ignore[import-not-found]

ROOT = Path(__file__).resolve().parents[3]
BUILT = ROOT / ".build" / "release"
PACKAGE = Path(__file__).resolve().parents[1]

# Test the library in the build directory by default, not an installed one. The paths are made
# absolute because some tests start programs in other directories.
for _name, _file in (
    ("THINKWIRE_LIBRARY", "libthinkwire.so"),
    ("THINKWIRE_MOCK", "thinkwire-mock"),
):
    os.environ[_name] = os.path.abspath(os.environ.get(_name) or BUILT / _file)

#: How many times slower than usual programs are (set for qemu). It multiplies limits of their time.
SLOWNESS = float(os.environ.get("THINKWIRE_SLOWNESS", "1"))

# Keys, addresses and proxies of the user must not influence the tests.
clear_environment()

# The environment comes first.
from frameworks import FRAMEWORKS, PARAMETERS, Framework  # noqa: E402
from http_server import (  # type: ignore[import-not-found]  # noqa: E402
    CONTENT,
    HEAD,
    Connection,
    ScriptedServer,
    Server,
    content_length,
    response,
)
from mock_process import Mock  # type: ignore[import-not-found]  # noqa: E402
from thinkwire import Client  # noqa: E402

QWEN3 = "alibaba/qwen3-32b"
NEXT = "alibaba/qwen3-next-80b-a3b-thinking"
VL = "alibaba/qwen3-vl-32b-thinking"
QWEN36 = "alibaba/qwen3.6-35b-a3b"
SYNTHETIC = "mock/synthetic"
#: Sends some events, then stalls with the connection open.
STALLED = f"{SYNTHETIC}#chunks=1000,stall=2000"

HEAD_UNTIL_CLOSE = HEAD + b"Connection: close\r\n\r\n"


@pytest.fixture(scope="session")
def mock() -> Iterator[Mock]:
    server = Mock()
    yield server
    assert server.stop() == (0, "")


@pytest.fixture
def base_url(mock: Mock) -> str:
    url: str = mock.url
    return url


@pytest.fixture
def client(base_url: str) -> Iterator[Client]:
    with Client(base_url=base_url, api_key="test") as client:
        yield client


@pytest.fixture(params=PARAMETERS)
def framework(request: pytest.FixtureRequest) -> Framework:
    return FRAMEWORKS[request.param]


class Failure(NamedTuple):
    """An error response."""

    #: Such as "404 Not Found".
    status: str
    body: str


class Echo(Server):  # type: ignore[misc]
    """A server that records requests and answers from its script, or with "ok" if that is empty."""

    def __init__(self) -> None:
        #: The headers of each request, with names in lower case, and the body of each request.
        self.headers: list[dict[str, str]] = []
        self.bodies: list[Any] = []
        #: The next answers: each is a message, or the chunks of a stream, or a Failure.
        self.script: list[Any] = []
        super().__init__()
        self.base_url = self.url("127.0.0.1")

    def serve(self, connection: Connection) -> None:
        while True:
            head = connection.read_head()
            lines = (line.partition(":") for line in head.decode("latin-1").split("\r\n")[1:-2])
            self.headers.append({name.lower(): value.strip() for name, _, value in lines})
            self.bodies.append(json.loads(connection.read(content_length(head))))
            if self.script and isinstance(self.script[0], Failure):
                failure = self.script.pop(0)
                answer = (failure.body.encode(), failure.status, "application/json")
            elif self.bodies[-1].get("stream") is True:
                answer = (self.streamed_body(), "200 OK", "text/event-stream")
            else:
                answer = (self.unstreamed_body(), "200 OK", "application/json")
            connection.send(response(*answer, "X-Request-Id: req-1"))

    def unstreamed_body(self) -> bytes:
        message = self.script.pop(0) if self.script else {"role": "assistant", "content": "ok"}
        reason = "tool_calls" if message.get("tool_calls") else "stop"
        choice = {"index": 0, "message": message, "finish_reason": reason}
        return json.dumps(
            {
                "id": "c-1",
                "object": "chat.completion",
                "created": 1,
                "model": "m",
                "choices": [choice],
            }
        ).encode()

    def streamed_body(self) -> bytes:
        ok = [{"choices": [{"index": 0, "delta": {"content": "ok"}, "finish_reason": "stop"}]}]
        chunks = self.script.pop(0) if self.script else ok
        lines = [
            f"data: {json.dumps({'id': 'c-1', 'created': 1, 'model': 'm', **chunk})}\n\n"
            for chunk in chunks
        ]
        return ("".join(lines) + "data: [DONE]\n\n").encode()


@pytest.fixture
def echo() -> Iterator[Echo]:
    server = Echo()
    yield server
    server.stop()


def call(name: str, arguments: str, id: str = "call-1") -> dict[str, Any]:
    """A tool call of an answer."""
    return {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}


def request_calls(*calls: dict[str, Any]) -> dict[str, Any]:
    """An answer that requests tool calls."""
    return {"role": "assistant", "content": None, "tool_calls": list(calls)}


class OpenConnection(ScriptedServer):  # type: ignore[misc]
    """A server that sends a part of a stream, and waits until the client closes the connection."""

    def __init__(self, beginning: bytes = HEAD_UNTIL_CLOSE + CONTENT) -> None:
        self.is_closed = threading.Event()
        self._beginning = beginning
        super().__init__([])

    def serve(self, connection: Any) -> None:
        self.requests.append(connection.read_request())
        try:
            connection.send(self._beginning)
            connection.wait_for_end()
        finally:
            self.is_closed.set()


@pytest.fixture
def server() -> Iterator[OpenConnection]:
    server = OpenConnection()
    yield server
    server.stop()


@pytest.fixture
def silent_server() -> Iterator[OpenConnection]:
    server = OpenConnection(b"")
    yield server
    server.stop()


class Recording:
    """A recorded answer of the provider, parsed without the library."""

    def __init__(self, document: Any, reasoning: str, content: str) -> None:
        self.document, self.reasoning, self.content = document, reasoning, content


def recorded(name: str) -> Recording:
    """Returns a recording that the mock plays: an unstreamed answer (.json) or a stream (.sse)."""
    path = ROOT / "Sources" / "thinkwire-mock" / "recordings" / name
    if path.suffix == ".json":
        document = json.loads(path.read_text(encoding="utf-8"))
        message = document["choices"][0]["message"]
        return Recording(document, message.get("reasoning_content") or "", message["content"])
    lines = path.read_text(encoding="utf-8").splitlines()
    chunks = [
        json.loads(line[len("data:") :])
        for line in lines
        if line.startswith("data:") and "[DONE]" not in line
    ]
    deltas = [choice["delta"] for chunk in chunks for choice in chunk["choices"]]
    reasoning = "".join(delta.get("reasoning_content") or "" for delta in deltas)
    return Recording(chunks, reasoning, "".join(delta.get("content") or "" for delta in deltas))


def descriptors() -> int:
    """The number of open descriptors of this process."""
    return len(os.listdir("/proc/self/fd"))


def wait_for_descriptors(maximum: int) -> None:
    """Waits until the servers of this process, too, have closed their connections."""
    deadline = time.monotonic() + 20
    while descriptors() > maximum:
        assert time.monotonic() < deadline, f"{descriptors()} descriptors, not {maximum}"
        time.sleep(0.001)


def run_python(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs a program with this package in a new interpreter. Fails if the program fails."""
    completed = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=PACKAGE,
        capture_output=True,
        text=True,
        timeout=60 * SLOWNESS,
    )
    assert completed.returncode == 0, completed.stderr
    return completed
