"""A running thinkwire-mock, and HTTP read from a socket without help, so that what is wrong in it is seen."""

import ctypes
import json
import os
import pathlib
import signal
import socket
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
RECORDINGS = ROOT / "Sources" / "thinkwire-mock" / "recordings"
PROGRAM = os.environ.get("THINKWIRE_MOCK", str(ROOT / ".build" / "release" / "thinkwire-mock"))

QWEN = "alibaba/qwen3-32b"
HELLO = [{"role": "user", "content": "Hello"}]


_prctl = ctypes.CDLL(None).prctl


def die_with_parent():
    """For a new process: the tests may be killed, and then nothing of theirs is to go on."""
    _prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG


class Mock:
    """A running thinkwire-mock."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen(
            [PROGRAM, "--port", "0", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            preexec_fn=die_with_parent,
        )
        self.url = self.process.stdout.readline().decode().strip()
        self.port = int(self.url.rsplit(":", 1)[1].split("/")[0])

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        _, errors = self.process.communicate(timeout=60)
        return self.process.returncode, errors.decode()


_shared = None


def mock():
    """The one that most tests talk to."""
    global _shared
    if _shared is None:
        _shared = Mock()
    assert _shared.process.poll() is None, "the mock has died"
    return _shared


def stop_mock():
    global _shared
    if _shared is not None:
        code, errors = _shared.stop()
        _shared = None
        assert code == 0 and errors == "", (code, errors)


class Response:
    """An HTTP response: its status and headers, its chunks as they were framed, and whether it came whole."""

    def __init__(self, connection):
        self.connection = connection
        self.rest = b""
        self.reset = False
        while b"\r\n\r\n" not in self.rest:
            if not self.more():
                raise (
                    ConnectionResetError()
                    if self.reset
                    else ConnectionAbortedError("closed before a response")
                )
        head, self.rest = self.rest.split(b"\r\n\r\n", 1)
        lines = head.decode("latin-1").split("\r\n")
        self.status = int(lines[0].split(" ")[1])
        self.headers = {
            name.lower(): value.strip()
            for name, value in (line.split(":", 1) for line in lines[1:])
        }
        self.chunks = []
        if self.headers.get("transfer-encoding") == "chunked":
            self.whole = self.read_chunks()
        elif "content-length" in self.headers:
            self.whole = self.read_length(int(self.headers["content-length"]))
        else:
            while self.more():
                pass
            self.chunks.append(self.rest)
            self.whole = not self.reset
        self.body = b"".join(self.chunks)

    def more(self):
        try:
            got = self.connection.recv(65536)
        except ConnectionResetError:
            self.reset = True
            got = b""
        self.rest += got
        return bool(got)

    def read_chunks(self):
        while True:
            while b"\r\n" not in self.rest:
                if not self.more():
                    return False
            size, self.rest = self.rest.split(b"\r\n", 1)
            wanted = int(size, 16) + 2
            while len(self.rest) < wanted:
                if not self.more():
                    return False
            assert self.rest[wanted - 2 : wanted] == b"\r\n"
            chunk, self.rest = self.rest[: wanted - 2], self.rest[wanted:]
            if not chunk:
                return True
            self.chunks.append(chunk)

    def read_length(self, wanted):
        while len(self.rest) < wanted and self.more():
            pass
        self.chunks.append(self.rest[:wanted])
        return len(self.rest) >= wanted

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def events(self):
        return [
            json.loads(line[6:])
            for line in self.body.decode().split("\n\n")
            if line.startswith("data: {")
        ]

    def texts(self, choice=0):
        """The reasoning and the answer of a choice."""
        deltas = [c["delta"] for e in self.events for c in e["choices"] if c["index"] == choice]
        return tuple(
            "".join(d.get(name) or "" for d in deltas) for name in ("reasoning_content", "content")
        )


def connect(port=None):
    connection = socket.create_connection(("127.0.0.1", port or mock().port), timeout=60)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def request(body, headers=(), method="POST", path="/v1/chat/completions", key="k"):
    """The bytes of a request."""
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"{method} {path} HTTP/1.1", "Host: mock", *headers]
    if key:
        lines.append(f"Authorization: Bearer {key}")
    if body or method == "POST":
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def ask(model=QWEN, orders="", headers=(), messages=HELLO, key="k", **fields):
    """Asks a model, with orders to the mock behind its name, on a connection of its own."""
    body = {"model": f"{model}#{orders}" if orders else model, "messages": messages, **fields}
    with connect() as connection:
        connection.sendall(request(body, headers, key=key))
        return Response(connection)


def check_refusal(response, status, *words):
    """It is that refusal, in the provider's form, and says those words."""
    assert response.status == status, (response.status, response.body)
    error = response.json
    assert set(error) == {"message", "path", "requestId", "statusCode", "timestamp"}
    assert (
        error["statusCode"] == str(status)
        and error["requestId"] == response.headers["x-request-id"]
    )
    for word in words:
        assert word in error["message"], error["message"]
