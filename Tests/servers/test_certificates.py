"""Whom the library trusts: what is wrong with a certificate is said, and whoever shows it hears nothing."""

import os
import ssl
import subprocess
import sys

import pytest
import thinkwire
from certificates import DAY, Authority
from conftest import KEY
from mock_process import ROOT
from peers import WHOLE, Plain, response, tls
from system_certificates import copy_libcurl, opened_files
from thinkwire import Status


@pytest.fixture
def serve(start):
    """A server with that certificate."""
    return lambda pair, **options: start(Plain, [response(WHOLE)], context=tls(pair, **options))


@pytest.fixture
def other_authority(tmp_path):
    return Authority(tmp_path, "Others")


def refused(client, peer):
    """Why a server was not spoken to. Not a byte of the request is to have come to it."""
    with pytest.raises(thinkwire.APIConnectionError) as error:
        client.send("m", "Hello")
    assert error.value.status is Status.TLS and error.value.http_status == 0
    assert peer.requests == [] and peer.connections == 1
    return str(error.value)


def answers(client):
    reply = client.stream("m", "Hello").finish()
    return reply.status is Status.OK and (reply.reasoning, reply.content) == ("Hm.", "Hi")


@pytest.mark.parametrize(
    "names, host",
    [
        (["localhost"], "localhost"),
        (["example.com", "localhost"], "LOCALHOST"),
        (["127.0.0.1"], "127.0.0.1"),
        (["*.tests.localhost"], "models.tests.localhost"),
    ],
)
def test_a_good_certificate(connect, authority, serve, names, host):
    peer = serve(authority.issue(*names))
    assert answers(connect(peer.url(host)))
    assert f"Authorization: Bearer {KEY}\r\n".encode() in peer.requests[0]


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
        # Where names are given, the common name is none (RFC 6125, section 6.4.4).
        (["example.com"], "localhost", "localhost"),
    ],
)
def test_the_certificate_of_another_host(connect, authority, serve, names, common_name, host):
    peer = serve(authority.issue(*names, common_name=common_name))
    message = refused(connect(peer.url(host)), peer)
    assert host in message and "name that its certificate has" in message


def test_a_common_name_alone_is_taken_for_a_name(connect, authority, serve):
    """libcurl with OpenSSL still does, as RFC 6125 allows; but only that of somebody who is trusted."""
    assert answers(connect(serve(authority.issue(common_name="localhost")).url()))
    peer = serve(authority.issue(common_name="example.com"))
    assert "example.com" in refused(connect(peer.url()), peer)


@pytest.mark.parametrize(
    "valid, told",
    [
        ((-2 * DAY, -DAY), "certificate has expired"),
        ((DAY, 2 * DAY), "certificate is not yet valid"),
    ],
)
def test_a_certificate_out_of_its_time(connect, authority, serve, valid, told):
    peer = serve(authority.issue("localhost", valid=valid))
    message = refused(connect(peer.url()), peer)
    assert told in message and "clock" in message and "tw_options_set_ca_file" not in message


def test_a_certificate_of_nobody_known(connect, other_authority, serve):
    peer = serve(other_authority.issue("localhost"))
    message = refused(connect(peer.url()), peer)
    assert (
        "unable to get local issuer certificate" in message and "tw_options_set_ca_file" in message
    )


def test_a_certificate_that_signed_itself(connect, authority, serve):
    pair = authority.issue("localhost", self_signed=True)
    peer = serve(pair)
    message = refused(connect(peer.url()), peer)
    assert "self-signed certificate" in message and "tw_options_set_ca_file" in message
    # Whoever names it trusts it.
    assert answers(connect(peer.url(), ca_file=pair[0]))


def test_a_server_of_another_time(connect, authority, serve):
    peer = serve(authority.issue("localhost"), only=ssl.TLSVersion.TLSv1_1)
    assert "TLS 1.2" in refused(connect(peer.url()), peer)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_server_of_these_times(connect, authority, serve, version):
    assert answers(connect(serve(authority.issue("localhost"), only=version).url()))


