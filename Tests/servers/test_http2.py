"""HTTP/2: by nghttp2's own server, and frame by frame by one of ours."""

import signal
import threading
import time

import pytest
from conftest import EVERY_MODEL
from exchanges import all_came, ended
from h2.errors import ErrorCodes
from peers import DONE, FINISH, H2, THOUGHT, WHOLE, WORD, delta, wait_until_there
from programs import Nghttpx
from thinkwire import Client, Status

# ---- nghttpx -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", EVERY_MODEL)
def test_every_model_is_heard_as_without_it(connect, nghttpx, mock, model):
    def heard(client):
        thinking = True if model == "alibaba/qwen3-32b" else None
        return client.stream(model, "Hello", thinking=thinking).finish().json(), client.send(
            model, "Hello"
        ).json()

    with Client(mock.url, "test") as direct:
        assert heard(connect(nghttpx.url)) == heard(direct)


def test_a_provider_that_is_cut_off_is_a_stream_that_is_reset(connect, nghttpx):
    client = connect(nghttpx.url)
    reply = ended(client, "mock/synthetic#reasoning=10,chunks=10,cut=2500,pace=5")
    assert (
        reply.status is Status.TRUNCATED
        and reply.reasoning != ""
        and "HTTP/2 stream" in reply.message
    )
    assert ended(client, "mock/synthetic").status is Status.OK


def test_a_connection_that_has_had_enough_requests_is_followed_by_another(
    connect, start, tmp_path, pair, mock
):
    server = start(Nghttpx, tmp_path, mock.port, pair, "--frontend-max-requests=2")
    client = connect(server.url)
    replies = [ended(client, "mock/synthetic") for _ in range(7)]
    assert [reply.status for reply in replies] == [Status.OK] * 7
    reused = [reply.timing.reused_connection for reply in replies]
    assert any(reused) and not all(reused[1:]), reused


def test_a_connection_that_was_left_idle_too_long_is_followed_by_another(
    connect, start, tmp_path, pair, mock
):
    server = start(Nghttpx, tmp_path, mock.port, pair, "--frontend-http2-read-timeout=1s")
    client = connect(server.url)
    for _ in range(2):
        assert ended(client, "mock/synthetic").status is Status.OK
        time.sleep(1.5)


@pytest.mark.parametrize("number, ends_well", [(signal.SIGQUIT, True), (signal.SIGKILL, False)])
def test_it_is_told_to_go_in_the_middle_of_a_stream(
    connect, start, tmp_path, pair, mock, number, ends_well
):
    server = start(Nghttpx, tmp_path, mock.port, pair, "--single-process")
    client = connect(server.url)
    reply = ended(
        client,
        "mock/synthetic#reasoning=20,chunks=20,pace=25",
        in_the_middle=lambda: server.tell(number),
    )
    assert reply.status is (Status.OK if ends_well else Status.TRUNCATED)
    server.stop()
    assert ended(client, "mock/synthetic").status in (Status.CONNECT, Status.NETWORK)


# ---- frame by frame ----------------------------------------------------------------------------------------------------


def whole(exchange):
    exchange.read()
    exchange.head()
    exchange.data(WHOLE)
    exchange.end()


@pytest.fixture
def server(start, pair):
    return lambda *scripts: start(H2, pair, *scripts)


def test_what_is_sent(connect, server):
    peer = server(whole)
    client = connect(peer.url())
    assert all_came(ended(client)) and all_came(ended(client))
    assert peer.connections == 1 and [request.stream for request in peer.requests] == [1, 3]
    headers = peer.requests[0].request_headers
    assert (
        headers[":method"] == "POST"
        and headers[":path"] == "/v1/chat/completions"
        and headers[":scheme"] == "https"
    )
    assert (
        headers["authorization"] == "Bearer a-secret-key"
        and headers["accept-encoding"] == "identity"
    )
    assert b'"Hello"' in peer.requests[0].body


