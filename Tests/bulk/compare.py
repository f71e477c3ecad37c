#!/usr/bin/env python3
"""Compares bulk processing with other clients: answers per second and memory.

    compare.py LIBRARY MOCK VENV LINES…

sends LINES prompts to thinkwire-mock with `thinkwire batch`, with AsyncOpenAI, asyncio and a
semaphore, and with litellm.batch_completion, one after another, and prints a table. VENV is a
virtual environment with openai and litellm. The other clients are measured up to 10,000 lines,
unless OTHERS_UP_TO says otherwise: they take too long. Fails if the memory of `thinkwire batch`
grows with the number of lines.
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MODEL = "mock/synthetic#chunks=1"
CONCURRENCY = 200
OTHERS_UP_TO = int(os.environ.get("OTHERS_UP_TO", "10000"))
#: Between the smallest and the largest file. 2 MiB are the cache of the ids.
MAXIMUM_GROWTH_MIB = 5


def prompts(path):
    with open(path, encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            yield row["custom_id"], [{"role": "user", "content": row["prompt"]}]


def write(file, custom_id, document):
    line = {"custom_id": custom_id, "response": {"status_code": 200, "body": document}}
    file.write(json.dumps(line) + "\n")


def by_openai(source, target):
    from openai import AsyncOpenAI

    async def run():
        client, semaphore = AsyncOpenAI(), asyncio.Semaphore(CONCURRENCY)

        async def ask(custom_id, messages):
            async with semaphore:
                completion = await client.chat.completions.create(model=MODEL, messages=messages)
            write(file, custom_id, completion.model_dump())

        with open(target, "w", encoding="utf-8") as file:
            await asyncio.gather(*(ask(*prompt) for prompt in prompts(source)))

    asyncio.run(run())


def by_litellm(source, target):
    import litellm

    ids, messages = zip(*prompts(source))
    replies = litellm.batch_completion(
        model=f"openai/{MODEL}", messages=list(messages), max_workers=CONCURRENCY
    )
    with open(target, "w", encoding="utf-8") as file:
        for custom_id, reply in zip(ids, replies):
            write(file, custom_id, reply.model_dump())


OTHERS = {"openai": by_openai, "litellm": by_litellm}


def measured(command, environment, target, lines):
    """Returns seconds, processor seconds and MiB of a process that answers all lines."""
    started = time.monotonic()
    process = subprocess.Popen(command, env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - started
    with open(target, "rb") as file:
        complete = sum(1 for line in file if b'"status_code":' in line)
    assert status == 0 and complete == lines, (command, status, complete)
    return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def compare(library, mock, venv, sizes):
    server = subprocess.Popen([mock, "--port", "0"], stdout=subprocess.PIPE, text=True)
    url = server.stdout.readline().strip()
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT / "bindings" / "python"),
        "THINKWIRE_LIBRARY": os.path.abspath(library),
        "THINKWIRE_BASE_URL": url,
        "OPENAI_BASE_URL": url,
        "OPENAI_API_KEY": "test",
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    }
    python = os.path.join(venv, "bin", "python")
    print(
        "| client | lines | answers/s | processor time per line | memory |\n|---|---|---|---|---|"
    )
    memory_of_ours = []
    with tempfile.TemporaryDirectory() as directory:
        source, target = (os.path.join(directory, name) for name in ("in.jsonl", "out.jsonl"))
        for lines in sizes:
            with open(source, "w", encoding="utf-8") as file:
                for number in range(lines):
                    row = {"custom_id": f"line-{number}", "prompt": f"Question {number}"}
                    file.write(json.dumps(row) + "\n")
            ours = ["-m", "thinkwire", "batch", source, "-o", target, "-m", MODEL, "-q"]
            ours += ["--concurrency", str(CONCURRENCY)]
            commands = {"thinkwire batch": ours}
            if lines <= OTHERS_UP_TO:
                commands |= {name: [__file__, name, source, target] for name in OTHERS}
            for name, arguments in commands.items():
                seconds, processor, memory = measured(
                    [python, *arguments], environment, target, lines
                )
                os.unlink(target)
                if name == "thinkwire batch":
                    memory_of_ours.append(memory)
                print(
                    f"| {name} | {lines:,} | {lines / seconds:,.0f} "
                    f"| {processor / lines * 1e6:,.0f} µs | {memory:,.0f} MiB |",
                    flush=True,
                )
    server.terminate()
    assert server.wait() == 0
    growth = max(memory_of_ours) - min(memory_of_ours)
    if growth > MAXIMUM_GROWTH_MIB:
        sys.exit(f"the memory of `thinkwire batch` grew by {growth:.0f} MiB with the lines")


if __name__ == "__main__":
    if sys.argv[1] in OTHERS:
        OTHERS[sys.argv[1]](*sys.argv[2:])
    else:
        compare(*sys.argv[1:4], [int(number) for number in sys.argv[4:]])
