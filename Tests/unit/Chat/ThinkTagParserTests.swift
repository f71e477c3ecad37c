import CThinkwire
import Foundation
import Testing

@testable import Base
@testable import Chat
@testable import Engine

/// The result of a stream: the texts of its events in order, and the texts of the reply.
private struct Recorded: Equatable, CustomStringConvertible {
    var events: [String] = []
    var reasoning = ""
    var content = ""

    var description: String {
        "\(events) reasoning \(reasoning.debugDescription) content \(content.debugDescription)"
    }
}

private func record(
    _ deltas: [(field: String, text: String)], finish: String? = "stop", _ expected: Reply.Expected
) throws -> Recorded {
    let reply = Reply()
    reply.expected = expected
    var decoder = ChunkParser()
    var recorded = Recorded()
    func recordEvents() {
        for event in decoder.events
        where event.kind == TW_EVENT_REASONING || event.kind == TW_EVENT_CONTENT {
            let isReasoning = event.kind == TW_EVENT_REASONING
            let choice = reply.choices[event.choice]
            let bytes = isReasoning ? choice.reasoning.text.bytes : choice.content.text.bytes
            let text = String(decoding: bytes.part(event.range), as: UTF8.self)
            let kind = isReasoning ? "reasoning: " : "content: "
            let continuesText = recorded.events.last?.hasPrefix(kind) == true
            if continuesText {
                recorded.events[recorded.events.count - 1] += text
            } else {
                recorded.events.append(kind + text)
            }
        }
        decoder.removeEvents()
    }
    func decode(_ chunk: [String: Any]) throws {
        let json = [UInt8](try JSONSerialization.data(withJSONObject: chunk))
        try json.withUnsafeBufferPointer {
            try decoder.decode(chunk: $0, named: StaticText.bytes(""), into: reply)
        }
        recordEvents()
    }
    for delta in deltas {
        try decode(["choices": [["index": 0, "delta": [delta.field: delta.text]]]])
    }
    if let finish {
        try decode([
            "choices": [["index": 0, "delta": [String: String](), "finish_reason": finish]]
        ])
    }
    decoder.finish(reply)
    recordEvents()
    recorded.reasoning =
        reply.firstChoice.map { String(decoding: $0.reasoning.text.bytes, as: UTF8.self) } ?? ""
    recorded.content =
        reply.firstChoice.map { String(decoding: $0.content.text.bytes, as: UTF8.self) } ?? ""
    return recorded
}

/// Checks the events of an answer in one delta, in two deltas with every split, and in one per
/// character.
private func expect(
    _ answer: String, _ events: [String], opened: Bool = false, finish: String? = "stop",
    sourceLocation: SourceLocation = #_sourceLocation
) throws {
    var expected = Reply.Expected()
    expected.startsInsideThink = opened
    let characters = Array(answer.unicodeScalars).map(String.init)
    var splits = [[answer], characters]
    for index in characters.indices {
        splits.append([characters[..<index].joined(), characters[index...].joined()])
    }
    for pieces in splits {
        let recorded = try record(pieces.map { ("content", $0) }, finish: finish, expected)
        #expect(recorded.events == events, "in \(pieces)", sourceLocation: sourceLocation)
        let texts = { (kind: String) in
            events.filter { $0.hasPrefix(kind) }.map { $0.dropFirst(kind.count) }.joined()
        }
        #expect(recorded.reasoning == texts("reasoning: "), sourceLocation: sourceLocation)
        #expect(recorded.content == texts("content: "), sourceLocation: sourceLocation)
    }
}

@Suite("Text between think tags at the beginning of an answer is reasoning, for every split")
struct ThinkTagParserTests {
    @Test func tagsAndSurroundingSpaceAreRemoved() throws {
        try expect(
            "<think>\nHm, 1 < 2.\n\nYes.\n</think>\n\nTwo 😊.",
            ["reasoning: Hm, 1 < 2.\n\nYes.", "content: Two 😊."])
        try expect("\n <think>a</think>b", ["reasoning: a", "content: b"])
        try expect("<think> a </thin </think>b \n", ["reasoning: a </thin", "content: b \n"])
    }

    @Test func emptyReasoningEmitsNoEvent() throws {
        try expect("<think>\n\n</think>\n\nHello", ["content: Hello"])
    }

    @Test func tagsAfterTheBeginningAreContent() throws {
        try expect("Use `<think>` and </think>.", ["content: Use `<think>` and </think>."])
        try expect("<thinks>a</thinks>", ["content: <thinks>a</thinks>"])
        try expect(
            "<think>a</think>b <think>c</think>", ["reasoning: a", "content: b <think>c</think>"])
        try expect("<", ["content: <"])
        try expect(" \n", ["content:  \n"])
    }

