import CThinkwire
import Testing

@testable import Base
@testable import Chat
@testable import Engine

/// What a stream of these chunks comes to: every event with its text, and the whole document.
private func outcome(_ chunks: [String]) -> [String] {
    let reply = Reply()
    var decoder = ChunkParser()
    var found: [String] = []
    func note() {
        for event in decoder.events where event.kind != TW_EVENT_USAGE {
            let choice = reply.choices[event.choice]
            let text =
                switch event.kind {
                case TW_EVENT_REASONING: choice.reasoning.text.bytes.part(event.range)
                case TW_EVENT_CONTENT: choice.content.text.bytes.part(event.range)
                case TW_EVENT_REFUSAL: choice.refusal.text.bytes.part(event.range)
                case TW_EVENT_TOOL_CALL:
                    choice.toolCalls[event.tool].arguments.text.bytes.part(event.range)
                default: choice.finishReason.bytes
                }
            found.append(
                "\(event.kind.rawValue) \(choice.index) \(String(decoding: text, as: UTF8.self))")
        }
        if decoder.events.contains(where: { $0.kind == TW_EVENT_USAGE }) {
            found.append("usage \(reply.usage.pointee)")
        }
        decoder.removeEvents()
    }
    for chunk in chunks {
        // A copy on the heap that is freed at once: whoever still points into it is caught by the address sanitizer.
        let copy = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: chunk.utf8.count)
        _ = copy.initialize(from: chunk.utf8)
        defer { copy.deallocate() }
        do {
            try decoder.decode(chunk: Bytes(copy), named: StaticText.bytes(""), into: reply)
        } catch {
            found.append("\(error)".replacing(/offset: \d+/, with: "offset"))
        }
        note()
    }
    decoder.finish(reply)
    note()
    found.append(String(decoding: reply.document, as: UTF8.self))
    return found
}

/// The chunks must come to what they come to when none is like the one before, because each has one space more in it than that.
private func expectSame(_ chunks: [String], sourceLocation: SourceLocation = #_sourceLocation) {
    let different = chunks.enumerated().map { index, chunk in
        chunk.hasPrefix("{")
            ? "{" + String(repeating: " ", count: index + 1) + chunk.dropFirst() : chunk
    }
    #expect(outcome(chunks) == outcome(different), sourceLocation: sourceLocation)
}

private func chunk(_ delta: String, beside: String = "", behind: String = "") -> String {
    #"{"id":"a","choices":[{"index":0,"delta":{\#(delta)}\#(beside)}],"model":"m"\#(behind)}"#
}

@Suite("Chunks that differ in their text alone are read as any others are")
struct RepetitionTests {
    @Test func texts() {
        let texts = [
            "", "a", "b", "", "longer than the one before", #"\n"#, #"say \"so\""#, #"\\"#,
            #"caf\u00e9"#, #"\ud83d"#, #"\ude00"#, "é😀", "a",
            #"\ud83d"#, "a", #"","reasoning_content":"sly"#, #"a","content":"b"#, #"a\"#, #"\x"#,
            "\u{1}", "a\u{0}b", "z",
        ]
        for field in ["content", "reasoning_content", "reasoning", "refusal", "role"] {
            expectSame(texts.map { chunk(#""\#(field)":"\#($0)""#) })
            expectSame(
                texts.map {
                    chunk(
                        #""role":"x","\#(field)":"\#($0)","other":null"#,
                        beside: #","finish_reason":null"#)
                })
        }
    }

    @Test func whatMustNotBePassedOver() {
        for (beside, behind) in [
            (#","finish_reason":"stop""#, ""), (#","logprobs":{"content":[{"token":"a"}]}"#, ""),
            (#","error":{"message":"no"}"#, ""),
            ("", #","usage":{"prompt_tokens":1}"#), ("", #","meta":{"usage":{"usd_spent":0.5}}"#),
            ("", #","error":{"message":"no"}"#),
            ("", #","x":1,"x":2"#), ("", #","choices":[]"#),
        ] {
            expectSame(
                ["a", "b", "c", "c"].map {
                    chunk(#""content":"\#($0)""#, beside: beside, behind: behind)
                })
        }
        for more in [
            #""tool_calls":[{"index":0,"function":{"name":"f","arguments":"1"}}]"#,
            #""annotations":[1]"#, #""reasoning_details":[{}]"#,
            #""function_call":{"arguments":"x"}"#, #""function_call":null"#, #""reasoning":"b""#,
            #""content":"b""#, #""content":[{"type":"text","text":"b"}]"#, #""refusal":"b""#,
            #""reasoning_content":"""#, #""tool_calls":null"#,
        ] {
            expectSame(["a", "b", "c"].map { chunk(#""content":"\#($0)",\#(more)"#) })
            expectSame(["a", "b", "c"].map { chunk(#"\#(more),"reasoning_content":"\#($0)""#) })
        }
    }

    @Test func changes() {
        let contents = ["a", "b"].map { chunk(#""content":"\#($0)""#) }
        let thoughts = ["c", "d"].map { chunk(#""reasoning_content":"\#($0)""#) }
        expectSame(thoughts + contents + thoughts + ["[DONE]", ""] + contents)
        expectSame(
            contents + [chunk(#""content":"a""#).dropLast(2) + "", "null", "[]", contents[0]])
        expectSame(
            (0..<20).map { #"{"choices":[{"index":\#($0 % 3),"delta":{"content":"\#($0)"}}]}"# })
        expectSame(
            (0..<9).map {
                #"{"choices":[{"index":0,"delta":{"content":"\#($0)"}},{"index":1,"delta":{"content":"x"}}]}"#
            })
        expectSame(
            (0..<9).map {
                #"{"choices":[{"index":0,"delta":{"content":"\#($0)"}}],"created":\#($0 / 3)}"#
            })
        expectSame(
            ["a", "b"].map {
                chunk(
                    #""content":"\#($0)""#,
                    behind: #","x":"\#(String(repeating: "y", count: 9000))""#)
            })
    }
}
