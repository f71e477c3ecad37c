"""What applications need that do not know that they talk to thinkwire-mock.

Model aliases, scripts, tool calls, received requests, and the listening address.
"""

import json
import socket
import stat
import time

import pytest
from mock_process import HELLO, QWEN, RECORDINGS, Mock, Response, check_error, connect, request
from test_server import run

KEY = "sk-a-secret-key"


def chat(server, model="gpt-4o", headers=(), messages=HELLO, **fields):
    """Sends a chat request as an application does."""
    body = {"model": model, "messages": messages, **fields}
    with connect(server.port) as connection:
        connection.sendall(request(body, headers, key=KEY))
        return Response(connection)


def fetch(server, path, method="GET"):
    with connect(server.port) as connection:
        connection.sendall(request(b"", method=method, path=path, key=None))
        return Response(connection)


def stop(server):
    code, errors = server.stop()
    assert code == 0 and errors == "", (code, errors)


# Aliases


def test_any_name_answers_as_the_model_of_its_alias():
    server = Mock(
        "--alias",
        "gpt-4o=alibaba/qwen3-32b",
        "--alias=o*=mock/synthetic#chunks=3",
        "--alias=*=alibaba/qwen3.6-35b-a3b",
    )
    recorded = (RECORDINGS / "qwen3-32b.json").read_bytes()
    assert chat(server, "gpt-4o").body == recorded
    assert len(chat(server, "o3", stream=True).texts()[1]) == 3 * 16
    # The options of the request are applied after those of the alias.
    assert len(chat(server, "o3#chunks=5", stream=True).texts()[1]) == 5 * 16
    other = (RECORDINGS / "qwen3.6-35b-a3b.json").read_bytes()
    assert chat(server, "any/other-name").body == other
    names = [model["id"] for model in fetch(server, "/v1/models").json["data"]]
    assert "gpt-4o" in names and QWEN in names and not any("*" in name for name in names)
    stop(server)


def test_names_without_an_alias_are_unknown():
    server = Mock("--alias", "gpt-*=alibaba/qwen3-32b")
    assert chat(server, "gpt-5").status == chat(server, QWEN).status == 200
    check_error(chat(server, "claude"), 404, "there is no model claude")
    # The provider's rules apply under the other name, too.
    check_error(chat(server, "gpt-5", temperature=3), 400, "temperature: must be <= 2")
    stop(server)


def test_invalid_aliases_are_reported():
    for alias, problem in [
        ("gpt-4o=no/model", "--alias gpt-4o: there is no model no/model"),
        ("gpt-4o=mock/echo#cut=x", "--alias gpt-4o: mock: cut: must be a whole number"),
        ("gpt-4o", "invalid argument: gpt-4o; see --help"),
        ("=mock/echo", "invalid argument: =mock/echo; see --help"),
    ]:
        code, output, errors = run("--port", "0", "--alias", alias)
        assert code == 2 and output == "" and problem in errors, errors


# Received requests


def test_received_requests_are_listed_without_the_key():
    server = Mock("--alias", "gpt-4o=mock/echo")
    secrets = ["X-Api-Key: " + KEY, "Cookie: a=cookie-1-value; b=cookie-2-value"]
    note = KEY + " cookie-1-value cookie-2-value"
    chat(server, headers=[*secrets, "X-Trace: 1"], user=note, temperature=0.5)
    check_error(chat(server, "none"), 404)
    with connect(server.port) as connection:
        connection.sendall(request(b"{no JSON\n", key=KEY))
        check_error(Response(connection), 400)
    response = fetch(server, "/v1/mock/requests")
    assert response.status == 200
    assert KEY.encode() not in response.body and b"cookie-" not in response.body
    first, second, third = response.json
    assert (first["method"], first["path"]) == ("POST", "/v1/chat/completions")
    assert (first["connection"], first["request"]) == (1, 1)
    assert first["headers"]["authorization"] == first["headers"]["x-api-key"] == "***"
    assert first["headers"]["x-trace"] == "1"
    assert first["body"] == {
        "model": "gpt-4o",
        "messages": HELLO,
        "user": " ".join("*" * len(word) for word in note.split()),
        "temperature": 0.5,
    }
    assert second["body"]["model"] == "none" and third["body"] == "{no JSON\n"
    # A key in the query is not kept either.
    fetch(server, "/v1/models?key=" + KEY)
    response = fetch(server, "/mock/requests")
    assert response.json[-1]["path"] == "/v1/models" and KEY.encode() not in response.body
    assert fetch(server, "/mock/requests", "DELETE").status == 204
    assert fetch(server, "/mock/requests").json == []
    response = fetch(server, "/mock/requests", "PUT")
    check_error(response, 405)
    assert response.headers["allow"] == "GET, DELETE"
    stop(server)


