"""The cases of Tests/corpus through AsyncClient."""

from __future__ import annotations

import asyncio
from typing import Any

import corpus  # type: ignore[import-not-found]
import pytest
from test_corpus import CASES, SLOW_CASES, SPLITS, request_fields
from test_corpus import server as server  # A fixture.
from thinkwire import AsyncClient, Error, Reply


@pytest.mark.parametrize(
    "split", ["whole", *(pytest.param(name, marks=pytest.mark.slow) for name in SPLITS[1:])]
)
def test_all_cases(server: Any, split: str) -> None:
    async def main() -> None:
        names = sorted(CASES.keys() - SLOW_CASES)
        differences = {name: await play(server, split, name) for name in names}
        assert {name: found for name, found in differences.items() if found} == {}
        assert len(names) > 100

    asyncio.run(main())


async def play(server: Any, split: str, name: str) -> list[str]:
    """Returns the differences between the expected and the actual results of a case."""
    case = CASES[name]
    async with AsyncClient(server.url_of(name, split), "test", timeout=20, max_retries=0) as client:
        stream = client.stream("m", "Hello", **request_fields(case))
        events: list[Any] = []
        try:
            async for event in stream:
                events.append(corpus.event_of(event))
        except Error:
            pass
        sent = await send(client, case)
    streamed = stream.reply
    found: list[str] = corpus.differences(
        case, corpus.reply_of(streamed), events, streamed.raw_json()
    )
    found += corpus.differences(case, corpus.reply_of(sent), None, sent.raw_json())
    return found


async def send(client: AsyncClient, case: Any) -> Reply:
    try:
        return await client.send("m", "Hello", **request_fields(case))
    except Error as error:
        assert error.reply is not None
        return error.reply
