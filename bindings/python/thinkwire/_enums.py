"""The enums of include/thinkwire.h, under the names of this package.

This module contains no logic. A test compares every value with the header. A program that receives
an answer without an error does not import it: `enum` takes longer than the whole package.
"""

from __future__ import annotations

from enum import IntEnum


class Named(IntEnum):
    """An enumeration whose members are integers, and are printed as their names."""

    def __str__(self) -> str:
        return self.name

    def __format__(self, specification: str) -> str:
        """Formats the name, or with a type for integers, such as in f"{status:d}", the integer."""
        if specification[-1:].isalpha() and not specification.endswith("s"):
            return format(int(self), specification)
        return format(self.name, specification)


class Status(Named):
    """How an exchange or a call ended (`tw_status`)."""

    OK = 0
    INVALID = 1
    MISUSE = 2
    CANCELLED = 3
    RESOLVE = 4
    CONNECT = 5
    TLS = 6
    NETWORK = 7
    TIMEOUT = 8
    AUTH = 9
    FORBIDDEN = 10
    QUOTA = 11
    NOT_FOUND = 12
    BAD_REQUEST = 13
    RATE_LIMITED = 14
    SERVER = 15
    TRUNCATED = 16
    PROTOCOL = 17
    LIMIT = 18


class TimeoutKind(IntEnum):
    """The phase of an exchange that a timeout limits (`tw_timeout`)."""

    CONNECT = 0
    FIRST_BYTE = 1
    IDLE = 2
    TOTAL = 3


class Limit(IntEnum):
    """The part of a response whose size is limited (`tw_limit`)."""

    EVENT = 0
    REPLY = 1
    HEADERS = 2


class HTTPVersion(IntEnum):
    """The version of HTTP to use (`tw_http_version`)."""

    HTTP_AUTO = 0
    HTTP_1_1 = 1
    HTTP_2 = 2


class Dialect(Named):
    """The request fields that switch thinking on and off (`tw_dialect`)."""

    AUTO = 0
    NONE = 1
    ENABLE_THINKING = 2
    CHAT_TEMPLATE = 3
    REASONING_EFFORT = 4
    REASONING_OBJECT = 5
    THINKING_TYPE = 6
    TEMPLATE_THINKING = 7


class Thinking(Named):
    """Whether the model should think, and with how much effort (`tw_thinking`)."""

    AUTO = 0
    OFF = 1
    ON = 2
    LOW = 3
    MEDIUM = 4
    HIGH = 5
    MINIMAL = 6
    XHIGH = 7
    MAX = 8
    NONE = OFF


class Kind(IntEnum):
    """The kind of an event (`tw_event_kind`)."""

    REASONING = 1
    CONTENT = 2
    REFUSAL = 3
    TOOL_CALL = 4
    USAGE = 5
    FINISH = 6
    RETRY = 7
    DONE = 8


class Next(IntEnum):
    """The result of `tw_chat_next` and `tw_chat_next_batch` (`tw_next`)."""

    TIMEOUT = -1
    END = 0
    EVENT = 1


class LoopLimit(IntEnum):
    """The limits of a loop (`tw_loop_limit`)."""

    EXCHANGES = 1
    CONNECTIONS = 2


class JSONType(IntEnum):
    """The type of a JSON value (`tw_json_type`)."""

    NONE = 0
    NULL = 1
    BOOL = 2
    NUMBER = 3
    STRING = 4
    ARRAY = 5
    OBJECT = 6


#: Every enum of the header by its C name, with the prefix of its C constants.
ENUMS: dict[str, tuple[type[IntEnum], str]] = {
    "tw_status": (Status, "TW_"),
    "tw_timeout": (TimeoutKind, "TW_TIMEOUT_"),
    "tw_limit": (Limit, "TW_LIMIT_"),
    "tw_http_version": (HTTPVersion, "TW_"),
    "tw_dialect": (Dialect, "TW_DIALECT_"),
    "tw_thinking": (Thinking, "TW_THINKING_"),
    "tw_event_kind": (Kind, "TW_EVENT_"),
    "tw_next": (Next, "TW_NEXT_"),
    "tw_loop_limit": (LoopLimit, "TW_LOOP_"),
    "tw_json_type": (JSONType, "TW_JSON_"),
}
