"""python.py BASE_URL: compares the Python binding with openai-python.

Prints the processor time per chunk of a stream, and the time to import each package. Both clients
run in one process and take turns.
"""

import statistics
import subprocess
import sys
import time
from typing import Callable

import openai
from thinkwire import Client

CHUNKS, CHUNK_SIZE, ROUNDS = 5000, 20, 5
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


def import_time(module: str) -> float:
    """The time in milliseconds that a new process needs to import a module."""
    code = (
        f"import time; start = time.perf_counter(); import {module}; "
        "print(time.perf_counter() - start)"
    )
    command = [sys.executable, "-c", code]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return float(output) * 1e3


def main() -> None:
    thinkwire_client = Client(base_url=sys.argv[1], api_key="key")
    openai_client = openai.OpenAI(base_url=sys.argv[1], api_key="key", max_retries=0)
    costs: dict[str, list[float]] = {"thinkwire": [], "openai": []}
    for _ in range(ROUNDS):
        costs["thinkwire"].append(time_per_chunk(lambda: receive_with_thinkwire(thinkwire_client)))
        costs["openai"].append(time_per_chunk(lambda: receive_with_openai(openai_client)))
    imports = {name: statistics.median(import_time(name) for _ in range(ROUNDS)) for name in costs}
    version = sys.version.split()[0]
    print(f"\nPython {version}: {CHUNKS} chunks without pauses, median of {ROUNDS} rounds")
    print(f"{'':26} {'us CPU/chunk':>14} {'ms to import':>14}")
    for name, label in (
        ("thinkwire", "thinkwire"),
        ("openai", f"openai-python {openai.__version__}"),
    ):
        print(f"{label:26} {statistics.median(costs[name]):14.1f} {imports[name]:14.0f}")
    ratio = statistics.median(
        other / own for own, other in zip(costs["thinkwire"], costs["openai"])
    )
    print(f"{'':26} {ratio:13.1f}x {imports['openai'] / imports['thinkwire']:13.1f}x")


if __name__ == "__main__":
    main()
