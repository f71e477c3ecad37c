"""server_sent_events.py [PORT]: a web server that forwards the stream of a model to a browser.

It needs aiohttp. The browser sends {"question": "…"} to /chat and receives server-sent events of
the types reasoning, content, error and end. If it disconnects, the exchange with the model is
cancelled. The address and the key are read from the environment (THINKWIRE_BASE_URL,
THINKWIRE_API_KEY).
"""

import json
import sys
from collections.abc import AsyncIterator

from aiohttp import web
from thinkwire import AsyncClient, Error

MODEL = "alibaba/qwen3-32b"
CLIENT = web.AppKey("CLIENT", AsyncClient)


async def client_of_app(app: web.Application) -> AsyncIterator[None]:
    async with AsyncClient() as client:
        app[CLIENT] = client
        yield


async def chat(request: web.Request) -> web.StreamResponse:
    question = (await request.json())["question"]
    response = web.StreamResponse(
        headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
    )
    await response.prepare(request)

    async def send(kind: str, text: str) -> None:
        # JSON, because a line break would end the data of a server-sent event.
        await response.write(f"event: {kind}\ndata: {json.dumps(text)}\n\n".encode())

    try:
        async with request.app[CLIENT].stream(MODEL, question, thinking=True) as stream:
            async for event in stream:
                if event.kind in ("reasoning", "content"):
                    await send(event.kind, event.text)
        await send("end", stream.reply.finish_reason or "")
    except Error as error:
        await send("error", str(error))
    return response


def main() -> None:
    app = web.Application()
    app.cleanup_ctx.append(client_of_app)
    app.router.add_post("/chat", chat)
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8080
    # Without handler_cancellation, a disconnection would be noticed with the next event only.
    web.run_app(app, host="127.0.0.1", port=port, handler_cancellation=True)


if __name__ == "__main__":
    main()
