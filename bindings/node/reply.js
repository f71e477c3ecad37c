"use strict";

const native = require("./native.js");
const { check, statusName } = require("./errors.js");

/** The result of an exchange: everything that was received. */
class Reply {
    #handle;
    constructor(handle) { this.#handle = handle; }

    get status() { return statusName(native.tw_reply_status(this.#handle)); }
    get message() { return native.tw_reply_message(this.#handle); }
    get attempts() { return native.tw_reply_attempts(this.#handle); }
    get lastError() { return native.tw_reply_last_error(this.#handle); }
    get httpStatus() { return native.tw_reply_http_status(this.#handle); }
    get requestId() { return native.tw_reply_request_id(this.#handle); }
    get reasoning() { return native.tw_reply_reasoning(this.#handle); }
    get content() { return native.tw_reply_content(this.#handle); }
    get refusal() { return native.tw_reply_refusal(this.#handle); }
    get finishReason() { return native.tw_reply_finish_reason(this.#handle); }
    get usage() { return native.reply_usage(this.#handle); }
    get timing() { return native.reply_timing(this.#handle); }
    get toolCalls() { return native.reply_tool_calls(this.#handle); }
    get models() { return native.reply_models(this.#handle); }

    /** The value of a response header, or null. */
    header(name) { return native.tw_reply_header(this.#handle, name); }

    /** A value of the document by its JSON pointer: a string as its text, else JSON; or null. */
    get(pointer) { return native.tw_reply_get(this.#handle, pointer); }

    /** The complete answer as the provider's document; undefined without one. */
    document() {
        const json = native.tw_reply_json(this.#handle);
        return json === "" ? undefined : JSON.parse(json);
    }

    /**
     * The assistant's message. JSON.stringify calls this, so a reply can be an element of
     * `messages`, also of those that are stored. Its reasoning is sent as the server requires.
     */
    toJSON() {
        const request = native.tw_request_create("any");
        try {
            check(native.tw_request_add_reply(request, this.#handle));
            return JSON.parse(native.tw_request_json(request)).messages[0];
        } finally {
            native.release(request);
        }
    }
}

module.exports = { Reply };
