"""`python -m thinkwire`: prints what is installed, and whether the endpoint answers.

The exit status is 0 if the endpoint answers a request for its list of models. `thinkwire batch`
processes a file of prompts; see `thinkwire batch --help`.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Optional, TextIO

from . import Client, Error, LibraryError, __version__, library_version
from ._library import library

#: The number of seconds to wait for the endpoint.
_PATIENCE = 20


class _CurlInfo(ctypes.Structure):
    """The beginning of curl_version_info_data. Source: curl/curl.h."""

    _fields_ = [
        ("age", ctypes.c_int),
        ("version", ctypes.c_char_p),
        ("version_num", ctypes.c_uint),
        ("host", ctypes.c_char_p),
        ("features", ctypes.c_int),
        ("ssl_version", ctypes.c_char_p),
    ]


class _SymbolInfo(ctypes.Structure):
    """Dl_info of dlfcn.h."""

    _fields_ = [
        ("dli_fname", ctypes.c_char_p),
        ("dli_fbase", ctypes.c_void_p),
        ("dli_sname", ctypes.c_char_p),
        ("dli_saddr", ctypes.c_void_p),
    ]


def main() -> int:
    # Python has no stream for a descriptor that is closed.
    sys.stdout = sys.stdout or _discarding_stream()
    sys.stderr = sys.stderr or _discarding_stream()
    try:
        try:
            return _run()
        finally:
            # At exit, Python would report a failure of this in its own way.
            sys.stdout.flush()
    except BrokenPipeError:
        # The program that reads the output has ended, as in `thinkwire | grep -q TEXT`.
        _discard(sys.stdout)
        return 128 + signal.SIGPIPE
    finally:
        # A standard error that is closed does not change the exit status.
        try:
            sys.stderr.flush()
        except OSError:
            _discard(sys.stderr)


def _discard(stream: TextIO) -> None:
    """Discards what is left in the buffer of a stream, which Python writes at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _discarding_stream() -> TextIO:
    return open(os.devnull, "w", encoding="utf-8")


def _run() -> int:
    if sys.argv[1:2] == ["batch"]:
        from .batch.command import main as batch

        return batch(sys.argv[2:])
    parser = argparse.ArgumentParser(prog="python -m thinkwire", description=__doc__)
    parser.add_argument("--base-url", help="the endpoint, in place of that of the environment")
    arguments = parser.parse_args()
    try:
        for name, value in _installation():
            print(f"{name:12} {value}")
    except LibraryError as error:
        print(f"{'library':12} {error}")
        return 1
    status = _endpoint(arguments.base_url)
    return status


def _installation() -> Iterator[tuple[str, str]]:
    version = sys.version.split()[0]
    yield "thinkwire", f"{__version__} for Python, in Python {version}"
    yield "libthinkwire", f"{library_version()} ({_path()})"
    yield from _curl_versions()


def _path() -> str:
    """Returns the path of the loaded library."""
    info = _SymbolInfo()
    dladdr = ctypes.CDLL(None).dladdr
    dladdr.argtypes = [ctypes.c_void_p, ctypes.POINTER(_SymbolInfo)]
    found = dladdr(ctypes.cast(library().tw_version, ctypes.c_void_p), ctypes.byref(info))
    return _text(info.dli_fname) if found else "unknown path"


def _curl_versions() -> Iterator[tuple[str, str]]:
    """Yields the versions of the libcurl that the library uses, and of its TLS library.

    The handle of a library also finds the functions of the libraries that it is linked with. That
    of a wheel contains a libcurl, which it does not export; the wheel's bill of materials has its
    version.
    """
    try:
        function = library().curl_version_info
    except AttributeError:
        for bill in Path(_path()).parent.parent.glob("thinkwire-*.dist-info/sboms/*.json"):
            components = json.loads(bill.read_text(encoding="utf-8"))["components"]
            versions = {component["name"]: component["version"] for component in components}
            yield "libcurl", versions["curl"]
            yield "TLS", f"mbedtls/{versions['mbedtls']}"
        return
    function.restype = ctypes.POINTER(_CurlInfo)
    info: _CurlInfo = function(0).contents
    yield "libcurl", _text(info.version)
    yield "TLS", _text(info.ssl_version)


def _text(value: Optional[bytes]) -> str:
    return value.decode("utf-8", "replace") if value else "none"


def _endpoint(base_url: Optional[str]) -> int:
    """Requests the list of models, prints the result and returns the exit status."""
    lines: list[str] = []
    try:
        with Client(base_url, timeout=_PATIENCE, max_retries=0, log=lines.append) as client:
            models = client.models()
    except Error as error:
        answers = "answers, with an error" if error.http_status else "does not answer"
        result, status = f"{answers}: {error}" if lines else f"{error}", 1
    else:
        milliseconds = (models.reply.timing.total or 0) * 1000
        result, status = f"answers in {milliseconds:.0f} ms with {len(models)} models", 0
    # The first line of the log is "GET URL". Nothing is logged if nothing could be sent.
    url = lines[0].partition(" ")[2] + " " if lines else ""
    print(f"{'endpoint':12} {url}{result}")
    return status


if __name__ == "__main__":
    sys.exit(main())
