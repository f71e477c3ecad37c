#!/usr/bin/env python3
"""Checks that each Swift module imports only the modules that it may depend on.

imports.py [ROOT]: prints one line for each violation and exits with 1 if there are any.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from sources import ROOT, files, lines

# A module and the modules that it may import. The layers, from the top:
# Thinkwire, Engine, Chat and Transport (independent of each other), Base, CPlatform.
ALLOWED = {
    "Base": {"CPlatform", "Synchronization"},
    "Chat": {"Base", "CThinkwire", "CPlatform"},
    "Transport": {"Base", "CPlatform", "Synchronization"},
    "Engine": {"Base", "Chat", "Transport", "CPlatform", "CThinkwire", "Synchronization"},
    "Thinkwire": {"Base", "Chat", "Engine", "CPlatform", "CThinkwire"},
    "thinkwire-mock": {"Base", "Chat", "Transport", "CMock", "CPlatform"},
}
# `@testable import struct Base.ByteBuffer` and any simpler form.
IMPORT = re.compile(
    r"^\s*(?:@\w+(?:\([^)]*\))?\s+)*(?:(?:public|package|internal|fileprivate|private)\s+)?"
    r"import\s+(?:(?:typealias|struct|class|enum|protocol|let|var|func)\s+)?(\w+)"
)


def problems(root: Path = ROOT) -> Iterator[str]:
    for path in files(root):
        parts = Path(path).parts
        if parts[0] != "Sources" or not path.endswith(".swift"):
            continue
        module = parts[1]
        if module not in ALLOWED:
            yield f"{path}: module {module} is not in the table of Tests/check/imports.py"
            continue
        for number, line in enumerate(lines(root, path), 1):
            found = IMPORT.match(line)
            if found and found[1] not in ALLOWED[module]:
                yield f"{path}:{number}: {module} must not import {found[1]}"


if __name__ == "__main__":
    found = list(problems(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT))
    print("\n".join(found) or "imports: every module imports only what it may")
    sys.exit(1 if found else 0)
