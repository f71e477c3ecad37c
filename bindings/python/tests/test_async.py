"""AsyncClient in every event loop: answers, cancellation, slow consumers and closing."""

from __future__ import annotations

import gc
import inspect
import json
import os
import threading
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any, Callable, Optional

import pytest
import thinkwire
from conftest import NEXT, QWEN3, SYNTHETIC, Echo, recorded
from frameworks import FRAMEWORKS, Framework
from http_server import (  # type: ignore[import-not-found]
    ANSWER,
    CONTENT,
    HEAD,
    ScriptedServer,
)
from thinkwire import AsyncClient, AsyncStream, Client, Event, EventKind, MisuseError, Status
from thinkwire._loop import HIGH_WATER

#: Sends some events, then stalls with the connection open.
STALLED = f"{SYNTHETIC}#chunks=1000,stall=2000"
#: Sends nothing for 30 s.
SILENT = f"{SYNTHETIC}#delay=30000"

HEAD_UNTIL_CLOSE = HEAD + b"Connection: close\r\n\r\n"


#: The fast tests use only the event loop of asyncio.
PARAMETERS = [
    pytest.param(name, marks=() if name == "asyncio" else pytest.mark.slow) for name in FRAMEWORKS
]


@pytest.fixture(params=PARAMETERS)
def framework(request: pytest.FixtureRequest) -> Framework:
    return FRAMEWORKS[request.param]


class OpenConnection(ScriptedServer):  # type: ignore[misc]
    """A server that sends a part of a stream, and waits until the client closes the connection."""

    def __init__(self, beginning: bytes = HEAD_UNTIL_CLOSE + CONTENT) -> None:
        self.is_closed = threading.Event()
        self._beginning = beginning
        super().__init__([])

    def serve(self, connection: Any) -> None:
        self.requests.append(connection.read_request())
        try:
            connection.send(self._beginning)
            connection.wait_for_end()
        finally:
            self.is_closed.set()


@pytest.fixture
def server() -> Iterator[OpenConnection]:
    server = OpenConnection()
    yield server
    server.stop()


@pytest.fixture
def silent_server() -> Iterator[OpenConnection]:
    server = OpenConnection(b"")
    yield server
    server.stop()


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def wait_for_descriptors(maximum: int) -> None:
    """Waits until the servers of this process, too, have closed their connections."""
    deadline = time.monotonic() + 20
    while descriptors() > maximum:
        assert time.monotonic() < deadline, f"{descriptors()} descriptors, not {maximum}"
        time.sleep(0.001)


# ---- Answers -----------------------------------------------------------------------------------


def test_send_returns_the_recorded_answer(framework: Framework, base_url: str) -> None:
    async def main() -> None:
        async with AsyncClient(base_url, "test") as client:
            reply = await client.send(NEXT, "Hello", thinking=True)
        recording = recorded("qwen3-next-80b-a3b-thinking.json")
        assert (reply.reasoning, reply.content) == (recording.reasoning, recording.content)
        assert (reply.status, reply.attempts, reply.message) == (Status.OK, 1, "")

    framework.run(main)


def test_functions_and_arguments_are_those_of_the_blocking_client() -> None:
    def public(type_: type) -> set[str]:
        return {name for name in dir(type_) if not name.startswith("_")}

    def arguments(function: Any) -> set[str]:
        return set(inspect.signature(function).parameters)

    assert public(Client) <= public(AsyncClient)
    assert public(AsyncClient) - public(Client) == {"aclose", "max_exchanges", "max_connections"}
    for name in ("__init__", "send", "run"):
        assert arguments(getattr(AsyncClient, name)) == arguments(getattr(Client, name))
    # The events of a stream are passed to a function by send().
    assert arguments(Client.stream) - arguments(AsyncClient.stream) == {"on_event"}


def described(event: Event) -> tuple[Any, ...]:
    return event.kind, event.text, event.choice, event.usage, event.tool_index, event.raw


