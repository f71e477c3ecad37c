"""AsyncClient with asyncio: timeouts, task groups, signals, fork and the end of the program."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import os
import signal
import subprocess
import sys
import threading
import time
import weakref
from typing import Any

import pytest
import thinkwire
from conftest import PACKAGE, QWEN3, SYNTHETIC, run_python
from thinkwire import AsyncClient, Status

#: Sends some events, then stalls with the connection open.
STALLED = f"{SYNTHETIC}#chunks=1000,stall=2000"
#: Sends nothing for 30 s.
SILENT = f"{SYNTHETIC}#delay=30000"

needs_timeout_and_groups = pytest.mark.skipif(
    sys.version_info < (3, 11), reason="asyncio.timeout and asyncio.TaskGroup need Python 3.11"
)


@needs_timeout_and_groups
def test_timeout_ends_the_exchange(base_url: str) -> None:
    async def main() -> None:
        async with AsyncClient(base_url, "test") as client:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await client.send(SILENT, "Hello")
            stream = client.stream(STALLED, "Hello")
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    async for _ in stream:
                        pass
            assert stream.reply.status is Status.CANCELLED and stream.reply.content
            # A timeout that does not expire has no effect.
            async with asyncio.timeout(30):
                assert (await client.send(QWEN3, "Hello")).status is Status.OK

    asyncio.run(main())


def test_wait_for_ends_the_exchange(base_url: str) -> None:
    async def main() -> None:
        async with AsyncClient(base_url, "test") as client:
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(client.send(SILENT, "Hello"), 0.05)
            stream = client.stream(SILENT, "Hello")
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(stream.__anext__(), 0.05)
            assert stream.reply.status is Status.CANCELLED
            stream = client.stream(QWEN3, "Hello")
            assert (await asyncio.wait_for(stream.__anext__(), 30)).text
            await stream.aclose()

    asyncio.run(main())


@needs_timeout_and_groups
def test_failure_in_a_task_group_ends_the_other_exchanges(base_url: str) -> None:
    async def main() -> None:
        async with AsyncClient(base_url, "test") as client:
            streams = [client.stream(STALLED, "Hello") for _ in range(10)]

            async def receive(stream: thinkwire.AsyncStream) -> None:
                async for _ in stream:
                    pass

            with pytest.RaisesGroup(thinkwire.NotFoundError):
                async with asyncio.TaskGroup() as group:
                    for stream in streams:
                        group.create_task(receive(stream))
                    await asyncio.sleep(0.2)
                    group.create_task(client.send("unknown", "Hello"))
            assert {stream.reply.status for stream in streams} == {Status.CANCELLED}

    asyncio.run(main())


def test_cancellation_at_any_moment(base_url: str) -> None:
    """Tasks are cancelled in every state of their exchanges."""

    async def main() -> None:
        async with AsyncClient(base_url, "test") as client:
            streams = []

            async def receive() -> None:
                async with client.stream(f"{SYNTHETIC}#chunks=30,pace=1", "Hello") as stream:
                    streams.append(stream)
                    async for _ in stream:
                        pass

            tasks = []
            for number in range(200):
                tasks.append(asyncio.create_task(receive()))
                await asyncio.sleep(0)
                if number % 3:
                    tasks[number * 7919 % len(tasks)].cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
            allowed = (type(None), asyncio.CancelledError)
            assert all(isinstance(result, allowed) for result in results)
            assert results.count(None) > 0 and len(streams) > 100
            assert {stream.reply.status for stream in streams} <= {Status.OK, Status.CANCELLED}
            # The client is not affected.
            assert (await client.send(QWEN3, "Hello")).status is Status.OK

    asyncio.run(main())


def test_deleted_event_loop_frees_the_client_loop(base_url: str) -> None:
    """An event loop that is never closed is deleted by the garbage collector."""
    client = AsyncClient(base_url, "test")

    def use() -> weakref.ref[Any]:
        event_loop = asyncio.new_event_loop()
        event_loop.run_until_complete(client.send(QWEN3, "Hello"))
        event_loop.run_until_complete(client.send(QWEN3, "Hello"))
        assert client._loops is not None
        (loop,) = client._loops.values()
        return weakref.ref(loop)

    loop = use()
    with pytest.warns(ResourceWarning):
        gc.collect()
    assert loop() is None


def test_context_of_the_first_task_is_not_kept(base_url: str) -> None:
    class Large:
        pass

    variable: contextvars.ContextVar[Large] = contextvars.ContextVar("variable")

    async def use(client: AsyncClient) -> weakref.ref[Large]:
        value = Large()
        variable.set(value)
        await client.send(QWEN3, "Hello")
        return weakref.ref(value)

    event_loop = asyncio.new_event_loop()
    client = AsyncClient(base_url, "test")
    value = event_loop.run_until_complete(use(client))
    assert client._loops and value() is None
    event_loop.close()


def test_other_threads_do_not_delay_events(base_url: str) -> None:
    """A thread that computes must not take the GIL for 5 ms at each event of a poll."""

    async def main() -> None:
        async with AsyncClient(base_url, "test") as client:
            start = time.monotonic()
            reply = await client.send(f"{SYNTHETIC}#chunks=3000", "Hello", on_event=None)
            async for _ in client.stream(f"{SYNTHETIC}#chunks=3000", "Hello"):
                pass
            assert reply.status is Status.OK
            assert time.monotonic() - start < 10

    stop = threading.Event()

    def compute() -> None:
        while not stop.is_set():
            pass

    thread = threading.Thread(target=compute)
    thread.start()
    try:
        asyncio.run(main())
    finally:
        stop.set()
        thread.join()


# ---- Signals -----------------------------------------------------------------------------------

#: A program that waits, and prints the time at which Ctrl-C ended it.
WAITING = """
import asyncio, signal, sys, time
from thinkwire import AsyncClient, Status
# A shell starts background processes with SIGINT ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
base_url, model, how = sys.argv[1:]
streams = []

