"""Forward proxies: which are used, what they receive, and what is reported if they fail."""

import os
import socket
import threading

import pytest
import thinkwire
from conftest import KEY, PASSWORD
from http_server import ANSWER, CLOSE, Repeat, ScriptedServer, Tunnel, response, tls
from programs import Nghttpx, Tinyproxy, free_port
from thinkwire import Status

#: An address in a network for documentation (RFC 5737), which no test may connect to.
REMOTE_PROXY = "http://192.0.2.1:3128"


@pytest.fixture(params=["http", "https", "h2"])
def url(request, nginx):
    """The base URL of a provider that accepts every key."""
    return nginx.url(request.param)


@pytest.fixture
def secure(start, pair):
    """A server that answers over TLS."""
    return start(ScriptedServer, [response(ANSWER)], context=tls(pair))


@pytest.fixture
def environment(monkeypatch):
    return monkeypatch.setenv


def succeeds(client):
    reply = client.stream("alibaba/qwen3-32b", "Hello", thinking=True).finish()
    return reply.status is Status.OK and reply.reasoning != "" != reply.content


def error_of(client):
    """The error of an exchange. Its message must not contain a secret."""
    with pytest.raises(thinkwire.Error) as error:
        client.send("alibaba/qwen3-32b", "Hello")
    assert PASSWORD not in str(error.value) and KEY not in str(error.value)
    return error.value


def was_asked_for(proxy, url, before=""):
    """Whether the proxy was asked for that URL, after its log was `before`."""
    host = url.split("/")[2]
    lines = proxy.log()[len(before) :].splitlines()
    request = f"CONNECT {host} " if url.startswith("https") else f"POST http://{host}/"
    return any("Request" in line and request in line for line in lines)


def closed_proxy():
    """The URL of a proxy on a port on which nothing listens."""
    return f"http://127.0.0.1:{free_port()}"


# ---- tinyproxy ---------------------------------------------------------------------------------


def test_a_proxy_is_used(connect, tinyproxy, url):
    before = tinyproxy.log()
    client = connect(url, proxy=f"http://{tinyproxy.address}")
    assert succeeds(client) and succeeds(client) and was_asked_for(tinyproxy, url, before)


@pytest.mark.parametrize("notation", ["http://{}", "{}", "HTTP://{}/"])
def test_notations_of_a_proxy(connect, tinyproxy, nginx, notation):
    before = tinyproxy.log()
    url = nginx.url("https")
    assert succeeds(connect(url, proxy=notation.format(tinyproxy.address)))
    assert was_asked_for(tinyproxy, url, before)


def test_user_and_password_are_sent(connect, authenticating_proxy, url):
    before = authenticating_proxy.log()
    proxy = f"http://user:{PASSWORD}@{authenticating_proxy.address}"
    assert succeeds(connect(url, proxy=proxy))
    assert was_asked_for(authenticating_proxy, url, before)


@pytest.mark.parametrize("login", ["", f"user:{PASSWORD}wrong@", f"nobody:{PASSWORD}@", "user@"])
def test_a_wrong_login_is_reported_without_retry(connect, authenticating_proxy, url, login):
    proxy = f"http://{login}{authenticating_proxy.address}"
    error = error_of(connect(url, proxy=proxy, max_retries=2))
    assert error.reply.attempts == 1
    # tinyproxy answers 401 to a wrong login. With http, that looks like the server's response.
    if login and url.startswith("http:"):
        assert error.status is Status.AUTH
        return
    assert error.status is Status.CONNECT and f"HTTP {401 if login else 407}" in str(error)
    assert "USER:PASSWORD@" in str(error) and "Client(proxy=…)" in str(error)


def test_a_proxy_that_cannot_reach_the_server(connect, tinyproxy):
    closed, proxy = free_port(), f"http://{tinyproxy.address}"
    error = error_of(connect(f"https://localhost:{closed}/v1", proxy=proxy))
    assert error.status is Status.CONNECT and "the proxy answered HTTP 5" in str(error)
    error = error_of(connect(f"http://localhost:{closed}/v1", proxy=proxy))
    assert error.status is Status.SERVER


def test_a_proxy_that_exits_truncates_an_answer(connect, start, tmp_path, nginx):
    proxy = start(Tinyproxy, tmp_path)
    client = connect(nginx.url("h2"), proxy=f"http://{proxy.address}")
    with client.stream("mock/synthetic#reasoning=10000,pace=10", "Hello") as stream:
        received = next(stream).text
        proxy.stop()
        with pytest.raises(thinkwire.TruncatedError):
            for event in stream:
                received += event.text
    assert stream.reply.reasoning == received
    error = error_of(client)
    assert error.status is Status.CONNECT and "proxy" in str(error)


