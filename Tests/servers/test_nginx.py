"""nginx in front of thinkwire-mock: HTTP, and TLS with HTTP/1.1 and with HTTP/2."""

import concurrent.futures
import ctypes
import json
import re
import signal
import threading
import time

import pytest
import thinkwire
from conftest import ALL_MODELS, KEY
from exchanges import run_stream
from programs import Nginx
from thinkwire import Client, Status

LISTENERS = ["http", "https", "h2"]
PROTOCOLS = {"http": "HTTP/1.1", "https": "HTTP/1.1", "h2": "HTTP/2.0"}
SHORT = "mock/synthetic"


def slow(seconds):
    """A model that sends reasoning for half of this time, and content for the other half."""
    count = round(seconds / 2 / 0.025)
    return f"mock/synthetic#reasoning={count},chunks={count},pace=25"


@pytest.fixture(params=LISTENERS)
def listener(request):
    return request.param


@pytest.fixture
def client(connect, nginx, listener):
    return connect(nginx.url(listener))


# ---- Answers -----------------------------------------------------------------------------------


def everything(client, model, **fields):
    """All that a stream reports, except for the times and the request's id."""
    with client.stream(model, "Hello", **fields) as stream:
        events = [(event.kind, event.text, event.choice) for event in stream]
    reply = stream.reply
    texts = [reply.reasoning, reply.content, reply.finish_reason]
    return events, texts, reply.usage, reply.json()


@pytest.mark.parametrize("model", ALL_MODELS)
def test_answers_through_nginx_are_the_same_as_without_it(client, listener, mock, model):
    with Client(mock.url, "test") as direct:
        thinking = True if model == "alibaba/qwen3-32b" else None
        streamed = everything(client, model, thinking=thinking)
        assert streamed == everything(direct, model, thinking=thinking)
        through, straight = client.send(model, "Hello"), direct.send(model, "Hello")
    assert through.json() == straight.json() and through.content == straight.content != ""
    assert through.header("x-protocol") == PROTOCOLS[listener]
    # The library does not ask for compression.
    assert through.header("content-encoding") is None


@pytest.mark.parametrize(
    "requested, used", [("1.1", "HTTP/1.1"), ("2", "HTTP/2.0"), ("auto", None), (None, None)]
)
def test_the_requested_http_version_is_used(connect, nginx, requested, used):
    """The default is HTTP/2 only with a libcurl that leaves no copy of the key in memory."""
    libcurl = ctypes.CDLL("libcurl.so.4")
    libcurl.curl_version.restype = ctypes.c_char_p
    numbers = re.match(rb"libcurl/(\d+)\.(\d+)\.(\d+)", libcurl.curl_version()).groups()
    version = tuple(map(int, numbers))
    expected = used or ("HTTP/2.0" if version >= (8, 11, 1) else "HTTP/1.1")
    reply = connect(nginx.url("h2"), http_version=requested).send("alibaba/qwen3-32b", "Hello")
    assert reply.header("x-protocol") == expected


def test_a_large_request_body_is_complete(client):
    text = "ä" * 2_000_000
    reply = client.send("mock/echo", text)
    assert reply.parse()["messages"] == [{"role": "user", "content": text}]


def test_the_request_is_received_as_it_was_built(client):
    reply = client.send("mock/echo", "Grüße", temperature=0.5)
    received = reply.parse()
    assert received["messages"] == [{"role": "user", "content": "Grüße"}]
    assert received["temperature"] == 0.5
    headers = json.dumps(reply.json()["mock"]["headers"]).lower()
    assert f"bearer {KEY}" in headers and "identity" in headers and "expect" not in headers


def test_events_are_delivered_when_they_are_sent(client):
    start = time.monotonic()
    times = {}
    with client.stream(slow(2), "Hello") as stream:
        for event in stream:
            times.setdefault(str(event.kind), time.monotonic() - start)
    end = time.monotonic() - start
    assert end > 2
    assert times["reasoning"] < end - 1.5 and times["content"] < end - 0.7, times
    timing = stream.reply.timing
    assert timing.connected <= timing.first_byte <= timing.first_reasoning
    assert timing.first_reasoning < timing.first_content < timing.total


