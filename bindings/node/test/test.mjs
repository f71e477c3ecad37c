// The tests of the binding, against the mock at THINKWIRE_BASE_URL.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { setImmediate as turn } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { createRequire } from "node:module";
import { Worker } from "node:worker_threads";
import test from "node:test";
import * as thinkwire from "thinkwire";

const { Client } = thinkwire;
const require = createRequire(import.meta.url);
const directory = new URL("./", new URL(`file://${require.resolve("thinkwire")}`));
const native = require(process.env.THINKWIRE_ADDON);

const fox = "mock/synthetic#chunks=3,reasoning=2,text=%F0%9F%A6%8A";
const slow = "mock/synthetic#chunks=1000,pace=50";
const silent = "mock/synthetic#delay=60000";
const ask = (model, messages = "Hello") => ({ model, messages });
const client = new Client();
test.after(() => client.close());

/** The functions that this package does not call, with the reason. */
const omitted = {
    "a request is an object that is sent as JSON":
        "request_parse request_copy request_add_message request_add_tool_result request_add_tool " +
        "request_add_image_url request_add_image request_add_image_file request_set_string " +
        "request_set_number request_set_bool",
    "every failure is thrown":
        "options_error options_clear_error request_error request_clear_error",
    "exchanges run in a loop":
        "chat_send chat_stream chat_open chat_open_unstreamed models_send models_open chat_next " +
        "chat_next_batch chat_run chat_close client_cancel loop_wake loop_active",
    "JavaScript parses JSON":
        "json_parse json_destroy json_get json_number json_count json_type_at",
    "C reads fields of structs":
        "event_get_kind event_get_choice event_get_text event_get_tool_index event_get_tool_id " +
        "event_get_tool_name event_get_usage event_get_raw event_get_attempt event_get_status " +
        "event_get_wait_ms event_get_reply usage_get_prompt_tokens usage_get_completion_tokens " +
        "usage_get_total_tokens usage_get_reasoning_tokens usage_get_cached_tokens usage_get_cost " +
        "usage_get_cost_unit",
};