def test_stream_has_the_events_of_a_blocking_stream(
    framework: Framework, base_url: str, client: Client
) -> None:
    expected = [described(event) for event in client.stream(QWEN3, "Hello", thinking=True)]

    async def main() -> None:
        async with AsyncClient(base_url, "test") as client:
            async with client.stream(QWEN3, "Hello", thinking=True) as stream:
                events = [described(event) async for event in stream]
            assert events == expected and len(events) > 5
            assert stream.reply.content == recorded("qwen3-32b.sse").content
            # The iteration has ended and stays ended.
            assert [event async for event in stream] == []
            assert await stream.finish() is stream.reply

    framework.run(main)


def test_event_function_may_be_async(framework: Framework, base_url: str) -> None:
    texts: list[str] = []

    async def on_event(event: Event) -> Optional[bool]:
        await framework.sleep(0)
        texts.append(event.text)
        return len(texts) < 3

    async def main() -> None:
        async with AsyncClient(base_url, "test") as client:
            reply = await client.send(QWEN3, "Hello", on_event=on_event)
            assert len(texts) == 3 and reply.status is Status.CANCELLED
            kinds: list[EventKind] = []
            reply = await client.send(
                QWEN3, "Hello", on_event=lambda event: kinds.append(event.kind)
            )
            assert reply.status is Status.OK and EventKind.FINISH in kinds

    framework.run(main)


def test_error_is_raised_after_the_events_before_it(framework: Framework, base_url: str) -> None:
    async def main() -> None:
        async with AsyncClient(base_url, "test") as client:
            stream = client.stream(f"{SYNTHETIC}#chunks=50,cut=3000", "Hello")
            text = ""
            with pytest.raises(thinkwire.TruncatedError) as raised:
                async for event in stream:
                    text += event.text
            assert text == raised.value.reply.content != ""  # type: ignore[union-attr]
            # It is raised once.
            assert [event async for event in stream] == []
            with pytest.raises(thinkwire.NotFoundError, match="qwen3-33b"):
                await client.send("alibaba/qwen3-33b", "Hello")
            with pytest.raises(thinkwire.TimeoutError):
                await client.send(SILENT, "Hello", timeout=0.1)
            with pytest.raises(thinkwire.InvalidArgumentError):
                client.stream("m", "Hello", thinking="much")

    framework.run(main)


def test_error_response_is_retried(framework: Framework, base_url: str) -> None:
    name = f"async-{type(framework).__name__}"

    async def main() -> None:
        model = f"{QWEN3}#status=429,header=retry-after-ms:20,tries=1,key={name}"
        async with AsyncClient(base_url, "test") as client:
            stream = client.stream(model, "Hello")
            events = [event async for event in stream]
        assert [event.kind for event in events].count(EventKind.RETRY) == 1
        assert (events[0].attempt, events[0].wait) == (2, 0.02) and stream.reply.attempts == 2

    framework.run(main)


def weather(city: str) -> str:
    """Returns the weather."""
    return f"Rain in {city}."


async def slow_weather(city: str) -> list[str]:
    """Returns the weather."""
    return ["Sun", city]


def test_run_executes_sync_and_async_tools(framework: Framework, echo: Echo) -> None:
    calls = [
        {"id": name, "type": "function", "function": {"name": name, "arguments": arguments}}
        for name, arguments in [
            ("weather", '{"city":"Bonn"}'),
            ("slow_weather", '{"city":"Cologne"}'),
            ("slow_weather", "{}"),
            ("nothing", "{}"),
        ]
    ]
    echo.script = [
        {"role": "assistant", "content": None, "tool_calls": calls},
        {"role": "assistant", "content": "It rains."},
    ]

    async def main() -> None:
        messages: list[Any] = [{"role": "user", "content": "How will it be?"}]
        async with AsyncClient(echo.base_url, "") as client:
            reply = await client.run("m", messages, tools=[weather, slow_weather])
            assert reply.content == messages[-1]["content"] == "It rains."
            results = [message["content"] for message in messages if message["role"] == "tool"]
            assert results[:2] == ["Rain in Bonn.", '["Sun", "Cologne"]']
            assert "city" in results[2] and results[3] == "Error: there is no tool nothing"
            echo.script = [{"role": "assistant", "content": None, "tool_calls": calls[:1]}] * 2
            with pytest.raises(thinkwire.LimitError, match="after 2 answers"):
                await client.run("m", "Hello", tools=[weather], max_rounds=2)

    framework.run(main)


