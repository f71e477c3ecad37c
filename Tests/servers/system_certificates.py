"""Runs a process for which another directory contains the system's certificates.

The library under test asks libcurl where the system's certificates are. libcurl answers with two
paths that were compiled into it. The process loads a copy of libcurl in which these paths are
relative, so that they refer to its working directory. This needs no privileges and no namespaces,
and works in chroots and containers. It does not depend on which calls of the C library libcurl and
OpenSSL make to find a certificate. (A preloaded library that intercepts the calls must know all of
them: OpenSSL 3.0.22 added `lstat`.) The kernel reports which files were opened (inotify).
"""

import contextlib
import ctypes
import os
import struct

#: The file of all certificates in Debian's directory of system certificates.
BUNDLE = "ca-certificates.crt"
_libc = ctypes.CDLL(None, use_errno=True)


class _VersionInfo(ctypes.Structure):
    """The seventh version of `curl_version_info_data` in <curl/curl.h>."""

    _fields_ = [
        ("age", ctypes.c_int),
        ("version", ctypes.c_char_p),
        ("version_num", ctypes.c_uint),
        ("host", ctypes.c_char_p),
        ("features", ctypes.c_int),
        ("ssl_version", ctypes.c_char_p),
        ("ssl_version_num", ctypes.c_long),
        ("libz_version", ctypes.c_char_p),
        ("protocols", ctypes.c_void_p),
        ("ares", ctypes.c_char_p),
        ("ares_num", ctypes.c_int),
        ("libidn", ctypes.c_char_p),
        ("iconv_ver_num", ctypes.c_int),
        ("libssh_version", ctypes.c_char_p),
        ("brotli_ver_num", ctypes.c_uint),
        ("brotli_version", ctypes.c_char_p),
        ("nghttp2_ver_num", ctypes.c_uint),
        ("nghttp2_version", ctypes.c_char_p),
        ("quic_version", ctypes.c_char_p),
        ("cainfo", ctypes.c_char_p),
        ("capath", ctypes.c_char_p),
    ]


def copy_libcurl(directory):
    """Copies libcurl into `directory`. The copy finds system certificates in "." and ./BUNDLE."""
    libcurl = ctypes.CDLL("libcurl.so.4")
    libcurl.curl_version_info.restype = ctypes.POINTER(_VersionInfo)
    info = libcurl.curl_version_info(6).contents  # CURLVERSION_SEVENTH: has cainfo and capath.
    assert info.age >= 6 and info.cainfo and info.capath, (
        "this libcurl was built without a file and a directory of system certificates: "
        "install Debian's libcurl4"
    )
    with open(_path_of(libcurl.curl_version_info), "rb") as file:
        code = file.read()
    for built_in, local in ((info.capath, b"."), (info.cainfo, f"./{BUNDLE}".encode())):
        string = b"\0" + built_in + b"\0"
        count = code.count(string)
        assert len(local) <= len(built_in) and count == 1, (
            f"cannot replace libcurl's built-in path {built_in!r}, which occurs {count} times"
        )
        code = code.replace(string, b"\0" + local.ljust(len(built_in) + 1, b"\0"))
    (directory / "libcurl.so.4").write_bytes(code)


def _path_of(function):
    """The file that a loaded function comes from."""
    address = ctypes.cast(function, ctypes.c_void_p).value
    with open("/proc/self/maps", encoding="utf-8") as maps:
        for line in maps:
            fields = line.split(maxsplit=5)
            start, end = (int(bound, 16) for bound in fields[0].split("-"))
            if start <= address < end:
                return fields[5].rstrip("\n")
    raise AssertionError("a loaded function is not in /proc/self/maps")


@contextlib.contextmanager
def opened_files(directory):
    """Yields a list. After the block, it contains a file's name for each time that the file was
    opened for reading. `directory`: the directory that is watched, without subdirectories.
    """
    names = []
    opened, closed, is_directory = 0x20, 0x10, 0x40000000  # IN_OPEN, IN_CLOSE_NOWRITE, IN_ISDIR
    queue = _libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
    assert queue >= 0, f"inotify_init1: {os.strerror(ctypes.get_errno())}"
    try:
        # Closing is watched too: the kernel merges equal events in succession.
        watch = _libc.inotify_add_watch(queue, os.fsencode(directory), opened | closed)
        assert watch >= 0, f"inotify_add_watch: {os.strerror(ctypes.get_errno())}"
        yield names
        with contextlib.suppress(BlockingIOError):
            while events := os.read(queue, 65536):
                while events:
                    _, mask, _, length = struct.unpack_from("iIII", events)
                    name = events[16 : 16 + length].rstrip(b"\0").decode()
                    if mask & opened and not mask & is_directory:
                        names.append(name)
                    events = events[16 + length :]
    finally:
        os.close(queue)
