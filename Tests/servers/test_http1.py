"""HTTP/1.1: legal but rare responses, and the ways in which a connection ends."""

import contextlib
import ctypes
import threading

import pytest
import thinkwire
from conftest import KEY
from exchanges import is_answer, run_stream
from http_server import (
    ANSWER,
    CLOSE,
    CONTENT,
    FINISH,
    HEAD,
    REASONING,
    Pause,
    Repeat,
    ScriptedServer,
    chunk,
    event,
    http_chunk,
    response,
    tls,
)
from thinkwire import Client, Status
from thinkwire._enums import Next


def chunked(*pieces, trailers=b""):
    """A response in chunks with extensions."""
    framed = b"".join(http_chunk(piece, b";note=1") for piece in pieces)
    return HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + framed + b"0\r\n" + trailers + b"\r\n"


@pytest.fixture(params=["http", "https"])
def serve(request, start, pair):
    context = tls(pair) if request.param == "https" else None
    return lambda *scripts: start(ScriptedServer, *scripts, context=context)


# ---- Trailers and interim responses ------------------------------------------------------------


def test_trailers_are_headers_of_the_reply(connect, serve):
    trailers = b"X-Checksum: 1234\r\nX-More: y\r\n"
    server = serve([chunked(REASONING, CONTENT, FINISH, trailers=trailers)])
    client = connect(server.url())
    for _ in range(2):
        reply = run_stream(client)
        assert is_answer(reply) and reply.header("x-checksum") == "1234"
    assert server.connections == 1


def test_a_status_line_in_trailers_is_ignored(connect, serve):
    trailers = b"X-Checksum: 1234\r\nHTTP/1.1 500 No\r\n"
    server = serve([chunked(REASONING, CONTENT, FINISH, trailers=trailers)])
    reply = run_stream(connect(server.url()))
    assert is_answer(reply) and reply.http_status == 200
    assert reply.header("content-type") == "text/event-stream"
    assert reply.header("x-checksum") == "1234"


def test_interim_responses_are_ignored(connect, serve):
    interim = (
        b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\nX-Request-Id: an interim one\r\n\r\n"
        b"HTTP/1.1 102 Processing\r\n\r\n"
    )
    final = response(ANSWER, "200 OK", "text/event-stream", "X-Request-Id: 1")
    script = [b"HTTP/1.1 100 Continue\r\n\r\n", Pause(0.05), interim, Pause(0.05), final]
    reply = run_stream(connect(serve(script).url()))
    assert is_answer(reply)
    assert (reply.http_status, reply.request_id, reply.header("link")) == (200, "1", None)


def test_an_interim_response_does_not_end_the_first_byte_timeout(connect, serve):
    hint = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
    timeout = {"first_byte": 0.4, "idle": 30}
    reply = run_stream(connect(serve([hint, Pause(30)]).url(), timeout=timeout))
    assert reply.status is Status.TIMEOUT and "first-byte" in reply.message
    assert reply.http_status == 0
    reply = run_stream(connect(serve([hint, CLOSE]).url()))
    assert (reply.status, reply.http_status, reply.header("link")) == (Status.NETWORK, 0, None)


# ---- Kept connections --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "received", [b"HTTP/1.1 103 Early Hints\r\n\r\n", b"nonsense\r\n\r\n", b"HTTP/1.1\r\n\r\n"]
)
def test_bytes_on_a_kept_connection_before_its_end_prevent_a_second_request(
    connect, serve, received
):
    """The server is alive and may have processed the request: it is not sent twice."""
    server = serve([response(ANSWER)], [received, CLOSE], [response(ANSWER)])
    client = connect(server.url())
    assert is_answer(run_stream(client))
    reply = run_stream(client)
    assert reply.status in (Status.NETWORK, Status.PROTOCOL)
    assert (reply.attempts, len(server.requests)) == (1, 2)
    assert is_answer(run_stream(client))


