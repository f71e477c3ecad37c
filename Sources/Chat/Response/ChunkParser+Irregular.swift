import Base

/// Data that is not one JSON value.
extension ChunkParser {
    private static var newline: UInt8 { UInt8(ascii: "\n") }

    /// Parses the data of an event that is not one JSON value.
    ///
    /// It can be several chunks: GLM and Kimi were observed to omit the blank lines between events
    /// (rexxars/eventsource-parser PR 31). It can be text that keeps the connection alive, such as
    /// a date (node-chatgpt-api PR 100) or a comment (mnfst/llm-gateway#2053). It can begin with
    /// "data:" once more (aprender PR 2015). It can be a chunk that was cut, and an error after it
    /// (sub2api#1471).
    mutating func decode(irregular text: Bytes, into reply: Reply) throws(ChunkError) {
        // Each part has recorded a template of its own.
        defer { candidate.reject() }
        var rest = text
        while !rest.isEmpty && !reply.isDone {
            if rest.hasPrefix("data:") {
                rest = trimmed(rest.dropping(5))
            } else if rest.hasPrefix("[DONE]") {
                try decode(
                    chunk: rest.part(0..<6), named: Bytes(start: nil, count: 0), into: reply)
            } else if ChunkParser.isJSON(rest) {
                let length = try lengthOfFirstValue(in: rest, into: reply)
                try decode(
                    chunk: rest.part(0..<length), named: Bytes(start: nil, count: 0), into: reply)
                rest = trimmed(rest.dropping(length))
            } else {
                let end = rest.firstIndex(of: ChunkParser.newline) ?? rest.count
                rest = trimmed(rest.dropping(end))
            }
        }
    }

    /// Whether a text is meant to be JSON. It is not if it begins with a letter, or is a word in
    /// brackets, such as [PING].
    private static func isJSON(_ text: Bytes) -> Bool {
        if text[0] == UInt8(ascii: "{") { return true }
        guard text[0] == UInt8(ascii: "[") else { return false }
        let line = text.part(0..<(text.firstIndex(of: newline) ?? text.count))
        return line.last != UInt8(ascii: "]") || line.count < 3
            || asciiLowercased(line[1]) < UInt8(ascii: "a")
            || asciiLowercased(line[1]) > UInt8(ascii: "z")
    }

    /// The length of the first of several values.
    private mutating func lengthOfFirstValue(in text: Bytes, into reply: Reply)
        throws(ChunkError) -> Int
    {
        do {
            _ = try reader.read(text, .lenient)
            return text.count
        } catch {
            // Another chunk may follow in the same line, or anything in the next line.
            let rest = text.dropping(error.offset)
            let isSeparate =
                error.problem == .trailingText
                && (rest.first == UInt8(ascii: "{")
                    || text.part(0..<error.offset).last == ChunkParser.newline)
            if isSeparate { return error.offset }
            guard readError(inside: text, into: reply) else { throw .malformed(error) }
            throw .providerError
        }
    }

    /// Looks for an error object at the end of a text that is not JSON; sets the reply's error if
    /// there is one.
    private mutating func readError(inside text: Bytes, into reply: Reply) -> Bool {
        var attempts = 0
        for start in text.indices.reversed()
        where text[start] == UInt8(ascii: "{") && start > 0 && attempts < 8 {
            let rest = text.dropping(start)
            let isCandidate =
                text[start - 1] == ChunkParser.newline || rest.hasPrefix("{\"error\"")
                || rest.hasPrefix("{\"type\":\"error\"")
            guard isCandidate else { continue }
            attempts += 1
            guard let value = try? reader.read(rest, .lenient), value.kind == .object else {
                continue
            }
            let isCertain = value["type"]?.isText("error") ?? false
            if reply.readProviderError(value, isCertain: isCertain) { return true }
        }
        return false
    }

    /// Whether what looks like a document is several chunks without "data:", each in a line
    /// (InfiniTensor/InfiniLM PR 15).
    package static func areChunks(_ text: Bytes) -> Bool {
        // Long documents arrive in many parts.
        let text = trimmed(text.part(0..<min(text.count, 1 << 16)))
        let line = text.part(0..<text.firstOffset(of: newline, from: 0))
        return line.count < text.count && line.contains("\"delta\"")
    }

    /// Parses an unstreamed answer with something after it.
    mutating func decode(
        irregularDocument document: Bytes, after error: JSONError, into reply: Reply
    ) throws(ChunkError) {
        guard error.problem == .trailingText, reply.httpStatus < 300 else {
            throw .malformed(error)
        }
        let rest = document.dropping(error.offset)
        var problem: ChunkError?
        do {
            let later = try reader.read(rest, .lenient)
            if reply.readProviderError(later, isCertain: false) { problem = .providerError }
        } catch {
            // Perhaps an error that was cut: only a finish reason shows that the answer is whole.
            if error.problem == .unexpectedEnd { problem = .malformed(error) }
        }
        // What follows is not part of the document.
        reply.body.truncate(to: error.offset)
        try decode(document: document.part(0..<error.offset), into: reply)
        if let problem { throw problem }
    }
}

// MARK: Indexes that count chunks

extension ChunkParser {
    /// Parses the choice that was held back, if there is one: see `Reply.mayCountChunks`.
    mutating func decodeHeldChoice(countsChunks: Bool, into reply: Reply) throws(ChunkError) {
        guard !reply.heldChoice.isEmpty else { return }
        var text = ByteBuffer()
        swap(&text, &reply.heldChoice)
        reply.indexCountsChunks = countsChunks
        reply.isIndexCertain = true
        // A template must not refer to this text.
        defer { candidate = TemplateCandidate(isRejected: true) }
        // The chunk that is being parsed uses the other reader.
        var reader = JSONReader()
        guard let choice = try? reader.read(text.bytes, .lenient) else { return }
        guard try decode(choice: choice, 0, isDocument: false, into: reply) else {
            throw .providerError
        }
    }
}
