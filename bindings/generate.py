#!/usr/bin/env python3
"""Writes the declarations of the bindings that do not compile include/thinkwire.h.

They are made of bindings/thinkwire.json. generate.py: writes the files. generate.py --check: prints
which files differ from what it would write, and exits with 1 if any does.
"""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

BINDINGS = Path(__file__).resolve().parent
Entry = dict[str, Any]
NOTICE = "Written by bindings/generate.py from thinkwire.json. Do not edit."


def summary(entry: Entry, mark: str) -> list[str]:
    """The first paragraph of a comment, as lines that begin with `mark`."""
    paragraph = entry["comment"].split("\n\n")[0]
    return textwrap.wrap(
        paragraph, 100, initial_indent=f"{mark} ", subsequent_indent=f"{mark} ",
        break_on_hyphens=False, break_long_words=False,
    )  # fmt: skip


def is_value(constant: Entry) -> bool:
    """Whether a constant is more than a bound that fixes the size of its enum."""
    return not constant["name"].endswith("_MAX_ENUM")


# ------------------------------------------------------------------------------------------- Rust

RUST_TYPES = {
    "int": "c_int", "size_t": "usize", "uint8_t": "u8", "int32_t": "i32",
    "uint32_t": "u32", "int64_t": "i64", "double": "f64",
    "char": "c_char", "void": "c_void",
}  # fmt: skip


# Keywords are names only as r#loop.
RUST_KEYWORDS = {"fn", "loop", "type", "match", "ref", "in", "use", "where", "move", "box"}


def rust_type(kind: str, callbacks: set[str]) -> str:
    """The type of a parameter, a field or a result: "const char *" is *const c_char."""
    if not kind.endswith("*"):
        return f"Option<{kind}>" if kind in callbacks else RUST_TYPES.get(kind, kind)
    target = kind[:-1].strip()
    # Of two pointers, `const` belongs to the inner one.
    is_const = target.startswith("const ") and not target.endswith("*")
    target = target.removeprefix("const ") if is_const else target
    return f"*{'const' if is_const else 'mut'} {rust_type(target, callbacks)}"


def rust(description: Entry) -> str:
    callbacks = {entry["name"] for entry in description["callbacks"]}

    def kind(text: str) -> str:
        return rust_type(text, callbacks)

    def parameters(entry: Entry) -> list[str]:
        keyword = {name: f"r#{name}" for name in RUST_KEYWORDS}
        return [
            f"{keyword.get(part['name'], part['name'])}: {kind(part['type'])}"
            for part in entry["parameters"]
        ]

    def signature(entry: Entry) -> str:
        given = parameters(entry)
        result = "" if entry["returns"] == "void" else f" -> {kind(entry['returns'])}"
        one_line = f"({', '.join(given)}){result}"
        head = len(f"    pub fn {entry['name']}")
        if head + len(one_line) < 100:
            return one_line
        return "(\n" + "".join(f"        {part},\n" for part in given) + f"    ){result}"

    lines = [
        "//! The C interface, as include/thinkwire.h declares it.",
        "//!",
        f"//! {NOTICE}",
        "#![allow(non_camel_case_types, dead_code, missing_docs)]",
        "",
        "use std::os::raw::{c_char, c_int, c_void};",
    ]
    for entry in description["enums"]:
        lines += ["", *summary(entry, "///"), f"pub type {entry['name']} = c_int;"]
        for constant in filter(is_value, entry["constants"]):
            lines += summary(constant, "///")
            lines.append(f"pub const {constant['name']}: {entry['name']} = {constant['value']};")
    for entry in description["objects"]:
        lines += ["", *summary(entry, "///"), "#[repr(C)]"]
        lines += [f"pub struct {entry['name']} {{", "    _opaque: [u8; 0],", "}"]
    for entry in description["structs"]:
        lines += ["", *summary(entry, "///"), "#[repr(C)]", f"pub struct {entry['name']} {{"]
        for field in entry["fields"]:
            lines += summary(field, "    ///")
            lines.append(f"    pub {field['name']}: {kind(field['type'])},")
        lines.append("}")
    for entry in description["callbacks"]:
        lines += ["", *summary(entry, "///")]
        result = "" if entry["returns"] == "void" else f" -> {kind(entry['returns'])}"
        given = ", ".join(parameters(entry))
        lines.append(f'pub type {entry["name"]} = unsafe extern "C" fn({given}){result};')
    lines += ["", '#[link(name = "thinkwire")]', 'extern "C" {']
    for entry in description["functions"]:
        lines += [*summary(entry, "    ///"), f"    pub fn {entry['name']}{signature(entry)};"]
    lines += ["}", "", *rust_layout(description)]
    return "\n".join(lines) + "\n"


