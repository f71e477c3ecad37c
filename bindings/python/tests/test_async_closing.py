"""AsyncClient: the end of a client, and of the event loops in which it was used."""

from __future__ import annotations

import threading
from collections.abc import Callable, Coroutine
from typing import Optional

import pytest
import thinkwire
from conftest import SYNTHETIC, Echo, OpenConnection, descriptors, wait_for_descriptors
from frameworks import FRAMEWORKS, PARAMETERS, Framework
from thinkwire import AsyncClient, MisuseError, Status


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


def test_closing_the_client_ends_requests_with_any_headers(
    framework: Framework, server: OpenConnection
) -> None:
    """Each set of headers has a client of its own, of which only some are kept."""

    async def main() -> None:
        client = AsyncClient(server.url("127.0.0.1"), "test")
        cancelled: list[str] = []

        def wait(name: str) -> Callable[[], Coroutine[None, None, None]]:
            async def send() -> None:
                with pytest.raises(thinkwire.CancelledError):
                    await client.send("m", "Hello", extra_headers={"X-Name": name})
                cancelled.append(name)

            return send

        async def close() -> None:
            while len(server.requests) < 12:
                await framework.sleep(0.001)
            await client.aclose()

        names = [str(number) for number in range(12)]
        await framework.run_all(*map(wait, names), close)
        assert sorted(cancelled) == sorted(names)

    framework.run(main)


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