def test_interface_of_openai(framework: Framework, base_url: str, client: Client) -> None:
    arguments: dict[str, Any] = {
        "model": QWEN3,
        "messages": [{"role": "user", "content": "Hello"}],
        "extra_body": {"enable_thinking": True},
    }
    completion = client.chat.completions.create(**arguments)
    chunks = list(client.chat.completions.create(**arguments, stream=True))

    async def main() -> None:
        async with AsyncClient(base_url, "test") as client:
            create = client.chat.completions.create
            assert await create(**arguments) == completion
            stream = await create(**arguments, stream=True)
            assert [chunk async for chunk in stream] == chunks and len(chunks) > 5
            assert stream.reply.status is Status.OK
            stalled = {**arguments, "model": STALLED}
            async with await create(**stalled, stream=True) as stream:
                async for _ in stream:
                    break
            assert stream.reply.status is Status.CANCELLED
            with pytest.raises(thinkwire.InvalidArgumentError, match="extra_headers"):
                await create(**arguments, extra_headers={"a": "b"})
            await client.close()

    framework.run(main)


def test_models_are_those_of_a_blocking_client(
    framework: Framework, base_url: str, client: Client
) -> None:
    async def main() -> None:
        async with AsyncClient(base_url, "test") as client_:
            models = await client_.models()
            assert models == client.models() and len(models) >= 4
            assert [model.owned_by for model in await client_.models.list()] == [
                model.owned_by for model in models
            ]
        with pytest.raises(thinkwire.NotFoundError):
            async with AsyncClient(f"{base_url}/nothing", "test") as client_:
                await client_.models()

    framework.run(main)


# ---- Many exchanges ----------------------------------------------------------------------------


def test_hundreds_of_streams_run_at_once_without_threads(
    framework: Framework, base_url: str
) -> None:
    threads: set[int] = set()

    async def main() -> None:
        async with AsyncClient(base_url, "test") as client:

            async def receive() -> str:
                text = ""
                async for event in client.stream(f"{SYNTHETIC}#chunks=10,pace=20", "Hello"):
                    text += event.text if event.kind == "content" else ""
                    threads.add(threading.active_count())
                return text

            start = time.monotonic()
            texts = await framework.run_all(*[receive] * 300)
            # One after another, they would take a minute.
            assert time.monotonic() - start < 30
        assert len(texts) == 300 and set(map(len, texts)) == {160}

    before = threading.active_count()
    framework.run(main)
    assert threads == {before}


def test_exchanges_above_the_limit_wait_in_order(framework: Framework, echo: Echo) -> None:
    async def main() -> None:
        async with AsyncClient(echo.base_url, "") as client:
            client.max_exchanges = 1
            streams = [client.stream("m", f"{number}") for number in range(5)]
            for stream in streams:
                await stream.__aenter__()
            await framework.run_all(*[stream.finish for stream in reversed(streams)])
        assert [body["messages"][0]["content"] for body in echo.bodies] == list("01234")
        assert echo.connections == 1

    framework.run(main)


def test_number_of_connections_is_limited(framework: Framework, echo: Echo) -> None:
    async def main() -> None:
        async with AsyncClient(echo.base_url, "") as client:
            client.max_connections = 2
            await framework.run_all(*[lambda: client.send("m", "Hello")] * 20)
        assert len(echo.bodies) == 20 and echo.connections <= 2

    framework.run(main)


@pytest.mark.parametrize("name", ["max_exchanges", "max_connections"])
def test_invalid_limit_is_rejected(base_url: str, name: str) -> None:
    async def main() -> None:
        before = descriptors()
        async with AsyncClient(base_url, "test") as client:
            setattr(client, name, -1)
            for _ in range(3):
                with pytest.raises(thinkwire.InvalidArgumentError):
                    await client.send(QWEN3, "Hello")
            setattr(client, name, 10)
            assert (await client.send(QWEN3, "Hello")).status is Status.OK
        wait_for_descriptors(before)

    FRAMEWORKS["asyncio"].run(main)