async def main():
    async with AsyncClient(base_url, "test") as client:
        stream = client.stream(model, "Hello")
        streams.append(stream)
        print("waiting", flush=True)
        await stream.finish()

if how == "uvloop":
    import uvloop
    run = uvloop.run
elif how == "trio":
    import trio
    run = lambda main: trio.run(lambda: main)
elif how == "run_until_complete":
    run = asyncio.new_event_loop().run_until_complete
else:
    run = asyncio.run
try:
    run(main())
except KeyboardInterrupt:
    print(time.monotonic())
    if how != "run_until_complete":
        assert streams[0].reply.status is Status.CANCELLED
else:
    sys.exit("it was not interrupted")
"""


@pytest.mark.slow
@pytest.mark.parametrize("how", ["asyncio", "uvloop", "trio", "run_until_complete"])
@pytest.mark.parametrize("model", [SILENT, f"{SYNTHETIC}#chunks=100000,pace=1"])
def test_ctrl_c_ends_the_wait(base_url: str, model: str, how: str) -> None:
    arguments = [sys.executable, "-c", WAITING, base_url, model, how]
    with subprocess.Popen(
        arguments, cwd=PACKAGE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        watchdog = threading.Timer(60, process.kill)
        watchdog.start()
        assert process.stdout.readline() == "waiting\n"
        time.sleep(0.3)
        pressed = time.monotonic()
        os.kill(process.pid, signal.SIGINT)
        raised = process.stdout.readline()
        assert process.wait() == 0, process.stderr.read()
        watchdog.cancel()
        assert float(raised) - pressed < 10


#: A program that is interrupted many times. Python runs signal handlers between two instructions,
#: so also in a callback. Each interruption must end all exchanges, or lose no text.
INTERRUPTED = """
import asyncio, signal, sys, thinkwire
client = thinkwire.AsyncClient(sys.argv[1], "test")
signal.signal(signal.SIGALRM, signal.default_int_handler)

async def receive():
    text = ""
    try:
        async for event in client.stream("mock/synthetic#chunks=200,size=5,join=4", "Hello"):
            text += event.text if event.kind == "content" else ""
    except (thinkwire.CancelledError, KeyboardInterrupt):
        return
    if len(text) != 1000:
        print("lost", flush=True)

