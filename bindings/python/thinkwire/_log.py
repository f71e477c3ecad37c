"""The one function that C calls here: the line of a log, handed to whichever Python function it is for."""

from __future__ import annotations

import itertools
import threading
from typing import Callable, Optional

from ._abi import tw_log_fn

LogFunction = Callable[[str], object]

# C is given a number, never the address of a Python object: a number that is no longer here is harmless.
_functions: dict[int, LogFunction] = {}
_numbers = itertools.count(1)

#: What log functions have raised, by thread, until the call into C that ran them has returned.
failures: dict[int, BaseException] = {}


def register(function: LogFunction) -> int:
    """The number to give to C for this function."""
    number = next(_numbers)
    _functions[number] = function
    return number


def forget(number: int) -> None:
    _functions.pop(number, None)


def raise_failure() -> None:
    """Raises what a log function raised on this thread, if one did."""
    error = failures.pop(threading.get_ident(), None)
    if error is not None:
        raise error


def _write(number: Optional[int], line: bytes) -> None:
    function = _functions.get(number or 0)
    if function is None:
        return
    try:
        function(line.decode("utf-8", "replace"))
    except (
        BaseException
    ) as error:  # It can't pass through C: it is raised when the call that ran this has returned.
        failures.setdefault(threading.get_ident(), error)


#: One trampoline for the life of the process, so that none can be freed while C still has it.
trampoline = tw_log_fn(_write)
