"""_abi.py is include/thinkwire.h, as a C compiler reads that."""

from __future__ import annotations

import ctypes
import os
import re
import subprocess
from ctypes import POINTER, c_char_p, c_int, c_int64, c_size_t, c_void_p
from pathlib import Path
from typing import Any

import pytest
from thinkwire import _abi

HEADER = Path(__file__).resolve().parents[3] / "include" / "thinkwire.h"
CC = os.environ.get("CC", "cc")


def run_c(tmp_path: Path, lines: list[str]) -> list[str]:
    """What a C program of these statements prints."""
    source, program = tmp_path / "probe.c", tmp_path / "probe"
    body = "\n".join(lines)
    source.write_text(
        f'#include <stdio.h>\n#include "{HEADER}"\nint main(void) {{\n{body}\nreturn 0;\n}}\n'
    )
    subprocess.run(
        [CC, "-std=c99", "-Wall", "-Wextra", "-Werror", "-o", str(program), str(source)], check=True
    )
    return subprocess.run(
        [str(program)], check=True, capture_output=True, text=True
    ).stdout.splitlines()


@pytest.fixture(scope="module")
def preprocessed() -> str:
    """The header's declarations on one line, without comments, macros and what it includes."""
    out = subprocess.run(
        [CC, "-E", "-P", "-DTW_API=", str(HEADER)], check=True, capture_output=True, text=True
    ).stdout
    out = re.sub(r"__attribute__\s*\(\(.*?\)\)\s*\)?", " ", out)
    out = re.sub(r"\s+", " ", out)
    return out[out.index("typedef enum tw_status") :]


def declared_enums(declarations: str) -> dict[str, list[str]]:
    found = re.findall(r"typedef enum (\w+) \{(.*?)\}", declarations)
    return {name: re.findall(r"(\w+) = ", body) for name, body in found}


def declared_structs(declarations: str) -> dict[str, list[str]]:
    found = re.findall(r"typedef struct (\w+) \{(.*?)\}", declarations)
    return {name: re.findall(r"(\w+);", body) for name, body in found}


def declared_functions(declarations: str) -> dict[str, tuple[str, list[str]]]:
    """Each function's result type and parameter types, without the parameters' names."""
    found = re.findall(r"(?<=[;}] )([a-z][\w ]*[ *]+)(tw_\w+)\(([^()]*)\);", declarations)
    functions = {}
    for result, name, parameters in found:
        types = (
            []
            if parameters == "void"
            else [re.sub(r"\w+$", "", one.strip()).strip() for one in parameters.split(",")]
        )
        functions[name] = (result.strip(), types)
    return functions


def test_the_version_is_the_headers(tmp_path: Path) -> None:
    assert run_c(tmp_path, ["puts(TW_VERSION);"]) == [_abi.VERSION]


def test_every_enum_value_is_the_headers(tmp_path: Path, preprocessed: str) -> None:
    enums = declared_enums(preprocessed)
    assert set(enums) == set(_abi.ENUMS)
    for name, constants in enums.items():
        mirror, prefix = _abi.ENUMS[name]
        sentinel = [constant for constant in constants if constant.endswith("_MAX_ENUM")]
        assert len(sentinel) == 1
        constants = [constant for constant in constants if constant not in sentinel]
        printed = run_c(tmp_path, [f'printf("%d\\n", (int){constant});' for constant in constants])
        assert {prefix + member.name: member.value for member in mirror} == dict(
            zip(constants, map(int, printed))
        )


def test_every_struct_is_laid_out_as_the_headers(tmp_path: Path, preprocessed: str) -> None:
    structs = declared_structs(preprocessed)
    assert set(structs) == set(_abi.STRUCTS)
    for name, fields in structs.items():
        mirror = _abi.STRUCTS[name]
        lines = [f'printf("%zu\\n", sizeof({name}));']
        lines += [
            f'printf("{field} %zu %zu\\n", offsetof({name}, {field}), sizeof((({name} *)0)->{field}));'
            for field in fields
        ]
        size, *layout = run_c(tmp_path, lines)
        assert ctypes.sizeof(mirror) == int(size)
        own = [(field[0], getattr(mirror, field[0])) for field in mirror._fields_]
        assert [f"{field} {place.offset} {place.size}" for field, place in own] == layout


def mirrored(declared: str, has_length: bool) -> Any:
    """How a C type is written in ctypes here. Text that comes with a length is an address: it may hold a NUL."""
    bare = declared.replace("const ", "").strip()
    numbers = {"void": None, "int": c_int, "int64_t": c_int64, "size_t": c_size_t}
    pointers = {"void *": c_void_p, "size_t *": POINTER(c_size_t)}
    if bare in numbers or bare in pointers:
        return {**numbers, **pointers}[bare]
    if bare == "char *":
        return c_void_p if has_length else c_char_p
    if bare in _abi.ENUMS:
        return c_int
    if bare in ("tw_log_fn", "tw_event_fn"):
        return getattr(_abi, bare)
    if bare.endswith(" **"):
        return POINTER(c_void_p)
    assert bare.startswith("tw_") and bare.endswith(" *"), f"no rule for the type {declared!r}"
    struct = _abi.STRUCTS.get(bare[:-2])
    return POINTER(struct) if struct is not None else c_void_p


def test_every_function_has_the_headers_prototype(preprocessed: str) -> None:
    functions = declared_functions(preprocessed)
    assert len(functions) == len(re.findall(r"^TW_API ", HEADER.read_text(), re.MULTILINE))
    assert set(functions) == set(_abi.FUNCTIONS)
    for name, (result, parameters) in functions.items():
        gives, takes = _abi.FUNCTIONS[name]
        assert gives is mirrored(result, "size_t *" in parameters), name
        assert takes == [mirrored(parameter, has_length=False) for parameter in parameters], name


def test_the_callbacks_have_the_headers_prototype(preprocessed: str) -> None:
    found = re.findall(r"typedef (\w+) \(\*(tw_\w+)\)\(([^()]*)\);", preprocessed)
    assert {name for _, name, _ in found} == {"tw_log_fn", "tw_event_fn"}
    for result, name, parameters in found:
        own: Any = getattr(_abi, name)
        types = [re.sub(r"\w+$", "", one.strip()).strip() for one in parameters.split(",")]
        assert own._restype_ is mirrored(result, has_length=False)
        assert list(own._argtypes_) == [mirrored(one, has_length=False) for one in types]


def test_the_library_has_every_function() -> None:
    from thinkwire._library import library

    for name in _abi.FUNCTIONS:
        assert getattr(library(), name).argtypes == _abi.FUNCTIONS[name][1]
