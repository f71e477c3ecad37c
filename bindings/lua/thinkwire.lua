-- A client for OpenAI-compatible chat APIs that streams reasoning and answer separately.
--
-- The declarations are those of thinkwire.cdef, which is installed with the library: `C` has every
-- function of thinkwire.h. Streams use no callbacks, so coroutines may yield between their events.
local ffi = require("ffi")

local function declarations()
    local paths = { os.getenv("THINKWIRE_CDEF") or "" }
    for _, directory in ipairs({ "/usr/local/include", "/usr/include" }) do
        paths[#paths + 1] = directory .. "/thinkwire.cdef"
    end
    for _, path in ipairs(paths) do
        local file = io.open(path)
        if file then
            local text = file:read("*a")
            file:close()
            return text
        end
    end
    error("thinkwire.cdef is not installed: set THINKWIRE_CDEF to its path")
end

local cdef = declarations()
ffi.cdef(cdef)
local C = ffi.load(os.getenv("THINKWIRE_LIBRARY") or "thinkwire.so.0")
local M = { C = C, version = ffi.string(C.tw_version()) }

-- The names of an enumeration in lower case, by their values.
local function names(prefix)
    local result = {}
    for name, value in cdef:gmatch(prefix .. "([A-Z_]+) = (%d+),") do
        result[tonumber(value)] = name:lower()
    end
    return result
end
local KINDS = names("TW_EVENT_")

local function status_name(status)
    return (ffi.string(C.tw_status_name(status)):gsub("^TW_", ""):lower())
end

-- Errors are tables with `status`, `message` and, after an exchange, `reply`.
local Error = { __tostring = function(self) return self.message end }
Error.__index = Error
M.Error = Error

local function raise(status, message, reply)
    error(setmetatable({ status = status, message = message, reply = reply }, Error), 0)
end

local function check(status)
    if status ~= C.TW_OK then raise(status_name(status), ffi.string(C.tw_last_error())) end
end

-- A C text ends at its first NUL; the rest must not be lost silently.
local function argument(text)
    text = tostring(text)
    if text:find("\0", 1, true) then raise("invalid", "the text contains a NUL") end
    return text
end

local length = ffi.new("size_t[1]")
local function text(pointer) -- of a function that has stored its length
    return pointer ~= nil and ffi.string(pointer, length[0]) or nil
end

local function handle(self)
    if self.pointer == nil then raise("misuse", "the object is closed") end
    return self.pointer
end

-- Returns the pointer of an object, which its owner must release now; nil if it is closed.
local function take(self)
    local pointer = self.pointer
    self.pointer = nil
    return pointer and ffi.gc(pointer, nil)
end

-- Usage ---------------------------------------------------------------------------------------

local function read_usage(usage)
    local result = {}
    for _, name in ipairs({ "prompt_tokens", "completion_tokens", "total_tokens",
        "reasoning_tokens", "cached_tokens", "cost" }) do
        local number = tonumber(usage[name])
        if number >= 0 then result[name] = number end
    end
    if usage.cost_unit ~= nil then result.cost_unit = ffi.string(usage.cost_unit) end
    return result
end

-- Reply: the result of an exchange --------------------------------------------------------------

local Reply = {}
Reply.__index = Reply

local function new_reply(pointer)
    return setmetatable({ pointer = ffi.gc(pointer, C.tw_reply_destroy) }, Reply)
end

function Reply:status() return status_name(C.tw_reply_status(handle(self))) end
function Reply:message() return ffi.string(C.tw_reply_message(handle(self))) end
function Reply:attempts() return C.tw_reply_attempts(handle(self)) end
function Reply:http_status() return C.tw_reply_http_status(handle(self)) end
function Reply:reasoning() return text(C.tw_reply_reasoning(handle(self), length)) end
function Reply:content() return text(C.tw_reply_content(handle(self), length)) end
function Reply:refusal() return text(C.tw_reply_refusal(handle(self), length)) end
function Reply:json() return text(C.tw_reply_json(handle(self), length)) end
function Reply:finish_reason() return ffi.string(C.tw_reply_finish_reason(handle(self))) end
function Reply:request_id() return ffi.string(C.tw_reply_request_id(handle(self))) end
function Reply:usage() return read_usage(C.tw_reply_usage(handle(self))) end

-- Times in seconds from the start of the exchange.
function Reply:timing()
    local timing, result = C.tw_reply_timing(handle(self)), {}
    for _, name in ipairs({ "connected", "first_byte", "first_reasoning", "first_content",
        "total" }) do
        local time = tonumber(timing[name .. "_us"])
        if time >= 0 then result[name] = time / 1e6 end
    end
    return result
end

-- A value of the document, by a JSON pointer such as "/choices/0/message/content"; nil if absent.
function Reply:get(pointer)
    return text(C.tw_reply_get(handle(self), argument(pointer), length))
end

function Reply:header(name)
    local value = C.tw_reply_header(handle(self), argument(name))
    return value ~= nil and ffi.string(value) or nil
end

-- Parsed arguments of a tool call: `get` returns a value by its JSON pointer.
local function parse(json)
    local parsed = ffi.new("tw_json *[1]")
    check(C.tw_json_parse(json, #json, parsed))
    local owned = ffi.gc(parsed[0], C.tw_json_destroy)
    return {
        get = function(_, pointer) return text(C.tw_json_get(owned, argument(pointer), length)) end,
    }
end

-- Tool calls with `id`, `name`, `arguments` (JSON text), and `parse`, which raises an error if the
-- model wrote invalid JSON.
function Reply:tool_calls()
    local calls = {}
    for index = 0, tonumber(C.tw_reply_tool_call_count(handle(self))) - 1 do
        local call = C.tw_reply_tool_call(self.pointer, index)
        calls[#calls + 1] = {
            id = ffi.string(call.id),
            name = ffi.string(call.name),
            arguments = ffi.string(call.arguments, call.arguments_len),
            parse = function(self) return parse(self.arguments) end,
        }
    end
    return calls
end

function Reply:close()
    C.tw_reply_destroy(take(self))
end

-- Request: a conversation and its settings ------------------------------------------------------

local Request = {}
Request.__index = Request

function M.request(model, message)
    local pointer = C.tw_request_create(argument(model))
    if pointer == nil then check(C.TW_INVALID) end
    local self = setmetatable({ pointer = ffi.gc(pointer, C.tw_request_destroy) }, Request)
    return message and self:add("user", message) or self
end

-- Calls a function that changes the request. A failure leaves the request as it was.
local function change(self, name, ...)
    local status = C[name](handle(self), ...)
    if status ~= C.TW_OK then
        C.tw_request_clear_error(self.pointer)
        check(status)
    end
    return self
end

function Request:add(role, content)
    return change(self, "tw_request_add_message", argument(role), argument(content))
end

-- Adds a message that is given as JSON text.
function Request:add_json(json)
    return change(self, "tw_request_add_message_json", json, #json)
end

function Request:add_reply(reply)
    return change(self, "tw_request_add_reply", handle(reply))
end

function Request:add_tool_result(call, content)
    return change(self, "tw_request_add_tool_result", call.id, argument(content))
end

-- Offers the model a function; `parameters` is a JSON schema, as text.
function Request:add_tool(name, description, parameters)
    return change(self, "tw_request_add_tool", argument(name), argument(description),
        parameters and argument(parameters))
end

function Request:add_image(path, detail)
    return change(self, "tw_request_add_image_file", argument(path), detail)
end

-- Sets a field to a string, a number or a boolean; set_json sets it to any JSON text.
function Request:set(field, value)
    local kind = type(value)
    if kind == "string" then value = argument(value) end
    return change(self, "tw_request_set_" .. (kind == "boolean" and "bool" or kind),
        argument(field), value)
end

function Request:set_json(field, json)
    return change(self, "tw_request_set", argument(field), argument(json))
end

-- Switches thinking: "off", "on", "low", "medium", "high", …, and the maximum number of tokens.
function Request:thinking(mode, budget)
    return change(self, "tw_request_set_thinking", C["TW_THINKING_" .. mode:upper()], budget or 0)
end

function Request:json() return text(C.tw_request_json(handle(self), length)) end

-- Stream: an exchange in progress ---------------------------------------------------------------

local Stream = {}
Stream.__index = Stream

local function discard(chat) C.tw_reply_destroy(C.tw_chat_close(chat)) end

local function new_stream(chat)
    return setmetatable({ pointer = ffi.gc(chat, discard),
        event = ffi.new("const tw_event *[1]") }, Stream)
end

local function read_event(event)
    local result = {
        kind = KINDS[tonumber(event.kind)],
        text = ffi.string(event.text, event.text_len),
        choice = event.choice,
    }
    if result.kind == "tool_call" then
        result.tool_index = event.tool_index
        result.tool_id = ffi.string(event.tool_id)
        result.tool_name = ffi.string(event.tool_name)
    elseif result.kind == "usage" then
        result.usage = read_usage(event.usage)
    elseif result.kind == "retry" then
        result.attempt = event.attempt
        result.status = status_name(event.status)
        result.wait_ms = tonumber(event.wait_ms)
    elseif result.kind == "done" then -- the last event of an exchange of a loop
        result.reply = new_reply(C.tw_reply_retain(event.reply))
    end
    return result
end

-- Waits for the next event. Returns nil at the end, and false if there is no event after `timeout`
-- seconds: with 0 it does not wait, so that a coroutine can yield to others.
function Stream:next(timeout)
    local wait = timeout and math.ceil(timeout * 1000) or -1
    local result = C.tw_chat_next(handle(self), self.event, wait)
    if result == C.TW_NEXT_EVENT then return read_event(self.event[0]) end
    if result == C.TW_NEXT_TIMEOUT then return false end
    return nil
end

-- Iterates over the events. Raises an error if the exchange does not end with "ok".
function Stream:events()
    return function()
        local event = self:next()
        if event == nil then self:finish() end
        return event
    end
end

-- Ends the exchange, if it has not ended, and returns its reply.
function Stream:close()
    if not self.reply then self.reply = new_reply(C.tw_chat_close(take(self))) end
    return self.reply
end

-- Closes the stream and returns the reply; raises an error unless its status is "ok".
function Stream:finish()
    local reply = self:close()
    if reply:status() ~= "ok" then raise(reply:status(), reply:message(), reply) end
    return reply
end

-- Cancels the exchange. `events` then raises an error with the status "cancelled".
function Stream:cancel()
    if self.pointer then C.tw_chat_cancel(self.pointer) end
end

-- Client: an endpoint and its connections -------------------------------------------------------

local Client = {}
Client.__index = Client

local TEXTS = { base_url = true, api_key = true, proxy = true, no_proxy = true, ca_file = true,
    ca_directory = true, reasoning_replay = true }
local TIMEOUTS = { connect_timeout = "TW_TIMEOUT_CONNECT", idle_timeout = "TW_TIMEOUT_IDLE",
    first_byte_timeout = "TW_TIMEOUT_FIRST_BYTE", timeout = "TW_TIMEOUT_TOTAL" }

local LIMITS = { event_limit = "TW_LIMIT_EVENT", reply_limit = "TW_LIMIT_REPLY",
    headers_limit = "TW_LIMIT_HEADERS" }
local FLAGS = { comments_keep_alive = true, require_finish = true }

-- The options record a failure; creating the client reports it.
local function set(options, name, value)
    if TEXTS[name] then
        C["tw_options_set_" .. name](options, argument(value))
    elseif TIMEOUTS[name] then
        C.tw_options_set_timeout(options, C[TIMEOUTS[name]], math.ceil(value * 1000))
    elseif LIMITS[name] then
        C.tw_options_set_limit(options, C[LIMITS[name]], value)
    elseif FLAGS[name] then
        C["tw_options_set_" .. name](options, value and 1 or 0)
    elseif name == "http_version" then
        C.tw_options_set_http_version(options, C["TW_HTTP_" .. value:upper():gsub("%.", "_")])
    elseif name == "reasoning_tags" then
        C.tw_options_set_reasoning_tags(options, argument(value[1]), argument(value[2]))
    elseif name == "retries" then
        C.tw_options_set_retries(options, value)
    elseif name == "dialect" then
        C.tw_options_set_dialect(options, C["TW_DIALECT_" .. value:upper()])
    elseif name == "cleartext" then
        C.tw_options_allow_cleartext(options, argument(value))
    elseif name == "headers" then
        for header, text in pairs(value) do
            C.tw_options_set_header(options, argument(header), argument(text))
        end
    else
        raise("invalid", "unknown setting: " .. tostring(name))
    end
end

-- Creates a client. Settings: those of TEXTS, those of TIMEOUTS in seconds, those of LIMITS in
-- bytes, FLAGS, `retries`, `headers`, `dialect` (the field that switches thinking, such as
-- "reasoning_effort"), `reasoning_tags` (two), `http_version` ("1.1" or "2"), and `cleartext` (a
-- host to which the key may be sent without TLS). What is not given is read from the environment:
-- see thinkwire.h.
function M.client(settings)
    local options = ffi.gc(C.tw_options_create(), C.tw_options_destroy)
    for name, value in pairs(settings or {}) do set(options, name, value) end
    local client = ffi.new("tw_client *[1]")
    check(C.tw_client_create(options, client))
    return setmetatable({ pointer = ffi.gc(client[0], C.tw_client_destroy) }, Client)
end

-- Begins a streamed exchange.
function Client:stream(request)
    return new_stream(C.tw_chat_open(handle(self), handle(request)))
end

local function complete(stream)
    while stream:next() do end
    return stream:finish()
end

-- Sends a request and waits for the complete reply.
function Client:send(request)
    return complete(new_stream(C.tw_chat_open_unstreamed(handle(self), handle(request))))
end

-- The ids of the models that the endpoint offers.
function Client:models()
    local reply, ids = complete(new_stream(C.tw_models_open(handle(self)))), {}
    for index = 0, tonumber(C.tw_reply_model_count(reply.pointer)) - 1 do
        ids[#ids + 1] = ffi.string(C.tw_reply_model(reply.pointer, index))
    end
    return ids
end

function Client:close()
    C.tw_client_destroy(take(self))
end

-- Loop: many exchanges on one thread, in any event loop that watches descriptors -----------------

local Loop = {}
Loop.__index = Loop
local Exchange = {}
Exchange.__index = Exchange

-- The exchanges of all loops that have not ended, by the number that C passes to the callback.
local tasks, last_task = {}, 0

-- An error must not leave the callback. `poll` raises it.
local function receive(id, event)
    local task = tasks[tonumber(ffi.cast("intptr_t", id))]
    if event.kind == C.TW_EVENT_DONE then
        -- The library frees the chat after its last event.
        task.exchange.chat = nil
        tasks[task.id] = nil
    end
    local ok, failure = pcall(function() task.on_event(read_event(event)) end)
    if not ok then table.insert(task.failures, { failure }) end
    return ok and 0 or 1
end
-- LuaJIT has few callbacks, so all loops share one. Calls that lead to it must not be compiled.
local callback = ffi.cast("tw_event_fn", receive)
local function destroy_loop(loop) C.tw_loop_destroy(loop) end
jit.off(destroy_loop)

function M.loop(client)
    local pointer = C.tw_loop_create(handle(client))
    if pointer == nil then check(C.TW_INVALID) end
    return setmetatable({ pointer = ffi.gc(pointer, destroy_loop), failures = {} }, Loop)
end

-- Starts a streamed exchange, whose events `on_event` receives in `poll`; the last is "done".
-- `on_event` must not yield. An error in it cancels the exchange, and is raised by `poll`.
function Loop:start(request, on_event)
    last_task = last_task + 1
    local chat = C.tw_loop_start(handle(self), handle(request), callback,
        ffi.cast("void *", last_task))
    if chat == nil then check(C.TW_MISUSE) end
    local exchange = setmetatable({ chat = chat }, Exchange)
    tasks[last_task] = { id = last_task, exchange = exchange, on_event = on_event,
        failures = self.failures }
    return exchange
end

-- Delivers the events of what is ready, after waiting for `timeout` seconds at most. Returns their
-- number.
function Loop:poll(timeout)
    self.polling = true
    local count = C.tw_loop_poll(handle(self), timeout and math.ceil(timeout * 1000) or -1)
    self.polling = false
    local failure = table.remove(self.failures, 1)
    if failure then error(failure[1], 0) end
    if count < 0 then check(-count) end
    return count
end
jit.off(Loop.poll)

-- Polls until no exchange is active.
function Loop:run()
    while self:active() > 0 do self:poll() end
end

-- A descriptor that is readable whenever `poll` has work. It must not be read or closed.
function Loop:fd() return C.tw_loop_fd(handle(self)) end

-- The number of exchanges that have not ended.
function Loop:active() return tonumber(C.tw_loop_active(handle(self))) end

-- Cancels every exchange, delivers "done" for each, and destroys the loop.
function Loop:close()
    if self.polling then raise("misuse", "a callback cannot close its loop") end
    destroy_loop(take(self))
end

-- After the end of the exchange, these functions do nothing. "done" follows a cancellation.
function Exchange:cancel() C.tw_chat_cancel(self.chat) end
function Exchange:pause() C.tw_chat_pause(self.chat) end
function Exchange:resume() C.tw_chat_resume(self.chat) end

return M
