import Base

/// What is made of a reply when it is first asked for, under a lock, because any thread may ask.
package final class Lookups: ForkOwned {
    package let creator = ProcessIdentity()

    package init() {}

    fileprivate let lock = Lock()
    fileprivate var document = ByteBuffer()
    fileprivate var reader = JSONReader()
    fileprivate var root: JSONValue?
    fileprivate var isMade = false
    fileprivate var found: [Lookup] = []
    /// The places in `found`, each where the hash of its pointer leads, or behind that; half of them at least are free (-1).
    private var places: [Int32] = []

    fileprivate final class Lookup {
        var pointer = ByteBuffer()
        /// nil: there is no such value.
        var text: ByteBuffer? = nil
    }

    /// The lookup of that pointer, made if it is new.
    fileprivate func lookup(of pointer: Bytes) -> (lookup: Lookup, isNew: Bool) {
        if found.count * 2 >= places.count { spread() }
        let slot = slot(of: pointer)
        if places[slot] >= 0 { return (found[Int(places[slot])], false) }
        places[slot] = Int32(truncatingIfNeeded: found.count)
        let lookup = Lookup()
        lookup.pointer.append(pointer)
        found.append(lookup)
        return (lookup, true)
    }

    private func slot(of pointer: Bytes) -> Int {
        var slot = Int(MergedObject.hash(pointer)) & (places.count - 1)
        while places[slot] >= 0 && !found[Int(places[slot])].pointer.bytes.equals(pointer) {
            slot = (slot + 1) & (places.count - 1)
        }
        return slot
    }

    /// Gives them more room.
    private func spread() {
        places = Array(repeating: -1, count: max(16, places.count * 2))
        for place in found.indices {
            places[slot(of: found[place].pointer.bytes)] = Int32(truncatingIfNeeded: place)
        }
    }
}

extension Reply {
    /// The whole answer as one `chat.completion` document; empty if no JSON came.
    package var document: Bytes {
        let lookups = lookups.own()
        return lookups.lock.locked { makeDocument(lookups) }
    }

    /// The value at an RFC 6901 pointer in that document: a string's text, or the JSON of anything else.
    package func lookUp(_ pointer: Bytes) -> Bytes? {
        let lookups = lookups.own()
        return lookups.lock.locked {
            _ = makeDocument(lookups)
            let (lookup, isNew) = lookups.lookup(of: pointer)
            guard isNew else { return lookup.bytes }
            if let root = lookups.root, let value = root.value(at: pointer) {
                var text = ByteBuffer()
                if value.isString {
                    value.appendText(to: &text)
                } else {
                    text = repaired(value.raw)
                }
                lookup.text = consume text
            }
            return lookup.bytes
        }
    }

    private func makeDocument(_ lookups: Lookups) -> Bytes {
        if !lookups.isMade {
            lookups.isMade = true
            if body.isEmpty {
                assemble(&lookups.document)
                // Fields were kept as they were written: what is broken in their strings is still in them.
                if !isUTF8(lookups.document.bytes) {
                    lookups.document = repaired(lookups.document.bytes)
                }
            }
            lookups.root = try? lookups.reader.read(
                body.isEmpty ? lookups.document.bytes : body.bytes)
        }
        return body.isEmpty ? lookups.document.bytes : body.bytes
    }

    /// Puts the chunks together into the document that would have come unstreamed.
    private func assemble(_ json: inout ByteBuffer) {
        guard !fields.all.isEmpty else { return }
        var separator = UInt8(ascii: "{")
        for field in fields.all {
            json.append(separator)
            separator = UInt8(ascii: ",")
            json.appendName(field)
            if field.isAssembled {
                assembleChoices(&json)
            } else if field.name.bytes.equals("object")
                && field.value.bytes.equals("\"chat.completion.chunk\"")
            {
                json.append("\"chat.completion\"")
            } else {
                json.append(field.value)
            }
        }
        json.append(UInt8(ascii: "}"))
    }

    private func assembleChoices(_ json: inout ByteBuffer) {
        json.append(UInt8(ascii: "["))
        var isFirst = true
        for choice in choices.sorted(by: { $0.index < $1.index }) {
            if !isFirst { json.append(UInt8(ascii: ",")) }
            isFirst = false
            choice.assemble(&json)
        }
        json.append(UInt8(ascii: "]"))
    }
}

/// JSON with U+FFFD for what is not UTF-8 in its strings; there is nothing of that kind anywhere else in it.
func repaired(_ json: Bytes) -> ByteBuffer {
    var text = ByteBuffer()
    var repair = UTF8Decoder()
    repair.append(raw: json, to: &text)
    return text
}

extension Lookups.Lookup {
    var bytes: Bytes? {
        switch text {
        case .some(let text): text.bytes
        case .none: nil
        }
    }
}