def test_slow_consumer_pauses_its_exchange_only(framework: Framework, base_url: str) -> None:
    class Endless(ScriptedServer):  # type: ignore[misc]
        """A server that sends a stream as fast as the client accepts it."""

        sent = 0

        def serve(self, connection: Any) -> None:
            connection.read_request()
            connection.send(HEAD_UNTIL_CLOSE)
            while True:
                connection.send(CONTENT * 100)
                self.sent += 100

    server = Endless([])

    async def main() -> None:
        async with AsyncClient(server.url("127.0.0.1"), "test") as client:
            async with client.stream("m", "Hello") as slow:
                await slow.__anext__()
                other = AsyncClient(base_url, "test")
                assert (await other.send(QWEN3, "Hello")).status is Status.OK
                # The server cannot send any more when all buffers are full.
                sent = -1
                while sent != server.sent:
                    sent = server.sent
                    await framework.sleep(0.2)
                exchange = slow._exchange
                assert exchange is not None
                assert exchange.is_paused and 0 < len(exchange.events) <= HIGH_WATER
                # It continues as soon as the events are taken.
                for _ in range(sent + 1000):
                    assert (await slow.__anext__()).text == "Hi"
                    assert len(exchange.events) <= HIGH_WATER
        assert slow.reply.status is Status.CANCELLED

    framework.run(main)
    server.stop()


def test_slow_consumer_receives_every_event(framework: Framework, base_url: str) -> None:
    async def main() -> None:
        async with AsyncClient(base_url, "test") as client:
            number = 0
            async for event in client.stream(f"{SYNTHETIC}#chunks=2000,size=5", "Hello"):
                if event.kind == "content":
                    number += 1
                    if number % 100 == 1:
                        await framework.sleep(0.01)
            assert number == 2000
            # finish() discards what it does not return, and need not take it.
            async with client.stream(f"{SYNTHETIC}#chunks=2000,size=5", "Hello") as stream:
                await stream.__anext__()
                await framework.sleep(0.05)
                assert len((await stream.finish()).content) == 10000

    framework.run(main)


# ---- Cancellation ------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["stream", "send", "finish"])
def test_cancelling_a_task_cancels_its_exchange_before_the_task_ends(
    framework: Framework, server: OpenConnection, how: str
) -> None:
    statuses: list[Status] = []

    async def main() -> None:
        async with AsyncClient(server.url("127.0.0.1"), "test") as client:
            stream = client.stream("m", "Hello")

            async def task() -> None:
                try:
                    if how == "stream":
                        async for _ in stream:
                            pass
                    elif how == "finish":
                        await stream.finish()
                    else:
                        await client.send("m", "Hello")
                finally:
                    if how != "send":
                        statuses.append(stream.reply.status)

            await framework.cancel_when(lambda: bool(server.requests), task)
            assert statuses == ([] if how == "send" else [Status.CANCELLED])
            if how != "send":
                # It cannot be mistaken for a complete answer.
                with pytest.raises(thinkwire.CancelledError):
                    assert [event.text async for event in stream] == ["Hi"]
            while not server.is_closed.is_set():
                await framework.sleep(0.001)

    framework.run(main)


def test_cancelling_before_the_response(
    framework: Framework, silent_server: OpenConnection
) -> None:
    async def main() -> None:
        async with AsyncClient(silent_server.url("127.0.0.1"), "test") as client:
            await framework.cancel_when(
                lambda: bool(silent_server.requests), lambda: client.send("m", "Hello")
            )
            while not silent_server.is_closed.is_set():
                await framework.sleep(0.001)

    framework.run(main)


async def leave_by_break(client: AsyncClient) -> None:
    async for _ in client.stream("m", "Hello"):
        break


async def leave_by_exception(client: AsyncClient) -> None:
    with pytest.raises(ZeroDivisionError):
        async with client.stream("m", "Hello") as stream:
            async for _ in stream:
                raise ZeroDivisionError
    assert stream.reply.status is Status.CANCELLED


async def close_generator(client: AsyncClient) -> None:
    async def generate() -> AsyncIterator[Event]:
        async with client.stream("m", "Hello") as stream:
            async for event in stream:
                yield event

    events = generate()
    await events.__anext__()
    await events.aclose()  # type: ignore[attr-defined]


