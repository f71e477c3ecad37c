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

from ._typing import Any

#: The values of enums that every program needs. `_enums` has all of them.
TW_OK, TW_INVALID, TW_MISUSE, TW_CANCELLED, TW_RESOLVE, TW_CONNECT, TW_TLS = 0, 1, 2, 3, 4, 5, 6
TW_NETWORK, TW_TIMEOUT, TW_AUTH, TW_FORBIDDEN, TW_QUOTA, TW_NOT_FOUND = 7, 8, 9, 10, 11, 12
TW_BAD_REQUEST, TW_RATE_LIMITED, TW_SERVER, TW_TRUNCATED, TW_PROTOCOL = 13, 14, 15, 16, 17
TW_LIMIT = 18
TW_TIMEOUT_CONNECT, TW_TIMEOUT_FIRST_BYTE, TW_TIMEOUT_IDLE, TW_TIMEOUT_TOTAL = 0, 1, 2, 3
TW_NEXT_END, TW_NEXT_EVENT = 0, 1
TW_EVENT_REASONING, TW_EVENT_CONTENT, TW_EVENT_REFUSAL, TW_EVENT_TOOL_CALL = 1, 2, 3, 4
TW_EVENT_USAGE, TW_EVENT_FINISH, TW_EVENT_RETRY, TW_EVENT_DONE = 5, 6, 7, 8
TW_THINKING_AUTO, TW_THINKING_OFF, TW_THINKING_ON = 0, 1, 2


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
    # Without getattr(), which takes as long again.
    functions = vars(library)
    for name, (restype, argtypes) in FUNCTIONS.items():
        function = functions[name] = library[name]
        function.restype, function.argtypes = restype, argtypes
