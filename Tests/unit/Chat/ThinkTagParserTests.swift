import CThinkwire
import Foundation
import Testing

@testable import Base
@testable import Chat
@testable import Engine

/// What is told of an answer whose deltas are these: the texts of its events, by kind, in the order of their first coming.
private struct Heard: Equatable, CustomStringConvertible {
    var told: [String] = []
    var reasoning = ""
    var content = ""

    var description: String {
        "\(told) reasoning \(reasoning.debugDescription) content \(content.debugDescription)"
    }
}

private func hear(
    _ deltas: [(field: String, text: String)], finish: String? = "stop", _ expected: Reply.Expected
) throws -> Heard {
    let reply = Reply()
    reply.expected = expected
    var decoder = ChunkParser()
    var heard = Heard()
    func note() {
        for event in decoder.events
        where event.kind == TW_EVENT_REASONING || event.kind == TW_EVENT_CONTENT {
            let isReasoning = event.kind == TW_EVENT_REASONING
            let choice = reply.choices[event.choice]
            let bytes = isReasoning ? choice.reasoning.text.bytes : choice.content.text.bytes
            let text = String(decoding: bytes.part(event.range), as: UTF8.self)
            let kind = isReasoning ? "reasoning: " : "content: "
            let goesOn = heard.told.last?.hasPrefix(kind) == true
            if goesOn {
                heard.told[heard.told.count - 1] += text
            } else {
                heard.told.append(kind + text)
            }
        }
        decoder.removeEvents()
    }
    func take(_ chunk: [String: Any]) throws {
        let json = [UInt8](try JSONSerialization.data(withJSONObject: chunk))
        try json.withUnsafeBufferPointer {
            try decoder.decode(chunk: $0, named: StaticText.bytes(""), into: reply)
        }
        note()
    }
    for delta in deltas {
        try take(["choices": [["index": 0, "delta": [delta.field: delta.text]]]])
    }
    if let finish {
        try take(["choices": [["index": 0, "delta": [String: String](), "finish_reason": finish]]])
    }
    decoder.finish(reply)
    note()
    heard.reasoning =
        reply.firstChoice.map { String(decoding: $0.reasoning.text.bytes, as: UTF8.self) } ?? ""
    heard.content =
        reply.firstChoice.map { String(decoding: $0.content.text.bytes, as: UTF8.self) } ?? ""
    return heard
}

/// The answer comes in one delta, in two split anywhere, and in one for each character: it is always the same.
private func expect(
    _ answer: String, _ told: [String], opened: Bool = false, finish: String? = "stop",
    sourceLocation: SourceLocation = #_sourceLocation
) throws {
    var expected = Reply.Expected()
    expected.startsInsideThink = opened
    let characters = Array(answer.unicodeScalars).map(String.init)
    var splits = [[answer], characters]
    for place in characters.indices {
        splits.append([characters[..<place].joined(), characters[place...].joined()])
    }
    for pieces in splits {
        let heard = try hear(pieces.map { ("content", $0) }, finish: finish, expected)
        #expect(heard.told == told, "in \(pieces)", sourceLocation: sourceLocation)
        let texts = { (kind: String) in
            told.filter { $0.hasPrefix(kind) }.map { $0.dropFirst(kind.count) }.joined()
        }
        #expect(heard.reasoning == texts("reasoning: "), sourceLocation: sourceLocation)
        #expect(heard.content == texts("content: "), sourceLocation: sourceLocation)
    }
}

@Suite("Thoughts between tags at the beginning of an answer are reasoning, however they are split")
struct ThinkTagsTests {
    @Test func tagsAndTheSpaceAroundThemAreTakenOut() throws {
        try expect(
            "<think>\nHm, 1 < 2.\n\nYes.\n</think>\n\nTwo 😊.",
            ["reasoning: Hm, 1 < 2.\n\nYes.", "content: Two 😊."])
        try expect("\n <think>a</think>b", ["reasoning: a", "content: b"])
        try expect("<think> a </thin </think>b \n", ["reasoning: a </thin", "content: b \n"])
    }

    @Test func anEmptyThoughtIsNone() throws {
        try expect("<think>\n\n</think>\n\nHello", ["content: Hello"])
    }

