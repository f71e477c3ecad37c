"""Each kind of failure raises its own exception with all available details."""

from __future__ import annotations

import builtins
import pickle
import re
import socket
import time

import pytest
import thinkwire
from conftest import NEXT, QWEN3, SYNTHETIC, recorded
from thinkwire import Client, Dialect, Error, Event, EventKind, Status, Thinking
from thinkwire._abi import FUNCTIONS
from thinkwire._handle import message_text
from thinkwire.errors import BY_STATUS
from thinkwire.options import AllOptions

ERROR_RESPONSES = [
    (400, thinkwire.BadRequestError, Status.BAD_REQUEST),
    (401, thinkwire.AuthenticationError, Status.AUTH),
    (402, thinkwire.QuotaError, Status.QUOTA),
    (403, thinkwire.PermissionDeniedError, Status.FORBIDDEN),
    (404, thinkwire.NotFoundError, Status.NOT_FOUND),
    (422, thinkwire.UnprocessableEntityError, Status.BAD_REQUEST),
    # The client retries these, so that the tests wait.
    pytest.param(409, thinkwire.ConflictError, Status.BAD_REQUEST, marks=pytest.mark.slow),
    pytest.param(429, thinkwire.RateLimitError, Status.RATE_LIMITED, marks=pytest.mark.slow),
    pytest.param(500, thinkwire.ServerError, Status.SERVER, marks=pytest.mark.slow),
    pytest.param(503, thinkwire.ServerError, Status.SERVER, marks=pytest.mark.slow),
]


@pytest.mark.parametrize("http_status, kind, status", ERROR_RESPONSES)
def test_error_response_raises_the_exception_of_its_status(
    client: Client, http_status: int, kind: type[Error], status: Status
) -> None:
    model = f"{QWEN3}#status={http_status}"
    with pytest.raises(thinkwire.APIStatusError) as sent:
        client.send(model, "Hello")
    with pytest.raises(thinkwire.APIStatusError) as streamed:
        list(client.stream(model, "Hello"))
    for error in (sent.value, streamed.value):
        assert type(error) is kind
        assert (error.status, error.http_status) == (status, http_status)
        assert error.reply is not None and error.reply.status is status
        assert error.message == str(error) == error.reply.message != ""
        assert error.request_id == error.reply.request_id


def test_status_is_printed_as_its_name() -> None:
    error = thinkwire.RateLimitError("Later.")
    assert f"{error.status} {error.status:>13}" == "RATE_LIMITED  RATE_LIMITED"
    assert str(error.status) == "RATE_LIMITED" and f"{error.status:d}" == "14"
    assert error.status == 14 and int(error.status) == 14
    assert (str(Thinking.LOW), str(Dialect.NONE)) == ("LOW", "NONE")


def test_error_has_the_attributes_of_openai_python(base_url: str) -> None:
    def raised_by(body: str, status: int = 400) -> thinkwire.APIStatusError:
        model = f"mock/script#status={status}"
        with Client(base_url, "key", max_retries=0) as client:
            with pytest.raises(thinkwire.APIStatusError) as raised:
                client.send(model, "Hello", extra_body={"mock_reply": body})
        return raised.value

    error = raised_by('{"error": {"message": "No.", "code": 7, "type": "t", "param": "n"}}')
    assert (error.status_code, error.code, error.type, error.param) == (400, 7, "t", "n")
    assert error.body == {"message": "No.", "code": 7, "type": "t", "param": "n"}
    response = error.response
    assert response.status_code == 400 and response.json()["error"]["code"] == 7
    assert response.headers["Content-Type"] == response.headers.get("content-type") != ""
    assert "content-type" in response.headers and "x-none" not in response.headers
    assert response.headers.get("x-none") is None and response.headers.get("x-none", "") == ""
    with pytest.raises(KeyError):
        response.headers["x-none"]
    with pytest.raises(TypeError, match="not iterable"):
        list(response.headers)  # type: ignore[call-overload]
    other = raised_by('{"detail": "No."}')
    assert (other.body, other.code) == ({"detail": "No."}, None)
    html = raised_by("<html>No.</html>")
    assert (html.body, html.response.text) == (None, "")
    copy = pickle.loads(pickle.dumps(error))
    assert (copy.body, copy.param, copy.status_code) == (error.body, "n", 400)
    assert copy.response.status_code == 400 and "content-type" not in copy.response.headers
    nested = raised_by('{"error":' + "[" * 500 + "]" * 500 + "}")
    assert nested.status is Status.BAD_REQUEST
    assert thinkwire.APIConnectionError("No.").body is None


def test_messages_name_the_arguments_of_this_package(base_url: str) -> None:
    setters = [name for name in FUNCTIONS if re.match("tw_options_(set|allow)_", name)]
    assert len(setters) > 15
    for setter in setters:
        named = re.fullmatch(
            r"use Client\((\w+)=…\)\.", message_text(f"use {setter}.".encode()) or ""
        )
        assert named and named[1] in AllOptions.__optional_keys__, setter
    with pytest.raises(thinkwire.InvalidArgumentError, match="no API key: .*Client\\(api_key=…\\)"):
        Client()
    with pytest.raises(thinkwire.InvalidArgumentError, match="call send\\(\\) or stream\\(\\)"):
        Client(base_url, "key").send(QWEN3, "Hello", extra_body={"stream": True})
    with pytest.raises(thinkwire.TimeoutError, match="Client\\(timeout=…\\)"):
        Client(base_url, "key", timeout=0.01).send(f"{SYNTHETIC}#delay=5000", "Hello")


