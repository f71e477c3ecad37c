"""How an answer of thinkwire-mock goes wrong when it is asked to, and how it travels."""

import socket
import time

from mock_process import (
    HELLO,
    QWEN,
    RECORDINGS,
    Response,
    ask,
    check_refusal,
    connect,
    request,
    stop_mock,
)


def teardown_module():
    stop_mock()


def test_a_status_for_the_first_tries():
    for _ in range(2):
        response = ask(
            QWEN, "status=503,header=Retry-After:1,header=X-Two:%2C,message=later,tries=2,key=a"
        )
        check_refusal(response, 503, "later")
        assert response.headers["retry-after"] == "1" and response.headers["x-two"] == ","
    assert ask(QWEN, "status=503,tries=2,key=a").status == 200
    assert ask(QWEN, "status=503,tries=2,key=b").status == 503
    assert (
        ask(QWEN, "status=500,tries=1").status == 500
        and ask(QWEN, "status=500,tries=1").status == 200
    )
    assert ask(QWEN, headers=["X-Mock: status=418, close=1"]).headers["connection"] == "close"


def test_any_fault_for_the_first_tries():
    whole = ask(QWEN, stream=True).body
    replies = [ask(QWEN, "cut=100,tries=1,newline=crlf", stream=True) for _ in range(2)]
    assert [reply.whole for reply in replies] == [False, True]
    assert replies[1].body == whole.replace(b"\n", b"\r\n")


def test_a_status_without_body():
    with connect() as connection:
        for status in (204, 200):
            connection.sendall(
                request({"model": f"{QWEN}#status={status}", "messages": HELLO, "stream": True})
            )
            head = connection.recv(65536).split(b"\r\n\r\n")[0]
            assert head.startswith(b"HTTP/1.1 %d " % status)
            assert (b"transfer-encoding" in head) == (status == 200)


def test_cut_after_a_byte():
    whole = ask(QWEN, stream=True).body
    for place in range(0, len(whole), 61):
        response = ask(QWEN, f"cut={place}", stream=True)
        assert response.body == whole[:place] and not response.whole and not response.reset
    assert not ask(QWEN, f"cut={len(whole)}", stream=True).whole
    assert ask(QWEN, f"cut={len(whole) + 1}", stream=True).whole
    response = ask(QWEN, "cut=10")
    assert response.body == (RECORDINGS / "qwen3-32b.json").read_bytes()[:10] and not response.whole
    assert ask(QWEN, "cut=10,framing=close").whole


def test_reset_after_a_byte():
    whole = ask(QWEN, stream=True).body
    for place in (0, 1, 100, len(whole)):
        response = ask(QWEN, f"reset={place}", stream=True)
        assert response.body == whole[:place] and response.reset


def test_a_stall_lasts():
    with connect() as connection:
        connection.settimeout(0.3)
        connection.sendall(
            request({"model": QWEN + "#stall=100", "messages": HELLO, "stream": True})
        )
        try:
            Response(connection)
        except socket.timeout:
            return
    raise AssertionError("it did not stall")


def test_waits():
    whole = ask(QWEN, stream=True).body
    for orders in ("stall=100,resume=150", "delay=150", "hold=150"):
        start = time.monotonic()
        response = ask(QWEN, orders, stream=True)
        assert response.whole and response.body == whole
        assert 0.14 < time.monotonic() - start < 10, orders


def test_pieces_and_paces():
    whole = ask(QWEN, stream=True).body
    response = ask(QWEN, "piece=100", stream=True)
    assert response.body == whole and {len(chunk) for chunk in response.chunks[:-1]} == {100}
    assert ask(QWEN, "piece=1,write=1", stream=True).body == whole
    response = ask("mock/synthetic", "chunks=1000,join=10", stream=True)
    assert len(response.chunks) == 101 and len(response.texts()[1]) == 16000
    start = time.monotonic()
    ask("mock/synthetic", "chunks=100,pace=2.5", stream=True)
    assert 0.25 < time.monotonic() - start < 10


def test_framings_and_line_ends():
    whole = ask(QWEN, stream=True).body
    for framing in ("chunked", "length", "close"):
        response = ask(QWEN, f"framing={framing}", stream=True)
        assert response.body == whole and response.whole
        assert ("content-length" in response.headers) == (framing == "length")
    assert ask(QWEN, "newline=crlf,framing=length", stream=True).body == whole.replace(
        b"\n", b"\r\n"
    )
    assert ask(QWEN, "newline=cr", stream=True).body == whole.replace(b"\n", b"\r")
    response = ask("mock/synthetic", "chunks=10,newline=crlf,framing=length", stream=True)
    assert response.whole and response.body.count(b"\r\n\r\n") == 14
    response = ask(QWEN, "garbage=1000,type=text/plain", stream=True)
    assert len(response.body) == 1000 and response.body == ask(QWEN, "garbage=1000").body


def test_no_answer_at_all():
    for orders, problem in (
        ("drop=fin", ConnectionAbortedError),
        ("drop=rst", ConnectionResetError),
    ):
        try:
            ask(QWEN, orders)
        except problem:
            continue
        raise AssertionError("it answered")


def test_an_answer_before_the_body():
    with connect() as connection:
        connection.sendall(
            b"POST /v1/chat/completions HTTP/1.1\r\nX-Mock: early=1,status=401\r\nContent-Length: 1000000\r\n\r\n"
        )
        response = Response(connection)
        assert response.status == 401 and response.headers["connection"] == "close"


def test_a_body_that_has_to_wait():
    start = time.monotonic()
    with connect() as connection:
        connection.sendall(
            request(
                {"model": "mock/echo", "messages": ["x" * 5_000_000]}, ["X-Mock: stop-reading=200"]
            )
        )
        assert Response(connection).status == 200
    assert time.monotonic() - start > 0.19


def test_orders_that_are_none():
    wrong = ["nope=1", "cut=x", "pace=-1", "status=99", "text=%zz", "header=x", "framing=odd"]
    wrong += ["size=99999999999", "done=2", "piece=99999999"]
    for orders in wrong:
        word = "%" if orders.startswith("text") else orders.split("=")[0]
        check_refusal(ask(QWEN, orders), 400, word)
