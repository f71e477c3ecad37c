"""python.py BASE_URL: what a stream costs through the Python binding, beside openai-python, each in its turn in one process."""

import statistics
import subprocess
import sys
import time

import openai
from thinkwire import Client

base_url = sys.argv[1]
CHUNKS, ROUNDS = 5000, 5
model = f"mock/synthetic#chunks={CHUNKS},size=20"
ours = Client(base_url=base_url, api_key="key")
theirs = openai.OpenAI(base_url=base_url, api_key="key", max_retries=0)


def by_thinkwire() -> int:
    with ours.stream(model, "Hello") as stream:
        return sum(event.kind == "content" and len(event.text) for event in stream)


def by_openai() -> int:
    with theirs.chat.completions.create(
        model=model, messages=[{"role": "user", "content": "Hello"}], stream=True
    ) as stream:
        return sum(len(chunk.choices[0].delta.content or "") for chunk in stream if chunk.choices)


def import_time(module: str) -> float:
    code = f"import time; start = time.perf_counter(); import {module}; print(time.perf_counter() - start)"
    return float(
        subprocess.run(
            [sys.executable, "-c", code], check=True, capture_output=True, text=True
        ).stdout
    )


costs: dict[str, list[float]] = {"thinkwire": [], "openai": []}
for _ in range(ROUNDS):
    for name, receive in (("thinkwire", by_thinkwire), ("openai", by_openai)):
        start = time.process_time()
        assert receive() == CHUNKS * 20, name
        costs[name].append((time.process_time() - start) / CHUNKS * 1e6)
imports = {
    name: statistics.median(import_time(name) for _ in range(ROUNDS)) * 1e3 for name in costs
}

print(
    f"\nPython {sys.version.split()[0]}: one stream as fast as it comes: {CHUNKS} chunks, {ROUNDS} rounds"
)
print(f"{'':26} {'us CPU/chunk':>14} {'ms to import':>14}")
for name, label in (("thinkwire", "thinkwire"), ("openai", f"openai-python {openai.__version__}")):
    print(f"{label:26} {statistics.median(costs[name]):14.1f} {imports[name]:14.0f}")
ratio = statistics.median(b / a for a, b in zip(costs["thinkwire"], costs["openai"]))
print(f"{'':26} {ratio:13.1f}x {imports['openai'] / imports['thinkwire']:13.1f}x")
