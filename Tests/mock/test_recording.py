"""--record forwards requests to a provider and stores the traffic; --replay answers with it."""

import base64
import contextlib
import json
import socket
import threading

from mock_process import HELLO, QWEN, RECORDINGS, Mock, check_error, connect, request
from test_applications import KEY, chat, fetch, stop
from test_server import run

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n"


def chunk(text):
    return b"%x\r\n%s\r\n" % (len(text), text)


class Provider:
    """A provider that answers each connection by a function of the test.

    `answer(connection, head, body)` receives the head and the body of the request.
    """

    def __init__(self, answer):
        self.answer = answer
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}/v1"
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                with connection:
                    received = b""
                    while b"\r\n\r\n" not in received:
                        received += connection.recv(65536)
                    head, body = received.split(b"\r\n\r\n", 1)
                    fields = dict(
                        line.lower().split(": ", 1) if ": " in line else line.lower().split(":", 1)
                        for line in head.decode().split("\r\n")[1:]
                    )
                    while len(body) < int(fields.get("content-length", 0)):
                        body += connection.recv(65536)
                    self.answer(connection, fields, body)

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(60)


@contextlib.contextmanager
def recorded(answer, file):
    """A mock that forwards to a provider and stores the traffic in a file."""
    provider = Provider(answer)
    server = Mock("--record", provider.url, "--output", str(file))
    yield server
    stop(server)
    provider.close()


def exchanges(file):
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_recorded_responses_are_replayed_byte_for_byte(tmp_path):
    file = tmp_path / "traffic.jsonl"
    provider = Mock()
    server = Mock("--record", provider.url, "--output", str(file))
    live = [
        chat(server, QWEN, stream=True, enable_thinking=True),
        chat(server, QWEN),
        chat(server, QWEN, temperature=9),
        fetch(server, "/v1/models"),
    ]
    assert live[0].body == (RECORDINGS / "qwen3-32b.sse").read_bytes()
    assert live[1].body == (RECORDINGS / "qwen3-32b.json").read_bytes()
    check_error(live[2], 400, "temperature: must be <= 2")
    stop(server)
    stop(provider)
    assert KEY not in file.read_text()
    stored = exchanges(file)
    assert len(stored) == 4
    assert stored[0]["request"]["body"]["enable_thinking"] is True
    assert stored[0]["request"]["headers"]["authorization"] == "***"
    assert "".join(stored[0]["response"]["pieces"]).encode() == live[0].body
    assert stored[2]["response"]["status"] == 400

    server = Mock("--replay", str(file))
    again = [
        chat(server, QWEN, stream=True, enable_thinking=True),
        chat(server, QWEN),
        chat(server, QWEN, temperature=9),
        fetch(server, "/v1/models"),
    ]
    for one, other, exchange in zip(live, again, stored):
        assert (one.status, one.body) == (other.status, other.body)
        for name in ("content-type", "x-request-id"):
            assert one.headers[name] == other.headers[name]
        pieces = [piece.encode() for piece in exchange["response"]["pieces"]]
        if len(pieces) > 1:
            assert other.chunks == pieces
    # Request options work with recorded responses, too.
    cut = chat(
        server, QWEN, stream=True, enable_thinking=True, headers=["X-Mock: cut=1000,piece=7"]
    )
    assert not cut.is_complete and cut.body == live[0].body[:1000] and len(cut.chunks[0]) == 7
    check_error(chat(server, QWEN, headers=["X-Mock: status=503"]), 503)
    stop(server)


def test_response_is_forwarded_as_it_arrives(tmp_path):
    arrived = threading.Event()
    heads = []

    def answer(connection, head, body):
        heads.append(head)
        connection.sendall(HEAD + b"Retry-After: 3\r\nSet-Cookie: id=1\r\n\r\n" + chunk(b"one\n\n"))
        assert arrived.wait(60)
        connection.sendall(chunk(b"tw\xff\n\n") + b"0\r\n\r\n")

    file = tmp_path / "traffic.jsonl"
    with recorded(answer, file) as server, connect(server.port) as connection:
        body = json.dumps({"model": "m", "stream": True, "messages": HELLO}).encode()
        headers = ["X-Mock: status=500", "X-Own: yes", "Accept-Encoding: gzip"]
        connection.sendall(request(body, headers, key=KEY))
        received = b""
        while b"one" not in received:
            received += connection.recv(65536)
        arrived.set()
        while b"0\r\n\r\n" not in received:
            received += connection.recv(65536)
    assert b"retry-after: 3\r\n" in received and b"ookie" not in received
    assert heads[0]["authorization"] == "bearer " + KEY and heads[0]["x-own"] == "yes"
    assert heads[0]["accept-encoding"] == "identity" and "x-mock" not in heads[0]
    (exchange,) = exchanges(file)
    encoded = base64.b64encode(b"tw\xff\n\n").decode()
    assert exchange["response"]["pieces"] == ["one\n\n", {"base64": encoded}]
    assert exchange["response"]["headers"]["retry-after"] == "3"
    server = Mock("--replay", str(file))
    assert chat(server, "m", stream=True).chunks == [b"one\n\n", b"tw\xff\n\n"]
    stop(server)


