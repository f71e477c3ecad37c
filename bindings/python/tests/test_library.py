"""Loading the library: where it is searched for, which versions fit, and the error messages."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import thinkwire
from conftest import PACKAGE
from thinkwire._library import compatible

#: The version of the header in this checkout.
VERSION = thinkwire.__version__

PROGRAM = """
import thinkwire
try:
    version = thinkwire.library_version()
    assert thinkwire.__version__ == version
    print(version)
except thinkwire.LibraryError as error:
    assert isinstance(error, (thinkwire.Error, ImportError))
    print("LibraryError:", error)
"""


def run(cwd: Path, **environment: str) -> str:
    """Returns the output of PROGRAM in a directory with the package.

    Only the given variables influence which library it loads.
    """
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name not in ("THINKWIRE_LIBRARY", "LD_LIBRARY_PATH")
    }
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=cwd,
        env={**inherited, **environment},
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
    """A directory with a copy of the package and with its metadata, as installed by pip."""
    shutil.copytree(
        PACKAGE / "thinkwire",
        tmp_path / "thinkwire",
        ignore=shutil.ignore_patterns("__pycache__", "*.so*"),
    )
    metadata = tmp_path / f"thinkwire-{VERSION}.dist-info" / "METADATA"
    metadata.parent.mkdir()
    metadata.write_text(f"Metadata-Version: 2.1\nName: thinkwire\nVersion: {VERSION}\n")
    return tmp_path


def test_library_and_package_have_the_same_version(built: Path) -> None:
    assert thinkwire.library_version() == thinkwire.__version__


def test_unknown_module_attribute_is_an_error() -> None:
    with pytest.raises(AttributeError, match="thinkwire.*no_such_name"):
        _ = thinkwire.no_such_name  # type: ignore[attr-defined]


@pytest.mark.slow
def test_library_is_loaded_from_the_environment_variable(built: Path, copy: Path) -> None:
    assert run(copy, THINKWIRE_LIBRARY=str(built)) == VERSION


@pytest.mark.slow
def test_library_is_loaded_from_the_package_directory(built: Path, copy: Path) -> None:
    shutil.copy(built, copy / "thinkwire" / "libthinkwire.so.0")
    assert run(copy) == VERSION


@pytest.mark.slow
def test_library_is_loaded_from_the_system(built: Path, copy: Path) -> None:
    (copy / "system").mkdir()
    shutil.copy(built, copy / "system" / "libthinkwire.so.0")
    assert run(copy, LD_LIBRARY_PATH=str(copy / "system")) == VERSION


@pytest.mark.slow
def test_environment_variable_is_the_only_candidate(built: Path, copy: Path) -> None:
    shutil.copy(built, copy / "thinkwire" / "libthinkwire.so.0")
    output = run(copy, THINKWIRE_LIBRARY="/no/such/libthinkwire.so")
    assert output.startswith(
        "LibraryError: THINKWIRE_LIBRARY is '/no/such/libthinkwire.so', which cannot be loaded:"
    )


@pytest.mark.slow
def test_other_library_is_rejected(copy: Path) -> None:
    assert (
        run(copy, THINKWIRE_LIBRARY="libc.so.6")
        == "LibraryError: libc.so.6 is not libthinkwire: it has no tw_version"
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    "source, message",
    [
        (
            'const char *tw_version(void) { return "9.0.0"; }',
            "is libthinkwire 9.0.0; this package needs",
        ),
        (f'const char *tw_version(void) {{ return "{VERSION}"; }}', "lacks a function"),
    ],
)
def test_incompatible_library_is_rejected(copy: Path, source: str, message: str) -> None:
    other = copy / "libother.so"
    command = [os.environ.get("CC", "cc"), "-shared", "-fPIC", "-x", "c", "-", "-o", str(other)]
    subprocess.run(command, input=source, text=True, check=True)
    assert message in run(copy, THINKWIRE_LIBRARY=str(other))


@pytest.mark.slow
def test_copy_without_metadata_has_the_version_of_the_library(built: Path, copy: Path) -> None:
    shutil.rmtree(copy / f"thinkwire-{VERSION}.dist-info")
    assert run(copy, THINKWIRE_LIBRARY=str(built)) == VERSION


@pytest.mark.slow
def test_missing_library_is_reported(copy: Path) -> None:
    output = run(copy)
    assert output.startswith("LibraryError: libthinkwire was not found")
    assert "THINKWIRE_LIBRARY" in output


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
def test_version_compatibility(library: str, header: str, expected: bool) -> None:
    assert compatible(library, header) is expected


@pytest.mark.slow
def test_import_does_not_load_the_library(copy: Path) -> None:
    """A program may set THINKWIRE_LIBRARY after the import."""
    done = subprocess.run(
        [sys.executable, "-c", "import thinkwire"],
        cwd=copy,
        env={"THINKWIRE_LIBRARY": "/no/such"},
        check=True,
    )
    assert done.returncode == 0
