"""Clients: options, many calls, threads, forks and the end of the interpreter."""

from __future__ import annotations

import copy
import gc
import os
import pickle
import sys
import threading
import time
from fractions import Fraction
from pathlib import Path
from typing import Any, Callable

import pytest
from conftest import QWEN3, SYNTHETIC, descriptors, recorded, run_python
from thinkwire import (
    Client,
    InvalidArgumentError,
    Limits,
    MisuseError,
    Status,
    Timeout,
    TimeoutError,
)


@pytest.mark.parametrize(
    "options, expected",
    [
        ({"base_url": "ftp://example.com"}, ""),
        ({"base_url": "http://exam\0ple.com"}, "base_url"),
        ({"timeout": -1}, ""),
        ({"timeout": float("nan")}, "total"),
        ({"timeout": {"read": 1}}, "connect, first_byte, idle, total"),
        ({"timeout": "soon"}, "timeout"),
        ({"limits": {"event": 0}}, ""),
        ({"limits": {"body": 1}}, "event, reply"),
        ({"headers": {"X-Bad": "a\r\nb"}}, ""),
        ({"headers": {"X-Bad": "a\0b"}}, "X-Bad"),
        ({"headers": {"not a name": "x"}}, ""),
        ({"headers": {"X-Bad": 1}}, "X-Bad"),
        ({"api_key": b"key"}, "api_key must be a str, not bytes"),
        ({"ca_file": "/dev/null\0.pem"}, "ca_file"),
        ({"ca_directory": 1}, "ca_directory"),
        ({"max_retries": 2**32 + 1}, "max_retries"),
        ({"max_retries": "2"}, "max_retries"),
        ({"limits": {"event": 2**64 + 1}}, "event"),
        ({"limits": {"event": float("inf")}}, "event"),
        ({"timeout": {"connect": "5"}}, "connect"),
    ],
)
def test_invalid_option_is_rejected(options: dict[str, Any], expected: str) -> None:
    with pytest.raises(InvalidArgumentError) as raised:
        Client(**{"base_url": "http://127.0.0.1:1/v1", "api_key": "test", **options})
    assert expected in raised.value.message != ""


def test_every_option_is_accepted(base_url: str) -> None:
    with Client(
        base_url=base_url,
        api_key="test",
        headers={"X-Title": "Test"},
        timeout=Timeout(connect=5, first_byte=5, idle=5, total=0),
        proxy="",
        no_proxy=["localhost", ".example.com"],
        limits=Limits(event=1 << 20, reply=1 << 20),
        allow_cleartext="example.com",
        ca_file=None,
        ca_directory=".",
    ) as client:
        assert client.send(QWEN3, "Hello", thinking=False).status is Status.OK


def test_short_timeout_is_not_rounded_to_0(base_url: str) -> None:
    with Client(base_url=base_url, api_key="test", timeout=0.00001) as client:
        with pytest.raises(TimeoutError):
            client.send(f"{SYNTHETIC}#delay=30000", "Hello")


@pytest.mark.parametrize(
    "seconds", [float("inf"), 1e300, 10**400, sys.maxsize, Fraction(1, 3) + 10**9]
)
def test_timeout_of_any_length_is_accepted(base_url: str, seconds: Any) -> None:
    with Client(base_url=base_url, api_key="test", timeout=seconds) as client:
        assert client.send(QWEN3, "Hello", thinking=False, timeout=seconds).status is Status.OK


def test_file_name_need_not_be_utf_8(tmp_path: Path) -> None:
    file = os.fsencode(tmp_path) + b"/\xff.pem"
    with open(file, "wb"):
        pass
    Client("http://127.0.0.1:1/v1", "test", ca_file=os.fsdecode(file)).close()


def test_closed_client_raises_misuse_error(base_url: str) -> None:
    client = Client(base_url=base_url, api_key="test")
    client.close()
    client.close()
    with pytest.raises(MisuseError, match="closed"):
        client.send(QWEN3, "Hello")


def test_exchange_continues_after_its_client_is_closed(base_url: str) -> None:
    client = Client(base_url=base_url, api_key="test")
    stream = client.stream(QWEN3, "Hello", thinking=True)
    next(stream)
    client.close()
    assert stream.finish().content == recorded("qwen3-32b.sse").content


