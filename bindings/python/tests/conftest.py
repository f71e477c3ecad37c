"""A provider on the desk, and a client for it. Whatever is missing fails: nothing is ever skipped."""
from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
BUILT = ROOT / ".build" / "release"
PACKAGE = Path(__file__).resolve().parents[1]

# The library under test is the one just built, not one that happens to be installed.
os.environ.setdefault("THINKWIRE_LIBRARY", str(BUILT / "libthinkwire.so"))

# No key, address or proxy of whoever runs the tests may reach them.
for _name in list(os.environ):
    if _name in ("THINKWIRE_BASE_URL", "THINKWIRE_API_KEY", "THINKWIRE_DEBUG") or _name.endswith("_API_KEY"):
        del os.environ[_name]
    if _name.lower() in ("http_proxy", "https_proxy", "all_proxy", "openai_base_url"):
        del os.environ[_name]

from thinkwire import Client  # noqa: E402  (the environment comes first)

QWEN3 = "alibaba/qwen3-32b"
NEXT = "alibaba/qwen3-next-80b-a3b-thinking"
VL = "alibaba/qwen3-vl-32b-thinking"
QWEN36 = "alibaba/qwen3.6-35b-a3b"
SYNTHETIC = "mock/synthetic"


class Mock:
    """A running thinkwire-mock."""

    def __init__(self, *arguments: str) -> None:
        program = os.environ.get("THINKWIRE_MOCK", str(BUILT / "thinkwire-mock"))
        self._process = subprocess.Popen([program, "--port", "0", *arguments], stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.base_url = self._process.stdout.readline().strip()
        assert self.base_url.startswith("http://127.0.0.1:"), f"{program} began with {self.base_url!r}"

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(10)
        assert self._process.stdout is not None
        self._process.stdout.close()


@pytest.fixture(scope="session")
def mock() -> Iterator[Mock]:
    running = Mock()
    yield running
    running.stop()


@pytest.fixture
def base_url(mock: Mock) -> str:
    return mock.base_url


@pytest.fixture
def client(base_url: str) -> Iterator[Client]:
    with Client(base_url=base_url, api_key="test") as made:
        yield made


class Recording:
    """What the provider once answered, read here by other means than the library's."""

    def __init__(self, document: Any, reasoning: str, content: str) -> None:
        self.document, self.reasoning, self.content = document, reasoning, content


def recorded(name: str) -> Recording:
    """The recording that the mock plays: an answer in one piece (.json), or a stream (.sse)."""
    path = ROOT / "Sources" / "thinkwire-mock" / "recordings" / name
    if path.suffix == ".json":
        document = json.loads(path.read_text(encoding="utf-8"))
        message = document["choices"][0]["message"]
        return Recording(document, message.get("reasoning_content") or "", message["content"])
    lines = path.read_text(encoding="utf-8").splitlines()
    chunks = [json.loads(line[len("data:") :]) for line in lines if line.startswith("data:") and "[DONE]" not in line]
    deltas = [choice["delta"] for chunk in chunks for choice in chunk["choices"]]
    reasoning = "".join(delta.get("reasoning_content") or "" for delta in deltas)
    return Recording(chunks, reasoning, "".join(delta.get("content") or "" for delta in deltas))


def run_python(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs a program in an interpreter of its own, with this package, and gives what it printed; it must end well."""
    done = subprocess.run([sys.executable, "-c", program, *arguments], cwd=PACKAGE, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done
