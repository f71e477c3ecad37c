"""`pip install` of the source tree: it builds the library with Swift, or says what to do."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import thinkwire
from conftest import PACKAGE, ROOT

#: Stands for the compiler: takes the library from the build that is tested.
SWIFT = """#!/bin/sh
echo "$@" > arguments
mkdir -p .build/release
cp "$BUILT_LIBRARY" .build/release/libthinkwire.so
"""

BROKEN_SWIFT = """#!/bin/sh
echo "error: no such module" >&2
exit 1
"""

#: What pip runs.
BUILD_WHEEL = "import setuptools.build_meta; setuptools.build_meta.build_wheel('wheels')"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the parts of the repository that the package is built from."""
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info", "build", "*.so*", "tests", ".*")
    checkout = tmp_path / "checkout"
    shutil.copytree(PACKAGE, checkout / "bindings" / "python", ignore=ignored)
    (checkout / "include").mkdir()
    shutil.copy(ROOT / "include" / "thinkwire.h", checkout / "include")
    shutil.copy(ROOT / "Package.swift", checkout)
    return checkout


def run_python(
    checkout: Path, *arguments: str, swift: str = "", **environment: str
) -> subprocess.CompletedProcess[str]:
    """Runs Python in the package, with a PATH that contains only this program as Swift."""
    programs = checkout / "programs"
    programs.mkdir()
    if swift:
        (programs / "swift").write_text(swift)
        (programs / "swift").chmod(0o755)
    inherited = {name: value for name, value in os.environ.items() if name != "THINKWIRE_LIBRARY"}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=checkout / "bindings" / "python",
        env={
            **inherited,
            "PATH": f"{programs}:/usr/bin:/bin",
            "BUILT_LIBRARY": os.environ["THINKWIRE_LIBRARY"],
            **environment,
        },
        capture_output=True,
        text=True,
    )


@pytest.mark.slow
def test_installed_package_contains_the_library_that_swift_builds(checkout: Path) -> None:
    target = checkout / "installed"
    pip = ("-m", "pip", "install", "--target", str(target), ".", "--no-deps", "--no-index")
    options = ("--no-build-isolation", "--disable-pip-version-check", "--no-cache-dir")
    done = run_python(checkout, *pip, *options, swift=SWIFT)
    assert done.returncode == 0, done.stderr
    arguments = (checkout / "arguments").read_text()
    assert arguments == "build -c release --disable-local-rpath --product thinkwire\n"
    # The wheel is for this platform, and for every version of Python.
    (wheel,) = target.glob("thinkwire-*.dist-info/WHEEL")
    assert "Root-Is-Purelib: false" in wheel.read_text() and "Tag: py3-none-" in wheel.read_text()
    program = "import thinkwire; print(thinkwire.library_version(), thinkwire.__file__)"
    inherited = {name: value for name, value in os.environ.items() if name != "THINKWIRE_LIBRARY"}
    output = subprocess.run(
        [sys.executable, "-c", program],
        cwd=checkout,
        env={**inherited, "PYTHONPATH": str(target)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert output == f"{thinkwire.__version__} {target}/thinkwire/__init__.py\n"
    assert (target / "thinkwire" / "libthinkwire.so.0").exists()


@pytest.mark.slow
def test_chosen_library_is_not_built_again(checkout: Path) -> None:
    library = os.environ["THINKWIRE_LIBRARY"]
    done = run_python(checkout, "-c", BUILD_WHEEL, swift=BROKEN_SWIFT, THINKWIRE_LIBRARY=library)
    assert done.returncode == 0, done.stderr
    (wheel,) = checkout.glob("bindings/python/wheels/*-py3-none-any.whl")
    assert not any("libthinkwire" in name for name in zipfile.ZipFile(wheel).namelist())


@pytest.mark.slow
@pytest.mark.parametrize(
    "swift, message",
    [
        ("", "Swift is not installed. Install Swift 6.3"),
        (BROKEN_SWIFT, "libthinkwire cannot be built (see above); it needs Swift 6.3"),
    ],
)
def test_failure_says_what_to_do(checkout: Path, swift: str, message: str) -> None:
    done = run_python(checkout, "-c", BUILD_WHEEL, swift=swift)
    assert done.returncode != 0
    assert message in done.stderr and "set THINKWIRE_LIBRARY to its path" in done.stderr
    assert "Traceback" not in done.stderr
