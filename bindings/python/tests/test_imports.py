"""The basic path imports little. Everything else is imported where it is used."""

from __future__ import annotations

import subprocess
import sys

import pytest
import thinkwire
from conftest import PACKAGE, run_python

#: Modules that take at least a millisecond to import, or that import such modules.
HEAVY = (
    "array",
    "ast",
    "asyncio",
    "collections",
    "contextlib",
    "dataclasses",
    "enum",
    "functools",
    "importlib.util",
    "inspect",
    "json",
    "logging",
    "operator",
    "pathlib",
    "re",
    "socket",
    "subprocess",
    "tempfile",
    "threading",
    "typing",
    "urllib",
)

#: The modules of the package that only some programs use.
LATER = tuple(f"thinkwire.{name}" for name in thinkwire._LATER)

REPORT = f"""
import sys
print(*(name for name in {HEAVY + LATER!r} if name in sys.modules))
"""

ANSWER = (
    """
import sys
from thinkwire import Client
with Client(sys.argv[1], "key", max_retries=1, timeout=60) as client:
    stream = client.stream("mock/synthetic", "Hello", thinking=True)
    assert next(iter(stream)).text
"""
    + REPORT
)


def isolated(program: str, *arguments: str) -> list[str]:
    """Runs a program without the modules that files of site-packages import at every start."""
    code = f"import sys; sys.path.insert(0, {str(PACKAGE)!r})\n{program}"
    completed = subprocess.run(
        [sys.executable, "-S", "-c", code, *arguments], capture_output=True, text=True, timeout=60
    )
    assert completed.returncode == 0, completed.stderr
    return completed.stdout.split()


def test_import_of_the_package_imports_nothing_that_takes_long() -> None:
    assert isolated("import thinkwire" + REPORT) == []


def test_a_program_imports_nothing_that_takes_long_before_the_first_delta(base_url: str) -> None:
    assert isolated(ANSWER, base_url) == []


@pytest.mark.parametrize("name", thinkwire.__all__)
def test_every_public_name_is_listed_and_exists(name: str) -> None:
    assert name in dir(thinkwire)
    assert getattr(thinkwire, name) is not None


def test_names_that_are_imported_later_are_public() -> None:
    names = {name for names in thinkwire._LATER.values() for name in names}
    assert names <= set(thinkwire.__all__)


def test_import_of_all_names_and_of_modules_as_attributes() -> None:
    program = """
import thinkwire
assert thinkwire.openai.OpenAI is thinkwire.OpenAI
assert thinkwire.tools.Tool is thinkwire.Tool
from thinkwire import *
assert set(thinkwire.__all__) <= globals().keys()
try:
    thinkwire.unknown
except AttributeError as error:
    assert "'unknown'" in str(error)
else:
    raise AssertionError
"""
    run_python(program)
