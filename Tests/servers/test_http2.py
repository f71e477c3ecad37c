"""HTTP/2: with nghttpx, and with a server that sends each frame as a test requires."""

import signal
import threading
import time

import pytest
from conftest import ALL_MODELS, KEY
from exchanges import is_answer, run_stream
from h2.errors import ErrorCodes
from http2_server import Exchange, HTTP2Server
from http_server import ANSWER, CONTENT, DONE, FINISH, REASONING, chunk
from programs import Nghttpx
from thinkwire import Client, Status

# ---- nghttpx -----------------------------------------------------------------------------------


@pytest.mark.parametrize("model", ALL_MODELS)
def test_answers_through_nghttpx_are_the_same_as_without_it(connect, nghttpx, mock, model):
    thinking = True if model == "alibaba/qwen3-32b" else None

    def answers(client):
        streamed = client.stream(model, "Hello", thinking=thinking).finish().json()
        return streamed, client.send(model, "Hello").json()

    with Client(mock.url, "test") as direct:
        assert answers(connect(nghttpx.url)) == answers(direct)


def test_a_provider_that_disconnects_resets_the_stream(connect, nghttpx):
    client = connect(nghttpx.url)
    reply = run_stream(client, "mock/synthetic#reasoning=10,chunks=10,cut=2500,pace=5")
    assert reply.status is Status.TRUNCATED and reply.reasoning != ""
    assert "HTTP/2 stream" in reply.message
    assert run_stream(client, "mock/synthetic").status is Status.OK


def test_a_connection_that_reached_its_request_limit_is_replaced(
    connect, start, tmp_path, pair, mock
):
    server = start(Nghttpx, tmp_path, mock.port, pair, "--frontend-max-requests=2")
    client = connect(server.url)
    replies = [run_stream(client, "mock/synthetic") for _ in range(7)]
    assert [reply.status for reply in replies] == [Status.OK] * 7
    reused = [reply.timing.reused_connection for reply in replies]
    assert any(reused) and not all(reused[1:]), reused


def test_a_connection_that_reached_its_idle_limit_is_replaced(connect, start, tmp_path, pair, mock):
    server = start(Nghttpx, tmp_path, mock.port, pair, "--frontend-http2-read-timeout=1s")
    client = connect(server.url)
    assert run_stream(client, "mock/synthetic").status is Status.OK
    time.sleep(1.5)
    assert run_stream(client, "mock/synthetic").status is Status.OK


@pytest.mark.parametrize("number, is_graceful", [(signal.SIGQUIT, True), (signal.SIGKILL, False)])
def test_nghttpx_exits_during_a_stream(connect, start, tmp_path, pair, mock, number, is_graceful):
    server = start(Nghttpx, tmp_path, mock.port, pair, "--single-process")
    client = connect(server.url)
    reply = run_stream(
        client,
        "mock/synthetic#reasoning=20,chunks=20,pace=25",
        after_first_event=lambda: server.process.send_signal(number),
    )
    assert reply.status is (Status.OK if is_graceful else Status.TRUNCATED)
    server.stop()
    assert run_stream(client, "mock/synthetic").status in (Status.CONNECT, Status.NETWORK)


# ---- Requests and frames -----------------------------------------------------------------------

#: Answers a request completely.
complete = Exchange.answer


@pytest.fixture
def serve(start, pair):
    return lambda *scripts: start(HTTP2Server, pair, *scripts)


def test_the_request_is_complete(connect, serve):
    server = serve(complete)
    client = connect(server.url())
    assert is_answer(run_stream(client)) and is_answer(run_stream(client))
    assert server.connections == 1 and [request.stream for request in server.requests] == [1, 3]
    headers = server.requests[0].request_headers
    expected = {
        ":method": "POST",
        ":path": "/v1/chat/completions",
        ":scheme": "https",
        "authorization": f"Bearer {KEY}",
        "accept-encoding": "identity",
    }
    assert {name: headers[name] for name in expected} == expected
    assert b'"Hello"' in server.requests[0].body


def test_frames_of_one_byte(connect, serve):
    def answer_in_bytes(exchange):
        exchange.head()
        exchange.data(ANSWER, size=1)
        exchange.end()

    assert is_answer(run_stream(connect(serve(answer_in_bytes).url())))


