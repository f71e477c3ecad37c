#!/usr/bin/env python3
"""A server, in clear text and over TLS, that sends bytes on connections that are idle.

It runs until standard input is closed. The first line of output is "PORT TLS_PORT CERTIFICATE".

The beginning of the base URL's path selects the answer. The header x-connection of every answer
contains the number of the connection.

    /fast    a stream of 40 chunks "w0 " to "w39 "
    /paused  the same, with a pause after "w0 " and after "w20 "
    /hold    the beginning of a stream; nothing follows
    /stale   an answer "Hi" and, after a pause and without a request, another response with the
             content "stale"

A pause ends with the line "paused" or "stale" on standard input. It is answered by an empty line,
for "stale" when the client's kernel has received the response.
"""

import json
import sys
import tempfile
import threading
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "support"), str(TESTS / "guest")]

from http_server import (  # noqa: E402
    CONTENT,
    DONE,
    FINISH,
    HEAD,
    PATIENCE,
    Server,
    chunk,
    http_chunk,
    response,
    tls,
)
from servers import make_certificate  # noqa: E402


def document(content, number):
    choice = {"index": 0, "message": {"content": content}, "finish_reason": "stop"}
    body = json.dumps({"choices": [choice]}).encode()
    return response(body, "200 OK", "application/json", f"X-Connection: {number}")


class Pause:
    """What a connection waits for."""

    def __init__(self):
        self.end = threading.Event()
        #: Set when the connection has sent what follows the pause, or has failed.
        self.is_over = threading.Event()


class StaleServer(Server):
    def __init__(self, context=None):
        self.pauses = {"paused": [], "stale": []}
        super().__init__(context)

    def end_pauses(self, kind):
        pauses, self.pauses[kind] = self.pauses[kind], []
        for pause in pauses:
            pause.end.set()
        for pause in pauses:
            pause.is_over.wait(PATIENCE)

    def send_around_pause(self, connection, kind, before, after):
        pause = Pause()
        # Before the client can know about it.
        self.pauses[kind].append(pause)
        try:
            connection.send(before)
            pause.end.wait()
            connection.send(after)
            connection.wait_until_received()
        finally:
            pause.is_over.set()

    def serve(self, connection):
        number = connection.number
        while True:
            kind = connection.read_request().split()[1].decode().split("/")[1]
            if kind == "stale":
                answers = document("Hi", number), document("stale", number)
                self.send_around_pause(connection, kind, *answers)
                continue
            head = f"Transfer-Encoding: chunked\r\nX-Connection: {number}\r\n\r\n"
            connection.send(HEAD + head.encode())
            if kind == "hold":
                connection.send(http_chunk(CONTENT))
                continue
            words = [http_chunk(chunk(content=f"w{index} ")) for index in range(40)]
            if kind == "paused":
                self.send_around_pause(connection, kind, words[0], b"".join(words[1:20]))
                self.send_around_pause(connection, kind, words[20], b"".join(words[21:]))
            else:
                for word in words:
                    connection.send(word)
            connection.send(http_chunk(FINISH + DONE) + http_chunk(b""))


def main():
    with tempfile.TemporaryDirectory() as directory:
        pair = make_certificate(Path(directory))
        plain, secure = StaleServer(), StaleServer(tls(pair))
        print(plain.port, secure.port, pair[0], flush=True)
        for command in sys.stdin:
            for server in (plain, secure):
                server.end_pauses(command.strip())
            print(flush=True)


if __name__ == "__main__":
    main()
