#!/usr/bin/env python3
"""Runs make targets in lanes: the targets of a lane one after another, the lanes side by side.

run.py [--set NAME=VALUE]… [--shared "TARGET…"] "TARGET…" ["TARGET…"]…

Each argument is a lane. A lane that has no target of its own left takes the next shared one, so
that all lanes end at about the same time. The output of a target is printed when the target ends,
and is kept in .build/test/TARGET.log. All targets run even if one fails; the exit status is 1 if
any did. The report repeats the end of a failed target's output.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOGS = ROOT / ".build/test"
# How many lines of a failed target's output the report repeats.
REPEATED_LINES = 40
# Lines further up that it repeats too: failed checks of the C programs and of the test runners.
FAILED_CHECK = re.compile(r"^\S+\.(c|h|py|swift):\d+: |\bFAILED\b|ended with wait status")


@dataclass
class Result:
    """How a target ended. `cpu` is the processor time of all its processes, in seconds."""

    target: str
    status: int
    seconds: float
    cpu: float


class Runner:
    """Runs targets and prints their output in blocks that never interleave."""

    def __init__(self, settings: list[str]) -> None:
        # Variables on the command line of the make that started this script are passed on; its
        # flags are not: they name a job server that these processes cannot use.
        _, _, given = os.environ.get("MAKEFLAGS", "").partition("-- ")
        make = os.environ.get("MAKE", "make")
        self.command = [make, "--no-print-directory", *shlex.split(given), *settings]
        dropped = {"MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES"}
        self.environment = {k: v for k, v in os.environ.items() if k not in dropped}
        self.printing = threading.Lock()
        self.starting = threading.Lock()
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.shared: deque[str] = deque()
        self.results: list[Result] = []
        self.is_stopping = False

    def run(self, target: str) -> None:
        log = LOGS / f"{target}.log"
        begin = time.monotonic()
        with open(log, "wb") as output:
            # Otherwise `stop` could miss a process that has just been started.
            with self.starting:
                if self.is_stopping:
                    return
                process = subprocess.Popen(
                    [*self.command, target],
                    cwd=ROOT,
                    env=self.environment,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
                self.running[target] = process
            # wait4 also returns the processor time of all descendants that were waited for.
            _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        del self.running[target]
        if self.is_stopping:
            return
        seconds, cpu = time.monotonic() - begin, usage.ru_utime + usage.ru_stime
        result = Result(target, process.returncode, seconds, cpu)
        with self.printing:
            self.results.append(result)
            print(f"---- {target}", flush=True)
            sys.stdout.buffer.write(log.read_bytes())
            outcome = "passed" if result.status == 0 else f"FAILED (status {result.status})"
            print(f"---- {target} {outcome} after {seconds:.0f} s\n", flush=True)

    def run_lane(self, targets: list[str]) -> None:
        own = deque(targets)
        while not self.is_stopping:
            try:
                target = own.popleft() if own else self.shared.popleft()
            except IndexError:
                return
            self.run(target)

    def run_lanes(self, lanes: list[list[str]], shared: list[str]) -> None:
        self.shared.extend(shared)
        threads = [threading.Thread(target=self.run_lane, args=[lane]) for lane in lanes]
        try:
            for thread in threads:
                thread.start()
            for thread in threads:
                # A signal that arrives just before `join` is noticed when it returns.
                while thread.is_alive():
                    thread.join(1)
        finally:
            self.stop()

    def stop(self) -> None:
        """Ends every process that a target which is still running has started."""
        with self.starting:
            self.is_stopping = True
        for process in list(self.running.values()):
            try:
                os.killpg(process.pid, signal.SIGTERM)
            except ProcessLookupError:
                pass

    def report(self) -> int:
        print(f"{'target':20}{'seconds':>9}{'cpu':>9}")
        for result in self.results:
            print(f"{result.target:20}{result.seconds:9.1f}{result.cpu:9.1f}", end="")
            print("  FAILED" if result.status else "")
        failed = [result.target for result in self.results if result.status]
        for target in failed:
            lines = (LOGS / f"{target}.log").read_text(errors="replace").splitlines()
            earlier = [line for line in lines[:-REPEATED_LINES] if FAILED_CHECK.search(line)]
            print(f"\n{target} failed; its output is in .build/test/{target}.log. It ends with:")
            for line in earlier[:REPEATED_LINES] + lines[-REPEATED_LINES:]:
                print(f"    {line}")
            print()
        print(f"targets: {len(self.results) - len(failed)} passed, {len(failed)} failed")
        return 1 if failed else 0


def main() -> int:
    parser = argparse.ArgumentParser(description="Runs make targets in lanes.")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--shared", default="", metavar="TARGETS")
    parser.add_argument("lanes", nargs="+", metavar="LANE", help="targets, separated by spaces")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    LOGS.mkdir(parents=True, exist_ok=True)
    runner = Runner(arguments.set)
    begin = time.monotonic()
    runner.run_lanes([lane.split() for lane in arguments.lanes], arguments.shared.split())
    status = runner.report()
    print(f"total: {time.monotonic() - begin:.0f} s", flush=True)
    return status


if __name__ == "__main__":
    sys.exit(main())
