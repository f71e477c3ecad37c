-- A streamed exchange with LuaJIT's ffi: chat.lua INCLUDEDIR LIBRARY
local ffi = require("ffi")
local declarations = assert(io.open(arg[1] .. "/thinkwire.cdef")):read("*a")
ffi.cdef(declarations)
local tw = ffi.load(arg[2])

local client = ffi.new("tw_client *[1]")
assert(tw.tw_client_create(nil, client) == tw.TW_OK, ffi.string(tw.tw_last_error()))
local request = tw.tw_request_create("alibaba/qwen3-32b")
tw.tw_request_add_message(request, "user", "Hello")
tw.tw_request_set_thinking(request, tw.TW_THINKING_ON, 0)
tw.tw_request_set_number(request, "temperature", 0.5)

local chat = tw.tw_chat_open(client[0], request)
local event, length = ffi.new("const tw_event *[1]"), ffi.new("size_t[1]")
while tw.tw_chat_next(chat, event, -1) == tw.TW_NEXT_EVENT do
    local text = ffi.string(tw.tw_event_get_text(event[0], length), length[0])
    if tw.tw_event_get_kind(event[0]) == tw.TW_EVENT_REASONING then io.stderr:write(text) end
    if tw.tw_event_get_kind(event[0]) == tw.TW_EVENT_CONTENT then io.write(text) end
end
local reply = tw.tw_chat_close(chat)
assert(tw.tw_reply_status(reply) == tw.TW_OK, ffi.string(tw.tw_reply_message(reply)))
print("\n" .. tonumber(tw.tw_usage_get_total_tokens(tw.tw_reply_usage(reply))) .. " tokens")
tw.tw_reply_destroy(reply)
tw.tw_request_destroy(request)
tw.tw_client_destroy(client[0])