    @Test func withoutAClosingTagEverythingIsReasoning() throws {
        try expect("<think>a b\n", ["reasoning: a b\n"], finish: "length")
        try expect("<think>a</thi", ["reasoning: a</thi"], finish: nil)
    }

    @Test func openingTagInTheTemplate() throws {
        try expect("a\n</think>\n\nb", ["reasoning: a", "content: b"], opened: true)
        try expect("<think>\na\n</think>\n\nb", ["reasoning: a", "content: b"], opened: true)
        try expect(
            " <think>\n<think> <think>a</think>b", ["reasoning: a", "content: b"], opened: true)
        try expect("<thin", ["reasoning: <thin"], opened: true)
        try expect("a</think>b", ["content: a</think>b"])
    }

    @Test func thinkingModelsHaveTheTagInTheirTemplate() throws {
        for (model, isKnown) in [
            ("Qwen/Qwen3-30B-A3B-Thinking-2507", true), ("qwen/qwq-32b:free", true),
            ("alibaba/qwen3-vl-32b-thinking", true),
            ("alibaba/qwen3-32b", false), ("gpt-4o", false),
        ] {
            #expect(
                withCopy(model) { ThinkingDialect.templateHoldsTag(of: $0) } == isKnown, "\(model)")
        }
        var expected = Reply.Expected()
        expected.templateStartsInsideThink = true
        let inline = try record([("content", "a\n</think>\n\nb")], expected)
        #expect(
            inline
                == Recorded(events: ["reasoning: a", "content: b"], reasoning: "a", content: "b"))
        // Without a closing tag it is the answer, unless the model ran out of tokens while
        // thinking.
        let plain = try record([("content", "a"), ("content", "b")], expected)
        #expect(plain == Recorded(events: ["content: ab"], reasoning: "", content: "ab"))
        let cut = try record([("content", "a"), ("content", "b")], finish: "length", expected)
        #expect(cut == Recorded(events: ["reasoning: ab"], reasoning: "ab", content: ""))
        let field = try record([("reasoning_content", "a"), ("content", "b")], expected)
        #expect(
            field == Recorded(events: ["reasoning: a", "content: b"], reasoning: "a", content: "b"))
        // A server with the field removes the tags itself, even if this answer has no reasoning.
        let parsed = try record([("reasoning_content", ""), ("content", "b")], expected)
        #expect(parsed == Recorded(events: ["content: b"], reasoning: "", content: "b"))
        // Text before the field was held back: without a closing tag it is content, with one
        // reasoning.
        let unclosed = try record(
            [("content", "a"), ("reasoning_content", ""), ("content", "b")], expected)
        #expect(unclosed == Recorded(events: ["content: ab"], reasoning: "", content: "ab"))
        let ended = try record(
            [("content", "a</think>"), ("reasoning_content", ""), ("content", "b")], expected)
        #expect(
            ended == Recorded(events: ["reasoning: a", "content: b"], reasoning: "a", content: "b"))
        let null = StreamHarness(
            document: #"{"choices":[{"message":{"content":"b","reasoning_content":null}}]}"#,
            expected: expected)
        #expect(null.events == ["content 0 b"])
    }

    @Test func lateReasoningFieldReleasesHeldText() throws {
        var expected = Reply.Expected()
        expected.templateStartsInsideThink = true
        // Leading space and an incomplete tag are content, too.
        let open = try record(
            [("content", " Hi "), ("content", "<"), ("reasoning_content", "a"), ("content", "b")],
            expected)
        #expect(
            open
                == Recorded(
                    events: ["content:  Hi <", "reasoning: a", "content: b"], reasoning: "a",
                    content: " Hi <b"))
        let tag = try record(
            [("content", "Hi"), ("reasoning_content", ""), ("content", "</think>b")], expected)
        #expect(
            tag == Recorded(events: ["content: Hi</think>b"], reasoning: "", content: "Hi</think>b")
        )
        let closed = try record(
            [("content", "a</think>"), ("reasoning_content", "b"), ("content", "c")], expected)
        #expect(
            closed
                == Recorded(events: ["reasoning: ab", "content: c"], reasoning: "ab", content: "c"))
        // In an unstreamed answer, a field is late only if a choice occurs twice.
        let twice = StreamHarness(
            document:
                #"{"choices":[{"index":0,"message":{"content":" a b "}},{"index":0,"#
                + #""message":{"reasoning":"c"}}]}"#,
            expected: expected)
        #expect(twice.events == ["content 0  a b ", "reasoning 0 c"])
        #expect(twice.reasoning == "c" && twice.content == " a b ")
    }

    @Test func contentIsUnchangedAfterAReasoningField() throws {
        for opened in [false, true] {
            var expected = Reply.Expected()
            expected.startsInsideThink = opened
            let recorded = try record(
                [("content", "\n"), ("reasoning_content", "a"), ("content", "<think>b</think>")],
                expected)
            #expect(recorded.reasoning == "a")
            #expect(recorded.content == "\n<think>b</think>")
        }
    }
}