    @Test func tagsThatTheAnswerDoesNotBeginWithAreItsOwn() throws {
        try expect("Use `<think>` and </think>.", ["content: Use `<think>` and </think>."])
        try expect("<thinking>a</thinking>", ["content: <thinking>a</thinking>"])
        try expect(
            "<think>a</think>b <think>c</think>", ["reasoning: a", "content: b <think>c</think>"])
        try expect("<", ["content: <"])
        try expect(" \n", ["content:  \n"])
    }

    @Test func withoutTheClosingTagAllOfItIsReasoning() throws {
        try expect("<think>a b\n", ["reasoning: a b\n"], finish: "length")
        try expect("<think>a</thi", ["reasoning: a</thi"], finish: nil)
    }

    @Test func theOpeningTagMayStandInTheTemplate() throws {
        try expect("a\n</think>\n\nb", ["reasoning: a", "content: b"], opened: true)
        try expect("<think>\na\n</think>\n\nb", ["reasoning: a", "content: b"], opened: true)
        try expect(
            " <think>\n<think> <think>a</think>b", ["reasoning: a", "content: b"], opened: true)
        try expect("<thin", ["reasoning: <thin"], opened: true)
        try expect("a</think>b", ["content: a</think>b"])
    }

    @Test func modelsThatOnlyThinkHaveTheTagInTheirTemplate() throws {
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
        let inline = try hear([("content", "a\n</think>\n\nb")], expected)
        #expect(
            inline == Heard(told: ["reasoning: a", "content: b"], reasoning: "a", content: "b"))
        // Without a closing tag it was the answer, unless the tokens ran out on the thought.
        let plain = try hear([("content", "a"), ("content", "b")], expected)
        #expect(plain == Heard(told: ["content: ab"], reasoning: "", content: "ab"))
        let cut = try hear([("content", "a"), ("content", "b")], finish: "length", expected)
        #expect(cut == Heard(told: ["reasoning: ab"], reasoning: "ab", content: ""))
        let field = try hear([("reasoning_content", "a"), ("content", "b")], expected)
        #expect(field == Heard(told: ["reasoning: a", "content: b"], reasoning: "a", content: "b"))
        // A server that has the field takes the tags out itself, though this answer has no thought.
        let parsed = try hear([("reasoning_content", ""), ("content", "b")], expected)
        #expect(parsed == Heard(told: ["content: b"], reasoning: "", content: "b"))
        // Nobody had been told of what came before: without its closing tag it is the answer's beginning, with it a thought.
        let begun = try hear(
            [("content", "a"), ("reasoning_content", ""), ("content", "b")], expected)
        #expect(begun == Heard(told: ["content: ab"], reasoning: "", content: "ab"))
        let ended = try hear(
            [("content", "a</think>"), ("reasoning_content", ""), ("content", "b")], expected)
        #expect(ended == Heard(told: ["reasoning: a", "content: b"], reasoning: "a", content: "b"))
        let null = StreamHarness(
            document: #"{"choices":[{"message":{"content":"b","reasoning_content":null}}]}"#,
            expected: expected)
        #expect(null.events == ["content 0 b"])
    }

    @Test func aFieldForReasoningThatComesLateLeavesNothingUntold() throws {
        var expected = Reply.Expected()
        expected.templateStartsInsideThink = true
        // The space in front of it and what may become a tag are the answer's as well.
        let open = try hear(
            [("content", " Hi "), ("content", "<"), ("reasoning_content", "a"), ("content", "b")],
            expected)
        #expect(
            open
                == Heard(
                    told: ["content:  Hi <", "reasoning: a", "content: b"], reasoning: "a",
                    content: " Hi <b"))
        let tag = try hear(
            [("content", "Hi"), ("reasoning_content", ""), ("content", "</think>b")], expected)
        #expect(tag == Heard(told: ["content: Hi</think>b"], reasoning: "", content: "Hi</think>b"))
        let closed = try hear(
            [("content", "a</think>"), ("reasoning_content", "b"), ("content", "c")], expected)
        #expect(
            closed == Heard(told: ["reasoning: ab", "content: c"], reasoning: "ab", content: "c"))
        // In an answer that came whole, a field comes late only where one choice stands twice.
        let twice = StreamHarness(
            document:
                #"{"choices":[{"index":0,"message":{"content":" a b "}},{"index":0,"message":{"reasoning":"c"}}]}"#,
            expected: expected)
        #expect(twice.events == ["content 0  a b ", "reasoning 0 c"])
        #expect(twice.reasoning == "c" && twice.content == " a b ")
    }

    @Test func reasoningInItsOwnFieldLeavesTheAnswerAlone() throws {
        for opened in [false, true] {
            var expected = Reply.Expected()
            expected.startsInsideThink = opened
            let heard = try hear(
                [("content", "\n"), ("reasoning_content", "a"), ("content", "<think>b</think>")],
                expected)
            #expect(heard.reasoning == "a")
            #expect(heard.content == "\n<think>b</think>")
        }
    }
}

