"""Conversations with providers that require reasoning back, or reject it."""

import asyncio
import copy
import json
import os
import pty
import subprocess

import mock_process
import pytest
from conftest import KEY
from strict_providers import DEEPSEEK_R1, LLAMA_CPP, PROVIDERS, ROUNDS, StrictProvider
from thinkwire import AsyncClient, BadRequestError, Client, stored_messages

#: The C program that runs the same conversation: see replay.c.
PROGRAM = mock_process.ROOT / ".build" / "servers" / "replay"
CHAT = mock_process.ROOT / ".build" / "release" / "thinkwire-chat"


def step(n: int) -> str:
    """Performs a step.

    n: the number of the step
    """
    return f"done {n}"


TOOLS = [
    {
        "type": "function",
        "function": {"name": "step", "parameters": {"type": "object", "properties": {}}},
    }
]


@pytest.fixture
def client_of():
    clients = []

    def create(provider, **options):
        clients.append(
            Client(
                provider.base_url,
                KEY,
                proxy=provider.proxy,
                allow_cleartext=provider.host,
                max_retries=0,
                **options,
            )
        )
        return clients[-1]

    yield create
    for client in clients:
        client.close()


@pytest.fixture(params=PROVIDERS)
def provider(request, start):
    return start(StrictProvider, PROVIDERS[request.param])


@pytest.fixture(params=["streamed", "unstreamed"])
def is_streamed(request):
    return request.param == "streamed"


def check(provider, turns):
    """Every request was accepted, and each question had all its rounds."""
    assert provider.rejected == []
    assert len(provider.bodies) == turns * (ROUNDS + 1)


def test_run(provider, client_of, is_streamed):
    """The caller's list is continued in a second turn."""
    client = client_of(provider)
    messages = [{"role": "user", "content": "One?"}]
    on_event = (lambda event: None) if is_streamed else None
    for _ in range(2):
        reply = client.run(provider.provider.model, messages, tools=[step], on_event=on_event)
        assert reply.content.startswith("Answer ")
        # A copy of the list has the same meaning.
        messages = copy.deepcopy(messages)
        messages.append({"role": "user", "content": "Two?"})
    check(provider, turns=2)


def test_stored_conversation(provider, client_of, is_streamed):
    """A conversation that was stored as JSON is continued in a second turn."""
    client = client_of(provider)
    messages = [{"role": "user", "content": "One?"}]
    on_event = (lambda event: None) if is_streamed else None
    for _ in range(2):
        client.run(provider.provider.model, messages, tools=[step], on_event=on_event)
        messages = json.loads(json.dumps(stored_messages(messages)))
        messages.append({"role": "user", "content": "Two?"})
    check(provider, turns=2)


def test_run_of_the_async_client(provider, is_streamed):
    async def converse():
        options = {"proxy": provider.proxy, "allow_cleartext": provider.host, "max_retries": 0}
        messages = [{"role": "user", "content": "One?"}]
        on_event = (lambda event: None) if is_streamed else None
        async with AsyncClient(provider.base_url, KEY, **options) as client:
            for _ in range(2):
                model = provider.provider.model
                reply = await client.run(model, messages, tools=[step], on_event=on_event)
                assert reply.content.startswith("Answer ")
                messages.append({"role": "user", "content": "Two?"})

    asyncio.run(converse())
    check(provider, turns=2)


def test_replies_in_the_messages(provider, client_of, is_streamed):
    client = client_of(provider)
    messages = [{"role": "user", "content": "One?"}]
    for _ in range(2):
        for _ in range(ROUNDS + 1):
            send = client.stream if is_streamed else client.send
            reply = send(provider.provider.model, messages, tools=TOOLS)
            reply = reply.finish() if is_streamed else reply
            messages.append(reply)
            messages += [
                {"role": "tool", "tool_call_id": call.id, "content": "done"}
                for call in reply.tool_calls
            ]
        messages.append({"role": "user", "content": "Two?"})
    check(provider, turns=2)


def test_messages_of_openai_python(provider, client_of):
    create = client_of(provider).chat.completions.create
    messages = [{"role": "user", "content": "One?"}]
    for _ in range(2):
        for _ in range(ROUNDS + 1):
            completion = create(model=provider.provider.model, messages=messages, tools=TOOLS)
            message = completion.choices[0].message
            messages.append(message)
            messages += [
                {"role": "tool", "tool_call_id": call.id, "content": "done"}
                for call in message.tool_calls or []
            ]
        messages.append({"role": "user", "content": "Two?"})
    check(provider, turns=2)


