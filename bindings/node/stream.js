"use strict";

const native = require("./native.js");
const { created, errorFor, statusName } = require("./errors.js");
const { Reply } = require("./reply.js");

/** A chat is paused when this many of its events have not been consumed. */
const MAX_QUEUE = 64;

// By the values of tw_event_kind. Each makes an event of the arguments that only its kind has.
const kinds = [
    null,
    { kind: "reasoning" },
    { kind: "content" },
    { kind: "refusal" },
    { kind: "tool_call", more: (toolIndex, toolId, toolName) => ({ toolIndex, toolId, toolName }) },
    { kind: "usage", more: (usage) => ({ usage }) },
    { kind: "finish" },
    {
        kind: "retry",
        more: (attempt, code, waitMs) => ({ attempt, status: statusName(code), waitMs }),
    },
];
const DONE = 8;

/** An exchange in progress. The library refers to it, not to the stream that a program holds. */
class Exchange {
    queue = [];
    waiting = [];
    reply = null;
    cancelReason = undefined;
    #paused = false;
    #discarding = false;
    #failureReported = false;
    #ended = [];

    constructor(client, kind, request, { signal, raw = false } = {}) {
        const onEvent = (...values) => this.#receive(...values);
        this.handle = created(native.exchange_start(client, kind, request, raw, onEvent));
        if (signal === undefined) return;
        const abort = () => this.cancel(signal.reason);
        if (signal.aborted) abort();
        else {
            signal.addEventListener("abort", abort, { once: true });
            this.#ended.push(() => signal.removeEventListener("abort", abort));
        }
    }

    #receive(kind, choice, text, raw, ...more) {
        if (kind === DONE) return this.#end(new Reply(more[0]));
        if (this.#discarding) return;
        const { kind: name, more: details } = kinds[kind] ?? { kind: "unknown" };
        const event = { kind: name, choice, text, ...details?.(...more) };
        if (raw !== null) event.raw = raw;
        const waiter = this.waiting.shift();
        if (waiter) return waiter.resolve({ value: event, done: false });
        this.queue.push(event);
        if (this.queue.length >= MAX_QUEUE && !this.#paused) {
            this.#paused = true;
            native.exchange_pause(this.handle);
        }
    }

    #end(reply) {
        this.reply = reply;
        this.#ended.forEach((action) => action());
        for (const { resolve } of this.waiting.splice(0)) resolve(this.next());
    }

    #resume() {
        if (this.#paused) native.exchange_resume(this.handle);
        this.#paused = false;
    }

    next() {
        if (this.queue.length > 0) {
            const value = this.queue.shift();
            if (this.queue.length === 0) this.#resume();
            return Promise.resolve({ value, done: false });
        }
        if (this.reply === null) {
            return new Promise((resolve, reject) => this.waiting.push({ resolve, reject }));
        }
        if (this.reply.status === "ok" || this.#discarding || this.#failureReported) {
            return Promise.resolve({ value: undefined, done: true });
        }
        this.#failureReported = true;
        return Promise.reject(this.error());
    }

    /** Discards the events that have not been consumed, and those that follow. */
    discard() {
        this.#discarding = true;
        this.queue = [];
        this.#resume();
    }

    cancel(reason) {
        if (this.reply !== null) return;
        this.cancelReason ??= reason;
        this.#paused = false;
        native.exchange_cancel(this.handle);
    }

    error() {
        const { status, message } = this.reply;
        return errorFor(status, message, this.reply, this.cancelReason);
    }

    result() {
        if (this.reply !== null) return Promise.resolve(this.reply);
        return new Promise((resolve) => this.#ended.push(() => resolve(this.reply)));
    }
}

// A stream that a program has dropped would otherwise keep its connection.
const dropped = new FinalizationRegistry((exchange) => exchange.cancel());

/** The events of an exchange, for `for await`. */
class Stream {
    #exchange;

    constructor(...values) {
        this.#exchange = new Exchange(...values);
        dropped.register(this, this.#exchange);
    }

    [Symbol.asyncIterator]() { return this; }

    next() { return this.#exchange.next(); }

    /** Cancels the exchange; `break` in a loop calls it. */
    return() {
        this.#exchange.discard();
        this.#exchange.cancel();
        return Promise.resolve({ value: undefined, done: true });
    }

    /** Cancels the exchange; the iteration then throws a CancelledError. */
    cancel(reason) { this.#exchange.cancel(reason); }

    /** Waits for the end, discards events not yet consumed, and returns the reply of any status. */
    async reply() {
        this.#exchange.discard();
        return this.#exchange.result();
    }
}

/** Runs an exchange whose events do not matter, and returns its reply; throws its error. */
async function run(...values) {
    const exchange = new Exchange(...values);
    exchange.discard();
    const reply = await exchange.result();
    if (reply.status !== "ok") throw exchange.error();
    return reply;
}

module.exports = { Stream, run };
