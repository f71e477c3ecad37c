"""Through forward proxies, and past them."""

import contextlib
import os
import socket
import threading

import pytest
import thinkwire
from conftest import KEY
from peers import WHOLE, Peer, Plain, read_request, response, tls
from programs import Nghttpx, Tinyproxy, free_port
from thinkwire import Status

PASSWORD = "proxy-pass-word"


class Listener(Peer):
    """A proxy that keeps what it is told first, and always answers the same; after a 200, it leads to the port."""

    def __init__(self, answer, port=None):
        self.answer = answer
        self.target = port
        super().__init__()

    def serve(self, connection):
        self.requests.append(read_request(connection))
        connection.sendall(self.answer)
        if self.target is None:
            return
        with socket.create_connection(("127.0.0.1", self.target)) as onward:
            back = threading.Thread(target=self.pump, args=(onward, connection))
            back.start()
            self.pump(connection, onward)
            back.join()

    def pump(self, source, sink):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)


@pytest.fixture(params=["http", "https", "h2"])
def url(request, nginx):
    """Of a provider that does not mind who asks."""
    return nginx.url(request.param)


@pytest.fixture
def secure(start, pair):
    return start(Plain, [response(WHOLE)], context=tls(pair))


@pytest.fixture
def environment(monkeypatch):
    return monkeypatch.setenv


def answers(client):
    reply = client.stream("alibaba/qwen3-32b", "Hello", thinking=True).finish()
    return reply.status is Status.OK and reply.reasoning != "" != reply.content


def fails(client):
    with pytest.raises(thinkwire.Error) as error:
        client.send("alibaba/qwen3-32b", "Hello")
    # Whatever it is that went wrong.
    assert PASSWORD not in str(error.value) and KEY not in str(error.value)
    return error.value


def asked_for(proxy, url, before=""):
    """The proxy was asked for that address."""
    place = url.split("/")[2]
    lines = proxy.said()[len(before) :].splitlines()
    wanted = f"CONNECT {place} " if url.startswith("https") else f"POST http://{place}/"
    return any("Request" in line and wanted in line for line in lines)


# ---- tinyproxy ---------------------------------------------------------------------------------------------------------


def test_through_a_proxy(connect, tinyproxy, url):
    before = tinyproxy.said()
    client = connect(url, proxy=f"http://{tinyproxy.address}")
    assert answers(client) and answers(client) and asked_for(tinyproxy, url, before)


@pytest.mark.parametrize("notation", ["http://{}", "{}", "HTTP://{}/"])
def test_notations(connect, tinyproxy, nginx, notation):
    before = tinyproxy.said()
    url = nginx.url("https")
    assert answers(connect(url, proxy=notation.format(tinyproxy.address))) and asked_for(
        tinyproxy, url, before
    )


def test_with_user_and_password(connect, guarded_proxy, url):
    before = guarded_proxy.said()
    assert answers(connect(url, proxy=f"http://user:{PASSWORD}@{guarded_proxy.address}"))
    assert asked_for(guarded_proxy, url, before)


@pytest.mark.parametrize("login", ["", f"user:{PASSWORD}wrong@", f"nobody:{PASSWORD}@", "user@"])
def test_a_proxy_that_wants_to_know_who_asks(connect, guarded_proxy, url, login):
    # It is not asked again: it would say the same.
    error = fails(connect(url, proxy=f"http://{login}{guarded_proxy.address}", max_retries=2))
    assert error.reply.attempts == 1
    # To a login that is wrong tinyproxy says 401, which over http is as if the server had said so.
    if login and url.startswith("http:"):
        assert error.status is Status.AUTH
        return
    assert error.status is Status.CONNECT and f"HTTP {401 if login else 407}" in str(error)
    assert "USER:PASSWORD@" in str(error) and "tw_options_set_proxy" in str(error)


def test_a_proxy_that_does_not_get_there(connect, tinyproxy):
    closed = free_port()
    error = fails(connect(f"https://localhost:{closed}/v1", proxy=f"http://{tinyproxy.address}"))
    assert error.status is Status.CONNECT and "the proxy answered HTTP 5" in str(error)
    assert (
        fails(connect(f"http://localhost:{closed}/v1", proxy=f"http://{tinyproxy.address}")).status
        is Status.SERVER
    )


def test_a_proxy_that_goes_away(connect, start, tmp_path, nginx):
    proxy = start(Tinyproxy, tmp_path)
    client = connect(nginx.url("h2"), proxy=f"http://{proxy.address}")
    with client.stream("mock/synthetic#reasoning=10000,pace=10", "Hello") as stream:
        said = next(stream).text
        proxy.stop()
        with pytest.raises(thinkwire.TruncatedError):
            for event in stream:
                said += event.text
    assert stream.reply.reasoning == said
    error = fails(client)
    assert error.status is Status.CONNECT and "proxy" in str(error)


# ---- what a proxy hears ------------------------------------------------------------------------------------------------


