"""Finding the library: where it is looked for, and what is said when it is not there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import thinkwire
from conftest import PACKAGE
from thinkwire import _abi
from thinkwire._library import compatible

TRY = """
import thinkwire
try:
    print(thinkwire.library_version())
except thinkwire.LibraryError as error:
    assert isinstance(error, (thinkwire.Error, ImportError))
    print("LibraryError:", error)
"""


def run(cwd: Path, **environment: str) -> str:
    """What the program above prints where that directory has the package, with only these variables about libraries set."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in ("THINKWIRE_LIBRARY", "LD_LIBRARY_PATH")
    }
    done = subprocess.run(
        [sys.executable, "-c", TRY],
        cwd=cwd,
        env={**kept, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


@pytest.fixture
def built() -> Path:
    path = Path(os.environ["THINKWIRE_LIBRARY"])
    assert path.exists(), "libthinkwire is not built"
    return path


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A directory with a copy of the package."""
    shutil.copytree(
        PACKAGE / "thinkwire",
        tmp_path / "thinkwire",
        ignore=shutil.ignore_patterns("__pycache__", "*.so*"),
    )
    return tmp_path


def test_the_version_is_told(built: Path) -> None:
    assert thinkwire.library_version() == thinkwire.__version__ == _abi.VERSION


def test_by_name(built: Path, copy: Path) -> None:
    assert run(copy, THINKWIRE_LIBRARY=str(built)) == _abi.VERSION


def test_beside_itself(built: Path, copy: Path) -> None:
    shutil.copy(built, copy / "thinkwire" / "libthinkwire.so.0")
    assert run(copy) == _abi.VERSION


def test_in_the_system(built: Path, copy: Path) -> None:
    (copy / "system").mkdir()
    shutil.copy(built, copy / "system" / "libthinkwire.so.0")
    assert run(copy, LD_LIBRARY_PATH=str(copy / "system")) == _abi.VERSION


def test_a_name_that_does_not_load_is_named_and_nothing_else_tried(built: Path, copy: Path) -> None:
    shutil.copy(built, copy / "thinkwire" / "libthinkwire.so.0")
    said = run(copy, THINKWIRE_LIBRARY="/no/such/libthinkwire.so")
    assert said.startswith(
        "LibraryError: THINKWIRE_LIBRARY is '/no/such/libthinkwire.so', which does not load:"
    )


def test_another_library_is_told_from_ours(copy: Path) -> None:
    assert (
        run(copy, THINKWIRE_LIBRARY="libc.so.6")
        == "LibraryError: libc.so.6 is not libthinkwire: it has no tw_version"
    )


@pytest.mark.parametrize(
    "source, said",
    [
        (
            'const char *tw_version(void) { return "9.0.0"; }',
            "is libthinkwire 9.0.0; this package needs",
        ),
        (f'const char *tw_version(void) {{ return "{_abi.VERSION}"; }}', "is not whole"),
    ],
)
def test_a_library_of_another_version_is_refused(copy: Path, source: str, said: str) -> None:
    made = copy / "libother.so"
    command = [os.environ.get("CC", "cc"), "-shared", "-fPIC", "-x", "c", "-", "-o", str(made)]
    subprocess.run(command, input=source, text=True, check=True)
    assert said in run(copy, THINKWIRE_LIBRARY=str(made))


def test_nowhere(copy: Path) -> None:
    said = run(copy)
    assert (
        said.startswith("LibraryError: libthinkwire was not found") and "THINKWIRE_LIBRARY" in said
    )


@pytest.mark.parametrize(
    "library, header, expected",
    [
        ("0.1.0", "0.1.0", True),
        ("0.1.9", "0.1.0", True),
        ("0.1.0", "0.1.1", False),
        ("0.2.0", "0.1.0", False),
        ("1.2.0", "1.1.5", True),
        ("1.1.5", "1.2.0", False),
        ("2.0.0", "1.1.5", False),
        ("0.1.0-dev", "0.1.0", True),
        ("", "0.1.0", False),
    ],
)
def test_which_versions_go_together(library: str, header: str, expected: bool) -> None:
    assert compatible(library, header) is expected


def test_importing_loads_nothing(copy: Path) -> None:
    """A program may import it before it has set THINKWIRE_LIBRARY, and pays for what it uses."""
    done = subprocess.run(
        [sys.executable, "-c", "import thinkwire"],
        cwd=copy,
        env={"THINKWIRE_LIBRARY": "/no/such"},
        check=True,
    )
    assert done.returncode == 0
