#!/usr/bin/env python3
"""A server, in clear text and over TLS, that sends bytes on connections that are idle.

It runs until standard input is closed. The only line of output is "PORT TLS_PORT CERTIFICATE".

The beginning of the base URL's path selects the answer. The header x-connection of every answer
contains the number of the connection.

    /fast    a stream of 40 chunks "w0 " to "w39 "
    /slow    the same in one second
    /hold    the beginning of a stream; nothing follows
    /stale   an answer "Hi", and then, without a request, another response with the content "stale"
"""

import json
import sys
import tempfile
import time
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "support"), str(TESTS / "guest")]

from http_server import (  # noqa: E402
    CONTENT,
    DONE,
    FINISH,
    HEAD,
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


class StaleServer(Server):
    def serve(self, connection):
        number = connection.number
        while True:
            kind = connection.read_request().split()[1].decode().split("/")[1]
            if kind == "stale":
                connection.send(document("Hi", number))
                time.sleep(0.05)
                connection.send(document("stale", number))
                continue
            head = f"Transfer-Encoding: chunked\r\nX-Connection: {number}\r\n\r\n"
            connection.send(HEAD + head.encode())
            if kind == "hold":
                connection.send(http_chunk(CONTENT))
                continue
            for index in range(40):
                connection.send(http_chunk(chunk(content=f"w{index} ")))
                time.sleep(0.025 if kind == "slow" else 0)
            connection.send(http_chunk(FINISH + DONE) + http_chunk(b""))


def main():
    with tempfile.TemporaryDirectory() as directory:
        pair = make_certificate(Path(directory))
        plain, secure = StaleServer(), StaleServer(tls(pair))
        print(plain.port, secure.port, pair[0], flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
