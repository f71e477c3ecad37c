"""The version of this package, which is the version of the C header that `_abi` mirrors.

The number is written in one place, TW_VERSION in include/thinkwire.h. `setup.py` copies it into the
metadata of the distribution when the package is built.
"""

from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import Optional

_PACKAGE = Path(__file__).resolve().parent
_CHECKOUT_PATH = ("bindings", "python", "thinkwire")


def is_checkout() -> bool:
    """Whether the package is used in a checkout of the repository, without being installed."""
    return _PACKAGE.parts[-3:] == _CHECKOUT_PATH


@functools.cache
def package_version() -> Optional[str]:
    """Returns the version of the package, or None for a copy without metadata.

    A source checkout reads the header next to it, because the metadata found by the interpreter may
    belong to another, installed version.
    """
    if is_checkout():
        header = _PACKAGE.parents[2] / "include" / "thinkwire.h"
        if header.exists():
            return header_version(header.read_text(encoding="utf-8"))
    # importlib.metadata would find it too, but importing that takes longer than the whole package.
    for metadata in _PACKAGE.parent.glob("thinkwire-*.dist-info/METADATA"):
        found = re.search(r"^Version: (.+)$", metadata.read_text(encoding="utf-8"), re.MULTILINE)
        if found:
            return found.group(1)
    return None


def header_version(header: str) -> str:
    """Returns the value of TW_VERSION in the text of the header."""
    found = re.search(r'^#define TW_VERSION "(.+)"$', header, re.MULTILINE)
    if found is None:
        raise ValueError("include/thinkwire.h does not define TW_VERSION")
    return found.group(1)