def test_number_and_size_of_kept_requests_are_limited():
    server = Mock()
    with connect(server.port) as connection:
        for i in range(1010):
            connection.sendall(request(b"", method="GET", path=f"/x/{i}"))
            assert Response(connection).status == 404
    paths = [received["path"] for received in fetch(server, "/mock/requests").json]
    assert paths == [f"/x/{i}" for i in range(10, 1010)]
    # Three bodies of 6 MB exceed the limit together, and one of 20 MB by itself.
    for size in (6, 6, 6, 20):
        content = "x" * size * 10**6
        assert chat(server, QWEN, messages=[{"role": "user", "content": content}]).status == 200
    kept = fetch(server, "/mock/requests").json
    assert [len(received["body"]["messages"][0]["content"]) for received in kept] == [6 * 10**6] * 2
    stop(server)


def test_received_requests_are_appended_to_a_file(tmp_path):
    file = tmp_path / "requests.jsonl"
    for name in ("first", "second"):
        server = Mock("--requests", str(file), "--alias=*=mock/echo")
        chat(server, name, messages=[{"role": "user", "content": "line 1\nline 2"}])
        stop(server)
    assert KEY not in file.read_text()
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [line["body"]["model"] for line in lines] == ["first", "second"]
    assert lines[0]["body"]["messages"][0]["content"] == "line 1\nline 2"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    code, _, errors = run("--requests", str(tmp_path))
    assert code == 2 and f"{tmp_path}: Is a directory" in errors


# Tool calls


def tool(name, parameters):
    return {"type": "function", "function": {"name": name, "parameters": parameters}}


WEATHER = tool(
    "get_weather",
    {
        "type": "object",
        "properties": {
            "city": {"type": "string", "examples": ["Zürich"]},
            "unit": {"enum": ["celsius", "fahrenheit"]},
            "days": {"type": "integer", "minimum": 3},
            "note": {"type": "string"},
        },
        "required": ["city", "unit", "days"],
    },
)
TIME = tool("get_time", {"type": "object", "properties": {}})
WEATHER_ARGUMENTS = {"city": "Zürich", "unit": "celsius", "days": 3}


def streamed_calls(response):
    """The tool calls of a stream, joined as clients do, and the number of their fragments."""
    calls, fragments = {}, 0
    for event in response.events:
        for choice in event["choices"]:
            for delta in choice["delta"].get("tool_calls", []):
                call = calls.setdefault(delta["index"], {"arguments": ""})
                if "id" in delta:
                    call.update(id=delta["id"], name=delta["function"]["name"])
                call["arguments"] += delta["function"]["arguments"]
                fragments += 1
    return [calls[index] for index in sorted(calls)], fragments


