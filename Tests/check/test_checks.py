"""style.py and imports.py report every violation, and only violations."""

from __future__ import annotations

from pathlib import Path

import imports
import pytest
import style


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """The smallest source tree, without violations."""
    write(tmp_path, "include/thinkwire.h", '#define TW_VERSION "1.2.3"\n')
    write(tmp_path, "Sources/Base/Bytes.swift", "import CPlatform\n")
    assert list(style.problems(tmp_path)) == []
    assert list(imports.problems(tmp_path)) == []
    return tmp_path


def write(root: Path, path: str, text: str) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    "path", ["Tests/a.py", "Tests/a.c", "include/a.h", "Sources/Base/A.swift", "a.sh", "setup"]
)
def test_long_lines_are_found(tree: Path, path: str) -> None:
    first = "#!/bin/sh" if path == "setup" else ""
    write(tree, path, f"{first}\n{'é' * 100}\n{'x' * 101}\n")
    assert list(style.problems(tree)) == [f"{path}:3: 101 columns; at most 100 are allowed"]


def test_long_files_are_found(tree: Path) -> None:
    write(tree, "Tests/unit/A.swift", "// x\n" * 400)
    assert list(style.problems(tree)) == []
    write(tree, "Tests/unit/A.swift", "// x\n" * 401)
    assert list(style.problems(tree)) == ["Tests/unit/A.swift: 401 lines; at most 400 are allowed"]


@pytest.mark.parametrize(
    ("begin", "name"),
    [
        ("func run<T>(_ x: T) -> Int {", "run"),
        ("mutating func run() throws {", "run"),
        ("init?(_ x: Int) {", "init"),
        ("deinit {", "deinit"),
        ("var total: Int {", "total"),
        ("static func == (a: A, b: A) -> Bool {", "=="),
        ("func long(\n    _ x: Int\n) -> Int\n{", "long"),
    ],
)
def test_long_functions_are_found(tree: Path, begin: str, name: str) -> None:
    lines = 68 - begin.count("\n")
    write(tree, "A.swift", f"struct A {{\n{begin}\n{chr(10) * lines}}}\n}}\n")
    assert list(style.problems(tree)) == []
    write(tree, "A.swift", f"struct A {{\n{begin}\n{chr(10) * (lines + 1)}}}\n}}\n")
    assert list(style.problems(tree)) == [f"A.swift:2: {name} has 71 lines; at most 70"]


@pytest.mark.parametrize(
    "line",
    [
        'let a = "func x() {"',
        'let a = #"""#; let b = #"{"#',
        'let a = "\\(b["{"] ?? "{")"',
        "// {",
        "/* { */",
        'let a = "\\"{"',
        'let a = """\n    {\n    """',
    ],
)
def test_braces_in_strings_and_comments_do_not_count(line: str) -> None:
    code = f"func first() {{\n{line}\n}}\nfunc second() {{\n}}\n"
    last = 3 + line.count("\n")
    assert list(style.functions(code)) == [
        ("first", 1, last),
        ("second", last + 1, last + 2),
    ]


def test_calls_of_initialisers_are_not_functions() -> None:
    code = "func f() {\n    x = .init(1)\n    self.init(2)\n    if y {\n    }\n}\n"
    assert list(style.functions(code)) == [("f", 1, 6)]


def test_a_repeated_version_is_found(tree: Path) -> None:
    write(tree, "setup.toml", 'version = "1.2.3"\nother = "11.2.3"\nmore = "1.2.3.4"\n')
    assert list(style.problems(tree)) == [
        "setup.toml:1: repeats the version 1.2.3; only include/thinkwire.h may contain it"
    ]


@pytest.mark.parametrize("line", ["import Engine", "  @testable import struct Engine.Client"])
def test_forbidden_imports_are_found(tree: Path, line: str) -> None:
    write(tree, "Sources/Chat/Request/A.swift", f"// import Engine\nimport Base\n{line}\n")
    assert list(imports.problems(tree)) == [
        "Sources/Chat/Request/A.swift:3: Chat must not import Engine"
    ]


def test_unknown_modules_are_found(tree: Path) -> None:
    write(tree, "Sources/New/A.swift", "")
    (problem,) = imports.problems(tree)
    assert "module New is not in the table" in problem


@pytest.mark.parametrize("module", ["Chat", "Transport", "thinkwire-mock"])
def test_the_lower_layers_do_not_import_the_engine(tree: Path, module: str) -> None:
    write(tree, f"Sources/{module}/A.swift", "import Engine\n")
    assert len(list(imports.problems(tree))) == 1


def test_without_git_caches_are_not_sources(tree: Path) -> None:
    for folder in (".build", ".git", ".pytest_cache/v", "a/__pycache__", "a/b.egg-info"):
        write(tree, f"{folder}/a.py", "x" * 101)
    assert list(style.problems(tree)) == []
    for folder in (".ci", ".github", "a"):
        write(tree, f"{folder}/a.py", "x" * 101)
    assert len(list(style.problems(tree))) == 3
