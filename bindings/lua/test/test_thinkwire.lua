-- Tests of the binding against the thinkwire-mock of THINKWIRE_BASE_URL.
local ffi = require("ffi")
local thinkwire = require("thinkwire")

local FOX = "mock/synthetic#chunks=3,reasoning=2,text=%F0%9F%A6%8A"
local WAITING = "mock/synthetic#delay=60000"
local client = thinkwire.client()
local tests = {}

local function equal(expected, actual)
    if expected ~= actual then
        error(("expected %s, not %s"):format(tostring(expected), tostring(actual)), 2)
    end
end

local function contains(part, whole)
    if not tostring(whole):find(part, 1, true) then
        error(("no %q in %s"):format(part, tostring(whole)), 2)
    end
end

local function hello(model) return thinkwire.request(model, "Hello") end

local function failure(...)
    local ok, reason = pcall(...)
    assert(not ok, "no error")
    equal(thinkwire.Error, getmetatable(reason))
    return reason
end

-- The number of lines that a shell command prints.
local function number(command)
    local pipe = io.popen(command)
    local result = tonumber(pipe:read("*a"))
    pipe:close()
    return result
end
local process = number("echo $PPID")
local function sockets() return number("ls -l /proc/" .. process .. "/fd | grep -c socket:") end
local function resident()
    return number("sed -n 's/^VmRSS:[^0-9]*\\([0-9]*\\).*/\\1/p' /proc/" .. process .. "/status")
end

function tests.every_declared_function_exists()
    local header = assert(io.open("../../include/thinkwire.h")):read("*a")
    local count = 0
    for line in header:gmatch("\nTW_API ([^\n]*)") do
        assert(thinkwire.C[line:match("(tw_[%w_]+)%(")])
        count = count + 1
    end
    assert(count > 100)
    equal(header:match('TW_VERSION "(.-)"'), thinkwire.version)
end

function tests.reasoning_and_answer_are_separate_and_characters_whole()
    local texts = { reasoning = {}, content = {}, finish = {} }
    for event in client:stream(hello(FOX .. ",write=1")):events() do
        if texts[event.kind] then table.insert(texts[event.kind], event.text) end
    end
    equal("🦊|🦊|🦊", table.concat(texts.content, "|"))
    equal("🦊|🦊", table.concat(texts.reasoning, "|"))
    equal("stop", texts.finish[1])
end

function tests.reply()
    local stream = client:stream(hello("alibaba/qwen3-32b"):thinking("on"))
    for event in stream:events() do assert(event.kind) end
    local reply = stream.reply
    contains("Hello!", reply:content())
    contains("Okay", reply:reasoning())
    equal(2023, reply:usage().total_tokens)
    equal(nil, reply:usage().cached_tokens)
    assert(reply:timing().total > 0)
    equal("assistant", reply:get("/choices/0/message/role"))
    equal(nil, reply:get("/nothing"))
    contains("event-stream", reply:header("Content-Type"))
end

function tests.text_and_fields_are_sent_unchanged()
    local request = thinkwire.request("mock/echo", "🦊 é")
    request:set("user", "bob"):set("temperature", 0.5):set("logprobs", true):set_json("stop", "[]")
    local body = client:send(request):content()
    for _, part in ipairs({ '"🦊 é"', '"bob"', "0.5", "true", '"stop":[]' }) do
        contains(part, body)
    end
end

function tests.tools()
    local request = hello("mock/tools"):add_tool("weather", "The weather 🌦",
        '{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}')
    local stream = client:stream(request)
    for _ in stream:events() do end
    local call = stream.reply:tool_calls()[1]
    equal("weather", call.name)
    equal("text", call:parse():get("/city"))
    request:add_reply(stream.reply):add_tool_result(call, "sunny 🌞")
    contains("sunny 🌞", client:send(request):content())
end

function tests.error_has_status_message_and_reply()
    local once = thinkwire.client({ retries = 0, headers = { ["X-Test"] = "1" } })
    local reason = failure(once.send, once, hello("mock/echo#status=429"))
    equal("rate_limited", reason.status)
    contains("429", reason)
    equal(429, reason.reply:http_status())
end

function tests.received_text_of_a_truncated_answer()
    local reason = failure(function()
        for _ in client:stream(hello(FOX .. ",cut=900")):events() do end
    end)
    equal("truncated", reason.status)
    contains("🦊", reason.reply:reasoning())
end

function tests.invalid_arguments()
    equal("invalid", failure(thinkwire.client, { base_url = "ftp://x" }).status)
    contains("unknown setting", failure(thinkwire.client, { no_such = 1 }))
    failure(thinkwire.request, "")
    failure(thinkwire.request, "a\0b")
    local request = hello("alibaba/qwen3-32b")
    contains("temperature", failure(request.set, request, "temperature", 3))
    contains("NUL", failure(request.set, request, "user", "a\0b"))
end

function tests.settings()
    local limited = thinkwire.client({ dialect = "reasoning_effort", cleartext = "example.com",
        http_version = "1.1", reasoning_tags = { "<a>", "</a>" }, require_finish = true,
        comments_keep_alive = false, event_limit = 5000, reply_limit = 5000, headers_limit = 5000 })
    local reply = limited:send(hello("mock/echo"):thinking("high"))
    contains('"reasoning_effort":"high"', reply:content())
    local stream = limited:stream(hello("mock/synthetic#chunks=1,text=%3Ca%3EHm%3C/a%3EHi"))
    for _ in stream:events() do end
    equal("Hm Hi", stream.reply:reasoning() .. " " .. stream.reply:content())
    local large = hello("mock/synthetic#chunks=1,size=10000")
    equal("limit", failure(limited.send, limited, large).status)
    failure(thinkwire.client, { reply_limit = -1 })