def test_concurrent_streams_do_not_affect_each_other(client):
    def run(number):
        options = f"reasoning=20,chunks=200,size=50,pace=1,text=thread{number}%20"
        reasoning, content = [], []
        with client.stream(f"mock/synthetic#{options}", "Hello") as stream:
            for event in stream:
                if event.kind == "reasoning":
                    reasoning.append(event.text)
                if event.kind == "content":
                    content.append(event.text)
        assert "".join(content) == stream.reply.content == f"thread{number} " * 200
        assert "".join(reasoning) == stream.reply.reasoning != ""
        return stream.reply.status

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert list(pool.map(run, range(24))) == [Status.OK] * 24


# ---- Connections -------------------------------------------------------------------------------


def test_connections_are_kept_until_the_request_limit(client):
    replies = [client.send(SHORT, "Hello") for _ in range(7)]
    connections = [reply.header("x-connection") for reply in replies]
    # The configuration allows three requests per connection. In HTTP/2, nginx sends GOAWAY.
    assert len(set(connections)) == 3
    assert [reply.timing.reused_connection for reply in replies] == [
        before == now for before, now in zip([None, *connections], connections)
    ]


def test_cancellation_releases_the_providers_connection(connect, nginx, mock, listener):
    clients = [connect(nginx.url(listener)) for _ in range(5)]
    assert [client.send(SHORT, "Hello").status for client in clients] == [Status.OK] * 5
    before = mock.descriptors()
    for client in clients:
        with client.stream("mock/synthetic#reasoning=10000,pace=10", "Hello") as stream:
            assert next(stream).text != ""
        assert stream.reply.status is Status.CANCELLED and stream.reply.reasoning != ""
    # The provider would otherwise continue for minutes and charge for them.
    deadline = time.monotonic() + 20
    while mock.descriptors() > before:
        assert time.monotonic() < deadline, "the streams continue"
        time.sleep(0.02)
    assert [client.send(SHORT, "Hello").status for client in clients] == [Status.OK] * 5


def test_another_thread_cancels_a_stalled_stream(client):
    stream = client.stream("mock/synthetic#chunks=100,stall=2000", "Hello")
    first = next(stream)
    threading.Timer(0.2, stream.cancel).start()
    start = time.monotonic()
    with pytest.raises(thinkwire.CancelledError):
        stream.finish()
    assert 0.1 < time.monotonic() - start < 10
    assert stream.reply.content.startswith(first.text)


@pytest.mark.parametrize(
    "number, is_graceful",
    [(signal.SIGHUP, True), (signal.SIGQUIT, True), (signal.SIGTERM, False)],
    ids=["reload", "graceful exit", "exit"],
)
def test_nginx_reloads_or_exits_during_a_stream(
    connect, start, tmp_path, pair, mock, listener, number, is_graceful
):
    server = start(Nginx, tmp_path, mock.port, pair)
    client = connect(server.url(listener))
    reply = run_stream(
        client, slow(1), after_first_event=lambda: server.process.send_signal(number)
    )
    assert reply.status is (Status.OK if is_graceful else Status.TRUNCATED)
    if number == signal.SIGHUP:
        # Other workers continue. The old connection is closed after its last stream.
        assert client.send(SHORT, "Hello").status is Status.OK
        return
    if number == signal.SIGTERM:
        server.process.wait(20)
    with pytest.raises(thinkwire.APIConnectionError) as error:
        client.send(SHORT, "Hello")
    assert error.value.status in (Status.CONNECT, Status.NETWORK)


# ---- Error responses ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "status", [400, 401, 402, 403, 404, 408, 409, 413, 418, 422, 429, 500, 502, 503, 504, 529]
)
def test_error_responses_of_the_provider_are_reported(client, status):
    fault = f"status={status},message=Not%20today,header=Retry-After:7"
    with pytest.raises(thinkwire.APIStatusError) as error:
        client.send(f"alibaba/qwen3-32b#{fault}", "Hello")
    assert error.value.http_status == status and "Not today" in str(error.value)
    assert error.value.reply.header("retry-after") == "7" and error.value.request_id
    expected = {
        401: Status.AUTH,
        402: Status.QUOTA,
        403: Status.FORBIDDEN,
        404: Status.NOT_FOUND,
        429: Status.RATE_LIMITED,
    }
    other = Status.SERVER if status >= 500 else Status.BAD_REQUEST
    assert error.value.status is expected.get(status, other)


