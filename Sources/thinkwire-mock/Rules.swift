import Base
import Chat

/// Checks the limits that the provider's schemas state only in their descriptions.
func checkRules(_ body: JSONValue) throws(Schema.Violation) {
    if let tools = body["tools"] {
        try checkCount("tools", tools, max: 128)
        var index = 0
        for tool in tools.elements {
            if let name = tool["function"]?["name"], !isToolName(name.text) {
                var message = ByteArray("tools[")
                message.append(decimal: index)
                message += "].function.name: must be 1 to 64 of A-Z, a-z, 0-9, _ and - (is "
                message += name.raw
                message += ")"
                throw Schema.Violation(message: message)
            }
            index += 1
        }
    }
    if let stop = body["stop"] { try checkCount("stop", stop, max: 4) }
    if let top = body["top_logprobs"], !top.isNull, body["logprobs"]?.kind != .true {
        throw Schema.Violation(message: ByteArray("top_logprobs: needs logprobs to be true"))
    }
}

private func checkCount(_ field: StaticString, _ list: JSONValue, max: Int)
    throws(Schema.Violation)
{
    let count = list.elements.reduce(0) { count, _ in count + 1 }
    guard count > max else { return }
    var message = ByteArray(field)
    message += ": must have at most "
    message.append(decimal: max)
    message += " elements (has "
    message.append(decimal: count)
    message += ")"
    throw Schema.Violation(message: message)
}

private func isToolName(_ name: Bytes) -> Bool {
    guard !name.isEmpty, name.count <= 64 else { return false }
    return name.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"),
            UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}
