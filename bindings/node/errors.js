"use strict";

const native = require("./native.js");

/** Returns the name of a status as JavaScript sees it: "not_found" for TW_NOT_FOUND. */
const statusName = (status) => native.tw_status_name(status).slice(3).toLowerCase();

/** An exchange or a call failed. `reply` holds what was received; null if nothing was sent. */
class ThinkwireError extends Error {
    constructor(status, message, reply = null, options = undefined) {
        super(message, options);
        this.name = new.target.name;
        this.status = status;
        this.httpStatus = reply?.httpStatus ?? 0;
        this.requestId = reply?.requestId ?? "";
        // Not enumerable, so that printing an error does not print the conversation.
        Object.defineProperty(this, "reply", { value: reply });
    }
}

class InvalidArgumentError extends ThinkwireError {}
class ConnectionError extends ThinkwireError {}
class TimeoutError extends ConnectionError {}
class StatusError extends ThinkwireError {}
class AuthenticationError extends StatusError {}
class PermissionDeniedError extends StatusError {}
class QuotaError extends StatusError {}
class NotFoundError extends StatusError {}
class BadRequestError extends StatusError {}
class RateLimitError extends StatusError {}
class ServerError extends StatusError {}
class TruncatedError extends ThinkwireError {}
class ProtocolError extends ThinkwireError {}
class LimitError extends ThinkwireError {}

/** The exchange was cancelled. Its name and code are those of every abort in Node. */
class CancelledError extends ThinkwireError {
    constructor(...args) {
        super(...args);
        this.name = "AbortError";
        this.code = "ABORT_ERR";
    }
}

const classes = {
    invalid: InvalidArgumentError,
    cancelled: CancelledError,
    resolve: ConnectionError,
    connect: ConnectionError,
    tls: ConnectionError,
    network: ConnectionError,
    timeout: TimeoutError,
    auth: AuthenticationError,
    forbidden: PermissionDeniedError,
    quota: QuotaError,
    not_found: NotFoundError,
    bad_request: BadRequestError,
    rate_limited: RateLimitError,
    server: ServerError,
    truncated: TruncatedError,
    protocol: ProtocolError,
    limit: LimitError,
};

/** The error for a status; `cause` is the reason of an AbortSignal. */
function errorFor(status, message, reply, cause) {
    const options = cause === undefined ? undefined : { cause };
    return new (classes[status] ?? ThinkwireError)(status, message, reply, options);
}

/** The error of a native call that has just failed. */
const lastError = () => errorFor("invalid", native.tw_last_error());

/** Throws unless a native call returned TW_OK. */
function check(status) {
    if (status !== 0) throw errorFor(statusName(status), native.tw_last_error());
}

/** Returns the object that a native call created, or throws. */
function created(object) {
    if (object === null) throw lastError();
    return object;
}

const errors = { ThinkwireError, StatusError };
for (const each of Object.values(classes)) errors[each.name] = each;

module.exports = { errors, errorFor, statusName, check, created };
