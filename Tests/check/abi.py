#!/usr/bin/env python3
"""The ABI of the library has not changed incompatibly since it was recorded.

abi.py compare LIBRARY: fails with abidiff's report if a program that was built against the recorded
ABI may fail with the current one. Reports additions, which are compatible.
abi.py record: replaces the record, in Tests/check/abi, by the current ABI.

The library is Swift without debug information, which libabigail cannot read. The header is the
specification, and the Swift compiler checks each export against it. Therefore the ABI is read from
a stub: the header's functions with empty bodies, compiled as C with debug information. What the
library really exports is compared with the record by name and symbol version.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from sources import ROOT

HEADER = ROOT / "include/thinkwire.h"
EXPORTS = ROOT / "Sources/Thinkwire/exports.map"
SONAME = "libthinkwire.so.0"
RECORD = ROOT / "Tests/check/abi"
# The ABI as abidw writes it; the header's declarations, to compile programs against; and what is
# compatible although abidiff reports it.
RECORDED_ABI = RECORD / "thinkwire.abi"
RECORDED_HEADER = RECORD / "thinkwire.h"
COMPATIBLE = RECORD / "compatible.ini"
RECORD_COMMAND = "make abi-record"
FUNCTION = re.compile(r"^(?:TW_API )?([^\s#{}][^;{}]*\btw_\w+\([^;{}]*\));", re.MULTILINE)
STRUCT = re.compile(r"^typedef struct (\w+) \{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
# In the summaries of abidiff's report. A type that was added is no loss.
LOSS = re.compile(r"\b[1-9]\d* (removed|changed)\b", re.IGNORECASE)
SYMBOL = re.compile(r"<elf-symbol name='(\w+)' version='([\w.]+)'")


class Incompatible(Exception):
    """A program that was built against the recorded ABI may fail."""


def build_stub(header: Path, folder: Path) -> Path:
    """The library with empty functions, for abidw and for the linker."""
    text = re.sub(r"/\*.*?\*/", "", header.read_text(encoding="utf-8"), flags=re.DOTALL)
    functions = [found for found in FUNCTION.findall(text) if not found.startswith("typedef")]
    if not functions:
        raise RuntimeError(f"{header} declares no function")
    source, library = folder / "stub.c", folder / SONAME
    bodies = "".join(f"{function} {{ __builtin_trap(); }}\n" for function in functions)
    source.write_text(f'#include "{header.resolve()}"\n{bodies}', encoding="utf-8")
    # Types that no function mentions are part of the ABI, too.
    debug = ["-g", "-fno-eliminate-unused-debug-types"]
    linker = f"-Wl,-soname={SONAME},--version-script={EXPORTS}"
    command = ["cc", "-std=c99", *debug, "-w", "-shared", "-fPIC", linker]
    subprocess.run([*command, str(source), "-o", str(library)], check=True)
    return library


def describe(header: Path) -> str:
    """The ABI of a header, in abidw's format."""
    with tempfile.TemporaryDirectory() as folder:
        library = build_stub(header, Path(folder))
        options = ["--no-corpus-path", "--no-comp-dir-path", "--no-show-locs"]
        # Without it, types that no function mentions are absent.
        options.append("--load-all-types")
        text = subprocess.check_output(["abidw", *options, str(library)], text=True)
    return re.sub(r" path='[^']*stub\.c'", "", text)


def difference(recorded: str, current: str, *options: str) -> str:
    """abidiff's report; empty if there is no difference."""
    with tempfile.TemporaryDirectory() as folder:
        old, new = Path(folder) / "recorded.abi", Path(folder) / "current.abi"
        old.write_text(recorded, encoding="utf-8")
        new.write_text(current, encoding="utf-8")
        command = ["abidiff", "--no-show-locs", "--non-reachable-types", *options]
        done = subprocess.run([*command, str(old), str(new)], capture_output=True, text=True)
    # Bits 0 and 1 report wrong usage; bits 2 and 3 report differences.
    if done.returncode & 3:
        raise RuntimeError(f"abidiff failed: {done.stderr}")
    return done.stdout if done.returncode else ""


def compare(recorded: str, current: str) -> str:
    """Raises Incompatible with abidiff's report; returns the report of the additions."""
    changes = difference(recorded, current, "--no-added-syms", "--suppr", str(COMPATIBLE))
    if LOSS.search(changes):
        raise Incompatible(f"{changes}\nPrograms that were built against the recorded ABI may fail")
    return difference(recorded, current, "--harmless")


def check_structs(header: Path) -> None:
    """Structs only grow at the end: a recorded one is the beginning of the current one.

    abidiff, which has to ignore growth (see compatible.ini), also ignores a member whose type
    changes and whose neighbours keep their offsets.
    """
    current = dict(STRUCT.findall(declarations(header)))
    for name, members in STRUCT.findall(RECORDED_HEADER.read_text(encoding="utf-8")):
        if not current.get(name, "").startswith(members):
            raise Incompatible(f"{name} does not begin with the recorded members:\n{members}")


def declarations(header: Path) -> str:
    """The declarations of a header, without comments and directives."""
    command = [str(ROOT / "bindings/c/cdef.sh"), str(header)]
    return subprocess.check_output(command, text=True)


def symbols(recorded: str) -> set[str]:
    """The functions of a recorded ABI, as `tw_version@@THINKWIRE_0.1`."""
    return {f"{name}@@{version}" for name, version in SYMBOL.findall(recorded)}


def check_symbols(recorded: str, library: Path) -> None:
    output = subprocess.check_output(["nm", "-D", "--defined-only", str(library)], text=True)
    missing = sorted(symbols(recorded) - {line.split()[2] for line in output.splitlines()})
    if missing:
        raise Incompatible(f"{library} does not export {', '.join(missing)}")


def record() -> None:
    RECORDED_ABI.write_text(describe(HEADER), encoding="utf-8")
    note = f"/* The declarations of the recorded ABI; `{RECORD_COMMAND}` writes them. */\n"
    includes = "/* clang-format off */\n#include <stddef.h>\n#include <stdint.h>\n"
    RECORDED_HEADER.write_text(note + includes + declarations(HEADER), encoding="utf-8")


def main(arguments: list[str]) -> int:
    if arguments == ["record"]:
        record()
        return 0
    if len(arguments) != 2 or arguments[0] != "compare":
        sys.exit(__doc__)
    recorded = RECORDED_ABI.read_text(encoding="utf-8")
    try:
        additions = compare(recorded, describe(HEADER))
        check_structs(HEADER)
        check_symbols(recorded, Path(arguments[1]))
    except Incompatible as problem:
        print(f"abi: {problem}", file=sys.stderr)
        return 1
    if additions:
        print(f"{additions}\nabi: compatible additions; `{RECORD_COMMAND}` records them")
    print(f"abi: compatible with the {len(symbols(recorded))} recorded functions")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
