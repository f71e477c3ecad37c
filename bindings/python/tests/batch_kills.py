"""Kills `thinkwire batch` at many moments: batch_kills.py KILLS INPUT OUTPUT MODEL

Python is started once. Each run is a child that is forked before anything was sent, executes the
whole command, and is killed with SIGKILL when it has written a random number of lines. On a busy
machine it has written more by then, so that all lines may be answered before the last kill. The
output is then checked, and the runs continue with an empty one.
"""

import json
import os
import random
import signal
import sys
from pathlib import Path

from thinkwire.batch.command import main


def start(arguments: list[str]) -> int:
    """Runs the command in a child and returns its process id."""
    child = os.fork()
    if child == 0:
        os._exit(main(arguments))
    return child


def size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def kill_after(arguments: list[str], output: Path, written: int) -> bool:
    """Kills a run when it has written this many bytes. Returns False if it ended before."""
    target = size(output) + written
    child = start(arguments)
    ended = status = 0
    while size(output) < target and not ended:
        ended, status = os.waitpid(child, os.WNOHANG)
        os.sched_yield()
    if not ended:
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.waitstatus_to_exitcode(status) == 0
    return os.WIFSIGNALED(status)


def ids(path: Path) -> list[str]:
    with path.open("rb") as file:
        return sorted(json.loads(line)["custom_id"] for line in file)


def run(kills: int, arguments: list[str], source: Path, output: Path) -> int:
    """Returns the number of runs that were killed."""
    random.seed(1)
    killed = 0
    while killed < kills:
        if kill_after(arguments, output, random.randrange(1, 2500)):
            killed += 1
        else:
            assert ids(output) == ids(source)
            output.unlink()
    _, status = os.waitpid(start(arguments), 0)
    assert os.waitstatus_to_exitcode(status) == 0
    return killed


if __name__ == "__main__":
    number, source, target, name = sys.argv[1:]
    print(
        run(
            int(number),
            [source, "-o", target, "-m", name, "-q", "--concurrency", "8"],
            Path(source),
            Path(target),
        )
    )
