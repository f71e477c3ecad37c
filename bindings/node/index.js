"use strict";

const native = require("./native.js");
const { errors, created, check } = require("./errors.js");
const { messageList, withOptions, withRequest } = require("./options.js");
const { Reply } = require("./reply.js");
const { Stream, run } = require("./stream.js");

/** An endpoint and its connections. */
class Client {
    #handle;

    constructor({ log, maxExchanges, maxConnections, ...settings } = {}) {
        // The library must not be called while it writes its log, so the function runs later.
        const later = log && ((line) => queueMicrotask(() => log(line)));
        this.#handle = withOptions(settings, (options) =>
            created(native.client_create(options, later)));
        const limit = (which, value) => {
            if (value !== undefined) check(native.client_limit(this.#handle, which, value));
        };
        limit(native.TW_LOOP_EXCHANGES, maxExchanges);
        limit(native.TW_LOOP_CONNECTIONS, maxConnections);
    }

    /** Starts a streamed exchange. */
    stream(request, options) {
        return withRequest(request, (body) => new Stream(this.#handle, "stream", body, options));
    }

    /** Sends a request, and returns the complete reply. */
    async send(request, options) {
        return withRequest(request, (body) => run(this.#handle, "send", body, options));
    }

    /** Lists the ids of the models. */
    async models(options) {
        return (await run(this.#handle, "models", null, options)).models;
    }

    /**
     * Streams answers until the model calls no more tools. `tools` maps the name of each to
     * { description, parameters, call }. Resolves to the last reply and all messages.
     */
    async run(request, { tools, onEvent, maxRounds = 10, ...options }) {
        const definitions = Object.entries(tools).map(([name, { description, parameters }]) =>
            ({ type: "function", function: { name, description, parameters } }));
        const messages = [...messageList(request.messages ?? [])];
        for (let round = 0; ; round++) {
            const stream = this.stream({ ...request, messages, tools: definitions }, options);
            for await (const event of stream) await onEvent?.(event);
            const reply = await stream.reply();
            messages.push(reply);
            const calls = reply.toolCalls.filter(({ choice }) => choice === 0);
            if (calls.length === 0 || round + 1 === maxRounds) return { reply, messages };
            for (const call of calls) {
                const content = await answer(tools, call);
                messages.push({ role: "tool", tool_call_id: call.id, content });
            }
        }
    }

    /** Cancels every exchange of this client, and closes its connections. */
    close() { native.client_close(this.#handle); }
}

/** The result of a tool call as a text; a mistake of the model becomes a text that says so. */
async function answer(tools, { name, arguments: json }) {
    if (!Object.hasOwn(tools, name)) return `Error: there is no tool ${name}`;
    let values;
    try {
        values = JSON.parse(json || "{}");
    } catch {
        return "Error: the arguments are not valid JSON";
    }
    const result = await tools[name].call(values);
    return typeof result === "string" ? result : JSON.stringify(result ?? null);
}

const version = native.tw_version();
const {
    ThinkwireError,
    InvalidArgumentError,
    CancelledError,
    ConnectionError,
    TimeoutError,
    StatusError,
    AuthenticationError,
    PermissionDeniedError,
    QuotaError,
    NotFoundError,
    BadRequestError,
    RateLimitError,
    ServerError,
    TruncatedError,
    ProtocolError,
    LimitError,
} = errors;
// Node finds the names for `import` only if all are written like this.
module.exports = {
    Client,
    Reply,
    Stream,
    version,
    ThinkwireError,
    InvalidArgumentError,
    CancelledError,
    ConnectionError,
    TimeoutError,
    StatusError,
    AuthenticationError,
    PermissionDeniedError,
    QuotaError,
    NotFoundError,
    BadRequestError,
    RateLimitError,
    ServerError,
    TruncatedError,
    ProtocolError,
    LimitError,
};
