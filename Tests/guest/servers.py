#!/usr/bin/env python3
"""Servers for the guest tests: HTTP, TLS, TLS 1.1 and older, and HTTP/2 (nghttpx in front of HTTP).

They run until standard input is closed. The first line of output is
"PORT TLS_PORT OLD_TLS_PORT H2_PORT CERTIFICATE".

The beginning of the base URL's path selects the answer. The header x-connection of every answer
contains the number of the connection.

    /ok              an answer, streamed if the request asks for it
    /slow            a stream of a hundred chunks, in three seconds
    /unauthorized/N  status 401 and an error message of N letters and the key
    /error/N         the same error within a response with status 200
    /half            an error message with the key, shorter than its Content-Length
    /echo/N          an answer with the key in every field, followed by N letters, and in headers
    /cut             a stream that ends early
    /hold            the beginning of a stream; nothing follows
    /bye             an answer, then a reset
    /reset           a reset while the request is being received
    /close           the end of the connection while the request is being received
    /deep            a stream with deeply nested JSON
    /moved/P         a redirect to /ok on port P of another host
    /state/N         the state of connection N: "open", "ended" (by the client, in an orderly way),
                     "left" (by the server) or "broken"
"""

from __future__ import annotations

import json
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Callable

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "support"), str(TESTS / "servers"), str(TESTS / "mock")]

from http_server import (  # noqa: E402
    CONTENT,
    DONE,
    FINISH,
    HEAD,
    REASONING,
    Connection,
    Server,
    chunk,
    content_length,
    event,
    http_chunk,
    response,
    tls,
)
from programs import Nghttpx  # noqa: E402

#: The states of all connections, by number.
states: dict[int, str] = {}


def document(content: str) -> bytes:
    """An answer that is not streamed."""
    choice = {"index": 0, "message": {"content": content}, "finish_reason": "stop"}
    return json.dumps({"choices": [choice]}).encode()


class Request:
    """A request whose head was received, and the methods that answer it."""

    def __init__(self, connection: Connection, number: int, head: bytes) -> None:
        self.connection, self.number, self.head = connection, number, head
        path = head.decode().split()[1]
        self.kind, _, argument = path[1:].partition("/")
        self.argument = argument.split("/")[0]
        #: How many letters an answer contains.
        self.letters = int(self.argument) if self.argument.isdigit() else 0
        self.body: dict[str, Any] = {}

    @property
    def is_streamed(self) -> bool:
        return bool(self.body.get("stream"))

    @property
    def key(self) -> str:
        return self.head.decode().split("Bearer ")[1].split("\r\n")[0]

    def read_body(self) -> None:
        self.body = json.loads(self.connection.read(content_length(self.head)))

    def respond(self, body: bytes, status: str = "200 OK", *headers: str) -> None:
        number = f"X-Connection: {self.number}"
        self.connection.send(response(body, status, "application/json", number, *headers))

    def begin_stream(self, *headers: str) -> None:
        lines = ["Transfer-Encoding: chunked", f"X-Connection: {self.number}", *headers, "", ""]
        self.connection.send(HEAD + "\r\n".join(lines).encode())

    def stream(self, parts: list[bytes], pause: float = 0, *headers: str) -> None:
        self.begin_stream(*headers)
        for part in parts:
            self.connection.send(http_chunk(part))
            time.sleep(pause)
        # In one piece: after [DONE] the client waits a tenth of a second for the body's end.
        self.connection.send(http_chunk(DONE) + http_chunk(b""))


# ---- Answers -----------------------------------------------------------------------------------


def answer_ok(request: Request) -> None:
    if request.is_streamed:
        request.stream([REASONING, CONTENT, FINISH])
    else:
        request.respond(document("Hi"))


def answer_slow(request: Request) -> None:
    request.stream([chunk(content=f"w{n} ") for n in range(100)] + [FINISH], 0.03)


def answer_unauthorized(request: Request) -> None:
    text = request.head.decode()
    message = "x" * request.letters + text[text.index("Bearer") :]
    error = {"error": {"message": message}}
    request.respond(json.dumps(error).encode(), "401 Unauthorized")


def answer_error(request: Request) -> None:
    """With an odd number of letters, a choice accompanies the error and contains the key too."""
    text = request.head.decode()
    secret = text[text.index("Bearer") :]
    error: dict[str, Any] = {"error": {"message": "x" * request.letters + secret}}
    choice = {
        "index": 0,
        "delta": {"content": "!", "note": secret},
        "logprobs": {"content": [secret]},
        **error,
    }
    value = {**error, "choices": [choice]} if request.letters % 2 else error
    if request.is_streamed:
        # The event is sent in two pieces, so that the client has to join them.
        data = event(value)
        middle = len(data) // 2
        request.stream([CONTENT, data[:middle], data[middle:]], 0.02)
    else:
        request.respond(json.dumps(value).encode())


