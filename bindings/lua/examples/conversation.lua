-- Reasoning and answer, a tool, cancellation and an error.
local thinkwire = require("thinkwire")

local model = os.getenv("THINKWIRE_MODEL") or "alibaba/qwen3-32b"
local city = '{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}'
local client = thinkwire.client({ timeout = 60 })

local function print_stream(request)
    local stream = client:stream(request)
    for event in stream:events() do
        if event.kind == "reasoning" then io.stderr:write(event.text) end
        if event.kind == "content" then io.write(event.text) end
    end
    print()
    return stream.reply
end

print_stream(thinkwire.request(model, "Hello"):thinking("on"))

local request = thinkwire.request(model, "How warm is it in Paris?")
request:add_tool("temperature", "The current temperature of a city", city)
local reply = print_stream(request)
while #reply:tool_calls() > 0 do
    request:add_reply(reply)
    for _, call in ipairs(reply:tool_calls()) do
        request:add_tool_result(call, "18 degrees in " .. call:parse():get("/city"))
    end
    reply = print_stream(request)
end

local stream = client:stream(thinkwire.request(model, "Count to a hundred"))
for event in stream:events() do
    if event.kind == "content" then
        io.write(event.text)
        break
    end
end
stream:close() -- This cancels the exchange.
print(" [cancelled]")

local ok, failure = pcall(client.send, client, thinkwire.request("no/such-model", "Hello"))
if not ok then print(failure.status .. ": " .. failure.message) end
