import LibThinkwire

/// Result of an exchange or of a call, by the values of `tw_status`.
public enum Status: UInt32, Sendable {
    case ok, invalid, misuse, cancelled, resolve, connect, tls, network, timeout, auth, forbidden
    case quota, notFound, badRequest, rateLimited, server, truncated, protocolViolation, limit
    /// A status of a newer library.
    case unknown = 0x7FFF_FFFF

    init(_ status: tw_status) {
        self = Status(rawValue: status.rawValue) ?? .unknown
    }

    /// The name in the C interface in lower case, such as "not_found".
    public var name: String {
        String(cString: tw_status_name(tw_status(rawValue))).dropFirst(3).lowercased()
    }
}

/// An exchange or a call failed.
public struct ThinkwireError: Error, Sendable, CustomStringConvertible {
    public let status: Status
    /// One line that says what happened and what to do.
    public let message: String
    /// Everything that was received; nil if nothing was sent.
    public let reply: Reply?

    public var description: String { "\(status.name): \(message)" }

    /// The reason of the last failed call on this thread.
    static func last(_ status: tw_status = TW_INVALID) -> ThinkwireError {
        ThinkwireError(
            status: Status(status), message: String(cString: tw_last_error()), reply: nil)
    }
}

/// Calls a function that changes an object, with texts in which a NUL is not allowed.
func change(
    texts: [String?] = [], _ function: () -> tw_status
) throws(ThinkwireError) {
    for text in texts where text?.utf8.contains(0) == true {
        throw ThinkwireError(status: .invalid, message: "a text contains U+0000", reply: nil)
    }
    let status = function()
    if status != TW_OK { throw .last(status) }
}

/// Copies a borrowed text; nil for NULL.
func copied(_ text: UnsafePointer<CChar>?, _ length: Int) -> String? {
    guard let text else { return nil }
    let bytes = UnsafeRawBufferPointer(start: text, count: length)
    return String(decoding: bytes, as: UTF8.self)
}

func copied(_ text: UnsafePointer<CChar>?) -> String {
    text.map { String(cString: $0) } ?? ""
}
