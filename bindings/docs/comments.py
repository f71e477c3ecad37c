"""Reads the comments of include/thinkwire.h as blocks: what the manual pages and the HTML share.

Blocks are separated by their form: a heading is a line of capitals; a literal block is indented by
four columns or more; the lines of a table begin with "|", those of a list with "-"; a definition is
indented by two columns and has its term in front of two spaces. All else are paragraphs.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass
class Block:
    #: "heading", "literal", "table", "item", "definition" or "paragraph"
    kind: str
    lines: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return " ".join(line.strip() for line in self.lines)

    @property
    def rows(self) -> list[list[str]]:
        """The cells of a table, without the line below its header."""
        rows = [re.findall(r"\|((?:\\.|[^|\\])*)(?=\|)", line) for line in self.lines]
        return [[cell.strip() for cell in row] for i, row in enumerate(rows) if i != 1]

    @property
    def term(self) -> str:
        return re.split(r"\s{2,}", self.lines[0].strip(), maxsplit=1)[0]

    @property
    def definition(self) -> list[Block]:
        """The blocks that explain the term: paragraphs."""
        first = self.lines[0]
        indent = first.index(self.term) + len(self.term)
        text = [" " * indent + first[indent:], *self.lines[1:]]
        return list(blocks(textwrap.dedent("\n".join(text))))


#: The first match is the kind of a line that does not continue a block.
KINDS = [
    ("heading", re.compile(r"[A-Z][A-Z ]+$")),
    ("table", re.compile(r"\|")),
    ("item", re.compile(r" {0,2}- ")),
    ("definition", re.compile(r" {2}[A-Z]\w+ {2,}\S")),
    ("literal", re.compile(r" {4}")),
    ("paragraph", re.compile(r" {0,3}\S")),
]


def continues(block: Block, line: str, kind: str, is_first: bool) -> bool:
    """Whether a line belongs to a block. `is_first`: an empty line precedes it."""
    if block.kind == "definition":
        return kind == "literal"
    if block.kind == "item":
        return line.startswith("  ") and kind in ("paragraph", "literal") and not is_first
    if block.kind == "literal":
        return kind == "literal"
    return block.kind == kind and not is_first


def blocks(comment: str) -> Iterator[Block]:
    block, is_first = None, False
    for line in comment.split("\n"):
        if not line.strip():
            is_first = True
            continue
        kind = next(kind for kind, form in KINDS if form.match(line))
        if block and kind != "heading" and continues(block, line, kind, is_first):
            block.lines += [""] * (is_first and block.kind == "literal") + [line]
        else:
            if block:
                yield block
            block = Block(kind, [line])
        is_first = False
    if block:
        yield block