def rust_layout(description: Entry) -> Iterator[str]:
    yield "/// Sizes of the structs and offsets of their fields, to compare with those of C."
    yield "#[cfg(test)]"
    yield "pub fn layout() -> Vec<(&'static str, usize)> {"
    yield "    let mut found = Vec::new();"
    yield "    macro_rules! fields {"
    yield "        ($kind:ident: $($field:ident)*) => {"
    yield "            let value = std::mem::MaybeUninit::<$kind>::uninit();"
    yield "            let start = value.as_ptr();"
    yield "            found.push((stringify!($kind), std::mem::size_of::<$kind>()));"
    yield '            $(found.push((concat!(stringify!($kind), ".", stringify!($field)), unsafe {'
    yield "                std::ptr::addr_of!((*start).$field) as usize - start as usize"
    yield "            }));)*"
    yield "        };"
    yield "    }"
    for entry in description["structs"]:
        line = f"    fields!({entry['name']}:"
        for field in entry["fields"]:
            if len(line) + len(field["name"]) > 95:
                yield line
                line = "       "
            line += f" {field['name']}"
        yield line + ");"
    yield "    found"
    yield "}"


# --------------------------------------------------------------------------------------------- C#

CSHARP_TYPES = {"size_t": "UIntPtr", "int64_t": "long"}
# A C# keyword is a name only with @.
KEYWORDS = {"event", "params", "object", "string", "fixed", "base"}


def csharp_name(name: str) -> str:
    return f"@{name}" if name in KEYWORDS else name


# These take a pointer, because its handle is being released or does not exist yet.
OWNERSHIP = ("_destroy", "_close", "_retain")
# Parameters with another type than the same declaration elsewhere. Text is UTF-8 with a NUL.
CSHARP_PARAMETERS = {
    "const char *": "byte[]",
    "const void *": "byte[]",
    "size_t *": "out UIntPtr",
    "tw_status *": "out int",
}


def csharp_type(kind: str, named: dict[str, str]) -> str:
    """The type of a field or a result."""
    return "IntPtr" if kind.endswith("*") else named.get(kind, CSHARP_TYPES.get(kind, kind))


def csharp_parameter(kind: str, named: dict[str, str], objects: set[str], function: str) -> str:
    """The type of a parameter of a function. A SafeHandle keeps its object during the call."""
    if kind in CSHARP_PARAMETERS:
        return CSHARP_PARAMETERS[kind]
    if kind.endswith("**"):
        return "out IntPtr"
    is_object = kind.removeprefix("const ").rstrip("* ") in objects and kind.endswith("*")
    if is_object and not function.endswith(OWNERSHIP):
        return "SafeHandle"
    return csharp_type(kind, named)


def csharp(description: Entry) -> str:
    objects = {entry["name"] for entry in description["objects"]}
    named = {entry["name"]: "int" for entry in description["enums"]}

    def kind(text: str) -> str:
        return csharp_type(text, named)

    def of_callback(entry: Entry) -> str:
        return ", ".join(
            f"{kind(part['type'])} {csharp_name(part['name'])}" for part in entry["parameters"]
        )

    def of_function(entry: Entry) -> str:
        types = (
            csharp_parameter(part["type"], named, objects, entry["name"])
            for part in entry["parameters"]
        )
        names = (csharp_name(part["name"]) for part in entry["parameters"])
        return ", ".join(f"{kind} {name}" for kind, name in zip(types, names))

    lines = [
        f"// {NOTICE}",
        "using System;",
        "using System.Runtime.InteropServices;",
        "",
        "namespace Thinkwire.Raw",
        "{",
    ]
    for entry in description["structs"]:
        lines += [f"    // {line}" for line in entry["comment"].split("\n")[:1]]
        lines += [
            "    [StructLayout(LayoutKind.Sequential)]",
            f"    struct {entry['name']}",
            "    {",
        ]
        lines += [
            f"        public {kind(field['type'])} {csharp_name(field['name'])};"
            for field in entry["fields"]
        ]
        lines += ["    }", ""]
    for entry in description["callbacks"]:
        lines += summary(entry, "    //")
        lines.append("    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]")
        returns = kind(entry["returns"])
        lines += [f"    delegate {returns} {entry['name']}({of_callback(entry)});", ""]
    lines += ["    static class Native", "    {"]
    for entry in description["enums"]:
        lines += [
            f"        public const int {constant['name']} = {constant['value']};"
            for constant in filter(is_value, entry["constants"])
        ]
        lines.append("")
    attribute = '[DllImport("thinkwire", CallingConvention = CallingConvention.Cdecl)]'
    for entry in description["functions"]:
        lines += [*summary(entry, "        //"), f"        {attribute}"]
        head = f"        public static extern {kind(entry['returns'])} {entry['name']}("
        parameters = of_function(entry)
        if len(head) + len(parameters) > 97:
            head += "\n            "
        lines.append(f"{head}{parameters});")
    return "\n".join([*lines, "    }", "}"]) + "\n"


FILES = {"rust/src/ffi.rs": rust, "csharp/src/Native.cs": csharp}


def main() -> int:
    description = json.loads((BINDINGS / "thinkwire.json").read_text(encoding="utf-8"))
    outdated = []
    for name, write in FILES.items():
        path, new = BINDINGS / name, write(description)
        if sys.argv[1:] != ["--check"]:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(new, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != new:
            outdated.append(f"bindings/{name} is not what bindings/generate.py writes; run it")
    print(*outdated, sep="\n", end="\n" if outdated else "")
    return 1 if outdated else 0


if __name__ == "__main__":
    sys.exit(main())
