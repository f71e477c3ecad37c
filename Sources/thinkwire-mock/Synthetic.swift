import Base
import CPlatform
import Chat

/// Response of any length, whose chunks are generated when they are sent.
///
/// Its text is cyclic and continues from chunk to chunk, so that a test can predict it and detect
/// lost or duplicated chunks. With the option `text`, every chunk contains that text; with `time`,
/// the time.
final class Synthetic {
    private let faults: FaultPlan
    private let isStreamed: Bool
    private let reasoning: CyclicText
    private let answer: CyclicText

    init(_ faults: FaultPlan, isStreamed: Bool) {
        self.faults = faults
        self.isStreamed = isStreamed
        reasoning = CyclicText(
            "I wonder what was asked, and look at it from one side and then from the other. ",
            faults)
        answer = CyclicText(
            "This is what I found: the quick brown fox jumps over the lazy dog again and again. ",
            faults)
    }

    /// Endless repetition of a text, from which consecutive pieces of equal size are taken.
    private final class CyclicText {
        private var text = ByteBuffer()
        private var length = 1
        private var step = 0
        private var size = 0

        init(_ period: StaticString, _ faults: FaultPlan) {
            guard let wanted = faults.text else {
                length = period.utf8CodeUnitCount
                size = faults.size
                step = faults.size
                // One piece longer than the period, so that every piece is contiguous.
                while text.count < length + size { text.append(period) }
                return
            }
            var quoted = ByteBuffer()
            wanted.withUnsafeBufferPointer { quoted.append(jsonString: $0) }
            text.append(quoted.bytes.part(1..<quoted.count - 1))
            size = text.count
        }

        @inline(__always)
        func append(_ index: Int, to piece: inout ByteBuffer) {
            let start = step == 0 ? 0 : index &* step % length
            piece.append(text.start + start, size)
        }
    }

    private static let head: StaticString =
        """
        {"id":"chatcmpl-synthetic","object":"chat.completion.chunk","created":1753944369,\
        "model":"mock/synthetic",
        """

    /// Appends the piece with an index; false after the last piece.
    func append(_ index: Int, to piece: inout ByteBuffer) -> Bool {
        guard isStreamed else {
            guard index == 0 else { return false }
            appendDocument(&piece)
            return true
        }
        let choices = faults.choices
        let texts = (faults.reasoning + faults.chunks) * choices
        if index < choices {
            appendFirst(&piece, choice: index)
        } else if index < choices + texts {
            let textIndex = index - choices
            appendText(&piece, textIndex / choices, choice: textIndex % choices)
        } else if index < choices + texts + choices {
            appendFinish(&piece, choice: index - choices - texts)
        } else {
            switch index - choices - texts - choices {
            case 0 where faults.usage: appendUsageChunk(&piece)
            case 0 where faults.done, 1 where faults.usage && faults.done:
                piece.append("data: [DONE]\n\n")
            default: return false
            }
        }
        return true
    }

    @inline(__always)
    private func begin(_ piece: inout ByteBuffer, choice: Int) {
        piece.append("data: ")
        piece.append(Synthetic.head)
        piece.append("\"choices\":[{\"index\":")
        piece.append(decimal: choice)
    }

    private func appendFirst(_ piece: inout ByteBuffer, choice: Int) {
        begin(&piece, choice: choice)
        piece.append(
            ",\"delta\":{\"role\":\"assistant\",\"content\":null,\"reasoning_content\":\"\"},")
        piece.append("\"finish_reason\":null}],\"usage\":null}\n\n")
    }

    private func appendText(_ piece: inout ByteBuffer, _ textIndex: Int, choice: Int) {
        begin(&piece, choice: choice)
        if textIndex < faults.reasoning {
            piece.append(",\"delta\":{\"content\":null,\"reasoning_content\":\"")
            append(reasoning, textIndex, to: &piece)
            if faults.twice {
                piece.append("\",\"reasoning\":\"")
                append(reasoning, textIndex, to: &piece)
            }
            piece.append("\"},")
        } else {
            piece.append(",\"delta\":{\"content\":\"")
            append(answer, textIndex - faults.reasoning, to: &piece)
            piece.append("\",\"reasoning_content\":null},")
        }
        if faults.logprobs { appendLogprobs(&piece, textIndex) }
        piece.append("\"finish_reason\":null}],\"usage\":null")
        if faults.obfuscation { appendObfuscation(&piece, textIndex) }
        piece.append("}\n\n")
    }

