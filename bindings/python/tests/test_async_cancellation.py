"""AsyncClient: cancelled tasks, and streams that are left before their end."""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator
from typing import Any, Callable

import pytest
import thinkwire
from conftest import Echo, OpenConnection
from frameworks import Framework
from thinkwire import AsyncClient, Event, MisuseError, Status


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
