"""Objects of the library and its texts, as Python holds them."""

from __future__ import annotations

import ctypes
import operator
import os
from typing import Any, Callable, NoReturn, Optional

from ._abi import Status
from .errors import BY_STATUS, InvalidArgumentError


class Single:
    """What lets go of an object of the library: a copy of it would do so once more."""

    __slots__ = ()

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"a {type(self).__name__} can't be copied or pickled")


class Handle(Single):
    """An object of the library, destroyed exactly once: by close(), or when the last reference to it goes."""

    # The function is kept here, not looked up: at the interpreter's exit module globals may be gone before the last object.
    __slots__ = ("address", "_destroy", "__weakref__")

    def __init__(self, address: int, destroy: Callable[[int], object]) -> None:
        self.address: Optional[int] = address
        self._destroy = destroy

    def abandon(self) -> Optional[int]:
        """Gives the address away; this handle will not destroy it."""
        address, self.address = self.address, None
        return address

    def close(self) -> None:
        address = self.abandon()
        if address is not None:
            self._destroy(address)

    def __del__(self) -> None:
        self.close()


def check(library: ctypes.CDLL, status: int) -> None:
    """Raises what a function that returns a status has against its arguments."""
    if status != Status.OK:
        raise BY_STATUS[Status(status)](text(library.tw_last_error()) or "")


def text(borrowed: Optional[bytes]) -> Optional[str]:
    """A borrowed text that ends in a NUL."""
    return None if borrowed is None else borrowed.decode("utf-8", "replace")


def sized_text(address: Optional[int], length: int) -> str:
    """A borrowed text of that many bytes; it may hold NULs."""
    return ctypes.string_at(address, length).decode("utf-8", "replace") if address else ""


def c_string(name: str, value: object) -> bytes:
    """The bytes of a text that C is to read up to its NUL, which therefore must not have one inside."""
    if not isinstance(value, str):
        raise InvalidArgumentError(f"{name} is a str, not {type(value).__name__}")
    if "\0" in value:
        raise InvalidArgumentError(f"{name} has a NUL character in it")
    return utf8(name, value)


def c_path(name: str, value: Any) -> bytes:
    """The same of a file's name, which is not always UTF-8."""
    try:
        path = os.fsencode(value)
    except (TypeError, UnicodeEncodeError) as error:
        raise InvalidArgumentError(f"{name} is no path: {error}") from error
    if b"\0" in path:
        raise InvalidArgumentError(f"{name} has a NUL character in it")
    return path


def c_number(name: str, value: Any, bits: int) -> int:
    """A whole number that C has room for: ctypes would cut off what is beyond."""
    try:
        number = operator.index(value)
    except TypeError:
        raise InvalidArgumentError(f"{name} is a whole number, not {value!r}") from None
    if number.bit_length() >= bits:
        raise InvalidArgumentError(f"{name} is out of range")
    return number


def utf8(name: str, value: str) -> bytes:
    try:
        return value.encode()
    except UnicodeEncodeError as error:
        raise InvalidArgumentError(
            f"{name} is not Unicode text: a lone surrogate at character {error.start}"
        ) from error
