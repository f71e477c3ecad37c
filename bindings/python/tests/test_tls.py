"""Over TLS, to a server whose certificate is trusted, and to servers whose is not."""
from __future__ import annotations

import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from thinkwire import APIConnectionError, Client, Status

SAID = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
    b'data: {"choices":[{"index":0,"delta":{"reasoning_content":"Hm."}}]}\n\n'
    b'data: {"choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":"stop"}]}\n\n'
    b"data: [DONE]\n\n"
)


class Server:
    """Answers every request alike, with a certificate of its own making for one name."""

    def __init__(self, directory: Path, name: str) -> None:
        self.certificate = directory / "certificate.pem"
        key = directory / "key.pem"
        made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=test", "-keyout", str(key)]
        made += ["-out", str(self.certificate), "-addext", f"subjectAltName={name}"]
        subprocess.run(made, check=True, capture_output=True)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(self.certificate, key)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://127.0.0.1:{self.listener.getsockname()[1]}/v1"
        self.requests: list[bytes] = []
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            try:
                with self.context.wrap_socket(connection, server_side=True) as secure:
                    self.requests.append(secure.recv(65536))
                    secure.sendall(SAID)
            except OSError:
                pass  # The client does not trust us.


@pytest.fixture
def server(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Server]:
    server = Server(tmp_path, request.param)
    yield server
    server.listener.close()


@pytest.mark.parametrize("server", ["IP:127.0.0.1"], indirect=True)
def test_a_trusted_server_is_spoken_to(server: Server) -> None:
    with Client(base_url=server.url, api_key="secret-key", ca_file=str(server.certificate)) as client:
        with client.stream("m", "Hello") as stream:
            kinds = [str(event.kind) for event in stream]
    assert kinds == ["reasoning", "content", "finish"]
    assert (stream.reply.reasoning, stream.reply.content) == ("Hm.", "Hi")
    assert b"Authorization: Bearer secret-key\r\n" in server.requests[0]


@pytest.mark.parametrize("server", ["IP:127.0.0.1"], indirect=True)
def test_an_unknown_issuer_is_told_nothing(server: Server) -> None:
    with Client(base_url=server.url, api_key="secret-key") as client, pytest.raises(APIConnectionError) as caught:
        client.send("m", "Hello")
    assert caught.value.status is Status.TLS
    assert b"".join(server.requests) == b""


@pytest.mark.parametrize("server", ["DNS:example.com"], indirect=True)
def test_another_hosts_certificate_is_not_enough(server: Server) -> None:
    with Client(base_url=server.url, api_key="secret-key", ca_file=str(server.certificate)) as client:
        with pytest.raises(APIConnectionError) as caught:
            client.send("m", "Hello")
    assert caught.value.status is Status.TLS
    assert b"".join(server.requests) == b""