def test_a_request_is_sent_again_if_a_kept_connection_ends_without_response(connect, serve):
    server = serve([response(ANSWER)], [CLOSE], [response(ANSWER)])
    client = connect(server.url())
    assert is_answer(run_stream(client))
    reply = run_stream(client)
    assert is_answer(reply)
    assert (reply.attempts, len(server.requests), server.connections) == (1, 3, 2)


def test_a_kept_connection_that_the_server_has_closed_is_replaced(connect, serve):
    server = serve([response(ANSWER), CLOSE])
    client = connect(server.url())
    assert all(is_answer(run_stream(client)) for _ in range(3))
    assert server.connections == 3


UNREQUESTED = [
    response(ANSWER.replace(b"Hi", b"No")),
    response(b"", "408 Request Timeout", "text/plain", "Connection: close"),
    response(b"", "103 Early Hints"),
    b"the rest of a body that is longer than its Content-Length",
    b"\r\n",
]


@pytest.mark.parametrize("received", UNREQUESTED)
@pytest.mark.parametrize("end", [[], [CLOSE]])
@pytest.mark.parametrize("when", ["immediately", "later"])
def test_bytes_received_before_a_request_are_not_its_response(connect, serve, received, end, when):
    is_over, is_sent = threading.Semaphore(0), threading.Semaphore(0)
    pause = [lambda: is_over.acquire(timeout=20)] if when == "later" else []
    server = serve([response(ANSWER), *pause, received, is_sent.release, *end])
    client = connect(server.url())
    for number in range(1, 4):
        reply = run_stream(client)
        assert is_answer(reply) and reply.attempts == 1
        assert (len(server.requests), server.connections) == (number, number)
        is_over.release()
        assert is_sent.acquire(timeout=20)


# ---- The end of a response ---------------------------------------------------------------------


def test_a_response_without_length_ends_with_the_connection(connect, serve):
    server = serve([HEAD + b"\r\n" + ANSWER, CLOSE])
    assert is_answer(run_stream(connect(server.url())))
    server = serve([HEAD + b"\r\n" + REASONING + CONTENT, CLOSE])
    reply = run_stream(connect(server.url()))
    assert (reply.status, reply.reasoning, reply.content) == (Status.TRUNCATED, "Hm.", "Hi")


@pytest.mark.parametrize("missing", [1, 40, 150, 250])
def test_a_response_shorter_than_its_length_is_truncated(connect, serve, missing):
    server = serve([response(ANSWER)[:-missing], CLOSE])
    reply = run_stream(connect(server.url()))
    # After the finish reason, the missing bytes are not part of the answer.
    is_finished = b'"stop"' in ANSWER[:-missing]
    assert reply.status is (Status.OK if is_finished else Status.TRUNCATED)
    assert "Hm.".startswith(reply.reasoning) and "Hi".startswith(reply.content)


def test_events_after_the_end_of_a_stream_are_ignored(connect, serve):
    for rest in (
        b"data: bye\n\n",
        CONTENT,
        b'data: {"error":{"message":"No"}}\n\n',
        b"data: [DONE]\n\n",
        b": bye\n\n",
    ):
        assert is_answer(run_stream(connect(serve([response(ANSWER + rest)]).url())))


def choice(index, text):
    """A complete choice in one chunk."""
    return event(
        {"choices": [{"index": index, "delta": {"content": text}, "finish_reason": "stop"}]}
    )


@pytest.mark.parametrize(
    "script, status, expected",
    [
        # While a requested choice is missing, the answer is not complete, however long it takes.
        (
            [HEAD + b"\r\n" + choice(0, "Hi"), Pause(5.5), choice(1, "Ho"), CLOSE],
            Status.OK,
            [(0, "Hi"), (1, "Ho")],
        ),
        (
            [HEAD + b"Content-Length: 1000\r\n\r\n" + choice(0, "Hi"), CLOSE],
            Status.TRUNCATED,
            [(0, "Hi")],
        ),
        # Some servers ignore `n`.
        ([chunked(choice(0, "Hi"))], Status.OK, [(0, "Hi")]),
    ],
    ids=["late", "cut", "alone"],
)
def test_a_stream_of_two_choices_ends_after_both(connect, start, script, status, expected):
    stream = connect(start(ScriptedServer, script).url()).stream("m", "Hello", n=2)
    received = []
    with contextlib.suppress(thinkwire.Error):
        for each in stream:
            if each.kind == "content":
                received.append((each.choice, each.text))
    assert (stream.reply.status, received) == (status, expected)


