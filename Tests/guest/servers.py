#!/usr/bin/env python3
"""A chat API over HTTP, over TLS, over TLS 1.1 alone, and over HTTP/2 with nghttpx in front of the first, each on a port of its own,
for as long as standard input is open. Prints "PORT TLS_PORT OLD_TLS_PORT H2_PORT CERTIFICATE".

What is answered is chosen by how the path of the base URL begins; every answer says in x-connection on which connection it came:

    /ok      an answer, streamed or whole           /slow    a stream of a hundred words, in three seconds
    /refuse/N  401, and N letters and the key       /cut     a stream that ends in the middle
    /reset   a reset while the request comes        /close   the end of the connection while it comes
    /hold    a beginning, and nothing more          /deep    JSON nested as deep as it may be
    /error/N the same in the middle of an answer    /bye     an answer, and the end of the connection
    /seen/N  whether the connection N has ended: "ended", "broken" (not as it should) or "open"
    /moved   a redirect to /ok of another host      /heard   how many requests have come, but for those of this path
    /half    an answer that has the key, and is never whole
    /told/N  an answer that has the key in all its parts, each with N letters behind it, and in a header
"""

from __future__ import annotations

import json
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "servers"), str(HERE.parent / "mock")]

from programs import Nghttpx  # noqa: E402

states: dict[int, str] = {}
heard = 0
lock = threading.Lock()


def whole(content: str) -> bytes:
    return json.dumps(
        {"choices": [{"index": 0, "message": {"content": content}, "finish_reason": "stop"}]}
    ).encode()


