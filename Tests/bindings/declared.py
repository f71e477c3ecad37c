#!/usr/bin/env python3
"""Checks that a binding uses every function and enum constant of bindings/thinkwire.json.

declared.py OMITTED SOURCE…: OMITTED is a file with the names that the sources need not contain, one
in each line, with `*` for any characters; the lines before them that begin with # say why.
Prints one line for each problem and exits with 1 if there are any.
"""

from __future__ import annotations

import fnmatch
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

DESCRIPTION = Path(__file__).resolve().parents[2] / "bindings" / "thinkwire.json"


def names(description: dict) -> set[str]:
    """The functions and the enum constants, without the bounds that fix the sizes of enums."""
    constants = {each["name"] for enum in description["enums"] for each in enum["constants"]}
    functions = {each["name"] for each in description["functions"]}
    return functions | {name for name in constants if not name.endswith("_MAX_ENUM")}


def problems(description: dict, omitted: str, sources: str) -> Iterator[str]:
    declared = names(description)
    used = declared & set(re.findall(r"\b(?:tw|TW)_\w+", sources))
    left_out: set[str] = set()
    reason = ""
    for line in filter(None, map(str.strip, omitted.split("\n"))):
        if line.startswith("#"):
            reason = line
            continue
        matched = set(fnmatch.filter(declared, line))
        left_out |= matched
        if not reason:
            yield f"{line} is omitted without a reason"
        if not matched:
            yield f"{line} is omitted, but does not exist"
        yield from (f"{name} is omitted, but used" for name in sorted(matched & used))
    yield from (f"{name} is missing" for name in sorted(declared - used - left_out))


def main(omitted: str, *sources: str) -> int:
    description = json.loads(DESCRIPTION.read_text(encoding="utf-8"))
    texts = [Path(source).read_text(encoding="utf-8") for source in sources]
    found = list(problems(description, Path(omitted).read_text(encoding="utf-8"), "\n".join(texts)))
    print(*found, sep="\n", end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