@pytest.mark.parametrize("is_clean", [True, False])
@pytest.mark.parametrize("require_finish", [True, False])
def test_the_end_of_the_stream_completes_an_answer_on_request(
    connect, serve, require_finish, is_clean
):
    def answer_without_finish_reason(exchange):
        exchange.head()
        exchange.data(CONTENT)
        if is_clean:
            exchange.end()
        else:
            exchange.reset(ErrorCodes.INTERNAL_ERROR)

    server = serve(answer_without_finish_reason)
    reply = run_stream(connect(server.url(), require_finish=require_finish))
    is_complete = is_clean and not require_finish
    assert reply.status is (Status.OK if is_complete else Status.TRUNCATED)
    assert (reply.content, reply.finish_reason) == ("Hi", None)


@pytest.mark.parametrize("size", [5, 300_000])
def test_an_answer_before_the_body_was_read(connect, serve, size):
    """A server may answer early, and reset the stream with NO_ERROR to stop the rest of the
    request (RFC 9113, section 8.1).
    """

    def answer_early(exchange):
        exchange.session.grants_credit = False
        exchange.head()
        exchange.data(ANSWER)
        exchange.end()
        if size > 65535:
            exchange.reset(ErrorCodes.NO_ERROR)
        exchange.session.grants_credit = True

    client = connect(serve(answer_early, complete).url())
    assert is_answer(run_stream(client, message="x" * size))
    assert is_answer(run_stream(client))


def test_the_request_body_is_sent_within_small_windows(connect, serve):
    def grant_little(exchange):
        exchange.session.max_credit = 1000
        exchange.answer()

    client = connect(serve(grant_little).url())
    assert is_answer(run_stream(client, message="x" * 300_000))


def test_the_first_byte_timeout_applies_if_the_server_stops_reading(connect, serve):
    def stop_reading(exchange):
        exchange.session.grants_credit = False
        exchange.wait_for_cancel()

    client = connect(serve(stop_reading).url(), timeout={"first_byte": 0.5})
    reply = run_stream(client, message="x" * 200_000)
    assert reply.status is Status.TIMEOUT and "first-byte" in reply.message


def test_http_1_1_is_used_if_the_server_requires_it(connect, serve):
    """A server may require it, for example, to ask for a client certificate."""

    def require_http1(exchange):
        exchange.read()
        exchange.reset(ErrorCodes.HTTP_1_1_REQUIRED)

    server = serve(require_http1)
    assert is_answer(run_stream(connect(server.url())))
    assert b"POST /v1/chat/completions HTTP/1.1\r\n" in server.requests[1]


# ---- Streams that are reset --------------------------------------------------------------------


@pytest.mark.parametrize(
    "code",
    [ErrorCodes.INTERNAL_ERROR, ErrorCodes.CANCEL, ErrorCodes.REFUSED_STREAM, ErrorCodes.NO_ERROR],
)
def test_a_reset_within_an_answer_truncates_it(connect, serve, code):
    def reset(exchange):
        exchange.read()
        exchange.head()
        exchange.data(REASONING)
        exchange.reset(code)

    server = serve(reset, complete)
    client = connect(server.url())
    reply = run_stream(client)
    # An event was delivered, so the request is not sent again.
    assert (reply.status, reply.reasoning) == (Status.TRUNCATED, "Hm.")
    assert (reply.http_status, len(server.requests)) == (200, 1)
    assert is_answer(run_stream(client))


def test_a_reset_after_the_complete_answer_is_ignored(connect, serve):
    def reset(exchange):
        exchange.read()
        exchange.head()
        exchange.data(ANSWER)
        exchange.reset(ErrorCodes.INTERNAL_ERROR)

    assert is_answer(run_stream(connect(serve(reset).url())))


@pytest.mark.parametrize("code", [ErrorCodes.INTERNAL_ERROR, ErrorCodes.ENHANCE_YOUR_CALM])
def test_a_reset_before_the_response_is_a_network_error(connect, serve, code):
    def reset(exchange):
        exchange.read()
        exchange.reset(code)

    client = connect(serve(reset, complete).url())
    reply = run_stream(client)
    assert (reply.status, reply.http_status, reply.content) == (Status.NETWORK, 0, "")
    assert is_answer(run_stream(client))


