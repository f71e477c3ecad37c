"""AsyncClient in every event loop: answers, errors and the log."""

from __future__ import annotations

import inspect
import json
from typing import Any, Optional

import pytest
import thinkwire
from conftest import (
    HEAD_UNTIL_CLOSE,
    NEXT,
    QWEN3,
    STALLED,
    SYNTHETIC,
    Echo,
    OpenConnection,
    recorded,
)
from frameworks import FRAMEWORKS, Framework
from http_server import ANSWER  # type: ignore[import-not-found]
from thinkwire import AsyncClient, AsyncStream, Client, Event, EventKind, MisuseError, Status

#: Sends nothing for 30 s.
SILENT = f"{SYNTHETIC}#delay=30000"


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