def answer_half(request: Request) -> None:
    body = json.dumps({"error": {"message": request.key}}).encode()
    number = f"X-Connection: {request.number}"
    whole = response(body + b" " * 9, "200 OK", "application/json", number)
    request.connection.send(whole[:-9])


def answer_echo(request: Request) -> None:
    secret = request.key
    headers = [f"X-Request-Id: {secret}", f"X-Echo: {secret}"]
    text = secret + "x" * request.letters
    function = {"name": secret, "arguments": json.dumps({"a": text})}
    message = {
        "reasoning_content": text,
        "content": text,
        "refusal": text,
        "tool_calls": [{"index": 0, "id": secret, "function": function}],
        "x": text,
    }
    probabilities = {"content": [{"token": text, "logprob": -1}]}
    choice = {"index": 0, "logprobs": probabilities, "x": text}
    if not request.is_streamed:
        choice = {**choice, "message": message, "finish_reason": secret}
        body = {"id": secret, "choices": [choice], "x": text}
        request.respond(json.dumps(body).encode(), "200 OK", *headers)
        return
    parts = [
        chunk(reasoning_content=secret[:20]),
        chunk(reasoning_content=secret[20:]),
        event({"choices": [{**choice, "delta": message}], "x": text}),
        event({"choices": [{"index": 0, "delta": {}, "finish_reason": secret}]}),
        event({"choices": [], "usage": {"total_tokens": 1, "x": text}}),
    ]
    request.stream(parts, 0, *headers)


def answer_hold(request: Request) -> None:
    request.begin_stream()
    request.connection.send(http_chunk(CONTENT))


def answer_bye(request: Request) -> None:
    request.respond(document("Hi"))


def answer_deep(request: Request) -> None:
    deep = b"[" * 509 + b"]" * 509
    first = b'data: {"choices":[{"index":0,"delta":{"content":"Hi"},"x":' + deep + b"}]}\n\n"
    request.stream([first, FINISH])


def answer_moved(request: Request) -> None:
    target = f"http://localhost:{request.argument}/ok/v1/chat/completions"
    request.respond(b"{}", "307 Temporary Redirect", f"Location: {target}")


def answer_state(request: Request) -> None:
    request.respond(document(states.get(int(request.argument), "none")))


ANSWERS: dict[str, Callable[[Request], None]] = {
    "ok": answer_ok,
    "slow": answer_slow,
    "unauthorized": answer_unauthorized,
    "error": answer_error,
    "half": answer_half,
    "echo": answer_echo,
    "cut": answer_hold,
    "hold": answer_hold,
    "bye": answer_bye,
    "deep": answer_deep,
    "moved": answer_moved,
    "state": answer_state,
}


class GuestServer(Server):
    ignores_truncation = False

    def serve(self, connection: Connection) -> None:
        number = self.port * 1000 + connection.number
        states[number] = "open"
        state = "broken"
        try:
            self._answer_all(connection, number)
            state = "left"
        except EOFError:
            state = "ended"
        finally:
            connection.close()
            states[number] = state

    def _answer_all(self, connection: Connection, number: int) -> None:
        """Returns if the server is to close the connection."""
        while True:
            request = Request(connection, number, connection.read_head())
            if request.kind in ("reset", "close"):
                connection.read(100_000)
                if request.kind == "reset":
                    connection.reset_on_close()
                return
            request.read_body()
            ANSWERS[request.kind](request)
            if request.kind == "bye":
                connection.reset_on_close()
            if request.kind in ("bye", "cut"):
                return


# ---- Start -------------------------------------------------------------------------------------


def check_old_tls(port: int) -> None:
    """Checks that the server for TLS 1.1 works, so that a refused connection is meaningful."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    with context.wrap_socket(socket.create_connection(("127.0.0.1", port))) as secure:
        assert secure.version() == "TLSv1.1"


def make_certificate(directory: Path) -> tuple[Path, Path]:
    certificate, key = directory / "certificate.pem", directory / "key.pem"
    command = (
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 "
        "-subj /CN=guest -addext subjectAltName=IP:127.0.0.1"
    )
    files = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*command.split(), *files], check=True, capture_output=True)
    return certificate, key


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        pair = make_certificate(Path(directory))
        plain = GuestServer()
        secure = GuestServer(tls(pair))
        old_context = tls(pair, only=ssl.TLSVersion.TLSv1_1)
        old_context.minimum_version = ssl.TLSVersion.TLSv1
        old = GuestServer(old_context)
        check_old_tls(old.port)
        nghttpx = Nghttpx(Path(directory), plain.port, pair)
        print(plain.port, secure.port, old.port, nghttpx.port, pair[0], flush=True)
        sys.stdin.read()
        nghttpx.stop()


if __name__ == "__main__":
    main()
