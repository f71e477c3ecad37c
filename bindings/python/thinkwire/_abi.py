"""The declarations of include/thinkwire.h in ctypes, under the same names.

This module contains no logic. A test compares every value, layout and prototype with the header as
read by a C compiler.

A function that returns a string with its length has the result type `c_void_p`, for use with
`ctypes.string_at`: such a string may contain NUL characters. A field of `tw_event` has the type
`c_char_p` all the same, which is read five times as fast, but only up to the first NUL.
"""

from __future__ import annotations

import ctypes
from ctypes import CFUNCTYPE, POINTER, c_char_p, c_double, c_int, c_int64, c_size_t, c_void_p
from enum import IntEnum

from ._named import Named
from ._typing import Any


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


class tw_usage(ctypes.Structure):
    _fields_ = [
        ("size", c_size_t),
        ("prompt_tokens", c_int64),
        ("completion_tokens", c_int64),
        ("total_tokens", c_int64),
        ("reasoning_tokens", c_int64),
        ("cached_tokens", c_int64),
        ("cost", c_double),
        ("cost_unit", c_char_p),
    ]


class tw_event(ctypes.Structure):
    _fields_ = [
        ("size", c_size_t),
        ("kind", c_int),
        ("choice", c_int),
        ("text", c_char_p),
        ("text_len", c_size_t),
        ("tool_index", c_int),
        ("tool_id", c_char_p),
        ("tool_name", c_char_p),
        ("usage", POINTER(tw_usage)),
        ("raw", c_char_p),
        ("raw_len", c_size_t),
        ("attempt", c_int),
        ("status", c_int),
        ("wait_ms", c_int64),
        ("reply", c_void_p),
    ]


class tw_batch(ctypes.Structure):
    _fields_ = [
        ("size", c_size_t),
        ("count", c_size_t),
        ("kinds", c_void_p),
        ("choices", c_void_p),
        ("text", c_void_p),
        ("text_ends", c_void_p),
        ("raw", c_void_p),
        ("raw_starts", c_void_p),
        ("raw_ends", c_void_p),
        ("event", c_void_p),
    ]


class tw_tool_call(ctypes.Structure):
    _fields_ = [
        ("size", c_size_t),
        ("choice", c_int),
        ("index", c_int),
        ("id", c_char_p),
        ("name", c_char_p),
        ("arguments", c_void_p),
        ("arguments_len", c_size_t),
    ]


class tw_timing(ctypes.Structure):
    _fields_ = [
        ("size", c_size_t),
        ("connected_us", c_int64),
        ("first_byte_us", c_int64),
        ("first_reasoning_us", c_int64),
        ("first_content_us", c_int64),
        ("total_us", c_int64),
        ("reused_connection", c_int),
    ]


STRUCTS: dict[str, type[ctypes.Structure]] = {
    "tw_usage": tw_usage,
    "tw_event": tw_event,
    "tw_batch": tw_batch,
    "tw_tool_call": tw_tool_call,
    "tw_timing": tw_timing,
}

tw_log_fn = CFUNCTYPE(None, c_void_p, c_char_p)
tw_event_fn = CFUNCTYPE(c_int, c_void_p, POINTER(tw_event))

_size_out = POINTER(c_size_t)
_handle_out = POINTER(c_void_p)

