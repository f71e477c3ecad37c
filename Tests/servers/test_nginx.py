"""Through nginx to the provider on the desk: over http, and over TLS with HTTP/1.1 and HTTP/2."""

import concurrent.futures
import ctypes
import json
import re
import signal
import threading
import time

import pytest
import thinkwire
from conftest import EVERY_MODEL
from exchanges import ended
from programs import Nginx
from thinkwire import Client, Status

DOORS = ["http", "https", "h2"]
PROTOCOLS = {"http": "HTTP/1.1", "https": "HTTP/1.1", "h2": "HTTP/2.0"}
#: A second of thinking, and a second of answering.
SLOW = "mock/synthetic#reasoning=40,chunks=40,pace=25"


@pytest.fixture(params=DOORS)
def door(request):
    return request.param


@pytest.fixture
def client(connect, nginx, door):
    return connect(nginx.url(door))


def heard(client, model, **fields):
    """Everything there is to hear of a stream, but for the times and the name of the request."""
    with client.stream(model, "Hello", **fields) as stream:
        events = [(event.kind, event.text, event.choice) for event in stream]
    document = stream.reply.json()
    return (
        events,
        stream.reply.reasoning,
        stream.reply.content,
        stream.reply.finish_reason,
        stream.reply.usage,
        document,
    )


@pytest.mark.parametrize("model", EVERY_MODEL)
def test_every_model_is_heard_as_without_it(client, door, mock, model):
    with Client(mock.url, "test") as direct:
        thinking = True if model == "alibaba/qwen3-32b" else None
        assert heard(client, model, thinking=thinking) == heard(direct, model, thinking=thinking)
        through, straight = client.send(model, "Hello"), direct.send(model, "Hello")
    assert through.json() == straight.json() and through.content == straight.content != ""
    assert through.header("x-protocol") == PROTOCOLS[door]
    # Nobody has asked for it to be compressed.
    assert through.header("content-encoding") is None


@pytest.mark.parametrize(
    "asked, spoken", [("1.1", "HTTP/1.1"), ("2", "HTTP/2.0"), ("auto", None), (None, None)]
)
def test_the_version_of_http_is_the_one_asked_for(connect, nginx, asked, spoken):
    """Unless one is, HTTP/2 only with a libcurl of which no copy of the key is left in memory."""
    libcurl = ctypes.CDLL("libcurl.so.4")
    libcurl.curl_version.restype = ctypes.c_char_p
    version = tuple(
        map(int, re.match(rb"libcurl/(\d+)\.(\d+)\.(\d+)", libcurl.curl_version()).groups())
    )
    expected = spoken or ("HTTP/2.0" if version >= (8, 11, 1) else "HTTP/1.1")
    reply = connect(nginx.url("h2"), http_version=asked).send("alibaba/qwen3-32b", "Hello")
    assert reply.header("x-protocol") == expected


@pytest.mark.parametrize(
    "status", [400, 401, 402, 403, 404, 408, 409, 413, 418, 422, 429, 500, 502, 503, 504, 529]
)
def test_the_providers_refusals_come_through(client, status):
    with pytest.raises(thinkwire.APIStatusError) as refused:
        client.send(
            f"alibaba/qwen3-32b#status={status},message=Not%20today,header=Retry-After:7", "Hello"
        )
    assert refused.value.http_status == status and "Not today" in str(refused.value)
    assert refused.value.reply.header("retry-after") == "7" and refused.value.request_id
    expected = {
        401: Status.AUTH,
        402: Status.QUOTA,
        403: Status.FORBIDDEN,
        404: Status.NOT_FOUND,
        429: Status.RATE_LIMITED,
    }
    assert refused.value.status is expected.get(
        status, Status.SERVER if status >= 500 else Status.BAD_REQUEST
    )


def test_a_refusal_that_passes_is_tried_again(connect, nginx, door):
    client = connect(nginx.url(door), max_retries=2)
    reply = client.send(
        f"alibaba/qwen3-32b#status=503,header=Retry-After-Ms:10,tries=2,key={door}", "Hello"
    )
    assert (reply.status, reply.attempts) == (Status.OK, 3)


