"""HTTP/1.1, line by line: what is legal there and seldom seen."""

import contextlib
import ctypes
import json
import threading

import pytest
import thinkwire
from conftest import KEY
from exchanges import all_came, ended
from peers import FINISH, THOUGHT, WHOLE, WORD, Peer, Plain, delta, read_request, response, tls
from thinkwire import Client, Status
from thinkwire._abi import Next

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"


def chunked(*pieces, trailers=b""):
    framed = b"".join(b"%x;note=1\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    return HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + framed + b"0\r\n" + trailers + b"\r\n"


@pytest.fixture(params=["http", "https"])
def serve(request, start, pair):
    return lambda *answers: start(
        Plain, *answers, context=tls(pair) if request.param == "https" else None
    )


def test_trailers(connect, serve):
    peer = serve([chunked(THOUGHT, WORD, FINISH, trailers=b"X-Checksum: 1234\r\nX-More: y\r\n")])
    client = connect(peer.url())
    for _ in range(2):
        reply = ended(client)
        assert all_came(reply) and reply.header("x-checksum") == "1234"
    assert peer.connections == 1


def test_a_trailer_is_no_response(connect, serve):
    reply = ended(
        connect(
            serve(
                [
                    chunked(
                        THOUGHT, WORD, FINISH, trailers=b"X-Checksum: 1234\r\nHTTP/1.1 500 No\r\n"
                    )
                ]
            ).url()
        )
    )
    assert all_came(reply) and reply.http_status == 200
    assert (reply.header("content-type"), reply.header("x-checksum")) == (
        "text/event-stream",
        "1234",
    )


def test_interim_responses(connect, serve):
    interim = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\nX-Request-Id: an interim one\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n"
    final = response(WHOLE, "200 OK", "text/event-stream", "X-Request-Id: 1")
    peer = serve([b"HTTP/1.1 100 Continue\r\n\r\n", 0.05, interim, 0.05, final])
    reply = ended(connect(peer.url()))
    assert all_came(reply) and (reply.http_status, reply.request_id, reply.header("link")) == (
        200,
        "1",
        None,
    )


def test_an_interim_response_is_none_yet(connect, serve):
    hint = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
    reply = ended(connect(serve([hint, 30]).url(), timeout={"first_byte": 0.4, "idle": 30}))
    assert (
        reply.status is Status.TIMEOUT and "first-byte" in reply.message and reply.http_status == 0
    )
    reply = ended(connect(serve([hint, None]).url()))
    assert (reply.status, reply.http_status, reply.header("link")) == (Status.NETWORK, 0, None)


@pytest.mark.parametrize(
    "said", [b"HTTP/1.1 103 Early Hints\r\n\r\n", b"nonsense\r\n\r\n", b"HTTP/1.1\r\n\r\n"]
)
def test_what_a_kept_connection_says_before_it_ends_is_an_answer(connect, serve, said):
    """The server is there, and may have seen the request: it is not sent twice."""
    peer = serve(
        [response(WHOLE, "200 OK", "text/event-stream")],
        [said, None],
        [response(WHOLE, "200 OK", "text/event-stream")],
    )
    client = connect(peer.url())
    assert all_came(ended(client))
    reply = ended(client)
    assert reply.status in (Status.NETWORK, Status.PROTOCOL) and (
        reply.attempts,
        len(peer.requests),
    ) == (1, 2)
    assert all_came(ended(client))


def test_a_kept_connection_that_ends_unanswered_is_followed_by_another(connect, serve):
    peer = serve(
        [response(WHOLE, "200 OK", "text/event-stream")],
        [None],
        [response(WHOLE, "200 OK", "text/event-stream")],
    )
    client = connect(peer.url())
    assert all_came(ended(client))
    reply = ended(client)
    assert all_came(reply) and (reply.attempts, len(peer.requests), peer.connections) == (1, 3, 2)


def test_the_end_of_the_connection_is_the_end_of_what_has_no_length(connect, serve):
    assert all_came(ended(connect(serve([HEAD + b"\r\n" + WHOLE, None]).url())))
    reply = ended(connect(serve([HEAD + b"\r\n" + THOUGHT + WORD, None]).url()))
    assert (reply.status, reply.reasoning, reply.content) == (Status.TRUNCATED, "Hm.", "Hi")


@pytest.mark.parametrize("cut", [1, 40, 150, 250])
def test_a_length_that_is_not_kept(connect, serve, cut):
    reply = ended(connect(serve([response(WHOLE)[:-cut], None]).url()))
    # Once the model has said that it is finished, the missing rest is none of the answer.
    told_finish = b'"stop"' in WHOLE[:-cut]
    assert reply.status is (Status.OK if told_finish else Status.TRUNCATED)
    assert "Hm.".startswith(reply.reasoning) and "Hi".startswith(reply.content)


def test_a_kept_connection_that_was_closed_meanwhile(connect, serve):
    peer = serve([response(WHOLE), None])
    client = connect(peer.url())
    assert all(all_came(ended(client)) for _ in range(3))
    assert peer.connections == 3


def test_a_kept_connection_that_is_closed_at_the_next_request(connect, serve):
    peer = serve([response(WHOLE)], [None], [response(WHOLE)])
    client = connect(peer.url())
    # The request on the dead connection is sent again, and nobody need know.
    assert all_came(ended(client)) and all_came(ended(client))
    assert len(peer.requests) == 3


@pytest.mark.parametrize(
    "said",
    [
        response(WHOLE.replace(b"Hi", b"No")),
        response(b"", "408 Request Timeout", "text/plain", "Connection: close"),
        response(b"", "103 Early Hints"),
        b"the rest of a body that is longer than it said",
        b"\r\n",
    ],
)
@pytest.mark.parametrize("end", [[], [None]])
@pytest.mark.parametrize("comes", ["right behind", "later"])
def test_what_comes_before_it_was_asked_for_is_no_answer(connect, serve, said, end, comes):
    is_over, is_there = threading.Semaphore(0), threading.Semaphore(0)
    pause = [lambda: is_over.acquire(timeout=20)] if comes == "later" else []
    peer = serve([response(WHOLE), *pause, said, is_there.release, *end])
    client = connect(peer.url())
    for number in range(1, 4):
        reply = ended(client)
        assert all_came(reply) and (reply.attempts, len(peer.requests), peer.connections) == (
            1,
            number,
            number,
        )
        is_over.release()
        assert is_there.acquire(timeout=20)


class Flood(Peer):
    """Says the same for ever."""

    def __init__(self, piece, context=None):
        self.piece = piece
        super().__init__(context)

    def serve(self, connection):
        self.requests.append(read_request(connection))
        connection.sendall(HEAD + b"\r\n")
        while True:
            connection.sendall(self.piece * (65536 // len(self.piece)))


@pytest.mark.parametrize(
    "piece", [b": ping\n\n", b"\r", b":\r", b"\n", delta(role="assistant")], ids=repr
)
def test_bytes_that_make_no_event_hold_nobody(connect, start, pair, piece):
    flood = start(Flood, piece, tls(pair))
    stream = connect(flood.url(), timeout={"total": 1}, limits={"reply": 2**31 - 1}).stream(
        "m", "Hello"
    )
    event, times = ctypes.c_void_p(), 0
    while stream._next(stream._chat, ctypes.byref(event), 0) == Next.TIMEOUT:
        times += 1
    assert times > 5
    with pytest.raises(thinkwire.TimeoutError, match="total"):
        stream.finish()


@pytest.mark.parametrize(
    "status",
    ["301 Moved Permanently", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"],
)
@pytest.mark.parametrize("target", ["elsewhere", "relative", "another scheme"])
def test_a_redirect_is_not_followed(connect, serve, recorder, status, target):
    place = {
        "elsewhere": recorder.url("127.0.0.1"),
        "relative": "/v2/chat",
        "another scheme": "file:///etc/passwd",
    }[target]
    peer = serve([response(b"<html>moved</html>", status, "text/html", f"Location: {place}")])
    reply = ended(connect(peer.url()))
    assert reply.status is Status.PROTOCOL and reply.http_status == int(status[:3])
    assert (
        place in reply.message
        and "redirect" in reply.message
        and "base URL" in reply.message
        and KEY not in reply.message
    )
    assert recorder.connections == 0 and len(peer.requests) == 1


def choice(number, text):
    """All that one of several choices has to say."""
    told = {"index": number, "delta": {"content": text}, "finish_reason": "stop"}
    return b"data: " + json.dumps({"choices": [told]}).encode() + b"\n\n"


@pytest.mark.parametrize(
    "pieces, status, told",
    [
        # As long as a choice that was asked for has not come, none of it is at its end, however long it takes.
        (
            [HEAD + b"\r\n" + choice(0, "Hi"), 5.5, choice(1, "Ho"), None],
            Status.OK,
            [(0, "Hi"), (1, "Ho")],
        ),
        (
            [HEAD + b"Content-Length: 1000\r\n\r\n" + choice(0, "Hi"), None],
            Status.TRUNCATED,
            [(0, "Hi")],
        ),
        # Not every server knows `n`.
        ([chunked(choice(0, "Hi"))], Status.OK, [(0, "Hi")]),
    ],
    ids=["late", "cut", "alone"],
)
def test_a_stream_of_two_choices_is_finished_with_both(connect, start, pieces, status, told):
    stream = connect(start(Plain, pieces).url()).stream("m", "Hello", n=2)
    heard = []
    with contextlib.suppress(thinkwire.Error):
        for event in stream:
            if event.kind == "content":
                heard.append((event.choice, event.text))
    assert (stream.reply.status, heard) == (status, told)


def test_a_header_that_is_not_utf8_is_text_all_the_same(connect, serve):
    peer = serve(
        [response(WHOLE)[: -len(WHOLE) - 2] + b"X-Place: caf\xe9 \xc3\xa9\r\n\r\n" + WHOLE]
    )
    assert ended(connect(peer.url())).header("x-place") == "caf\ufffd \u00e9"


def test_what_stands_behind_the_end_of_a_stream_is_no_part_of_it(connect, serve):
    for rest in (
        b"data: bye\n\n",
        WORD,
        b'data: {"error":{"message":"No"}}\n\n',
        b"data: [DONE]\n\n",
        b": bye\n\n",
    ):
        assert all_came(ended(connect(serve([response(WHOLE + rest)]).url())))


def test_the_key_in_a_redirect_is_struck_out(connect, serve):
    peer = serve([response(b"", "302 Found", "text/html", f"Location: /login?key={KEY}\x1b[2J")])
    reply = ended(connect(peer.url()))
    assert "to /login;" in reply.message and "\x1b" not in reply.message
    assert reply.header("location").startswith("/login?key=" + "*" * len(KEY))


@pytest.mark.parametrize("status", ["200 OK", "503 Unavailable"])
def test_the_key_in_a_header_is_struck_out(connect, serve, status):
    peer = serve(
        [response(WHOLE, status, "text/event-stream", f"X-Echo: <{KEY}>", f"X-Request-Id: {KEY}-1")]
    )
    reply = ended(connect(peer.url()))
    stars = "*" * len(KEY)
    assert (reply.header("x-echo"), reply.request_id) == (f"<{stars}>", f"{stars}-1")


def test_the_key_in_an_error_of_a_stream_is_struck_out(connect, serve):
    error = b'data: {"error":{"message":"no such key: %s"}}\n\n' % KEY.encode()
    reply = ended(connect(serve([response(THOUGHT + error)]).url()))
    assert (
        reply.status is Status.SERVER
        and "no such key: ***" in reply.message
        and KEY not in reply.message
    )


def test_the_key_goes_over_http_to_this_machine_alone(connect, serve):
    for host in ("models.example", "192.0.2.1", "localhost.example", "tests.localhost"):
        with pytest.raises(thinkwire.InvalidArgumentError, match="clear text"):
            Client(f"http://{host}/v1", KEY)
