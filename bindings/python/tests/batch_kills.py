"""Kills `thinkwire batch` at many moments: batch_kills.py KILLS INPUT OUTPUT MODEL

Python is started once. Each run is a child that is forked before anything was sent, executes the
whole command, and is killed with SIGKILL when it has written a random number of lines.
"""

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
    while size(output) < target:
        if os.waitpid(child, os.WNOHANG)[0]:
            return False
        os.sched_yield()
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def run(kills: int, arguments: list[str], output: Path) -> int:
    """Returns the number of runs that were killed."""
    random.seed(1)
    killed = sum(kill_after(arguments, output, random.randrange(1, 2500)) for _ in range(kills))
    _, status = os.waitpid(start(arguments), 0)
    assert os.waitstatus_to_exitcode(status) == 0
    return killed


if __name__ == "__main__":
    number, source, target, name = sys.argv[1:]
    print(
        run(
            int(number),
            [source, "-o", target, "-m", name, "-q", "--concurrency", "8"],
            Path(target),
        )
    )
