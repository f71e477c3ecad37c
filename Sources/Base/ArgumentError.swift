/// An invalid argument: one line that names the argument, the problem and, where possible, the
/// remedy.
package struct ArgumentError: Error {
    package let message: Message

    /// The text, in an object because an error must be copyable and a buffer is not.
    ///
    /// `@unchecked Sendable`: the text does not change after the error is thrown.
    package final class Message: @unchecked Sendable {
        package var text = ByteBuffer()
    }

    package init(_ text: StaticString) {
        message = Message()
        message.text.append(text)
    }

    package init(_ text: StaticString, _ detail: Bytes, _ rest: StaticString = "") {
        self.init(text)
        message.text.append(oneLine: detail, limit: 200)
        message.text.append(rest)
    }

    package init(_ subject: Bytes, _ rest: StaticString) {
        message = Message()
        message.text.append(oneLine: subject, limit: 200)
        message.text.append(rest)
    }

    /// Creates the error for a `subject` that is not JSON, with the byte offset and the reason.
    package init(_ subject: Bytes, isNotJSON error: JSONError) {
        message = Message()
        message.text.append(oneLine: subject, limit: 200)
        message.text.append(" is not JSON: at byte ")
        message.text.append(decimal: error.offset)
        message.text.append(", ")
        message.text.append(error.problem.text)
    }
}
