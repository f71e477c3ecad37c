"""The examples in the README of openai-python run when only their import is changed.

Source: https://github.com/openai/openai-python (README.md and helpers.md, as of version 2). They
use the chat completions API here, also where the README shows the responses API.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
import textwrap
import types
from pathlib import Path
from typing import Any

import pytest
from conftest import Echo, Failure
from test_request import PNG

PLAN = '{"steps": [{"explanation": "Subtract 31", "output": "8x = -29"}], "final_answer": "-29/8"}'
QUERY = '{"table_name": "orders", "columns": ["id"]}'


def message(content: object = "Ahoy!", **fields: object) -> dict[str, object]:
    return {"role": "assistant", "content": content, **fields}


def calls(name: str, arguments: str) -> list[dict[str, object]]:
    function = {"name": name, "arguments": arguments}
    return [{"id": "call_1", "type": "function", "function": function}]


def chunks(*texts: str) -> list[dict[str, object]]:
    parts: list[dict[str, object]] = [
        {"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}]}
        for text in texts
    ]
    return [
        *parts,
        {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
        # The library requests the usage, the programs do not expect it.
        {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}},
    ]


def failure(status: str, **error: object) -> Failure:
    return Failure(status, json.dumps({"error": {"message": "Failed.", **error}}))


#: The name of an example, the program, the answers of the server, and the output.
EXAMPLES: list[tuple[str, str, list[Any], str]] = [
    (
        "chat",
        """
        import os
        from openai import OpenAI

        client = OpenAI(
            # This is the default and can be omitted
            api_key=os.environ.get("OPENAI_API_KEY"),
        )

        completion = client.chat.completions.create(
            model="gpt-4o",
            messages=[
                {"role": "developer", "content": "Talk like a pirate."},
                {
                    "role": "user",
                    "content": "How do I check if a Python object is an instance of a class?",
                },
            ],
        )

        print(completion.choices[0].message.content)
        print(completion._request_id)
        """,
        [message()],
        "Ahoy!\nreq-1\n",
    ),
    (
        "streaming",
        """
        from openai import OpenAI

        client = OpenAI()

        stream = client.chat.completions.create(
            model="gpt-4o",
            messages=[{"role": "user", "content": "Say this is a test"}],
            stream=True,
        )
        for chunk in stream:
            print(chunk.choices[0].delta.content or "", end="")
        """,
        [chunks("This is ", "a test")],
        "This is a test",
    ),
    (
        "vision",
        """
        import base64
        from openai import OpenAI

        client = OpenAI()

        prompt = "What is in this image?"
        with open(IMAGE, "rb") as image_file:
            b64_image = base64.b64encode(image_file.read()).decode("utf-8")

        response = client.chat.completions.create(
            model="gpt-4o-mini",
            messages=[
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": prompt},
                        {
                            "type": "image_url",
                            "image_url": {"url": f"data:image/png;base64,{b64_image}"},
                        },
                    ],
                }
            ],
        )
        print(response.choices[0].message.content)
        """,
        [message("A pixel")],
        "A pixel\n",
    ),
    (
        "tools",
        """
        import json
        from openai import OpenAI

        client = OpenAI()
        tools = [
            {
                "type": "function",
                "function": {
                    "name": "get_weather",
                    "parameters": {
                        "type": "object",
                        "properties": {"location": {"type": "string"}},
                    },
                },
            }
        ]
        messages = [{"role": "user", "content": "What's the weather like in Paris today?"}]
        completion = client.chat.completions.create(
            model="gpt-4o", messages=messages, tools=tools, tool_choice="auto"
        )
        tool_call = completion.choices[0].message.tool_calls[0]
        args = json.loads(tool_call.function.arguments)
        print(completion.choices[0].finish_reason, tool_call.function.name, args["location"])

        messages.append(completion.choices[0].message)
        messages.append({"role": "tool", "tool_call_id": tool_call.id, "content": "14 degrees"})
        completion_2 = client.chat.completions.create(
            model="gpt-4o", messages=messages, tools=tools
        )
        print(completion_2.choices[0].message.content)
        """,
        [
            message(None, tool_calls=calls("get_weather", '{"location": "Paris"}')),
            message("It is 14 degrees."),
        ],
        "tool_calls get_weather Paris\nIt is 14 degrees.\n",
    ),
    (
        "parse",
        """
        from typing import List
        from pydantic import BaseModel
        from openai import OpenAI

        class Step(BaseModel):
            explanation: str
            output: str

        class MathResponse(BaseModel):
            steps: List[Step]
            final_answer: str

        client = OpenAI()
        completion = client.chat.completions.parse(
            model="gpt-4o-2024-08-06",
            messages=[
                {"role": "system", "content": "You are a helpful math tutor."},
                {"role": "user", "content": "solve 8x + 31 = 2"},
            ],
            response_format=MathResponse,
        )

        message = completion.choices[0].message
        if message.parsed:
            print(message.parsed.steps)
            print("answer: ", message.parsed.final_answer)
        else:
            print(message.refusal)
        """,
        [message(PLAN)],
        "[Step(explanation='Subtract 31', output='8x = -29')]\nanswer:  -29/8\n",
    ),
    (
        "parse tool calls",
        """
        from enum import Enum
        from typing import List
        from pydantic import BaseModel
        import openai

        class Table(str, Enum):
            orders = "orders"
            customers = "customers"

        class Query(BaseModel):
            table_name: Table
            columns: List[str]

        client = openai.OpenAI()
        completion = client.beta.chat.completions.parse(
            model="gpt-4o-2024-08-06",
            messages=[{"role": "user", "content": "look up all my orders in may of last year"}],
            tools=[openai.pydantic_function_tool(Query)],
        )

        tool_call = (completion.choices[0].message.tool_calls or [])[0]
        assert isinstance(tool_call.function.parsed_arguments, Query)
        print(tool_call.function.parsed_arguments.table_name.value)
        """,
        [message(None, tool_calls=calls("Query", QUERY))],
        "orders\n",
    ),
    (
        "errors",
        """
        import openai
        from openai import OpenAI

        client = OpenAI(max_retries=0)

        for _ in range(3):
            try:
                client.chat.completions.create(
                    model="gpt-4o", messages=[{"role": "user", "content": "Say this is a test"}]
                )
            except openai.APIConnectionError as e:
                print("The server could not be reached")
                print(e.__cause__)
            except openai.RateLimitError as e:
                print("A 429 status code was received; we should back off a bit.")
                print(e.response.headers.get("X-Request-ID"), e.request_id)
            except openai.APIStatusError as e:
                print("Another non-200-range status code was received")
                print(type(e).__name__, e.status_code, e.response.status_code)
                print(e.code, e.type, e.param, e.body["message"])
        """,
        [
            failure("429 Too Many Requests"),
            failure("422 Unprocessable Content", code="bad", type="invalid", param="n"),
            failure("503 Service Unavailable", code="busy"),
        ],
        "A 429 status code was received; we should back off a bit.\nreq-1 req-1\n"
        "Another non-200-range status code was received\nUnprocessableEntityError 422 422\n"
        "bad invalid n Failed.\n"
        "Another non-200-range status code was received\nServerError 503 503\n"
        "busy None None Failed.\n",
    ),
    (
        "connection errors",
        """
        import openai
        from openai import OpenAI

        client = OpenAI(base_url="http://127.0.0.1:1/v1", max_retries=0)
        try:
            client.chat.completions.create(
                model="gpt-4o", messages=[{"role": "user", "content": "Say this is a test"}]
            )
        except openai.APIConnectionError as e:
            print("The server could not be reached", isinstance(e, openai.APIError))
        """,
        [],
        "The server could not be reached True\n",
    ),
    (
        "retries",
        """
        from openai import OpenAI

        # Configure the default for all requests:
        client = OpenAI(
            # default is 2
            max_retries=0,
        )

        # Or, configure per-request:
        completion = client.with_options(max_retries=5).chat.completions.create(
            messages=[
                {
                    "role": "user",
                    "content": "How can I get the name of the current day in JavaScript?",
                }
            ],
            model="gpt-4o",
        )
        print(completion.choices[0].message.content)
        """,
        [
            Failure("429 Too Many Requests", '{"error": {"message": "Please try again in 1ms."}}'),
            Failure("429 Too Many Requests", '{"error": {"message": "Please try again in 1ms."}}'),
            message(),
        ],
        "Ahoy!\n",
    ),
    (
        "timeouts",
        """
        import httpx
        from openai import OpenAI

        # Configure the default for all requests:
        client = OpenAI(
            # 20 seconds (default is 10 minutes)
            timeout=20.0,
        )

        # More granular control:
        client = OpenAI(
            timeout=httpx.Timeout(60.0, read=5.0, write=10.0, connect=2.0),
        )

        # Override per-request:
        completion = client.with_options(timeout=5.0).chat.completions.create(
            messages=[
                {
                    "role": "user",
                    "content": "How can I list all files in a directory using Python?",
                }
            ],
            model="gpt-4o",
        )
        print(completion.choices[0].message.content)
        """,
        [message()],
        "Ahoy!\n",
    ),
    (
        "async",
        """
        import os
        import asyncio
        from openai import AsyncOpenAI

        client = AsyncOpenAI(
            # This is the default and can be omitted
            api_key=os.environ.get("OPENAI_API_KEY"),
        )

        async def main() -> None:
            chat_completion = await client.chat.completions.create(
                messages=[{"role": "user", "content": "Say this is a test"}],
                model="gpt-4o",
            )
            print(chat_completion.choices[0].message.content)
            stream = await client.chat.completions.create(
                model="gpt-4o",
                messages=[{"role": "user", "content": "Say this is a test"}],
                stream=True,
            )
            async for chunk in stream:
                print(chunk.choices[0].delta.content or "", end="")

        asyncio.run(main())
        """,
        [message(), chunks("This is ", "a test")],
        "Ahoy!\nThis is a test",
    ),
    (
        "raw response",
        """
        from openai import OpenAI

        client = OpenAI()
        response = client.chat.completions.with_raw_response.create(
            messages=[{
                "role": "user",
                "content": "Say this is a test",
            }],
            model="gpt-4o",
        )
        print(response.headers.get("X-Request-ID"), response.status_code)

        # get the object that `chat.completions.create()` would have returned
        completion = response.parse()
        print(completion.choices[0].message.content)
        """,
        [message()],
        "req-1 200\nAhoy!\n",
    ),
    (
        "undocumented parameters",
        """
        from openai import OpenAI

        client = OpenAI(default_headers={"X-Title": "Test"})
        completion = client.chat.completions.create(
            model="gpt-4o",
            messages=[{"role": "user", "content": "Say this is a test"}],
            extra_headers={"X-Stainless-Helper-Method": "test"},
            extra_body={"my_param": True},
        )
        print(completion.to_dict()["object"])
        """,
        [message()],
        "chat.completion\n",
    ),
]


@pytest.mark.parametrize(
    "program, answers, output",
    [pytest.param(*example[1:], id=example[0]) for example in EXAMPLES],
)
def test_example_runs_with_another_import(
    echo: Echo,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    program: str,
    answers: list[Any],
    output: str,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "My API Key")
    monkeypatch.setenv("OPENAI_BASE_URL", echo.base_url)
    echo.script = list(answers)
    image = tmp_path / "image.png"
    image.write_bytes(PNG)
    program = textwrap.dedent(program)
    program = program.replace("from openai import", "from thinkwire import")
    program = program.replace("import openai", "import thinkwire as openai")
    printed = io.StringIO()
    # pydantic looks up the module of a class.
    module = types.ModuleType("example")
    monkeypatch.setitem(sys.modules, "example", module)
    monkeypatch.setattr(module, "IMAGE", str(image), raising=False)
    with contextlib.redirect_stdout(printed):
        exec(compile(program, "example.py", "exec", dont_inherit=True), module.__dict__)
    assert printed.getvalue() == output
    assert echo.script == []
    assert all(sent["authorization"] == "Bearer My API Key" for sent in echo.headers)
