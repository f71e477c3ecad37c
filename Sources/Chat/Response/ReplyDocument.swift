import Base

extension Reply {
    /// The answer as one `chat.completion` document; empty if no JSON was received. Valid as long
    /// as the reply.
    package var document: Bytes {
        let lookups = lookups.own()
        return lookups.lock.locked { assembledDocument(lookups) }
    }

    /// The value at an RFC 6901 pointer in the document; nil if absent. Valid as long as the reply.
    ///
    /// A string's text, or the JSON of any other value.
    package func lookUp(_ pointer: Bytes) -> Bytes? {
        let lookups = lookups.own()
        return lookups.lock.locked {
            _ = assembledDocument(lookups)
            return lookups.text(at: pointer)
        }
    }

    /// A copy of the JSON of a member of a choice's message; empty if it is absent or null.
    func messageMember(_ name: StaticString, of choice: Choice) -> ByteBuffer {
        let lookups = lookups.own()
        let root = lookups.lock.locked {
            _ = assembledDocument(lookups)
            return lookups.root
        }
        var pointer = ByteBuffer()
        pointer.append("/choices/")
        pointer.append(decimal: choice.documentIndex)
        pointer.append("/message")
        return withExtendedLifetime(lookups) {
            guard let member = root?.value(at: pointer.bytes)?[name], !member.isNull else {
                return ByteBuffer()
            }
            return standardJSON(member.raw)
        }
    }

    /// Assembles and parses the document on the first call. The caller holds the lock.
    private func assembledDocument(_ lookups: DocumentLookups) -> Bytes {
        if !lookups.isAssembled {
            lookups.isAssembled = true
            if body.isEmpty { assemble(&lookups.document) }
            let text = body.isEmpty ? lookups.document.bytes : body.bytes
            lookups.root = try? lookups.reader.read(text, .lenient)
            // Kept fields may contain invalid UTF-8, because they are unchanged. A body may, too;
            // but its reader must not need more leniency than that.
            if body.isEmpty ? !isUTF8(text) : lookups.root?.isStandard == false {
                lookups.document = standardJSON(text)
                lookups.root = try? lookups.reader.read(lookups.document.bytes)
            }
        }
        return lookups.document.isEmpty ? body.bytes : lookups.document.bytes
    }

    /// Appends the document that the provider would have sent unstreamed.
    private func assemble(_ json: inout ByteBuffer) {
        guard !fields.all.isEmpty else { return }
        var separator = UInt8(ascii: "{")
        for field in fields.all {
            json.append(separator)
            separator = UInt8(ascii: ",")
            fields.writeName(of: field, to: &json)
            if field.isAssembled {
                assembleChoices(&json)
            } else if fields.name(of: field).equals("object")
                && fields.value(of: field).equals("\"chat.completion.chunk\"")
            {
                json.append("\"chat.completion\"")
            } else {
                json.append(fields.value(of: field))
            }
        }
        json.append(UInt8(ascii: "}"))
    }

    private func assembleChoices(_ json: inout ByteBuffer) {
        json.append(UInt8(ascii: "["))
        var isFirst = true
        for choice in sortedChoices {
            if !isFirst { json.append(UInt8(ascii: ",")) }
            isFirst = false
            choice.assemble(&json)
        }
        json.append(UInt8(ascii: "]"))
    }
}

extension Choice {
    fileprivate func assemble(_ json: inout ByteBuffer) {
        var separator = UInt8(ascii: "{")
        for field in fields.all {
            json.append(separator)
            separator = UInt8(ascii: ",")
            let name = fields.name(of: field)
            if !field.isAssembled {
                fields.writeName(of: field, to: &json)
                json.append(fields.value(of: field))
            } else if name.equals("finish_reason") {
                fields.writeName(of: field, to: &json)
                let isPresent = !finishReason.isEmpty && !isFinishReasonPremature
                json.append(text: finishReason.bytes, isPresent: isPresent)
            } else if name.equals("logprobs") {
                fields.writeName(of: field, to: &json)
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
            messageFields.writeName(of: field, to: &json)
            let name = messageFields.name(of: field)
            if !field.isAssembled {
                json.append(messageFields.value(of: field))
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
                assembleReasoning(field: name, &json)
            }
        }
        if messageFields.all.isEmpty { json.append(UInt8(ascii: "{")) }
        json.append(UInt8(ascii: "}"))
    }

    /// Appends the reasoning that was received in a field. Reasoning in tags is part of the
    /// content.
    private func assembleReasoning(field name: Bytes, _ json: inout ByteBuffer) {
        let text = reasoningBecameContent ? content.text.bytes : reasoning.text.bytes
        let isPresent = reasoning.isPresent && name.equals(reasoningField.bytes)
        json.append(
            text: text.dropping(min(reasoningFieldStart, text.count)), isPresent: isPresent)
    }

    /// Appends the content as the provider sent it: with its tags, and without reasoning that
    /// became content.
    private func assembleContent(_ json: inout ByteBuffer) {
        guard !tags.removedPrefix.isEmpty || reasoningBecameContent else {
            return json.append(text: content.text.bytes, isPresent: content.isPresent)
        }
        var whole = ByteBuffer()
        whole.append(tags.removedPrefix)
        if !reasoningBecameContent { whole.append(content.text) }
        json.append(text: whole.bytes, isPresent: content.isPresent)
    }

    /// Appends the value of a message's `tool_calls`; null without tool calls.
    ///
    /// `replacingInvalid`: arguments that are not a JSON object are replaced by an empty one.
    func writeToolCalls(to json: inout ByteBuffer, replacingInvalid: Bool = false) {
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
            if replacingInvalid && !call.isCustom && !call.hasValidArguments {
                json.append("\"{}\"")
            } else {
                json.append(jsonString: call.arguments.text.bytes)
            }
            call.functionFields.assembleMembers(&json, firstSeparator: UInt8(ascii: ","))
            json.append(UInt8(ascii: "}"))
            call.fields.assembleMembers(&json, firstSeparator: UInt8(ascii: ","))
            json.append(UInt8(ascii: "}"))
        }
        json.append(UInt8(ascii: "]"))
    }
}

extension MergedObject {
    /// Appends the members as an object; null if no object was received.
    fileprivate func assemble(_ json: inout ByteBuffer) {
        guard isPresent else {
            json.append("null")
            return
        }
        if all.isEmpty { json.append(UInt8(ascii: "{")) }
        assembleMembers(&json, firstSeparator: UInt8(ascii: "{"))
        json.append(UInt8(ascii: "}"))
    }

    /// Appends a field's name and a colon.
    borrowing func writeName(of field: Field, to json: inout ByteBuffer) {
        json.append(quotedName(of: field))
        json.append(UInt8(ascii: ":"))
    }

    /// Appends the members without braces, each after a separator.
    fileprivate borrowing func assembleMembers(
        _ json: inout ByteBuffer, firstSeparator: UInt8
    ) {
        var separator = firstSeparator
        for field in all {
            json.append(separator)
            separator = UInt8(ascii: ",")
            writeName(of: field, to: &json)
            json.append(value(of: field))
        }
    }
}

extension ByteBuffer {
    fileprivate mutating func append(text: Bytes, isPresent: Bool) {
        if isPresent { append(jsonString: text) } else { append("null") }
    }
}
