"""The programs in bindings/python/examples."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from conftest import PACKAGE, OpenConnection, recorded
from thinkwire import EventKind

EXAMPLES = PACKAGE / "examples"


def environment(base_url: str) -> dict[str, str]:
    return {
        **os.environ,
        "THINKWIRE_BASE_URL": base_url,
        "THINKWIRE_API_KEY": "test",
        "PYTHONPATH": str(PACKAGE),
        "PYTHONUTF8": "1",
    }


@pytest.mark.slow
def test_fan_out_prints_the_reasoning_and_the_answer_of_four_models(base_url: str) -> None:
    completed = subprocess.run(
        [sys.executable, str(EXAMPLES / "fan_out.py"), "Hello"],
        env=environment(base_url),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert completed.returncode == 0, completed.stderr
    for model, name in [
        ("alibaba/qwen3-32b", "qwen3-32b.sse"),
        ("alibaba/qwen3-next-80b-a3b-thinking", "qwen3-next-80b-a3b-thinking.json"),
        ("alibaba/qwen3-vl-32b-thinking", "qwen3-vl-32b-thinking.json"),
        ("alibaba/qwen3.6-35b-a3b", "qwen3.6-35b-a3b.json"),
    ]:
        recording = recorded(name)
        for kind, text in (("reasoning", recording.reasoning), ("content", recording.content)):
            prefix = f"{model} {kind}: "
            printed = [line for line in completed.stdout.split("\n") if line.startswith(prefix)]
            assert [line[len(prefix) :] for line in printed] == text.split("\n")


@contextmanager
def web_server(base_url: str) -> Iterator[int]:
    """Runs the example and yields its port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    with subprocess.Popen(
        [sys.executable, "-u", str(EXAMPLES / "server_sent_events.py"), str(port)],
        env=environment(base_url),
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            assert "Running on" in process.stdout.readline()
            yield port
        finally:
            process.terminate()
        assert process.wait(60) == 0


@contextmanager
def question(port: int) -> Iterator[http.client.HTTPResponse]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("POST", "/chat", json.dumps({"question": "Hello"}))
    with connection.getresponse() as response:
        yield response
    connection.close()


@pytest.mark.slow
def test_web_server_forwards_the_stream(base_url: str) -> None:
    with web_server(base_url) as port, question(port) as response:
        assert response.headers["content-type"] == "text/event-stream"
        texts: dict[str, str] = {}
        for event in response.read().decode().split("\n\n")[:-1]:
            kind, data = (line.split(": ", 1)[1] for line in event.split("\n"))
            texts[kind] = texts.get(kind, "") + json.loads(data)
    recording = recorded("qwen3-32b.sse")
    assert texts == {
        EventKind.REASONING: recording.reasoning,
        EventKind.CONTENT: recording.content,
        "end": "stop",
    }


@pytest.mark.slow
def test_disconnection_of_the_browser_cancels_the_exchange() -> None:
    server = OpenConnection()
    with web_server(server.url("127.0.0.1")) as port:
        with question(port) as response:
            assert response.readline() == b"event: content\n"
        assert server.is_closed.wait(20)
    server.stop()
