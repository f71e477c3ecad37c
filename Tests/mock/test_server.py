"""thinkwire-mock as an HTTP server: what it takes, what it refuses, and how much of it."""

import asyncio
import json
import os
import pathlib
import random
import re
import resource
import signal
import subprocess
import threading
import time

from mock_process import (
    HELLO,
    PROGRAM,
    QWEN,
    ROOT,
    Mock,
    Response,
    ask,
    check_refusal,
    connect,
    request,
    stop_mock,
)


def teardown_module():
    stop_mock()


def test_a_connection_is_kept_and_bodies_come_in_pieces():
    with connect() as connection:
        for _ in range(3):
            for byte in request({"model": QWEN, "messages": HELLO}):
                connection.sendall(bytes([byte]))
            assert Response(connection).status == 200


CHUNKED = b"POST /chat/completions HTTP/1.1\r\nAuthorization: bearer k\r\nTransfer-Encoding: chunked\r\n\r\n"


def test_a_chunked_body_and_one_that_waits_to_be_asked_for():
    body = json.dumps({"model": "mock/echo", "messages": HELLO}).encode()
    with connect() as connection:
        chunks = b"".join(
            b"%x;ext=1\r\n%s\r\n" % (len(body[i : i + 9]), body[i : i + 9])
            for i in range(0, len(body), 9)
        )
        connection.sendall(CHUNKED)
        connection.sendall(chunks + b"0\r\nTrailer: x\r\n\r\n")
        assert Response(connection).json["choices"][0]["message"]["content"].encode() == body
        connection.sendall(request(body, ["Expect: 100-continue"])[: -len(body)])
        assert connection.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(body)
        assert Response(connection).status == 200
        connection.sendall(request(body).replace(b"HTTP/1.1", b"HTTP/1.0"))
        response = Response(connection)
        assert (
            response.status == 200
            and response.headers["connection"] == "close"
            and connection.recv(10) == b""
        )


def test_a_large_body_is_taken_and_a_larger_one_refused():
    body = (
        b'{"model":"alibaba/qwen3-32b","messages":[{"role":"user","content":"'
        + b"x" * (20 << 20)
        + b'"}]}'
    )
    with connect() as connection:
        connection.sendall(request(body))
        assert Response(connection).status == 200
        connection.sendall(CHUNKED)
        connection.sendall(b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body))
        assert Response(connection).status == 200
    with connect() as connection:
        connection.sendall(
            b"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % ((64 << 20) + 1)
        )
        check_refusal(Response(connection), 413)


