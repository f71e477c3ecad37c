"""A server with TLS by Python's ssl module. run.py starts these tests, in a disposable system."""

from __future__ import annotations

import http.server
import ssl
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

sys.path.append(str(Path(__file__).resolve().parents[1] / "servers"))

from certificates import Authority  # type: ignore[import-not-found]  # noqa: E402

ANSWER = b'{"choices":[{"message":{"content":"Hello"},"finish_reason":"stop"}]}'


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(ANSWER)))
        self.end_headers()
        self.wfile.write(ANSWER)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def log_message(self, format: str, *arguments: object) -> None:
        pass


class Server(NamedTuple):
    url: str
    #: The file of the authority's certificate.
    ca_file: Path


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    authority = Authority(tmp_path_factory.mktemp("authority"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue("localhost"))
    running = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    running.socket = context.wrap_socket(running.socket, server_side=True)
    threading.Thread(target=running.serve_forever, daemon=True).start()
    yield Server(f"https://localhost:{running.server_address[1]}/v1", authority.certificate)
    running.shutdown()
