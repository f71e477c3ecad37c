"""abi.py detects incompatible changes, accepts additions; programs of the recorded ABI run."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import abi
import pytest
from sources import ROOT
from test_readme import ANSWER, REASONING, environment, run

RECORDED = abi.RECORDED_ABI.read_text(encoding="utf-8")
DECLARATIONS = abi.RECORDED_HEADER.read_text(encoding="utf-8")


def changed(folder: Path, old: str, new: str) -> str:
    """The ABI of the recorded declarations after the replacement of one text."""
    assert DECLARATIONS.count(old) == 1
    header = folder / "changed.h"
    header.write_text(DECLARATIONS.replace(old, new), encoding="utf-8")
    return abi.describe(header)


def test_the_record_describes_the_recorded_declarations() -> None:
    assert abi.describe(abi.RECORDED_HEADER) == RECORDED


@pytest.mark.parametrize(
    ("old", "new", "report"),
    [
        ("const char *tw_version(void);", "", "tw_version"),
        (
            "tw_loop_poll(tw_loop *loop, int timeout",
            "tw_loop_poll(tw_loop *loop, long timeout",
            "tw_loop_poll",
        ),
        ("double tw_usage_get_cost(", "float tw_usage_get_cost(", "return type changed"),
        ("    int64_t prompt_tokens;\n", "", "prompt_tokens"),
        ("    double cost;\n", "    double tax;\n    double cost;\n", "tax"),
        ("TW_INVALID = 1,", "TW_INVALID = 99,", "TW_INVALID"),
        ("    TW_MISUSE = 2,\n", "", "TW_MISUSE"),
        ("typedef int (*tw_event_fn)(void *", "typedef void (*tw_event_fn)(void *", "tw_event_fn"),
    ],
)
def test_incompatible_changes_are_reported(tmp_path: Path, old: str, new: str, report: str) -> None:
    with pytest.raises(abi.Incompatible, match=report):
        abi.compare(RECORDED, changed(tmp_path, old, new))


@pytest.mark.parametrize(
    ("old", "new", "report"),
    [
        (
            "const char *tw_version(void);",
            "const char *tw_version(void);\nint tw_new(int a);",
            "tw_new",
        ),
        ("    TW_INVALID = 1,\n", "    TW_INVALID = 1,\n    TW_NEW = 99,\n", "TW_NEW"),
        ("} tw_usage;", "    int64_t added;\n} tw_usage;", "added"),
    ],
)
def test_additions_are_accepted_and_reported(
    tmp_path: Path, old: str, new: str, report: str
) -> None:
    assert report in abi.compare(RECORDED, changed(tmp_path, old, new))


def test_structs_keep_their_members(tmp_path: Path) -> None:
    member = "    int64_t total_tokens;\n"
    header = tmp_path / "changed.h"
    header.write_text(DECLARATIONS.replace(member, "    int32_t total_tokens;\n"), encoding="utf-8")
    with pytest.raises(abi.Incompatible, match="tw_usage"):
        abi.check_structs(header)
    header.write_text(DECLARATIONS.replace("} tw_usage;", "    int added;\n} tw_usage;"), "utf-8")
    abi.check_structs(header)


def test_without_changes_nothing_is_reported() -> None:
    assert abi.compare(RECORDED, RECORDED) == ""


def test_functions_that_the_library_lacks_are_reported(tmp_path: Path) -> None:
    header = tmp_path / "changed.h"
    header.write_text(DECLARATIONS.replace("const char *tw_version(void);", ""), encoding="utf-8")
    with pytest.raises(abi.Incompatible, match=r"tw_version@@THINKWIRE_0\.1"):
        abi.check_symbols(RECORDED, abi.build_stub(header, tmp_path))


def test_functions_without_their_symbol_version_are_reported(tmp_path: Path) -> None:
    other = RECORDED.replace("THINKWIRE_0.1", "THINKWIRE_0.0")
    with pytest.raises(abi.Incompatible, match=r"tw_version@@THINKWIRE_0\.0"):
        abi.check_symbols(other, abi.build_stub(abi.RECORDED_HEADER, tmp_path))


def test_a_program_built_against_the_recorded_abi_runs(tmp_path: Path, base_url: str) -> None:
    stub = abi.build_stub(abi.RECORDED_HEADER, tmp_path)
    shutil.copy(abi.RECORDED_HEADER, tmp_path)
    program = tmp_path / "program"
    source = ROOT / "bindings/c/examples/stream.c"
    command = ["cc", "-std=c99", f"-I{tmp_path}", str(source), str(stub), "-o", str(program)]
    subprocess.run(command, check=True)
    needed = subprocess.check_output(["readelf", "-V", str(program)], text=True)
    assert "THINKWIRE_0.1" in needed
    # The loader finds the library by its soname.
    current = tmp_path / "current"
    current.mkdir()
    (current / abi.SONAME).symlink_to(os.environ["THINKWIRE_LIBRARY"])
    variables = environment(
        THINKWIRE_BASE_URL=base_url, THINKWIRE_API_KEY="test", LD_LIBRARY_PATH=str(current)
    )
    output, errors = run([str(program)], variables)
    assert output.startswith(ANSWER)
    assert errors.startswith(REASONING)