@pytest.mark.parametrize("path, status", [("/gone", 502), ("/hasty", 504)])
def test_a_provider_that_is_gone_is_the_servers_failure(connect, nginx, door, path, status):
    client = connect(nginx.url(door, path))
    for _ in range(2):
        with pytest.raises(thinkwire.ServerError) as gone:
            client.send("alibaba/qwen3-32b#delay=5000", "Hello")
        assert gone.value.http_status == status
        # Of its page, which is for people with a browser, nothing.
        assert "<" not in str(gone.value) and "again" in str(gone.value)


@pytest.mark.parametrize("size", [2_000, 8_000_000])
def test_a_body_that_is_refused_while_it_is_being_sent(connect, nginx, door, size):
    client = connect(nginx.url(door, "/small"))
    with pytest.raises(thinkwire.BadRequestError) as refused:
        client.send("mock/echo", "x" * size)
    assert refused.value.http_status == 413
    assert client.send("mock/synthetic", "Hello").status is Status.OK


def test_a_large_body_arrives_whole(client):
    text = "ä" * 2_000_000
    assert client.send("mock/echo", text).parse()["messages"] == [{"role": "user", "content": text}]


def test_connections_are_kept_until_the_server_has_enough_of_them(client, door):
    replies = [client.send("mock/synthetic", "Hello") for _ in range(7)]
    connections = [reply.header("x-connection") for reply in replies]
    # Three requests on each is what it is told to allow. It says so with GOAWAY in HTTP/2.
    assert len(set(connections)) == 3
    assert [reply.timing.reused_connection for reply in replies] == [
        before == now for before, now in zip([None, *connections], connections)
    ]


def test_events_come_when_they_are_sent(client):
    start = time.monotonic()
    times = {}
    with client.stream(SLOW, "Hello") as stream:
        for event in stream:
            times.setdefault(str(event.kind), time.monotonic() - start)
    end = time.monotonic() - start
    assert end > 2
    assert times["reasoning"] < end - 1.5 and times["content"] < end - 0.7, times
    timing = stream.reply.timing
    assert (
        timing.connected
        <= timing.first_byte
        <= timing.first_reasoning
        < timing.first_content
        < timing.total
    )


def test_the_provider_is_let_go_of_when_a_stream_is_cancelled(connect, nginx, mock, door):
    clients = [connect(nginx.url(door)) for _ in range(5)]
    assert [client.send("mock/synthetic", "Hello").status for client in clients] == [Status.OK] * 5
    before = mock.descriptors()
    for client in clients:
        with client.stream("mock/synthetic#reasoning=10000,pace=10", "Hello") as stream:
            assert next(stream).text != ""
        assert stream.reply.status is Status.CANCELLED and stream.reply.reasoning != ""
    # It would go on for minutes, and be paid for them.
    deadline = time.monotonic() + 20
    while mock.descriptors() > before:
        assert time.monotonic() < deadline, "the streams go on"
        time.sleep(0.02)
    assert [client.send("mock/synthetic", "Hello").status for client in clients] == [Status.OK] * 5


def test_it_is_cancelled_from_another_thread_while_nothing_comes(client):
    stream = client.stream("mock/synthetic#chunks=100,stall=2000", "Hello")
    first = next(stream)
    threading.Timer(0.2, stream.cancel).start()
    start = time.monotonic()
    with pytest.raises(thinkwire.CancelledError):
        stream.finish()
    assert 0.1 < time.monotonic() - start < 10
    assert stream.reply.content.startswith(first.text)


def test_many_at_once(client):
    def one(number):
        model = f"mock/synthetic#reasoning=20,chunks=200,size=50,pace=1,text=thread{number}%20"
        reasoning, content = [], []
        with client.stream(model, "Hello") as stream:
            for event in stream:
                if event.kind == "reasoning":
                    reasoning.append(event.text)
                if event.kind == "content":
                    content.append(event.text)
        assert "".join(content) == stream.reply.content == f"thread{number} " * 200
        assert "".join(reasoning) == stream.reply.reasoning != ""
        return stream.reply.status

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert list(pool.map(one, range(24))) == [Status.OK] * 24


