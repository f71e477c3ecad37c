"""python_async.py BASE_URL: compares AsyncClient with other clients in the event loop of asyncio.

Measures the processor time per event of many streams at once, each of 50 chunks per second. aiohttp
only receives the events; the program parses them with orjson. All clients run in one process and
take turns. Each time, the checksums of the texts are compared.
"""

from __future__ import annotations

import asyncio
import sys
import time
import zlib
from collections.abc import Awaitable
from functools import partial
from typing import Callable

import aiohttp
import liter_llm
import openai
from clients import (
    AIOHTTP,
    HEADERS,
    LITER_LLM,
    MESSAGES,
    OPENAI,
    stream_with_aiohttp,
    stream_with_liter_llm,
)
from tables import figure, print_table, ratio
from thinkwire import AsyncClient

STREAMS, CHUNKS, CHUNK_SIZE, PACE_MS, ROUNDS = 200, 40, 20, 20, 3
MODEL = f"mock/synthetic#chunks={CHUNKS},size={CHUNK_SIZE},pace={PACE_MS}"

#: Receives one stream and returns the pieces of its content.
Receive = Callable[[], Awaitable[list[str]]]


async def stream_with_thinkwire(client: AsyncClient) -> list[str]:
    return [event.text async for event in client.stream(MODEL, "Hello") if event.kind == "content"]


async def stream_with_openai(client: openai.AsyncOpenAI) -> list[str]:
    stream = await client.chat.completions.create(model=MODEL, messages=MESSAGES, stream=True)
    return [chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices]


async def time_per_event(receive: Receive) -> tuple[float, set[int]]:
    """Returns the processor time per event in microseconds, and the checksums of the texts."""
    start = time.process_time()
    texts = await asyncio.gather(*(receive() for _ in range(STREAMS)))
    used = time.process_time() - start
    return used / (STREAMS * CHUNKS) * 1e6, {zlib.crc32("".join(text).encode()) for text in texts}


async def main(base_url: str) -> None:
    connector = aiohttp.TCPConnector(limit=0)
    async with (
        AsyncClient(base_url=base_url, api_key="key") as thinkwire_client,
        openai.AsyncOpenAI(base_url=base_url, api_key="key", max_retries=0) as openai_client,
        aiohttp.ClientSession(connector=connector, headers=HEADERS) as session,
    ):
        liter_llm_client = liter_llm.create_client(api_key="key", base_url=base_url)
        clients: dict[str, Receive] = {
            "thinkwire": partial(stream_with_thinkwire, thinkwire_client),
            AIOHTTP: partial(stream_with_aiohttp, session, base_url, MODEL),
            LITER_LLM: partial(stream_with_liter_llm, liter_llm_client, MODEL),
            OPENAI: partial(stream_with_openai, openai_client),
        }
        costs: dict[str, list[float]] = {name: [] for name in clients}
        checksums: set[int] = set()
        for _ in range(ROUNDS):
            for name, receive in clients.items():
                cost, received = await time_per_event(receive)
                costs[name].append(cost)
                checksums |= received
                assert len(checksums) == 1, f"{name} received another text"
    rows = [
        (name, figure(values, 1), ratio(values, costs["thinkwire"]))
        for name, values in costs.items()
    ]
    title = f"asyncio: {STREAMS} streams of {1000 // PACE_MS} chunks per second"
    print_table(title, ("client", "µs CPU per event", "× thinkwire"), rows)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