end

function tests.cancel_ends_the_exchange()
    local stream = client:stream(hello(WAITING))
    equal(false, stream:next(0))
    stream:cancel()
    equal("cancelled", failure(stream:events()).status)
    equal("misuse", failure(stream.next, stream).status)
end

function tests.coroutines_share_a_thread()
    local function reader(stream)
        return coroutine.wrap(function()
            while stream:next(0) ~= nil do coroutine.yield(true) end
            return false
        end)
    end
    local waiting, answering = client:stream(hello(WAITING)), client:stream(hello(FOX))
    local wait, answer = reader(waiting), reader(answering)
    while answer() do assert(wait()) end
    equal("🦊🦊🦊", answering:finish():content())
    waiting:cancel()
    while wait() do end
    equal("cancelled", waiting:close():status())
end

function tests.retry_event()
    local model = "mock/echo#status=503,tries=1,key=lua,header=retry-after-ms:1"
    local event = client:stream(hello(model)):events()()
    equal("retry 2 server 1", table.concat({ event.kind, event.attempt, event.status,
        event.wait_ms }, " "))
end

function tests.models() contains("alibaba/qwen3-32b", table.concat(client:models(), " ")) end

ffi.cdef([[struct pollfd { int fd; short events, revents; };
int poll(struct pollfd *fds, unsigned long count, int timeout);]])

-- Waits for events of the loop as an event loop does, until no exchange is active.
local function run(loop)
    local ready = ffi.new("struct pollfd[1]", { { loop:fd(), 1 } })
    while loop:active() > 0 do
        equal(1, ffi.C.poll(ready, 1, 10000))
        loop:poll(0)
    end
end

function tests.loop_runs_many_exchanges_at_once()
    local loop = thinkwire.loop(client)
    local answers = {}
    for _, name in ipairs({ "a", "b", "c" }) do
        loop:start(hello("mock/synthetic#chunks=5,text=" .. name), function(event)
            if event.kind == "done" then answers[name] = event.reply:content() end
        end)
    end
    equal(3, loop:active())
    run(loop)
    equal("aaaaa bbbbb ccccc", table.concat({ answers.a, answers.b, answers.c }, " "))
end

function tests.loop_pauses_and_cancels()
    local loop = thinkwire.loop(client)
    local content, status
    local waiting = loop:start(hello(WAITING), function(event) status = event.reply:status() end)
    local paused = loop:start(hello(FOX), function(event)
        if event.kind == "done" then
            content = event.reply:content()
            waiting:cancel()
        end
    end)
    paused:pause()
    loop:poll(0.02)
    equal(nil, content)
    paused:resume()
    loop:run()
    equal("🦊🦊🦊 cancelled", content .. " " .. status)
    waiting:cancel() -- These do nothing.
    paused:pause()
end

function tests.loop_reports_an_error_of_a_callback()
    local loop = thinkwire.loop(client)
    local kinds = {}
    loop:start(hello("mock/synthetic#chunks=1000,pace=50"), function(event)
        table.insert(kinds, event.kind)
        if event.kind == "content" then error("too much", 0) end
    end)
    local ok, reason = pcall(loop.run, loop)
    equal("false too much", tostring(ok) .. " " .. reason)
    loop:run()
    equal("content done", table.concat(kinds, " ", #kinds - 1))
end

function tests.loop_is_closed_by_the_garbage_collector()
    collectgarbage()
    local before, status, refused = sockets(), nil, nil
    local function start()
        local loop = thinkwire.loop(client)
        loop:start(hello("mock/synthetic#chunks=1000,pace=50"), function(event)
            if event.kind == "done" then status = event.reply:status() end
        end)
        loop:poll(1)
        return loop
    end
    local loop = start()
    loop:start(hello(FOX), function() refused = refused or failure(loop.close, loop) end)
    while not refused do loop:poll(1) end
    equal("misuse", refused.status)
    loop:close()
    equal("cancelled", status)
    status = nil
    start()
    collectgarbage()
    collectgarbage()
    equal("cancelled", status)
    assert(sockets() <= before)
end

function tests.garbage_is_released()
    collectgarbage()
    local before = sockets()
    for _ = 1, 10 do
        thinkwire.client():stream(hello("mock/synthetic#chunks=1000,pace=50")):next()
    end
    assert(sockets() >= before + 10)
    collectgarbage()
    collectgarbage()
    assert(sockets() <= before, "connections remain open")
    local function large()
        client:send(hello("mock/synthetic#chunks=16,size=65536"))
        collectgarbage()
    end
    for _ = 1, 5 do large() end
    local memory = resident()
    for _ = 1, 30 do large() end
    assert(resident() - memory < 16384, "30 replies of 1 MiB remain in memory")
end

local failed = 0
for name, test in pairs(tests) do
    local ok, reason = xpcall(test, function(reason)
        return debug.traceback(tostring(reason))
    end)
    if not ok then
        failed = failed + 1
        print("FAILED " .. name .. ": " .. reason)
    end
end
print(failed == 0 and "LuaJIT: all tests passed" or failed .. " tests failed")
os.exit(failed == 0 and 0 or 1)