@pytest.mark.parametrize("fault", ["cut=1500", "reset=1500"])
def test_an_answer_that_is_cut_off_says_so(client, mock, fault):
    with Client(mock.url, "test") as direct:
        whole = direct.send("alibaba/qwen3-32b", "Hello", thinking=True).reasoning
    with client.stream(f"alibaba/qwen3-32b#{fault}", "Hello", thinking=True) as stream:
        with pytest.raises(thinkwire.TruncatedError):
            for _ in stream:
                pass
    assert stream.reply.http_status == 200
    assert (
        stream.reply.reasoning != ""
        and whole.startswith(stream.reply.reasoning)
        and stream.reply.finish_reason is None
    )
    assert client.send("mock/synthetic", "Hello").status is Status.OK


def test_an_answer_that_stalls_runs_into_the_clock(connect, nginx, door):
    client = connect(nginx.url(door), timeout={"idle": 1})
    with pytest.raises(thinkwire.TimeoutError) as late:
        client.stream("alibaba/qwen3-32b#stall=1500", "Hello", thinking=True).finish()
    assert "idle" in str(late.value) and late.value.reply.reasoning != ""


@pytest.mark.parametrize("fault", ["drop=fin", "drop=rst", "garbage=1000"])
def test_no_answer_at_all_is_nothing_to_go_on_with(client, fault):
    with pytest.raises(thinkwire.Error) as nothing:
        client.send(f"alibaba/qwen3-32b#{fault}", "Hello")
    assert nothing.value.status is (Status.PROTOCOL if "garbage" in fault else Status.SERVER)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("path", ["moved", "home"])
def test_no_redirect_is_followed(connect, start, tmp_path, pair, mock, recorder, path, status):
    server = start(Nginx, tmp_path, mock.port, pair, elsewhere=recorder.url().removesuffix("/v1"))
    for door in DOORS:
        with pytest.raises(thinkwire.ProtocolError) as moved:
            connect(server.url(door, f"/{path}/{status}")).send("alibaba/qwen3-32b", "Hello")
        assert moved.value.http_status == status
        target = (
            f"localhost:{recorder.port}/v1"
            if path == "moved"
            else f"localhost:{server.doors[door]}/v1"
        )
        assert (
            "redirect" in str(moved.value)
            and target in str(moved.value)
            and "base URL" in str(moved.value)
        )
    assert recorder.connections == 0


@pytest.mark.parametrize(
    "number, ends_well", [(signal.SIGHUP, True), (signal.SIGQUIT, True), (signal.SIGTERM, False)]
)
def test_it_is_told_to_go_in_the_middle_of_a_stream(
    connect, start, tmp_path, pair, mock, door, number, ends_well
):
    server = start(Nginx, tmp_path, mock.port, pair)
    client = connect(server.url(door))
    reply = ended(client, SLOW, in_the_middle=lambda: server.tell(number))
    assert reply.status is (Status.OK if ends_well else Status.TRUNCATED)
    if number == signal.SIGHUP:
        # It goes on with others; the old connection is closed when its last stream has ended.
        assert client.send("mock/synthetic", "Hello").status is Status.OK
    else:
        if number == signal.SIGTERM:
            server.process.wait(20)
        with pytest.raises(thinkwire.APIConnectionError) as gone:
            client.send("mock/synthetic", "Hello")
        assert gone.value.status in (Status.CONNECT, Status.NETWORK)


def test_the_body_is_as_it_was_meant(client):
    reply = client.send("mock/echo", "Grüße", temperature=0.5)
    sent = reply.parse()
    assert sent["messages"] == [{"role": "user", "content": "Grüße"}] and sent["temperature"] == 0.5
    headers = json.dumps(reply.json()["mock"]["headers"]).lower()
    assert "bearer a-secret-key" in headers and "identity" in headers and "expect" not in headers
