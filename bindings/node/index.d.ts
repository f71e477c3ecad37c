/** A client for OpenAI-compatible chat APIs that streams reasoning and answer separately. */

export type Status =
    | "ok" | "invalid" | "misuse" | "cancelled" | "resolve" | "connect" | "tls" | "network"
    | "timeout" | "auth" | "forbidden" | "quota" | "not_found" | "bad_request" | "rate_limited"
    | "server" | "truncated" | "protocol" | "limit";

/** Times in milliseconds; 0 means none. */
export interface Timeouts {
    connect?: number;
    firstByte?: number;
    idle?: number;
    total?: number;
}

/** What is not given is read from the environment, or has the default of the library. */
export interface ClientOptions {
    baseUrl?: string;
    /** null: no key is sent. */
    apiKey?: string | null;
    headers?: Record<string, string | null>;
    timeout?: Timeouts;
    retries?: number;
    /** In bytes. */
    limits?: { event?: number; reply?: number; headers?: number };
    commentsKeepAlive?: boolean;
    requireFinish?: boolean;
    proxy?: string | null;
    noProxy?: string | null;
    caFile?: string | null;
    caDirectory?: string | null;
    httpVersion?: "auto" | "1.1" | "2";
    dialect?:
        | "auto" | "none" | "enable_thinking" | "chat_template" | "reasoning_effort"
        | "reasoning_object" | "thinking_type" | "template_thinking";
    reasoningTags?: [opening: string | null, closing: string | null];
    reasoningReplay?: string;
    /** Hosts to which the key may be sent over http. */
    allowCleartext?: string[];
    /** Receives the lines of the log. */
    log?: (line: string) => void;
    /** Exchanges in progress at once; others wait. Default: 1000. */
    maxExchanges?: number;
    /** Connections at once; 0: no limit. */
    maxConnections?: number;
}

/** A message in the format of the API. A reply is the assistant's message. */
export type Message = Reply | { role: string; [field: string]: unknown };

/** Fields that are not listed here are sent to the server as JSON. */
export interface Request {
    model: string;
    /** A string is one message of the user. */
    messages?: string | Message[];
    thinking?:
        | boolean | "auto" | "off" | "none" | "on" | "minimal" | "low" | "medium" | "high" | "xhigh"
        | "max";
    /** Maximum number of tokens to think with. */
    thinkingBudget?: number;
    startsThinking?: boolean;
    reasoningTags?: [opening: string | null, closing: string | null];
    timeout?: Timeouts;
    [field: string]: unknown;
}

export interface ExchangeOptions {
    /** Cancels the exchange, which then fails with a CancelledError. */
    signal?: AbortSignal;
    /** Adds the JSON of its chunk to each event. Default: false. */
    raw?: boolean;
}

interface Part {
    choice: number;
    text: string;
    raw?: string;
}
export type ToolCallPart = Part & {
    kind: "tool_call";
    toolIndex: number;
    toolId: string;
    toolName: string;
};
export type Retry = Part & { kind: "retry"; attempt: number; status: Status; waitMs: number };
export type Event =
    | (Part & { kind: "reasoning" | "content" | "refusal" | "finish" })
    | ToolCallPart
    | (Part & { kind: "usage"; usage: Usage })
    | Retry;

/** Numbers that the server did not report are null. */
export interface Usage {
    promptTokens: number | null;
    completionTokens: number | null;
    totalTokens: number | null;
    reasoningTokens: number | null;
    cachedTokens: number | null;
    cost: number | null;
    costUnit: string | null;
}

/** In microseconds from the start; null for what did not happen. */
export interface Timing {
    connectedUs: number | null;
    firstByteUs: number | null;
    firstReasoningUs: number | null;
    firstContentUs: number | null;
    totalUs: number | null;
    reusedConnection: boolean;
}

export interface ToolCall {
    choice: number;
    index: number;
    id: string;
    name: string;
    /** As the model wrote them, possibly invalid JSON. */
    arguments: string;
}

export interface Tool<Arguments = any> {
    description?: string;
    /** JSON schema of an object. */
    parameters?: object;
    /** Its result is sent to the model: a string as it is, anything else as JSON. */
    call(values: Arguments): unknown;
}

/** The result of an exchange: everything that was received. */
export class Reply {
    private constructor();
    readonly status: Status;
    readonly message: string;
    readonly attempts: number;
    /** The error that caused the last retry, or "". */
    readonly lastError: string;
    readonly httpStatus: number;
    readonly requestId: string;
    readonly reasoning: string;
    readonly content: string;
    readonly refusal: string;
    readonly finishReason: string;
    readonly usage: Usage;
    readonly timing: Timing;
    readonly toolCalls: ToolCall[];
    readonly models: string[];
    /** The value of a response header, or null. */
    header(name: string): string | null;
    /** A value of the document by its JSON pointer: a string as its text, else JSON; or null. */
    get(pointer: string): string | null;
    /** The complete answer as the provider's document; undefined without one. */
    document(): any;
    /** The assistant's message, to be stored. */
    toJSON(): { role: string; [field: string]: unknown };
}

/** The events of an exchange. It is paused while they are not consumed. */
export class Stream implements AsyncIterableIterator<Event> {
    private constructor();
    [Symbol.asyncIterator](): this;
    next(): Promise<IteratorResult<Event, undefined>>;
    /** Cancels the exchange; `break` in a loop calls it. */
    return(): Promise<IteratorResult<Event, undefined>>;
    /** Cancels the exchange; the iteration then throws a CancelledError. */
    cancel(reason?: unknown): void;
    /** Waits for the end, discards events not yet consumed, and returns the reply of any status. */
    reply(): Promise<Reply>;
}

/** An endpoint and its connections. */
export class Client {
    constructor(options?: ClientOptions);
    /** Starts a streamed exchange. */
    stream(request: Request, options?: ExchangeOptions): Stream;
    /** Sends a request, and returns the complete reply. */
    send(request: Request, options?: ExchangeOptions): Promise<Reply>;
    /** Lists the ids of the models. */
    models(options?: ExchangeOptions): Promise<string[]>;
    /** Streams answers until the model calls no more tools, at most `maxRounds` (10) times. */
    run(
        request: Request,
        options: ExchangeOptions & {
            tools: Record<string, Tool>;
            onEvent?: (event: Event) => unknown;
            maxRounds?: number;
        },
    ): Promise<{ reply: Reply; messages: Message[] }>;
    /** Cancels every exchange of this client, and closes its connections. */
    close(): void;
}

/** The version of the library. */
export const version: string;

/** An exchange or a call failed. */
export class ThinkwireError extends Error {
    readonly status: Status;
    readonly httpStatus: number;
    readonly requestId: string;
    /** What was received; null if nothing was sent. */
    readonly reply: Reply | null;
}
export class InvalidArgumentError extends ThinkwireError {}
export class CancelledError extends ThinkwireError {
    readonly code: "ABORT_ERR";
}
export class ConnectionError extends ThinkwireError {}
export class TimeoutError extends ConnectionError {}
export class StatusError extends ThinkwireError {}
export class AuthenticationError extends StatusError {}
export class PermissionDeniedError extends StatusError {}
export class QuotaError extends StatusError {}
export class NotFoundError extends StatusError {}
export class BadRequestError extends StatusError {}
export class RateLimitError extends StatusError {}
export class ServerError extends StatusError {}
export class TruncatedError extends ThinkwireError {}
export class ProtocolError extends ThinkwireError {}
export class LimitError extends ThinkwireError {}
