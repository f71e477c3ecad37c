#!/usr/bin/env python3
"""Describes the C interface as JSON: reads include/thinkwire.h, writes bindings/thinkwire.json.

describe.py: writes the file. describe.py --check: prints how the file differs from what the header
says, and exits with 1 if it does. bindings/README.md describes the format.
"""

from __future__ import annotations

import difflib
import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

BINDINGS = Path(__file__).resolve().parent
HEADER = BINDINGS.parent / "include" / "thinkwire.h"
DESCRIPTION = BINDINGS / "thinkwire.json"

Entry = dict[str, Any]


def interface(header: str) -> str:
    """The header with only those directives that define constants; other lines become empty.

    What is in a conditional (other than the include guard) concerns compilers, not the interface.
    """
    kept, depth, in_continuation = [], 0, False
    for line in header.split("\n"):
        directive = re.match(r"\s*#\s*(\w+)", line)
        word = directive.group(1) if directive else ""
        is_define = word == "define" and re.match(r"#define\s+\w+\s+\S", line)
        keep = depth <= 1 and not in_continuation and (not directive or is_define)
        kept.append(line if keep else "")
        depth += {"if": 1, "ifdef": 1, "ifndef": 1, "endif": -1}.get(word, 0)
        in_continuation = bool(directive or in_continuation) and line.endswith("\\")
    return "\n".join(kept)


def comment_text(comment: str) -> str:
    """The text of a comment without its delimiters and the asterisks of its lines."""
    lines = re.sub(r"^/\*+|\*+/$", "", comment.strip()).split("\n")
    return "\n".join(re.sub(r"^\s*\* ?", "", line).rstrip() for line in lines).strip()


def type_and_name(declaration: str) -> Entry:
    """Splits "const char *name" into its type, "const char *", and its name."""
    found = re.fullmatch(r"\s*([\w\s]+?[\s*]+)(\w+)((?:\[\w*\])?)\s*", declaration)
    if not found:
        raise ValueError(f"cannot read the declaration {declaration!r}")
    kind, name, array = found.groups()
    return {"name": name, "type": re.sub(r"\s+", " ", kind).strip() + array}


def parameters(declaration: str) -> list[Entry]:
    text = declaration.strip()
    return [] if text == "void" else [type_and_name(part) for part in text.split(",")]


COMMENT = r"/\*.*?\*/"
DOCUMENTED = re.compile(
    rf"\s*(?P<comment>{COMMENT})?\s*(?P<rest>[^,;/]+?)\s*(?:[,;]|\Z)", re.DOTALL
)


def members(body: str) -> Iterator[tuple[str, str]]:
    """The members of an enum or a struct, each as its declaration and its comment."""
    at = 0
    while body[at:].strip():
        found = DOCUMENTED.match(body, at)
        if not found:
            raise ValueError(f"cannot read the member {body[at:].strip()[:60]!r}")
        yield found["rest"], comment_text(found["comment"] or "")
        at = found.end()


def enum(found: re.Match[str]) -> Entry:
    values: dict[str, int] = {}
    constants = []
    for declaration, comment in members(found["body"]):
        name, value = re.split(r"\s*=\s*", declaration)
        values[name] = values[value] if value in values else int(value, 0)
        constants.append({"name": name, "value": values[name], "comment": comment})
    return {"constants": constants}


def struct(found: re.Match[str]) -> Entry:
    fields = members(found["body"])
    return {"fields": [type_and_name(field) | {"comment": comment} for field, comment in fields]}


def function(found: re.Match[str]) -> Entry:
    returns = re.sub(r"\s+", " ", found["returns"]).strip()
    return {"returns": returns, "parameters": parameters(found["parameters"])}


def macro(found: re.Match[str]) -> Entry:
    return {"value": found["value"].strip()}


# What the header consists of: the list to which an entry is added, its syntax, and its details.
DECLARATIONS: list[tuple[str, str, Callable[[re.Match[str]], Entry]]] = [
    ("constants", r"#define (?P<name>\w+)[ ]+(?P<value>[^\n]+)", macro),
    ("enums", r"typedef enum (?P<name>\w+) \{(?P<body>.*?)\} (?P=name);", enum),
    ("structs", r"typedef struct (?P<name>\w+) \{(?P<body>.*?)\} (?P=name);", struct),
    ("objects", r"typedef struct (?P<name>\w+) (?P=name);", lambda _: {}),
    (
        "callbacks",
        r"typedef (?P<returns>[\w\s]+[\s*]+)\(\*(?P<name>\w+)\)\((?P<parameters>[^()]*)\);",
        function,
    ),
    (
        "functions",
        r"TW_API (?P<returns>[\w\s]+?[\s*]+)(?P<name>\w+)\((?P<parameters>[^()]*)\);",
        function,
    ),
]
SYNTAX = [(kind, re.compile(pattern, re.DOTALL), read) for kind, pattern, read in DECLARATIONS]
TITLE = re.compile(r"/\* -+ \*/\n/\* (?P<title>[^\n]*?) *\*/\n/\* -+ \*/")


def describe(header: str) -> dict[str, Any]:
    """The description of a header. Raises ValueError, with the line, for what it cannot read."""
    text = interface(header)
    description: dict[str, Any] = {"comment": "", "sections": []}
    description |= {kind: [] for kind, _, _ in SYNTAX}
    at, section, comment = 0, "", ""
    while text[at:].strip():
        at += len(text[at:]) - len(text[at:].lstrip())
        if title := TITLE.match(text, at):
            section, comment, at = title["title"], "", title.end()
            description["sections"].append({"name": section, "comment": ""})
        elif found := re.compile(COMMENT, re.DOTALL).match(text, at):
            at, comment = found.end(), comment_text(found[0])
            if not found[0].startswith("/**"):
                owner = description["sections"][-1] if section else description
                owner["comment"], comment = comment, ""
        else:
            for kind, pattern, read in SYNTAX:
                if declared := pattern.match(text, at):
                    entry = {"name": declared["name"], "section": section, "comment": comment}
                    description[kind].append(entry | read(declared))
                    at, comment = declared.end(), ""
                    break
            else:
                line = text.count("\n", 0, at) + 1
                raise ValueError(f"line {line}: cannot read {text[at : at + 60]!r}")
    return description


def as_json(description: dict[str, Any]) -> str:
    return json.dumps(description, indent=1, ensure_ascii=False) + "\n"


def main() -> int:
    new = as_json(describe(HEADER.read_text(encoding="utf-8")))
    if sys.argv[1:] != ["--check"]:
        DESCRIPTION.write_text(new, encoding="utf-8")
        return 0
    old = DESCRIPTION.read_text(encoding="utf-8") if DESCRIPTION.exists() else ""
    names = ("bindings/thinkwire.json", "include/thinkwire.h")
    difference = list(difflib.unified_diff(old.splitlines(), new.splitlines(), *names, lineterm=""))
    if difference:
        print(*difference, "bindings/describe.py writes the file anew.", sep="\n")
    return 1 if difference else 0


if __name__ == "__main__":
    sys.exit(main())
