"""fan_out.py [QUESTION]: asks four models at once, and prints what each one thinks and answers.

The address and the key are read from the environment (THINKWIRE_BASE_URL, THINKWIRE_API_KEY).
"""

import asyncio
import sys

from thinkwire import AsyncClient, Error

MODELS = (
    "alibaba/qwen3-32b",
    "alibaba/qwen3-next-80b-a3b-thinking",
    "alibaba/qwen3-vl-32b-thinking",
    "alibaba/qwen3.6-35b-a3b",
)


async def ask(client: AsyncClient, model: str, question: str) -> None:
    """Prints each line of the reasoning and the answer as soon as it is complete."""
    lines = {"reasoning": "", "content": ""}
    try:
        async with client.stream(model, question, thinking=True) as stream:
            async for event in stream:
                if event.kind in lines:
                    *complete, lines[event.kind] = (lines[event.kind] + event.text).split("\n")
                    for line in complete:
                        print(f"{model} {event.kind}: {line}", flush=True)
        for kind, line in lines.items():
            print(f"{model} {kind}: {line}", flush=True)
    except Error as error:
        print(f"{model} failed: {error}", flush=True)


async def main() -> None:
    question = " ".join(sys.argv[1:]) or "What do you think about mankind?"
    async with AsyncClient() as client:
        await asyncio.gather(*(ask(client, model, question) for model in MODELS))


if __name__ == "__main__":
    asyncio.run(main())
