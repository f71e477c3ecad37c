"""Finds libthinkwire, loads it once and checks that its version fits this package."""

from __future__ import annotations

import ctypes
import os
import sys

from . import _abi, _fork
from ._typing import TYPE_CHECKING, Optional
from ._version import PACKAGE, checkout, package_version
from .errors import LibraryError

if TYPE_CHECKING:
    from collections.abc import Iterator

_loaded: Optional[ctypes.CDLL] = None

_NAMES = (
    ("libthinkwire.0.dylib", "libthinkwire.dylib")
    if sys.platform == "darwin"
    else ("libthinkwire.so.0", "libthinkwire.so")
)


def library() -> ctypes.CDLL:
    """Returns the library, which the first call loads. Raises LibraryError with instructions."""
    global _loaded
    if _loaded is None:
        with _fork.lock:
            if _loaded is None:
                _loaded = _load()
    return _loaded


def _load() -> ctypes.CDLL:
    configured = os.environ.get("THINKWIRE_LIBRARY")
    if configured:
        try:
            return _checked(ctypes.CDLL(configured), configured)
        except OSError as error:
            raise LibraryError(
                f"THINKWIRE_LIBRARY is {configured!r}, which cannot be loaded: {error}"
            ) from error
    failures = []
    for path in _candidates():
        try:
            return _checked(ctypes.CDLL(path), path)
        except OSError as error:
            failures.append(str(error))
    raise LibraryError(
        f"libthinkwire was not found in {PACKAGE} or on the system; install it "
        f"(`make install` in the repository, or `pip install` from it where Swift is installed), "
        f"or set THINKWIRE_LIBRARY to its path ({'; '.join(failures)})"
    )


def _candidates() -> Iterator[str]:
    """Yields the paths to try: in the package, in its checkout, then on the system."""
    directories = [PACKAGE]
    root = checkout()
    if root is not None:
        directories.append(os.path.join(root, ".build", "release"))
    for directory in directories:
        paths = (os.path.join(directory, name) for name in _NAMES)
        yield from filter(os.path.exists, paths)
    yield from _NAMES
    # Imported here because find_library runs other programs. It is the last resort.
    from ctypes.util import find_library

    system = find_library("thinkwire")
    if system:
        yield system


def _checked(loaded: ctypes.CDLL, path: str) -> ctypes.CDLL:
    try:
        loaded.tw_version.restype = ctypes.c_char_p
        version = loaded.tw_version().decode()
    except AttributeError as error:
        raise LibraryError(f"{path} is not libthinkwire: it has no tw_version") from error
    required = package_version()
    if required is not None and not compatible(version, required):
        raise LibraryError(
            f"{path} is libthinkwire {version}; "
            f"this package needs {required} or a later compatible version"
        )
    try:
        _abi.bind(loaded)
    except AttributeError as error:
        raise LibraryError(
            f"{path} reports libthinkwire {version} but lacks a function: {error}"
        ) from error
    return loaded


def compatible(library: str, header: str) -> bool:
    """Whether a library of one version can serve a caller of the header of another version.

    The library must not be older and must have the same major version (for 0.x, the same minor
    version as well), because only those versions keep the ABI compatible.
    """
    try:
        have, need = (
            tuple(int(part) for part in version.split("-")[0].split("."))
            for version in (library, header)
        )
    except ValueError:
        return False
    compared = 2 if need[0] == 0 else 1
    return have[:compared] == need[:compared] and have >= need
