"""Owns library objects and converts strings, paths and integers between Python and C."""

from __future__ import annotations

import ctypes
import os
from _operator import index

from ._abi import TW_OK
from ._fork import get_ident
from ._typing import TYPE_CHECKING, Any, Callable, NoReturn, Optional
from .errors import BY_STATUS, InvalidArgumentError

if TYPE_CHECKING:
    import re


class NotCopyable:
    """Owner of a library object. A copy would destroy the object a second time."""

    __slots__ = ()

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"a {type(self).__name__} can't be copied or pickled")


class Handle(NotCopyable):
    """A library object, destroyed exactly once: by close() or with the last reference to it."""

    # The destroy function is stored because module globals may already be deleted when the last
    # object is finalized at interpreter exit.
    __slots__ = ("address", "_destroy", "__weakref__")

    def __init__(self, address: int, destroy: Callable[[int], object]) -> None:
        self.address: Optional[int] = address
        self._destroy = destroy

    def detach(self) -> Optional[int]:
        """Returns the address and gives up its ownership."""
        address, self.address = self.address, None
        return address

    def close(self) -> None:
        address = self.detach()
        if address is not None:
            self._destroy(address)

    def __del__(self) -> None:
        self.close()


def check(library: ctypes.CDLL, status: int) -> None:
    """Raises the exception for a status other than TW_OK, with the message of tw_last_error."""
    if status != TW_OK:
        raise BY_STATUS[status](last_error(library))


#: Exceptions raised by log functions, by thread, until the C call that invoked them has returned.
failures: dict[int, BaseException] = {}


def taken_failure() -> Optional[BaseException]:
    """Returns the exception that a log function raised on this thread, if any, once."""
    return failures.pop(get_ident(), None)


def raise_failure() -> None:
    """Raises the exception that a log function raised on this thread, if any."""
    error = taken_failure()
    if error is not None:
        raise error


def text(borrowed: Optional[bytes]) -> Optional[str]:
    """Decodes a borrowed, NUL-terminated string."""
    return None if borrowed is None else borrowed.decode("utf-8", "replace")


def message_text(borrowed: Optional[bytes]) -> Optional[str]:
    """Decodes a message, with the names of this package in place of those of C functions."""
    message = text(borrowed)
    if message is None or "tw_" not in message:
        return message
    import re

    message = re.sub(r"\btw_options_(?:set_)?(\w+)", _client_argument, message)
    return re.sub(r"\btw_chat_(send|stream)\b", r"\1()", message)


def last_error(library: ctypes.CDLL) -> str:
    """Returns why the last call on this thread failed."""
    return message_text(library.tw_last_error()) or ""


def _client_argument(setter: re.Match[str]) -> str:
    name = setter.group(1)
    return f"Client({_CLIENT_ARGUMENTS.get(name, name)}=…)"


#: The arguments of Client whose names differ from those of the C functions.
_CLIENT_ARGUMENTS = {"header": "headers", "limit": "limits", "retries": "max_retries"}


def sized_text(address: Optional[int], length: int) -> str:
    """Decodes a borrowed string of `length` bytes, which may contain NUL characters."""
    return ctypes.string_at(address, length).decode("utf-8", "replace") if address else ""


def c_string(name: str, value: object) -> bytes:
    """Encodes a string that C reads up to its NUL terminator. Rejects embedded NUL characters."""
    if not isinstance(value, str):
        raise InvalidArgumentError(f"{name} must be a str, not {type(value).__name__}")
    if "\0" in value:
        raise InvalidArgumentError(f"{name} contains a NUL character")
    return utf8(name, value)


def c_path(name: str, value: Any) -> bytes:
    """Encodes a file system path, which need not be UTF-8. Rejects embedded NUL characters."""
    try:
        path = os.fsencode(value)
    except (TypeError, UnicodeEncodeError) as error:
        raise InvalidArgumentError(f"{name} is not a valid path: {error}") from error
    if b"\0" in path:
        raise InvalidArgumentError(f"{name} contains a NUL character")
    return path


def c_integer(name: str, value: Any, bits: int) -> int:
    """Checks that an integer fits a signed C type of `bits` bits. ctypes would truncate it."""
    try:
        number = index(value)
    except TypeError:
        raise InvalidArgumentError(f"{name} must be an integer, not {value!r}") from None
    if number.bit_length() >= bits:
        raise InvalidArgumentError(f"{name} is out of range")
    return number


def utf8(name: str, value: str) -> bytes:
    try:
        return value.encode()
    except UnicodeEncodeError as error:
        raise InvalidArgumentError(
            f"{name} is not valid Unicode: lone surrogate at index {error.start}"
        ) from error
