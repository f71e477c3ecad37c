"""Supplies the version of the package, which is defined by TW_VERSION in include/thinkwire.h."""

import email
import runpy
from pathlib import Path

from setuptools import setup

HERE = Path(__file__).resolve().parent


def version() -> str:
    """Reads the version from the header, or from the metadata of an sdist, which has no header."""
    header = HERE.parent.parent / "include" / "thinkwire.h"
    metadata = HERE / "PKG-INFO"
    if header.exists():
        header_version = runpy.run_path(str(HERE / "thinkwire" / "_version.py"))["header_version"]
        return str(header_version(header.read_text(encoding="utf-8")))
    if metadata.exists():
        return str(email.message_from_string(metadata.read_text(encoding="utf-8"))["Version"])
    raise SystemExit(
        f"setup.py: {header} not found; build in a checkout of the repository, "
        "with pip 21.3 or later"
    )


setup(version=version())
