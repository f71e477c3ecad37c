"""Where and how to connect."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping
from ctypes import CDLL
from dataclasses import asdict, dataclass
from numbers import Real
from typing import Any, Optional, Union

from . import _abi, _log
from ._handle import Handle, c_number, c_path, c_string, check
from .errors import InvalidArgumentError


@dataclass(frozen=True)
class Timeout:
    """The clocks of an exchange, in seconds. None leaves the default; 0 means none."""

    #: Until the connection, TLS included, is made. Default 10 s.
    connect: Optional[float] = None
    #: From there to the first byte of the response. Default 10 min: thinking takes time.
    first_byte: Optional[float] = None
    #: Between two arrivals of bytes. Default 2 min.
    idle: Optional[float] = None
    #: The whole exchange, with all its attempts and the waits between them. Default: none.
    total: Optional[float] = None


#: Seconds for the whole exchange, or a Timeout, or a dict that stands for one.
TimeoutLike = Union[float, Timeout, Mapping[str, float], None]


@dataclass(frozen=True)
class Limits:
    """What a server may send at most, in bytes. None leaves the default; one byte more raises LimitError."""

    #: A line, or the data of one event, of a stream. Default 16 MiB.
    event: Optional[int] = None
    #: All the bytes of a response's body. Default 256 MiB.
    reply: Optional[int] = None
    #: All the bytes of a response's headers. Default 256 KiB.
    headers: Optional[int] = None


#: What is asked for, as curl and servers name it.
_HTTP_VERSIONS = {
    "auto": _abi.HTTPVersion.HTTP_AUTO,
    "1.1": _abi.HTTPVersion.HTTP_1_1,
    "2": _abi.HTTPVersion.HTTP_2,
}

#: Seconds that C can say in milliseconds.
_LONGEST = (2**63 - 1) // 1000


class Options:
    """The library's options, made of the arguments of a Client."""

    def __init__(
        self,
        library: CDLL,
        *,
        base_url: Optional[str],
        api_key: Optional[str],
        headers: Optional[Mapping[str, str]],
        timeout: TimeoutLike,
        max_retries: Optional[int],
        comments_keep_alive: bool,
        proxy: Optional[str],
        no_proxy: Union[str, Iterable[str], None],
        ca_file: Union[str, os.PathLike[str], None],
        ca_directory: Union[str, os.PathLike[str], None],
        limits: Union[Limits, Mapping[str, int], None],
        http_version: Optional[str],
        dialect: Union[str, _abi.Dialect, None],
        allow_cleartext: Union[str, Iterable[str]],
        log: Optional[_log.LogFunction],
    ) -> None:
        self.handle = Handle(library.tw_options_create(), library.tw_options_destroy)
        self.log_number: Optional[int] = None
        address = self.handle.address
        if base_url is not None:
            check(library, library.tw_options_set_base_url(address, c_string("base_url", base_url)))
        if api_key is not None:
            check(library, library.tw_options_set_api_key(address, c_string("api_key", api_key)))
        for name, value in (headers or {}).items():
            field = c_string(f"the header {name!r}", value)
            check(
                library,
                library.tw_options_set_header(address, c_string("a header's name", name), field),
            )
        for clock, milliseconds in clocks_of(timeout):
            check(library, library.tw_options_set_timeout(address, clock, milliseconds))
        if max_retries is not None:
            check(
                library,
                library.tw_options_set_retries(address, c_number("max_retries", max_retries, 32)),
            )
        check(library, library.tw_options_set_comments_keep_alive(address, comments_keep_alive))
        for which, number in _chosen("limits", Limits, limits):
            size = c_number(f"the limit {which}", number, 64)
            check(library, library.tw_options_set_limit(address, _abi.Limit[which.upper()], size))
        if proxy is not None:
            check(library, library.tw_options_set_proxy(address, c_string("proxy", proxy)))
        if no_proxy is not None:
            hosts = no_proxy if isinstance(no_proxy, str) else ",".join(no_proxy)
            check(library, library.tw_options_set_no_proxy(address, c_string("no_proxy", hosts)))
        if ca_file is not None:
            check(library, library.tw_options_set_ca_file(address, c_path("ca_file", ca_file)))
        if ca_directory is not None:
            check(
                library,
                library.tw_options_set_ca_directory(address, c_path("ca_directory", ca_directory)),
            )
        if http_version is not None:
            if http_version not in _HTTP_VERSIONS:
                raise InvalidArgumentError(
                    f"http_version is {', '.join(map(repr, _HTTP_VERSIONS))} or None, not {http_version!r}"
                )
            check(
                library, library.tw_options_set_http_version(address, _HTTP_VERSIONS[http_version])
            )
        if dialect is not None:
            check(library, library.tw_options_set_dialect(address, _dialect(dialect)))
        for host in [allow_cleartext] if isinstance(allow_cleartext, str) else allow_cleartext:
            check(
                library,
                library.tw_options_allow_cleartext(address, c_string("allow_cleartext", host)),
            )
        if log is not None:
            self.log_number = _log.register(log)
            check(library, library.tw_options_set_log(address, _log.trampoline, self.log_number))

    def __del__(self) -> None:
        number: Optional[int] = getattr(self, "log_number", None)
        if number is not None:
            _log.forget(number)


def clocks_of(timeout: TimeoutLike) -> list[tuple[_abi.TimeoutClock, int]]:
    """The clocks that are set, in milliseconds."""
    given = Timeout(total=timeout) if isinstance(timeout, Real) else timeout
    chosen = _chosen("timeout", Timeout, given)
    return [
        (_abi.TimeoutClock[which.upper()], _milliseconds(which, seconds))
        for which, seconds in chosen
    ]


def _chosen(
    argument: str, shape: type[Union[Timeout, Limits]], given: object
) -> list[tuple[str, float]]:
    """The fields that are set, by name, of a Timeout or a Limits or a mapping that stands for one."""
    if given is None:
        return []
    if isinstance(given, Mapping):
        unread: Mapping[object, Any] = given
        try:
            given = shape(**given)
        except TypeError:
            fields, names = (
                ", ".join(shape.__dataclass_fields__),
                ", ".join(repr(name) for name in unread),
            )
            raise InvalidArgumentError(f"{argument} has only {fields}, not {names}") from None
    if not isinstance(given, shape):
        raise InvalidArgumentError(
            f"{argument} is a number, a dict or a {shape.__name__}, not {given!r}"
        )
    return [(name, value) for name, value in asdict(given).items() if value is not None]


def _dialect(given: Union[str, _abi.Dialect]) -> _abi.Dialect:
    known = _abi.Dialect.__members__
    if isinstance(given, str) and given.upper() in known:
        return known[given.upper()]
    if isinstance(given, _abi.Dialect):
        return given
    raise InvalidArgumentError(
        f"dialect is {', '.join(repr(name.lower()) for name in known)} or None, not {given!r}"
    )


def _milliseconds(which: str, given: object) -> int:
    """Rounded up, so that a time however short does not become 0, which means none."""
    if not isinstance(given, Real) or given != given:
        raise InvalidArgumentError(f"the timeout {which} is not a number")
    seconds: Any = given
    if seconds < 0:
        raise InvalidArgumentError(f"the timeout {which} is negative: 0 means none")
    return 0 if seconds == math.inf else math.ceil(min(seconds, _LONGEST) * 1000)