def test_a_proxy_hears_nothing_but_the_address(connect, start, secure):
    proxy = start(Listener, b"HTTP/1.1 200 OK\r\nX-Proxy: yes\r\n\r\n", secure.port)
    reply = connect(secure.url(), proxy=f"http://user:{PASSWORD}@127.0.0.1:{proxy.port}").send(
        "m", "Hello"
    )
    # Nor is what it says part of the answer.
    assert reply.content == "Hi" and reply.header("x-proxy") is None
    (heard,) = proxy.requests
    assert heard.startswith(f"CONNECT localhost:{secure.port} HTTP/1.1\r\n".encode())
    assert (
        KEY.encode() not in heard
        and b"\r\nAuthorization:" not in heard
        and b"\r\nProxy-Authorization: Basic " in heard
    )
    # And the server does not hear the proxy's password.
    assert f"Bearer {KEY}".encode() in secure.requests[0] and b"Proxy-" not in secure.requests[0]


@pytest.mark.parametrize("status", [403, 407, 500, 503])
def test_a_proxy_that_refuses(connect, start, secure, status):
    page = f"<html>{PASSWORD} {KEY}</html>".encode()
    proxy = start(Listener, response(page, f"{status} No", "text/html"))
    error = fails(connect(secure.url(), proxy=f"http://127.0.0.1:{proxy.port}"))
    assert error.status is Status.CONNECT and f"the proxy answered HTTP {status}" in str(error)
    assert error.http_status == 0 and error.reply.header("content-type") is None
    assert secure.connections == 0


def test_a_proxy_that_hangs_up(connect, start, secure):
    proxy = start(Listener, b"")
    error = fails(connect(secure.url(), proxy=f"http://127.0.0.1:{proxy.port}"))
    assert error.status is Status.NETWORK and proxy.connections == 1 and secure.connections == 0


def test_a_proxy_that_says_nothing(connect, secure):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        error = fails(connect(secure.url(), proxy=address, timeout={"connect": 0.4}))
    assert error.status is Status.TIMEOUT and "connect" in str(error)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_is_down(connect, scheme):
    error = fails(
        connect(
            f"{scheme}://localhost:1/v1", proxy=f"http://user:{PASSWORD}@127.0.0.1:{free_port()}"
        )
    )
    assert error.status is Status.CONNECT and "the proxy (tw_options_set_proxy" in str(error)


def test_a_proxy_whose_name_is_not_known(connect):
    error = fails(
        connect("https://models.example/v1", proxy=f"http://user:{PASSWORD}@proxy.invalid:3128")
    )
    assert (
        error.status is Status.RESOLVE
        and "proxy.invalid" in str(error)
        and "check the proxy's address" in str(error)
    )


@pytest.mark.parametrize(
    "address",
    [
        f"http://user:{PASSWORD}@",
        f"ftp://user:{PASSWORD}@localhost",
        f"http://user:{PASSWORD}@localhost:http",
        f"http://user:{PASSWORD}@local host",
        f"user:{PASSWORD}@localhost:123456",
    ],
)
def test_what_is_no_proxy(connect, environment, address):
    with pytest.raises(thinkwire.InvalidArgumentError) as error:
        connect("https://models.example/v1", proxy=address)
    assert PASSWORD not in str(error.value) and "http://127.0.0.1:3128" in str(error.value)
    environment("https_proxy", address)
    with pytest.raises(thinkwire.InvalidArgumentError) as error:
        connect("https://models.example/v1")
    assert PASSWORD not in str(error.value) and "https_proxy" in str(error.value)


# ---- past a proxy ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "hosts",
    [
        "localhost",
        "*",
        "example.com,localhost",
        "example.com, localhost",
        ["example.com", "localhost"],
        "LOCALHOST",
    ],
)
def test_hosts_that_need_none(connect, url, hosts):
    assert answers(connect(url, proxy=f"http://127.0.0.1:{free_port()}", no_proxy=hosts))


@pytest.mark.parametrize(
    "hosts", ["", "example.com", "local", "host", "127.0.0.1", "localhost.example"]
)
def test_hosts_that_are_not_meant(connect, url, hosts):
    assert (
        fails(connect(url, proxy=f"http://127.0.0.1:{free_port()}", no_proxy=hosts)).status
        is Status.CONNECT
    )


def test_networks_that_need_none(connect, nginx):
    url = nginx.url("https").replace("localhost", "127.0.0.1")
    down = f"http://127.0.0.1:{free_port()}"
    assert answers(connect(url, proxy=down, no_proxy="127.0.0.0/8"))
    assert fails(connect(url, proxy=down, no_proxy="10.0.0.0/8")).status is Status.CONNECT


def test_a_name_covers_those_below_it(connect, start, authority):
    peer = start(Plain, [response(WHOLE)], context=tls(authority.issue("a.tests.localhost")))
    down = f"http://127.0.0.1:{free_port()}"
    for hosts in ("tests.localhost", ".tests.localhost"):
        assert (
            connect(peer.url("a.tests.localhost"), proxy=down, no_proxy=hosts)
            .send("m", "Hello")
            .content
            == "Hi"
        )


