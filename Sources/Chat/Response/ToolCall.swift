import Base

/// A tool call that is assembled from its fragments.
package final class ToolCall {
    /// The `index` member of the first fragment; nil if absent.
    let wireIndex: Int64?
    package var id = ByteBuffer()
    /// The last id of a fragment that differs from `id`.
    var otherID = ByteBuffer()
    /// Hashes of the two ids; 0 without an id.
    var idHash: UInt32 = 0
    var otherIDHash: UInt32 = 0
    package var name = ByteBuffer()
    package var arguments = TextAccumulator()
    /// Whether the type is `custom` instead of `function`.
    var isCustom = false
    /// Unknown members of the call.
    ///
    /// Example: Gemini's signature of the reasoning (`extra_content`). Gemini rejects a tool result
    /// without it (earendil-works/pi#3234, litellm#16893).
    private(set) var fields = MergedObject()
    /// Unknown members of the call's function.
    private(set) var functionFields = MergedObject()
    private var brackets = BracketTracker()
    /// Result of the last check of the arguments, and their length without trailing white space at
    /// that time.
    private var lastCheck = (length: 0, isComplete: false)

    init(wireIndex: Int64?) { self.wireIndex = wireIndex }

    /// Keeps the unknown members of a fragment. Returns the number of names that are new.
    func keepFields(of fragment: JSONValue, _ function: JSONValue?) -> Int {
        let known = fields.all.count + functionFields.all.count
        fields.keepMembers(
            of: fragment, except: Fields(words: "id type index function custom"))
        if let function {
            functionFields.keepMembers(of: function, except: Fields(words: "name arguments input"))
        }
        return fields.all.count + functionFields.all.count - known
    }

    /// Applies a change to the JSON of every kept member.
    func changeFields(_ change: (inout ByteBuffer) -> Void) {
        fields.changeText(change)
        functionFields.changeText(change)
    }

    /// Whether the arguments are a JSON object, as the API requires.
    var hasValidArguments: Bool {
        var reader = JSONReader()
        let text = arguments.text.bytes
        return (try? reader.read(text, .rejectsInvalidUTF8))?.kind == .object
    }

    /// Whether the arguments received so far are one complete JSON value.
    ///
    /// Servers that repeat the name cause a check with every fragment, so unchanged arguments are
    /// not parsed again.
    func hasCompleteArguments(_ reader: inout JSONReader) -> Bool {
        let text = arguments.text.bytes
        guard brackets.isBalanced(in: text) else { return false }
        guard brackets.end != lastCheck.length else { return lastCheck.isComplete }
        lastCheck = (brackets.end, true)
        do { _ = try reader.read(text, .lenient) } catch {
            // More text can complete the arguments, but not correct them.
            if error.problem != .unexpectedEnd { brackets.isInvalid = true }
            lastCheck.isComplete = false
        }
        return lastCheck.isComplete
    }
}

/// Tracks the bracket depth at the end of a JSON text that grows.
private struct BracketTracker {
    /// The text is not JSON and cannot become JSON.
    var isInvalid = false
    /// Length of the text without trailing white space.
    private(set) var end = 0
    private var scannedCount = 0
    private var depth = 0
    private var isInString = false
    private var isEscaped = false

    /// Scans the new part of the text. Returns whether the text is not blank and all its brackets
    /// and strings are closed.
    mutating func isBalanced(in text: Bytes) -> Bool {
        guard !isInvalid else { return false }
        for index in scannedCount..<text.count {
            scan(text[index])
            if !isBlank(text[index]) { end = index + 1 }
        }
        scannedCount = text.count
        return end > 0 && depth <= 0 && !isInString
    }

    private mutating func scan(_ byte: UInt8) {
        if isEscaped {
            isEscaped = false
        } else if isInString {
            if byte == UInt8(ascii: "\"") { isInString = false }
            isEscaped = byte == UInt8(ascii: "\\")
        } else {
            switch byte {
            case UInt8(ascii: "\""): isInString = true
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
            default: break
            }
        }
    }
}

extension MergedObject {
    fileprivate mutating func keepMembers(of object: JSONValue, except names: Fields) {
        rewind()
        for (name, value) in object.members where !names.contains(where: { name.isText($0) }) {
            _ = keep(name, value)
        }
    }
}