@Suite("With thinking switched off, what comes as reasoning is told when it is clear what it is")
struct ThinkingOffTests {
    private var off: Reply.Expected {
        var expected = Reply.Expected()
        expected.isThinkingOff = true
        return expected
    }

    @Test func anAnswerInTheFieldForReasoningIsTheAnswer() throws {
        let heard = try hear([("reasoning", "Hel"), ("reasoning", "lo")], off)
        #expect(heard == Heard(told: ["content: Hello"], reasoning: "", content: "Hello"))
    }

    @Test func reasoningThatAnAnswerFollowsIsReasoning() throws {
        let heard = try hear(
            [("reasoning", "Hm"), ("reasoning", "."), ("content", "Hello"), ("reasoning", "!")], off
        )
        #expect(
            heard
                == Heard(
                    told: ["reasoning: Hm.", "content: Hello", "reasoning: !"], reasoning: "Hm.!",
                    content: "Hello"))
    }

    @Test func whatIsCutOffStaysWhatItCameAs() throws {
        let heard = try hear([("reasoning", "Hm")], finish: nil, off)
        #expect(heard == Heard(told: ["reasoning: Hm"], reasoning: "Hm", content: ""))
    }

    @Test func thinkingThatIsNotOffIsToldAtOnce() throws {
        let heard = try hear([("reasoning", "Hm")], Reply.Expected())
        #expect(heard == Heard(told: ["reasoning: Hm"], reasoning: "Hm", content: ""))
    }
}

@Suite("A long answer in one piece is taken in parts, and nothing in it is torn")
struct LongAnswerTests {
    @Test(arguments: [
        "a", "é", "€", "😊", "\\n", "\\\\", "\\u00e9", "\\ud83d\\ude0a", " \\u003c ", "</thin",
        "\\\\u003c",
    ])
    func wherePartsMeet(_ unit: String) throws {
        for shift in 1...12 {
            let json =
                String(repeating: "b", count: shift)
                + String(repeating: unit, count: 80_000 / unit.utf8.count)
            let text = try #require(
                try JSONSerialization.jsonObject(with: Data("[\"\(json)\"]".utf8)) as? [String])[0]
            let answer = StreamHarness(
                document:
                    "{\"choices\":[{\"message\":{\"content\":\"\(json)\"},\"finish_reason\":\"stop\"}]}"
            )
            #expect(answer.content == text, "\(shift)")
            let thought = StreamHarness(
                document:
                    "{\"choices\":[{\"message\":{\"content\":\"<think>\(json)</think>\(json)\"},\"finish_reason\":\"stop\"}]}"
            )
            #expect(thought.content == text, "\(shift)")
            #expect(
                thought.reasoning == text.trimmingCharacters(in: .whitespacesAndNewlines),
                "\(shift)")
        }
    }

    /// The rest of each part moved anew for every one of them is fifteen times the work.
    @Test func openingTagsWithoutEnd() {
        var expected = Reply.Expected()
        expected.startsInsideThink = true
        let tags = String(repeating: "<think>", count: 100_000)
        let answer = StreamHarness(
            document: "{\"choices\":[{\"message\":{\"content\":\"\(tags)a</think>b\"}}]}",
            expected: expected)
        #expect(answer.reasoning == "a" && answer.content == "b")
    }

    @Test func bytesThatAreNoText() {
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
