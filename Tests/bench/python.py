"""python.py BASE_URL [LIBRARY]: compares the Python binding with other clients.

Measures the processor time per chunk of a stream, and per answer that is not streamed. LIBRARY is
what by_ctypes.cpp was compiled to. All clients run in one process and take turns. The checksum of
the last text of each turn is compared.
"""

from __future__ import annotations

import asyncio
import ctypes
import json
import sys
import time
import zlib
from typing import Any, Callable, NamedTuple

import aiohttp
import liter_llm
import openai
import orjson
from clients import (
    AIOHTTP,
    HEADERS,
    LITER_LLM,
    MESSAGES,
    OPENAI,
    liter_llm_request,
    stream_with_aiohttp,
    stream_with_liter_llm,
)
from tables import figure, print_table, ratio
from thinkwire import Client

CHUNKS, CHUNK_SIZE, ROUNDS = 2000, 20, 5
FORMS = {
    "One event in each HTTP chunk": f"mock/synthetic#chunks={CHUNKS},size={CHUNK_SIZE}",
    "16 KB in each HTTP chunk": f"mock/synthetic#chunks={CHUNKS},size={CHUNK_SIZE},join=64",
}
SMALL, ANSWERS = "mock/synthetic#chunks=1", 50

NAMES = {
    "thinkwire": "thinkwire, `for event in stream`",
    "send": "thinkwire, `client.send(…)`",
    "batches": "thinkwire, `for batch in stream.batches()`",
    "ctypes_batches": "ctypes, C++ with simdjson, batches",
    "ctypes_pieces": "ctypes, C++ with simdjson, one piece at a time",
    "aiohttp": AIOHTTP,
    "liter_llm": LITER_LLM,
    "openai": OPENAI,
}


class Receiver(NamedTuple):
    """One way to receive an answer, of which a round measures several."""

    receive: Callable[[str], list[str]]
    repetitions: int


class CtypesStream:
    """What a program writes by hand on top of a library in C++."""

    def __init__(self, library: str, base_url: str) -> None:
        functions = ctypes.CDLL(library)
        functions.stream_open.restype = ctypes.c_void_p
        functions.stream_open.argtypes = [ctypes.c_char_p]
        functions.stream_begin.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
        for function in (functions.stream_batch, functions.stream_next):
            function.restype = ctypes.c_size_t
            function.argtypes = [ctypes.c_void_p, ctypes.POINTER(ctypes.c_void_p)]
        self._functions = functions
        self._stream = functions.stream_open(f"{base_url}/chat/completions".encode())

    def batches(self, model: str) -> list[str]:
        return self._receive(self._functions.stream_batch, model)

    def pieces(self, model: str) -> list[str]:
        return self._receive(self._functions.stream_next, model)

    def _receive(self, function: Callable[..., int], model: str) -> list[str]:
        body = {"model": model, "messages": MESSAGES, "stream": True}
        self._functions.stream_begin(self._stream, json.dumps(body).encode())
        stream, text, pieces = self._stream, ctypes.c_void_p(), []
        out, string_at = ctypes.byref(text), ctypes.string_at
        while length := function(stream, out):
            pieces.append(string_at(text.value, length).decode())
        return pieces


