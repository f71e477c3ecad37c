import LibThinkwire

/// Tokens and cost of an answer; nil is what the server did not report.
public struct Usage: Sendable {
    public let promptTokens, completionTokens, totalTokens, reasoningTokens, cachedTokens: Int64?
    public let cost: Double?
    public let costUnit: String

    init(_ usage: tw_usage) {
        func reported<Number: SignedNumeric & Comparable>(_ number: Number) -> Number? {
            number < 0 ? nil : number
        }
        promptTokens = reported(usage.prompt_tokens)
        completionTokens = reported(usage.completion_tokens)
        totalTokens = reported(usage.total_tokens)
        reasoningTokens = reported(usage.reasoning_tokens)
        cachedTokens = reported(usage.cached_tokens)
        cost = reported(usage.cost)
        costUnit = copied(usage.cost_unit)
    }
}

/// A tool call that the model requests; the arguments may be invalid JSON.
public struct ToolCall: Sendable {
    public let choice, index: Int
    public let id, name, arguments: String
}

/// The result of an exchange: everything that was received.
public final class Reply: @unchecked Sendable {
    let pointer: OpaquePointer

    /// Takes over a reply of the library, which does not change and which all threads may read.
    init(owned pointer: OpaquePointer) { self.pointer = pointer }
    deinit { tw_reply_destroy(pointer) }

    private func text(
        _ function: (OpaquePointer?, UnsafeMutablePointer<Int>?) -> UnsafePointer<CChar>?
    ) -> String? {
        var length = 0
        let text = function(pointer, &length)
        return copied(text, length)
    }

    public var status: Status { Status(tw_reply_status(pointer)) }
    public var message: String { copied(tw_reply_message(pointer)) }
    public var attempts: Int { Int(tw_reply_attempts(pointer)) }
    /// The error that caused the last retry, or "".
    public var lastError: String { copied(tw_reply_last_error(pointer, nil)) }
    public var httpStatus: Int { Int(tw_reply_http_status(pointer)) }
    public var requestID: String { copied(tw_reply_request_id(pointer)) }
    public var reasoning: String { text(tw_reply_reasoning) ?? "" }
    public var content: String { text(tw_reply_content) ?? "" }
    public var refusal: String { text(tw_reply_refusal) ?? "" }
    public var finishReason: String { copied(tw_reply_finish_reason(pointer)) }
    public var usage: Usage { Usage(tw_reply_usage(pointer).pointee) }
    /// Times in microseconds from the start; -1 for what did not happen.
    public var timing: tw_timing { tw_reply_timing(pointer).pointee }
    /// The complete answer as the provider's JSON.
    public var json: String { text(tw_reply_json) ?? "" }

    public var toolCalls: [ToolCall] {
        (0..<tw_reply_tool_call_count(pointer)).map { index in
            let call = tw_reply_tool_call(pointer, index).pointee
            return ToolCall(
                choice: Int(call.choice), index: Int(call.index), id: copied(call.id),
                name: copied(call.name),
                arguments: copied(call.arguments, call.arguments_len) ?? "")
        }
    }

    var models: [String] {
        (0..<tw_reply_model_count(pointer)).map { copied(tw_reply_model(pointer, $0)) }
    }

    /// The value of a response header.
    public func header(_ name: String) -> String? {
        tw_reply_header(pointer, name).map { String(cString: $0) }
    }

    /// A value of the JSON by its pointer: a string as its text, any other value as its JSON.
    public func value(at jsonPointer: String) -> String? {
        text { tw_reply_get($0, jsonPointer, $1) }
    }
}