@pytest.mark.slow
def test_messages_of_retries_name_the_arguments_of_this_package() -> None:
    with Client("http://example.com/v1", "", proxy="http://127.0.0.1:1", max_retries=1) as client:
        stream = client.stream("m", "Hello")
        assert "the proxy (Client(proxy=…)" in next(stream).text
        with pytest.raises(thinkwire.APIConnectionError):
            stream.finish()
    assert "Client(proxy=…)" in (stream.reply.last_error or "")


def test_missing_key_and_unknown_model(base_url: str, client: Client) -> None:
    with Client(base_url=base_url, api_key="") as keyless:
        with pytest.raises(thinkwire.AuthenticationError) as raised:
            keyless.send(QWEN3, "Hello")
    assert raised.value.http_status == 401
    with pytest.raises(thinkwire.NotFoundError):
        client.send("no/such-model", "Hello")


def test_pickled_error_has_no_reply(client: Client) -> None:
    with pytest.raises(thinkwire.NotFoundError) as raised:
        client.send("no/such-model", "Hello")
    original = raised.value
    copy = pickle.loads(pickle.dumps(original))
    assert type(copy) is thinkwire.NotFoundError
    assert (str(copy), copy.status) == (str(original), Status.NOT_FOUND)
    assert (copy.http_status, copy.request_id) == (404, original.request_id) and copy.request_id
    assert copy.reply is None and original.reply is not None


def test_message_contains_the_text_of_the_provider(client: Client) -> None:
    with pytest.raises(thinkwire.BadRequestError) as raised:
        client.send(QWEN3, "Hello", top_logprobs=3)
    assert "top_logprobs" in raised.value.message
    assert raised.value.reply is not None and "top_logprobs" in raised.value.reply.raw_json()


def test_value_that_the_model_rejects_is_not_sent(client: Client) -> None:
    with pytest.raises(
        thinkwire.InvalidArgumentError,
        match=r"max_tokens must be at least 1, not 0 \(alibaba/qwen3-32b\)",
    ) as raised:
        client.send(QWEN3, "Hello", max_tokens=0)
    assert raised.value.reply is None


def test_truncated_stream_emits_the_received_events_then_raises(client: Client) -> None:
    events: list[Event] = []
    with pytest.raises(thinkwire.TruncatedError) as raised:
        with client.stream(f"{QWEN3}#cut=2000", "Hello", thinking=True) as stream:
            for event in stream:
                events.append(event)
    received = "".join(event.text for event in events if event.kind is EventKind.REASONING)
    assert received and recorded("qwen3-32b.sse").reasoning.startswith(received)
    assert raised.value.reply is stream.reply
    assert (stream.reply.reasoning, stream.reply.content) == (received, "")
    assert list(stream) == []  # The error is raised once.


@pytest.mark.slow
def test_truncated_unstreamed_answer_raises(client: Client) -> None:
    with pytest.raises((thinkwire.TruncatedError, thinkwire.ProtocolError)) as raised:
        client.send(f"{NEXT}#cut=300", "Hello")
    assert raised.value.http_status == 200


@pytest.mark.slow
def test_refused_connection() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))  # Bound, but not listening.
        with Client(
            base_url=f"http://127.0.0.1:{listener.getsockname()[1]}/v1", api_key="test"
        ) as client:
            with pytest.raises(thinkwire.APIConnectionError) as raised:
                client.send(QWEN3, "Hello")
    assert (raised.value.status, raised.value.http_status, raised.value.request_id) == (
        Status.CONNECT,
        0,
        None,
    )
    assert isinstance(raised.value, ConnectionError)


@pytest.mark.slow
def test_unknown_host() -> None:
    with Client(base_url="https://thinkwire.invalid/v1", api_key="test", proxy="") as client:
        with pytest.raises(thinkwire.APIConnectionError) as raised:
            client.send(QWEN3, "Hello")
    assert raised.value.status is Status.RESOLVE


@pytest.mark.slow
def test_connection_reset_before_the_response(client: Client) -> None:
    with pytest.raises(thinkwire.Error) as raised:
        client.send(f"{QWEN3}#reset=0", "Hello")
    assert raised.value.status in (Status.NETWORK, Status.TRUNCATED)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["send", "stream"])
def test_timeout_is_also_a_builtin_timeout_error(base_url: str, method: str) -> None:
    with Client(base_url=base_url, api_key="test", timeout=0.3) as client:
        start = time.monotonic()
        with pytest.raises(builtins.TimeoutError) as raised:
            if method == "send":
                client.send(f"{QWEN3}#delay=5000", "Hello")
            else:
                list(client.stream(f"{SYNTHETIC}#chunks=10,stall=500", "Hello"))
        assert 0.25 < time.monotonic() - start < 4
    assert isinstance(raised.value, thinkwire.TimeoutError)
    assert isinstance(raised.value, thinkwire.APIConnectionError)
    assert raised.value.status is Status.TIMEOUT and "total" in raised.value.message


