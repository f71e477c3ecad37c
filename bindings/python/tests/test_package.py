"""Building the package: the version comes from the header, and from the metadata of an sdist."""

from __future__ import annotations

import email
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import thinkwire
from conftest import PACKAGE, ROOT

BUILD_SDIST = """
import sys
import setuptools.build_meta
setuptools.build_meta.build_sdist(sys.argv[1])
"""


def build_sdist(source: Path, output: Path) -> Path:
    """Builds an sdist and returns the directory in which it was unpacked."""
    output.mkdir()
    subprocess.run(
        [sys.executable, "-c", BUILD_SDIST, str(output)],
        cwd=source,
        check=True,
        capture_output=True,
    )
    (archive,) = output.glob("*.tar.gz")
    subprocess.run(["tar", "-xzf", str(archive)], cwd=output, check=True)
    return output / archive.name[: -len(".tar.gz")]


def metadata_version(sdist: Path) -> str:
    metadata = email.message_from_string((sdist / "PKG-INFO").read_text(encoding="utf-8"))
    return str(metadata["Version"])


@pytest.mark.slow
def test_sdist_has_the_version_of_the_header_and_can_be_built_without_it(tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info", "build", "*.so*", "tests", ".*")
    shutil.copytree(PACKAGE, checkout / "bindings" / "python", ignore=ignored)
    (checkout / "include").mkdir()
    shutil.copy(ROOT / "include" / "thinkwire.h", checkout / "include")
    sdist = build_sdist(checkout / "bindings" / "python", tmp_path / "first")
    assert metadata_version(sdist) == thinkwire.__version__
    rebuilt = build_sdist(sdist, tmp_path / "second")
    assert metadata_version(rebuilt) == thinkwire.__version__
    assert (rebuilt / "thinkwire" / "py.typed").exists()


@pytest.mark.slow
def test_build_without_header_or_metadata_fails_with_a_message(tmp_path: Path) -> None:
    shutil.copy(PACKAGE / "setup.py", tmp_path)
    result = subprocess.run(
        [sys.executable, "setup.py", "--version"], cwd=tmp_path, capture_output=True, text=True
    )
    assert result.returncode != 0
    assert "thinkwire.h not found" in result.stderr
