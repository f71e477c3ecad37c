"""TLS certificates: which servers are trusted, and what an error message says about the others.

A server that is not trusted must not receive a byte of the request.
"""

import os
import ssl
import subprocess
import sys

import pytest
import thinkwire
from certificates import DAY, Authority
from conftest import KEY
from exchanges import is_answer, run_stream
from http_server import ANSWER, CLOSE, ScriptedServer, response, tls
from mock_process import ROOT
from system_certificates import BUNDLE, copy_libcurl, opened_files
from thinkwire import Status


@pytest.fixture
def serve(start):
    """Starts a server with a certificate."""
    return lambda pair, **options: start(
        ScriptedServer, [response(ANSWER)], context=tls(pair, **options)
    )


@pytest.fixture
def other_authority(tmp_path):
    return Authority(tmp_path, "Others")


def connection_error(client, server):
    """The message with which a client rejects a server. The server must not receive a request."""
    with pytest.raises(thinkwire.APIConnectionError) as error:
        client.send("m", "Hello")
    assert error.value.status is Status.TLS and error.value.http_status == 0
    assert server.requests == [] and server.connections == 1
    return str(error.value)


def succeeds(client):
    return is_answer(run_stream(client))


# ---- Valid and invalid certificates ------------------------------------------------------------


@pytest.mark.parametrize(
    "names, host",
    [
        (["localhost"], "localhost"),
        (["example.com", "localhost"], "LOCALHOST"),
        (["127.0.0.1"], "127.0.0.1"),
        (["*.tests.localhost"], "models.tests.localhost"),
    ],
)
def test_a_valid_certificate_is_accepted(connect, authority, serve, names, host):
    server = serve(authority.issue(*names))
    assert succeeds(connect(server.url(host)))
    assert f"Authorization: Bearer {KEY}\r\n".encode() in server.requests[0]


@pytest.mark.parametrize(
    "names, common_name, host",
    [
        (["example.com"], "a server", "localhost"),
        (["localhost"], "a server", "127.0.0.1"),
        (["127.0.0.2"], "a server", "127.0.0.1"),
        (["*.example.com"], "a server", "localhost"),
        (["*.tests.localhost"], "a server", "tests.localhost"),
        (["*.tests.localhost"], "a server", "a.b.tests.localhost"),
        (["*.localhost"], "a server", "tests.localhost"),
        (["localhost.example.com"], "a server", "localhost"),
        # The common name is ignored if there are alternative names (RFC 6125, section 6.4.4).
        (["example.com"], "localhost", "localhost"),
    ],
)
def test_a_certificate_for_another_host_is_rejected(
    connect, authority, serve, names, common_name, host
):
    server = serve(authority.issue(*names, common_name=common_name))
    message = connection_error(connect(server.url(host)), server)
    assert host in message and "use a host name in the base URL" in message


def test_a_common_name_is_used_if_there_is_no_alternative_name(connect, authority, serve):
    """libcurl with OpenSSL still accepts it, as RFC 6125 allows, from a trusted authority only."""
    assert succeeds(connect(serve(authority.issue(common_name="localhost")).url()))
    server = serve(authority.issue(common_name="example.com"))
    assert "example.com" in connection_error(connect(server.url()), server)


@pytest.mark.parametrize(
    "valid, reason",
    [
        ((-2 * DAY, -DAY), "certificate has expired"),
        ((DAY, 2 * DAY), "certificate is not yet valid"),
    ],
)
def test_a_certificate_outside_its_validity_is_rejected(connect, authority, serve, valid, reason):
    server = serve(authority.issue("localhost", valid=valid))
    message = connection_error(connect(server.url()), server)
    assert reason in message and "clock" in message and "ca_file" not in message


def test_a_certificate_of_an_unknown_authority_is_rejected(connect, other_authority, serve):
    server = serve(other_authority.issue("localhost"))
    message = connection_error(connect(server.url()), server)
    assert "unable to get local issuer certificate" in message
    assert "Client(ca_file=…)" in message


def test_a_self_signed_certificate_is_accepted_only_as_ca_file(connect, authority, serve):
    pair = authority.issue("localhost", self_signed=True)
    server = serve(pair)
    message = connection_error(connect(server.url()), server)
    assert "self-signed certificate" in message and "Client(ca_file=…)" in message
    assert succeeds(connect(server.url(), ca_file=pair[0]))


def test_a_server_with_tls_1_1_is_rejected(connect, authority, serve):
    server = serve(authority.issue("localhost"), only=ssl.TLSVersion.TLSv1_1)
    assert "TLS 1.2" in connection_error(connect(server.url()), server)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tls_1_2_and_1_3_are_accepted(connect, authority, serve, version):
    assert succeeds(connect(serve(authority.issue("localhost"), only=version).url()))


def test_a_ca_file_without_certificates_is_an_error(connect, authority, serve, tmp_path):
    (tmp_path / "ca.pem").write_text("Hello")
    server = serve(authority.issue("localhost"))
    with pytest.raises(thinkwire.APIConnectionError) as error:
        connect(server.url(), ca_file=tmp_path / "ca.pem").send("m", "Hello")
    assert error.value.status is Status.TLS and "PEM" in str(error.value)
    assert server.requests == []


# ---- Trusted authorities -----------------------------------------------------------------------


