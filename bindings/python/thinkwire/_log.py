"""Passes log lines from the library, which calls a single C function, to Python functions."""

from __future__ import annotations

import itertools
import sys

from ._abi import tw_log_fn
from ._fork import get_ident
from ._handle import failures
from ._typing import Callable, Optional

LogFunction = Callable[[str], object]

# C receives a number as user data, never the address of an object, so a stale one is harmless.
_functions: dict[int, LogFunction] = {}
_numbers = itertools.count(1)


def register(function: LogFunction) -> int:
    """Returns the number that identifies the function in C."""
    number = next(_numbers)
    _functions[number] = function
    return number


def logger() -> Optional[LogFunction]:
    """Returns a function that passes lines to logging.getLogger("thinkwire"), if it is enabled.

    It is enabled if its level is DEBUG. A program that has not imported logging has not enabled it.
    """
    logging = sys.modules.get("logging")
    if logging is None:
        return None
    destination = logging.getLogger("thinkwire")
    if not destination.isEnabledFor(logging.DEBUG):
        return None
    return lambda line: destination.debug("%s", line)


def unregister(number: int) -> None:
    _functions.pop(number, None)


def _write(number: Optional[int], line: bytes) -> None:
    function = _functions.get(number or 0)
    if function is None:
        return
    try:
        function(line.decode("utf-8", "replace"))
    except BaseException as error:
        # An exception cannot pass through C. It is raised again after the C call has returned.
        failures.setdefault(get_ident(), error)


#: The only trampoline, kept for the lifetime of the process so that C never calls a freed one.
trampoline = tw_log_fn(_write)
