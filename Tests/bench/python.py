"""python.py BASE_URL: compares the Python binding with openai-python.

Prints the processor time per chunk of a stream, and how long new processes take to import each
package and to receive the first delta, next to Python itself. Both clients run in one process and
take turns.
"""

import os
import statistics
import subprocess
import sys
import time
from typing import Callable

import openai
from thinkwire import Client

CHUNKS, CHUNK_SIZE, ROUNDS = 5000, 20, 5
STARTED = 10
MODEL = f"mock/synthetic#chunks={CHUNKS},size={CHUNK_SIZE}"


def receive_with_thinkwire(client: Client) -> int:
    """Returns the number of characters received."""
    with client.stream(MODEL, "Hello") as stream:
        return sum(event.kind == "content" and len(event.text) for event in stream)


def receive_with_openai(client: openai.OpenAI) -> int:
    """Returns the number of characters received."""
    with client.chat.completions.create(
        model=MODEL, messages=[{"role": "user", "content": "Hello"}], stream=True
    ) as stream:
        return sum(len(chunk.choices[0].delta.content or "") for chunk in stream if chunk.choices)


def time_per_chunk(receive: Callable[[], int]) -> float:
    """The processor time per chunk in microseconds."""
    start = time.process_time()
    assert receive() == CHUNKS * CHUNK_SIZE
    return (time.process_time() - start) / CHUNKS * 1e6


#: What a new process does, by column and package.
STARTS = {
    "import": {
        "python": "pass",
        "thinkwire": "from thinkwire import Client",
        "openai": "from openai import OpenAI",
    },
    "first delta": {
        "python": "pass",
        "thinkwire": "from thinkwire import Client\n"
        "next(iter(Client(sys.argv[1], 'key').stream('mock/synthetic', 'Hello')))",
        "openai": "from openai import OpenAI\n"
        "client = OpenAI(base_url=sys.argv[1], api_key='key')\n"
        "messages = [{'role': 'user', 'content': 'Hello'}]\n"
        "next(iter(client.chat.completions.create("
        "model='mock/synthetic', messages=messages, stream=True)))",
    },
}


def start_time(program: str) -> float:
    """The time in milliseconds from the start of a process to the end of its program."""
    command = [sys.executable, "-c", f"import os, sys\n{program}\nos._exit(0)", sys.argv[1]]
    start = time.perf_counter()
    subprocess.run(command, check=True)
    return (time.perf_counter() - start) * 1e3


def print_start_times() -> None:
    # What a process has compiled is stored, as by the installation of a package.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    times: dict[tuple[str, str], list[float]] = {}
    for _ in range(STARTED):
        for column, programs in STARTS.items():
            for name, program in programs.items():
                times.setdefault((column, name), []).append(start_time(program))
    print(f"\nA new process, minimum of {STARTED}")
    print(f"{'':26} {'ms to import':>14} {'ms to 1st delta':>16}")
    for name in STARTS["import"]:
        columns = (min(times[column, name]) for column in STARTS)
        print("{:26} {:14.1f} {:16.1f}".format(name, *columns))


def main() -> None:
    thinkwire_client = Client(base_url=sys.argv[1], api_key="key")
    openai_client = openai.OpenAI(base_url=sys.argv[1], api_key="key", max_retries=0)
    costs: dict[str, list[float]] = {"thinkwire": [], "openai": []}
    for _ in range(ROUNDS):
        costs["thinkwire"].append(time_per_chunk(lambda: receive_with_thinkwire(thinkwire_client)))
        costs["openai"].append(time_per_chunk(lambda: receive_with_openai(openai_client)))
    version = sys.version.split()[0]
    print(f"\nPython {version}: {CHUNKS} chunks without pauses, median of {ROUNDS} rounds")
    print(f"{'':26} {'us CPU/chunk':>14}")
    for name, label in (
        ("thinkwire", "thinkwire"),
        ("openai", f"openai-python {openai.__version__}"),
    ):
        print(f"{label:26} {statistics.median(costs[name]):14.1f}")
    ratio = statistics.median(
        other / own for own, other in zip(costs["thinkwire"], costs["openai"])
    )
    print(f"{'':26} {ratio:13.1f}x")
    print_start_times()


if __name__ == "__main__":
    main()