def test_a_file_that_is_none_of_certificates(connect, authority, serve, tmp_path):
    (tmp_path / "ca.pem").write_text("Hello")
    peer = serve(authority.issue("localhost"))
    with pytest.raises(thinkwire.APIConnectionError) as error:
        connect(peer.url(), ca_file=tmp_path / "ca.pem").send("m", "Hello")
    assert error.value.status is Status.TLS and "PEM" in str(error.value) and peer.requests == []


# ---- whom to trust -----------------------------------------------------------------------------------------------------


@pytest.fixture
def directory(tmp_path, authority):
    """A directory of the authority's certificate, by its hash."""
    hashed = tmp_path / "authorities"
    hashed.mkdir()
    (hashed / "ours.pem").write_bytes(authority.certificate.read_bytes())
    subprocess.run(["openssl", "rehash", hashed], check=True)
    return hashed


def test_a_directory(connect, authority, other_authority, serve, directory):
    ours, others = serve(authority.issue("localhost")), serve(other_authority.issue("localhost"))
    assert answers(connect(ours.url(), ca_file=None, ca_directory=directory))
    refused(connect(others.url(), ca_file=None, ca_directory=directory), others)
    # A file and a directory are both trusted.
    both = {"ca_file": other_authority.certificate, "ca_directory": directory}
    assert answers(connect(ours.url(), **both)) and answers(connect(others.url(), **both))


def test_a_directory_without_hashes_holds_nothing(connect, authority, serve, tmp_path):
    (tmp_path / "ours.pem").write_bytes(authority.certificate.read_bytes())
    peer = serve(authority.issue("localhost"))
    refused(connect(peer.url(), ca_file=None, ca_directory=tmp_path), peer)


@pytest.mark.parametrize("name", ["nowhere", "a-file", ""])
def test_a_directory_that_is_none(connect, tmp_path, name):
    (tmp_path / "a-file").write_text("")
    with pytest.raises(thinkwire.InvalidArgumentError, match="not a directory"):
        connect("https://localhost/v1", ca_directory=f"{tmp_path}/{name}" if name else "")


@pytest.fixture
def exchange_where(tmp_path):
    """Runs two exchanges in a process that takes `system` for the directory of the system's certificates.

    Returns their statuses and the names of the files that were opened in the directory.
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


@pytest.fixture
def status_where(exchange_where):
    return lambda *where, **options: exchange_where(*where, **options)[0][-1]


def test_the_systems_are_trusted_unless_others_are_named(
    authority, other_authority, serve, directory, tmp_path, status_where
):
    ours = serve(authority.issue("localhost"))
    theirs = other_authority.certificate.read_bytes()
    bundle, nobody = tmp_path / "bundle", tmp_path / "nobody"
    for system, trusted in (
        (bundle, authority.certificate.read_bytes()),
        (nobody, theirs),
        (directory, theirs),
    ):
        system.mkdir(exist_ok=True)
        (system / "ca-certificates.crt").write_bytes(trusted)
    assert [status_where(system, ours) for system in (bundle, directory, nobody)] == [
        "OK",
        "OK",
        "TLS",
    ]
    # Where others are named, neither the system's file nor its directory is trusted any more.
    for system in (bundle, directory):
        assert status_where(system, ours, ca_file=other_authority.certificate) == "TLS"
        assert status_where(system, ours, ca_directory=nobody) == "TLS"
    # OpenSSL's own variables are not looked at.
    variables = {"SSL_CERT_FILE": authority.certificate, "SSL_CERT_DIR": directory}
    assert status_where(nobody, ours, variables) == "TLS"


def test_the_systems_file_is_read_only_where_its_directory_is_not_enough(
    authority, other_authority, serve, start, directory, exchange_where
):
    """It is large: for as long as it is read, nobody hears of a cancellation or a clock."""
    ours, file = serve(authority.issue("localhost")), "ca-certificates.crt"
    (directory / file).write_bytes(other_authority.certificate.read_bytes())
    status, read = exchange_where(directory, ours)
    assert status == ["OK", "OK"] and read and file not in read
    assert ours.connections == 1
    # Who is added to the file alone is trusted as well; from then on, it is read at once.
    others = start(Plain, [response(WHOLE), None], context=tls(other_authority.issue("localhost")))
    status, read = exchange_where(directory, others)
    assert status == ["OK", "OK"] and read.count(file) == 2 and others.connections == 3
