#!/usr/bin/env python3
"""Measures workers that share the rate limit of a provider: simulate.py [SVG]

The provider is thinkwire-mock with a limit of 100 requests per second; it answers after two seconds
and rejects at once. Rejected requests count, too. The workers are those of thinkwire.ray, each with
an AsyncClient of its own that sends up to 16 requests at once over real connections, and the shared
rate is that of its actor. Only the cluster is simulated: all workers run in one event loop, and
call the actor directly. "Backoff only" permits each request at once, so that workers only wait
after rejections, with exponential backoff up to 30 s.
"""

import asyncio
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "bindings" / "python"), str(ROOT / "Tests" / "mock")]

import thinkwire.ray as cluster  # noqa: E402
from mock_process import Mock  # noqa: E402

LIMIT, ANSWER, SLOTS = 100, 2.0, 16
WORKERS = (10, 100, 1000)
#: Seconds before and of the measurement.
START, SECONDS = 15.0, 30.0


class LocalActor:
    """Calls the methods of an object as those of an actor: limits.request.remote(…)."""

    def __init__(self, target):
        self._target = target

    def __getattr__(self, name):
        return LocalMethod(getattr(self._target, name))


class LocalMethod:
    def __init__(self, method):
        self._method = method

    def remote(self, *arguments):
        result = asyncio.get_running_loop().create_future()
        result.set_result(self._method(*arguments))
        return result


class Unlimited:
    """Permits each request at once."""

    def request(self, tokens):
        return True, 0.0

    def correct(self, tokens):
        pass

    def rejected(self, age, pause):
        pass


async def simulate(workers, is_shared, *, limit=LIMIT, answer=ANSWER, start=START, seconds=SECONDS):
    """Returns the answers and the rejections within `seconds`, after the start."""
    mock = Mock("--rate", str(limit))
    limits = CountingLimits(cluster._Limits(None, None) if is_shared else Unlimited())
    client = {"base_url": mock.url, "api_key": "test", "max_retries": 0}
    model = f"mock/synthetic#chunks=1,delay={answer * 1000:.0f}"
    answers = 0

    async def keep_asking(worker, asking):
        nonlocal answers
        while True:
            reply, error = await worker._answer("Hello", asking)
            assert error is None or reply.http_status == 429, error
            answers += error is None

    tasks = []
    for _ in range(workers):
        worker = cluster._Worker(LocalActor(limits), client, model, {}, "prompt", SLOTS, 0)
        asking = asyncio.Lock()
        tasks += [asyncio.ensure_future(keep_asking(worker, asking)) for _ in range(SLOTS)]
    await asyncio.sleep(start)
    before = answers, limits.rejections
    await asyncio.sleep(seconds)
    counts = answers - before[0], limits.rejections - before[1]
    broken = [task for task in tasks if task.done()]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    mock.stop()
    for task in broken:
        task.result()
    return counts


class CountingLimits:
    """The limits of a simulation, which count the rejections."""

    def __init__(self, limits):
        self.request, self.correct = limits.request, limits.correct
        self.rejections = 0
        self._limits = limits

    def rejected(self, age, pause):
        self.rejections += 1
        self._limits.rejected(age, pause)


def draw(rows):
    """Returns a bar chart of throughput relative to the limit, as SVG."""
    colours = {True: "#2a7", False: "#c85"}
    parts = [
        '<svg xmlns="http://www.w3.org/2000/svg" width="560" height="300" font-family="sans-serif"'
        ' font-size="13">',
        '<rect width="560" height="300" fill="#fff"/>',
        '<text x="20" y="24">Throughput relative to the limit of the provider</text>',
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
    """Measures each case in a process of its own, which ends all of its clients."""
    rows = []
    for workers in WORKERS:
        results = {}
        for is_shared in (False, True):
            command = [sys.executable, __file__, "--case", str(workers), str(int(is_shared))]
            printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            answers, rejections = (int(number) for number in printed.split())
            results[is_shared] = 100 * answers / (LIMIT * SECONDS)
            name = "shared adaptive rate" if is_shared else "backoff only"
            print(
                f"{workers:5} workers, {name}: {results[is_shared]:.0f}% of the limit, "
                f"{rejections / max(1, answers):.2f} rejections per answer",
                flush=True,
            )
        rows.append((workers, results))
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(draw(rows), encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--case"]:
        print(*asyncio.run(simulate(int(sys.argv[2]), sys.argv[3] == "1")))
    else:
        main()