def test_frames_of_one_byte(connect, server):
    def bytes_of_it(exchange):
        exchange.head()
        exchange.data(WHOLE, size=1)
        exchange.end()

    assert all_came(ended(connect(server(bytes_of_it).url())))


@pytest.mark.parametrize("size", [5, 300_000])
def test_an_answer_before_the_body_was_read(connect, server, size):
    """A server may answer at once, and ask with NO_ERROR that the rest of the request be kept (RFC 9113, section 8.1)."""

    def early(exchange):
        exchange.wire.grants = False
        exchange.head()
        exchange.data(WHOLE)
        exchange.end()
        if size > 65535:
            exchange.reset(ErrorCodes.NO_ERROR)
        exchange.wire.grants = True

    client = connect(server(early, whole).url())
    assert all_came(ended(client, message="x" * size))
    assert all_came(ended(client))


@pytest.mark.parametrize(
    "code",
    [ErrorCodes.INTERNAL_ERROR, ErrorCodes.CANCEL, ErrorCodes.REFUSED_STREAM, ErrorCodes.NO_ERROR],
)
def test_a_stream_reset_in_its_middle(connect, server, code):
    def reset(exchange):
        exchange.read()
        exchange.head()
        exchange.data(THOUGHT)
        exchange.reset(code)

    peer = server(reset, whole)
    client = connect(peer.url())
    reply = ended(client)
    # What was begun is not begun anew behind the caller's back.
    assert (reply.status, reply.reasoning, reply.http_status, len(peer.requests)) == (
        Status.TRUNCATED,
        "Hm.",
        200,
        1,
    )
    assert all_came(ended(client))


def test_a_stream_reset_when_the_model_had_finished(connect, server):
    def reset(exchange):
        exchange.read()
        exchange.head()
        exchange.data(WHOLE)
        exchange.reset(ErrorCodes.INTERNAL_ERROR)

    assert all_came(ended(connect(server(reset).url())))


@pytest.mark.parametrize("code", [ErrorCodes.INTERNAL_ERROR, ErrorCodes.ENHANCE_YOUR_CALM])
def test_a_stream_reset_before_a_response(connect, server, code):
    def reset(exchange):
        exchange.read()
        exchange.reset(code)

    peer = server(reset, whole)
    client = connect(peer.url())
    reply = ended(client)
    assert (reply.status, reply.http_status, reply.content) == (Status.NETWORK, 0, "")
    assert all_came(ended(client))


@pytest.mark.parametrize("code", [ErrorCodes.INTERNAL_ERROR, ErrorCodes.NO_ERROR])
@pytest.mark.parametrize("is_interim", [False, True])
def test_a_stream_reset_on_a_kept_connection(connect, server, code, is_interim):
    """The connection lives, and the server may have seen the request: it is not sent twice."""

    def reset(exchange):
        exchange.read()
        if is_interim:
            exchange.headers(103, ("link", "</style.css>"))
        exchange.reset(code)

    peer = server(whole, reset, whole)
    client = connect(peer.url())
    assert all_came(ended(client))
    reply = ended(client)
    assert (reply.status, reply.attempts, len(peer.requests)) == (Status.NETWORK, 1, 2)
    assert all_came(ended(client))


@pytest.mark.parametrize("is_told", [False, True])
def test_a_kept_connection_that_ends_unanswered_is_followed_by_another(connect, server, is_told):
    def leave(exchange):
        exchange.read()
        if is_told:
            exchange.go_away(0)
        return False

    peer = server(whole, leave, whole)
    client = connect(peer.url())
    assert all_came(ended(client))
    reply = ended(client)
    assert all_came(reply) and (reply.attempts, len(peer.requests), peer.connections) == (1, 3, 2)


