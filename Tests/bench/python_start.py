"""python_start.py BASE_URL PACKAGE: how long new processes take to their first delta.

Measures the processor time and the elapsed time of an import, and of an import and a stream up to
its first delta, next to those of Python itself. Packages are compiled, as after an installation:
PACKAGE is a directory that contains `thinkwire`, which is copied and compiled. What ctypes and
libcurl need is in rows of its own, because no package that uses them can do without.
"""

from __future__ import annotations

import compileall
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

from tables import figure, print_table

OPENAI = """
from openai import OpenAI
client = OpenAI(base_url=sys.argv[1], api_key='key')
messages = [{'role': 'user', 'content': 'Hello'}]
next(iter(client.chat.completions.create(model='mock/synthetic', messages=messages, stream=True)))
"""
LITER_LLM = """
import asyncio
import liter_llm
async def main():
    client = liter_llm.create_client(api_key='key', base_url=sys.argv[1])
    message = liter_llm.Message.from_user({'role': 'user', 'content': 'Hello'})
    request = liter_llm.ChatCompletionRequest(model='mock/synthetic', messages=[message])
    await anext(liter_llm.chat_stream(client, request))
asyncio.run(main())
"""
THINKWIRE = """
from thinkwire import Client
next(iter(Client(sys.argv[1], 'key').stream('mock/synthetic', 'Hello')))
"""

#: What a process executes, and how many are measured.
PROGRAMS = {
    "python": ("", 20),
    "import ctypes": ("import ctypes", 20),
    "import ctypes, and dlopen of libcurl.so.4": ("import ctypes; ctypes.CDLL('libcurl.so.4')", 20),
    "import thinkwire": ("from thinkwire import Client", 20),
    "import openai": ("from openai import OpenAI", 3),
    "import liter_llm": ("import liter_llm", 3),
    "first delta with thinkwire": (THINKWIRE, 20),
    "first delta with openai-python": (OPENAI, 3),
    "first delta with liter-llm": (LITER_LLM, 3),
}


def run(program: str, base_url: str) -> tuple[float, float]:
    """Returns the processor time and the elapsed time of a process in milliseconds."""
    code = f"import os, sys\n{program}\nos._exit(0)"
    start = time.perf_counter()
    process = os.posix_spawn(sys.executable, [sys.executable, "-c", code, base_url], os.environ)
    _, status, usage = os.wait4(process, 0)
    elapsed = time.perf_counter() - start
    assert status == 0, program
    return (usage.ru_utime + usage.ru_stime) * 1e3, elapsed * 1e3


def main(base_url: str, package: str) -> None:
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in PROGRAMS}
    with tempfile.TemporaryDirectory() as directory:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(Path(package, "thinkwire"), Path(directory, "thinkwire"), ignore=ignored)
        assert compileall.compile_dir(directory, quiet=1)
        os.environ["PYTHONPATH"] = directory
        for round_ in range(-1, max(count for _, count in PROGRAMS.values())):
            for name, (program, count) in PROGRAMS.items():
                if round_ < count:
                    measured = run(program, base_url)
                    if round_ >= 0:  # The first process of each kind fills the caches.
                        times[name].append(measured)
    bare = min(cpu for cpu, _ in times["python"])
    rows = []
    for name, of_program in times.items():
        cpu, elapsed = zip(*of_program)
        added = f"{min(cpu) - bare:+.1f}"
        rows.append((name, figure(cpu, 1), f"{min(cpu):.1f}", added, figure(elapsed, 1)))
    columns = ("program", "ms CPU", "minimum", "to python", "ms elapsed")
    print_table("New processes", columns, rows)


if __name__ == "__main__":
    main(*sys.argv[1:])