@pytest.mark.slow
@pytest.mark.parametrize(
    "timeout, model, name",
    [
        ({"first_byte": 0.2}, f"{QWEN3}#delay=5000", "first"),
        (thinkwire.Timeout(idle=0.2), f"{SYNTHETIC}#chunks=50,stall=500", "idle"),
    ],
)
def test_message_names_the_timeout(
    base_url: str, timeout: thinkwire.Timeout, model: str, name: str
) -> None:
    with Client(base_url=base_url, api_key="test", timeout=timeout) as client:
        with pytest.raises(thinkwire.TimeoutError, match=name):
            client.stream(model, "Hello").finish()


def test_reply_above_the_limit_raises(base_url: str) -> None:
    with Client(base_url=base_url, api_key="test", limits={"reply": 1000}) as client:
        with pytest.raises(thinkwire.LimitError) as raised:
            client.send(NEXT, "Hello")
    assert raised.value.status is Status.LIMIT


def test_garbage_raises(client: Client) -> None:
    with pytest.raises(thinkwire.Error) as raised:
        client.send(f"{NEXT}#garbage=1", "Hello")
    assert raised.value.status in (Status.PROTOCOL, Status.TRUNCATED)


def test_every_status_except_ok_has_an_exception() -> None:
    assert set(BY_STATUS) == set(Status) - {Status.OK}
    for status, kind in BY_STATUS.items():
        error = kind("what happened", status=Status(status))
        assert (error.status, str(error), error.reply, error.http_status, error.request_id) == (
            status,
            "what happened",
            None,
            0,
            None,
        )
        assert isinstance(error, Error)


def events(*chunks: str) -> str:
    return "".join(f"data: {chunk}\n\n" for chunk in chunks)


HI = '{"choices":[{"index":0,"delta":{"content":"Hi"}}]}'
STOP = '{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}'


@pytest.mark.parametrize(
    "status, body, kind",
    [
        (429, '{"error":{"code":"1113","message":"Please recharge."}}', thinkwire.QuotaError),
        (400, '{"error":{"code":"Arrearage","message":"Access denied"}}', thinkwire.QuotaError),
        (200, '{"base_resp":{"status_code":1008,"status_msg":"no"}}', thinkwire.QuotaError),
        (500, '{"error":{"message":"余额不足"}}', thinkwire.QuotaError),
        (
            403,
            '{"error":{"code":"rate_limit_exceeded","message":"see billing"}}',
            thinkwire.RateLimitError,
        ),
    ],
)
def test_classification_does_not_depend_on_the_http_status(
    base_url: str, status: int, body: str, kind: type[Error]
) -> None:
    with Client(base_url, "key", max_retries=0) as client, pytest.raises(Error) as raised:
        client.send(f"mock/script#status={status}", "Hello", extra_body={"mock_reply": body})
    assert type(raised.value) is kind


def test_wait_that_the_body_states_is_announced(base_url: str) -> None:
    body = '{"error":{"message":"Rate limit. Please try again in 20ms. See billing."}}'
    waits: list[float] = []
    with Client(base_url, "key", max_retries=1) as client, pytest.raises(thinkwire.RateLimitError):
        for event in client.stream(
            "mock/script#status=429", "Hello", extra_body={"mock_reply": body}
        ):
            waits.append(event.wait or 0)
    assert waits == [0.02]


def test_end_of_the_response_completes_the_answer_on_request(base_url: str) -> None:
    with Client(base_url, "key", max_retries=0) as client:
        with pytest.raises(thinkwire.TruncatedError):
            list(client.stream("mock/script", "Hello", extra_body={"mock_reply": events(HI)}))
    with Client(base_url, "key", max_retries=0, require_finish=False) as client:
        reply = client.stream(
            "mock/script", "Hello", extra_body={"mock_reply": events(HI)}
        ).finish()
        assert (reply.status, reply.content, reply.finish_reason) == (Status.OK, "Hi", None)
        with pytest.raises(thinkwire.TruncatedError):
            list(
                client.stream(
                    "mock/script#cut=60", "Hello", extra_body={"mock_reply": events(HI, HI)}
                )
            )
        with pytest.raises(thinkwire.TruncatedError, match="nothing was received"):
            list(client.stream("mock/script", "Hello", extra_body={"mock_reply": ""}))


def test_text_after_a_finish_reason_makes_it_premature(client: Client) -> None:
    with pytest.raises(thinkwire.TruncatedError) as raised:
        list(client.stream("mock/script", "Hello", extra_body={"mock_reply": events(HI, STOP, HI)}))
    assert raised.value.reply is not None
    assert (raised.value.reply.content, raised.value.reply.finish_reason) == ("HiHi", None)
    reply = client.stream(
        "mock/script", "Hello", extra_body={"mock_reply": events(HI, STOP, HI, STOP)}
    ).finish()
    assert (reply.content, reply.finish_reason) == ("HiHi", "stop")
