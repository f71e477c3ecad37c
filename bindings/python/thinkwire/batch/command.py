"""The command `thinkwire batch`."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import resource
import shlex
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Optional

from ..async_client import AsyncClient
from ..errors import Error
from .cost import recorded_cost
from .inputs import InputError, count, read
from .journal import Journal, JournalError
from .progress import Progress, display
from .runner import Runner, Settings

#: The exit statuses.
ALL_ANSWERED, SOME_FAILED, NOT_STARTED, STOPPED, INTERRUPTED = 0, 1, 2, 3, 130

#: The smallest positive number.
_SMALLEST = sys.float_info.min

_DESCRIPTION = """\
Sends the prompts of a file and appends one line to the output for each answer.

The input is an OpenAI batch file, JSON lines with "prompt" or "messages", or a .csv or .parquet
file with such columns (Parquet requires pyarrow). The output has the format of OpenAI batch
results. If the output exists, the run continues it: lines with a result are not sent again.
"""

_EPILOG = """\
exit status:
  0    every line has an answer
  1    every line has a result, and some of them are failures; --retry-failed sends these again
  2    the arguments, the input or the output cannot be used; nothing was sent
  3    stopped early: --max-cost, a rejected key, an empty account, a server that cannot be
       reached, or a failure of the disk
  130  interrupted; the same command continues
"""


def main(arguments: Sequence[str]) -> int:
    """Runs the command and returns its exit status."""
    parsed = _parser().parse_args(arguments)
    parsed.prices = tuple(parsed.prices) if parsed.prices else None
    try:
        # Everything is checked before anything is sent.
        total = count(parsed.input, parsed.model)
        progress = Progress(total)

        def count_cost(line: dict[str, Any]) -> None:
            cost, unit = recorded_cost(line, parsed.prices)
            if cost is not None:
                progress.add_cost(cost, unit)

        if parsed.output.exists() and parsed.output.samefile(parsed.input):
            raise JournalError(f"{parsed.output}: the output is the input; choose another file")
        journal = Journal(parsed.output, retry_failed=parsed.retry_failed, loaded=count_cost)
        _check_results(journal, parsed)
    except (InputError, JournalError, OSError, ValueError) as error:
        _report(f"{error}")
        return NOT_STARTED
    except KeyboardInterrupt:
        return INTERRUPTED
    parsed.concurrency = _permitted_concurrency(parsed.concurrency)
    progress.started = time.monotonic()
    try:
        reason, status = asyncio.run(_run(parsed, journal, progress))
    except Error as error:
        reason, status = f"{error}", STOPPED if progress.answered else NOT_STARTED
    try:
        journal.close()
    except OSError as error:
        reason, status = f"{parsed.output}: {error}", STOPPED
    failed = journal.failed + progress.failed
    if reason is not None:
        command = shlex.join(["thinkwire", "batch", *arguments])
        _report(f"{reason}; to continue: {command}")
    elif failed:
        status = SOME_FAILED
        _report(f"{failed} lines failed; --retry-failed sends them again")
    return status


def _check_results(journal: Journal, parsed: argparse.Namespace) -> None:
    """Raises JournalError if a result is that of another input. Closes the journal then."""
    try:
        if journal.finished:
            for line in read(parsed.input, parsed.model):
                journal.check_result(line)
    except BaseException:
        journal.close()
        raise


def _permitted_concurrency(wanted: int) -> int:
    """Permits as many open files as the connections need, or returns how many are possible."""
    # Besides connections, the process has files, sockets and modules open.
    others = 64
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted + others
    if soft == resource.RLIM_INFINITY or needed <= soft:
        return wanted
    raised = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (raised, hard))
        soft = raised
    possible = max(1, min(wanted, soft - others))
    if possible < wanted:
        _report(f"at most {possible} requests at once, because of the limit of open files")
    return possible


def _report(text: str) -> None:
    """Prints a message, unless the reader of standard error has ended."""
    with contextlib.suppress(OSError):
        print(f"thinkwire batch: {text}", file=sys.stderr, flush=True)


async def _run(
    parsed: argparse.Namespace, journal: Journal, progress: Progress
) -> tuple[Optional[str], int]:
    """Returns why the run stopped early, or None, and the exit status."""
    settings = Settings(
        concurrency=parsed.concurrency,
        retries=parsed.retries,
        rpm=parsed.rpm,
        tpm=parsed.tpm,
        max_cost=parsed.max_cost,
        prices=parsed.prices,
    )
    async with AsyncClient(parsed.base_url, max_retries=0, timeout=parsed.timeout) as client:
        client.max_exchanges = client.max_connections = parsed.concurrency
        runner = Runner(client, journal, settings, progress)
        lines = read(parsed.input, parsed.model)
        run = asyncio.ensure_future(runner.run(lines, display(progress, parsed.quiet)))
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, run.cancel)
        try:
            await run
        except asyncio.CancelledError:
            return "interrupted", INTERRUPTED
        except (OSError, InputError) as error:
            return f"{error}", STOPPED
        return runner.stop_reason, STOPPED if runner.stop_reason else ALL_ANSWERED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="thinkwire batch",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("input", type=Path, help="the file with the prompts")
    add("-o", "--output", type=Path, required=True, help="the file to append the results to")
    add("-m", "--model", help="the model of all lines, in place of the one that they name")
    add("--base-url", help="the endpoint, in place of that of the environment")
    add(
        "--concurrency",
        type=_number(int, minimum=1),
        default=200,
        metavar="N",
        help="maximum of requests at once, which a run approaches in steps; default: 200",
    )
    add("--rpm", type=_number(), metavar="N", help="maximum of requests per minute")
    add("--tpm", type=_number(), metavar="N", help="maximum of tokens per minute")
    add(
        "--max-cost",
        type=_number(),
        metavar="N",
        help="stop before the cost of all lines of the output exceeds N, in the unit that the "
        "server reports; that of requests in progress is estimated from the answers so far",
    )
    add(
        "--prices",
        type=_number(minimum=0),
        nargs=2,
        metavar=("IN", "OUT"),
        help="USD per million tokens of the prompts and of the answers, to compute the cost",
    )
    add(
        "--retries",
        type=_number(int, minimum=0),
        default=4,
        metavar="N",
        help="attempts after a failure; default: 4",
    )
    add("--timeout", type=_number(), metavar="S", help="seconds for one answer")
    add("--retry-failed", action="store_true", help="send the lines again that failed")
    add("-q", "--quiet", action="store_true", help="show no progress")
    return parser


class _number:
    """Converts an argument to a finite number, which is positive if there is no minimum."""

    def __init__(self, kind: type = float, *, minimum: float = _SMALLEST) -> None:
        self._kind = kind
        self._minimum = minimum
        self.__name__ = "number" if minimum == 0 else "positive number"

    def __call__(self, text: str) -> float:
        number: float = self._kind(text)
        if not self._minimum <= number < float("inf"):
            raise ValueError
        return number
