"""Runs thinkwire-mock, and reads its responses with a strict HTTP parser of its own.

An HTTP library could hide errors of the server.
"""

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
    """Makes the kernel end the new process when the test process ends, even if it is killed."""
    _prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG


class Mock:
    """A running thinkwire-mock process."""

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
        """The number of open file descriptors of the process."""
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def stop(self, signal_number=signal.SIGTERM):
        """Ends the process; returns its exit status and its output on standard error."""
        self.process.send_signal(signal_number)
        _, errors = self.process.communicate(timeout=60)
        return self.process.returncode, errors.decode()


_shared = None


def mock():
    """The process that most tests share."""
    global _shared
    if _shared is None:
        _shared = Mock()
    assert _shared.process.poll() is None, "thinkwire-mock has exited"
    return _shared


def stop_mock():
    """Ends the shared process, which must exit with 0 and print no errors."""
    global _shared
    if _shared is not None:
        code, errors = _shared.stop()
        _shared = None
        assert code == 0 and errors == "", (code, errors)


class Response:
    """An HTTP response: status, headers, chunks as they were framed, and completeness."""

    def __init__(self, connection):
        self.connection = connection
        self.buffer = b""
        self.reset = False
        while b"\r\n\r\n" not in self.buffer:
            if not self.receive():
                raise (
                    ConnectionResetError()
                    if self.reset
                    else ConnectionAbortedError("closed before a response")
                )
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        lines = head.decode("latin-1").split("\r\n")
        self.status = int(lines[0].split(" ")[1])
        self.headers = {
            name.lower(): value.strip()
            for name, value in (line.split(":", 1) for line in lines[1:])
        }
        self.chunks = []
        if self.status in (204, 304):
            self.is_complete = not self.buffer
        elif self.headers.get("transfer-encoding") == "chunked":
            self.is_complete = self.read_chunks()
        elif "content-length" in self.headers:
            self.is_complete = self.read_length(int(self.headers["content-length"]))
        else:
            while self.receive():
                pass
            self.chunks.append(self.buffer)
            self.is_complete = not self.reset
        self.body = b"".join(self.chunks)

    def receive(self):
        """Receives more bytes; false after the end of the connection."""
        try:
            received = self.connection.recv(65536)
        except ConnectionResetError:
            self.reset = True
            received = b""
        self.buffer += received
        return bool(received)

    def read_chunks(self):
        while True:
            while b"\r\n" not in self.buffer:
                if not self.receive():
                    return False
            size, self.buffer = self.buffer.split(b"\r\n", 1)
            length = int(size, 16) + 2
            while len(self.buffer) < length:
                if not self.receive():
                    return False
            assert self.buffer[length - 2 : length] == b"\r\n"
            chunk, self.buffer = self.buffer[: length - 2], self.buffer[length:]
            if not chunk:
                return True
            self.chunks.append(chunk)

    def read_length(self, length):
        while len(self.buffer) < length and self.receive():
            pass
        self.chunks.append(self.buffer[:length])
        return len(self.buffer) >= length

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
        """The reasoning and the content of a choice."""
        deltas = [c["delta"] for e in self.events for c in e["choices"] if c["index"] == choice]
        return tuple(
            "".join(d.get(name) or "" for d in deltas) for name in ("reasoning_content", "content")
        )


def connect(port=None):
    """Opens a connection to the mock."""
    connection = socket.create_connection(("127.0.0.1", port or mock().port), timeout=60)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def request(body, headers=(), method="POST", path="/v1/chat/completions", key="k"):
    """The bytes of an HTTP request."""
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"{method} {path} HTTP/1.1", "Host: mock", *headers]
    if key:
        lines.append(f"Authorization: Bearer {key}")
    if body or method == "POST":
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def ask(model=QWEN, options="", headers=(), messages=HELLO, key="k", **fields):
    """Sends a request on a new connection, with request options after the model's name."""
    body = {"model": f"{model}#{options}" if options else model, "messages": messages, **fields}
    with connect() as connection:
        connection.sendall(request(body, headers, key=key))
        return Response(connection)


def check_error(response, status, *parts):
    """Checks an error response: its status, the provider's format, and parts of its message."""
    assert response.status == status, (response.status, response.body)
    error = response.json
    assert set(error) == {"message", "path", "requestId", "statusCode", "timestamp"}
    assert (
        error["statusCode"] == str(status)
        and error["requestId"] == response.headers["x-request-id"]
    )
    for part in parts:
        assert part in error["message"], error["message"]