def test_a_temporary_error_response_is_retried(connect, nginx, listener):
    client = connect(nginx.url(listener), max_retries=2)
    fault = f"status=503,header=Retry-After-Ms:10,tries=2,key={listener}"
    reply = client.send(f"alibaba/qwen3-32b#{fault}", "Hello")
    assert (reply.status, reply.attempts) == (Status.OK, 3)


@pytest.mark.parametrize("path, status", [("/gone", 502), ("/hasty", 504)])
def test_an_unreachable_provider_is_a_server_error(connect, nginx, listener, path, status):
    client = connect(nginx.url(listener, path))
    for _ in range(2):
        with pytest.raises(thinkwire.ServerError) as error:
            client.send("alibaba/qwen3-32b#delay=5000", "Hello")
        assert error.value.http_status == status
        # The message does not contain nginx's HTML page.
        assert "<" not in str(error.value) and "again" in str(error.value)


@pytest.mark.parametrize("size", [2_000, 8_000_000])
def test_a_body_that_is_rejected_while_it_is_sent(connect, nginx, listener, size):
    client = connect(nginx.url(listener, "/small"))
    with pytest.raises(thinkwire.BadRequestError) as error:
        client.send("mock/echo", "x" * size)
    assert error.value.http_status == 413
    assert client.send(SHORT, "Hello").status is Status.OK


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("path", ["moved", "home"])
def test_a_redirect_is_not_followed(
    connect, start, tmp_path, pair, mock, unused_server, path, status
):
    elsewhere = unused_server.url().removesuffix("/v1")
    server = start(Nginx, tmp_path, mock.port, pair, elsewhere=elsewhere)
    for listener in LISTENERS:
        with pytest.raises(thinkwire.ProtocolError) as error:
            connect(server.url(listener, f"/{path}/{status}")).send("alibaba/qwen3-32b", "Hello")
        assert error.value.http_status == status
        port = unused_server.port if path == "moved" else server.ports[listener]
        for part in ("redirect", f"localhost:{port}/v1", "base URL"):
            assert part in str(error.value)
    assert unused_server.connections == 0


# ---- Answers that are interrupted --------------------------------------------------------------


@pytest.mark.parametrize("fault", ["cut=1500", "reset=1500"])
def test_an_interrupted_answer_is_truncated(client, mock, fault):
    with Client(mock.url, "test") as direct:
        complete = direct.send("alibaba/qwen3-32b", "Hello", thinking=True).reasoning
    with client.stream(f"alibaba/qwen3-32b#{fault}", "Hello", thinking=True) as stream:
        with pytest.raises(thinkwire.TruncatedError):
            for _ in stream:
                pass
    reply = stream.reply
    assert reply.http_status == 200 and reply.finish_reason is None
    assert reply.reasoning != "" and complete.startswith(reply.reasoning)
    assert client.send(SHORT, "Hello").status is Status.OK


def test_the_idle_timeout_ends_a_stalled_answer(connect, nginx, listener):
    client = connect(nginx.url(listener), timeout={"idle": 0.5})
    with pytest.raises(thinkwire.TimeoutError) as error:
        client.stream("alibaba/qwen3-32b#stall=1500", "Hello", thinking=True).finish()
    assert "idle" in str(error.value) and error.value.reply.reasoning != ""


@pytest.mark.parametrize("fault", ["drop=fin", "drop=rst", "garbage=1000"])
def test_a_provider_without_a_valid_response(client, fault):
    with pytest.raises(thinkwire.Error) as error:
        client.send(f"alibaba/qwen3-32b#{fault}", "Hello")
    assert error.value.status is (Status.PROTOCOL if "garbage" in fault else Status.SERVER)
