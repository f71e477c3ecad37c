#!/usr/bin/env python3
"""Prints a header for Doxygen: its titles become groups, and its first comment the start page.

filter.py HEADER: the filter that the Doxyfile names. The header itself has no commands of Doxygen.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from comments import Block, blocks
from describe import COMMENT, DESCRIPTION, TITLE, comment_text

INTERFACE = json.loads(DESCRIPTION.read_text(encoding="utf-8"))
#: What a name in a text becomes: Doxygen itself only links functions with parentheses.
LINKS = {f["name"]: f"{f['name']}()" for f in INTERFACE["functions"]}
TYPES = [t["name"] for kind in ("enums", "objects", "callbacks") for t in INTERFACE[kind]]
LINKS |= {name: f"#{name}" for name in TYPES}
LINKS |= {c["name"]: f"#{c['name']}" for enum in INTERFACE["enums"] for c in enum["constants"]}


def prose(text: str) -> str:
    """Escapes what Doxygen would take for commands, HTML and links, and links known names."""
    text = re.sub(r"([\\@<>#%])", r"\\\1", text)
    return re.sub(r"\b(\w+)\b(?:\(\))?", lambda word: LINKS.get(word[1], word[0]), text)


def inline(text: str) -> str:
    """A text with code in backticks."""
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(part if part[:1] == "`" else prose(part) for part in parts)


def element(block: Block) -> str:
    """A block in Markdown, and in HTML where Markdown has nothing."""
    if block.kind == "heading":
        name = block.text.capitalize()
        return f"@section {name.lower().replace(' ', '-')} {name}"
    if block.kind in ("literal", "table"):
        return "\n".join(block.lines)
    if block.kind == "definition":
        text = "".join(f"<p>{inline(part.text)}</p>" for part in block.definition)
        return f"<dl><dt>{block.term}</dt><dd>{text}</dd></dl>"
    return inline(block.text)


def markdown(comment: str) -> str:
    return "\n\n".join(map(element, blocks(comment)))


def group(title: str, comment: str) -> str:
    """Opens the group of a section: "Options: where and how to connect"."""
    name, _, subject = title.partition(": ")
    subject = f"{subject[:1].upper()}{subject[1:]}." if subject else ""
    return f"/**\n@defgroup {name.lower()} {name}\n{subject}\n\n{markdown(comment)}\n@{{\n*/"


def start_page(comment: str) -> str:
    return f"/** @mainpage Reference\n\n{markdown(comment)}\n*/\n/** @file */\n"


DOC_COMMENT = re.compile(r"/\*\*.*?\*/", re.DOTALL)
#: A title, and the comment of its section if it has one.
SECTION = re.compile(rf"{TITLE.pattern}(?:\s*(?P<comment>/\*(?!\*| -).*?\*/))?", re.DOTALL)
END_OF_GROUP = "/** @} */\n"


def filtered(header: str) -> str:
    overview = re.search(COMMENT, header, re.DOTALL)
    assert overview, "the header has no comment"
    body = header[overview.end() :]
    body = DOC_COMMENT.sub(lambda doc: f"/**\n{markdown(comment_text(doc[0]))}\n*/", body)
    first = SECTION.search(body)
    assert first, "the header has no sections"
    body = SECTION.sub(
        lambda title: (
            ("" if title.start() == first.start() else END_OF_GROUP)
            + group(title["title"], comment_text(title["comment"] or ""))
        ),
        body,
    )
    end = body.rindex("#ifdef __cplusplus")
    return start_page(comment_text(overview[0])) + body[:end] + END_OF_GROUP + body[end:]


if __name__ == "__main__":
    sys.stdout.write(filtered(Path(sys.argv[1]).read_text(encoding="utf-8")))
