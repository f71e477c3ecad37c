#!/usr/bin/env python3
"""Builds the distributions of the Python package: wheels with the library in them, and the sdist.

wheel.py wheel ARCH LIBRARY LICENSES OUTPUT
wheel.py sdist OUTPUT

Needs setuptools. PROJECT_URL, the address of the repository, is written into the metadata, and
makes the relative links of the README absolute. SOURCE_DATE_EPOCH is the time of all files;
without it, the time of the last commit.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PACKAGE = "bindings/python"
SOURCES = ["Package.swift", "LICENSE", "include", "Sources", "Tests/unit", PACKAGE]
#: The C library that the library needs: fcntl64 is the newest function, from glibc 2.28.
PLATFORM = "manylinux_2_28_{}"
#: The licences of what the library of a wheel contains, as SPDX expressions.
LICENCES = {"curl": "curl", "mbedtls": "Apache-2.0", "nghttp2": "MIT", "zlib": "Zlib"}
#: Calls a hook of the build backend (PEP 517).
BUILD = """
import json, sys
from setuptools import build_meta
getattr(build_meta, sys.argv[1])(sys.argv[2], json.loads(sys.argv[3]))
"""


def git(*arguments: str) -> str:
    return subprocess.run(
        ["git", *arguments], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True
    ).stdout


def stage(folder: Path) -> Path:
    """Copies the sources, and returns the copy of the Python package."""
    names = git("ls-files", "--cached", "--others", "--exclude-standard", "-z", *SOURCES)
    for name in filter(None, names.split("\0")):
        if name.startswith(f"{PACKAGE}/tests/") or not (ROOT / name).exists():
            continue
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
        (folder / name).chmod(0o755 if os.access(ROOT / name, os.X_OK) else 0o644)
    package = folder / PACKAGE
    # setuptools finds files with this name.
    shutil.copy(ROOT / "LICENSE", package)
    return package


def add_urls(package: Path, url: str) -> None:
    """Writes the address of the repository into the metadata and the README."""
    text = (ROOT / "include/thinkwire.h").read_text(encoding="utf-8")
    version = re.search(r'^#define TW_VERSION "(.+)"$', text, re.MULTILINE)
    assert version, "include/thinkwire.h does not define TW_VERSION"
    with (package / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write(f'\n[project.urls]\nHomepage = "{url}"\n')
        file.write(f'Changelog = "{url}/blob/HEAD/.github/CHANGELOG.md"\n')

    def absolute(link: re.Match[str]) -> str:
        mark, label, target = link.groups()
        kind = "raw" if mark else "blob"
        path = os.path.normpath(f"{PACKAGE}/{target}")
        return f"{mark}[{label}]({url}/{kind}/v{version[1]}/{path})"

    readme = package / "README.md"
    text = readme.read_text(encoding="utf-8")
    text = re.sub(r"(!?)\[([^\]]*)\]\((?!https?:|#)([^)]+)\)", absolute, text)
    readme.write_text(text, encoding="utf-8")


def components() -> list[dict[str, object]]:
    """What the library of a wheel contains, as components of a bill of materials."""
    rows = (ROOT / "bindings/packaging/sources.txt").read_text().splitlines()
    sources = [row.split() for row in rows if not row.startswith("#")]
    return [
        {
            "type": "library",
            "name": name,
            "version": version.split(":")[-1],
            "purl": f"pkg:deb/debian/{name}@{version}?arch=source",
            "licenses": [{"expression": LICENCES[name]}],
        }
        for name, version, architecture, _ in sources
        if architecture == "source"
    ]


def add_library(package: Path, library: Path, licenses: Path) -> None:
    """Puts the library into the package, with the licences of what it contains."""
    shutil.copy(library, package / "thinkwire" / "libthinkwire.so.0")
    parts = components()
    for part in parts:
        shutil.copy(licenses / f"{part['name']}.txt", package / f"LICENSE.{part['name']}")
    expression = " AND ".join(dict.fromkeys(["MIT", *LICENCES.values()]))
    project = package / "pyproject.toml"
    text = project.read_text(encoding="utf-8")
    changed = text.replace('license = "MIT"', f'license = "{expression}"')
    assert changed != text, "pyproject.toml has another licence"
    project.write_text(changed, encoding="utf-8")
    bill = {"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "components": parts}
    (package / "sboms").mkdir()
    (package / "sboms/libthinkwire.cdx.json").write_text(json.dumps(bill, indent=1) + "\n")


def normalise(archive: Path, epoch: int) -> None:
    """Removes from an sdist what depends on the machine; wheels contain nothing of the kind."""
    with tarfile.open(archive) as old, archive.with_suffix(".new").open("wb") as file:
        with (
            gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=epoch) as zipped,
            tarfile.open(fileobj=zipped, mode="w") as new,
        ):
            for member in sorted(old, key=lambda member: member.name):
                member.mtime, member.uid, member.gid = epoch, 0, 0
                member.uname = member.gname = ""
                member.pax_headers = {}
                new.addfile(member, old.extractfile(member) if member.isfile() else None)
    archive.with_suffix(".new").replace(archive)


def main() -> None:
    parser = argparse.ArgumentParser(description="Builds a wheel or the sdist.")
    kinds = parser.add_subparsers(dest="kind", required=True)
    wheel = kinds.add_parser("wheel")
    wheel.add_argument("arch", choices=["x86_64", "aarch64"])
    wheel.add_argument("library", type=Path)
    wheel.add_argument("licenses", type=Path)
    wheel.add_argument("output", type=Path)
    sdist = kinds.add_parser("sdist")
    sdist.add_argument("output", type=Path)
    arguments = parser.parse_args()
    output = arguments.output.resolve()
    output.mkdir(parents=True, exist_ok=True)
    epoch = os.environ.get("SOURCE_DATE_EPOCH") or git("log", "-1", "--format=%ct").strip()
    settings = {}
    with tempfile.TemporaryDirectory(prefix="thinkwire-") as folder:
        package = stage(Path(folder))
        if url := os.environ.get("PROJECT_URL"):
            add_urls(package, url.rstrip("/"))
        if arguments.kind == "wheel":
            add_library(package, arguments.library, arguments.licenses)
            platform = PLATFORM.format(arguments.arch)
            settings = {"--build-option": [f"--plat-name={platform}"]}
        subprocess.run(
            [sys.executable, "-c", BUILD, f"build_{arguments.kind}", output, json.dumps(settings)],
            cwd=package,
            env={**os.environ, "SOURCE_DATE_EPOCH": epoch},
            check=True,
            stdout=subprocess.DEVNULL,
        )
    for archive in output.glob("*.tar.gz") if arguments.kind == "sdist" else []:
        normalise(archive, int(epoch))


if __name__ == "__main__":
    main()
