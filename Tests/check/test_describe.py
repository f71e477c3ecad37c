"""describe.py reads the whole header; declared.py finds what a binding lacks."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path += [str(ROOT / "bindings"), str(ROOT / "Tests" / "bindings")]

import declared  # noqa: E402
import describe  # noqa: E402
import generate  # noqa: E402

HEADER = """/*
 * small.h: a header.
 */
#ifndef SMALL_H
#define SMALL_H
#include <stddef.h>
/** The version. */
#define TW_VERSION "1.2.3"
#ifndef TW_API
#define TW_API __attribute__((visibility("default")))
#endif
#ifdef __cplusplus
extern "C" {
#endif
/* -------------- */
/* Things         */
/* -------------- */

/*
 * About things.
 */

/**
 * Sizes of a thing.
 *
 * In metres.
 */
typedef enum tw_size {
    /** Little. */
    TW_SMALL = 1,
    /**
     * Much,
     * really.
     */
    TW_LARGE = 2,
    TW_HUGE = TW_LARGE,
    TW_NONE = -1,
    TW_SIZE_MAX_ENUM = 0x7FFFFFFF
} tw_size;

/** A thing. */
typedef struct tw_thing tw_thing;

/** A pair. */
typedef struct tw_pair {
    size_t size;
    /** The first; may be NULL. */
    const char *first;
    tw_size second;
} tw_pair;

/** Receives a pair. */
typedef int (*tw_pair_fn)(void *userdata, const tw_pair *pair);

/** Creates a thing. */
TW_API tw_thing *tw_thing_create(void);
/** Stores a thing, in `*thing`. */
TW_API tw_size tw_thing_parse(const char *text, size_t len,
                              tw_thing **thing, tw_pair_fn fn);
#ifdef __cplusplus
}
#endif
#endif
"""


@pytest.fixture
def description() -> dict[str, Any]:
    return describe.describe(HEADER)


def test_every_kind_of_declaration_is_described(description: dict[str, Any]) -> None:
    assert description["comment"] == "small.h: a header."
    assert description["sections"] == [{"name": "Things", "comment": "About things."}]
    assert [(each["name"], each["value"]) for each in description["constants"]] == [
        ("TW_VERSION", '"1.2.3"')
    ]
    assert [each["name"] for each in description["objects"]] == ["tw_thing"]
    (pair,) = description["structs"]
    assert pair["fields"] == [
        {"name": "size", "type": "size_t", "comment": ""},
        {"name": "first", "type": "const char *", "comment": "The first; may be NULL."},
        {"name": "second", "type": "tw_size", "comment": ""},
    ]
    (callback,) = description["callbacks"]
    assert (callback["name"], callback["returns"]) == ("tw_pair_fn", "int")
    create, parse = description["functions"]
    assert (create["returns"], create["parameters"]) == ("tw_thing *", [])
    assert [(each["type"], each["name"]) for each in parse["parameters"]] == [
        ("const char *", "text"),
        ("size_t", "len"),
        ("tw_thing **", "thing"),
        ("tw_pair_fn", "fn"),
    ]
    assert parse["comment"] == "Stores a thing, in `*thing`." and parse["section"] == "Things"


def test_enum_constants_have_values_and_comments(description: dict[str, Any]) -> None:
    (size,) = description["enums"]
    assert size["comment"] == "Sizes of a thing.\n\nIn metres."
    assert [(each["name"], each["value"], each["comment"]) for each in size["constants"]] == [
        ("TW_SMALL", 1, "Little."),
        ("TW_LARGE", 2, "Much,\nreally."),
        ("TW_HUGE", 2, ""),
        ("TW_NONE", -1, ""),
        ("TW_SIZE_MAX_ENUM", 0x7FFFFFFF, ""),
    ]


@pytest.mark.parametrize(
    "declaration",
    ["int tw_forgotten(void);", "typedef union { int a; } tw_union;", "TW_API int tw_f(int, int);"],
)
def test_an_unknown_declaration_is_an_error(declaration: str) -> None:
    header = HEADER.replace("/** A thing. */\n", f"{declaration}\n/** A thing. */\n")
    with pytest.raises(ValueError, match=r"cannot read"):
        describe.describe(header)


def test_nothing_of_the_header_is_missing() -> None:
    header = describe.HEADER.read_text(encoding="utf-8")
    description = describe.describe(header)
    functions = re.findall(r"^TW_API [^;]*?\b(tw_\w+)\(", header, re.MULTILINE)
    assert [each["name"] for each in description["functions"]] == functions
    constants = re.findall(r"^    (TW_\w+) = ", header, re.MULTILINE)
    found = [each["name"] for enum in description["enums"] for each in enum["constants"]]
    assert found == constants
    for kind in ("functions", "enums", "structs", "objects", "callbacks", "constants"):
        assert all(each["comment"] and each["name"] for each in description[kind])


def test_the_written_files_are_up_to_date() -> None:
    for script in ("describe.py", "generate.py"):
        subprocess.run([sys.executable, ROOT / "bindings" / script, "--check"], check=True)


def test_generated_declarations(description: dict[str, Any]) -> None:
    rust = generate.rust(description)
    assert "pub const TW_LARGE: tw_size = 2;" in rust and "MAX_ENUM" not in rust
    assert "pub fn tw_thing_create() -> *mut tw_thing;" in rust
    for part in ("text: *const c_char", "thing: *mut *mut tw_thing", "r#fn: Option<tw_pair_fn>"):
        assert part in rust
    csharp = generate.csharp(description)
    assert "public const int TW_NONE = -1;" in csharp
    assert "byte[] text, UIntPtr len, out IntPtr thing, tw_pair_fn fn);" in csharp
    assert "delegate int tw_pair_fn(IntPtr userdata, IntPtr pair);" in csharp


def test_absent_and_wrongly_omitted_names_are_found(description: dict[str, Any]) -> None:
    sources = "tw_thing_create(); case TW_SMALL: TW_NONE"
    omitted = "# Not useful.\ntw_thing_p*\nTW_HUGE\n"
    assert list(declared.problems(description, omitted, sources)) == ["TW_LARGE is missing"]
    omitted += "TW_SMALL\ntw_other\nTW_LARGE"
    assert list(declared.problems(description, omitted, sources)) == [
        "TW_SMALL is omitted, but used",
        "tw_other is omitted, but does not exist",
    ]
    assert "tw_x is omitted without a reason" in list(declared.problems(description, "tw_x", ""))