async def main(delay):
    # While the event loop starts and ends, an interruption would leave it marked as running.
    signal.setitimer(signal.ITIMER_REAL, delay)
    for task in [asyncio.create_task(receive()) for _ in range(10)]:
        await task
    signal.setitimer(signal.ITIMER_REAL, 0)

rounds = interruptions = 0
while interruptions < 100:
    rounds += 1
    event_loop = asyncio.new_event_loop()
    # Tasks that are pending when the event loop closes are reported.
    event_loop.set_exception_handler(lambda *_: None)
    try:
        event_loop.run_until_complete(main(0.0005 + rounds % 97 * 0.0002))
    except KeyboardInterrupt:
        interruptions += 1
    event_loop.close()
assert asyncio.run(client.send("mock/synthetic", "Hello")).status is thinkwire.Status.OK
"""


@pytest.mark.slow
def test_interruption_at_any_moment_loses_no_text(base_url: str) -> None:
    assert run_python(INTERRUPTED, base_url).stdout == ""


# ---- Processes ---------------------------------------------------------------------------------

FORK = """
import asyncio, os, sys
from thinkwire import AsyncClient, MisuseError, Status
client = AsyncClient(sys.argv[1], "test")
STREAM = "mock/synthetic#chunks=40,pace=5"

async def send():
    return (await client.send("alibaba/qwen3-32b", "Hello")).status

async def main():
    stream = client.stream(STREAM, "Hello")
    await stream.__anext__()
    child = os.fork()
    if child == 0:
        try:
            await stream.finish()
        except MisuseError:
            os._exit(0)
        os._exit(1)
    received = [event async for event in stream]
    assert stream.reply.status is Status.OK and len(received) >= 40
    return child

asyncio.run(main())
_, status = os.wait()
assert status == 0, status
event_loop = asyncio.new_event_loop()
stream = client.stream(STREAM, "Hello")
event_loop.run_until_complete(stream.__anext__())
child = os.fork()
if child == 0:
    # The child uses an event loop of its own. Deleting the parent's objects does not affect it.
    del stream, event_loop
    assert asyncio.run(send()) is Status.OK
    os._exit(0)
_, status = os.wait()
assert status == 0, status
assert event_loop.run_until_complete(stream.finish()).status is Status.OK
event_loop.close()
"""


@pytest.mark.slow
def test_fork_leaves_the_streams_to_the_parent(base_url: str) -> None:
    run_python(FORK, base_url)


EXIT = """
import asyncio, sys, threading
from thinkwire import AsyncClient
how, base_url = sys.argv[1:]
client = AsyncClient(base_url, "test")
stream = client.stream("mock/synthetic#chunks=1000,stall=2000", "Hello")
received = threading.Event()

async def main():
    async for event in stream:
        received.set()
        if how == "global":
            return

if how == "global":
    # Neither the event loop nor the client is closed.
    event_loop = asyncio.new_event_loop()
    event_loop.run_until_complete(main())
elif how == "cycle":
    event_loop = asyncio.new_event_loop()
    task = event_loop.create_task(main())
    event_loop.call_later(0.2, event_loop.stop)
    event_loop.run_forever()
    event_loop.task, event_loop.me = task, event_loop
else:
    threading.Thread(target=asyncio.run, args=(main(),), daemon=True).start()
    assert received.wait(20)
print("end")
"""


@pytest.mark.slow
@pytest.mark.parametrize("how", ["global", "cycle", "daemon"])
def test_program_ends_without_closing_anything(base_url: str, how: str) -> None:
    completed = run_python(EXIT, how, base_url)
    assert completed.stdout == "end\n"
    assert "Traceback" not in completed.stderr and "Exception ignored" not in completed.stderr


def test_importing_the_package_imports_no_framework() -> None:
    run_python(
        "import sys, thinkwire\n"
        "assert not {'asyncio', 'trio', 'uvloop', 'anyio'} & set(sys.modules), sys.modules"
    )