async def close_before_the_end(client: AsyncClient) -> None:
    stream = client.stream("m", "Hello")
    await stream.__anext__()
    await stream.aclose()
    with pytest.raises(thinkwire.CancelledError) as raised:
        await stream.__anext__()
    assert raised.value.reply is stream.reply and stream.reply.content == "Hi"


async def delete_the_client(client: AsyncClient) -> None:
    stream = client.stream("m", "Hello")
    await stream.__anext__()
    # The stream keeps the client alive.
    del client
    gc.collect()
    assert not stream._exchange.has_ended  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "leave",
    [
        leave_by_break,
        leave_by_exception,
        close_generator,
        close_before_the_end,
        delete_the_client,
    ],
)
def test_leaving_a_stream_cancels_its_exchange(
    framework: Framework, server: OpenConnection, leave: Callable[[AsyncClient], Any]
) -> None:
    async def main() -> None:
        await leave(AsyncClient(server.url("127.0.0.1"), "test"))
        while not server.is_closed.is_set():
            await framework.sleep(0.001)

    framework.run(main)


def test_closing_a_stream_wakes_the_task_that_waits_for_it(
    framework: Framework, silent_server: OpenConnection
) -> None:
    async def main() -> None:
        async with AsyncClient(silent_server.url("127.0.0.1"), "test") as client:
            stream = client.stream("m", "Hello")

            async def wait() -> None:
                with pytest.raises(thinkwire.CancelledError) as raised:
                    await stream.finish()
                assert raised.value.reply is stream.reply

            async def close() -> None:
                while not silent_server.requests:
                    await framework.sleep(0.001)
                # A second task must not wait for the same stream. The first one is not affected.
                with pytest.raises(MisuseError, match="another task"):
                    await stream.__anext__()
                with pytest.raises(MisuseError, match="has not ended"):
                    _ = stream.reply
                await stream.aclose()

            await framework.run_all(wait, close)

    framework.run(main)


def test_stream_that_is_never_iterated_sends_nothing(framework: Framework, echo: Echo) -> None:
    async def main() -> None:
        async with AsyncClient(echo.base_url, "") as client:
            client.stream("m", "unused")
            closed = client.stream("m", "closed")
            await closed.aclose()
            await closed.aclose()
            with pytest.raises(MisuseError, match="closed before"):
                await closed.__anext__()
            with pytest.raises(MisuseError, match="has not ended"):
                _ = closed.reply
            await client.send("m", "Hello")
        assert [body["messages"][0]["content"] for body in echo.bodies] == ["Hello"]

    framework.run(main)


# ---- Closing -----------------------------------------------------------------------------------


def test_closing_the_client_ends_its_streams(framework: Framework, server: OpenConnection) -> None:
    async def main() -> None:
        client = AsyncClient(server.url("127.0.0.1"), "test")
        stream = client.stream("m", "Hello")

        async def wait() -> None:
            with pytest.raises(thinkwire.CancelledError) as raised:
                async for _ in stream:
                    pass
            assert raised.value.reply is not None and raised.value.reply.content == "Hi"

        async def close() -> None:
            while stream._exchange is None or not server.requests:
                await framework.sleep(0.001)
            await framework.sleep(0.05)
            await client.aclose()
            await client.aclose()
            with pytest.raises(MisuseError, match="closed"):
                await client.send("m", "Hello")

        await framework.run_all(wait, close)

    framework.run(main)


def test_one_client_serves_one_event_loop_after_another(framework: Framework, echo: Echo) -> None:
    client = AsyncClient(echo.base_url, "")

    async def main() -> None:
        await client.send("m", "Hello")

    before = descriptors()
    for _ in range(6):
        framework.run(main)
    wait_for_descriptors(before)
    assert len(echo.bodies) == 6 and not client._loops


def test_event_loop_that_ends_destroys_its_exchanges(
    framework: Framework, server: OpenConnection
) -> None:
    client = AsyncClient(server.url("127.0.0.1"), "test")
    stream = client.stream("m", "Hello")

    async def main() -> None:
        await stream.__anext__()

    framework.run(main)
    assert stream.reply.status is Status.CANCELLED and stream.reply.content == "Hi"
    assert server.is_closed.wait(20)
    with pytest.raises(thinkwire.CancelledError):
        framework.run(stream.__anext__)