# ---- What a proxy receives ---------------------------------------------------------------------


def test_a_proxy_receives_only_the_address(connect, start, secure):
    accept = b"HTTP/1.1 200 OK\r\nX-Proxy: yes\r\n\r\n"
    proxy = start(ScriptedServer, [accept, Tunnel(secure.port), CLOSE])
    client = connect(secure.url(), proxy=f"http://user:{PASSWORD}@127.0.0.1:{proxy.port}")
    reply = client.send("m", "Hello")
    # The proxy's headers are not part of the reply.
    assert reply.content == "Hi" and reply.header("x-proxy") is None
    (request,) = proxy.requests
    assert request.startswith(f"CONNECT localhost:{secure.port} HTTP/1.1\r\n".encode())
    assert KEY.encode() not in request and b"\r\nAuthorization:" not in request
    assert b"\r\nProxy-Authorization: Basic " in request
    # The server does not receive the proxy's password.
    assert f"Bearer {KEY}".encode() in secure.requests[0]
    assert b"Proxy-" not in secure.requests[0]


@pytest.mark.parametrize("status", [403, 407, 500, 503])
def test_an_error_response_of_a_proxy(connect, start, secure, status):
    page = f"<html>{PASSWORD} {KEY}</html>".encode()
    proxy = start(ScriptedServer, [response(page, f"{status} No", "text/html"), CLOSE])
    error = error_of(connect(secure.url(), proxy=f"http://127.0.0.1:{proxy.port}"))
    assert error.status is Status.CONNECT and f"the proxy answered HTTP {status}" in str(error)
    assert error.http_status == 0 and error.reply.header("content-type") is None
    assert secure.connections == 0


@pytest.mark.parametrize(
    "framing, piece",
    [("Content-Length: 999999999999", b"x"), ("Transfer-Encoding: chunked", b"1\r\nx\r\n")],
)
def test_an_endless_error_response_of_a_proxy(connect, start, secure, framing, piece):
    head = f"HTTP/1.1 407 No\r\n{framing}\r\n\r\n".encode()
    proxy = f"http://127.0.0.1:{start(ScriptedServer, [head, Repeat(piece)]).port}"
    with pytest.raises(thinkwire.TimeoutError, match="connect"):
        connect(secure.url(), proxy=proxy, timeout={"connect": 0.3}).send("m", "Hello")
    stream = connect(secure.url(), proxy=proxy, timeout={"connect": 20}).stream("m", "Hello")
    threading.Timer(0.3, stream.cancel).start()
    with pytest.raises(thinkwire.CancelledError):
        stream.finish()


def test_a_proxy_that_closes_the_connection(connect, start, secure):
    proxy = start(ScriptedServer, [CLOSE])
    error = error_of(connect(secure.url(), proxy=f"http://127.0.0.1:{proxy.port}"))
    assert error.status is Status.NETWORK
    assert proxy.connections == 1 and secure.connections == 0


def test_the_connect_timeout_applies_to_a_silent_proxy(connect, secure):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        proxy = f"http://127.0.0.1:{silent.getsockname()[1]}"
        error = error_of(connect(secure.url(), proxy=proxy, timeout={"connect": 0.4}))
    assert error.status is Status.TIMEOUT and "connect" in str(error)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_does_not_listen(connect, scheme):
    proxy = f"http://user:{PASSWORD}@127.0.0.1:{free_port()}"
    error = error_of(connect(f"{scheme}://localhost:1/v1", proxy=proxy))
    assert error.status is Status.CONNECT and "the proxy (Client(proxy=…)" in str(error)


def test_a_proxy_whose_name_is_unknown(connect):
    proxy = f"http://user:{PASSWORD}@proxy.invalid:3128"
    error = error_of(connect("https://models.example/v1", proxy=proxy))
    assert error.status is Status.RESOLVE and "proxy.invalid" in str(error)
    assert "check the proxy's address" in str(error)


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
def test_an_invalid_proxy_address_is_an_error(connect, environment, address):
    with pytest.raises(thinkwire.InvalidArgumentError) as error:
        connect("https://models.example/v1", proxy=address)
    assert PASSWORD not in str(error.value) and "http://127.0.0.1:3128" in str(error.value)
    environment("https_proxy", address)
    with pytest.raises(thinkwire.InvalidArgumentError) as error:
        connect("https://models.example/v1")
    assert PASSWORD not in str(error.value) and "https_proxy" in str(error.value)