@Suite("With thinking switched off, reasoning is held back until its kind is known")
struct ThinkingOffTests {
    private var off: Reply.Expected {
        var expected = Reply.Expected()
        expected.isThinkingOff = true
        return expected
    }

    @Test func answerInTheReasoningFieldIsContent() throws {
        let recorded = try record([("reasoning", "Hel"), ("reasoning", "lo")], off)
        #expect(recorded == Recorded(events: ["content: Hello"], reasoning: "", content: "Hello"))
    }

    @Test func reasoningBeforeContentIsReasoning() throws {
        let recorded = try record(
            [("reasoning", "Hm"), ("reasoning", "."), ("content", "Hello"), ("reasoning", "!")], off
        )
        #expect(
            recorded
                == Recorded(
                    events: ["reasoning: Hm.", "content: Hello", "reasoning: !"], reasoning: "Hm.!",
                    content: "Hello"))
    }

    @Test func whiteSpaceBeforeContentIsNotReasoning() throws {
        let recorded = try record(
            [("reasoning", "\n"), ("reasoning", "\n"), ("content", "Hi")], off)
        #expect(recorded == Recorded(events: ["content: Hi"], reasoning: "", content: "Hi"))
        let thinking = try record([("reasoning", "\n"), ("content", "Hi")], Reply.Expected())
        #expect(thinking.reasoning == "\n")
    }

    @Test func reasoningThatIsCutOffIsReasoning() throws {
        let recorded = try record([("reasoning", "Hm")], finish: nil, off)
        #expect(recorded == Recorded(events: ["reasoning: Hm"], reasoning: "Hm", content: ""))
    }

    @Test func reasoningIsEmittedAtOnceUnlessThinkingIsOff() throws {
        let recorded = try record([("reasoning", "Hm")], Reply.Expected())
        #expect(recorded == Recorded(events: ["reasoning: Hm"], reasoning: "Hm", content: ""))
    }
}

@Suite("A long answer in one piece is processed in parts without splitting characters")
struct LongAnswerTests {
    @Test(arguments: [
        "a", "é", "€", "😊", "\\n", "\\\\", "\\u00e9", "\\ud83d\\ude0a", " \\u003c ", "</thin",
        "\\\\u003c",
    ])
    func charactersAtPartBoundaries(_ unit: String) throws {
        let decoded = try #require(
            try JSONSerialization.jsonObject(with: Data("[\"\(unit)\"]".utf8)) as? [String])[0]
        // The first part ends after 65,536 bytes, at another byte of the unit for each shift.
        let count = 66_000 / unit.utf8.count
        for shift in 1...unit.utf8.count {
            let prefix = String(repeating: "b", count: shift)
            let json = prefix + String(repeating: unit, count: count)
            let text = prefix + String(repeating: decoded, count: count)
            let answer = StreamHarness(
                document:
                    "{\"choices\":[{\"message\":{\"content\":\"\(json)\"},"
                    + "\"finish_reason\":\"stop\"}]}"
            )
            #expect(answer.content == text, "\(shift)")
            let tagged = StreamHarness(
                document:
                    "{\"choices\":[{\"message\":{\"content\":\"<think>\(json)</think>\(json)\"},"
                    + "\"finish_reason\":\"stop\"}]}"
            )
            #expect(tagged.content == text, "\(shift)")
            #expect(
                tagged.reasoning == text.trimmingCharacters(in: .whitespacesAndNewlines),
                "\(shift)")
        }
    }

    /// Moving the rest of the text after each tag would take fifteen times as long.
    @Test func manyOpeningTagsAreFast() {
        var expected = Reply.Expected()
        expected.startsInsideThink = true
        let tags = String(repeating: "<think>", count: 100_000)
        let answer = StreamHarness(
            document: "{\"choices\":[{\"message\":{\"content\":\"\(tags)a</think>b\"}}]}",
            expected: expected)
        #expect(answer.reasoning == "a" && answer.content == "b")
    }

    @Test func invalidBytesAreReplaced() {
        let broken = [UInt8](repeating: 0xFF, count: 100_000)
        let reply = Reply()
        var decoder = ChunkParser()
        let document =
            Array("{\"choices\":[{\"message\":{\"content\":\"".utf8) + broken + Array("\"}}]}".utf8)
        withCopy(document) { bytes in _ = try? decoder.decode(document: bytes, into: reply) }
        let content = String(decoding: reply.choices[0].content.text.bytes, as: UTF8.self)
        #expect(content == String(repeating: "\u{FFFD}", count: broken.count))
    }
}