extension Choice {
    fileprivate func assemble(_ json: inout ByteBuffer) {
        var separator = UInt8(ascii: "{")
        for field in fields.all {
            json.append(separator)
            separator = UInt8(ascii: ",")
            let name = field.name.bytes
            if !field.isAssembled {
                json.appendName(field)
                json.append(field.value)
            } else if name.equals("finish_reason") {
                json.appendName(field)
                json.append(text: finishReason.bytes, isPresent: !finishReason.isEmpty)
            } else if name.equals("logprobs") {
                json.appendName(field)
                logprobs.assemble(&json)
            } else {
                json.append("\"message\":")
                assembleMessage(&json)
            }
        }
        if fields.all.isEmpty { json.append(UInt8(ascii: "{")) }
        json.append(UInt8(ascii: "}"))
    }

    private func assembleMessage(_ json: inout ByteBuffer) {
        var separator = UInt8(ascii: "{")
        for field in messageFields.all {
            json.append(separator)
            separator = UInt8(ascii: ",")
            json.appendName(field)
            let name = field.name.bytes
            if !field.isAssembled {
                json.append(field.value)
            } else if name.equals("content") {
                assembleContent(&json)
            } else if name.equals("refusal") {
                json.append(text: refusal.text.bytes, isPresent: refusal.isPresent)
            } else if name.equals("audio") {
                audio.assemble(&json)
            } else if name.equals("function_call") {
                functionCall.assemble(&json)
            } else if name.equals("tool_calls") {
                writeToolCalls(to: &json)
            } else {
                let text = reasoningBecameContent ? content.text.bytes : reasoning.text.bytes
                let isPresent = reasoning.isPresent && name.equals(reasoningField.bytes)
                json.append(text: text.dropping(min(fieldStart, text.count)), isPresent: isPresent)
            }
        }
        if messageFields.all.isEmpty { json.append(UInt8(ascii: "{")) }
        json.append(UInt8(ascii: "}"))
    }

    /// As the provider has it: with the tags that were taken out of it, and without what it never had.
    private func assembleContent(_ json: inout ByteBuffer) {
        guard !tags.removedPrefix.isEmpty || reasoningBecameContent else {
            return json.append(text: content.text.bytes, isPresent: content.isPresent)
        }
        var whole = ByteBuffer()
        whole.append(tags.removedPrefix)
        if !reasoningBecameContent { whole.append(content.text) }
        json.append(text: whole.bytes, isPresent: content.isPresent)
    }

    /// The calls as they stand in a message; null if there are none.
    func writeToolCalls(to json: inout ByteBuffer) {
        guard !toolCalls.isEmpty else {
            json.append("null")
            return
        }
        var separator = UInt8(ascii: "[")
        for call in toolCalls {
            json.append(separator)
            separator = UInt8(ascii: ",")
            json.append("{\"id\":")
            json.append(jsonString: call.id.bytes)
            json.append(",\"type\":")
            json.append(jsonString: call.isCustom ? "custom" : "function")
            json.append(call.isCustom ? ",\"custom\":{\"name\":" : ",\"function\":{\"name\":")
            json.append(jsonString: call.name.bytes)
            json.append(call.isCustom ? ",\"input\":" : ",\"arguments\":")
            json.append(jsonString: call.arguments.text.bytes)
            call.functionFields.assembleMembers(&json, behind: UInt8(ascii: ","))
            json.append(UInt8(ascii: "}"))
            call.fields.assembleMembers(&json, behind: UInt8(ascii: ","))
            json.append(UInt8(ascii: "}"))
        }
        json.append(UInt8(ascii: "]"))
    }
}

extension MergedObject {
    /// The members as an object; null if none came.
    fileprivate func assemble(_ json: inout ByteBuffer) {
        guard isPresent else {
            json.append("null")
            return
        }
        if all.isEmpty { json.append(UInt8(ascii: "{")) }
        assembleMembers(&json, behind: UInt8(ascii: "{"))
        json.append(UInt8(ascii: "}"))
    }

    /// The members alone, the first behind that.
    fileprivate borrowing func assembleMembers(_ json: inout ByteBuffer, behind first: UInt8) {
        var separator = first
        for field in all {
            json.append(separator)
            separator = UInt8(ascii: ",")
            json.appendName(field)
            json.append(field.value)
        }
    }
}

extension ByteBuffer {
    /// A field's name was kept as it was written, escapes and all.
    mutating func appendName(_ field: MergedObject.Field) {
        append(UInt8(ascii: "\""))
        append(field.name)
        append("\":")
    }

    fileprivate mutating func append(text: Bytes, isPresent: Bool) {
        if isPresent { append(jsonString: text) } else { append("null") }
    }
}