def test_connections_are_reused(client: Client) -> None:
    assert not client.send(QWEN3, "Hello", thinking=False).timing.reused_connection
    assert client.send(QWEN3, "Hello", thinking=False).timing.reused_connection


@pytest.mark.slow
def test_threads_wait_concurrently(client: Client) -> None:
    """Twenty waits of 0.5 s take 0.5 s in total, and another thread runs meanwhile."""
    statuses: list[Status] = []

    def call() -> None:
        statuses.append(client.send(f"{SYNTHETIC}#chunks=5,delay=500", "Hello").status)

    threads = [threading.Thread(target=call) for _ in range(20)]
    start = time.monotonic()
    for thread in threads:
        thread.start()
    iterations = 0
    while any(thread.is_alive() for thread in threads):
        iterations += 1
        time.sleep(0.001)
    assert statuses == [Status.OK] * 20
    assert 0.5 <= time.monotonic() - start < 5
    assert iterations > 50


def test_threads_stream_independently(client: Client) -> None:
    expected = recorded("qwen3-32b.sse")
    results: list[tuple[str, str]] = []

    def call() -> None:
        for _ in range(5):
            with client.stream(QWEN3, "Hello", thinking=True) as stream:
                events = list(stream)
            texts = [
                "".join(event.text for event in events if event.kind == kind)
                for kind in ("reasoning", "content")
            ]
            results.append((texts[0], texts[1]))

    threads = [threading.Thread(target=call) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert results == [(expected.reasoning, expected.content)] * 40


def test_signal_handler_can_close_the_client_that_it_interrupts(base_url: str) -> None:
    client = Client(base_url=base_url, api_key="test")

    def interrupted() -> None:
        with client._lock:  # Held briefly by each call.
            client.close()

    thread = threading.Thread(target=interrupted, daemon=True)
    thread.start()
    thread.join(10)
    assert not thread.is_alive()


@pytest.mark.parametrize("function", [copy.copy, copy.deepcopy, pickle.dumps])
def test_clients_and_streams_cannot_be_copied(
    client: Client, function: Callable[[object], object]
) -> None:
    with client.stream(QWEN3, "Hello", thinking=False) as stream:
        first = next(stream)
        for original, name in ((client, "Client"), (stream, "Stream")):
            with pytest.raises(TypeError, match=f"a {name} can't be copied"):
                function(original)
        gc.collect()
        assert (
            first.text + "".join(event.text for event in stream if event.kind == "content")
            == stream.reply.content
        )


def test_close_may_race_with_calls(base_url: str) -> None:
    for _ in range(20):
        client = Client(base_url=base_url, api_key="test")
        outcomes: list[object] = []

        def call(client: Client = client, outcomes: list[object] = outcomes) -> None:
            try:
                outcomes.append(client.send(QWEN3, "Hello", thinking=False).status)
            except MisuseError:
                outcomes.append("closed")

        threads = [threading.Thread(target=call) for _ in range(4)] + [
            threading.Thread(target=client.close) for _ in range(2)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        assert len(outcomes) == 4 and set(outcomes) <= {Status.OK, "closed"}


def resident_kb() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024


@pytest.mark.slow
def test_a_thousand_calls_leak_neither_descriptors_nor_memory(client: Client) -> None:
    def call(times: int) -> None:
        for _ in range(times):
            client.send(QWEN3, "Hello", thinking=False)
            for _event in client.stream(f"{SYNTHETIC}#chunks=5", "Hello"):
                break

    call(100)
    gc.collect()
    before, memory = descriptors(), resident_kb()
    call(500)
    gc.collect()
    assert descriptors() <= before + 2
    assert resident_kb() - memory < 4096


FORK = """
import os, sys
from thinkwire import Client, MisuseError
client = Client(base_url=sys.argv[1], api_key="test")
expected = client.send("alibaba/qwen3-32b", "Hello", thinking=False).content
stream = client.stream("alibaba/qwen3-32b", "Hello", thinking=True)
first = next(stream)
child = os.fork()
if child == 0:
    try:
        stream.finish()
    except MisuseError:
        pass
    else:
        os._exit(2)
    stream.cancel()
    stream.close()
    del stream
    reply = client.send("alibaba/qwen3-32b", "Hello", thinking=False)
    if reply.content != expected or reply.timing.reused_connection:
        os._exit(3)
    client.close()
    sys.exit(0)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
assert stream.finish().reasoning.startswith(first.text)
assert client.send("alibaba/qwen3-32b", "Hello", thinking=False).content == expected
print("ok")
"""


@pytest.mark.slow
def test_forked_child_does_not_use_connections_of_the_parent(base_url: str) -> None:
    assert run_python(FORK, base_url).stdout == "ok\n"


FORK_DURING_A_CALL = """
import os, signal, sys, threading
from thinkwire import Client
client = Client(base_url=sys.argv[1], api_key="test")
held, done = threading.Event(), threading.Event()

def call():
    with client._lock:  # Held briefly by each call.
        held.set()
        done.wait()

thread = threading.Thread(target=call)
thread.start()
held.wait()
child = os.fork()
if not child:
    signal.alarm(10)
    client.close()
    os._exit(0)
ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
done.set()
thread.join()
client.close()
assert ended == 0
"""


@pytest.mark.slow
def test_forked_child_can_close_a_client_that_was_in_use(base_url: str) -> None:
    run_python(FORK_DURING_A_CALL, base_url)


FORK_WITHOUT_ENVIRONMENT = """
import os, signal, sys
from thinkwire import Client
os.environ.update(THINKWIRE_BASE_URL=sys.argv[1], THINKWIRE_API_KEY="test")
client = Client()
client.send("alibaba/qwen3-32b", "Hello", thinking=False)
del os.environ["THINKWIRE_BASE_URL"], os.environ["THINKWIRE_API_KEY"]
held = len(os.listdir("/proc/self/fd"))
child = os.fork()
if not child:
    signal.alarm(10)
    reply = client.send("alibaba/qwen3-32b", "Hello", thinking=False)
    assert not reply.timing.reused_connection
    client.close()  # Closes the copy of the connection of the parent as well.
    assert len(os.listdir("/proc/self/fd")) < held
    os._exit(0)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
assert client.send("alibaba/qwen3-32b", "Hello", thinking=False).timing.reused_connection
"""


@pytest.mark.slow
def test_forked_client_keeps_its_options(base_url: str) -> None:
    run_python(FORK_WITHOUT_ENVIRONMENT, base_url)


FORK_DURING_LOADING = """
import os, signal, sys, threading
from thinkwire import Client, _abi
loading, forked, bind = threading.Event(), threading.Event(), _abi.bind

def bind_slowly(library):
    loading.set()
    forked.wait(10)
    bind(library)

_abi.bind = bind_slowly
thread = threading.Thread(target=lambda: Client(base_url=sys.argv[1], api_key="test"))
thread.start()
loading.wait()
child = os.fork()
forked.set()
if not child:
    signal.alarm(10)
    Client(base_url=sys.argv[1], api_key="test").send("alibaba/qwen3-32b", "Hello", thinking=False)
    os._exit(0)
ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
thread.join()
assert ended == 0
"""


@pytest.mark.slow
def test_child_forked_while_the_library_is_loaded_can_load_it(base_url: str) -> None:
    run_python(FORK_DURING_LOADING, base_url)


EXIT = """
import sys, threading
from thinkwire import Client
client = Client(base_url=sys.argv[1], api_key="test", log=lambda line: None)
stream = client.stream("mock/synthetic#chunks=1000,stall=2000", "Hello")
next(stream)
reply = client.send("alibaba/qwen3-32b", "Hello", thinking=False)
cycle = [client, stream, reply]
cycle.append(cycle)
wait = lambda: client.send("mock/synthetic#delay=30000", "Hello")
threading.Thread(target=wait, daemon=True).start()
threading.Event().wait(0.2)
sys.modules["kept"] = cycle
print("ok")
"""


@pytest.mark.slow
def test_interpreter_exits_with_open_clients_and_streams(base_url: str) -> None:
    completed = run_python(EXIT, base_url)
    assert (completed.stdout, completed.stderr) == ("ok\n", "")


def test_environment_supplies_defaults(base_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THINKWIRE_BASE_URL", base_url)
    monkeypatch.setenv("THINKWIRE_API_KEY", "test")
    with Client() as client:
        assert client.send(QWEN3, "Hello", thinking=False).status is Status.OK
