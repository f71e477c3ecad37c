#!/usr/bin/env python3
"""Builds targets, replays earlier findings, and fuzzes two targets at a time. See README.md.

run.py --seconds 120 | --runs 1000000  [TARGET…]
"""

import argparse
import base64
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
OUT = HERE.parent.parent / ".build/fuzz"
TARGETS = ["exchange", "request", "chunks", "headers", "events", "json"]
# The maximum length of an input. A stream needs more bytes: the effect of a chunk shows in later
# ones.
LENGTHS = {"chunks": 4096}
# Swift's own crash report would delay libFuzzer. Leaks are detected at the end of a run, because a
# check after each input would take most of the time.
ENVIRONMENT = {
    **os.environ,
    "SWIFT_BACKTRACE": "enable=no",
    "ASAN_OPTIONS": "detect_leaks=1:malloc_context_size=6:quarantine_size_mb=16",
}


class Run:
    """The run of one target, and its result."""

    def __init__(self, target):
        self.target, self.executions, self.seconds, self.problem = target, 0, 0, None
        self.found = OUT / "found" / target
        self.log = OUT / f"{target}.log"

    def start(self, *arguments):
        """Runs the target with libFuzzer arguments; returns False if there is a finding."""
        with open(self.log, "w", encoding="utf-8") as log:
            command = [OUT / target_name(self.target), *arguments]
            code = subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=ENVIRONMENT
            ).returncode
        return code == 0

    def last_match(self, pattern):
        """The group of the last match of a pattern in the log; "" if there is no match."""
        return (
            re.findall(
                pattern, self.log.read_text(encoding="utf-8", errors="replace"), re.MULTILINE
            )
            or [""]
        )[-1]

    def explanation(self):
        """Lines of the log that tell where and why the target failed, and the input as base64."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        yield from [line for line in lines if re.match(r" +#\d", line)][:12]
        yield from (line for line in lines if re.search("violated:|Fatal error|ERROR", line))
        found = pathlib.Path(self.problem)
        if found.is_relative_to(self.found):
            yield base64.b64encode(found.read_bytes()).decode()

    def replay(self):
        """Replays earlier findings, with leak detection after each; returns False if one fails."""
        known = sorted((HERE / "findings" / self.target).glob("*"))
        if known and not self.start("-timeout=20", *map(str, known)):
            self.problem = self.last_match(r"^Running: (.*)")
        return self.problem is None

    def fuzz(self, limit):
        corpus = OUT / "corpus" / self.target
        for folder in (corpus, self.found):
            folder.mkdir(parents=True, exist_ok=True)
        succeeded = self.start(
            f"-artifact_prefix={self.found}/",
            f"-dict={HERE / 'tokens.dict'}",
            limit,
            f"-max_len={LENGTHS.get(self.target, 1024)}",
            "-timeout=20",
            "-detect_leaks=0",
            "-print_final_stats=1",
            str(corpus),
            str(OUT / "seeds" / self.target),
        )
        self.executions = int(self.last_match(r"^stat::number_of_executed_units: (\d+)") or 0)
        self.seconds = int(self.last_match(r"^Done \d+ runs in (\d+) second") or 0)
        if not succeeded and self.last_match("ERROR: LeakSanitizer"):
            self.problem = f"a leak; {OUT / self.target} -detect_leaks=1 {corpus} shows the input"
        elif not succeeded:
            self.problem = self.last_match(r"Test unit written to (\S+)") or str(self.log)
        elif not self.executions:
            self.problem = str(self.log)


def target_name(target):
    if target not in TARGETS:
        sys.exit(f"unknown target {target}: the targets are {', '.join(TARGETS)}")
    return target


def run_target(target, limit):
    run = Run(target)
    if run.replay():
        run.fuzz(limit)
    return run


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int)
    parser.add_argument("--runs", type=int)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("targets", nargs="*", metavar="TARGET")
    options = parser.parse_args()
    targets = [target_name(target) for target in options.targets or TARGETS]
    limit = f"-runs={options.runs}" if options.runs else f"-max_total_time={options.seconds or 120}"
    subprocess.run([HERE / "build.sh", OUT, *targets], check=True)
    subprocess.run([HERE / "seeds.py", OUT / "seeds"], check=True)
    with concurrent.futures.ThreadPoolExecutor(max_workers=options.jobs) as workers:
        runs = list(workers.map(lambda target: run_target(target, limit), targets))
    print(f"{'target':10}{'executions':>12}{'seconds':>9}{'crashes':>9}")
    for run in runs:
        print(f"{run.target:10}{run.executions:12}{run.seconds:9}{int(bool(run.problem)):9}")
    for run in runs:
        if run.problem:
            print(
                f"{run.target} has a finding: {run.problem}; its output is in {run.log}",
                file=sys.stderr,
            )
            print(*run.explanation(), sep="\n", file=sys.stderr)
    return 1 if any(run.problem for run in runs) else 0


sys.exit(main())