def test_a_server_that_wants_http1(connect, server):
    """As some do where a request needs what HTTP/2 has not, such as a client's certificate."""

    def send_back(exchange):
        exchange.read()
        exchange.reset(ErrorCodes.HTTP_1_1_REQUIRED)

    peer = server(send_back)
    assert (
        all_came(ended(connect(peer.url())))
        and b"POST /v1/chat/completions HTTP/1.1\r\n" in peer.requests[1]
    )


def test_a_request_that_was_refused_unseen_is_sent_again(connect, server):
    def refuse(exchange):
        exchange.reset(ErrorCodes.REFUSED_STREAM)

    peer = server(refuse, whole)
    assert all_came(ended(connect(peer.url()))) and len(peer.requests) == 2
    # But not for ever.
    peer = server(refuse)
    reply = ended(connect(peer.url()))
    assert reply.status is Status.NETWORK and len(peer.requests) <= 10


def test_told_to_go_while_it_may_finish(connect, server):
    def finish(exchange):
        exchange.read()
        exchange.head()
        exchange.data(THOUGHT)
        exchange.go_away(exchange.stream)
        exchange.data(WORD)
        time.sleep(0.1)
        exchange.data(FINISH + DONE)
        exchange.end()
        return False

    peer = server(finish)
    client = connect(peer.url())
    assert all_came(ended(client)) and all_came(ended(client))
    assert peer.connections == 2


@pytest.mark.parametrize("code", [ErrorCodes.NO_ERROR, ErrorCodes.ENHANCE_YOUR_CALM])
def test_told_in_the_middle_that_it_was_not_to_be(connect, server, code):
    def deny(exchange):
        exchange.read()
        exchange.head()
        exchange.data(THOUGHT)
        exchange.go_away(0, code)
        return False

    peer = server(deny, whole)
    client = connect(peer.url())
    reply = ended(client)
    assert (reply.status, reply.reasoning, len(peer.requests)) == (Status.TRUNCATED, "Hm.", 1)
    assert all_came(ended(client))


@pytest.mark.parametrize("last", [0, 1])
def test_told_to_go_before_a_response(connect, server, last):
    def go(exchange):
        exchange.read()
        exchange.go_away(last)
        return False

    peer = server(go, whole)
    client = connect(peer.url())
    reply = ended(client)
    assert reply.status is Status.NETWORK or last == 0 and all_came(reply)
    assert all_came(ended(client))


@pytest.mark.parametrize("stays", [True, False])
def test_told_to_go_between_two_requests(connect, server, stays):
    gone = threading.Event()

    def go(exchange):
        whole(exchange)
        exchange.go_away(exchange.stream)
        wait_until_there(exchange.wire.connection)
        gone.set()
        return stays

    peer = server(go, whole)
    client = connect(peer.url())
    # In time for the next request to find it.
    assert all_came(ended(client)) and gone.wait(20)
    assert all_came(ended(client))
    assert peer.connections == 2


@pytest.mark.parametrize("what", [b"", THOUGHT + WORD])
def test_silence(connect, server, what):
    def fall_silent(exchange):
        exchange.read()
        exchange.head()
        exchange.data(what)
        exchange.wait_for_cancel()

    client = connect(server(fall_silent, whole).url(), timeout={"idle": 1})
    reply = ended(client)
    assert (
        reply.status is Status.TIMEOUT
        and "idle" in reply.message
        and reply.content == ("Hi" if what else "")
    )
    assert all_came(ended(client))


def test_a_connection_that_is_cut(connect, server):
    def cut(exchange):
        exchange.read()
        exchange.head()
        exchange.data(THOUGHT + WORD)
        return False

    client = connect(server(cut, whole).url())
    reply = ended(client)
    assert (reply.status, reply.reasoning, reply.content) == (Status.TRUNCATED, "Hm.", "Hi")
    assert all_came(ended(client))


