"""The models of thinkwire-mock: their responses and the requests that they reject."""

import base64
import json
import time

from mock_process import (
    HELLO,
    QWEN,
    RECORDINGS,
    Response,
    ask,
    check_error,
    connect,
    request,
    stop_mock,
)

MODELS = {
    "alibaba/qwen3-32b": "qwen3-32b.json",
    "alibaba/qwen3-next-80b-a3b-thinking": "qwen3-next-80b-a3b-thinking.json",
    "alibaba/qwen3-vl-32b-thinking": "qwen3-vl-32b-thinking.json",
    "alibaba/qwen3.6-35b-a3b": "qwen3.6-35b-a3b.json",
}
VISION = "alibaba/qwen3-vl-32b-thinking"


def teardown_module():
    stop_mock()


def test_unstreamed_responses_are_the_recorded_bytes():
    for model, file in MODELS.items():
        response = ask(model)
        assert response.status == 200 and response.headers["content-type"].startswith(
            "application/json"
        )
        assert response.body == (RECORDINGS / file).read_bytes()


def test_stream_with_thinking_is_the_recorded_stream():
    response = ask(QWEN, stream=True, enable_thinking=True)
    recorded = (RECORDINGS / "qwen3-32b.sse").read_bytes()
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.body == recorded
    assert response.chunks == [event + b"\n\n" for event in recorded.split(b"\n\n") if event]


def test_streams_have_the_recorded_text_and_layout():
    for model, file in MODELS.items():
        document = json.loads((RECORDINGS / file).read_text())
        response = ask(model, stream=True)
        message = document["choices"][0]["message"]
        assert response.texts() == (message.get("reasoning_content") or "", message["content"])
        first, *middle, finish, last = response.events
        assert first["choices"][0]["delta"] == {
            "content": None,
            "role": "assistant",
            "refusal": None,
            "reasoning_content": "",
        }
        for event in middle:
            delta = event["choices"][0]["delta"]
            assert (delta["content"] is None) != (delta["reasoning_content"] is None)
        assert (
            finish["choices"][0]["finish_reason"] == "stop"
            and finish["choices"][0]["delta"]["content"] == ""
        )
        assert (
            last["choices"] == []
            and last["usage"] == document["usage"]
            and last.get("meta") == document.get("meta")
        )
        assert b"[DONE]" not in response.body
        assert {event["id"] for event in response.events} == {document["id"]}
        assert len(response.chunks) == len(response.events)


def test_thinking_without_streaming_is_rejected_by_qwen3_32b():
    check_error(
        ask(QWEN, enable_thinking=True),
        400,
        "enable_thinking must be set to false for non-streaming calls",
    )
    answer = ask("alibaba/qwen3-next-80b-a3b-thinking", enable_thinking=False).json
    assert answer["choices"][0]["message"]["reasoning_content"]


def test_message_without_role_is_accepted_by_the_vision_model():
    without_role = [
        {
            "content": [
                {"type": "text", "text": "Hi"},
                {"type": "image_url", "image_url": {"url": "https://x/y.png"}},
            ]
        }
    ]
    assert ask(VISION, messages=without_role).status == 200
    check_error(ask(QWEN, messages=[{"content": "Hi"}]), 400, "messages[0].role: is missing")


def test_models_are_listed():
    with connect() as connection:
        connection.sendall(request(b"", method="GET", path="/v1/models"))
        names = [model["id"] for model in Response(connection).json["data"]]
    assert set(MODELS) < set(names) and "mock/synthetic" in names


def test_key_model_path_and_method_are_checked():
    check_error(ask(key=None), 401, "Bearer")
    check_error(ask("no/such-model"), 404, "no/such-model")
    wrong = [
        ("GET", "/v1/chat/completions", 405),
        ("POST", "/v1/nothing", 404),
        ("PUT", "/v1/models", 405),
    ]
    with connect() as connection:
        for method, path, status in wrong:
            connection.sendall(request(b"", method=method, path=path))
            check_error(Response(connection), status)


