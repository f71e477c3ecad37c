"""Lists the files that the checks in this directory read."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
# Without git, directories of these kinds are taken for build products and caches.
GENERATED = re.compile(r"\.(?!ci$|github$).*|__pycache__|build|.*\.egg-info")
# Bytes as providers send them, inputs found by the fuzzer, and a model. They are data, not text.
DATA = (
    "Tests/corpus/cases/",
    "Tests/fuzz/findings/",
    "Tests/real/model/",
    "Sources/thinkwire-mock/recordings/",
)


def listed_by_git(root: Path) -> list[str]:
    """Paths of all files that git tracks or would track; empty if `root` is no work tree."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    try:
        done = subprocess.run(command, cwd=root, capture_output=True, text=True)
    except FileNotFoundError:
        return []
    return [path for path in done.stdout.split("\0") if path] if done.returncode == 0 else []


def walked(root: Path) -> list[str]:
    """Paths of all files below `root`, without those of generated directories."""
    found = []
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if not GENERATED.fullmatch(name)]
        found += [str((Path(folder) / name).relative_to(root)) for name in names]
    return found


def files(root: Path = ROOT) -> list[str]:
    """Paths of the repository's own files, relative to `root`, sorted, without recorded data."""
    paths = listed_by_git(root) or walked(root)
    return sorted(path for path in set(paths) if is_source(root, path))


def is_source(root: Path, path: str) -> bool:
    """Whether the path is an existing file that people write."""
    return not path.startswith(DATA) and (root / path).is_file()


def lines(root: Path, path: str) -> list[str]:
    """The lines of a file, without their line ends."""
    return (root / path).read_text(encoding="utf-8", errors="replace").split("\n")


def is_shell(root: Path, path: str) -> bool:
    """Whether the file is a shell script, by its name or its first line."""
    if path.endswith(".sh"):
        return True
    if Path(path).suffix:
        return False
    with open(root / path, "rb") as file:
        return file.read(64).startswith((b"#!/bin/sh", b"#!/bin/bash"))