def test_tools_are_called_and_their_results_answered():
    server = Mock("--alias", "gpt-*=mock/tools")
    response = chat(server, tools=[WEATHER, TIME]).json
    assert response["model"] == "gpt-4o"
    choice = response["choices"][0]
    assert choice["finish_reason"] == "tool_calls" and choice["message"]["content"] is None
    calls = choice["message"]["tool_calls"]
    assert [call["id"] for call in calls] == ["call_1", "call_2"]
    assert json.loads(calls[0]["function"]["arguments"]) == WEATHER_ARGUMENTS
    assert calls[1]["function"] == {"name": "get_time", "arguments": "{}"}
    # Results may have any order.
    results = [
        {"role": "tool", "tool_call_id": "call_2", "content": "12:00"},
        {"role": "tool", "tool_call_id": "call_1", "content": [{"type": "text", "text": "sunny"}]},
    ]
    messages = [*HELLO, choice["message"], *results]
    answer = chat(server, messages=messages, tools=[WEATHER, TIME]).json["choices"][0]
    assert answer["finish_reason"] == "stop"
    assert answer["message"]["content"] == "get_time: 12:00\nget_weather: sunny"
    # The next question calls them again, under new ids.
    messages += [answer["message"], *HELLO]
    again = chat(server, messages=messages, tools=[TIME]).json["choices"][0]["message"]
    assert [call["id"] for call in again["tool_calls"]] == ["call_3"]
    stop(server)


def test_streamed_tool_calls_arrive_in_fragments():
    server = Mock()
    response = chat(server, "mock/tools", tools=[WEATHER, TIME], stream=True)
    calls, fragments = streamed_calls(response)
    assert [(call["id"], call["name"]) for call in calls] == [
        ("call_1", "get_weather"),
        ("call_2", "get_time"),
    ]
    assert json.loads(calls[0]["arguments"]) == WEATHER_ARGUMENTS and fragments > 6
    reasons = [c["finish_reason"] for e in response.events for c in e["choices"]]
    assert reasons[-1] == "tool_calls" and set(reasons[:-1]) == {None}
    assert response.texts()[0] and response.body.endswith(b"data: [DONE]\n\n")
    assert response.events[-1]["usage"]["completion_tokens"] > 0
    stop(server)


def test_one_tool_at_a_time_without_parallel_calls():
    server = Mock()
    messages, names = list(HELLO), []
    while True:
        choice = chat(
            server,
            "mock/tools",
            messages=messages,
            tools=[WEATHER, TIME],
            parallel_tool_calls=False,
        ).json["choices"][0]
        messages.append(choice["message"])
        if choice["finish_reason"] == "stop":
            break
        (call,) = choice["message"]["tool_calls"]
        names.append(call["function"]["name"])
        messages.append({"role": "tool", "tool_call_id": call["id"], "content": call["id"]})
    assert names == ["get_weather", "get_time"]
    assert choice["message"]["content"] == "get_weather: call_1\nget_time: call_2"
    stop(server)


def test_tool_choice_is_obeyed():
    server = Mock()

    def called(choice):
        response = chat(server, "mock/tools", tools=[WEATHER, TIME], tool_choice=choice)
        if response.status != 200:
            return response
        calls = response.json["choices"][0]["message"].get("tool_calls", [])
        return [call["function"]["name"] for call in calls]

    assert called("auto") == called("required") == ["get_weather", "get_time"]
    assert called("none") == []
    assert called({"type": "function", "function": {"name": "get_time"}}) == ["get_time"]
    check_error(
        called({"type": "function", "function": {"name": "f"}}),
        400,
        "tool_choice: there is no tool f",
    )
    assert chat(server, "mock/tools").json["choices"][0]["message"]["content"]
    check_error(
        chat(server, "mock/tools", tools=[{"type": "function"}]), 400, "tools[0]: a tool must have"
    )
    stop(server)


def test_conversations_without_the_results_of_tool_calls_are_rejected():
    server = Mock()
    call = {"id": "a", "type": "function", "function": {"name": "get_time", "arguments": "{}"}}
    turn = {"role": "assistant", "content": None, "tool_calls": [call, {**call, "id": "b"}]}
    result = {"role": "tool", "tool_call_id": "a", "content": "1"}
    for messages, problem in [
        ([*HELLO, turn, result], "messages[3]: the result of the tool call b"),
        ([*HELLO, turn, *HELLO], "messages[2]: the result of the tool call a"),
        ([*HELLO, result], "messages[1]: no tool call before it has the id a"),
        ([*HELLO, turn, result, result], "messages[3]: no tool call before it has the id a"),
    ]:
        check_error(chat(server, "mock/tools", messages=messages, tools=[TIME]), 400, problem)
    stop(server)


