"""Supplies the version of the package, and builds libthinkwire into it.

The version is TW_VERSION in include/thinkwire.h. The library is built if Swift is installed, in a
checkout of the repository or in an sdist, which contains its sources. A package without it uses a
library that is installed.
"""

import ctypes
import email
import os
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

from setuptools import Distribution, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_py import build_py
from setuptools.command.sdist import sdist

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parent.parent
#: What the library is built from: files of the checkout, which an sdist has in its directory
#: "library".
SOURCES = ["Package.swift", "LICENSE", "include", "Sources", "Tests/unit"]
LIBRARY = HERE / "library" if (HERE / "library").is_dir() else CHECKOUT
#: The name of the built library, and its name in the package.
FILE, NAME = (
    ("libthinkwire.dylib", "libthinkwire.0.dylib")
    if sys.platform == "darwin"
    else ("libthinkwire.so", "libthinkwire.so.0")
)


def version() -> str:
    """Reads the version from the header, or from the metadata of an sdist, which has no header."""
    header = LIBRARY / "include" / "thinkwire.h"
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


def packaged() -> bool:
    """Whether the sources of the package contain the library."""
    return any((HERE / "thinkwire").glob("libthinkwire*"))


def buildable() -> bool:
    """Whether the library is to be built: not if the user has chosen another one."""
    return (
        not packaged()
        and not os.environ.get("THINKWIRE_LIBRARY")
        and (LIBRARY / "Package.swift").exists()
        and shutil.which("swift") is not None
    )


def installed() -> bool:
    """Whether the package will find a library that it does not contain."""
    try:
        ctypes.CDLL(os.environ.get("THINKWIRE_LIBRARY") or NAME)
    except OSError:
        return False
    return True


def build_library() -> Path:
    """Builds the library as the Makefile does, and returns its path."""
    command = ["swift", "build", "-c", "release", "--disable-local-rpath", "--product", "thinkwire"]
    print(f"building libthinkwire: {' '.join(command)}", flush=True)
    if subprocess.run(command, cwd=LIBRARY).returncode != 0:
        raise SystemExit(
            "setup.py: libthinkwire cannot be built (see above); it needs Swift 6.3 and the "
            "headers of libcurl (Debian: libcurl4-openssl-dev). To use a library that is built "
            "already, set THINKWIRE_LIBRARY to its path"
        )
    return LIBRARY / ".build" / "release" / FILE


class BuildWithLibrary(build_py):
    """Copies the modules and the library."""

    def run(self) -> None:
        library = build_library() if buildable() else None
        if not (library or packaged() or installed()):
            raise SystemExit(
                "setup.py: libthinkwire is neither here nor installed, and cannot be built because "
                "Swift is not installed. Install Swift 6.3 (https://www.swift.org/install) and "
                "repeat this command in a checkout of the repository; or install libthinkwire; or "
                "set THINKWIRE_LIBRARY to its path"
            )
        super().run()
        # An editable package finds the library in the checkout.
        if library and not getattr(self, "editable_mode", False):
            shutil.copy(library, Path(self.build_lib) / "thinkwire" / NAME)


class SourcesWithLibrary(sdist):
    """Adds the sources of the library, if they are here."""

    def make_release_tree(self, base_dir: str, files: list[str]) -> None:
        super().make_release_tree(base_dir, files)
        ignored = shutil.ignore_patterns("__pycache__")
        for name in SOURCES if (LIBRARY / "Package.swift").exists() else []:
            source, target = LIBRARY / name, Path(base_dir) / "library" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, target, ignore=ignored)
            else:
                shutil.copy(source, target)


class PlatformDistribution(Distribution):
    """A package whose wheel is for one platform, if it contains the library."""

    def has_ext_modules(self) -> bool:
        return packaged() or buildable()


class PlatformWheel(bdist_wheel):
    """A wheel for every version of Python, because the library does not use Python."""

    def get_tag(self) -> tuple[str, str, str]:
        _, _, platform = super().get_tag()
        return "py3", "none", platform

    def write_wheelfile(self, wheelfile_base: str, *arguments: str) -> None:
        """Also adds the bills of materials of what the library contains (PEP 770)."""
        super().write_wheelfile(wheelfile_base, *arguments)
        if (HERE / "sboms").is_dir():
            shutil.copytree(HERE / "sboms", Path(wheelfile_base) / "sboms")


setup(
    version=version(),
    cmdclass={
        "build_py": BuildWithLibrary,
        "sdist": SourcesWithLibrary,
        "bdist_wheel": PlatformWheel,
    },
    distclass=PlatformDistribution,
)
