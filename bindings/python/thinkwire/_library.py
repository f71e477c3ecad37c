"""Finds libthinkwire, loads it once, and checks that it is the one this package was written for."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Optional

from . import _abi, _fork
from .errors import LibraryError

_loaded: Optional[ctypes.CDLL] = None

_NAMES = (
    ("libthinkwire.0.dylib", "libthinkwire.dylib")
    if sys.platform == "darwin"
    else ("libthinkwire.so.0", "libthinkwire.so")
)


def library() -> ctypes.CDLL:
    """The library, loaded by the first call; LibraryError says what to do when it cannot be."""
    global _loaded
    if _loaded is None:
        with _fork.lock:
            if _loaded is None:
                _loaded = _load()
    return _loaded


def _load() -> ctypes.CDLL:
    named = os.environ.get("THINKWIRE_LIBRARY")
    if named:
        try:
            return _checked(ctypes.CDLL(named), named)
        except OSError as error:
            raise LibraryError(
                f"THINKWIRE_LIBRARY is {named!r}, which does not load: {error}"
            ) from error
    failures = []
    for path in _candidates():
        try:
            return _checked(ctypes.CDLL(path), path)
        except OSError as error:
            failures.append(str(error))
    raise LibraryError(
        f"libthinkwire was not found beside {Path(__file__).parent} nor in the system; install it, "
        f"or set THINKWIRE_LIBRARY to its path ({'; '.join(failures)})"
    )


def _candidates() -> Iterator[str]:
    """Where to look when the environment does not say: a library beside this file wins over the system's."""
    yield from (str(path) for path in map(Path(__file__).with_name, _NAMES) if path.exists())
    yield from _NAMES
    from ctypes.util import (
        find_library,
    )  # It runs other programs: only when nothing else has helped.

    system = find_library("thinkwire")
    if system:
        yield system


def _checked(found: ctypes.CDLL, path: str) -> ctypes.CDLL:
    try:
        found.tw_version.restype = ctypes.c_char_p
        version = found.tw_version().decode()
    except AttributeError as error:
        raise LibraryError(f"{path} is not libthinkwire: it has no tw_version") from error
    if not compatible(version, _abi.VERSION):
        raise LibraryError(
            f"{path} is libthinkwire {version}; this package needs {_abi.VERSION} or a later compatible one"
        )
    try:
        _abi.bind(found)
    except AttributeError as error:
        raise LibraryError(
            f"{path} says it is libthinkwire {version} but is not whole: {error}"
        ) from error
    return found


def compatible(library: str, header: str) -> bool:
    """Whether a library of that version serves a header of this one: no older, and of the same major version (while that is 0,
    of the same minor one too), because only those keep what they promise."""
    try:
        have, need = (
            tuple(int(part) for part in version.split("-")[0].split("."))
            for version in (library, header)
        )
    except ValueError:
        return False
    kept = 2 if need[0] == 0 else 1
    return have[:kept] == need[:kept] and have >= need
