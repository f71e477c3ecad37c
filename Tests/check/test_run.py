"""Tests/run.py runs all targets, prints their output in blocks, and fails if one of them fails."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from sources import ROOT

# Replaces make. Its last argument is the target.
FAKE_MAKE = """#!/bin/sh
for target; do :; done
echo "begin $target"
case $target in
    check-*-fails) status=3 ;;
    check-*-hangs) sleep 1000 ;;
    check-*-variables) echo "$@" ;;
esac
echo "end $target"
exit ${status:-0}
"""


@pytest.fixture
def make(tmp_path: Path) -> dict[str, str]:
    script = tmp_path / "make"
    script.write_text(FAKE_MAKE)
    script.chmod(0o755)
    return {**os.environ, "MAKE": str(script), "MAKEFLAGS": " -j2 --jobserver-auth=3,4 -- EVERY=16"}


def start(make: dict[str, str], *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(ROOT / "Tests/run.py"), *arguments],
        cwd="/",
        env=make,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_output_is_in_blocks_and_in_the_order_of_each_lane(make: dict[str, str]) -> None:
    run = start(make, "check-run-1 check-run-2", "check-run-3 check-run-4")
    output, _ = run.communicate(timeout=30)
    assert run.returncode == 0
    blocks = re.findall(r"^---- (\S+)\nbegin \1\nend \1\n---- \1 passed", output, re.MULTILINE)
    assert sorted(blocks) == [f"check-run-{number}" for number in range(1, 5)]
    assert blocks.index("check-run-1") < blocks.index("check-run-2")
    assert blocks.index("check-run-3") < blocks.index("check-run-4")
    assert "targets: 4 passed, 0 failed" in output


def test_free_lanes_take_the_shared_targets_in_order(make: dict[str, str]) -> None:
    shared = "check-shared-1 check-shared-2 check-shared-3"
    run = start(make, "--shared", shared, "check-run-1 check-run-2")
    output, _ = run.communicate(timeout=30)
    assert run.returncode == 0
    blocks = re.findall(r"^---- (\S+) passed", output, re.MULTILINE)
    assert blocks == ["check-run-1", "check-run-2", *shared.split()]
    run = start(make, "--shared", shared, "check-run-1", "check-run-2")
    output, _ = run.communicate(timeout=30)
    blocks = re.findall(r"^---- (\S+) passed", output, re.MULTILINE)
    assert sorted(blocks) == ["check-run-1", "check-run-2", *shared.split()]


def test_a_failure_fails_the_run_but_does_not_stop_other_targets(make: dict[str, str]) -> None:
    run = start(make, "check-run-fails check-run-after", "check-run-other")
    output, _ = run.communicate(timeout=30)
    assert run.returncode == 1
    assert "---- check-run-fails FAILED (status 3)" in output
    assert "end check-run-after" in output
    assert "targets: 2 passed, 1 failed" in output
    _, _, report = output.partition("targets: ")[0].rpartition("check-run-fails failed")
    assert "It ends with:\n    begin check-run-fails\n    end check-run-fails\n" in report


def test_variables_of_make_are_passed_on_but_not_its_flags(make: dict[str, str]) -> None:
    run = start(make, "--set", "BUILT=1", "check-run-variables")
    output, _ = run.communicate(timeout=30)
    assert "--no-print-directory EVERY=16 BUILT=1 check-run-variables" in output


def test_termination_ends_running_targets(make: dict[str, str]) -> None:
    log = ROOT / ".build/test/check-run-hangs.log"
    log.unlink(missing_ok=True)
    run = start(make, "check-run-hangs check-run-after")
    while not (log.exists() and "begin" in log.read_text()):
        assert run.poll() is None
    run.send_signal(signal.SIGTERM)
    output, _ = run.communicate(timeout=30)
    assert run.returncode == 143
    assert "check-run-after" not in output
