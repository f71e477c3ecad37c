#!/usr/bin/env python3
"""Prints the table of hosts of bindings/c/README.md, from Sources/CPlatform/hosts.c.

hosts.py [--write]: prints the section, or writes it into bindings/c/README.md.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sources import ROOT

TABLE = "Sources/CPlatform/hosts.c"
DOCUMENT = "bindings/c/README.md"
START, END = "<!-- Tests/check/hosts.py --write: -->\n", "<!-- end of the table -->\n"

SWITCHES = {
    "NO_SWITCH": "",
    "ENABLE_THINKING": "`enable_thinking`",
    "CHAT_TEMPLATE": "`chat_template_kwargs.enable_thinking`",
    "REASONING_EFFORT": "`reasoning_effort`",
    "REASONING_OBJECT": "`reasoning.enabled`",
    "THINKING_TYPE": "`thinking.type`",
    "TEMPLATE_THINKING": "`chat_template_kwargs.thinking`",
}
BUDGETS = {
    "NO_BUDGET": "",
    "THINKING_BUDGET": "`thinking_budget`",
    "BUDGET_TOKENS": "`thinking.budget_tokens`",
    "MAX_TOKENS": "`reasoning.max_tokens`",
    "GOOGLE_BUDGET": "`extra_body.google.thinking_config`",
    "LOCAL_BUDGETS": "`thinking_token_budget`, `thinking_budget_tokens`, `reasoning_budget_tokens`",
    "EFFORT_TOKENS": "`reasoning_effort`, a number",
}
REPLAYS = {
    "REPLAY_AUTO": "as received, with tool calls",
    "NO_REPLAY": "nothing",
    "REASONING_CONTENT": "`reasoning_content`",
    "REASONING_CONTENT_THIS_TURN": "`reasoning_content`, this turn",
    "REASONING": "`reasoning`",
    "REASONING_DETAILS": "`reasoning_details`",
    "REASONING_OPAQUE": "`reasoning_text`, `reasoning_opaque`",
    "REASONING_CONTENT_WITH_TOOLS": "`reasoning_content`, in conversations with tools",
    "REQUIRED_REASONING_CONTENT": "`reasoning_content`",
    "REASONING_DETAILS_OR_TAGS": "`reasoning_details`, else tags in the content",
}
EFFORTS = ["NONE", "MINIMAL", "LOW", "MEDIUM", "HIGH", "XHIGH", "MAX", "DEFAULT"]
# A name and, after a colon, the sources; at the end, the tags that enclose reasoning in answers.
COMMENT = re.compile(r"(?P<name>[^:]+): (?P<sources>.*?)(?: Tags: (?P<tags>.*)\.)?", re.DOTALL)
TOKEN = re.compile(
    r"/\*(?P<comment>.*?)\*/|HOST\((?P<host>[^)]*)\)|MODEL\((?P<model>[^)]*)\)", re.S
)


@dataclass
class Group:
    """The rows of some hosts: the models, and the cells after them."""

    name: str
    hosts: str
    sources: str
    tags: str
    rows: list[tuple[str, list[str]]]


def unquoted(literals: str) -> str:
    """The text of adjacent C string literals."""
    return "".join(re.findall(r'"([^"]*)"', literals))


def groups(code: str) -> Iterator[Group]:
    """The groups of the table, in its order."""
    table = code.partition("static const char hosts[] =\n")[2].partition(";\n")[0]
    current: Group | None = None
    for token in TOKEN.finditer(table):
        if (comment := token["comment"]) is not None:
            if current:
                yield current
            words = " ".join(re.sub(r"^\s*\*", "", line) for line in comment.split("\n")).split()
            found = COMMENT.fullmatch(" ".join(words))
            if not found:
                raise ValueError(f"{TABLE}: the comment names no host and sources:{comment}")
            current = Group(found["name"], "", found["sources"], found["tags"] or "", [])
        elif current and token["host"] is not None:
            current.hosts = unquoted(token["host"])
        elif current:
            current.rows.append(row(token["model"]))
    if current:
        yield current


def row(arguments: str) -> tuple[str, list[str]]:
    """The patterns of a row and its cells: switch, efforts, budget, replay."""
    patterns, dialect, efforts, budget, replay = re.split(r",\s*", arguments)
    names = [] if efforts == "NO_EFFORT" else efforts.split()
    if names != sorted(names, key=EFFORTS.index):
        raise ValueError(f"{TABLE}: the efforts are not in ascending order: {efforts}")
    cells = [SWITCHES[dialect], ", ".join(names).lower(), BUDGETS[budget], REPLAYS[replay]]
    models = " ".join(f"`{pattern}`" for pattern in unquoted(patterns).split())
    return models, cells


def section(code: str) -> str:
    """The section of the document, between its markers."""
    text = "| host | models | off, on | efforts | budget | reasoning sent back | tags |\n"
    text += "|---|---|---|---|---|---|---|\n"
    sources = ""
    for group in groups(code):
        hosts = " ".join(f"`{host}`" for host in group.hosts.split())
        for index, (models, cells) in enumerate(group.rows):
            host = f"{group.name}: {hosts}" if index == 0 else ""
            other = models or ("all" if len(group.rows) == 1 else "others")
            tags = group.tags if index == 0 else ""
            text += "| " + " | ".join([host, other, *cells, tags]) + " |\n"
        sources += f"- {group.name}: {group.sources.rstrip('.')}\n"
    return f"{text}\nSources:\n\n{sources}"


def replaced(document: str, code: str) -> str:
    """The document with the current section."""
    before, start, rest = document.partition(START)
    _, end, after = rest.partition(END)
    if not start or not end:
        raise ValueError(f"{DOCUMENT}: the markers of the table of hosts are missing")
    return before + start + "\n" + section(code) + "\n" + end + after


def main(arguments: list[str], root: Path = ROOT) -> None:
    """Prints or writes the section."""
    code = (root / TABLE).read_text()
    if arguments == ["--write"]:
        document = root / DOCUMENT
        document.write_text(replaced(document.read_text(), code))
    else:
        print(section(code), end="")


if __name__ == "__main__":
    main(sys.argv[1:])
