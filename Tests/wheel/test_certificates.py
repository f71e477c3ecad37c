"""The library of a wheel finds the certificates of each system, and those of certifi."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Authority, Server

SYSTEM_FILES = [
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Ubuntu, Alpine
    "/etc/pki/tls/certs/ca-bundle.crt",  # Fedora
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",  # Fedora
    "/etc/ssl/ca-bundle.pem",  # openSUSE
    "/etc/ssl/cert.pem",  # Alpine
]
CERTIFI = Path(sysconfig.get_path("purelib"), "certifi", "cacert.pem")
PROGRAM = """
import sys, thinkwire
ca_file = sys.argv[2] if len(sys.argv) > 2 else None
client = thinkwire.Client(sys.argv[1], "key", max_retries=0, ca_file=ca_file)
try:
    print(client.send("model", "Hello").content)
except thinkwire.Error as error:
    print(error)
"""


def ask(server: Server, *ca_file: Path, **variables: str) -> str:
    """The answer, or the message of the error, of a new process."""
    command = [sys.executable, "-c", PROGRAM, server.url, *map(str, ca_file)]
    environment = {**os.environ, **variables}
    return subprocess.run(
        command, check=True, capture_output=True, text=True, env=environment
    ).stdout.strip()


@pytest.fixture(autouse=True)
def no_certificates() -> Iterator[None]:
    """Hides the certificates of this system, which run.py deletes afterwards, and of certifi."""
    assert Path("/root/mock").is_dir(), "run these tests with `make test-wheel`"
    files = [path for path in (*map(Path, SYSTEM_FILES), CERTIFI) if path.exists()]
    for path in files:
        path.rename(f"{path}.hidden")
    yield
    for path in files:
        os.replace(f"{path}.hidden", path)


@pytest.mark.parametrize("path", [*SYSTEM_FILES, str(CERTIFI)])
def test_file_is_found(server: Server, path: str) -> None:
    file = Path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(server.ca_file, file)
    try:
        assert ask(server) == "Hello"
    finally:
        file.unlink()


def test_system_precedes_certifi(server: Server) -> None:
    """An administrator can add and remove authorities in the system's file."""
    system = Path(SYSTEM_FILES[0])
    system.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(server.ca_file, system)
    CERTIFI.parent.mkdir(exist_ok=True)
    CERTIFI.write_text("no certificates\n")
    try:
        assert ask(server) == "Hello"
    finally:
        system.unlink()
        CERTIFI.unlink()


def test_missing_certificates_are_reported(server: Server) -> None:
    message = ask(server)
    assert message.startswith("no secure connection: ")
    assert "Client(ca_file=" in message


def test_variables_of_openssl_are_ignored(server: Server) -> None:
    """As by the library that uses the system's libcurl: see tw_options_set_ca_file."""
    files = {"SSL_CERT_FILE": str(server.ca_file), "SSL_CERT_DIR": str(server.ca_file.parent)}
    assert ask(server, **files).startswith("no secure connection: ")
    assert ask(server, server.ca_file, **files) == "Hello"


def test_a_given_file_replaces_that_of_the_system(
    server: Server, tmp_path_factory: pytest.TempPathFactory
) -> None:
    others = Authority(tmp_path_factory.mktemp("others"), "Others")
    system = Path(SYSTEM_FILES[0])
    system.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(server.ca_file, system)
    try:
        assert ask(server, others.certificate).startswith("no secure connection: ")
    finally:
        system.unlink()
