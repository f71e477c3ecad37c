"""Options of a client: timeouts, limits and the settings of its connections."""

from __future__ import annotations

import os
import sys
from _collections_abc import Mapping
from ctypes import CDLL

from . import _abi
from ._handle import Handle, c_integer, c_path, c_string, check
from ._typing import TYPE_CHECKING, Any, Literal, Optional, Protocol, TypedDict, Union
from .errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ._enums import Dialect, HTTPVersion
    from ._log import LogFunction
    from .option_values import Limits, Timeout


class HTTPXTimeout(Protocol):
    """The timeouts of an httpx.Timeout that have an equivalent here; None disables one."""

    connect: Optional[float]
    read: Optional[float]


#: Seconds for the whole exchange, a Timeout, a dict with its fields, or an httpx.Timeout.
TimeoutLike = Union[float, "Timeout", Mapping[str, float], HTTPXTimeout, None]


_TIMEOUTS = {
    "connect": _abi.TW_TIMEOUT_CONNECT,
    "first_byte": _abi.TW_TIMEOUT_FIRST_BYTE,
    "idle": _abi.TW_TIMEOUT_IDLE,
    "total": _abi.TW_TIMEOUT_TOTAL,
}

#: The largest number of seconds that an int64_t can hold in milliseconds.
_MAX_SECONDS = (2**63 - 1) // 1000


#: The opening and the closing tag that enclose reasoning, in addition to those of known models;
#: None for those alone; False for no tags.
ReasoningTags = Union[tuple[str, str], Literal[False], None]


class ClientOptions(TypedDict, total=False):
    """The keyword arguments of Client, which its docstring describes."""

    headers: Optional[Mapping[str, str]]
    timeout: TimeoutLike
    max_retries: Optional[int]
    comments_keep_alive: bool
    require_finish: bool
    proxy: Optional[str]
    no_proxy: Union[str, Iterable[str], None]
    ca_file: Union[str, os.PathLike[str], None]
    ca_directory: Union[str, os.PathLike[str], None]
    limits: Union[Limits, Mapping[str, int], None]
    http_version: Optional[str]
    dialect: Union[str, Dialect, None]
    reasoning_tags: ReasoningTags
    reasoning_replay: Optional[str]
    allow_cleartext: Union[str, Iterable[str]]
    log: Optional[LogFunction]


class AllOptions(ClientOptions, total=False):
    """The arguments of Client.with_options."""

    base_url: Optional[str]
    api_key: Optional[str]


class Options:
    """The library's options object, created from the arguments of a Client."""

    def __init__(self, library: CDLL, options: AllOptions) -> None:
        self._library = library
        self.handle = Handle(library.tw_options_create(), library.tw_options_destroy)
        self.log_number: Optional[int] = None
        check_names(options, AllOptions.__optional_keys__)
        no_proxy = options.get("no_proxy")
        if no_proxy is not None and not isinstance(no_proxy, str):
            no_proxy = ",".join(no_proxy)
        self._set_string("base_url", options.get("base_url"))
        self._set_string("api_key", options.get("api_key"))
        for name, value in (options.get("headers") or {}).items():
            field = c_string(f"the header {name!r}", value)
            self._call("tw_options_set_header", c_string("the name of a header", name), field)
        for kind, milliseconds in timeouts_of(options.get("timeout")):
            self._call("tw_options_set_timeout", kind, milliseconds)
        max_retries = options.get("max_retries")
        if max_retries is not None:
            self._call("tw_options_set_retries", c_integer("max_retries", max_retries, 32))
        self._call("tw_options_set_comments_keep_alive", options.get("comments_keep_alive", True))
        self._call("tw_options_set_require_finish", options.get("require_finish", True))
        for limit, number in _fields_of("limits", "Limits", options.get("limits")):
            from ._enums import Limit

            size = c_integer(f"the limit {limit}", number, 64)
            self._call("tw_options_set_limit", Limit[limit.upper()], size)
        self._set_string("proxy", options.get("proxy"))
        self._set_string("no_proxy", no_proxy)
        self._set_path("ca_file", options.get("ca_file"))
        self._set_path("ca_directory", options.get("ca_directory"))
        http_version = options.get("http_version")
        if http_version is not None:
            self._call("tw_options_set_http_version", _http_version(http_version))
        dialect = options.get("dialect")
        if dialect is not None:
            self._call("tw_options_set_dialect", _dialect(dialect))
        self._call("tw_options_set_reasoning_tags", *tags_of(options.get("reasoning_tags")))
        self._set_string("reasoning_replay", options.get("reasoning_replay"))
        hosts = options.get("allow_cleartext", ())
        for host in [hosts] if isinstance(hosts, str) else hosts:
            self._call("tw_options_allow_cleartext", c_string("allow_cleartext", host))
        if options.get("log") or "logging" in sys.modules:
            self._set_log(options.get("log"))

    def __del__(self) -> None:
        number: Optional[int] = getattr(self, "log_number", None)
        if number is not None:
            self._unregister(number)

    def _set_log(self, function: Optional[LogFunction]) -> None:
        from . import _log

        log = function or _log.logger()
        if log is not None:
            self._unregister = _log.unregister
            self.log_number = _log.register(log)
            self._call("tw_options_set_log", _log.trampoline, self.log_number)

    def _call(self, function: str, *arguments: object) -> None:
        check(self._library, getattr(self._library, function)(self.handle.address, *arguments))

    def _set_string(self, name: str, value: Optional[str]) -> None:
        if value is not None:
            self._call(f"tw_options_set_{name}", c_string(name, value))

    def _set_path(self, name: str, value: Union[str, os.PathLike[str], None]) -> None:
        if value is not None:
            self._call(f"tw_options_set_{name}", c_path(name, value))


