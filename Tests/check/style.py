#!/usr/bin/env python3
"""Checks the limits that no formatter checks: columns, lengths, and where the version is written.

style.py [ROOT]: prints one line for each violation and exits with 1 if there are any.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from sources import ROOT, files, is_shell, lines

MAX_COLUMNS = 100
MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 70
SOURCES = {".swift", ".c", ".h", ".cpp", ".py"}
HEADER = "include/thinkwire.h"
# The changelog lists the changes of each version. The tests compare invented versions. The other
# files are written from the header, and checked by `make lint`.
MAY_NAME_VERSIONS = {
    HEADER,
    ".github/CHANGELOG.md",
    "bindings/python/tests/test_library.py",
    "bindings/thinkwire.json",
    "bindings/rust/src/ffi.rs",
    "bindings/csharp/src/Native.cs",
}

COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
STRING = re.compile(r'(#*)("""(?=\n)|")')
# A declaration with a body of statements. `init` after a dot is a call.
FUNCTION = re.compile(
    r"(?<![.\w`])(?:func\s+(?P<name>[^\s(<]+)"
    r"|(?P<kind>init|deinit|subscript)\b(?=[?!]?\s*(?:[(<]|\Z)))"
    r"|(?<![.\w`])var\s+(?P<variable>\w+)\s*:[^={}]*\Z"
)


def end_of_string(code: str, at: int, opening: re.Match[str]) -> int:
    """The index after the Swift string literal that `opening` begins; `at` is after its quotes."""
    hashes, quotes = opening.groups()
    closing = quotes + hashes
    escape = "\\" + hashes
    while at < len(code) and not code.startswith(closing, at):
        if code.startswith(escape + "(", at):
            at = end_of_interpolation(code, at + len(escape) + 1)
        else:
            at += len(escape) + 1 if code.startswith(escape, at) else 1
    return at + len(closing)


def end_of_interpolation(code: str, at: int) -> int:
    """The index after the parenthesis that ends an interpolation, which may hold strings."""
    depth = 1
    while depth and at < len(code):
        if opening := STRING.match(code, at):
            at = end_of_string(code, opening.end(), opening)
            continue
        depth += {"(": 1, ")": -1}.get(code[at], 0)
        at += 1
    return at


def blanked(code: str) -> str:
    """The code with comments and strings replaced by spaces. Line numbers stay the same."""
    result, at = [], 0
    while at < len(code):
        end = at + 1
        if comment := COMMENT.match(code, at):
            end = comment.end()
        elif opening := STRING.match(code, at):
            end = end_of_string(code, opening.end(), opening)
        piece = code[at:end]
        result.append(re.sub(r"[^\n]", " ", piece) if end > at + 1 else piece)
        at = end
    return "".join(result)


def functions(code: str) -> Iterator[tuple[str, int, int]]:
    """Name, first line and last line of each Swift function, initialiser and computed property."""
    code = blanked(code)
    open_braces: list[tuple[str, int] | None] = []
    header_start = 0
    for brace in re.finditer(r"[{}]", code):
        if brace.group() == "{":
            header = code[header_start : brace.start()]
            declared = None
            for match in FUNCTION.finditer(header):
                declared = match
            begin = None
            if declared:
                name = declared["name"] or declared["kind"] or declared["variable"]
                begin = (name, code.count("\n", 0, header_start + declared.start()) + 1)
            open_braces.append(begin)
        elif open_braces:
            begin = open_braces.pop()
            if begin:
                yield (*begin, code.count("\n", 0, brace.start()) + 1)
        header_start = brace.end()


def check_columns(root: Path, path: str) -> Iterator[str]:
    for number, line in enumerate(lines(root, path), 1):
        if len(line) > MAX_COLUMNS:
            yield f"{path}:{number}: {len(line)} columns; at most {MAX_COLUMNS} are allowed"


def check_lengths(root: Path, path: str) -> Iterator[str]:
    text = (root / path).read_text(encoding="utf-8")
    if (count := text.count("\n")) > MAX_FILE_LINES:
        yield f"{path}: {count} lines; at most {MAX_FILE_LINES} are allowed"
    for name, first, last in functions(text):
        if (count := last - first + 1) > MAX_FUNCTION_LINES:
            yield f"{path}:{first}: {name} has {count} lines; at most {MAX_FUNCTION_LINES}"


def version(root: Path) -> str:
    found = re.search(r'^#define TW_VERSION "(.*)"', (root / HEADER).read_text(), re.MULTILINE)
    if not found:
        sys.exit(f"{HEADER}: TW_VERSION is not defined")
    return found[1]


def check_version(root: Path, path: str, number: str) -> Iterator[str]:
    pattern = re.compile(rf"(?<![\d.]){re.escape(number)}(?![\d.]*\d)")
    for at, line in enumerate(lines(root, path), 1):
        if pattern.search(line):
            yield f"{path}:{at}: repeats the version {number}; only {HEADER} may contain it"


def problems(root: Path = ROOT) -> Iterator[str]:
    number = version(root)
    for path in files(root):
        suffix = Path(path).suffix
        if suffix in SOURCES or is_shell(root, path):
            yield from check_columns(root, path)
        if suffix == ".swift":
            yield from check_lengths(root, path)
        if path not in MAY_NAME_VERSIONS:
            yield from check_version(root, path, number)


if __name__ == "__main__":
    found = list(problems(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT))
    print("\n".join(found) or "style: columns, lengths and the version are correct")
    sys.exit(1 if found else 0)
