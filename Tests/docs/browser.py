"""A headless Chromium, which loads pages and reports what goes wrong in them.

The Chrome DevTools Protocol over a pipe: messages in JSON that end in a NUL.
https://chromedevtools.github.io/devtools-protocol/
"""

from __future__ import annotations

import itertools
import json
import os
import select
import subprocess
from pathlib import Path
from typing import Any

PIPE = 'exec "$@" 3<&0 4>&1 >/dev/null 2>&1'
OPTIONS = ["--headless", "--remote-debugging-pipe", "--no-first-run", "--disable-gpu"]
#: Seconds within which Chromium answers.
PATIENCE = 60
#: Events that say that a page has an error.
PROBLEMS = {
    "Runtime.exceptionThrown": lambda event: event["exceptionDetails"],
    "Runtime.consoleAPICalled": lambda event: (
        event["type"] in ("error", "assert") and event["args"]
    ),
    "Log.entryAdded": lambda event: event["entry"]["level"] == "error" and event["entry"],
}


class Browser:
    def __init__(self, profile: Path) -> None:
        # Its sandbox cannot be used by root.
        root = ["--no-sandbox"] * (os.geteuid() == 0)
        command = ["chromium", *OPTIONS, *root, f"--user-data-dir={profile}"]
        self.process = subprocess.Popen(
            ["sh", "-c", PIPE, "sh", *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self.numbers = itertools.count(1)
        self.session = None
        self.events: list[dict[str, Any]] = []
        self.rest = b""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self.session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def receive(self) -> dict[str, Any]:
        assert self.process.stdout
        while b"\0" not in self.rest:
            ready, _, _ = select.select([self.process.stdout], [], [], PATIENCE)
            assert ready, "Chromium does not answer"
            received = os.read(self.process.stdout.fileno(), 1 << 20)
            assert received, "Chromium has ended"
            self.rest += received
        text, _, self.rest = self.rest.partition(b"\0")
        message: dict[str, Any] = json.loads(text)
        return message

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Calls a method, and keeps the events that arrive before its result."""
        message = {"id": next(self.numbers), "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        assert self.process.stdin
        self.process.stdin.write(json.dumps(message).encode() + b"\0")
        self.process.stdin.flush()
        while True:
            answer = self.receive()
            if answer.get("id") == message["id"]:
                assert "error" not in answer, (method, answer)
                result: dict[str, Any] = answer["result"]
                return result
            self.events.append(answer)

    def load(self, url: str) -> list[Any]:
        """Loads a page with everything in it, and returns its errors."""
        self.events.clear()
        started = self.call("Page.navigate", url=url)
        assert "errorText" not in started, (url, started)
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            self.events.append(self.receive())
        # Scripts that the page has scheduled for this moment run before this one.
        self.evaluate("new Promise(done => requestAnimationFrame(() => setTimeout(done, 0)))")
        found = (
            PROBLEMS.get(e.get("method", ""), lambda _: None)(e["params"]) for e in self.events
        )
        return [problem for problem in found if problem]

    def evaluate(self, script: str) -> Any:
        """The value of an expression in the page, or of its promise."""
        done = self.call(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in done, done
        return done["result"].get("value")

    def close(self) -> None:
        self.session = None
        self.call("Browser.close")
        self.process.communicate(timeout=60)
