import Base
import CMock
import CPlatform
import Chat

/// Answers from a file, given in their order to applications that send ordinary requests.
final class Script {
    /// One answer of the file.
    struct Entry {
        var answer = Answer(model: [])
        /// Body of an error response; nil for an answer.
        var error: ErrorBody?
        /// Request options, as in the header x-mock.
        var options: ByteArray = []
        var status: Int?
        /// Wait before the response, in nanoseconds.
        var delay: Int64 = 0
        /// Text that the last message of the request must contain.
        var expected: ByteArray?
        /// Whether the entry answers every further request.
        var repeats = false
    }

    enum ErrorBody {
        /// Message of an error response in the provider's format.
        case message(ByteArray)
        /// JSON value of the member "error" of the response.
        case object(ByteArray)
    }

    private let path: ByteArray
    private let entries: [Entry]
    private var next = 0

    init(_ path: ByteArray, _ entries: [Entry]) {
        self.path = path
        self.entries = entries
    }

    /// Returns the entry that answers a request; throws if the request is not the expected one.
    ///
    /// Such a request uses no entry.
    func take(for body: JSONValue) throws(ErrorResponse) -> Entry {
        guard next < entries.count else {
            throw error(
                ByteArray("all answers were used; add one, or \"repeat\": true to the last one"))
        }
        let entry = entries[next]
        if let expected = entry.expected {
            let text = lastMessageText(body)
            guard contains(text, expected) else {
                throw error(
                    ByteArray("the last message must contain: ") + expected + received(text))
            }
        }
        if !entry.repeats { next += 1 }
        return entry
    }

    private func lastMessageText(_ body: JSONValue) -> ByteArray {
        var last: JSONValue?
        for message in body["messages"]?.elements ?? body.elements { last = message }
        return last.map { contentText(of: $0) } ?? []
    }

    private func contains(_ text: ByteArray, _ part: ByteArray) -> Bool {
        platform_find(text, text.count, part, part.count) != nil
    }

    private func received(_ text: ByteArray) -> ByteArray {
        ByteArray(" (is: ") + (text.count > 200 ? text.prefix(200) + ByteArray("…") : text)
            + ByteArray(")")
    }

    /// Error that names the file and the answer that is due.
    private func error(_ problem: ByteArray) -> ErrorResponse {
        var message = ByteArray("mock: ") + path + ByteArray(": ")
        if next < entries.count {
            message += "answer "
            message.append(decimal: next + 1)
            message += " of "
            message.append(decimal: entries.count)
            message += ": "
        }
        return ErrorResponse(400, message + problem)
    }
}
