"""Every scenario with every server: the library's reply equals what the received bytes say."""

import json
import os
import subprocess

import compare
import pytest
from dialogues import TOOL
from model_servers import HERE
from recorder import Recorder, recorded
from scenarios import BERLIN, SCENARIOS
from thinkwire import Error

CHAT = HERE.parents[1] / ".build" / "release" / "thinkwire-chat"


def ask(client, scenario, server, is_streamed):
    """The reply, also of a failed exchange, and the events."""
    arguments = dict(scenario.fields, thinking=scenario.thinking)
    # The default of a server for the number of tokens may be small.
    arguments = {"temperature": 0, "max_tokens": 900, **arguments}
    model = scenario.model or server.model
    if not is_streamed:
        try:
            return client.send(model, scenario.question, **arguments), None
        except Error as error:
            return error.reply, None
    events = []
    with client.stream(model, scenario.question, **arguments) as stream:
        try:
            events += stream
        except Error:
            pass
        return stream.reply, events


@pytest.mark.parametrize("is_streamed", [True, False], ids=["streamed", "unstreamed"])
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_the_reply_is_what_the_server_sent(server, scenario, is_streamed):
    with recorded(server, scenario.key) as (client, recorder):
        reply, events = ask(client, scenario, server, is_streamed)
        found = compare.reported_by(reply)
    [exchange] = recorder.exchanges
    [response] = exchange.responses()
    status, expected = compare.expected_of(response, is_streamed, scenario.thinking is False)
    assert f"TW_{reply.status.name}" == status, reply.message
    assert found == expected
    assert bool(reply.message) == (status != "TW_OK")
    if events is not None and status == "TW_OK":
        texts = {name: expected[name] for name in ("reasoning", "content")}
        assert compare.texts_in(events) == texts
    if server.name not in scenario.varies:
        assert set(scenario.contains) <= compare.parts_of(reply)


def test_tool_rounds_continue_until_the_answer(server):
    def get_weather(city: str, unit: str = "celsius") -> str:
        """The weather in a city."""
        asked.append((city, unit))
        return "21 degrees, sunny"

    asked = []
    fields = {"thinking": False, "temperature": 0, "max_tokens": 200}
    with recorded(server) as (client, recorder):
        history = [{"role": "user", "content": BERLIN}]
        answer = client.run(server.model, history, tools=[get_weather], **fields)
        again = client.send(server.model, history, tools=[TOOL], **fields)
    assert asked == [("Berlin", "celsius")]
    assert answer.content == "It is 21 °C and sunny in Berlin ☀️."
    assert again.status.name == "OK"
    requests = [body for exchange in recorder.exchanges for body in exchange.requests()]
    roles = [message["role"] for message in requests[1]["messages"]]
    assert roles == ["user", "assistant", "tool"]
    [call] = requests[1]["messages"][1]["tool_calls"]
    assert json.loads(call["function"]["arguments"]) == {"city": "Berlin", "unit": "celsius"}


@pytest.mark.parametrize("is_thinking", [True, False], ids=["thinking", "not thinking"])
def test_the_c_program_reports_the_same(server, is_thinking):
    recorder = Recorder(server)
    options = ["--base-url", recorder.url, "-m", server.model, "--set", "temperature=0"]
    switch = "--think" if is_thinking else "--no-think"
    done = subprocess.run(
        [CHAT, *options, switch, "Hello"],
        env={**os.environ, "THINKWIRE_API_KEY": server.key},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )
    recorder.close()
    [exchange] = recorder.exchanges
    [response] = exchange.responses()
    _, expected = compare.expected_of(response, True, not is_thinking)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == expected["content"].strip()
    assert expected["reasoning"].strip() in done.stderr
    assert bool(expected["reasoning"]) == is_thinking


def test_the_models_are_listed(server):
    with recorded(server) as (client, recorder):
        names = client.models()
    [exchange] = recorder.exchanges
    [(code, _, body)] = exchange.responses()
    assert code == 200
    assert names == [model["id"] for model in json.loads(body)["data"]] != []
