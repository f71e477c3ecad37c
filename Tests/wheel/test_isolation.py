"""The libcurl of a wheel is invisible in a process that has another libcurl and OpenSSL."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest
from conftest import Server

LIBRARY = os.environ["THINKWIRE_LIBRARY"]
NAMES = ["curl_easy_init", "curl_version", "mbedtls_ssl_init", "nghttp2_session_client_new"]
#: Uses pycurl, ssl and thinkwire, imported in the given order, in turns and from several threads.
PROGRAM = """
import ctypes, importlib, io, ssl, sys, threading, urllib.request
url, ca_file, *modules = sys.argv[1:]
for module in modules:
    importlib.import_module(module)
import pycurl, thinkwire

before = pycurl.version

def ask_thinkwire():
    with thinkwire.Client(url, "key", ca_file=ca_file, max_retries=0) as client:
        return client.send("model", "Hello").content == "Hello"

def ask_pycurl():
    handle, body = pycurl.Curl(), io.BytesIO()
    for option, value in ((pycurl.URL, url), (pycurl.CAINFO, ca_file), (pycurl.WRITEDATA, body)):
        handle.setopt(option, value)
    handle.perform()
    return b"Hello" in body.getvalue()

def ask_ssl():
    context = ssl.create_default_context(cafile=ca_file)
    # Python 3.13 requires key identifiers, which the certificates of the tests lack.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    with urllib.request.urlopen(url, context=context) as response:
        return b"Hello" in response.read()

clients = [ask_thinkwire, ask_pycurl, ask_ssl]
assert all(client() for client in clients for _ in range(3))
results = []
threads = [threading.Thread(target=lambda c=c: results.append(c())) for c in clients * 5]
for thread in threads: thread.start()
for thread in threads: thread.join()
assert results == [True] * 15, results
assert pycurl.version == before
print(before)
"""


def test_library_exports_only_its_functions() -> None:
    command = ["nm", "--dynamic", "--defined-only", LIBRARY]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    names = {line.split()[-1].split("@")[0] for line in output.splitlines()}
    assert len(names) > 50
    assert [name for name in names if not re.match(r"tw_|THINKWIRE_", name)] == []


def test_no_function_of_libcurl_is_visible() -> None:
    program = f"""
import ctypes, thinkwire
thinkwire.Client("http://127.0.0.1:9/v1", "key").close()
for handle in (ctypes.CDLL(None), ctypes.CDLL({LIBRARY!r}, ctypes.RTLD_GLOBAL), ctypes.CDLL(None)):
    print([name for name in {NAMES} if hasattr(handle, name)])
"""
    output = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    ).stdout
    assert output == "[]\n[]\n[]\n"


@pytest.mark.parametrize("first", ["pycurl", "thinkwire", "ssl"])
def test_pycurl_and_ssl_work_in_the_same_process(server: Server, first: str) -> None:
    command = [sys.executable, "-c", PROGRAM, server.url, str(server.ca_file), first]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("PycURL/")