EXAMPLES = [
    (None, {}),
    ({}, {}),
    ({"type": "object", "properties": {"a": {"type": "boolean"}}}, {"a": True}),
    ({"properties": {"a": {"const": [1, "x"]}}}, {"a": [1, "x"]}),
    ({"properties": {"a": {"type": ["null", "number"], "maximum": -2.5}}}, {"a": -2.5}),
    ({"properties": {"a": {"type": "integer", "exclusiveMinimum": 4}}}, {"a": 5}),
    ({"properties": {"a": {"type": "integer", "exclusiveMaximum": 0}}}, {"a": -1}),
    ({"properties": {"a": {"type": "string", "format": "date"}}}, {"a": "2026-01-31"}),
    ({"properties": {"a": {"type": "string", "minLength": 7}}}, {"a": "texttext"}),
    ({"properties": {"a": {"type": "string", "maxLength": 2}}}, {"a": "te"}),
    (
        {"properties": {"a": {"type": "array", "items": {"default": 0}, "minItems": 3}}},
        {"a": [0, 0, 0]},
    ),
    ({"properties": {"a": {"anyOf": [{"type": "integer"}, {"type": "null"}]}}}, {"a": 1}),
    (
        {
            "$defs": {"P": {"type": "object", "properties": {"x": {"type": "string"}}}},
            "properties": {"a": {"type": "array", "items": {"$ref": "#/$defs/P"}}},
        },
        {"a": [{"x": "text"}]},
    ),
]


def test_arguments_match_the_parameters():
    server = Mock()
    for parameters, expected in EXAMPLES:
        function = tool("f", parameters)
        if parameters is None:
            del function["function"]["parameters"]
        calls = chat(server, "mock/tools", tools=[function]).json["choices"][0]["message"]
        arguments = calls["tool_calls"][0]["function"]["arguments"]
        assert json.loads(arguments) == expected, parameters
    # Schemas that refer to themselves, or require very many values, end.
    for endless in (
        {"type": "object", "properties": {"l": {"$ref": "#"}, "r": {"$ref": "#"}}},
        {"properties": {"a": {"type": "array", "items": {}, "minItems": 10**12}}},
        {"properties": {"a": {"type": "string", "minLength": 10**12}}},
    ):
        response = chat(server, "mock/tools", tools=[tool("f", endless)])
        assert response.status == 200 and len(response.body) < 100_000
    stop(server)


# Scripts


def scripted(tmp_path, entries, *arguments):
    file = tmp_path / "script.json"
    file.write_text(entries if isinstance(entries, str) else json.dumps(entries))
    return Mock("--script", str(file), *arguments)


def test_script_answers_in_order(tmp_path):
    call = {"name": "get_weather", "arguments": {"city": "Bern"}}
    server = scripted(
        tmp_path,
        [
            {"reasoning": "A greeting.", "content": "Hello, you!"},
            {"tool_calls": [call, {"id": "x", "name": "f", "arguments": "{no JSON"}]},
            {"status": 429, "error": "slow down", "options": "header=Retry-After:7"},
            {"error": {"message": "overloaded", "code": 7}},
            {"status": 503},
            {"content": "late", "delay": 80, "finish_reason": "length"},
            {"content": "cut off", "options": "cut=30"},
            {"content": "again", "repeat": True},
        ],
    )
    first = chat(server, "any", stream=True)
    assert first.texts() == ("A greeting.", "Hello, you!")
    assert first.events[0]["model"] == "any" and first.events[-1]["usage"]
    choice = chat(server).json["choices"][0]
    assert choice["finish_reason"] == "tool_calls" and choice["message"]["content"] is None
    calls = choice["message"]["tool_calls"]
    assert [call["id"] for call in calls] == ["call_2_1", "x"]
    assert json.loads(calls[0]["function"]["arguments"]) == {"city": "Bern"}
    assert calls[1]["function"]["arguments"] == "{no JSON"
    limited = chat(server)
    check_error(limited, 429, "slow down")
    assert limited.headers["retry-after"] == "7"
    overloaded = chat(server)
    assert overloaded.status == 500
    assert overloaded.json == {"error": {"message": "overloaded", "code": 7}}
    check_error(chat(server), 503, "Service Unavailable")
    start = time.monotonic()
    late = chat(server).json["choices"][0]
    assert time.monotonic() - start >= 0.08
    assert (late["message"]["content"], late["finish_reason"]) == ("late", "length")
    assert not chat(server, stream=True).is_complete
    for _ in range(3):
        assert chat(server).json["choices"][0]["message"]["content"] == "again"
    stop(server)


