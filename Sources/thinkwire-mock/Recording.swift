import Base
import CMock
import CPlatform
import Chat

/// One of the provider's models: its recorded answers, and the streams that are made of them.
final class Recording {
    let name: StaticString
    let schema: Schema
    /// The answer that was not streamed, as it came.
    let document: CannedBody
    /// The same answer, streamed as the provider streams.
    let stream: CannedBody
    /// The recorded stream with thinking, of the model that has one; this model thinks only when it is streamed.
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

    /// The four models of the recordings.
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

    /// A stream in the shape of the recorded one, out of an answer that was not streamed.
    private static func streamed(_ text: Bytes) -> CannedBody {
        var reader = JSONReader()
        let stream = CannedBody()
        guard let answer = try? reader.read(text), let choices = answer["choices"] else {
            return stream
        }
        for choice in choices.elements {
            guard let message = choice["message"] else { continue }
            let role: StaticString =
                "{\"content\":null,\"role\":\"assistant\",\"refusal\":null,\"reasoning_content\":\"\"}"
            append(answer, choice, role, to: stream)
            for word in words(message["reasoning_content"]) {
                append(
                    answer, choice, "{\"content\":null,\"refusal\":null,\"reasoning_content\":",
                    word, "}", to: stream)
            }
            for word in words(message["content"]) {
                append(
                    answer, choice, "{\"content\":", word,
                    ",\"refusal\":null,\"reasoning_content\":null}", to: stream)
            }
            append(
                answer, choice, "{\"content\":\"\",\"refusal\":null,\"reasoning_content\":null}",
                isLast: true, to: stream)
        }
        begin(answer, to: stream)
        stream.append("\"choices\":[]")
        end(answer, isLast: true, to: stream)
        return stream
    }

    private static func append(
        _ answer: JSONValue, _ choice: JSONValue, _ start: StaticString, _ word: ByteString = [],
        _ rest: StaticString = "",
        isLast: Bool = false, to stream: CannedBody
    ) {
        begin(answer, to: stream)
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
        end(answer, isLast: false, to: stream)
    }

    private static func begin(_ answer: JSONValue, to stream: CannedBody) {
        stream.append("data: {\"id\":")
        if let id = answer["id"] { stream.append(compact: id) } else { stream.append("\"\"") }
        stream.append(",")
    }

    /// The chunk with the bill is the last, and has what else the answer says of itself.
    private static func end(_ answer: JSONValue, isLast: Bool, to stream: CannedBody) {
        for name: StaticString in ["created", "model"] {
            guard let value = answer[name] else { continue }
            stream.append(",\"")
            stream.append(name)
            stream.append("\":")
            stream.append(compact: value)
        }
        stream.append(",\"object\":\"chat.completion.chunk\",\"usage\":")
        if isLast, let usage = answer["usage"] {
            stream.append(compact: usage)
        } else {
            stream.append("null")
        }
        if isLast, let meta = answer["meta"] {
            stream.append(",\"meta\":")
            stream.append(compact: meta)
        }
        stream.append("}\n\n")
        stream.endPiece()
    }

    /// The text in pieces of a word with the space before it, cut between characters when a word is long.
    private static func words(_ value: JSONValue?) -> [ByteString] {
        var text = ByteBuffer()
        value?.appendText(to: &text)
        return cutIntoWords(text.bytes)
    }
}

func cutIntoWords(_ text: Bytes) -> [ByteString] {
    var words: [ByteString] = []
    var start = 0
    var index = 0
    while index < text.count {
        let isSpace = text[index] <= 0x20
        let followsWord = index > start && text[index - 1] > 0x20
        if isSpace && followsWord || index - start >= 48 {
            words.append(ByteString(text.part(start..<index)))
            start = index
        }
        index += max(1, utf8CharacterLength(text.dropping(index)))
    }
    if start < text.count { words.append(ByteString(text.dropping(start))) }
    return words
}
