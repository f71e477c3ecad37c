"""A streamed exchange with cffi: chat.py INCLUDEDIR LIBRARY"""

import sys
from pathlib import Path

import cffi

ffi = cffi.FFI()
ffi.cdef(Path(sys.argv[1], "thinkwire.cdef").read_text())
tw = ffi.dlopen(sys.argv[2])


@ffi.callback("int(void *, const tw_event *)")
def on_event(_userdata, event):
    length = ffi.new("size_t *")
    text = ffi.string(tw.tw_event_get_text(event, length))
    assert len(text) == length[0]
    kind = tw.tw_event_get_kind(event)
    if kind == tw.TW_EVENT_REASONING:
        sys.stderr.write(text.decode())
    elif kind == tw.TW_EVENT_CONTENT:
        sys.stdout.write(text.decode())
    return 0


client = ffi.new("tw_client **")
if tw.tw_client_create(ffi.NULL, client) != tw.TW_OK:
    sys.exit(ffi.string(tw.tw_last_error()).decode())
request = tw.tw_request_create(b"alibaba/qwen3-32b")
tw.tw_request_add_message(request, b"user", b"Hello")
tw.tw_request_set_thinking(request, tw.TW_THINKING_ON, 0)
tw.tw_request_set_number(request, b"temperature", 0.5)
reply = tw.tw_chat_stream(client[0], request, on_event, ffi.NULL)
if tw.tw_reply_status(reply) != tw.TW_OK:
    sys.exit(ffi.string(tw.tw_reply_message(reply)).decode())
print(f"\n{tw.tw_usage_get_total_tokens(tw.tw_reply_usage(reply))} tokens")
tw.tw_reply_destroy(reply)
tw.tw_request_destroy(request)
tw.tw_client_destroy(client[0])
