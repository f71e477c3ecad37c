"""Tables in Markdown. A figure is the median of several rounds, with the quartiles."""

from __future__ import annotations

import statistics
from collections.abc import Sequence


def figure(values: Sequence[float], decimals: int, unit: str = "") -> str:
    first, middle, third = statistics.quantiles(values, n=4, method="inclusive")
    return f"{middle:.{decimals}f}{unit} ({first:.{decimals}f}–{third:.{decimals}f})"


def ratio(values: Sequence[float], others: Sequence[float]) -> str:
    """The ratios of the values to others of the same round."""
    return figure([value / other for value, other in zip(values, others)], 2, "×")


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    print(f"\n{title}\n")
    print(f"| {' | '.join(columns)} |")
    print(f"|---|{'--:|' * (len(columns) - 1)}")
    for row in rows:
        print(f"| {' | '.join(row)} |", flush=True)
