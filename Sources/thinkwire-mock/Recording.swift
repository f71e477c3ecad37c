import Base
import CMock
import CPlatform
import Chat

/// Model of the provider: its recorded responses and the streams derived from them.
final class Recording {
    let name: StaticString
    let schema: Schema
    /// Recorded unstreamed response, byte for byte.
    let document: CannedBody
    /// The same response as a stream in the provider's format.
    let stream: CannedBody
    /// Recorded stream with thinking, if the model has one; such a model thinks only in streams.
    let thinking: CannedBody?

    init(
        _ name: StaticString, _ document: mock_data, stream: mock_data? = nil, schema: mock_data,
        roleIsOptional: Bool = false
    ) {
        self.name = name
        self.schema = Schema(schema, roleIsOptional: roleIsOptional)
        let text = Bytes(start: document.bytes, count: document.length)
        self.document = CannedBody.whole(text)
        self.stream = Recording.streamed(text)
        thinking = stream.map { CannedBody.events(Bytes(start: $0.bytes, count: $0.length)) }
    }

    /// Loads the recordings of all four models.
    static func all() -> [Recording] {
        [
            Recording(
                "alibaba/qwen3-32b", mock_qwen3_32b_json, stream: mock_qwen3_32b_sse,
                schema: mock_qwen3_32b_schema),
            Recording(
                "alibaba/qwen3-next-80b-a3b-thinking", mock_qwen3_next_json,
                schema: mock_qwen3_next_schema),
            Recording(
                "alibaba/qwen3-vl-32b-thinking", mock_qwen3_vl_json, schema: mock_qwen3_vl_schema,
                roleIsOptional: true),
            Recording("alibaba/qwen3.6-35b-a3b", mock_qwen36_json, schema: mock_qwen36_schema),
        ]
    }

    /// Converts an unstreamed response to a stream with the same chunk layout as the recorded one.
    private static func streamed(_ text: Bytes) -> CannedBody {
        var reader = JSONReader()
        let stream = CannedBody()
        guard let document = try? reader.read(text), let choices = document["choices"] else {
            return stream
        }
        for choice in choices.elements {
            guard let message = choice["message"] else { continue }
            let role: StaticString =
                #"{"content":null,"role":"assistant","refusal":null,"reasoning_content":""}"#
            append(document, choice, role, to: stream)
            for word in words(message["reasoning_content"]) {
                append(
                    document, choice, "{\"content\":null,\"refusal\":null,\"reasoning_content\":",
                    word, "}", to: stream)
            }
            for word in words(message["content"]) {
                append(
                    document, choice, "{\"content\":", word,
                    ",\"refusal\":null,\"reasoning_content\":null}", to: stream)
            }
            append(
                document, choice, "{\"content\":\"\",\"refusal\":null,\"reasoning_content\":null}",
                isLast: true, to: stream)
        }
        begin(document, to: stream)
        stream.append("\"choices\":[]")
        end(document, isLast: true, to: stream)
        return stream
    }

    private static func append(
        _ document: JSONValue, _ choice: JSONValue, _ start: StaticString, _ word: ByteArray = [],
        _ rest: StaticString = "",
        isLast: Bool = false, to stream: CannedBody
    ) {
        begin(document, to: stream)
        stream.append("\"choices\":[{\"delta\":")
        stream.append(start)
        if !word.isEmpty { word.withUnsafeBufferPointer { stream.append(jsonString: $0) } }
        stream.append(rest)
        stream.append(",\"index\":")
        if let index = choice["index"] { stream.append(compact: index) } else { stream.append("0") }
        stream.append(",\"finish_reason\":")
        if isLast, let reason = choice["finish_reason"] {
            stream.append(compact: reason)
        } else {
            stream.append("null")
        }
        stream.append("}]")
        end(document, isLast: false, to: stream)
    }

    private static func begin(_ document: JSONValue, to stream: CannedBody) {
        stream.append("data: {\"id\":")
        if let id = document["id"] { stream.append(compact: id) } else { stream.append("\"\"") }
        stream.append(",")
    }

    /// Ends a chunk; the last one contains the usage and meta members of the document.
    private static func end(_ document: JSONValue, isLast: Bool, to stream: CannedBody) {
        for name: StaticString in ["created", "model"] {
            guard let value = document[name] else { continue }
            stream.append(",\"")
            stream.append(name)
            stream.append("\":")
            stream.append(compact: value)
        }
        stream.append(",\"object\":\"chat.completion.chunk\",\"usage\":")
        if isLast, let usage = document["usage"] {
            stream.append(compact: usage)
        } else {
            stream.append("null")
        }
        if isLast, let meta = document["meta"] {
            stream.append(",\"meta\":")
            stream.append(compact: meta)
        }
        stream.append("}\n\n")
        stream.endPiece()
    }

    /// Divides a JSON string into words; see `splitIntoWords`.
    private static func words(_ value: JSONValue?) -> [ByteArray] {
        var text = ByteBuffer()
        value?.appendText(to: &text)
        return splitIntoWords(text.bytes)
    }
}

/// Divides text before each space, and within long words between characters.
func splitIntoWords(_ text: Bytes) -> [ByteArray] {
    var words: [ByteArray] = []
    var start = 0
    var index = 0
    while index < text.count {
        let isSpace = text[index] <= 0x20
        let followsWord = index > start && text[index - 1] > 0x20
        if isSpace && followsWord || index - start >= 48 {
            words.append(ByteArray(text.part(start..<index)))
            start = index
        }
        index += max(1, utf8CharacterLength(text.dropping(index)))
    }
    if start < text.count { words.append(ByteArray(text.dropping(start))) }
    return words
}