def test_key_in_the_response_is_not_stored(tmp_path):
    text = b'{"error":{"message":"Incorrect API key provided: %s"}}' % KEY.encode()

    def answer(connection, head, body):
        connection.sendall(
            b"HTTP/1.1 401 Unauthorized\r\nX-Request-Id: %s\r\nContent-Length: %d\r\n\r\n%s"
            % (KEY.encode(), len(text), text)
        )

    file = tmp_path / "traffic.jsonl"
    with recorded(answer, file) as server:
        response = chat(server, user=KEY)
        assert response.status == 401 and response.body == text
        listed = fetch(server, "/mock/requests").json
        assert listed[0]["headers"]["authorization"] == "***"
    assert KEY not in file.read_text()
    (exchange,) = exchanges(file)
    assert exchange["response"]["pieces"] == [text.decode().replace(KEY, "*" * len(KEY))]


def test_response_that_is_cut_is_replayed_as_cut(tmp_path):
    def answer(connection, head, body):
        connection.sendall(HEAD + b"\r\n" + chunk(b"data: 1\n\n"))

    file = tmp_path / "traffic.jsonl"
    with recorded(answer, file) as server:
        live = chat(server, stream=True)
    server = Mock("--replay", str(file))
    for response in (live, chat(server, stream=True)):
        assert response.body == b"data: 1\n\n" and not response.is_complete
    stop(server)
    assert exchanges(file)[0]["response"]["complete"] is False


def test_exchange_that_the_client_abandons_ends(tmp_path):
    closed = threading.Event()

    def answer(connection, head, body):
        connection.sendall(HEAD + b"\r\n" + chunk(b"data: 1\n\n"))
        with contextlib.suppress(ConnectionError):
            while connection.recv(65536):
                pass
        closed.set()

    file = tmp_path / "traffic.jsonl"
    with recorded(answer, file) as server:
        with connect(server.port) as connection:
            connection.sendall(request({"model": "m", "messages": HELLO}, key=KEY))
            while b"data" not in connection.recv(65536):
                pass
        assert closed.wait(60)
    assert file.read_text() == ""


def test_provider_that_cannot_be_reached_is_reported(tmp_path):
    file = tmp_path / "traffic.jsonl"
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    server = Mock("--record", f"http://127.0.0.1:{port}/v1", "--output", str(file))
    check_error(chat(server), 502, "mock: the provider cannot be reached: ", str(port))
    stop(server)
    assert file.read_text() == ""


def test_replay_answers_only_what_was_recorded(tmp_path):
    answers = [b"first", b"second"]

    def answer(connection, head, body):
        text = answers.pop(0)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(text) + text)

    file = tmp_path / "traffic.jsonl"
    with recorded(answer, file) as server:
        for _ in range(2):
            chat(server, "m", temperature=1)
    server = Mock("--replay", str(file))
    check_error(
        chat(server, "m", temperature=0.5),
        400,
        "traffic.jsonl: no such request was recorded; request 1 of the recording is POST "
        "/chat/completions, and its body differs in temperature",
    )
    check_error(chat(server, "m", temperature=1, n=2), 400, "its body differs in n")
    # Equal requests receive their responses in order, and then the last one.
    bodies = [chat(server, "m", temperature=1).body for _ in range(3)]
    assert bodies == [b"first", b"second", b"second"]
    check_error(fetch(server, "/v1/models"), 400, "all recorded responses were used")
    stop(server)


def test_invalid_arguments_are_reported(tmp_path):
    file = tmp_path / "traffic.jsonl"
    file.write_text('{"request":{}}\n')
    url = "https://api.example/v1"
    for arguments, problem in [
        (["--record", url], "--record needs --output FILE"),
        (["--output", "x"], "--output and --ca-file need --record"),
        (["--ca-file", "x"], "--output and --ca-file need --record"),
        (["--record", url, "--output", "x", "--replay", "y"], "exclude each other"),
        (["--record", "http://api.example/v1", "--output", str(file)], "clear text: use https"),
        (["--record", "ftp://x", "--output", str(file)], "neither https nor http"),
        (["--record", url, "--output", str(tmp_path)], f"{tmp_path}: Is a directory"),
        (["--replay", str(file)], "traffic.jsonl: line 1 is not an exchange"),
        (["--replay", str(tmp_path / "missing")], "missing: No such file or directory"),
    ]:
        code, output, errors = run(*arguments)
        assert code == 2 and output == "" and problem in errors, errors