@pytest.mark.parametrize(
    "piece", [b": ping\n\n", b"\r", b":\r", b"\n", chunk(role="assistant")], ids=repr
)
def test_endless_bytes_without_events_do_not_block_the_caller(connect, start, pair, piece):
    server = start(ScriptedServer, [HEAD + b"\r\n", Repeat(piece)], context=tls(pair))
    client = connect(server.url(), timeout={"total": 1}, limits={"reply": 2**31 - 1})
    stream = client.stream("m", "Hello")
    next_event, returns = ctypes.c_void_p(), 0
    while stream._next(stream._chat, ctypes.byref(next_event), 0) == Next.TIMEOUT:
        returns += 1
    assert returns > 5
    with pytest.raises(thinkwire.TimeoutError, match="total"):
        stream.finish()


# ---- Redirects and headers ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "status",
    ["301 Moved Permanently", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"],
)
@pytest.mark.parametrize("target", ["another host", "relative", "another scheme"])
def test_a_redirect_is_not_followed(connect, serve, unused_server, status, target):
    location = {
        "another host": unused_server.url("127.0.0.1"),
        "relative": "/v2/chat",
        "another scheme": "file:///etc/passwd",
    }[target]
    page = b"<html>moved</html>"
    server = serve([response(page, status, "text/html", f"Location: {location}")])
    reply = run_stream(connect(server.url()))
    assert reply.status is Status.PROTOCOL and reply.http_status == int(status[:3])
    for part in (location, "redirect", "base URL"):
        assert part in reply.message
    assert KEY not in reply.message
    assert unused_server.connections == 0 and len(server.requests) == 1


def test_invalid_utf8_in_a_header_is_replaced(connect, serve):
    head = response(ANSWER)[: -len(ANSWER) - 2]
    server = serve([head + b"X-Place: caf\xe9 \xc3\xa9\r\n\r\n" + ANSWER])
    assert run_stream(connect(server.url())).header("x-place") == "caf\ufffd \u00e9"


# ---- The API key -------------------------------------------------------------------------------


def test_the_key_in_a_redirect_is_masked(connect, serve):
    location = f"Location: /login?key={KEY}\x1b[2J"
    server = serve([response(b"", "302 Found", "text/html", location)])
    reply = run_stream(connect(server.url()))
    assert "to /login;" in reply.message and "\x1b" not in reply.message
    assert reply.header("location").startswith("/login?key=" + "*" * len(KEY))


@pytest.mark.parametrize("status", ["200 OK", "503 Unavailable"])
def test_the_key_in_a_header_is_masked(connect, serve, status):
    headers = [f"X-Echo: <{KEY}>", f"X-Request-Id: {KEY}-1"]
    reply = run_stream(
        connect(serve([response(ANSWER, status, "text/event-stream", *headers)]).url())
    )
    stars = "*" * len(KEY)
    assert (reply.header("x-echo"), reply.request_id) == (f"<{stars}>", f"{stars}-1")


def test_the_key_in_an_error_of_a_stream_is_masked(connect, serve):
    error = event({"error": {"message": f"no such key: {KEY}"}})
    reply = run_stream(connect(serve([response(REASONING + error)]).url()))
    assert reply.status is Status.SERVER
    assert "no such key: ***" in reply.message and KEY not in reply.message


@pytest.mark.parametrize(
    "host", ["models.example", "192.0.2.1", "localhost.example", "tests.localhost"]
)
def test_http_to_another_machine_is_rejected_because_of_the_key(host):
    with pytest.raises(thinkwire.InvalidArgumentError, match="clear text"):
        Client(f"http://{host}/v1", KEY)