    private func appendLogprobs(_ piece: inout ByteBuffer, _ index: Int) {
        piece.append("\"logprobs\":{\"content\":[{\"token\":\" a\",\"logprob\":-0.")
        piece.append(decimal: index &* 7919 % 100_000)
        piece.append(",\"bytes\":[32,97],\"top_logprobs\":[]}]},")
    }

    /// Up to 15 characters, which hide the length of the text from those who see only its packet.
    private func appendObfuscation(_ piece: inout ByteBuffer, _ index: Int) {
        let random = UInt64(index &+ 1) &* 0x9E37_79B9_7F4A_7C15
        piece.append(",\"obfuscation\":\"")
        for position in 0..<1 + Int(random >> 60) {
            piece.append(UInt8(ascii: "a") + UInt8(random >> UInt64(position * 3) & 7))
        }
        piece.append("\"")
    }

    @inline(__always)
    private func append(_ text: CyclicText, _ index: Int, to piece: inout ByteBuffer) {
        if faults.showsTime {
            piece.append(decimal: Int(platform_now() / 1000))
        } else {
            text.append(index, to: &piece)
        }
        if faults.escapes > 0, index &* 37 % 100 < faults.escapes { piece.append("\\n\\u00e9é") }
    }

    private func appendFinish(_ piece: inout ByteBuffer, choice: Int) {
        begin(&piece, choice: choice)
        piece.append(",\"delta\":{\"content\":\"\",\"reasoning_content\":null},\"finish_reason\":")
        faults.finish.withUnsafeBufferPointer { piece.append(jsonString: $0) }
        piece.append("}],\"usage\":null}\n\n")
    }

    private func appendUsageChunk(_ piece: inout ByteBuffer) {
        piece.append("data: ")
        piece.append(Synthetic.head)
        piece.append("\"choices\":[],")
        appendUsage(&piece)
        piece.append("}\n\n")
    }

    /// Appends a usage that counts one token per chunk.
    private func appendUsage(_ piece: inout ByteBuffer) {
        let tokens = (faults.reasoning + faults.chunks) * faults.choices
        piece.append("\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":")
        piece.append(decimal: tokens)
        piece.append(",\"total_tokens\":")
        piece.append(decimal: tokens + 1)
        piece.append(",\"completion_tokens_details\":{\"reasoning_tokens\":")
        piece.append(decimal: faults.reasoning * faults.choices)
        piece.append("}}")
    }

    private func appendDocument(_ piece: inout ByteBuffer) {
        piece.append(
            "{\"id\":\"chatcmpl-synthetic\",\"object\":\"chat.completion\",\"created\":1753944369,")
        piece.append("\"model\":\"mock/synthetic\",\"choices\":[")
        for choice in 0..<faults.choices {
            piece.append(choice > 0 ? ",{\"index\":" : "{\"index\":")
            piece.append(decimal: choice)
            piece.append(",\"message\":{\"role\":\"assistant\",\"content\":\"")
            for index in 0..<faults.chunks { answer.append(index, to: &piece) }
            piece.append("\",\"reasoning_content\":\"")
            for index in 0..<faults.reasoning { reasoning.append(index, to: &piece) }
            piece.append("\"},\"finish_reason\":")
            faults.finish.withUnsafeBufferPointer { piece.append(jsonString: $0) }
            piece.append("}")
        }
        piece.append("]")
        if faults.usage {
            piece.append(",")
            appendUsage(&piece)
        }
        piece.append("}")
    }

    /// Whether the length of a stream can be measured before it is sent.
    ///
    /// Measuring generates the whole stream once, and blocks the server meanwhile.
    static func canBeMeasured(_ faults: FaultPlan) -> Bool {
        (faults.chunks + faults.reasoning) * faults.choices <= 10_000_000 && fitsDocument(faults)
    }

    /// Whether an unstreamed response can be built; it is in memory completely before it is sent.
    static func fitsDocument(_ faults: FaultPlan) -> Bool {
        let size = max(1, faults.text.map { $0.count * 6 } ?? faults.size)
        return Double(faults.chunks + faults.reasoning) * Double(faults.choices) * Double(size)
            <= Double(1 << 30)
    }
}