#: The result type and the parameter types of every function. Library objects are plain addresses.
FUNCTIONS: dict[str, tuple[Any, list[Any]]] = {
    "tw_status_name": (c_char_p, [c_int]),
    "tw_version": (c_char_p, []),
    "tw_last_error": (c_char_p, []),
    # Options
    "tw_options_create": (c_void_p, []),
    "tw_options_destroy": (None, [c_void_p]),
    "tw_options_set_base_url": (c_int, [c_void_p, c_char_p]),
    "tw_options_set_api_key": (c_int, [c_void_p, c_char_p]),
    "tw_options_set_header": (c_int, [c_void_p, c_char_p, c_char_p]),
    "tw_options_set_timeout": (c_int, [c_void_p, c_int, c_int64]),
    "tw_options_set_comments_keep_alive": (c_int, [c_void_p, c_int]),
    "tw_options_set_require_finish": (c_int, [c_void_p, c_int]),
    "tw_options_set_retries": (c_int, [c_void_p, c_int]),
    "tw_options_set_limit": (c_int, [c_void_p, c_int, c_int64]),
    "tw_options_set_proxy": (c_int, [c_void_p, c_char_p]),
    "tw_options_set_no_proxy": (c_int, [c_void_p, c_char_p]),
    "tw_options_set_ca_file": (c_int, [c_void_p, c_char_p]),
    "tw_options_set_ca_directory": (c_int, [c_void_p, c_char_p]),
    "tw_options_set_http_version": (c_int, [c_void_p, c_int]),
    "tw_options_set_dialect": (c_int, [c_void_p, c_int]),
    "tw_options_set_reasoning_tags": (c_int, [c_void_p, c_char_p, c_char_p]),
    "tw_options_set_reasoning_replay": (c_int, [c_void_p, c_char_p]),
    "tw_options_allow_cleartext": (c_int, [c_void_p, c_char_p]),
    "tw_options_set_log": (c_int, [c_void_p, tw_log_fn, c_void_p]),
    "tw_options_error": (c_char_p, [c_void_p]),
    "tw_options_clear_error": (None, [c_void_p]),
    # Client
    "tw_client_create": (c_int, [c_void_p, _handle_out]),
    "tw_client_cancel": (None, [c_void_p]),
    "tw_client_destroy": (None, [c_void_p]),
    # Request
    "tw_request_create": (c_void_p, [c_char_p]),
    "tw_request_parse": (c_int, [c_char_p, c_size_t, _handle_out]),
    "tw_request_copy": (c_void_p, [c_void_p]),
    "tw_request_destroy": (None, [c_void_p]),
    "tw_request_add_message": (c_int, [c_void_p, c_char_p, c_char_p]),
    "tw_request_add_message_json": (c_int, [c_void_p, c_char_p, c_size_t]),
    "tw_request_add_reply": (c_int, [c_void_p, c_void_p]),
    "tw_request_add_tool_result": (c_int, [c_void_p, c_char_p, c_char_p]),
    "tw_request_add_tool": (c_int, [c_void_p, c_char_p, c_char_p, c_char_p]),
    "tw_request_add_image_url": (c_int, [c_void_p, c_char_p, c_char_p]),
    "tw_request_add_image": (c_int, [c_void_p, c_void_p, c_size_t, c_char_p]),
    "tw_request_add_image_file": (c_int, [c_void_p, c_char_p, c_char_p]),
    "tw_request_set": (c_int, [c_void_p, c_char_p, c_char_p]),
    "tw_request_set_string": (c_int, [c_void_p, c_char_p, c_char_p]),
    "tw_request_set_number": (c_int, [c_void_p, c_char_p, c_double]),
    "tw_request_set_bool": (c_int, [c_void_p, c_char_p, c_int]),
    "tw_request_set_thinking": (c_int, [c_void_p, c_int, c_int64]),
    "tw_request_set_starts_thinking": (c_int, [c_void_p, c_int]),
    "tw_request_set_reasoning_tags": (c_int, [c_void_p, c_char_p, c_char_p]),
    "tw_request_set_timeout": (c_int, [c_void_p, c_int, c_int64]),
    "tw_request_error": (c_char_p, [c_void_p]),
    "tw_request_clear_error": (None, [c_void_p]),
    "tw_request_json": (c_void_p, [c_void_p, _size_out]),
    # Chat
    "tw_chat_send": (c_void_p, [c_void_p, c_void_p]),
    "tw_chat_stream": (c_void_p, [c_void_p, c_void_p, tw_event_fn, c_void_p]),
    "tw_chat_open": (c_void_p, [c_void_p, c_void_p]),
    "tw_chat_open_unstreamed": (c_void_p, [c_void_p, c_void_p]),
    "tw_models_send": (c_void_p, [c_void_p]),
    "tw_models_open": (c_void_p, [c_void_p]),
    "tw_chat_next": (c_int, [c_void_p, _handle_out, c_int]),
    "tw_chat_next_batch": (c_int, [c_void_p, _handle_out, c_int]),
    "tw_chat_run": (c_int, [c_void_p, tw_event_fn, c_void_p]),
    "tw_chat_cancel": (None, [c_void_p]),
    "tw_chat_close": (c_void_p, [c_void_p]),
    # Loop
    "tw_loop_create": (c_void_p, [c_void_p]),
    "tw_loop_set_limit": (c_int, [c_void_p, c_int, c_int64]),
    "tw_loop_start": (c_void_p, [c_void_p, c_void_p, tw_event_fn, c_void_p]),
    "tw_loop_start_unstreamed": (c_void_p, [c_void_p, c_void_p, tw_event_fn, c_void_p]),
    "tw_loop_start_models": (c_void_p, [c_void_p, tw_event_fn, c_void_p]),
    "tw_loop_poll": (c_int, [c_void_p, c_int]),
    "tw_loop_fd": (c_int, [c_void_p]),
    "tw_loop_wake": (None, [c_void_p]),
    "tw_loop_active": (c_size_t, [c_void_p]),
    "tw_loop_destroy": (None, [c_void_p]),
    "tw_chat_pause": (c_int, [c_void_p]),
    "tw_chat_resume": (c_int, [c_void_p]),
    # Reply
    "tw_reply_status": (c_int, [c_void_p]),
    "tw_reply_message": (c_char_p, [c_void_p]),
    "tw_reply_attempts": (c_int, [c_void_p]),
    "tw_reply_last_error": (c_char_p, [c_void_p, c_void_p]),
    "tw_reply_http_status": (c_int, [c_void_p]),
    "tw_reply_reasoning": (c_void_p, [c_void_p, _size_out]),
    "tw_reply_content": (c_void_p, [c_void_p, _size_out]),
    "tw_reply_refusal": (c_void_p, [c_void_p, _size_out]),
    "tw_reply_finish_reason": (c_char_p, [c_void_p]),
    "tw_reply_usage": (POINTER(tw_usage), [c_void_p]),
    "tw_reply_tool_call_count": (c_size_t, [c_void_p]),
    "tw_reply_tool_call": (POINTER(tw_tool_call), [c_void_p, c_size_t]),
    "tw_reply_model_count": (c_size_t, [c_void_p]),
    "tw_reply_model": (c_char_p, [c_void_p, c_size_t]),
    "tw_reply_timing": (POINTER(tw_timing), [c_void_p]),
    "tw_reply_header": (c_char_p, [c_void_p, c_char_p]),
    "tw_reply_request_id": (c_char_p, [c_void_p]),
    "tw_reply_json": (c_void_p, [c_void_p, _size_out]),
    "tw_reply_get": (c_void_p, [c_void_p, c_char_p, _size_out]),
    "tw_reply_retain": (c_void_p, [c_void_p]),
    "tw_reply_destroy": (None, [c_void_p]),
    # JSON
    "tw_json_parse": (c_int, [c_char_p, c_size_t, _handle_out]),
    "tw_json_destroy": (None, [c_void_p]),
    "tw_json_get": (c_void_p, [c_void_p, c_char_p, _size_out]),
    "tw_json_number": (c_double, [c_void_p, c_char_p, c_double]),
    "tw_json_count": (c_size_t, [c_void_p, c_char_p]),
    "tw_json_type_at": (c_int, [c_void_p, c_char_p]),
    # Accessors
    "tw_event_get_kind": (c_int, [POINTER(tw_event)]),
    "tw_event_get_choice": (c_int, [POINTER(tw_event)]),
    "tw_event_get_text": (c_void_p, [POINTER(tw_event), _size_out]),
    "tw_event_get_tool_index": (c_int, [POINTER(tw_event)]),
    "tw_event_get_tool_id": (c_char_p, [POINTER(tw_event)]),
    "tw_event_get_tool_name": (c_char_p, [POINTER(tw_event)]),
    "tw_event_get_usage": (POINTER(tw_usage), [POINTER(tw_event)]),
    "tw_event_get_raw": (c_void_p, [POINTER(tw_event), _size_out]),
    "tw_event_get_attempt": (c_int, [POINTER(tw_event)]),
    "tw_event_get_status": (c_int, [POINTER(tw_event)]),
    "tw_event_get_wait_ms": (c_int64, [POINTER(tw_event)]),
    "tw_event_get_reply": (c_void_p, [POINTER(tw_event)]),
    "tw_usage_get_prompt_tokens": (c_int64, [POINTER(tw_usage)]),
    "tw_usage_get_completion_tokens": (c_int64, [POINTER(tw_usage)]),
    "tw_usage_get_total_tokens": (c_int64, [POINTER(tw_usage)]),
    "tw_usage_get_reasoning_tokens": (c_int64, [POINTER(tw_usage)]),
    "tw_usage_get_cached_tokens": (c_int64, [POINTER(tw_usage)]),
    "tw_usage_get_cost": (c_double, [POINTER(tw_usage)]),
    "tw_usage_get_cost_unit": (c_char_p, [POINTER(tw_usage)]),
}


def bind(library: ctypes.CDLL) -> None:
    """Sets the prototype of every function. Raises AttributeError for a missing one."""
    for name, (restype, argtypes) in FUNCTIONS.items():
        function = getattr(library, name)
        function.restype, function.argtypes = restype, argtypes
