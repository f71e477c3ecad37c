"""_abi.py and _enums.py match include/thinkwire.h as read by a C compiler."""

from __future__ import annotations

import ctypes
import os
import re
import subprocess
from ctypes import POINTER, c_char_p, c_double, c_int, c_int64, c_size_t, c_void_p
from pathlib import Path
from typing import Any

import pytest
import thinkwire
from thinkwire import _abi, _enums

HEADER = Path(__file__).resolve().parents[3] / "include" / "thinkwire.h"
CC = os.environ.get("CC", "cc")


def run_c(tmp_path: Path, lines: list[str]) -> list[str]:
    """Returns the output of a C program with these statements."""
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
def declarations() -> str:
    """The declarations of the header on one line, without comments, macros and included files."""
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
    """Returns the result type and the parameter types, without names, of each function."""
    found = re.findall(r"(?<=[;}] )([a-z][\w ]*[ *]+)(tw_\w+)\(([^()]*)\);", declarations)
    functions = {}
    for result, name, parameters in found:
        types = [] if parameters == "void" else parameter_types(parameters)
        functions[name] = (result.strip(), types)
    return functions


def parameter_types(parameters: str) -> list[str]:
    return [re.sub(r"\w+$", "", parameter.strip()).strip() for parameter in parameters.split(",")]


def test_package_version_matches_the_header(tmp_path: Path) -> None:
    assert run_c(tmp_path, ["puts(TW_VERSION);"]) == [thinkwire.__version__]


@pytest.mark.slow
def test_enum_values_match_the_header(tmp_path: Path, declarations: str) -> None:
    enums = declared_enums(declarations)
    assert set(enums) == set(_enums.ENUMS)
    for name, constants in enums.items():
        mirror, prefix = _enums.ENUMS[name]
        sentinel = [constant for constant in constants if constant.endswith("_MAX_ENUM")]
        assert len(sentinel) == 1
        constants = [constant for constant in constants if constant not in sentinel]
        printed = run_c(tmp_path, [f'printf("%d\\n", (int){constant});' for constant in constants])
        assert {prefix + name: member.value for name, member in mirror.__members__.items()} == dict(
            zip(constants, map(int, printed))
        )


def test_values_that_every_program_needs_are_those_of_the_enums() -> None:
    values = {
        prefix + name: member.value
        for enum, prefix in _enums.ENUMS.values()
        for name, member in enum.__members__.items()
    }
    copies = {name: value for name, value in vars(_abi).items() if name.startswith("TW_")}
    assert copies and copies.items() <= values.items()


@pytest.mark.slow
def test_struct_layouts_match_the_header(tmp_path: Path, declarations: str) -> None:
    structs = declared_structs(declarations)
    assert set(structs) == set(_abi.STRUCTS)
    for name, fields in structs.items():
        mirror = _abi.STRUCTS[name]
        lines = [f'printf("%zu\\n", sizeof({name}));']
        lines += [
            f'printf("{field} %zu %zu\\n", offsetof({name}, {field}),'
            f" sizeof((({name} *)0)->{field}));"
            for field in fields
        ]
        size, *layout = run_c(tmp_path, lines)
        assert ctypes.sizeof(mirror) == int(size)
        mirrored_fields = [(field[0], getattr(mirror, field[0])) for field in mirror._fields_]
        assert [f"{name} {field.offset} {field.size}" for name, field in mirrored_fields] == layout


def mirrored(declared: str, has_length: bool) -> Any:
    """Returns the ctypes equivalent of a C type.

    A string with a length is mirrored as an address, because it may contain NUL characters.
    """
    bare = declared.replace("const ", "").strip()
    numbers = {
        "void": None,
        "int": c_int,
        "int64_t": c_int64,
        "size_t": c_size_t,
        "double": c_double,
    }
    pointers = {"void *": c_void_p, "size_t *": POINTER(c_size_t)}
    if bare in numbers or bare in pointers:
        return {**numbers, **pointers}[bare]
    if bare == "char *":
        return c_void_p if has_length else c_char_p
    if bare in _enums.ENUMS:
        return c_int
    if bare in ("tw_log_fn", "tw_event_fn"):
        return getattr(_abi, bare)
    if bare.endswith(" **"):
        return POINTER(c_void_p)
    assert bare.startswith("tw_") and bare.endswith(" *"), (
        f"no ctypes equivalent is known for {declared!r}"
    )
    struct = _abi.STRUCTS.get(bare[:-2])
    return POINTER(struct) if struct is not None else c_void_p


def test_function_prototypes_match_the_header(declarations: str) -> None:
    functions = declared_functions(declarations)
    assert len(functions) == len(re.findall(r"^TW_API ", HEADER.read_text(), re.MULTILINE))
    assert set(functions) == set(_abi.FUNCTIONS)
    for name, (result, parameters) in functions.items():
        restype, argtypes = _abi.FUNCTIONS[name]
        assert restype is mirrored(result, "size_t *" in parameters), name
        assert argtypes == [mirrored(parameter, has_length=False) for parameter in parameters], name


def test_callback_prototypes_match_the_header(declarations: str) -> None:
    found = re.findall(r"typedef (\w+) \(\*(tw_\w+)\)\(([^()]*)\);", declarations)
    assert {name for _, name, _ in found} == {"tw_log_fn", "tw_event_fn"}
    for result, name, parameters in found:
        callback: Any = getattr(_abi, name)
        types = parameter_types(parameters)
        assert callback._restype_ is mirrored(result, has_length=False)
        assert list(callback._argtypes_) == [mirrored(type_, has_length=False) for type_ in types]


def test_library_exports_every_function() -> None:
    from thinkwire._library import library

    for name in _abi.FUNCTIONS:
        assert getattr(library(), name).argtypes == _abi.FUNCTIONS[name][1]