def test_an_answer_larger_than_every_window(connect, server):
    """The server must wait for a caller that does not pull, and that is not the server's fault."""
    piece = delta(content="x" * 60_000)
    count = 800

    def much(exchange):
        exchange.read()
        exchange.head()
        for _ in range(count):
            exchange.data(piece)
        exchange.data(FINISH)
        exchange.end()

    client = connect(server(much).url(), timeout={"idle": 1.5})
    with client.stream("m", "Hello") as stream:
        length = len(next(stream).text)
        time.sleep(2)
        length += sum(len(event.text) for event in stream if event.kind == "content")
    assert (
        length == len(stream.reply.content) == 60_000 * count and stream.reply.status is Status.OK
    )


def test_a_server_that_takes_the_request_in_small_bites(connect, server):
    def nibble(exchange):
        exchange.wire.bite = 1000
        whole(exchange)

    client = connect(server(nibble).url())
    assert all_came(ended(client, message="x" * 300_000))


def test_a_server_that_takes_no_more_of_the_request(connect, server):
    def stuff(exchange):
        exchange.wire.grants = False
        exchange.wait_for_cancel()

    client = connect(server(stuff).url(), timeout={"first_byte": 0.5})
    reply = ended(client, message="x" * 200_000)
    assert reply.status is Status.TIMEOUT and "first-byte" in reply.message


def test_interim_responses(connect, server):
    def interim(exchange):
        exchange.read()
        for status in (100, 102, 103):
            exchange.headers(status, ("x-request-id", "an interim one"), ("link", "</style.css>"))
        exchange.head(200, ("x-request-id", "the real one"))
        exchange.data(WHOLE)
        exchange.end()

    reply = ended(connect(server(interim).url()))
    assert all_came(reply) and reply.http_status == 200
    assert reply.request_id == "the real one" and reply.header("link") is None


def test_an_interim_response_is_none_yet(connect, server):
    def hint(exchange):
        exchange.read()
        exchange.headers(103, ("link", "</style.css>"))
        exchange.wait_for_cancel()

    client = connect(server(hint).url(), timeout={"first_byte": 0.5, "idle": 30})
    reply = ended(client)
    assert reply.status is Status.TIMEOUT and "first-byte" in reply.message
    assert (reply.http_status, reply.timing.first_byte, reply.header("link")) == (0, None, None)


def test_trailers(connect, server):
    def trailed(exchange):
        exchange.read()
        exchange.head()
        exchange.data(THOUGHT + WORD + FINISH)
        exchange.end(("x-checksum", "1234"), ("x-more", "y" * 20_000))

    reply = ended(connect(server(trailed).url()))
    assert all_came(reply) and reply.header("x-checksum") == "1234"


def test_large_headers(connect, server):
    def headed(exchange):
        exchange.read()
        exchange.head(200, ("x-policy", "z" * 60_000))
        exchange.data(WHOLE)
        exchange.end()

    reply = ended(connect(server(headed).url()))
    assert all_came(reply) and len(reply.header("x-policy")) == 60_000


@pytest.mark.parametrize("status", [400, 401, 429, 503])
def test_refusals(connect, server, status):
    def refuse(exchange):
        exchange.read()
        exchange.head(status, ("x-request-id", "r-1"))
        exchange.data(b'{"error":{"message":"No. Your key is a-secret-key."}}')
        exchange.end()

    reply = ended(connect(server(refuse).url()))
    assert (
        reply.http_status == status
        and "No. Your key is ***." in reply.message
        and reply.request_id == "r-1"
    )


def test_cancelled_in_the_middle(connect, server):
    seen = threading.Event()

    def on_and_on(exchange):
        exchange.read()
        exchange.head()
        exchange.data(THOUGHT)
        try:
            exchange.wait_for_cancel()
        finally:
            seen.set()

    client = connect(server(on_and_on, whole).url())
    with client.stream("m", "Hello") as stream:
        assert next(stream).text == "Hm."
    assert stream.reply.status is Status.CANCELLED and seen.wait(20)
    assert all_came(ended(client))
