"""Compressed bodies, although the request asks for none, and bodies that only claim to be."""

import gzip
import resource
import zlib

import brotli
import pytest
import zstandard
from exchanges import is_answer, run_stream
from http_server import ANSWER, CLOSE, HEAD, ScriptedServer, http_chunk, response
from thinkwire import Client, Status

DOCUMENT = (
    b'{"choices":[{"index":0,"message":{"reasoning_content":"Hm.","content":"Hi"},'
    b'"finish_reason":"stop"}]}'
)
ERROR = b'{"error":{"message":"Slow down","code":"rate_limit_exceeded"}}'


def raw_deflate(data):
    """The deflate format without the header of zlib, which some servers send as "deflate"."""
    compressor = zlib.compressobj(wbits=-15)
    return compressor.compress(data) + compressor.flush()


#: The codings by the name in the header, and what they make of a body.
CODINGS = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "GZIP": gzip.compress,
    "deflate": zlib.compress,
    "deflate ": raw_deflate,
    "br": brotli.compress,
    "zstd": zstandard.compress,
    "gzip, br": lambda data: brotli.compress(gzip.compress(data)),
}


def compressed(body, coding, status="200 OK", content_type="text/event-stream"):
    return response(CODINGS[coding](body), status, content_type, f"Content-Encoding: {coding}")


def client_of(server, **options):
    return Client(server.url("127.0.0.1"), "key", **{"max_retries": 0, **options})


@pytest.mark.parametrize("coding", CODINGS)
def test_a_declared_coding_is_decoded(start, coding):
    server = start(ScriptedServer, [compressed(ANSWER, coding)])
    with client_of(server) as client:
        assert is_answer(run_stream(client))
        assert is_answer(run_stream(client))
    assert all(b"Accept-Encoding: identity\r\n" in request for request in server.requests)


@pytest.mark.parametrize("coding", CODINGS)
def test_a_declared_coding_of_a_document_is_decoded(start, coding):
    server = start(ScriptedServer, [compressed(DOCUMENT, coding, content_type="application/json")])
    with client_of(server) as client:
        reply = client.send("m", "Hello")
    assert is_answer(reply)
    assert reply.raw_json().encode() == DOCUMENT


def test_a_compressed_error_response_is_decoded(start):
    server = start(ScriptedServer, [compressed(ERROR, "gzip", "429 Busy", "application/json")])
    with client_of(server) as client:
        reply = run_stream(client)
    assert reply.status is Status.RATE_LIMITED
    assert "Slow down" in reply.message


@pytest.mark.parametrize("piece", [1, 7, 100])
def test_a_compressed_body_may_be_split_anywhere(start, piece):
    body = gzip.compress(ANSWER)
    chunks = [http_chunk(body[at : at + piece]) for at in range(0, len(body), piece)]
    head = HEAD + b"Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"
    server = start(ScriptedServer, [head, *chunks, http_chunk(b"")])
    with client_of(server) as client:
        assert is_answer(run_stream(client))


def test_what_was_decoded_of_a_cut_body_is_kept(start):
    compressor = zlib.compressobj(wbits=31)
    begun = b'data: {"choices":[{"index":0,"delta":{"content":"H"}}]}\n\n'
    body = compressor.compress(begun) + compressor.flush(zlib.Z_SYNC_FLUSH)
    head = HEAD + b"Content-Encoding: gzip\r\nContent-Length: 500\r\n\r\n"
    server = start(ScriptedServer, [head + body, CLOSE])
    with client_of(server) as client:
        reply = run_stream(client)
    assert (reply.status, reply.content) == (Status.TRUNCATED, "H")


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd", "utf-8", "none", "identity"])
def test_a_coding_that_was_not_applied_is_ignored(start, coding):
    """Gateways decompress bodies and keep the header (agentgateway#3040)."""
    plain = response(ANSWER, "200 OK", "text/event-stream", f"Content-Encoding: {coding}")
    server = start(ScriptedServer, [plain])
    with client_of(server) as client:
        reply = run_stream(client)
        assert is_answer(reply), reply.message
        assert reply.attempts == 1
        assert len(server.requests) <= 2
        known = len(server.requests)
        # The client remembers it.
        assert is_answer(run_stream(client))
        assert len(server.requests) == known + 1


@pytest.mark.parametrize("name", ["gzip", "deflate", "zstd"])
@pytest.mark.parametrize("piece", [1, 1000])
def test_a_coding_that_is_not_declared_is_named_and_not_retried(start, name, piece):
    body = CODINGS[name](ANSWER)
    chunks = [http_chunk(body[at : at + piece]) for at in range(0, len(body), piece)]
    head = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
    server = start(ScriptedServer, [head, *chunks, http_chunk(b"")])
    with client_of(server, max_retries=2) as client:
        reply = run_stream(client)
    assert reply.status is Status.PROTOCOL
    assert f"compressed ({name})" in reply.message
    assert reply.attempts == 1


@pytest.mark.parametrize("name", ["gzip", "zstd"])
def test_an_undeclared_coding_of_an_error_response_is_named(start, name):
    body = CODINGS[name](ERROR)
    server = start(ScriptedServer, [response(body, "404 Not Found", "application/json")])
    with client_of(server) as client:
        reply = run_stream(client)
    assert reply.status is Status.NOT_FOUND
    assert f"compressed ({name})" in reply.message


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd", "gzip, br"])
@pytest.mark.parametrize("content_type", ["text/event-stream", "application/json"])
def test_limits_apply_to_the_decoded_size(start, coding, content_type):
    """A small body that decodes to 256 MB must not use more memory than the limit allows."""
    stream = content_type == "text/event-stream"
    part = (b": " + b"a" * 60 + b"\n") * 1024 if stream else b" " * 65536
    header = f"Content-Encoding: {coding}"
    bomb = response(bomb_of(part, 1 << 28, coding), "200 OK", content_type, header)
    server = start(ScriptedServer, [bomb])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with client_of(server, limits={"reply": 64 << 20}) as client:
        reply = run_stream(client)
    assert reply.status is Status.LIMIT
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000


def bomb_of(part, length, coding):
    """`length` bytes made of copies of `part`, compressed without holding all of them."""
    compressor = {
        "gzip": lambda: zlib.compressobj(wbits=31),
        "gzip, br": lambda: zlib.compressobj(wbits=31),
        "zstd": lambda: zstandard.ZstdCompressor().compressobj(),
        "br": lambda: brotli.Compressor(quality=1),
    }[coding]()
    feed = getattr(compressor, "compress", None) or compressor.process
    end = getattr(compressor, "flush", None) if coding != "br" else compressor.finish
    made = b"".join([*(feed(part) for _ in range(length // len(part))), end()])
    return brotli.compress(made) if coding == "gzip, br" else made