def check_names(given: Iterable[str], known: Iterable[str], hint: str = "") -> None:
    """Raises TypeError for the first name that is not known."""
    names = frozenset(known)
    for name in given:
        if name not in names:
            # Imported here because programs without errors do not need it.
            from difflib import get_close_matches

            similar = get_close_matches(name, names, 1)
            question = f"; did you mean {similar[0]!r}?" if similar else ""
            raise TypeError(f"unexpected argument {name!r}{question}{hint}")


def tags_of(tags: object) -> tuple[Optional[bytes], Optional[bytes]]:
    """Returns reasoning tags as the library expects them."""
    if tags is None:
        return None, None
    if tags is False:
        return b"", b""
    if isinstance(tags, (tuple, list)) and len(tags) == 2:
        return c_string("reasoning_tags", tags[0]), c_string("reasoning_tags", tags[1])
    raise InvalidArgumentError(
        f"reasoning_tags must be a pair of an opening and a closing tag, or False, not {tags!r}"
    )


def timeouts_of(timeout: TimeoutLike) -> list[tuple[int, int]]:
    """Returns the timeouts that are set, in milliseconds."""
    value: Any = timeout
    if _is_number(value):
        fields = [("total", value)]
    elif hasattr(value, "connect") and hasattr(value, "read"):
        # httpx limits the time between two reads, of which the first one waits for the response.
        connect, read = (0 if limit is None else limit for limit in (value.connect, value.read))
        fields = [("connect", connect), ("first_byte", read), ("idle", read)]
    else:
        fields = _fields_of("timeout", "Timeout", value)
    return [(_TIMEOUTS[name], _milliseconds(name, seconds)) for name, seconds in fields]


def _is_number(value: object) -> bool:
    if value is None:
        return False
    from numbers import Real

    return isinstance(value, Real)


def phases(timeout: TimeoutLike) -> TimeoutLike:
    """Returns a timeout as openai-python understands it: a number limits each phase by itself."""
    seconds: Any = timeout
    if _is_number(seconds):
        from .option_values import Timeout

        return Timeout(connect=seconds, first_byte=seconds, idle=seconds)
    return timeout


def _fields_of(
    argument: str, type_name: Literal["Timeout", "Limits"], value: Any
) -> list[tuple[str, float]]:
    """Returns the names and values of the fields that are set in a Timeout, a Limits or a dict."""
    if value is None:
        return []
    from dataclasses import asdict

    from . import option_values

    type_: type[Union[Timeout, Limits]] = getattr(option_values, type_name)
    if isinstance(value, Mapping):
        given: Mapping[Any, Any] = value
        try:
            value = type_(**given)
        except TypeError:
            fields = ", ".join(type_.__dataclass_fields__)
            names = ", ".join(repr(name) for name in given)
            raise InvalidArgumentError(f"{argument} accepts only {fields}, not {names}") from None
    if not isinstance(value, type_):
        number = "a number, " if type_name == "Timeout" else ""
        raise InvalidArgumentError(
            f"{argument} must be {number}a dict or a {type_.__name__}, not {value!r}"
        )
    return [(name, field) for name, field in asdict(value).items() if field is not None]


def _http_version(value: str) -> HTTPVersion:
    from ._enums import HTTPVersion

    versions = {"auto": HTTPVersion.HTTP_AUTO, "1.1": HTTPVersion.HTTP_1_1, "2": HTTPVersion.HTTP_2}
    if value in versions:
        return versions[value]
    raise InvalidArgumentError(
        f"http_version must be {', '.join(map(repr, versions))} or None, not {value!r}"
    )


def _dialect(value: Union[str, Dialect]) -> Dialect:
    from ._enums import Dialect

    dialects = Dialect.__members__
    if isinstance(value, str) and value.upper() in dialects:
        return dialects[value.upper()]
    if isinstance(value, Dialect):
        return value
    names = ", ".join(repr(name.lower()) for name in dialects)
    raise InvalidArgumentError(f"dialect must be {names} or None, not {value!r}")


def _milliseconds(name: str, value: object) -> int:
    """Converts seconds to milliseconds, rounded up so that a short timeout does not become 0."""
    if not _is_number(value) or value != value:
        raise InvalidArgumentError(f"the {name} timeout must be a number")
    seconds: Any = value
    if seconds < 0:
        raise InvalidArgumentError(f"the {name} timeout must not be negative; 0 disables it")
    from math import ceil, inf

    return 0 if seconds == inf else ceil(min(seconds, _MAX_SECONDS) * 1000)
