"""mypy finds misspelled arguments and wrong types in programs that use the package."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import PACKAGE

#: Lines that end in "# error" must be rejected; all others must be accepted.
PROGRAM = """
from dataclasses import dataclass
from thinkwire import AsyncClient, Client, OpenAI, Status, Stream, Timeout

@dataclass
class Place:
    name: str

def weather(city: str) -> str:
    return city

client = Client(timeout=5, max_retries=0)
Client(max_retry=0)  # error
Client(max_retries="2")  # error
client.with_options(timeout=Timeout(connect=1), base_url="http://localhost/v1").send("m", "Hello")
client.with_options(time_out=1)  # error
OpenAI(api_key="key", default_headers={"X-Title": "Test"})
OpenAI(default_header={})  # error

reply = client.send(
    "m", "Hello", system="Be brief.", temperature=0.2, max_tokens=10, top_p=0.9, stop=["a"],
    seed=1, tools=[weather, {"type": "function"}], tool_choice="auto", response_format=Place,
    thinking="low", timeout=5, extra_body={"anything": 1}, extra_headers={"a": "b"},
)
place: Place = reply.parse(Place)
client.send("m", "Hello", temperatures=0.2)  # error
client.send("m", "Hello", temperature="warm")  # error
client.send("m", "Hello", max_tokens=[1])  # error
client.send("m", "Hello", my_field=1)  # error
client.run("m", "Hello", tools=[weather], max_rounds=2, top_p=1)
client.run("m", "Hello", tools=[weather], max_round=2)  # error
stream: Stream = client.stream("m", "Hello", stop="a")
client.stream("m", "Hello", stops="a")  # error
client.stream("m", "Hello", on_event=print, seed=1).content
client.chat.completions.create(model="m", messages="Hello", n=2)
client.chat.completions.create(model="m", message="Hello")  # error
for chunk in client.chat.completions.create(model="m", messages="Hello", stream=True, seed=1):
    print(chunk.choices)

async def main() -> None:
    client = AsyncClient()
    await client.send("m", "Hello", seed=1)
    await client.send("m", "Hello", sed=1)  # error
    async for event in client.stream("m", "Hello", thinking=True):
        print(event.txt)  # error
    completion = await client.chat.completions.create(model="m", messages="Hello", logprobs=True)
    await client.chat.completions.create(model="m", messages="Hello", logprob=True)  # error

status: Status = reply.status
status.label  # error
"""


@pytest.mark.slow
def test_mypy_rejects_misspelled_arguments(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM, encoding="utf-8")
    completed = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file=", str(program)],
        cwd=tmp_path,
        env={**os.environ, "MYPYPATH": str(PACKAGE)},
        capture_output=True,
        text=True,
    )
    lines = PROGRAM.splitlines()
    expected = {n for n, line in enumerate(lines, 1) if line.endswith("# error")}
    found = {int(n) for n in re.findall(r"^program\.py:(\d+): error", completed.stdout, re.M)}
    assert found == expected, completed.stdout + completed.stderr
    assert len(expected) >= 14
    # Older versions of mypy add notes where the package declares a name.
    assert not re.search(r"thinkwire/\S+: error", completed.stdout)