test("every function of the header is called or omitted for a reason", () => {
    const header = readFileSync(new URL("../../include/thinkwire.h", directory), "utf8");
    const sources = new URL("src/", directory);
    const source = readdirSync(sources).filter((name) => name.endsWith(".c"))
        .map((name) => readFileSync(new URL(name, sources), "utf8")).join("\n");
    const declared = [...header.matchAll(/^TW_API [^;]*?\b(tw_\w+)\(/gm)].map((match) => match[1]);
    const called = declared.filter((name) => new RegExp(`\\b${name}[(,]`).test(source));
    const left = Object.values(omitted).flatMap((names) => names.split(" "));
    assert.ok(declared.length > 100);
    assert.deepEqual([...called, ...left.map((name) => `tw_${name}`)].sort(), declared.sort());
    assert.equal(thinkwire.version, header.match(/TW_VERSION "(.*)"/)[1]);
});

test("reasoning and answer are separate, and characters are whole", async () => {
    const texts = { reasoning: [], content: [], finish: [], usage: [] };
    const stream = client.stream(ask(`${fox},write=1`));
    for await (const event of stream) texts[event.kind].push(event.text);
    assert.deepEqual(texts.content, ["🦊", "🦊", "🦊"]);
    assert.deepEqual(texts.reasoning, ["🦊", "🦊"]);
    assert.deepEqual(texts.finish, ["stop"]);
    assert.equal((await stream.reply()).content, "🦊🦊🦊");
});

test("a reply has everything that was received", async () => {
    const stream = client.stream({ ...ask("alibaba/qwen3-32b"), thinking: "high" });
    const reply = await stream.reply();
    assert.match(reply.content, /^Hello!/);
    assert.match(reply.reasoning, /^\s*Okay/);
    assert.equal(reply.usage.totalTokens, 2023);
    assert.equal(reply.usage.cachedTokens, null);
    assert.ok(reply.timing.totalUs > 0);
    assert.equal(reply.get("/choices/0/message/role"), "assistant");
    assert.equal(reply.get("/nothing"), null);
    assert.match(reply.header("Content-Type"), /event-stream/);
    assert.equal(reply.document().object, "chat.completion");
    const [message] = JSON.parse(JSON.stringify([reply]));
    assert.equal(message.role, "assistant");
    assert.equal(message.thinkwire_reasoning !== undefined, true);
    const echo = await client.send(ask("mock/echo", [reply, { role: "user", content: "And?" }]));
    assert.equal(JSON.parse(echo.content).messages[0].content, reply.content);
});

test("text is sent unchanged", async () => {
    const content = '🦊 \0 é "quoted"\n';
    const reply = await client.send({ ...ask("mock/echo", content), user: "bob", n: undefined });
    const body = JSON.parse(reply.content);
    assert.deepEqual(body.messages, [{ role: "user", content }]);
    assert.equal(body.user, "bob");
});

test("raw chunks are delivered on request", async () => {
    for await (const event of client.stream(ask(fox), { raw: true })) {
        assert.equal(JSON.parse(event.raw).object, "chat.completion.chunk");
    }
});

test("tools run until the model answers", async () => {
    const cities = [];
    const properties = { city: { type: "string" } };
    const parameters = { type: "object", properties, required: ["city"] };
    const call = async ({ city }) => { cities.push(city); return "sunny 🌞"; };
    const { reply, messages } = await client.run(ask("mock/tools"), {
        tools: { weather: { description: "The weather 🌦", parameters, call } },
    });
    assert.equal(typeof cities[0], "string");
    assert.match(reply.content, /sunny 🌞/);
    assert.deepEqual(messages.map((message) => message.role ?? "reply"),
        ["user", "reply", "tool", "reply"]);
});

test("an error has its status, message and reply", async () => {
    const once = new Client({ retries: 0 });
    await assert.rejects(once.send(ask("mock/echo#status=429")), (error) => {
        assert.ok(error instanceof thinkwire.RateLimitError);
        assert.equal(error.status, "rate_limited");
        assert.equal(error.httpStatus, 429);
        assert.match(error.message, /429/);
        return true;
    });
    once.close();
});

test("the received part of a truncated answer is kept", async () => {
    const stream = client.stream(ask(`${fox},cut=900`));
    await assert.rejects(async () => { for await (const event of stream); }, (error) => {
        assert.ok(error instanceof thinkwire.TruncatedError);
        return error.reply.reasoning.includes("🦊");
    });
});

test("invalid arguments are rejected", async () => {
    const invalid = thinkwire.InvalidArgumentError;
    assert.throws(() => new Client({ baseUrl: "ftp://x" }), invalid);
    assert.throws(() => new Client({ noSuch: 1 }), invalid);
    assert.throws(() => client.stream({ ...ask("alibaba/qwen3-32b"), temperature: 3 }), invalid);
    assert.throws(() => client.stream({ ...ask("m"), thinking: "much" }), invalid);
    assert.throws(() => client.stream(ask("")), invalid);
    assert.throws(() => client.stream(ask("a\0b")), TypeError);
    await assert.rejects(client.send(ask(undefined)), invalid);
});

test("an AbortSignal cancels a wait, and break cancels a stream", async () => {
    const controller = new AbortController();
    const sent = client.send(ask(silent), { signal: controller.signal });
    setImmediate(() => controller.abort("enough"));
    await assert.rejects(sent, { name: "AbortError", code: "ABORT_ERR", cause: "enough" });
    await assert.rejects(client.send(ask(silent), { signal: AbortSignal.abort() }),
        thinkwire.CancelledError);
    const stream = client.stream(ask(slow));
    for await (const event of stream) if (event.kind === "content") break;
    assert.equal((await stream.reply()).status, "cancelled");
    assert.equal((await client.send(ask(fox))).content, "🦊🦊🦊");
});

test("closing a client cancels its exchanges", async () => {
    const closed = new Client();
    const sent = closed.send(ask(silent));
    closed.close();
    closed.close();
    await assert.rejects(sent, thinkwire.CancelledError);
    await assert.rejects(closed.send(ask(fox)));
});

test("a client can be closed while its events are delivered", async () => {
    const closed = new Client();
    await assert.rejects(async () => {
        for await (const event of closed.stream(ask(slow))) closed.close();
    }, thinkwire.CancelledError);
});

test("a retry is announced", async () => {
    const model = "mock/echo#status=503,tries=1,key=node,header=retry-after-ms:1";
    const events = [];
    for await (const event of client.stream(ask(model))) events.push(event);
    const { attempt, status, waitMs } = events.find(({ kind }) => kind === "retry");
    assert.deepEqual([attempt, status, waitMs], [2, "server", 1]);
});

test("models are listed", async () => {
    assert.ok((await client.models()).includes("alibaba/qwen3-32b"));
});

test("log lines arrive after the call that writes them", async () => {
    const lines = [];
    const logging = new Client({ log: (line) => lines.push(line) });
    await logging.send(ask(fox));
    assert.ok(lines.length > 0);
    logging.close();
});

test("a slow consumer holds the server back", async () => {
    const stream = client.stream(ask("mock/synthetic#chunks=4096,size=65536"));
    const next = await stream.next();
    assert.equal(next.done, false);
    const before = process.memoryUsage.rss();
    for (let i = 0; i < 200; i++) await turn();
    await client.send(ask(fox));
    assert.ok(process.memoryUsage.rss() - before < 64 << 20, "256 MiB are not buffered");
    await stream.return();
});

test("a pending stream needs no processor time", async () => {
    const controller = new AbortController();
    const sent = client.send(ask(silent), { signal: controller.signal });
    const before = process.cpuUsage();
    setTimeout(() => controller.abort(), 200);
    await assert.rejects(sent);
    const { user, system } = process.cpuUsage(before);
    assert.ok(user + system < 100_000, `${user + system} µs`);
});

test("objects are released, and streams that a program drops end", async () => {
    const settled = async (limit) => {
        for (let i = 0; i < 200 && native.live() > limit; i++) { global.gc(); await turn(); }
        return native.live();
    };
    const before = await settled(1);
    const drop = async () => {
        for (let i = 0; i < 20; i++) await new Client().stream(ask(slow)).next();
        for (let i = 0; i < 20; i++) await client.send(ask(fox));
    };
    await drop();
    assert.ok(native.live() > before);
    assert.equal(await settled(before), before);
});

const program = (body) => `
    const { Client } = require(${JSON.stringify(fileURLToPath(new URL("index.js", directory)))});
    const client = new Client();
    const ask = (model) => ({ model, messages: "Hello" });
    ${body}`;

test("a worker thread has its own loop, and can end during an exchange", async () => {
    const worker = (body) => new Worker(program(body), { eval: true });
    const sum = worker(`client.send(ask("${fox}")).then((reply) =>
        require("worker_threads").parentPort.postMessage(reply.content))`);
    const message = new Promise((resolve) => sum.once("message", resolve));
    assert.equal(await new Promise((resolve) => sum.once("exit", resolve)), 0);
    assert.equal(await message, "🦊🦊🦊");
    const busy = worker(`client.stream(ask("${slow}")).next().then(() =>
        require("worker_threads").parentPort.postMessage("begun"))`);
    await new Promise((resolve) => busy.once("message", resolve));
    assert.equal(await busy.terminate(), 1);
});

test("a process ends when no exchange is running", () => {
    const output = (body) => {
        const { status, stdout, stderr } =
            spawnSync(process.execPath, ["-e", program(body)], { encoding: "utf8", timeout: 5000 });
        assert.equal(status, 0, stderr);
        return stdout;
    };
    assert.equal(output(`client.send(ask("${fox}")).then((reply) => console.log(reply.content))`),
        "🦊🦊🦊\n");
    // Nothing consumes this stream, so it is paused.
    output(`client.stream(ask("mock/synthetic#chunks=100000,size=1000"))`);
    output(`client.stream(ask("${slow}")).next().then(() => process.exit(0))`);
});
