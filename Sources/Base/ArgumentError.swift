/// The caller's mistake: one line that says which argument, what is wrong with it and what to do.
package struct ArgumentError: Error {
    package let message: Message

    /// In an object of its own, because an error can be copied and a buffer cannot. Nobody changes it once it is thrown.
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

    /// What is wrong with a text that should have been JSON, and where.
    package init(_ subject: Bytes, isNotJSON error: JSONError) {
        message = Message()
        message.text.append(oneLine: subject, limit: 200)
        message.text.append(" is not JSON: at byte ")
        message.text.append(decimal: error.offset)
        message.text.append(", ")
        message.text.append(error.problem.text)
    }
}
