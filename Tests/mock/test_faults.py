"""Request options of thinkwire-mock: faults, and the delivery of responses."""

import socket
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


def teardown_module():
    stop_mock()


def test_status_applies_to_the_first_tries():
    for _ in range(2):
        response = ask(
            QWEN, "status=503,header=Retry-After:1,header=X-Two:%2C,message=later,tries=2,key=a"
        )
        check_error(response, 503, "later")
        assert response.headers["retry-after"] == "1" and response.headers["x-two"] == ","
    assert ask(QWEN, "status=503,tries=2,key=a").status == 200
    assert ask(QWEN, "status=503,tries=2,key=b").status == 503
    assert (
        ask(QWEN, "status=500,tries=1").status == 500
        and ask(QWEN, "status=500,tries=1").status == 200
    )
    assert ask(QWEN, headers=["X-Mock: status=418, close=1"]).headers["connection"] == "close"


def test_tries_limits_every_fault():
    complete = ask(QWEN, stream=True).body
    replies = [ask(QWEN, "cut=100,tries=1,newline=crlf", stream=True) for _ in range(2)]
    assert [reply.is_complete for reply in replies] == [False, True]
    assert replies[1].body == complete.replace(b"\n", b"\r\n")


def test_status_204_has_no_body():
    with connect() as connection:
        for status in (204, 200):
            connection.sendall(
                request({"model": f"{QWEN}#status={status}", "messages": HELLO, "stream": True})
            )
            head = connection.recv(65536).split(b"\r\n\r\n")[0]
            assert head.startswith(b"HTTP/1.1 %d " % status)
            assert (b"transfer-encoding" in head) == (status == 200)


def test_cut_closes_the_connection_at_the_offset():
    complete = ask(QWEN, stream=True).body
    for offset in range(0, len(complete), 61):
        response = ask(QWEN, f"cut={offset}", stream=True)
        assert (
            response.body == complete[:offset] and not response.is_complete and not response.reset
        )
    assert not ask(QWEN, f"cut={len(complete)}", stream=True).is_complete
    assert ask(QWEN, f"cut={len(complete) + 1}", stream=True).is_complete
    response = ask(QWEN, "cut=10")
    assert (
        response.body == (RECORDINGS / "qwen3-32b.json").read_bytes()[:10]
        and not response.is_complete
    )
    assert ask(QWEN, "cut=10,framing=close").is_complete


def test_reset_resets_the_connection_at_the_offset():
    complete = ask(QWEN, stream=True).body
    for offset in (0, 1, 100, len(complete)):
        response = ask(QWEN, f"reset={offset}", stream=True)
        assert response.body == complete[:offset] and response.reset


def test_stall_without_resume_never_ends():
    with connect() as connection:
        connection.settimeout(0.3)
        connection.sendall(
            request({"model": QWEN + "#stall=100", "messages": HELLO, "stream": True})
        )
        try:
            Response(connection)
        except socket.timeout:
            return
    raise AssertionError("the response did not stall")


def test_stall_delay_and_hold_wait():
    complete = ask(QWEN, stream=True).body
    for options in ("stall=100,resume=150", "delay=150", "hold=150"):
        start = time.monotonic()
        response = ask(QWEN, options, stream=True)
        assert response.is_complete and response.body == complete
        assert 0.14 < time.monotonic() - start < 10, options


def test_piece_write_join_and_pace():
    complete = ask(QWEN, stream=True).body
    response = ask(QWEN, "piece=100", stream=True)
    assert response.body == complete and {len(chunk) for chunk in response.chunks[:-1]} == {100}
    assert ask(QWEN, "piece=1,write=1", stream=True).body == complete
    response = ask("mock/synthetic", "chunks=1000,join=10", stream=True)
    assert len(response.chunks) == 101 and len(response.texts()[1]) == 16000
    start = time.monotonic()
    ask("mock/synthetic", "chunks=100,pace=2.5", stream=True)
    assert 0.25 < time.monotonic() - start < 10


def test_framing_newline_and_garbage():
    complete = ask(QWEN, stream=True).body
    for framing in ("chunked", "length", "close"):
        response = ask(QWEN, f"framing={framing}", stream=True)
        assert response.body == complete and response.is_complete
        assert ("content-length" in response.headers) == (framing == "length")
    assert ask(QWEN, "newline=crlf,framing=length", stream=True).body == complete.replace(
        b"\n", b"\r\n"
    )
    assert ask(QWEN, "newline=cr", stream=True).body == complete.replace(b"\n", b"\r")
    response = ask("mock/synthetic", "chunks=10,newline=crlf,framing=length", stream=True)
    assert response.is_complete and response.body.count(b"\r\n\r\n") == 14
    response = ask(QWEN, "garbage=1000,type=text/plain", stream=True)
    assert len(response.body) == 1000 and response.body == ask(QWEN, "garbage=1000").body


def test_drop_ends_the_connection_without_a_response():
    for options, exception in (
        ("drop=fin", ConnectionAbortedError),
        ("drop=rst", ConnectionResetError),
    ):
        try:
            ask(QWEN, options)
        except exception:
            continue
        raise AssertionError("the server sent a response")


def test_early_responds_before_the_body():
    with connect() as connection:
        connection.sendall(
            b"POST /v1/chat/completions HTTP/1.1\r\nX-Mock: early=1,status=401\r\n"
            b"Content-Length: 1000000\r\n\r\n"
        )
        response = Response(connection)
        assert response.status == 401 and response.headers["connection"] == "close"


def test_stop_reading_delays_the_response():
    start = time.monotonic()
    with connect() as connection:
        connection.sendall(
            request(
                {"model": "mock/echo", "messages": ["x" * 5_000_000]}, ["X-Mock: stop-reading=200"]
            )
        )
        assert Response(connection).status == 200
    assert time.monotonic() - start > 0.19


def test_invalid_options_are_rejected():
    wrong = ["nope=1", "cut=x", "pace=-1", "status=99", "text=%zz", "header=x", "framing=odd"]
    wrong += ["size=99999999999", "done=2", "piece=99999999"]
    for options in wrong:
        part = "%" if options.startswith("text") else options.split("=")[0]
        check_error(ask(QWEN, options), 400, part)