@pytest.mark.parametrize("code", [ErrorCodes.INTERNAL_ERROR, ErrorCodes.NO_ERROR])
@pytest.mark.parametrize("has_interim", [False, True])
def test_a_reset_on_a_kept_connection_does_not_repeat_the_request(
    connect, serve, code, has_interim
):
    """The connection is alive, and the server may have processed the request."""

    def reset(exchange):
        exchange.read()
        if has_interim:
            exchange.headers(103, ("link", "</style.css>"))
        exchange.reset(code)

    server = serve(complete, reset, complete)
    client = connect(server.url())
    assert is_answer(run_stream(client))
    reply = run_stream(client)
    assert (reply.status, reply.attempts, len(server.requests)) == (Status.NETWORK, 1, 2)
    assert is_answer(run_stream(client))


def test_an_unprocessed_request_is_sent_again(connect, serve):
    def refuse(exchange):
        exchange.reset(ErrorCodes.REFUSED_STREAM)

    server = serve(refuse, complete)
    assert is_answer(run_stream(connect(server.url()))) and len(server.requests) == 2
    # The number of repetitions is limited.
    server = serve(refuse)
    reply = run_stream(connect(server.url()))
    assert reply.status is Status.NETWORK and len(server.requests) <= 10


# ---- Connections that end ----------------------------------------------------------------------


@pytest.mark.parametrize("sends_goaway", [False, True])
def test_a_request_is_sent_again_if_a_kept_connection_ends_without_response(
    connect, serve, sends_goaway
):
    def leave(exchange):
        exchange.read()
        if sends_goaway:
            exchange.go_away(0)
        return False

    server = serve(complete, leave, complete)
    client = connect(server.url())
    assert is_answer(run_stream(client))
    reply = run_stream(client)
    assert is_answer(reply)
    assert (reply.attempts, len(server.requests), server.connections) == (1, 3, 2)


def test_a_stream_that_goaway_includes_is_completed(connect, serve):
    def finish(exchange):
        exchange.read()
        exchange.head()
        exchange.data(REASONING)
        exchange.go_away(exchange.stream)
        exchange.data(CONTENT)
        time.sleep(0.1)
        exchange.data(FINISH + DONE)
        exchange.end()
        return False

    server = serve(finish)
    client = connect(server.url())
    assert is_answer(run_stream(client)) and is_answer(run_stream(client))
    assert server.connections == 2


@pytest.mark.parametrize("code", [ErrorCodes.NO_ERROR, ErrorCodes.ENHANCE_YOUR_CALM])
def test_a_stream_that_goaway_excludes_is_truncated(connect, serve, code):
    def exclude(exchange):
        exchange.read()
        exchange.head()
        exchange.data(REASONING)
        exchange.go_away(0, code)
        return False

    server = serve(exclude, complete)
    client = connect(server.url())
    reply = run_stream(client)
    assert (reply.status, reply.reasoning) == (Status.TRUNCATED, "Hm.")
    assert len(server.requests) == 1
    assert is_answer(run_stream(client))


@pytest.mark.parametrize("last", [0, 1])
def test_goaway_before_the_response(connect, serve, last):
    def leave(exchange):
        exchange.read()
        exchange.go_away(last)
        return False

    client = connect(serve(leave, complete).url())
    reply = run_stream(client)
    assert reply.status is Status.NETWORK or last == 0 and is_answer(reply)
    assert is_answer(run_stream(client))


@pytest.mark.parametrize("stays_open", [True, False])
def test_goaway_between_two_requests_replaces_the_connection(connect, serve, stays_open):
    was_received = threading.Event()

    def leave(exchange):
        exchange.answer()
        exchange.go_away(exchange.stream)
        exchange.session.connection.wait_until_received()
        was_received.set()
        return stays_open

    server = serve(leave, complete)
    client = connect(server.url())
    # The next request begins after GOAWAY was received.
    assert is_answer(run_stream(client)) and was_received.wait(20)
    assert is_answer(run_stream(client))
    assert server.connections == 2


def test_the_end_of_the_connection_truncates_an_answer(connect, serve):
    def close(exchange):
        exchange.read()
        exchange.head()
        exchange.data(REASONING + CONTENT)
        return False

    client = connect(serve(close, complete).url())
    reply = run_stream(client)
    assert (reply.status, reply.reasoning, reply.content) == (Status.TRUNCATED, "Hm.", "Hi")
    assert is_answer(run_stream(client))


# ---- Timeouts and cancellation -----------------------------------------------------------------


