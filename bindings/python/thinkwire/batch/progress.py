"""The progress of a run: counts, and their display."""

from __future__ import annotations

import contextlib
import sys
import time
from dataclasses import dataclass, field
from typing import Any, Callable, Optional

#: Seconds between two lines if there is no progress bar.
_INTERVAL = 10.0


@dataclass
class Progress:
    """What a run has done."""

    total: int
    #: Lines that an earlier run has finished, as far as the input was read.
    skipped: int = 0
    answered: int = 0
    failed: int = 0
    tokens: int = 0
    #: The cost of the lines that earlier runs and this one have finished; None if it is unknown.
    cost: Optional[float] = None
    cost_unit: str = "USD"
    started: float = field(default_factory=time.monotonic)

    def add_cost(self, cost: float, unit: str) -> None:
        self.cost, self.cost_unit = (self.cost or 0.0) + cost, unit

    def summary(self, now: float) -> str:
        """Returns the counts as one line."""
        finished = self.answered + self.failed
        elapsed = max(now - self.started, 1e-9)
        parts = [f"{self.skipped + finished}/{self.total}", f"{finished / elapsed:.1f} answers/s"]
        if self.failed:
            parts.append(f"{self.failed} failed")
        if self.tokens:
            parts.append(f"{self.tokens / elapsed:.0f} tokens/s")
        if self.cost is not None:
            parts.append(f"{self.cost:.4f} {self.cost_unit}")
        left = self.total - self.skipped - finished
        if finished and left:
            parts.append(f"{_clock(left * elapsed / finished)} left")
        return ", ".join(parts)


def display(progress: Progress, quiet: bool) -> Callable[[bool], None]:
    """Returns a function that shows the progress; its argument is true at the end.

    A terminal shows a bar of tqdm or rich if one of them is installed. Otherwise a line is printed
    to standard error every ten seconds, and at the end.
    """
    show = _nothing if quiet else _bar(progress) if sys.stderr.isatty() else _lines(progress)

    def show_if_possible(is_last: bool) -> None:
        # The reader of standard error may have ended; the run continues.
        with contextlib.suppress(OSError):
            show(is_last)

    return show_if_possible


def _nothing(is_last: bool) -> None:
    pass


def _bar(progress: Progress) -> Callable[[bool], None]:
    for bar in (_tqdm, _rich):
        try:
            return bar(progress)
        except ImportError:
            continue
    return _lines(progress)


def _lines(progress: Progress) -> Callable[[bool], None]:
    shown = time.monotonic()

    def show(is_last: bool) -> None:
        nonlocal shown
        now = time.monotonic()
        if is_last or now - shown >= _INTERVAL:
            shown = now
            print(progress.summary(now), file=sys.stderr, flush=True)

    return show


def _tqdm(progress: Progress) -> Callable[[bool], None]:
    import tqdm

    bar: Any = tqdm.tqdm(total=progress.total, bar_format="{percentage:3.0f}%|{bar}| {desc}")

    def show(is_last: bool) -> None:
        bar.n = progress.skipped + progress.answered + progress.failed
        bar.set_description_str(progress.summary(time.monotonic()))
        if is_last:
            bar.close()

    return show


def _rich(progress: Progress) -> Callable[[bool], None]:
    import rich.console
    import rich.progress

    # By default, rich writes to standard output.
    bar: Any = rich.progress.Progress(
        rich.progress.BarColumn(),
        rich.progress.TextColumn("{task.description}"),
        console=rich.console.Console(stderr=True),
    )
    task = bar.add_task("", total=progress.total)
    bar.start()

    def show(is_last: bool) -> None:
        finished = progress.skipped + progress.answered + progress.failed
        bar.update(task, completed=finished, description=progress.summary(time.monotonic()))
        if is_last:
            bar.stop()

    return show


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"
