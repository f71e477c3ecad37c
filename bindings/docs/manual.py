#!/usr/bin/env python3
"""Writes the manual pages of the C interface: thinkwire(3), and one page for each section.

manual.py DIRECTORY DATE: from bindings/thinkwire.json and the examples in bindings/c/examples.
manual.py --names: prints the names of the files.
Functions and types are links to the page that describes them: `man tw_chat_open` works.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from comments import Block, blocks

BINDINGS = Path(__file__).resolve().parent.parent
INTERFACE = json.loads((BINDINGS / "thinkwire.json").read_text(encoding="utf-8"))
EXAMPLES = BINDINGS / "c" / "examples"
#: The programs on the page of a section. Tests/check/install.sh compiles and runs them.
PROGRAMS = {"chat": ["stream.c", "pull.c"], "loop": ["questions.h", "loop_epoll.c"]}
VERSION = next(c["value"] for c in INTERFACE["constants"] if c["name"] == "TW_VERSION").strip('"')

Entry = dict[str, Any]

#: Characters that roff or a terminal without Unicode would not show as they are.
SPECIAL = {"\\": "\\e", "-": "\\-", "'": "\\(aq", "`": "\\(ga", "^": "\\(ha", "~": "\\(ti"}
SPECIAL |= {"…": "...", "–": "\\(en", "◁": "\\[u25C1]", "▷": "\\[u25B7]"}


def escaped(text: str) -> str:
    text = "".join(SPECIAL.get(character, character) for character in text)
    return re.sub(r"^\.", r"\\&.", text, flags=re.MULTILINE)


def inline(text: str) -> str:
    """A text with code in backticks, which becomes bold, as do names of the library."""
    parts = re.split(r"`([^`]*)`|\b((?:tw|TW)_\w+(?:\(\))?)", text)
    result = ""
    for prose, code, name in zip(parts[::3], [*parts[1::3], None], [*parts[2::3], None]):
        bold = code or name
        result += escaped(prose) + (f"\\fB{escaped(bold)}\\fP" if bold else "")
    return re.sub(r"^([.'])", r"\\&\1", result)


def sentences(text: str) -> str:
    """One sentence on each line, as roff expects it."""
    return re.sub(r"(?<=[a-z)`0-9][.:]) (?=[A-Z`\"])", "\n", text)


def paragraph(text: str) -> str:
    return "\n".join(map(inline, sentences(text).split("\n")))


def literal(lines: Iterable[str]) -> list[str]:
    return [".PP", ".nf", ".RS 4", *(escaped(line) for line in lines), ".RE", ".fi"]


def table(rows: list[list[str]]) -> list[str]:
    """A table as a list, which fits into any width: the first cell, and the others with titles."""
    titles, *data = rows
    lines: list[str] = []
    for first, *cells in data:
        parts = [f"{title}: {cell}" for title, cell in zip(titles[1:], cells) if cell]
        lines += [".TP", inline(first), inline("; ".join(parts) + ".")]
    return lines


def element(block: Block) -> list[str]:
    if block.kind == "heading":
        return [f".SH {block.text}"]
    if block.kind == "literal":
        indent = min(len(line) - len(line.lstrip()) for line in block.lines if line)
        return literal(line[indent:] for line in block.lines)
    if block.kind == "table":
        return table(block.rows)
    if block.kind == "item":
        return [".IP \\[u2022] 2", paragraph(block.text.removeprefix("- "))]
    if block.kind == "definition":
        lines = [".TP", f"\\fB{block.term}\\fP"]
        first, *others = block.definition
        lines.append(paragraph(first.text))
        for other in others:
            lines += [".IP", paragraph(other.text)]
        return lines
    return [".PP", paragraph(block.text)]


def text(comment: str) -> list[str]:
    return [line for block in blocks(comment) for line in element(block)]


def described(name: str, comment: str) -> list[str]:
    """A name with its comment, indented."""
    first, *others = list(blocks(comment)) or [Block("paragraph")]
    rest = [line for block in others for line in element(block)]
    # \\& is nothing, where a text is required.
    return [".TP", name, paragraph(first.text) or "\\&", *([".RS", *rest, ".RE"] if rest else [])]


def declaration(kind: str, name: str) -> str:
    """A type and a name: "const char *" and "text"."""
    return kind + ("" if kind.endswith("*") else " ") + name


def prototype(function: Entry, form: str = "{}") -> str:
    parameters = [declaration(p["type"], p["name"]) for p in function["parameters"]]
    name = form.format(function["name"])
    return f"{declaration(function['returns'], name)}({', '.join(parameters) or 'void'});"


class Section:
    """The declarations of one section of the header, which are one page."""

    def __init__(self, title: str, comment: str) -> None:
        self.name, _, self.subject = title.partition(": ")
        self.page = f"thinkwire-{self.name.lower()}"
        self.comment = comment
        kinds = ("objects", "enums", "structs", "callbacks", "functions")
        entries = {kind: INTERFACE[kind] for kind in kinds}
        self.of = {k: [e for e in v if e["section"] == title] for k, v in entries.items()}

    @property
    def names(self) -> list[str]:
        """What has links to the page. An object and a function may share a name."""
        return list(dict.fromkeys(entry["name"] for kind in self.of.values() for entry in kind))

    def synopsis(self) -> Iterator[str]:
        yield from (f"typedef struct {e['name']} {e['name']};" for e in self.of["objects"])
        yield from (f"typedef enum {e['name']} {e['name']};" for e in self.of["enums"])
        yield from (f"typedef struct {e['name']} {e['name']};" for e in self.of["structs"])
        yield from (f"typedef {prototype(e, '(*{})')}" for e in self.of["callbacks"])
        if self.of["functions"]:
            yield ""
        yield from (prototype(function) for function in self.of["functions"])

    def types(self) -> Iterator[str]:
        for entry in [*self.of["objects"], *self.of["enums"], *self.of["structs"]]:
            yield f".SS {entry['name']}"
            yield from text(entry["comment"])
            for constant in entry.get("constants", []):
                if not constant["name"].endswith("_MAX_ENUM"):
                    name = f"\\fB{constant['name']}\\fP = {constant['value']}"
                    yield from described(name, constant["comment"])
            for field in entry.get("fields", []):
                name = f"\\fB{escaped(declaration(field['type'], field['name']))}\\fP"
                yield from described(name, field["comment"])

    def calls(self, kind: str) -> Iterator[str]:
        for function in self.of[kind]:
            form = "(*{})" if kind == "callbacks" else "{}"
            yield f".SS {function['name']}"
            yield from declared(prototype(function, form))
            yield from text(function["comment"])

    def lines(self) -> Iterator[str]:
        yield ".SH NAME"
        yield f"{', '.join(map(escaped, [self.page, *self.names]))} \\- {escaped(self.subject)}"
        yield ".SH SYNOPSIS"
        yield from synopsis(self.synopsis())
        parts = [
            ("DESCRIPTION", text(self.comment)),
            ("TYPES", list(self.types())),
            ("CALLBACKS", list(self.calls("callbacks"))),
            ("FUNCTIONS", list(self.calls("functions"))),
            ("EXAMPLES", programs(self.name.lower())),
        ]
        for title, lines in parts:
            yield from ([f".SH {title}", *lines] if lines else [])
        yield ".SH SEE ALSO"
        yield ".BR thinkwire (3)"


def declared(line: str) -> list[str]:
    """A declaration, which is broken only between parameters."""
    unbroken = escaped(line).replace(" ", "\\ ").replace(",\\ ", ", ")
    return [".HP 4", f"\\fB{unbroken}\\fP"]


def synopsis(declarations: Iterable[str]) -> Iterator[str]:
    yield from (".nf", "\\fB#include <thinkwire.h>\\fP", ".fi", ".PD 0")
    for line in declarations:
        yield from declared(line) if line else [".PP", "\\&"]
    yield ".PD"


def programs(name: str) -> list[str]:
    lines: list[str] = []
    for file in PROGRAMS.get(name, []):
        lines += [f".SS {escaped(file)}"]
        lines += literal((EXAMPLES / file).read_text(encoding="utf-8").splitlines())
    return lines


def overview(sections: list[Section]) -> Iterator[str]:
    yield ".SH NAME"
    yield "thinkwire \\- client for OpenAI\\-compatible chat APIs that streams reasoning and answer"
    yield ".SH SYNOPSIS"
    yield from synopsis([])
    yield ".PP"
    yield "\\fBcc program.c $(pkg\\-config \\-\\-cflags \\-\\-libs thinkwire)\\fP"
    yield ".SH DESCRIPTION"
    yield from text(INTERFACE["comment"].split("\n", 1)[1])
    yield ".SH PAGES"
    for section in sections:
        yield from (".TP", f".BR {escaped(section.page)} (3)", escaped(section.subject))
    yield ".SH SEE ALSO"
    yield ".BR thinkwire\\-chat (1),"
    yield ".BR thinkwire\\-mock (1)"


#: Macros after which a paragraph begins anyway.
BEGINNING = re.compile(r"\.(SH|SS) ")


def page(name: str, date: str, lines: Iterable[str]) -> str:
    result = [f'.TH {escaped(name)} 3 {date} "Thinkwire {VERSION}" "Thinkwire manual"']
    # Names are not hyphenated, and lines not spaced out to a straight right margin.
    result += [".nh", ".ad l"]
    for line in lines:
        if line != ".PP" or not BEGINNING.match(result[-1]):
            result.append(line)
    return "\n".join(result) + "\n"


def files(date: str) -> dict[str, str]:
    """The names and texts of all files."""
    sections = [Section(section["name"], section["comment"]) for section in INTERFACE["sections"]]
    texts = {"thinkwire": page("thinkwire", date, overview(sections))}
    for section in sections:
        texts[section.page] = page(section.page, date, section.lines())
        texts |= {name: f".so man3/{section.page}.3\n" for name in section.names}
    return {f"{name}.3": text for name, text in texts.items()}


def main() -> None:
    if sys.argv[1:] == ["--names"]:
        print(*files(""), sep="\n")
        return
    folder, date = sys.argv[1:]
    for name, content in files(date).items():
        (Path(folder) / name).write_text(content, encoding="utf-8")


if __name__ == "__main__":
    main()
