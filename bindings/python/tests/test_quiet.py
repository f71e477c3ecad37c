"""Programs that end or abandon exchanges in unusual ways print nothing and do not hang."""

from __future__ import annotations

import subprocess
import sys

import pytest
from conftest import PACKAGE

#: Defined for every program.
BEGINNING = """
import asyncio, gc, logging, sys, threading, warnings
from thinkwire import AsyncClient, Client
URL = sys.argv[1]
ENDLESS = "mock/synthetic#chunks=100000,pace=1"
SILENT = "mock/synthetic#delay=60000"

def fail(*arguments):
    raise ZeroDivisionError

def expect_failure(function):
    try:
        function()
    except ZeroDivisionError:
        return
    raise AssertionError
"""

PROGRAMS = {
    "exceptions in callbacks": """
with Client(URL, "key") as client:
    expect_failure(lambda: client.send(ENDLESS, "Hello", on_event=fail))
    expect_failure(lambda: client.stream(ENDLESS, "Hello").run(fail))
with Client(URL, "key", log=fail) as client:
    expect_failure(lambda: client.send(ENDLESS, "Hello"))

async def main():
    async with AsyncClient(URL, "key") as client:
        try:
            await client.send(ENDLESS, "Hello", on_event=fail)
        except ZeroDivisionError:
            pass
    async with AsyncClient(URL, "key", log=fail) as client:
        try:
            await client.send(ENDLESS, "Hello")
        except ZeroDivisionError:
            pass

asyncio.run(main())
""",
    "abandoned generators": """
def texts(client):
    for event in client.stream(ENDLESS, "Hello"):
        yield event.text

client = Client(URL, "key")
for _ in range(3):
    for text in texts(client):
        break
left = texts(client)
next(left)

async def async_texts(client):
    async for event in client.stream(ENDLESS, "Hello"):
        yield event.text

async def main():
    client = AsyncClient(URL, "key")
    async for text in async_texts(client):
        break
    chunks = await client.chat.completions.create(model=ENDLESS, messages="Hello", stream=True)
    await chunks.__anext__()
    client.stream(ENDLESS, "Hello")
    client.send(ENDLESS, "Hello").close()

asyncio.run(main())
""",
    "clients that are garbage": """
def cycle(client):
    stream = client.stream(ENDLESS, "Hello")
    next(stream)
    cycle = [client, stream]
    cycle.append(cycle)

for _ in range(3):
    cycle(Client(URL, "key", log=lambda line: None))
gc.collect()
stream = Client(URL, "key").stream(ENDLESS, "Hello")
gc.collect()
next(stream)

async def main():
    stream = AsyncClient(URL, "key").stream(ENDLESS, "Hello")
    await stream.__anext__()
    cycle = [stream]
    cycle.append(cycle)
    del stream, cycle
    gc.collect()
    await asyncio.sleep(0)

asyncio.run(main())
""",
    "exit during a stream": """
logging.basicConfig(level=logging.WARNING)
client = Client(URL, "key", log=lambda line: None)
stream = client.stream(ENDLESS, "Hello")
next(stream)
chunks = client.chat.completions.create(model=ENDLESS, messages="Hello", stream=True)
next(chunks)
sys.exit()
""",
    "exit while threads receive": """
received = threading.Barrier(6)

def receive(model, log):
    with Client(URL, "key", log=log) as client, client.stream(model, "Hello") as stream:
        if model == SILENT:
            received.wait()
        for number, event in enumerate(stream):
            if number == 3:
                received.wait()

for model in (ENDLESS, ENDLESS, ENDLESS, SILENT, SILENT):
    log = (lambda line: None) if model == ENDLESS else None
    threading.Thread(target=receive, args=(model, log), daemon=True).start()
received.wait()
""",
    "exit while an event loop receives": """
async def main():
    client = AsyncClient(URL, "key", log=lambda line: None)
    stream = client.stream(ENDLESS, "Hello")
    await stream.__anext__()
    waiting = asyncio.ensure_future(client.send(SILENT, "Hello"))
    await asyncio.sleep(0.01)
    sys.exit()

try:
    asyncio.run(main())
finally:
    kept = AsyncClient(URL, "key")
""",
    "exit while a thread runs an event loop": """
begun = threading.Event()

async def main():
    async with AsyncClient(URL, "key") as client:
        async for event in client.stream(ENDLESS, "Hello"):
            begun.set()

threading.Thread(target=lambda: asyncio.run(main()), daemon=True).start()
begun.wait()
""",
    "event loop that is never closed": """
# Python warns of the event loop and its sockets.
warnings.simplefilter("ignore", ResourceWarning)
loop = asyncio.new_event_loop()
client = AsyncClient(URL, "key")
stream = client.stream(ENDLESS, "Hello")
loop.run_until_complete(stream.__anext__())
sys.modules["kept"] = (loop, client, stream)
""",
}


@pytest.mark.slow
@pytest.mark.parametrize("program", [pytest.param(PROGRAMS[name], id=name) for name in PROGRAMS])
def test_program_prints_nothing_and_ends(base_url: str, program: str) -> None:
    completed = subprocess.run(
        # Warnings, such as those about resources and coroutines that never ran, are errors.
        [sys.executable, "-W", "error", "-c", BEGINNING + program, base_url],
        cwd=PACKAGE,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert (completed.returncode, completed.stdout, completed.stderr) == (0, "", "")