@pytest.fixture
def directory(tmp_path, authority):
    """A directory that contains the authority's certificate under its hash."""
    hashed = tmp_path / "authorities"
    hashed.mkdir()
    (hashed / "ours.pem").write_bytes(authority.certificate.read_bytes())
    subprocess.run(["openssl", "rehash", hashed], check=True)
    return hashed


def test_a_directory_is_trusted(connect, authority, other_authority, serve, directory):
    ours, others = serve(authority.issue("localhost")), serve(other_authority.issue("localhost"))
    assert succeeds(connect(ours.url(), ca_file=None, ca_directory=directory))
    connection_error(connect(others.url(), ca_file=None, ca_directory=directory), others)
    # A file and a directory are both trusted.
    both = {"ca_file": other_authority.certificate, "ca_directory": directory}
    assert succeeds(connect(ours.url(), **both)) and succeeds(connect(others.url(), **both))


def test_certificates_without_hashes_are_not_found(connect, authority, serve, tmp_path):
    (tmp_path / "ours.pem").write_bytes(authority.certificate.read_bytes())
    server = serve(authority.issue("localhost"))
    connection_error(connect(server.url(), ca_file=None, ca_directory=tmp_path), server)


@pytest.mark.parametrize("name", ["nowhere", "a-file", ""])
def test_a_ca_directory_that_is_not_a_directory_is_an_error(connect, tmp_path, name):
    (tmp_path / "a-file").write_text("")
    with pytest.raises(
        thinkwire.InvalidArgumentError, match="the certificate directory cannot be read"
    ):
        connect("https://localhost/v1", ca_directory=f"{tmp_path}/{name}" if name else "")


@pytest.fixture
def exchange_where(tmp_path):
    """Runs two exchanges in a process whose system certificates are in the directory `system`.

    Returns their statuses, and the names of the files that were opened in the directory.
    """
    libraries = tmp_path / "libraries"
    libraries.mkdir()
    copy_libcurl(libraries)
    program = """
import sys, thinkwire
url, key, *options = sys.argv[1:]
client = thinkwire.Client(url, key, max_retries=0, **dict(zip(options[::2], options[1::2])))
for _ in range(2):
    try:
        print(client.send("m", "Hello").status.name)
    except thinkwire.Error as error:
        print(error.status.name)
"""

    def run(system, peer, environment=(), **options):
        variables = {
            **os.environ,
            "LD_LIBRARY_PATH": f"{libraries}:{os.environ.get('LD_LIBRARY_PATH', '')}".rstrip(":"),
            "PYTHONPATH": ROOT / "bindings" / "python",
            **dict(environment),
        }
        arguments = [str(part) for option in options.items() for part in option]
        with opened_files(system) as opened:
            done = subprocess.run(
                [sys.executable, "-c", program, peer.url(), KEY, *arguments],
                env={name: str(value) for name, value in variables.items()},
                cwd=system,
                capture_output=True,
                text=True,
                check=True,
                timeout=60,
            )
        assert done.stderr == ""
        return done.stdout.split(), opened

    return run


def test_system_certificates_are_trusted_unless_others_are_given(
    authority, other_authority, serve, directory, tmp_path, exchange_where
):
    def status(*arguments, **options):
        return exchange_where(*arguments, **options)[0][-1]

    server = serve(authority.issue("localhost"))
    others = other_authority.certificate.read_bytes()
    in_file, in_neither = tmp_path / "in-file", tmp_path / "in-neither"
    for system, bundle in (
        (in_file, authority.certificate.read_bytes()),
        (in_neither, others),
        (directory, others),
    ):
        system.mkdir(exist_ok=True)
        (system / BUNDLE).write_bytes(bundle)
    statuses = [status(system, server) for system in (in_file, directory, in_neither)]
    assert statuses == ["OK", "OK", "TLS"]
    # If others are given, neither the system's file nor its directory is trusted.
    for system in (in_file, directory):
        assert status(system, server, ca_file=other_authority.certificate) == "TLS"
        assert status(system, server, ca_directory=in_neither) == "TLS"
    # OpenSSL's own variables are ignored.
    variables = {"SSL_CERT_FILE": authority.certificate, "SSL_CERT_DIR": directory}
    assert status(in_neither, server, variables) == "TLS"


def test_the_system_file_is_read_only_if_the_directory_does_not_suffice(
    authority, other_authority, serve, start, directory, exchange_where
):
    """The file is large: while it is read, cancellations and timeouts are not processed."""
    server = serve(authority.issue("localhost"))
    (directory / BUNDLE).write_bytes(other_authority.certificate.read_bytes())
    statuses, opened = exchange_where(directory, server)
    assert statuses == ["OK", "OK"] and opened and BUNDLE not in opened
    assert server.connections == 1
    # An authority that only the file contains is trusted too, after a second connection.
    context = tls(other_authority.issue("localhost"))
    server = start(ScriptedServer, [response(ANSWER)], context=context)
    statuses, opened = exchange_where(directory, server)
    opened_once = opened.count(BUNDLE)
    assert statuses == ["OK", "OK"] and server.connections == 2 and opened_once > 0
    # From then on, each new connection reads the file at once.
    server = start(ScriptedServer, [response(ANSWER), CLOSE], context=context)
    statuses, opened = exchange_where(directory, server)
    assert statuses == ["OK", "OK"] and server.connections == 3
    assert opened.count(BUNDLE) == 2 * opened_once
