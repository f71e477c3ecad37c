"""Supplies the version of the package, and builds libthinkwire into it.

The version is TW_VERSION in include/thinkwire.h. The library is built in a checkout of the
repository if Swift is installed. A package without it uses a library that is installed.
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

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parent.parent
BUILT = CHECKOUT / ".build" / "release"
#: The name of the built library, and its name in the package.
FILE, NAME = (
    ("libthinkwire.dylib", "libthinkwire.0.dylib")
    if sys.platform == "darwin"
    else ("libthinkwire.so", "libthinkwire.so.0")
)


def version() -> str:
    """Reads the version from the header, or from the metadata of an sdist, which has no header."""
    header = CHECKOUT / "include" / "thinkwire.h"
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
        and (CHECKOUT / "Package.swift").exists()
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
    if subprocess.run(command, cwd=CHECKOUT).returncode != 0:
        raise SystemExit(
            "setup.py: libthinkwire cannot be built (see above); it needs Swift 6.3 and the "
            f"headers of libcurl, which `{CHECKOUT / '.ci' / 'setup'} build` installs. To use a "
            "library that is built already, set THINKWIRE_LIBRARY to its path"
        )
    return BUILT / FILE


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


class PlatformDistribution(Distribution):
    """A package whose wheel is for one platform, if it contains the library."""

    def has_ext_modules(self) -> bool:
        return packaged() or buildable()


class PlatformWheel(bdist_wheel):
    """A wheel for every version of Python, because the library does not use Python."""

    def get_tag(self) -> tuple[str, str, str]:
        _, _, platform = super().get_tag()
        return "py3", "none", platform


setup(
    version=version(),
    cmdclass={"build_py": BuildWithLibrary, "bdist_wheel": PlatformWheel},
    distclass=PlatformDistribution,
)
