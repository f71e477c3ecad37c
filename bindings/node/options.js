"use strict";

const native = require("./native.js");
const { check, created, errorFor } = require("./errors.js");

/** The value of a constant: constant("TW_THINKING_", "high"). */
function constant(prefix, name) {
    const words = String(name).replace(/([a-z])([A-Z])/g, "$1_$2").replace(/\W/g, "_");
    const value = native[prefix + words.toUpperCase()];
    if (value === undefined) throw errorFor("invalid", `unknown value "${name}"`);
    return value;
}

const each = (object, action) =>
    Object.entries(object).forEach(([key, value]) => action(key, value));
const text = (name) => (options, value) => check(native[name](options, value));
const number = (name) => (options, value) => check(native[name](options, Number(value)));
const choice = (name, prefix) => (options, value) =>
    check(native[name](options, constant(prefix, value)));
const named = (name, prefix) => (options, values) =>
    each(values, (key, value) => check(native[name](options, constant(prefix, key), value)));
const pair = (name) => (options, values) => check(native[name](options, ...values));

const clientOptions = {
    baseUrl: text("tw_options_set_base_url"),
    apiKey: text("tw_options_set_api_key"),
    headers: (options, headers) =>
        each(headers, (name, value) => check(native.tw_options_set_header(options, name, value))),
    timeout: named("tw_options_set_timeout", "TW_TIMEOUT_"),
    limits: named("tw_options_set_limit", "TW_LIMIT_"),
    retries: number("tw_options_set_retries"),
    commentsKeepAlive: number("tw_options_set_comments_keep_alive"),
    requireFinish: number("tw_options_set_require_finish"),
    proxy: text("tw_options_set_proxy"),
    noProxy: text("tw_options_set_no_proxy"),
    caFile: text("tw_options_set_ca_file"),
    caDirectory: text("tw_options_set_ca_directory"),
    httpVersion: choice("tw_options_set_http_version", "TW_HTTP_"),
    dialect: choice("tw_options_set_dialect", "TW_DIALECT_"),
    reasoningTags: pair("tw_options_set_reasoning_tags"),
    reasoningReplay: text("tw_options_set_reasoning_replay"),
    allowCleartext: (options, hosts) =>
        hosts.forEach((host) => check(native.tw_options_allow_cleartext(options, host))),
};

const requestOptions = {
    startsThinking: number("tw_request_set_starts_thinking"),
    reasoningTags: pair("tw_request_set_reasoning_tags"),
    timeout: named("tw_request_set_timeout", "TW_TIMEOUT_"),
};

/** Runs `use` with the options of a client, and destroys them. */
function withOptions(settings, use) {
    const options = native.tw_options_create();
    try {
        each(settings, (name, value) => {
            if (!Object.hasOwn(clientOptions, name)) {
                throw errorFor("invalid", `a client has no option "${name}"`);
            }
            if (value !== undefined) clientOptions[name](options, value);
        });
        return use(options);
    } finally {
        native.release(options);
    }
}

/** A string is one message of the user. */
const messageList = (messages) =>
    typeof messages === "string" ? [{ role: "user", content: messages }] : messages;

/** Runs `use` with the request that an object describes, and destroys it. */
function withRequest({ model, messages = [], thinking, thinkingBudget = 0, ...fields }, use) {
    const request = created(native.tw_request_create(model));
    try {
        for (const message of messageList(messages)) {
            check(native.tw_request_add_message_json(request, JSON.stringify(message)));
        }
        if (thinking !== undefined) {
            const mode = { true: "on", false: "off" }[thinking] ?? thinking;
            const value = constant("TW_THINKING_", mode);
            check(native.tw_request_set_thinking(request, value, thinkingBudget));
        }
        each(fields, (name, value) => {
            if (value === undefined) return;
            if (Object.hasOwn(requestOptions, name)) requestOptions[name](request, value);
            else check(native.tw_request_set(request, name, JSON.stringify(value)));
        });
        return use(request);
    } finally {
        native.release(request);
    }
}

module.exports = { messageList, withOptions, withRequest };