def chunk(finish: str | None = None, **delta: Any) -> bytes:
    return (
        b"data: "
        + json.dumps({"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}).encode()
        + b"\n\n"
    )


def told(secret: str, letters: int) -> tuple[str, list[bytes], bytes]:
    """A header, the parts of a stream, and a whole answer."""
    text = secret + "x" * letters
    call = {
        "index": 0,
        "id": secret,
        "function": {"name": secret, "arguments": json.dumps({"a": text})},
    }
    probabilities = {"content": [{"token": text, "logprob": -1}]}
    delta = {
        "reasoning_content": text,
        "content": text,
        "refusal": text,
        "tool_calls": [call],
        "x": text,
    }
    choice = {"index": 0, "logprobs": probabilities, "x": text}
    parts = [
        {"choices": [{**choice, "delta": delta}], "x": text},
        {"choices": [{"index": 0, "delta": {}, "finish_reason": secret}]},
    ]
    parts += [{"choices": [], "usage": {"total_tokens": 1, "x": text}}]
    answer = {
        "id": secret,
        "choices": [{**choice, "message": delta, "finish_reason": secret}],
        "x": text,
    }
    header = f"X-Request-Id: {secret}\r\nX-Told: {secret}\r\n"
    pieces = [chunk(reasoning_content=piece) for piece in (secret[:20], secret[20:])]
    return (
        header,
        pieces + [b"data: " + json.dumps(part).encode() + b"\n\n" for part in parts],
        json.dumps(answer).encode(),
    )


class Connection:
    def __init__(self, number: int, stream: socket.socket) -> None:
        self.number, self.stream, self.kept = number, stream, b""

    def read(self, wanted: int) -> bytes:
        while len(self.kept) < wanted:
            got = self.stream.recv(65536)
            if not got:
                raise EOFError
            self.kept += got
        taken, self.kept = self.kept[:wanted], self.kept[wanted:]
        return taken

    def head(self) -> str:
        while b"\r\n\r\n" not in self.kept:
            got = self.stream.recv(65536)
            if not got:
                raise EOFError
            self.kept += got
        return self.read(self.kept.index(b"\r\n\r\n") + 4).decode()

    def answer(self, status: str, body: bytes, headers: str = "", missing: int = 0) -> None:
        start = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body) + missing}\r\n"
        self.stream.sendall(f"{start}X-Connection: {self.number}\r\n{headers}\r\n".encode() + body)

    def begin(self, headers: str = "") -> None:
        start = (
            "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n"
        )
        self.stream.sendall(f"{start}X-Connection: {self.number}\r\n{headers}\r\n".encode())

    def send(self, part: bytes) -> None:
        self.stream.sendall(f"{len(part):x}\r\n".encode() + part + b"\r\n")

    def stream_all(self, parts: list[bytes], pause: float = 0, headers: str = "") -> None:
        self.begin(headers)
        for part in parts:
            self.send(part)
            time.sleep(pause)
        # Its end comes with it: the client waits for that a tenth of a second, and for no longer.
        self.stream.sendall(b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n")

    def serve(self) -> None:
        global heard
        while True:
            head = self.head()
            kind, _, argument = head.split()[1][1:].partition("/")
            argument = argument.split("/")[0]
            letters = int(argument) if argument.isdigit() else 0
            with lock:
                heard += kind != "heard"
            if kind in ("reset", "close"):
                self.read(100_000)
                if kind == "reset":
                    self.stream.setsockopt(
                        socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
                    )
                return
            length = next(
                int(line[15:])
                for line in head.split("\r\n")
                if line.lower().startswith("content-length:")
            )
            body = json.loads(self.read(length))
            if kind == "ok" and body.get("stream"):
                self.stream_all(
                    [chunk(reasoning_content="Hm."), chunk(content="Hi"), chunk("stop")]
                )
            elif kind == "ok":
                self.answer("200 OK", whole("Hi"))
            elif kind == "slow":
                self.stream_all(
                    [chunk(content=f"w{n} ") for n in range(100)] + [chunk("stop")], 0.03
                )
            elif kind == "refuse":
                said = json.dumps(
                    {"error": {"message": "x" * letters + head[head.index("Bearer") :]}}
                )
                self.answer("401 Unauthorized", said.encode())
            elif kind == "error":
                secret = head[head.index("Bearer") :]
                error = {"error": {"message": "x" * letters + secret}}
                choice = {
                    "index": 0,
                    "delta": {"content": "!", "note": secret},
                    "logprobs": {"content": [secret]},
                    **error,
                }
                beside = {**error, "choices": [choice]} if letters % 2 else error
                if body.get("stream"):
                    # In two pieces, so that it is put together.
                    event = b"data: " + json.dumps(beside).encode() + b"\n\n"
                    self.stream_all(
                        [chunk(content="Hi"), event[: len(event) // 2], event[len(event) // 2 :]],
                        0.02,
                    )
                else:
                    self.answer("200 OK", json.dumps(beside).encode())
            elif kind == "half":
                self.answer(
                    "200 OK",
                    b'{"error": {"message": "%s"}}'
                    % head.split("Bearer ")[1].split("\r\n")[0].encode(),
                    missing=9,
                )
            elif kind == "told":
                header, parts, answer = told(head.split("Bearer ")[1].split("\r\n")[0], letters)
                if body.get("stream"):
                    self.stream_all(parts, headers=header)
                else:
                    self.answer("200 OK", answer, header)
            elif kind == "cut":
                self.begin()
                self.send(chunk(content="Hi"))
                return
            elif kind == "hold":
                self.begin()
                self.send(chunk(content="Hi"))
            elif kind == "bye":
                self.answer("200 OK", whole("Hi"))
                self.stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return
            elif kind == "deep":
                deep = b"[" * 509 + b"]" * 509
                self.stream_all(
                    [
                        b'data: {"choices":[{"index":0,"delta":{"content":"Hi"},"x":'
                        + deep
                        + b"}]}\n\n",
                        chunk("stop"),
                    ]
                )
            elif kind == "moved":
                self.answer(
                    "307 Temporary Redirect",
                    b"{}",
                    "Location: http://localhost:" + argument + "/ok/v1/chat/completions\r\n",
                )
            elif kind == "seen":
                self.answer("200 OK", whole(states.get(int(argument), "none")))
            elif kind == "heard":
                self.answer("200 OK", whole(str(heard)))


def serve(number: int, stream: socket.socket, context: ssl.SSLContext | None) -> None:
    states[number] = "open"
    state = "broken"
    try:
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if context:
            stream = context.wrap_socket(stream, server_side=True, suppress_ragged_eofs=False)
        Connection(number, stream).serve()
        state = "left"
    except EOFError:
        state = "ended"
    except (OSError, ValueError):
        state = "broken"
    finally:
        try:
            stream.close()
        except OSError:
            pass
        states[number] = state


def listen(context: ssl.SSLContext | None) -> int:
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)

    def accept() -> None:
        number = listener.getsockname()[1] * 1000
        while True:
            stream, _ = listener.accept()
            number += 1
            threading.Thread(target=serve, args=(number, stream, context), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return int(listener.getsockname()[1])


def old_tls_works(port: int) -> None:
    """Else that it is refused would say nothing."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    with context.wrap_socket(socket.create_connection(("127.0.0.1", port))) as secure:
        assert secure.version() == "TLSv1.1"


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        serve_all(Path(directory))


def serve_all(directory: Path) -> None:
    certificate, key = directory / "certificate.pem", directory / "key.pem"
    made = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "1",
    ]
    made += [
        "-subj",
        "/CN=guest",
        "-addext",
        "subjectAltName=IP:127.0.0.1",
        "-keyout",
        str(key),
        "-out",
        str(certificate),
    ]
    subprocess.run(made, check=True, capture_output=True)
    context, old = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    for each in (context, old):
        each.load_cert_chain(certificate, key)
    old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    old.set_ciphers("ALL:@SECLEVEL=0")
    ports = [listen(None), listen(context), listen(old)]
    old_tls_works(ports[2])
    nghttpx = Nghttpx(directory, ports[0], (certificate, key))
    print(*ports, nghttpx.port, certificate, flush=True)
    sys.stdin.read()
    nghttpx.stop()


main()