def test_deleted_client_frees_its_descriptors(framework: Framework, echo: Echo) -> None:
    async def main() -> None:
        before = descriptors()
        for _ in range(10):
            await AsyncClient(echo.base_url, "").send("m", "Hello")
        await framework.sleep(0.01)
        wait_for_descriptors(before)

    framework.run(main)


@pytest.mark.parametrize("others", PARAMETERS)
def test_one_client_serves_event_loops_on_two_threads(
    framework: Framework, others: str, base_url: str
) -> None:
    client = AsyncClient(base_url, "test")
    contents: list[int] = []
    failures: list[BaseException] = []

    def run(framework: Framework) -> None:
        async def receive() -> int:
            text = ""
            async for event in client.stream(f"{SYNTHETIC}#chunks=50,pace=1,size=10", "Hello"):
                text += event.text if event.kind == "content" else ""
            return len(text)

        async def main() -> None:
            contents.extend(await framework.run_all(*[receive] * 20))

        try:
            framework.run(main)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(one,)) for one in (framework, FRAMEWORKS[others])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == [] and contents == [500] * 40


def test_closing_the_client_in_one_event_loop_ends_its_streams_in_another(
    framework: Framework, server: OpenConnection
) -> None:
    client = AsyncClient(server.url("127.0.0.1"), "test")
    raised: list[Optional[thinkwire.Reply]] = []
    received = threading.Event()

    async def receive() -> None:
        try:
            async for _ in client.stream("m", "Hello"):
                received.set()
        except thinkwire.CancelledError as error:
            raised.append(error.reply)

    thread = threading.Thread(target=framework.run, args=(receive,))
    thread.start()
    assert received.wait(20)
    framework.run(client.aclose)
    thread.join(20)
    assert [reply.content for reply in raised if reply] == ["Hi"]


# ---- The log -----------------------------------------------------------------------------------


def test_log_function_is_called(framework: Framework, base_url: str) -> None:
    lines: list[str] = []

    async def main() -> None:
        async with AsyncClient(base_url, "test", log=lines.append) as client:
            await client.send(QWEN3, "Hello")

    framework.run(main)
    assert any("200" in line for line in lines)


def test_exception_of_the_log_function_ends_its_exchange(
    framework: Framework, base_url: str
) -> None:
    def log(line: str) -> None:
        if "HTTP 404" in line:
            raise ZeroDivisionError

    async def main() -> None:
        async with AsyncClient(base_url, "test", log=log) as client:

            async def send() -> None:
                reply = await client.send(f"{SYNTHETIC}#chunks=20,pace=2", "Hello")
                assert reply.status is Status.OK

            async def fail() -> None:
                stream = client.stream("unknown", "Hello")
                with pytest.raises(ZeroDivisionError):
                    await stream.finish()
                assert stream.reply.http_status == 404

            await framework.run_all(send, fail, fail, send)

    framework.run(main)


def test_without_an_event_loop_the_client_raises(base_url: str) -> None:
    stream: AsyncStream = AsyncClient(base_url, "test").stream(QWEN3, "Hello")
    with pytest.raises(MisuseError, match="no event loop is running"):
        stream.__anext__().send(None)


def test_event_is_json(base_url: str) -> None:
    async def main() -> None:
        async with AsyncClient(base_url, "test") as client:
            stream = client.stream(f"{SYNTHETIC}#chunks=2,text=a%00b", "Hello")
            events = [event async for event in stream if event.kind == "content"]
        assert [json.loads(event.raw)["choices"][0]["delta"]["content"] for event in events] == [
            "a\0b"
        ] * 2

    FRAMEWORKS["asyncio"].run(main)


def test_complete_answer_with_the_connection_kept_open(framework: Framework) -> None:
    server = OpenConnection(HEAD_UNTIL_CLOSE + ANSWER)

    async def main() -> None:
        async with AsyncClient(server.url("127.0.0.1"), "test") as client:
            assert (await client.send("m", "Hello", on_event=lambda event: None)).content == "Hi"

    framework.run(main)
    server.stop()
