#!/usr/bin/env python3
"""Simulates workers that share a rate limit, and draws the result: simulate.py [SVG]

The provider permits 100 requests per second, answers in two seconds and rejects in 50 ms. It counts
rejected requests too, as OpenAI documents. Each worker sends up to 16 requests at once, for ten
minutes. With the shared rate, workers ask thinkwire.batch.shared_rate.SharedRate, the code of the
actor of thinkwire.ray, before each request. Without it, each request only retries with exponential
backoff, up to 30 s. The time is simulated, and so are the network and Ray.
"""

import heapq
import itertools
import random
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bindings" / "python"))

from thinkwire.batch.retries import backoff  # noqa: E402
from thinkwire.batch.shared_rate import SharedRate  # noqa: E402

LIMIT, ANSWER, REJECTION, SLOTS, SECONDS = 100, 2.0, 0.05, 16, 600
WORKERS = (10, 100, 1000)


class Provider:
    """A token bucket with one second's share, which rejected requests empty, too."""

    def __init__(self):
        self.level, self.time, self.accepted, self.rejected = float(LIMIT), 0.0, 0, 0

    def accepts(self, now):
        self.level = min(LIMIT, self.level + (now - self.time) * LIMIT)
        self.time = now
        is_accepted = self.level >= 1
        self.level = max(0.0, self.level - 1)
        if is_accepted:
            self.accepted += 1
        else:
            self.rejected += 1
        return is_accepted


def simulate(workers, is_shared):
    """Returns the provider after the simulated time."""
    random.seed(workers)
    provider, rate, order = Provider(), SharedRate(None, None, 0), itertools.count()
    events = []

    def at(time, action, *arguments):
        heapq.heappush(events, (time, next(order), action, arguments))

    # Each worker has a queue of requests (attempts so far) that want to ask for permission.
    waiting = [[0] * SLOTS for _ in range(workers)]

    def ask(now, worker):
        """Asks for the first request of a worker; the next one asks when it was sent."""
        if not is_shared:
            for attempts in waiting[worker]:
                send(now, worker, attempts)
            waiting[worker].clear()
            return
        if not waiting[worker]:
            return
        is_permitted, wait = rate.request(1, now)
        if is_permitted:
            at(now + wait, send, worker, waiting[worker].pop(0))
            at(now + wait, ask, worker)
        else:
            at(now + wait, ask, worker)

    def send(now, worker, attempts):
        if provider.accepts(now):
            at(now + ANSWER, again, worker, 0)
            return
        if is_shared:
            at(now + REJECTION, reject, now)
        at(now + REJECTION + backoff(attempts + 1), again, worker, attempts + 1)

    def reject(now, sent_at):
        rate.rejected(sent_at, 0, now)

    def again(now, worker, attempts):
        waiting[worker].append(attempts)
        if not is_shared or len(waiting[worker]) == 1:
            ask(now, worker)

    for worker in range(workers):
        at(random.random(), ask, worker)
    while events[0][0] < SECONDS:
        now, _, action, arguments = heapq.heappop(events)
        action(now, *arguments)
    return provider


def draw(rows):
    """Returns a bar chart of throughput relative to the limit, as SVG."""
    colours = {True: "#2a7", False: "#c85"}
    parts = [
        '<svg xmlns="http://www.w3.org/2000/svg" width="560" height="300" font-family="sans-serif"'
        ' font-size="13">',
        '<rect width="560" height="300" fill="#fff"/>',
        '<text x="20" y="24">Throughput relative to the limit of the provider (simulated)</text>',
    ]
    for percent in (0, 50, 100):
        y = 240 - 1.8 * percent
        parts.append(f'<path d="M60 {y}H540" stroke="#ccc"/>')
        parts.append(f'<text x="52" y="{y + 4}" text-anchor="end">{percent}%</text>')
    for index, (workers, results) in enumerate(rows):
        x = 90 + 155 * index
        for offset, is_shared in ((0, False), (55, True)):
            percent = results[is_shared]
            top = 240 - 1.8 * percent
            parts.append(
                f'<rect x="{x + offset}" y="{top:.1f}" width="48" height="{1.8 * percent:.1f}"'
                f' fill="{colours[is_shared]}"/>'
            )
            parts.append(
                f'<text x="{x + offset + 24}" y="{top - 5:.1f}" text-anchor="middle">'
                f"{percent:.0f}%</text>"
            )
        parts.append(f'<text x="{x + 52}" y="258" text-anchor="middle">{workers:,} workers</text>')
    for x, is_shared, text in ((90, False, "backoff only"), (300, True, "shared adaptive rate")):
        parts.append(f'<rect x="{x}" y="275" width="12" height="12" fill="{colours[is_shared]}"/>')
        parts.append(f'<text x="{x + 18}" y="286">{text}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def main():
    rows = []
    for workers in WORKERS:
        results = {}
        for is_shared in (False, True):
            provider = simulate(workers, is_shared)
            results[is_shared] = 100 * provider.accepted / (LIMIT * SECONDS)
            name = "shared adaptive rate" if is_shared else "backoff only"
            print(
                f"{workers:5} workers, {name}: {results[is_shared]:.0f}% of the limit, "
                f"{provider.rejected / provider.accepted:.2f} rejections per answer"
            )
        rows.append((workers, results))
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(draw(rows), encoding="utf-8")


if __name__ == "__main__":
    main()