# ---- what the environment says -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "variable, scheme, heeded",
    [
        ("http_proxy", "http", True),
        ("https_proxy", "https", True),
        ("HTTPS_PROXY", "https", True),
        ("all_proxy", "http", True),
        ("all_proxy", "https", True),
        ("ALL_PROXY", "https", True),
        ("http_proxy", "https", False),
        ("https_proxy", "http", False),
        ("HTTP_PROXY", "http", False),
    ],
)
def test_variables(connect, environment, tinyproxy, nginx, variable, scheme, heeded):
    before = tinyproxy.said()
    environment(variable, f"http://{tinyproxy.address}")
    url = nginx.url(scheme)
    assert answers(connect(url)) and asked_for(tinyproxy, url, before) is heeded
    # An option wins over it.
    before = tinyproxy.said()
    assert answers(connect(url, proxy="")) and not asked_for(tinyproxy, url, before)


@pytest.mark.parametrize("variable", ["no_proxy", "NO_PROXY"])
def test_hosts_that_need_none_in_the_environment(connect, environment, nginx, variable):
    environment("https_proxy", f"http://127.0.0.1:{free_port()}")
    environment(variable, "example.com,localhost")
    url = nginx.url("https")
    assert answers(connect(url))
    # An option wins over it, and the variable holds for a proxy that is set by an option.
    assert fails(connect(url, no_proxy="")).status is Status.CONNECT
    assert fails(connect(url, no_proxy="example.com")).status is Status.CONNECT
    assert answers(connect(url, proxy=f"http://127.0.0.1:{free_port()}"))


def test_the_environment_is_read_when_a_client_is_made(connect, environment, nginx):
    client = connect(nginx.url("https"))
    environment("https_proxy", f"http://127.0.0.1:{free_port()}")
    assert answers(client)
    client = connect(nginx.url("https"))
    del os.environ["https_proxy"]
    assert fails(client).status is Status.CONNECT


def test_a_proxy_on_another_machine_is_not_asked_for_this_one(connect, environment, url):
    """It could not get here, and over http the key would go to it in clear text."""
    elsewhere = "http://192.0.2.1:3128"
    assert answers(connect(url, proxy=elsewhere))
    environment("all_proxy", elsewhere)
    assert answers(connect(url))


# ---- other kinds -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["socks5", "socks5h"])
def test_through_socks(connect, microsocks, url, scheme):
    assert answers(connect(url, proxy=f"{scheme}://user:{PASSWORD}@{microsocks.address}"))


@pytest.mark.parametrize("login", ["", f"user:{PASSWORD}wrong@"])
def test_socks_that_wants_to_know_who_asks(connect, microsocks, url, login):
    error = fails(connect(url, proxy=f"socks5h://{login}{microsocks.address}"))
    assert error.status is Status.CONNECT and "proxy" in str(error)


def test_through_a_proxy_that_is_spoken_to_over_tls(
    connect, start, tmp_path, pair, authority, tinyproxy, url
):
    over_tls = start(Nghttpx, tmp_path, tinyproxy.port, pair, "--http2-proxy")
    before = tinyproxy.said()
    address = over_tls.url.removesuffix("/v1").replace("https://", f"https://user:{PASSWORD}@")
    assert answers(connect(url, proxy=address)) and asked_for(tinyproxy, url, before)


def test_a_proxy_that_is_not_trusted_hears_nothing(connect, start, authority, secure):
    proxy = start(Plain, [response(b"")], context=tls(authority.issue("example.com")))
    error = fails(connect(secure.url(), proxy=f"https://user:{PASSWORD}@localhost:{proxy.port}"))
    assert error.status is Status.TLS and proxy.requests == [] and secure.connections == 0


class Endless(Peer):
    """A proxy that refuses, and never comes to the end of what it has to say about it."""

    def __init__(self, head, piece):
        self.head, self.piece = head, piece
        super().__init__()

    def serve(self, connection):
        self.requests.append(read_request(connection))
        connection.sendall(self.head)
        while True:
            connection.sendall(self.piece * (65536 // len(self.piece)))


@pytest.mark.parametrize(
    "framing, piece",
    [("Content-Length: 999999999999", b"x"), ("Transfer-Encoding: chunked", b"1\r\nx\r\n")],
)
def test_a_proxy_that_goes_on_about_its_refusal(connect, start, secure, framing, piece):
    endless = start(Endless, f"HTTP/1.1 407 No\r\n{framing}\r\n\r\n".encode(), piece)
    proxy = f"http://127.0.0.1:{endless.port}"
    with pytest.raises(thinkwire.TimeoutError, match="connect"):
        connect(secure.url(), proxy=proxy, timeout={"connect": 0.3}).send("m", "Hello")
    stream = connect(secure.url(), proxy=proxy, timeout={"connect": 20}).stream("m", "Hello")
    threading.Timer(0.3, stream.cancel).start()
    with pytest.raises(thinkwire.CancelledError):
        stream.finish()
