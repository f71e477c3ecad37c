"""thinkwire-mock --tls: clients that trust the generated authority can verify the server."""

import json
import pathlib
import socket
import ssl

import pytest
from mock_process import HELLO, QWEN, RECORDINGS, Mock, Response, check_error, request
from test_applications import chat, stop
from test_recording import exchanges


class SecureMock(Mock):
    def __init__(self, *arguments):
        super().__init__("--tls", *arguments)
        self.authority = pathlib.Path(self.process.stdout.readline().decode().strip())

    def connect(self, host="localhost"):
        context = ssl.create_default_context(cafile=self.authority)
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=60)
        return context.wrap_socket(connection, server_hostname=host)


def test_server_is_verified_by_name_and_address():
    server = SecureMock()
    assert server.url == f"https://127.0.0.1:{server.port}/v1"
    for host in ("localhost", "127.0.0.1"):
        with server.connect(host) as connection:
            for stream, file in ((False, "qwen3-32b.json"), (True, "qwen3-32b.sse")):
                body = {"model": QWEN, "messages": HELLO, "stream": stream}
                connection.sendall(request({**body, "enable_thinking": stream}))
                assert Response(connection).body == (RECORDINGS / file).read_bytes()
    with pytest.raises(ssl.SSLCertVerificationError):
        server.connect("example.com")
    with pytest.raises(ssl.SSLCertVerificationError):
        connection = socket.create_connection(("127.0.0.1", server.port), timeout=60)
        ssl.create_default_context().wrap_socket(connection, server_hostname="localhost")
    assert server.authority.exists()
    stop(server)
    assert not server.authority.exists()


def test_large_bodies_and_interruptions():
    server = SecureMock("--host", "127.0.0.1")
    with server.connect() as connection:
        # One is larger than the server's buffer of 262144 bytes.
        for size in (10, 200_000, 3_000_000):
            body = json.dumps({"model": "mock/echo", "messages": "x" * size}).encode()
            connection.sendall(request(body))
            assert Response(connection).json["choices"][0]["message"]["content"].encode() == body
    with server.connect() as connection:
        options = "mock/synthetic#chunks=10000,size=100,cut=900000"
        connection.sendall(request({"model": options, "messages": [], "stream": True}))
        response = Response(connection)
        assert len(response.body) == 900000 and not response.is_complete
    stop(server)


def test_client_without_tls_is_disconnected():
    server = SecureMock()
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
        connection.sendall(request({"model": QWEN, "messages": HELLO}))
        with pytest.raises((ConnectionError, AssertionError, ValueError)):
            assert Response(connection).status == 200
    stop(server)


def test_recording_verifies_the_certificate_of_the_provider(tmp_path):
    file = tmp_path / "traffic.jsonl"
    provider = SecureMock("--log")
    server = Mock("--record", provider.url, "--output", str(file))
    check_error(chat(server, QWEN), 502, "mock: the provider cannot be reached: ", "certificate")
    stop(server)
    assert exchanges(file) == []
    server = Mock(
        *("--record", provider.url, "--output", str(file), "--ca-file", str(provider.authority))
    )
    assert chat(server, QWEN).body == (RECORDINGS / "qwen3-32b.json").read_bytes()
    stop(server)
    # The first request, and its key, were not sent.
    code, errors = provider.stop()
    assert code == 0 and len(errors.splitlines()) == len(exchanges(file)) == 1
