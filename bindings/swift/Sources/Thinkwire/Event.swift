import LibThinkwire

/// One event of an exchange.
public struct Event: Sendable {
    public enum Kind: Sendable {
        case reasoning, content, refusal
        /// The text is a piece of the arguments of a call.
        case toolCall(index: Int, id: String, name: String)
        case usage(Usage)
        /// The text is the finish reason.
        case finish
        /// A retry follows; the text is why the last attempt failed.
        case retry(attempt: Int, status: Status, waitMilliseconds: Int64)
        /// An event of a newer library.
        case unknown
    }

    public let kind: Kind
    /// Index of the choice; 0 unless several were requested.
    public let choice: Int
    public let text: String

    init(_ event: tw_event) {
        choice = Int(event.choice)
        text = copied(event.text, event.text_len) ?? ""
        switch event.kind {
        case TW_EVENT_REASONING: kind = .reasoning
        case TW_EVENT_CONTENT: kind = .content
        case TW_EVENT_REFUSAL: kind = .refusal
        case TW_EVENT_TOOL_CALL:
            kind = .toolCall(
                index: Int(event.tool_index), id: copied(event.tool_id),
                name: copied(event.tool_name))
        case TW_EVENT_USAGE: kind = .usage(Usage(event.usage.pointee))
        case TW_EVENT_FINISH: kind = .finish
        case TW_EVENT_RETRY:
            kind = .retry(
                attempt: Int(event.attempt), status: Status(event.status),
                waitMilliseconds: event.wait_ms)
        default: kind = .unknown
        }
    }
}
