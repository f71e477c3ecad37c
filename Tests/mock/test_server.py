"""thinkwire-mock as an HTTP server: parsing, limits, load, and the command line."""

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
    check_error,
    connect,
    request,
    stop_mock,
)


def teardown_module():
    stop_mock()


def test_connection_is_kept_alive_and_requests_arrive_in_pieces():
    with connect() as connection:
        for _ in range(3):
            for byte in request({"model": QWEN, "messages": HELLO}):
                connection.sendall(bytes([byte]))
            assert Response(connection).status == 200


def test_rate_limit_is_shared_by_all_connections():
    server = Mock("--rate", "2")
    body = {"model": "mock/synthetic#chunks=1", "messages": HELLO}

    def answer():
        with connect(server.port) as connection:
            connection.sendall(request(body))
            return Response(connection)

    first, *others = [answer() for _ in range(40)]
    assert first.status == 200 and first.headers["x-ratelimit-limit-requests"] == "2"
    assert first.headers["x-ratelimit-remaining-requests"] == "1"
    assert first.headers["x-ratelimit-reset-requests"] == "500ms"
    rejected = [response for response in others if response.status == 429]
    # On a slow machine, time passes in which the bucket fills.
    assert len(rejected) >= 10
    check_error(rejected[0], 429, "Rate limit")
    assert rejected[0].headers["x-ratelimit-remaining-requests"] == "0"
    assert rejected[0].headers["retry-after-ms"] == "500"
    assert rejected[0].headers["retry-after"] == "1"
    time.sleep(1)
    assert answer().status == 200
    assert server.stop() == (0, "")


CHUNKED = (
    b"POST /chat/completions HTTP/1.1\r\nAuthorization: bearer k\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n"
)


def test_chunked_body_expect_continue_and_http_1_0():
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


def test_large_body_is_accepted_up_to_the_limit():
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
        check_error(Response(connection), 413)


POST = b"POST /v1/chat/completions HTTP/1.1\r\n"
INVALID_HTTP = [
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


def test_invalid_http_is_rejected():
    for text, status in INVALID_HTTP:
        with connect() as connection:
            connection.sendall(text)
            response = Response(connection)
            check_error(response, status)
            assert response.headers["connection"] == "close" and connection.recv(10) == b""


def test_pipelined_requests_are_answered():
    count = 12000
    with connect() as connection:
        sender = threading.Thread(
            target=connection.sendall, args=(b"GET /x HTTP/1.1\r\n\r\n" * count,)
        )
        sender.start()
        count_received, tail = 0, b""
        while count_received < count:
            more = connection.recv(1 << 20)
            assert more
            count_received += (tail + more).count(b"HTTP/1.1 404")
            tail = more[-11:]
        sender.join()


def test_mutated_requests_do_not_crash_the_server():
    generator = random.Random(7)
    valid = [
        request({"model": QWEN + "#cut=5", "messages": HELLO, "stream": True}),
        request({"model": "mock/script", "mock_reply": ["a"], "messages": []}, ["X-Mock: piece=3"]),
        CHUNKED + b"2\r\n{}\r\n0\r\n\r\n",
    ]
    for _ in range(1500):
        text = bytearray(generator.choice(valid))
        for _ in range(generator.randrange(1, 8)):
            offset = generator.randrange(len(text))
            kind = generator.randrange(3)
            if kind == 0:
                text[offset] = generator.randrange(256)
            elif kind == 1:
                del text[offset : offset + generator.randrange(20)]
                text += b" "
            else:
                text[offset:offset] = bytes(
                    generator.randrange(256) for _ in range(generator.randrange(20))
                )
        with connect() as connection:
            try:
                connection.sendall(text)
                connection.settimeout(0.002)
                connection.recv(65536)
            except OSError:
                pass
    assert ask().status == 200


def test_two_thousand_concurrent_streams():
    server = Mock()
    body = {"model": "mock/synthetic#chunks=20,pace=50", "stream": True, "messages": []}

    async def stream(limit):
        async with limit:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(request(body))
        response = await asyncio.wait_for(reader.readuntil(b"\r\n0\r\n\r\n"), 60)
        writer.close()
        return response.count(b"data: {")

    async def all_streams():
        limit = asyncio.Semaphore(100)
        return await asyncio.gather(*(stream(limit) for _ in range(2000)))

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        assert set(asyncio.run(all_streams())) == {23}
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert server.stop()[0] == 0


def test_descriptor_is_closed_after_the_client_disconnects():
    server = Mock()
    before = server.descriptors()
    for options in ("pace=1000", "stall=10", "delay=60000", "hold=60000", "chunks=100000000"):
        with connect(server.port) as connection:
            connection.sendall(
                request({"model": "mock/synthetic#" + options, "stream": True, "messages": []})
            )
            time.sleep(0.05)
    deadline = time.monotonic() + 10
    while server.descriptors() != before and time.monotonic() < deadline:
        time.sleep(0.05)
    assert server.descriptors() == before
    assert server.stop(signal.SIGINT)[0] == 0


def test_client_that_does_not_read_uses_bounded_memory():
    server = Mock()

    def memory():
        """The resident memory of the server in bytes."""
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
    """Runs the program to its end; returns its exit status and its output."""
    result = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=60)
    return result.returncode, result.stdout, result.stderr


def test_command_line():
    version = re.search(
        r'#define TW_VERSION "(.*)"', (ROOT / "include" / "thinkwire.h").read_text()
    )[1]
    assert run("--version") == (0, f"thinkwire-mock {version}\n", "")
    assert run("--help")[0] == 0 and "mock/synthetic" in run("--help")[1]
    for arguments in (["--port"], ["--port", "70000"], ["--pace", "x"], ["--rate", "0"], ["more"]):
        code, output, errors = run(*arguments)
        assert (
            code == 2
            and output == ""
            and f"invalid argument: {arguments[-1]}; see --help" in errors
        )
    server = Mock("--pace=5", "--log")
    assert run("--port", str(server.port))[0] == 1
    start = time.monotonic()
    with connect(server.port) as connection:
        connection.sendall(
            request({"model": "mock/synthetic#chunks=20", "stream": True, "messages": []})
        )
        assert Response(connection).is_complete
    assert time.monotonic() - start > 0.1
    code, errors = server.stop()
    assert code == 0 and "POST /v1/chat/completions 200 sent" in errors