class AsyncClients:
    """The clients that need an event loop, which runs for the duration of an exchange."""

    def __init__(self, base_url: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._base_url = base_url
        self._client = liter_llm.create_client(api_key="key", base_url=base_url)
        self._session = self._run(self._open())

    def _run(self, coroutine: Any) -> Any:
        return self._loop.run_until_complete(coroutine)

    async def _open(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(headers=HEADERS)

    def close(self) -> None:
        self._run(self._session.close())

    def aiohttp(self, model: str) -> list[str]:
        return self._run(stream_with_aiohttp(self._session, self._base_url, model))

    def aiohttp_answer(self, model: str) -> list[str]:
        return self._run(self._aiohttp_answer(model))

    async def _aiohttp_answer(self, model: str) -> list[str]:
        body = {"model": model, "messages": MESSAGES}
        async with self._session.post(f"{self._base_url}/chat/completions", json=body) as response:
            document = orjson.loads(await response.read())
        return [document["choices"][0]["message"]["content"]]

    def liter_llm(self, model: str) -> list[str]:
        return self._run(stream_with_liter_llm(self._client, model))

    def liter_llm_answer(self, model: str) -> list[str]:
        return self._run(self._liter_llm_answer(model))

    async def _liter_llm_answer(self, model: str) -> list[str]:
        answer = await liter_llm.chat(self._client, liter_llm_request(model))
        return [str(answer.choices[0].message.content)]


def measured(receivers: dict[str, Receiver], model: str, unit: int) -> dict[str, list[float]]:
    """Returns the processor time of each receiver and round, in microseconds per unit.

    A round before the first one is not measured.
    """
    costs: dict[str, list[float]] = {name: [] for name in receivers}
    expected = None
    for round_ in range(-1, ROUNDS):
        for name, (receive, repetitions) in receivers.items():
            start = time.process_time()
            for _ in range(repetitions):
                pieces = receive(model)
            used = time.process_time() - start
            checksum = zlib.crc32("".join(pieces).encode())
            expected = checksum if expected is None else expected
            assert checksum == expected, f"{name} received another text"
            if round_ >= 0:
                costs[name].append(used / repetitions / unit * 1e6)
    return costs


def print_costs(title: str, unit: str, costs: dict[str, list[float]], decimals: int) -> None:
    own = next(iter(costs.values()))
    rows = [
        (NAMES[name], figure(values, decimals), ratio(values, own))
        for name, values in costs.items()
    ]
    print_table(title, ("client", f"µs CPU per {unit}", "× thinkwire"), rows)


def main(base_url: str, library: str = "") -> None:
    client = Client(base_url=base_url, api_key="key")
    other = openai.OpenAI(base_url=base_url, api_key="key", max_retries=0)
    clients = AsyncClients(base_url)

    def thinkwire(model: str) -> list[str]:
        with client.stream(model, "Hello") as stream:
            return [event.text for event in stream if event.kind == "content"]

    def batches(model: str) -> list[str]:
        with client.stream(model, "Hello") as stream:
            return [batch.content for batch in stream.batches()]

    def openai_python(model: str) -> list[str]:
        with other.chat.completions.create(model=model, messages=MESSAGES, stream=True) as chunks:
            return [chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices]

    def openai_answer(model: str) -> list[str]:
        answer = other.chat.completions.create(model=model, messages=MESSAGES)
        return [answer.choices[0].message.content or ""]

    receivers = {"thinkwire": Receiver(thinkwire, 20), "batches": Receiver(batches, 20)}
    if library:
        stream = CtypesStream(library, base_url)
        receivers["ctypes_batches"] = Receiver(stream.batches, 20)
        receivers["ctypes_pieces"] = Receiver(stream.pieces, 20)
    receivers["aiohttp"] = Receiver(clients.aiohttp, 10)
    receivers["liter_llm"] = Receiver(clients.liter_llm, 1)
    receivers["openai"] = Receiver(openai_python, 1)
    print(f"\n## Python {sys.version.split()[0]}")
    for title, model in FORMS.items():
        costs = measured(receivers, model, CHUNKS)
        print_costs(f"{title}: {CHUNKS} chunks at full speed", "chunk", costs, 2)
    answers = {
        "send": Receiver(lambda model: [client.send(model, "Hello").content], ANSWERS),
        "aiohttp": Receiver(clients.aiohttp_answer, ANSWERS),
        "liter_llm": Receiver(clients.liter_llm_answer, ANSWERS),
        "openai": Receiver(openai_answer, ANSWERS),
    }
    title = "One small answer that is not streamed, on a kept connection"
    print_costs(title, "answer", measured(answers, SMALL, 1), 0)
    clients.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