def test_script_says_what_it_expected(tmp_path):
    server = scripted(
        tmp_path, [{"content": "Hi"}, {"expect": "weather", "content": "Sunny"}, {"content": "Bye"}]
    )
    ask = [{"role": "user", "content": [{"type": "text", "text": "How is the weather?"}]}]
    assert chat(server).status == 200
    check_error(
        chat(server),
        400,
        "script.json: answer 2 of 3: the last message must contain: weather (is: Hello)",
    )
    assert chat(server, messages=ask).json["choices"][0]["message"]["content"] == "Sunny"
    assert chat(server).status == 200
    check_error(chat(server), 400, "script.json: all answers were used; add one, or")
    stop(server)


INVALID_SCRIPTS = [
    ('[\n{"content": }]', "script.json: line 2: a value is expected"),
    ("{}", "script.json: must be an array of answers"),
    ("[1]", "script.json: answer 1: must be an object"),
    ('[{}, {"contents": ""}]', "answer 2: contents is not a member; the members are content"),
    ('[{"content": 1}]', "answer 1: content: must be a string"),
    ('[{"status": 99}]', "answer 1: status: must be a whole number from 200 to 599"),
    ('[{"delay": -1}]', "answer 1: delay: must be milliseconds"),
    ('[{"options": "cut=x"}]', "answer 1: mock: cut: must be a whole number"),
    ('[{"tool_calls": [{}]}]', "answer 1: tool_calls: a call must have a name"),
    ('[{"error": 1}]', "answer 1: error: must be a message or an object"),
    ('[{"repeat": 1}]', "answer 1: repeat: must be true or false"),
]


def test_invalid_scripts_are_reported_at_the_start(tmp_path):
    file = tmp_path / "script.json"
    for text, problem in INVALID_SCRIPTS:
        file.write_text(text)
        code, output, errors = run("--script", str(file))
        assert code == 2 and output == "" and problem in errors, (text, errors)
    code, _, errors = run("--script", str(tmp_path / "missing"))
    assert code == 2 and "missing: No such file or directory" in errors


# The listening address


def test_host_selects_the_address():
    server = Mock("--host", "127.0.0.2")
    assert server.url == f"http://127.0.0.2:{server.port}/v1"
    with socket.create_connection(("127.0.0.2", server.port)) as connection:
        connection.sendall(request(b"", method="GET", path="/v1/models"))
        assert Response(connection).status == 200
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", server.port))
    stop(server)
    server = Mock("--host", "0.0.0.0")
    assert server.url == f"http://127.0.0.1:{server.port}/v1"
    with socket.create_connection(("127.0.0.3", server.port)):
        stop(server)
    server = Mock("--host=localhost")
    assert server.url == f"http://localhost:{server.port}/v1"
    stop(server)
    code, _, errors = run("--host", "203.0.113.1")
    assert code == 1 and "cannot listen on 203.0.113.1: Cannot assign requested" in errors


def test_host_may_be_an_ipv6_address():
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError as error:
        # This machine has no IPv6.
        code, _, errors = run("--host", "::1")
        assert code == 1 and f"cannot listen on ::1: {error.strerror}" in errors
        return
    server = Mock("--host", "::1")
    assert server.url == f"http://[::1]:{server.port}/v1"
    with socket.create_connection(("::1", server.port)):
        stop(server)