@pytest.mark.parametrize("received", [b"", REASONING + CONTENT], ids=["head", "content"])
def test_the_idle_timeout_ends_a_silent_stream(connect, serve, received):
    def fall_silent(exchange):
        exchange.read()
        exchange.head()
        exchange.data(received)
        exchange.wait_for_cancel()

    client = connect(serve(fall_silent, complete).url(), timeout={"idle": 0.5})
    reply = run_stream(client)
    assert reply.status is Status.TIMEOUT and "idle" in reply.message
    assert reply.content == ("Hi" if received else "")
    assert is_answer(run_stream(client))


def test_a_slow_caller_does_not_cause_an_idle_timeout(connect, serve):
    """The answer is larger than every window: the server waits until the caller reads more."""
    piece = chunk(content="x" * 60_000)
    count = 800

    def answer_at_length(exchange):
        exchange.read()
        exchange.head()
        for _ in range(count):
            exchange.data(piece)
        exchange.data(FINISH)
        exchange.end()

    client = connect(serve(answer_at_length).url(), timeout={"idle": 1})
    with client.stream("m", "Hello") as stream:
        length = len(next(stream).text)
        time.sleep(1.3)
        length += sum(len(event.text) for event in stream if event.kind == "content")
    assert length == len(stream.reply.content) == 60_000 * count
    assert stream.reply.status is Status.OK


def test_cancellation_resets_the_stream(connect, serve):
    was_reset = threading.Event()

    def answer_forever(exchange):
        exchange.read()
        exchange.head()
        exchange.data(REASONING)
        try:
            exchange.wait_for_cancel()
        finally:
            was_reset.set()

    client = connect(serve(answer_forever, complete).url())
    with client.stream("m", "Hello") as stream:
        assert next(stream).text == "Hm."
    assert stream.reply.status is Status.CANCELLED and was_reset.wait(20)
    assert is_answer(run_stream(client))


# ---- Headers -----------------------------------------------------------------------------------


def test_interim_responses_are_ignored(connect, serve):
    def send_interim(exchange):
        exchange.read()
        for status in (100, 102, 103):
            exchange.headers(status, ("x-request-id", "an interim one"), ("link", "</style.css>"))
        exchange.head(200, ("x-request-id", "the real one"))
        exchange.data(ANSWER)
        exchange.end()

    reply = run_stream(connect(serve(send_interim).url()))
    assert is_answer(reply) and reply.http_status == 200
    assert reply.request_id == "the real one" and reply.header("link") is None


def test_an_interim_response_does_not_end_the_first_byte_timeout(connect, serve):
    def send_hint(exchange):
        exchange.read()
        exchange.headers(103, ("link", "</style.css>"))
        exchange.wait_for_cancel()

    client = connect(serve(send_hint).url(), timeout={"first_byte": 0.5, "idle": 30})
    reply = run_stream(client)
    assert reply.status is Status.TIMEOUT and "first-byte" in reply.message
    assert (reply.http_status, reply.timing.first_byte, reply.header("link")) == (0, None, None)


def test_trailers_are_headers_of_the_reply(connect, serve):
    def send_trailers(exchange):
        exchange.read()
        exchange.head()
        exchange.data(REASONING + CONTENT + FINISH)
        exchange.end(("x-checksum", "1234"), ("x-more", "y" * 20_000))

    reply = run_stream(connect(serve(send_trailers).url()))
    assert is_answer(reply) and reply.header("x-checksum") == "1234"


def test_large_headers_are_complete(connect, serve):
    def send_large_header(exchange):
        exchange.read()
        exchange.head(200, ("x-policy", "z" * 60_000))
        exchange.data(ANSWER)
        exchange.end()

    reply = run_stream(connect(serve(send_large_header).url()))
    assert is_answer(reply) and len(reply.header("x-policy")) == 60_000


@pytest.mark.parametrize("status", [400, 401, 429, 503])
def test_error_responses_are_reported_with_a_masked_key(connect, serve, status):
    def fail(exchange):
        exchange.read()
        exchange.head(status, ("x-request-id", "r-1"))
        exchange.data(b'{"error":{"message":"No. Your key is a-secret-key."}}')
        exchange.end()

    reply = run_stream(connect(serve(fail).url()))
    assert reply.http_status == status and reply.request_id == "r-1"
    assert "No. Your key is ***." in reply.message