@pytest.mark.parametrize("how", ["copy", "json"])
def test_c(provider, is_streamed, how):
    subprocess.run(
        [
            PROGRAM,
            provider.base_url,
            provider.proxy,
            provider.provider.model,
            "streamed" if is_streamed else "unstreamed",
            how,
        ],
        check=True,
        timeout=60,
    )
    check(provider, turns=2)


@pytest.mark.parametrize("name", ["glm", "openrouter-claude", "minimax", "groq", "mistral"])
def test_conversation_of_thinkwire_chat(start, name):
    provider = start(StrictProvider, PROVIDERS[name])
    keyboard, terminal = pty.openpty()
    # The last character is Ctrl-D, which ends the conversation.
    os.write(keyboard, b"One?\nTwo?\nThree?\n\x04")
    ended = subprocess.run(
        [CHAT, "-q", "--base-url", provider.base_url, "-m", provider.provider.model],
        stdin=terminal,
        capture_output=True,
        check=True,
        timeout=60,
        env={"http_proxy": provider.proxy},
    )
    os.close(keyboard)
    os.close(terminal)
    assert ended.stdout.count(b"Answer") == 3 and provider.rejected == []


def test_older_api_of_deepseek_rejects_reasoning(start, client_of):
    provider = start(StrictProvider, DEEPSEEK_R1)
    client = client_of(provider)
    messages = [{"role": "user", "content": "One?"}]
    for _ in range(3):
        reply = client.send("deepseek-reasoner", messages)
        assert reply.reasoning != ""
        messages += [reply, {"role": "user", "content": "And?"}]
    assert provider.rejected == []


def test_conversation_continues_with_other_providers(start, client_of):
    """The reasoning of one provider is sent to another only in that provider's form."""
    order = ["kimi", "groq", "openrouter-claude", "cerebras", "deepseek-v3.2", "mistral", "kimi"]
    messages = []
    for name in order:
        provider = start(StrictProvider, PROVIDERS[name])
        messages.append({"role": "user", "content": f"Hello {name}"})
        client_of(provider).run(provider.provider.model, messages, tools=[step])
        assert provider.rejected == []


def test_form_chosen_by_the_caller(start, client_of):
    """It replaces what the table of hosts says."""
    for name, form in [("kimi", "none"), ("groq", "reasoning")]:
        provider = start(StrictProvider, PROVIDERS[name])
        with pytest.raises(BadRequestError, match="reasoning"):
            client_of(provider, reasoning_replay=form).run(
                provider.provider.model, "Hello", tools=[step]
            )
    for form in ["auto", "reasoning_content"]:
        provider = start(StrictProvider, PROVIDERS["kimi"])
        client = client_of(provider, reasoning_replay=form)
        assert client.run("kimi-k2.5", "Hello", tools=[step]).content.startswith("Answer 4")


@pytest.mark.parametrize("arguments", ["", "{{", "n: {}", "[{}]", '{{"n": NaN}}'])
def test_broken_arguments_are_corrected_by_the_model(start, client_of, is_streamed, arguments):
    provider = start(StrictProvider, LLAMA_CPP, arguments=arguments)
    on_event = (lambda event: None) if is_streamed else None
    messages = [{"role": "user", "content": "One?"}]
    reply = client_of(provider).run("m", messages, tools=[step], on_event=on_event)
    assert reply.content.startswith("Answer 4") and provider.rejected == []
    conversation = provider.bodies[-1]["messages"]
    calls = [each["tool_calls"][0] for each in conversation if "tool_calls" in each]
    assert [call["function"]["arguments"] for call in calls] == ["{}"] * ROUNDS
    results = [each["content"] for each in conversation if each["role"] == "tool"]
    assert len(results) == ROUNDS and all(each.startswith("Error: ") for each in results)
    # The model sees what it wrote.
    assert all(arguments.format(n) in result for n, result in enumerate(results, 1))
    for message in conversation:
        message.pop("reasoning_content", None)
    assert messages[:-1] == conversation
