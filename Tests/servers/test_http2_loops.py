"""HTTP/2 with several streams on one connection: what ends one stream leaves the others alone."""

import threading
import time

import pytest
from exchanges import is_answer
from h2.errors import ErrorCodes
from h2.events import StreamReset
from http2_server import Exchange, HTTP2Server
from http_server import (
    ANSWER,
    CONTENT,
    DONE,
    FINISH,
    REASONING,
    ScriptedServer,
    chunk,
    response,
    tls,
)
from loops import Loop
from thinkwire import Status, Timeout

#: Answers a request without reading its body, which would discard requests that follow it.
complete = Exchange.send_answer
#: What completes an answer that begins with REASONING.
REST = CONTENT + FINISH + DONE


@pytest.fixture
def serve(start, pair):
    return lambda *scripts, **settings: start(HTTP2Server, pair, *scripts, **settings)


@pytest.fixture
def loop_of(connect):
    """Creates loops for a server. Destroys them at the end."""
    loops = []

    def create(server, **options):
        loops.append(Loop(connect(server.url(), **options)))
        return loops[-1]

    yield create
    for loop in loops:
        loop.close()


def run(loop, count):
    """The replies to that many requests, which are begun at once."""
    for _ in range(count):
        loop.start()
    return loop.run()


def unprocessed(replies):
    """Whether all replies are answers, although their requests were sent again."""
    return all(is_answer(reply) and reply.attempts == 1 for reply in replies)


# ---- One connection ----------------------------------------------------------------------------


def test_streams_share_a_connection(serve, loop_of):
    count = 20

    def interleave(first):
        streams = first.with_others(count)
        for stream in streams:
            stream.head()
        for part in (REASONING, CONTENT, FINISH, DONE):
            for stream in streams:
                stream.data(part)
        for stream in reversed(streams):
            stream.end()

    server = serve(interleave)
    loop = loop_of(server)
    for _ in range(2):
        assert all(is_answer(reply) for reply in run(loop, count))
    assert (server.connections, len(server.requests)) == (1, 2 * count)


def test_the_limit_of_concurrent_streams_is_obeyed(serve, loop_of):
    """A stream beyond the limit is an error of the client, to which h2 reacts by closing."""
    server = serve(complete, max_streams=3)
    assert all(is_answer(reply) for reply in run(loop_of(server), 12))
    assert len(server.requests) == 12


def test_each_stream_keeps_its_text(serve, loop_of):
    count = 8

    def number(first):
        streams = first.with_others(count)
        for stream in streams:
            stream.head()
        for _ in range(50):
            for stream in streams:
                stream.data(chunk(content=f"{stream.stream} "), size=7)
        for stream in streams:
            stream.data(FINISH + DONE)
            stream.end()

    contents = {reply.content for reply in run(loop_of(serve(number)), count)}
    assert contents == {f"{2 * i + 1} " * 50 for i in range(count)}


def test_a_server_without_http2_receives_all_requests_at_once(start, pair, loop_of):
    """Requests wait until a connection turns out to have HTTP/2, but not for its response.

    libcurl 8.20 and later wait for the response if the connection has HTTP/1.1 (LadybirdBrowser
    PR 10655).
    """
    count = 8
    are_all_there = threading.Barrier(count)
    answer = [lambda: are_all_there.wait(20), response(ANSWER)]
    server = start(ScriptedServer, answer, context=tls(pair))
    loop = loop_of(server, timeout=Timeout(connect=5))
    for _ in range(2):
        assert all(is_answer(reply) for reply in run(loop, count))


# ---- Streams that are reset --------------------------------------------------------------------


@pytest.mark.parametrize("code", [ErrorCodes.INTERNAL_ERROR, ErrorCodes.CANCEL])
@pytest.mark.parametrize("has_begun", [False, True])
def test_a_reset_ends_one_stream(serve, loop_of, code, has_begun):
    is_received = threading.Event()

    def note_begin(_):
        if sum(exchange.texts["reasoning"] != "" for exchange in exchanges) == 4:
            is_received.set()

    def reset_second(first):
        streams = first.with_others(4)
        for stream in streams if has_begun else streams[:1]:
            stream.head()
            stream.data(REASONING)
        assert not has_begun or is_received.wait(20)
        streams[1].reset(code)
        for stream in streams[:1] + streams[2:]:
            if has_begun or stream is first:
                stream.data(REST)
                stream.end()
            else:
                stream.send_answer()

    server = serve(reset_second)
    loop = loop_of(server)
    exchanges = [loop.start(on_event=note_begin) for _ in range(4)]
    replies = loop.run()
    failed = [reply for reply in replies if not is_answer(reply)]
    assert [reply.status for reply in failed] == [Status.TRUNCATED if has_begun else Status.NETWORK]
    assert (failed[0].attempts, len(server.requests), server.connections) == (1, 4, 1)


def test_a_refused_stream_is_sent_again(serve, loop_of):
    def refuse_two(first):
        streams = first.with_others(4)
        for stream in streams[1:3]:
            stream.reset(ErrorCodes.REFUSED_STREAM)
        streams[0].send_answer()
        streams[3].send_answer()

    server = serve(refuse_two, complete)
    assert unprocessed(run(loop_of(server), 4))
    assert len(server.requests) == 6


# ---- Connections that end ----------------------------------------------------------------------


