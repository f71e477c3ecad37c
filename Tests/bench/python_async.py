"""python_async.py BASE_URL: compares AsyncClient with openai-python and aiohttp.

Prints the processor time per event of many streams at once, each of 50 chunks per second, in the
event loop of asyncio. aiohttp only receives the events; the program parses them by hand. All
clients run in one process and take turns.
"""

import asyncio
import json
import statistics
import sys
import time
from collections.abc import Awaitable
from typing import Callable

import aiohttp
import openai
from thinkwire import AsyncClient

STREAMS, CHUNKS, CHUNK_SIZE, PACE_MS, ROUNDS = 200, 100, 20, 20, 3
MODEL = f"mock/synthetic#chunks={CHUNKS},size={CHUNK_SIZE},pace={PACE_MS}"
MESSAGES = [{"role": "user", "content": "Hello"}]

#: Receives one stream and returns the number of characters in it.
Receive = Callable[[], Awaitable[int]]


def receive_with_thinkwire(client: AsyncClient) -> Receive:
    async def receive() -> int:
        length = 0
        async for event in client.stream(MODEL, "Hello"):
            if event.kind == "content":
                length += len(event.text)
        return length

    return receive


def receive_with_openai(client: openai.AsyncOpenAI) -> Receive:
    async def receive() -> int:
        length = 0
        stream = await client.chat.completions.create(model=MODEL, messages=MESSAGES, stream=True)
        async for chunk in stream:
            if chunk.choices:
                length += len(chunk.choices[0].delta.content or "")
        return length

    return receive


def receive_with_aiohttp(session: aiohttp.ClientSession, base_url: str) -> Receive:
    body = {"model": MODEL, "messages": MESSAGES, "stream": True}

    async def receive() -> int:
        length = 0
        async with session.post(f"{base_url}/chat/completions", json=body) as response:
            async for line in response.content:
                if line.startswith(b"data: {"):
                    choices = json.loads(line[len("data: ") :])["choices"]
                    if choices:
                        length += len(choices[0]["delta"].get("content") or "")
        return length

    return receive


async def time_per_event(receive: Receive) -> float:
    """The processor time per event in microseconds."""
    start = time.process_time()
    lengths = await asyncio.gather(*(receive() for _ in range(STREAMS)))
    assert lengths == [CHUNKS * CHUNK_SIZE] * STREAMS
    return (time.process_time() - start) / (STREAMS * CHUNKS) * 1e6


async def main(base_url: str) -> None:
    connector = aiohttp.TCPConnector(limit=0)
    headers = {"Authorization": "Bearer key"}
    async with (
        AsyncClient(base_url=base_url, api_key="key") as thinkwire_client,
        openai.AsyncOpenAI(base_url=base_url, api_key="key", max_retries=0) as openai_client,
        aiohttp.ClientSession(connector=connector, headers=headers) as session,
    ):
        clients = {
            "thinkwire": receive_with_thinkwire(thinkwire_client),
            f"openai-python {openai.__version__}": receive_with_openai(openai_client),
            f"aiohttp {aiohttp.__version__}, by hand": receive_with_aiohttp(session, base_url),
        }
        costs: dict[str, list[float]] = {name: [] for name in clients}
        for _ in range(ROUNDS):
            for name, receive in clients.items():
                costs[name].append(await time_per_event(receive))
    rate = 1000 // PACE_MS
    print(f"\nasyncio: {STREAMS} streams of {rate} chunks/s, median of {ROUNDS} rounds")
    print(f"{'':26} {'us CPU/event':>14}")
    for name, values in costs.items():
        print(f"{name:26} {statistics.median(values):14.1f}")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