POST = b"POST /v1/chat/completions HTTP/1.1\r\n"
NO_HTTP = [
    (b"nonsense\r\n\r\n", 400),
    (b"GET /v1/models HTTP/9.9\r\n\r\n", 505),
    (b"GET  HTTP/1.1\r\n\r\n", 400),
    (POST + b"no colon\r\n\r\n", 400),
    (POST + b"bad name: x\r\n\r\n", 400),
    (POST + b"a: \x01\r\n\r\n", 400),
    (POST + b"Content-Length: -1\r\n\r\n", 400),
    (POST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
    (POST + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
    (POST + b"Transfer-Encoding: gzip\r\n\r\n", 501),
    (POST + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n", 400),
    (POST + b"Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n", 400),
    (POST + b"Transfer-Encoding: chunked\r\n\r\nffffffff\r\n", 413),
    (POST + b"Expect: miracles\r\n\r\n", 417),
    (POST + b"a: " + b"x" * 70000 + b"\r\n\r\n", 431),
    (POST + b"a: b\r\n" * 20000 + b"\r\n", 431),
]


def test_what_is_no_http_is_refused():
    for text, status in NO_HTTP:
        with connect() as connection:
            connection.sendall(text)
            response = Response(connection)
            check_refusal(response, status)
            assert response.headers["connection"] == "close" and connection.recv(10) == b""


def test_many_requests_at_once_on_one_connection():
    count = 12000
    with connect() as connection:
        sender = threading.Thread(
            target=connection.sendall, args=(b"GET /x HTTP/1.1\r\n\r\n" * count,)
        )
        sender.start()
        seen, tail = 0, b""
        while seen < count:
            more = connection.recv(1 << 20)
            assert more
            seen += (tail + more).count(b"HTTP/1.1 404")
            tail = more[-11:]
        sender.join()


def test_noise_does_not_end_it():
    noise = random.Random(7)
    good = [
        request({"model": QWEN + "#cut=5", "messages": HELLO, "stream": True}),
        request({"model": "mock/script", "mock_reply": ["a"], "messages": []}, ["X-Mock: piece=3"]),
        CHUNKED + b"2\r\n{}\r\n0\r\n\r\n",
    ]
    for _ in range(1500):
        text = bytearray(noise.choice(good))
        for _ in range(noise.randrange(1, 8)):
            place = noise.randrange(len(text))
            kind = noise.randrange(3)
            if kind == 0:
                text[place] = noise.randrange(256)
            elif kind == 1:
                del text[place : place + noise.randrange(20)]
                text += b" "
            else:
                text[place:place] = bytes(noise.randrange(256) for _ in range(noise.randrange(20)))
        with connect() as connection:
            try:
                connection.sendall(text)
                connection.settimeout(0.002)
                connection.recv(65536)
            except OSError:
                pass
    assert ask().status == 200


def test_two_thousand_streams_at_once():
    server = Mock()
    body = {"model": "mock/synthetic#chunks=20,pace=50", "stream": True, "messages": []}

    async def one(gate):
        async with gate:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(request(body))
        answer = await asyncio.wait_for(reader.readuntil(b"\r\n0\r\n\r\n"), 60)
        writer.close()
        return answer.count(b"data: {")

    async def all_of_them():
        gate = asyncio.Semaphore(100)
        return await asyncio.gather(*(one(gate) for _ in range(2000)))

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        assert set(asyncio.run(all_of_them())) == {23}
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert server.stop()[0] == 0


def test_a_client_that_leaves_is_let_go():
    server = Mock()
    before = server.descriptors()
    for orders in ("pace=1000", "stall=10", "delay=60000", "hold=60000", "chunks=100000000"):
        with connect(server.port) as connection:
            connection.sendall(
                request({"model": "mock/synthetic#" + orders, "stream": True, "messages": []})
            )
            time.sleep(0.05)
    patience = time.monotonic() + 10
    while server.descriptors() != before and time.monotonic() < patience:
        time.sleep(0.05)
    assert server.descriptors() == before
    assert server.stop(signal.SIGINT)[0] == 0


def test_a_client_that_does_not_read_costs_no_memory():
    server = Mock()

    def memory():
        return int(
            pathlib.Path(f"/proc/{server.process.pid}/statm").read_text().split()[1]
        ) * os.sysconf("SC_PAGE_SIZE")

    before = memory()
    with connect(server.port) as connection:
        connection.sendall(
            request(
                {
                    "model": "mock/synthetic#chunks=100000000,size=1000",
                    "stream": True,
                    "messages": [],
                }
            )
        )
        time.sleep(0.5)
        assert memory() - before < 8 << 20
    assert server.stop()[0] == 0


def run(*arguments):
    done = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


def test_the_command_line():
    version = re.search(
        r'#define TW_VERSION "(.*)"', (ROOT / "include" / "thinkwire.h").read_text()
    )[1]
    assert run("--version") == (0, f"thinkwire-mock {version}\n", "")
    assert run("--help")[0] == 0 and "mock/synthetic" in run("--help")[1]
    for arguments in (["--port"], ["--port", "70000"], ["--pace", "x"], ["more"]):
        code, out, errors = run(*arguments)
        assert code == 2 and out == "" and f"not understood: {arguments[-1]}; see --help" in errors
    server = Mock("--pace=5", "--log")
    assert run("--port", str(server.port))[0] == 1
    start = time.monotonic()
    with connect(server.port) as connection:
        connection.sendall(
            request({"model": "mock/synthetic#chunks=20", "stream": True, "messages": []})
        )
        assert Response(connection).whole
    assert time.monotonic() - start > 0.1
    code, errors = server.stop()
    assert code == 0 and "POST /v1/chat/completions 200 sent" in errors
