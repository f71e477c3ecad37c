import Testing

@testable import Base
@testable import Chat
@testable import Engine

@Suite("A character split over chunks is reported as a whole, separately for each choice and text")
struct SplitCharacterTests {
    private func data(_ parts: [[UInt8]]) -> [UInt8] {
        parts.flatMap { Array("data: ".utf8) + $0 + Array("\n\n".utf8) }
    }

    private func chunk(_ choice: Int, _ field: String, _ text: [UInt8]) -> [UInt8] {
        Array(#"{"choices":[{"index":\#(choice),"delta":{"\#(field)":""#.utf8) + text
            + Array(#""}}]}"#.utf8)
    }

    @Test func rawBytes() throws {
        let stream = data([
            chunk(0, "content", [0x61, 0xF0, 0x9F]), chunk(0, "content", [0x98]),
            chunk(0, "content", [0x8A, 0x62]),
        ])
        let harness = try harnessSplitAnywhere(stream)
        #expect(harness.events == ["content 0 a😊b"])
        #expect(harness.document == #"{"choices":[{"index":0,"message":{"content":"a😊b"}}]}"#)
    }

    @Test func halvesOfASurrogatePair() throws {
        let stream = data([
            chunk(0, "reasoning", Array(#"a\ud83d"#.utf8)),
            chunk(0, "reasoning", Array(#"\ude0ab"#.utf8)),
        ])
        #expect(try harnessSplitAnywhere(stream).events == ["reasoning 0 a😊b"])
    }

    @Test func everyTextHoldsBackItsOwnIncompleteCharacter() throws {
        // Two choices with two texts each, all of them inside a character at the same time.
        let fields = [
            (0, "content"), (1, "content"), (0, "reasoning_content"), (1, "reasoning_content"),
        ]
        let texts = ["é", "€", "😊", "😀"].map { Array($0.utf8) }
        var chunks: [[UInt8]] = []
        for index in 0..<4 {
            for (field, text) in zip(fields, texts) where index < text.count {
                chunks.append(chunk(field.0, field.1, [text[index]]))
            }
        }
        let harness = try StreamHarness([data(chunks)])
        #expect(harness.events == ["content 0 é", "content 1 €", "reasoning 0 😊", "reasoning 1 😀"])
    }

    @Test func toolCallArguments() throws {
        func fragment(_ arguments: [UInt8]) -> [UInt8] {
            Array(
                (#"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"x","#
                    + #""function":{"name":"f","arguments":""#).utf8)
                + arguments
                + Array(#""}}]}}]}"#.utf8)
        }
        let stream = data([
            fragment(Array(#"{\"a\":\""#.utf8) + [0xE2]), fragment([0x82]),
            fragment([0xAC] + Array(#"\"}"#.utf8)),
        ])
        let harness = try harnessSplitAnywhere(stream)
        #expect(harness.events == [#"tool 0/0 x f {"a":"€"}"#])
        #expect(harness.toolCalls == [#"0/0 x f {"a":"€"}"#])
    }

    @Test func anIncompleteCharacterAtTheEndIsReplaced() throws {
        let cutOff = try StreamHarness([data([chunk(0, "content", [0x61, 0xE2, 0x82])])])
        #expect(cutOff.events == ["content 0 a\u{FFFD}"])
        #expect(cutOff.content == "a\u{FFFD}")
        let finished = try StreamHarness([
            data([
                chunk(0, "content", Array(#"a\ud83d"#.utf8)),
                Array(#"{"choices":[{"index":0,"delta":{},"finish_reason":"length"}]}"#.utf8),
            ])
        ])
        // The replacement is the end of the text, before the finish event.
        #expect(finished.events == ["content 0 a\u{FFFD}", "finish 0 length"])
    }

    @Test func invalidUTF8OutsideTheTextsIsReplacedInTheDocument() throws {
        let stream = data([
            Array(#"{"id":""#.utf8) + [0xFF]
                + Array(#"","choices":[{"index":0,"delta":{"content":"a"}}]}"#.utf8)
        ])
        let harness = try StreamHarness([stream])
        #expect(harness.content == "a")
        #expect(
            harness.reply.document.elementsEqual(
                #"{"id":"\#u{FFFD}","choices":[{"index":0,"message":{"content":"a"}}]}"#.utf8))
    }

    @Test func invalidUTF8IsReplacedInLookupsAndInArgumentsOfOtherTypes() throws {
        let broken = Array(#"{"a":""#.utf8) + [0xE2, 0x82] + Array(#""}"#.utf8)
        let expected = #"{"a":"\#u{FFFD}"}"#
        let reply = Reply()
        var decoder = ChunkParser()
        withCopy(Array(#"{"choices":[{"message":{}}],"b":"#.utf8) + broken + Array("}".utf8)) {
            reply.body.append($0)
        }
        try decoder.decode(document: reply.body.bytes, into: reply)
        #expect(
            withCopy("/b") { pointer in
                reply.lookUp(pointer).map { $0.elementsEqual(expected.utf8) }
            } == true)

        let call = Array(
            (#"{"choices":[{"index":0,"delta":{"tool_calls":[{"id":"x","#
                + #""function":{"name":"f","arguments":"#).utf8)
        let harness = try StreamHarness([data([call + broken + Array("}}]}}]}".utf8)])])
        #expect(harness.events == ["tool 0/0 x f " + expected])
    }
}
