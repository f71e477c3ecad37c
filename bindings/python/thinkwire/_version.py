"""The version of this package, which is the version of the C header that `_abi` mirrors.

The number is written in one place, TW_VERSION in include/thinkwire.h. `setup.py` copies it into the
metadata of the distribution when the package is built.
"""

from __future__ import annotations

import os

#: The directory of this package.
PACKAGE = os.path.dirname(os.path.realpath(__file__))
_CHECKOUT_PATH = os.path.join(os.sep, "bindings", "python", "thinkwire")
_HEADER_LINE = "#define TW_VERSION "
_METADATA_LINE = "Version: "


# setup.py executes this file outside of its package, so it imports nothing of the package.
def checkout() -> str | None:
    """Returns the checkout of the repository that the package is used in; None if installed."""
    if not PACKAGE.endswith(_CHECKOUT_PATH):
        return None
    return PACKAGE[: -len(_CHECKOUT_PATH)] or os.sep


#: The result of package_version().
_known: list[str | None] = []


def package_version() -> str | None:
    """Returns the version of the package, or None for a copy without metadata.

    A source checkout reads the header next to it, because the metadata found by the interpreter may
    belong to another, installed version.
    """
    if not _known:
        _known.append(_package_version())
    return _known[0]


def _package_version() -> str | None:
    root = checkout()
    if root is not None:
        header = os.path.join(root, "include", "thinkwire.h")
        if os.path.exists(header):
            return header_version(_read(header))
    # importlib.metadata would find it too, but importing that takes longer than the whole package.
    directory = os.path.dirname(PACKAGE)
    for name in _names(directory):
        metadata = os.path.join(directory, name, "METADATA")
        if name.startswith("thinkwire-") and name.endswith(".dist-info"):
            version = _value(_METADATA_LINE, _read(metadata)) if os.path.exists(metadata) else None
            if version is not None:
                return version
    return None


def header_version(header: str) -> str:
    """Returns the value of TW_VERSION in the text of the header."""
    version = _value(_HEADER_LINE, header)
    if version is None:
        raise ValueError("include/thinkwire.h does not define TW_VERSION")
    return version.strip('"')


def _value(beginning: str, text: str) -> str | None:
    """Returns the rest of the first line that has this beginning; None without such a line."""
    lines = (line for line in text.splitlines() if line.startswith(beginning))
    found = next(lines, None)
    return None if found is None else found[len(beginning) :]


def _names(directory: str) -> list[str]:
    """Returns the names in a directory; none if it cannot be read, as in a zip archive."""
    try:
        return os.listdir(directory)
    except OSError:
        return []


def _read(path: str) -> str:
    with open(path, encoding="utf-8") as file:
        return file.read()
