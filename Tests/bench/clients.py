"""What python.py and python_async.py share: other clients, with their names in the tables."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

import aiohttp
import liter_llm
import openai
import orjson

MESSAGES: Any = [{"role": "user", "content": "Hello"}]
HEADERS = {"Authorization": "Bearer key"}

AIOHTTP = f"aiohttp {aiohttp.__version__} and orjson"
LITER_LLM = f"liter-llm {version('liter-llm')}"
OPENAI = f"openai-python {openai.__version__}"


async def stream_with_aiohttp(
    session: aiohttp.ClientSession, base_url: str, model: str
) -> list[str]:
    body, pieces = {"model": model, "messages": MESSAGES, "stream": True}, []
    async with session.post(f"{base_url}/chat/completions", json=body) as response:
        async for line in response.content:
            if line.startswith(b"data: {"):
                choices = orjson.loads(line[6:])["choices"]
                if choices:
                    pieces.append(choices[0]["delta"].get("content") or "")
    return pieces


def liter_llm_request(model: str) -> liter_llm.ChatCompletionRequest:
    message = liter_llm.Message.from_user(MESSAGES[0])
    return liter_llm.ChatCompletionRequest(model=model, messages=[message])


async def stream_with_liter_llm(client: liter_llm.DefaultClient, model: str) -> list[str]:
    chunks = liter_llm.chat_stream(client, liter_llm_request(model))
    return [chunk.choices[0].delta.content or "" async for chunk in chunks if chunk.choices]