@pytest.mark.parametrize("code", [ErrorCodes.NO_ERROR, ErrorCodes.ENHANCE_YOUR_CALM])
def test_requests_that_goaway_excludes_are_sent_again(serve, loop_of, code):
    def process_two(first):
        streams = first.with_others(5)
        streams[0].head()
        streams[0].data(REASONING)
        first.go_away(streams[1].stream, code)
        streams[0].data(REST)
        streams[0].end()
        streams[1].send_answer()

    server = serve(process_two, complete)
    replies = run(loop_of(server, max_retries=1), 5)
    assert all(is_answer(reply) for reply in replies)
    # Newer versions of libcurl report an error code as the error of these streams (curl PR 22946).
    # That is a reason to wait before the requests are sent again: they are retried.
    assert code != ErrorCodes.NO_ERROR or unprocessed(replies)
    assert len(server.requests) == 8


def test_streams_that_goaway_includes_are_completed(serve, loop_of):
    is_started = threading.Event()

    def leave(first):
        streams = first.with_others(3)
        first.go_away(streams[2].stream)
        for stream in streams:
            stream.head()
            stream.data(REASONING)
        # The next request needs another connection, while the streams of this one continue.
        assert is_started.wait(20)
        for stream in streams:
            stream.data(REST)
            stream.end()

    def start_another(exchange):
        if not is_started.is_set():
            is_started.set()
            loop.start()

    server = serve(leave, complete)
    loop = loop_of(server)
    for _ in range(3):
        loop.start(on_event=start_another)
    assert all(is_answer(reply) for reply in loop.run())
    assert (len(server.requests), server.connections) == (4, 2)


@pytest.fixture
def run_with_lost_connection(serve, loop_of):
    """Runs three exchanges. The server answers one, begins to answer another one, and closes the
    connection. It answers requests that are sent again.
    """

    def run_three(**options):
        is_received = threading.Event()

        def note_texts(_):
            texts = [text for each in exchanges for text in each.texts.values() if text]
            if sorted(texts) == ["Hi", "Hm.", "Hm."]:
                is_received.set()

        def lose(first):
            streams = first.with_others(3)
            streams[0].send_answer()
            streams[1].head()
            streams[1].data(REASONING)
            assert is_received.wait(20)
            return False

        server = serve(lose, complete)
        loop = loop_of(server, **options)
        exchanges = [loop.start(on_event=note_texts) for _ in range(3)]
        return loop, loop.run(), server

    return run_three


@pytest.mark.parametrize("retries", [0, 2])
def test_a_lost_connection_ends_its_streams(run_with_lost_connection, retries):
    loop, replies, server = run_with_lost_connection(max_retries=retries)
    begun = [reply for reply in replies if reply.status is Status.TRUNCATED]
    assert [(reply.content, reply.reasoning, reply.attempts) for reply in begun] == [("", "Hm.", 1)]
    # The server may have processed the third request, so sending it again is a retry. libcurl may
    # do it by itself, if it finds the end of the connection while it reads (Curl_retry_request).
    answers = [reply for reply in replies if is_answer(reply)]
    failed = [reply for reply in replies if reply.status is Status.NETWORK]
    assert len(answers) + len(failed) == 2 and len(answers) >= (2 if retries else 1)
    assert len(server.requests) == 2 + len(answers)
    # The loop continues to work.
    assert is_answer(run(loop, 1)[0])


def test_requests_on_a_connection_that_ended_while_idle_are_sent_again(serve, loop_of):
    """The server has closed the connection when the requests arrive."""

    def leave(first):
        first.with_others(3)
        return False

    server = serve(complete, leave, complete)
    loop = loop_of(server)
    assert is_answer(run(loop, 1)[0])
    assert unprocessed(run(loop, 3))
    assert len(server.requests) == 1 + 3 + 3


# ---- Cancellation and timeouts -----------------------------------------------------------------


def test_a_cancelled_stream_leaves_the_others_alone(serve, loop_of):
    """libcurl 7.88 resets the stream when it receives something else on the connection."""
    is_cancelled = threading.Event()

    def wait_for_reset(first):
        streams = first.with_others(3)
        for stream in streams:
            stream.head()
            stream.data(REASONING)
        assert is_cancelled.wait(20)
        for stream in streams:
            stream.data(b": ping\n\n")
        reset = first.session.next(StreamReset).stream_id
        for stream in streams:
            if stream.stream != reset:
                stream.data(REST)
                stream.end()

    def cancel_second(_):
        if not is_cancelled.is_set() and all(each.texts["reasoning"] for each in exchanges):
            exchanges[1].cancel()
            is_cancelled.set()

    server = serve(wait_for_reset, complete)
    loop = loop_of(server)
    exchanges = [loop.start(on_event=cancel_second) for _ in range(3)]
    replies = loop.run()
    assert [reply.status for reply in replies] == [Status.OK, Status.CANCELLED, Status.OK]
    assert (len(server.requests), server.connections) == (3, 1)
    assert is_answer(run(loop, 1)[0])


def test_a_stream_that_times_out_leaves_the_others_alone(serve, loop_of):
    def fall_silent(first):
        streams = first.with_others(3)
        for stream in streams:
            stream.head()
            stream.data(REASONING)
        for _ in range(30):
            for stream in streams[1:]:
                stream.data(b": ping\n\n")
            time.sleep(0.1)
        for stream in streams[1:]:
            stream.data(REST)
            stream.end()

    replies = run(loop_of(serve(fall_silent), timeout={"idle": 2}), 3)
    assert sorted(reply.status for reply in replies) == [Status.OK, Status.OK, Status.TIMEOUT]
