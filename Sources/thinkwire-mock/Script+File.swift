import Base
import CMock
import CPlatform
import Chat

/// Reads the file of `--script`: a JSON array with one object for each answer.
extension Script {
    static func load(_ path: Bytes) throws(StartError) -> Script {
        let file = try readFile(path)
        let text = file.bytes
        var reader = JSONReader()
        let list: JSONValue
        do throws(JSONError) {
            list = try reader.read(text, .rejectsInvalidUTF8)
        } catch {
            throw fileError(path, text, error)
        }
        guard list.kind == .array else {
            throw StartError("", path, ": must be an array of answers")
        }
        var entries: [Entry] = []
        for element in list.elements {
            do throws(ErrorResponse) {
                entries.append(try entry(element, entries.count + 1))
            } catch {
                var message = ByteArray(path)
                message += ": answer "
                message.append(decimal: entries.count + 1)
                message += ": "
                throw StartError(message + error.message)
            }
        }
        return Script(ByteArray(path), entries)
    }

    /// Reads an answer. `number` is its position, from 1.
    private static func entry(_ value: JSONValue, _ number: Int) throws(ErrorResponse) -> Entry {
        guard value.kind == .object else { throw ErrorResponse(400, "must be an object") }
        var entry = Entry()
        for (name, value) in value.members {
            if try setAnswer(name, value, number, &entry) { continue }
            if try setResponse(name, value, &entry) { continue }
            var message = name.decoded
            message += " is not a member; the members are content, reasoning, tool_calls, "
            message += "finish_reason, status, error, delay, options, expect and repeat"
            throw ErrorResponse(400, message)
        }
        return entry
    }

    private static func setAnswer(
        _ name: JSONValue, _ value: JSONValue, _ number: Int, _ entry: inout Entry
    ) throws(ErrorResponse) -> Bool {
        if name.isText("content") {
            entry.answer.content = try text(name, value)
        } else if name.isText("reasoning") {
            entry.answer.reasoning = try text(name, value)
        } else if name.isText("finish_reason") {
            entry.answer.finish = try text(name, value)
        } else if name.isText("tool_calls") {
            guard value.kind == .array else { throw error(name, "must be an array") }
            for call in value.elements {
                let index = entry.answer.toolCalls.count + 1
                entry.answer.toolCalls.append(try toolCall(call, number, index))
            }
        } else {
            return false
        }
        return true
    }

    private static func setResponse(
        _ name: JSONValue, _ value: JSONValue, _ entry: inout Entry
    ) throws(ErrorResponse) -> Bool {
        if name.isText("status") {
            guard let status = value.integer, (200...599).contains(status) else {
                throw error(name, "must be a whole number from 200 to 599")
            }
            entry.status = Int(status)
        } else if name.isText("error") {
            guard value.isString || value.kind == .object else {
                throw error(name, "must be a message or an object")
            }
            var object = ByteBuffer()
            object.append(compact: value)
            entry.error =
                value.isString ? .message(value.decoded) : .object(ByteArray(object.bytes))
        } else if name.isText("delay") {
            guard value.kind == .number, let delay = parseMilliseconds(value.raw) else {
                throw error(name, "must be milliseconds, such as 20 or 0.5")
            }
            entry.delay = delay
        } else if name.isText("options") {
            entry.options = try text(name, value)
            try checkOptions(entry.options)
        } else if name.isText("expect") {
            entry.expected = try text(name, value)
        } else if name.isText("repeat") {
            guard value.kind == .true || value.kind == .false else {
                throw error(name, "must be true or false")
            }
            entry.repeats = value.kind == .true
        } else {
            return false
        }
        return true
    }

    /// Reads {"name", "arguments", "id"}, or the same as providers send it. Arguments that are a
    /// string need not be JSON, so that an application can be tested with invalid ones.
    private static func toolCall(_ call: JSONValue, _ number: Int, _ index: Int)
        throws(ErrorResponse) -> Answer.ToolCall
    {
        let function = call["function"] ?? call
        guard let name = function["name"], name.isString else {
            throw ErrorResponse(400, "tool_calls: a call must have a name")
        }
        var arguments = ByteBuffer()
        if let value = function["arguments"] {
            if !value.isString { arguments.append(compact: value) }
            value.appendText(to: &arguments)
        } else {
            arguments.append("{}")
        }
        var id = ByteArray("call_")
        id.append(decimal: number)
        id += "_"
        id.append(decimal: index)
        return Answer.ToolCall(
            id: call["id"]?.decoded ?? id, name: name.decoded,
            arguments: ByteArray(arguments.bytes))
    }

    private static func text(_ name: JSONValue, _ value: JSONValue) throws(ErrorResponse)
        -> ByteArray
    {
        guard value.isString else { throw error(name, "must be a string") }
        return value.decoded
    }

    private static func error(_ name: JSONValue, _ problem: StaticString) -> ErrorResponse {
        var message = name.decoded
        message += ": "
        message += problem
        return ErrorResponse(400, message)
    }
}

/// Checks request options before the first request uses them.
func checkOptions(_ options: ByteArray) throws(ErrorResponse) {
    var faults = FaultPlan()
    do throws(FaultPlan.ParseError) {
        try options.withUnsafeBufferPointer { (text) throws(FaultPlan.ParseError) in
            try faults.read(text)
        }
    } catch {
        throw ErrorResponse(400, error.message)
    }
}
