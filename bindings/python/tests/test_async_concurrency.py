"""AsyncClient with many exchanges at once, limits on their number, and slow consumers."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
import thinkwire
from conftest import HEAD_UNTIL_CLOSE, QWEN3, SYNTHETIC, Echo, descriptors, wait_for_descriptors
from frameworks import FRAMEWORKS, Framework
from http_server import CONTENT, ScriptedServer  # type: ignore[import-not-found]
from thinkwire import AsyncClient, Status
from thinkwire._loop import HIGH_WATER


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