TOOL = {"type": "function", "function": {"name": "f", "parameters": {}}}
IMAGE = [
    {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://x/y.png"}}]}
]

# Fields of a request, and the expected error message; None if the request is accepted.
FIELDS = [
    ({"temperature": 3}, "temperature: must be <= 2 (is 3)"),
    ({"temperature": -0.5}, "temperature: must be >= 0 (is -0.5)"),
    ({"temperature": "hot"}, 'temperature: must be a number (is "hot")'),
    ({"top_p": 0}, "top_p: must be >= 0.01"),
    ({"max_tokens": 0}, "max_tokens: must be >= 1"),
    ({"seed": 1.5}, "seed: must be a whole number"),
    ({"stream": "yes"}, "stream: must be true or false"),
    ({"stream_options": {}}, "stream_options.include_usage: is missing"),
    ({"thinking_budget": 0}, "thinking_budget: must be >= 1"),
    ({"messages": []}, None),
    ({"messages": "Hi"}, "messages: must be an array"),
    ({"messages": [{"role": "alien", "content": "Hi"}]}, "messages[0].role: must be"),
    ({"messages": [{"role": "user"}]}, "messages[0].content: is missing"),
    ({"messages": [{"role": "user", "content": 7}]}, "messages[0].content: must be"),
    (
        {"messages": [*HELLO, {"role": "tool", "content": "1"}]},
        "messages[1].tool_call_id: is missing",
    ),
    ({"messages": IMAGE}, "messages[0].content[0].type"),
    ({"tools": [TOOL] * 129}, "tools: must have at most 128 elements (has 129)"),
    ({"tools": [TOOL] * 128}, None),
    (
        {"tools": [{"type": "function", "function": {"name": "a b", "parameters": {}}}]},
        "tools[0].function.name",
    ),
    (
        {
            "tools": [
                {
                    "type": "function",
                    "function": {"name": "f", "description": "d", "parameters": {"a": {"b": 1}}},
                }
            ]
        },
        None,
    ),
    ({"tool_choice": "maybe"}, "tool_choice: must be"),
    ({"tool_choice": {"type": "function", "function": {"name": "f"}}}, None),
    ({"stop": ["a", "b", "c", "d", "e"]}, "stop: must have at most 4"),
    ({"stop": "a"}, None),
    ({"stop": None}, None),
    ({"stop": 5}, "stop: must be a string or an array or null (is 5)"),
    ({"top_logprobs": 3}, "top_logprobs: needs logprobs"),
    ({"top_logprobs": 21, "logprobs": True}, "top_logprobs: must be <= 20"),
    ({"response_format": {"type": "json_schema"}}, "response_format.json_schema: is missing"),
    (
        {"response_format": {"type": "text", "more": 1}},
        "response_format.more: is not a known field",
    ),
    ({"frequency_penalty": None}, None),
    ({"unknown_field": {"x": 1}}, None),
]


def test_schema_violations_name_the_field():
    for fields, message in FIELDS:
        response = ask(QWEN, **{"messages": HELLO, **fields})
        if message is None:
            assert response.status == 200, (fields, response.body)
        else:
            check_error(response, 400, message)
    assert ask(VISION, messages=IMAGE).status == 200


def test_invalid_body_is_rejected():
    for body in [
        b"",
        b"{",
        b"[]",
        b'{"model": }',
        b'{"model":"\xff"}',
        b"null",
        b'{"a":1}',
        b'{"model":7}',
    ]:
        with connect() as connection:
            connection.sendall(request(body))
            check_error(Response(connection), 400)


def test_synthetic_sends_the_requested_number_of_chunks():
    response = ask("mock/synthetic", "chunks=50,size=7,reasoning=20,choices=3", stream=True)
    for choice in range(3):
        reasoning, content = response.texts(choice)
        assert len(reasoning) == 140 and len(content) == 350
    assert (
        response.body.endswith(b"data: [DONE]\n\n") and len(response.chunks) == 3 + 70 * 3 + 3 + 2
    )
    assert response.events[-1]["usage"]["completion_tokens"] == 210
    unstreamed = ask("mock/synthetic", "chunks=50,size=7,reasoning=20,choices=3").json
    for choice in range(3):
        message = unstreamed["choices"][choice]["message"]
        assert (message["reasoning_content"], message["content"]) == response.texts(choice)
    response = ask(
        "mock/synthetic",
        "chunks=2,done=0,usage=0,finish=length,text=%F0%9F%98%80%22%2C%0A",
        stream=True,
    )
    assert response.texts() == ("", '😀",\n' * 2)
    assert (
        response.events[-1]["choices"][0]["finish_reason"] == "length"
        and b"[DONE]" not in response.body
    )
    options = "chunks=100,reasoning=100,size=3,escapes=5,twice=1,logprobs=1,obfuscation=1"
    response = ask("mock/synthetic", options, stream=True)
    assert [text.count("\néé") for text in response.texts()] == [5, 5]
    for event in response.events[1:200]:
        assert event["choices"][0]["logprobs"]["content"][0]["bytes"] == [32, 97]
        delta = event["choices"][0]["delta"]
        assert delta.get("reasoning") == delta["reasoning_content"]
    assert len({event["obfuscation"] for event in response.events[1:200]}) > 50
    check_error(ask("mock/synthetic", "chunks=1000000000,size=1000"), 400, "without streaming")
    check_error(
        ask("mock/synthetic", "chunks=1000000,size=1000000,framing=length", stream=True),
        400,
        "measured",
    )


def test_synthetic_sends_the_time_of_each_chunk():
    begin = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    response = ask("mock/synthetic", "chunks=4,pace=5,time=1", stream=True)
    deltas = [event["choices"][0]["delta"] for event in response.events if event["choices"]]
    times = [int(delta["content"]) for delta in deltas if delta["content"]]
    now = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    assert len(times) == 4 and times == sorted(times)
    # Three pauses after the request. A chunk may be late, which does not delay the next one.
    assert begin <= times[0] and begin + 15_000 <= times[-1] <= now < begin + 10_000_000


def test_echo_returns_the_request():
    body = '{"model":"mock/echo", "messages":[], "text":"\\u00e4 😀\\n"}'.encode()
    with connect() as connection:
        received = []
        for _ in range(2):
            connection.sendall(request(body, ["X-Mine: yes"]))
            received.append(Response(connection).json)
    assert received[0]["choices"][0]["message"]["content"].encode() == body
    assert received[0]["mock"]["headers"]["X-Mine"] == "yes"
    assert received[0]["mock"]["connection"] == received[1]["mock"]["connection"]
    assert (received[0]["mock"]["request"], received[1]["mock"]["request"]) == (1, 2)
    streamed = ask("mock/echo", stream=True)
    assert json.loads(streamed.texts()[1])["stream"] is True and "mock" in streamed.events[0]


def test_script_returns_the_given_bytes():
    text = 'data: {"a":"ä"}\r\n\r\ndata: 2\n\n: comment\n\nrest'
    response = ask("mock/script", stream=True, mock_reply=text)
    assert response.body == text.encode() and len(response.chunks) == 4
    raw = bytes(range(256))
    response = ask(
        "mock/script", "type=text/plain", mock_reply_base64=base64.b64encode(raw).decode()
    )
    assert response.body == raw and response.headers["content-type"] == "text/plain"
    response = ask(
        "mock/script",
        "status=429,header=Retry-After:2",
        mock_reply='{"error":{"message":"slow"}}',
        stream=True,
    )
    assert (
        response.status == 429
        and response.headers["retry-after"] == "2"
        and response.json["error"]["message"] == "slow"
    )
    replies = [ask("mock/script", "key=replies", mock_reply=["one", "two"]).body for _ in range(3)]
    assert replies == [b"one", b"two", b"two"]
    check_error(ask("mock/script"), 400, "mock_reply")
    check_error(ask("mock/script", mock_reply_base64="***"), 400, "base64")