# ---- Hosts without a proxy ---------------------------------------------------------------------


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
def test_no_proxy_includes_a_host(connect, url, hosts):
    assert succeeds(connect(url, proxy=closed_proxy(), no_proxy=hosts))


@pytest.mark.parametrize(
    "hosts", ["", "example.com", "local", "host", "127.0.0.1", "localhost.example"]
)
def test_no_proxy_does_not_include_a_host(connect, url, hosts):
    error = error_of(connect(url, proxy=closed_proxy(), no_proxy=hosts))
    assert error.status is Status.CONNECT


def test_no_proxy_with_a_network(connect, nginx):
    url = nginx.url("https").replace("localhost", "127.0.0.1")
    assert succeeds(connect(url, proxy=closed_proxy(), no_proxy="127.0.0.0/8"))
    error = error_of(connect(url, proxy=closed_proxy(), no_proxy="10.0.0.0/8"))
    assert error.status is Status.CONNECT


def test_no_proxy_includes_subdomains(connect, start, authority):
    context = tls(authority.issue("a.tests.localhost"))
    url = start(ScriptedServer, [response(ANSWER)], context=context).url("a.tests.localhost")
    for hosts in ("tests.localhost", ".tests.localhost"):
        client = connect(url, proxy=closed_proxy(), no_proxy=hosts)
        assert client.send("m", "Hello").content == "Hi"


# ---- Environment variables ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "variable, scheme, is_used",
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
def test_proxy_variables(connect, environment, tinyproxy, nginx, variable, scheme, is_used):
    before = tinyproxy.log()
    environment(variable, f"http://{tinyproxy.address}")
    url = nginx.url(scheme)
    assert succeeds(connect(url)) and was_asked_for(tinyproxy, url, before) is is_used
    # An option takes precedence.
    before = tinyproxy.log()
    assert succeeds(connect(url, proxy="")) and not was_asked_for(tinyproxy, url, before)


@pytest.mark.parametrize("variable", ["no_proxy", "NO_PROXY"])
def test_no_proxy_variables(connect, environment, nginx, variable):
    environment("https_proxy", closed_proxy())
    environment(variable, "example.com,localhost")
    url = nginx.url("https")
    assert succeeds(connect(url))
    # An option takes precedence. The variable also applies to a proxy that is set by an option.
    assert error_of(connect(url, no_proxy="")).status is Status.CONNECT
    assert error_of(connect(url, no_proxy="example.com")).status is Status.CONNECT
    assert succeeds(connect(url, proxy=closed_proxy()))


def test_the_environment_is_read_when_a_client_is_created(connect, environment, nginx):
    client = connect(nginx.url("https"))
    environment("https_proxy", closed_proxy())
    assert succeeds(client)
    client = connect(nginx.url("https"))
    del os.environ["https_proxy"]
    assert error_of(client).status is Status.CONNECT


def test_a_remote_proxy_is_not_used_for_this_machine(connect, environment, url):
    """It could not reach the server, and with http it would receive the key in clear text."""
    assert succeeds(connect(url, proxy=REMOTE_PROXY))
    environment("all_proxy", REMOTE_PROXY)
    assert succeeds(connect(url))


# ---- SOCKS and TLS -----------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["socks5", "socks5h"])
def test_a_socks_proxy_is_used(connect, microsocks, url, scheme):
    assert succeeds(connect(url, proxy=f"{scheme}://user:{PASSWORD}@{microsocks.address}"))


@pytest.mark.parametrize("login", ["", f"user:{PASSWORD}wrong@"])
def test_a_wrong_login_of_a_socks_proxy(connect, microsocks, url, login):
    error = error_of(connect(url, proxy=f"socks5h://{login}{microsocks.address}"))
    assert error.status is Status.CONNECT and "proxy" in str(error)


def test_a_proxy_over_tls_is_used(connect, start, tmp_path, pair, tinyproxy, url):
    over_tls = start(Nghttpx, tmp_path, tinyproxy.port, pair, "--http2-proxy")
    before = tinyproxy.log()
    proxy = over_tls.url.removesuffix("/v1").replace("https://", f"https://user:{PASSWORD}@")
    assert succeeds(connect(url, proxy=proxy)) and was_asked_for(tinyproxy, url, before)


def test_a_proxy_with_an_invalid_certificate_receives_nothing(connect, start, authority, secure):
    context = tls(authority.issue("example.com"))
    proxy = start(ScriptedServer, [response(b"")], context=context)
    address = f"https://user:{PASSWORD}@localhost:{proxy.port}"
    error = error_of(connect(secure.url(), proxy=address))
    assert error.status is Status.TLS and proxy.requests == [] and secure.connections == 0
