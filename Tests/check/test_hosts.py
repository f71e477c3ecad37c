"""The table of hosts in bindings/c/README.md is that of the source file."""

from __future__ import annotations

import re

import hosts
import pytest
from hosts import DOCUMENT, TABLE, groups, replaced, section
from sources import ROOT

CODE = (ROOT / TABLE).read_text()


def test_document_has_the_table_of_the_source() -> None:
    document = (ROOT / DOCUMENT).read_text()
    assert document == replaced(document, CODE), "run Tests/check/hosts.py --write"


def test_every_row_of_the_source_is_in_the_table() -> None:
    table = CODE.partition("static const char hosts[] =\n")[2]
    rows = sum(len(group.rows) for group in groups(CODE))
    assert rows == len(re.findall(r"^ +MODEL\(", table, re.M)) > 50
    assert section(CODE).partition("\n\n")[0].count("\n") == rows + 1


def test_every_group_has_hosts_and_sources() -> None:
    for group in groups(CODE):
        assert group.hosts and group.rows, group.name
        assert re.search(r"https://|\w#\d+", group.sources), group.name


def test_every_constant_of_the_source_has_a_text() -> None:
    constants = re.findall(r"^#define (\w+) +\"\d\"", CODE, re.M)
    known = {*hosts.SWITCHES, *hosts.BUDGETS, *hosts.REPLAYS, *hosts.EFFORTS}
    assert set(constants) == known


def test_comment_without_sources_is_reported() -> None:
    code = 'static const char hosts[] =\n/* no name */ HOST("a") MODEL("", A, B, C, D);\n'
    with pytest.raises(ValueError, match="names no host and sources"):
        list(groups(code))
