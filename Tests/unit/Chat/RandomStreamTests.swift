import Testing

@testable import Base
@testable import Chat
@testable import Engine

@Suite("Random streams have the same result for every spacing and split")
struct RandomStreamTests {
    private static let texts: [[UInt8]] = [
        [], Array("a".utf8), Array("some words".utf8), Array(#"\n"#.utf8), Array(#"\""#.utf8),
        Array(#"\\"#.utf8),
        Array("é€😊".utf8),
        Array(#"\ud83d"#.utf8), Array(#"\ude0a"#.utf8), [0xE2, 0x82], [0xAC], [0xF0], [0x9F, 0x98],
        [0xFF], Array("<think>".utf8),
        Array("</think>".utf8), Array("</th".utf8), Array("ink>".utf8), Array(" ".utf8),
        Array("<".utf8),
    ]
    /// Deltas in which `@` is replaced by a text.
    private static let deltas = [
        #"{"content":"@"}"#, #"{"content":"@"}"#, #"{"reasoning_content":"@","content":null}"#,
        #"{"reasoning":"@"}"#,
        #"{"reasoning":"@","content":"@"}"#, #"{"reasoning":"@","reasoning_content":"@"}"#,
        #"{"refusal":"@"}"#,
        #"{"content":"@","content":"@"}"#, #"{"content":[{"type":"text","text":"@"}]}"#,
        #"{"content":[{"type":"thinking","thinking":"@"},{"type":"text","text":"@"}]}"#,
        #"{"role":"assistant","content":"@","odd":"@"}"#,
        #"{"tool_calls":[{"index":0,"id":"x","function":{"name":"f","arguments":"@"}}]}"#,
        #"{"tool_calls":[{"index":1,"function":{"arguments":"@"}}],"content":"@"}"#,
        #"{"content":"@","annotations":[1]}"#,
        #"{"content":"@","odd":"@"}"#,
        "null", "{}",
    ]
    private static let chunkMembers = [
        "", "", "", "", #","usage":null"#, #","usage":{"completion_tokens":1}"#,
        #","usage":{"completion_tokens":2}"#,
        #","id":"a""#, #","id":"b""#, #","odd":"@""#, #","odd":"@""#, #","odd":"@","odd":"@""#,
        #","odd":1"#, #","odd":null"#, #","odd":{"a":"@"}"#, #","request_id":"@""#,
    ]
    private static let choiceMembers = [
        "", "", "", #","finish_reason":null"#, #","finish_reason":"stop""#, #","odd":"@""#,
        #","logprobs":{"content":[1]}"#, #","logprobs":{"content":["@"],"refusal":null}"#,
    ]

    /// Chunks that mostly repeat one of the last chunks with another text, as in real streams.
    private func stream(_ random: inout SeededRandom) -> [[UInt8]] {
        var templates: [String] = []
        return (0..<16).map { _ in
            if templates.count < 2 || random.roll(5) == 0 {
                let template =
                    #"{"choices":[{"index":\#(random.roll(2)),"delta":"#
                    + random.pick(RandomStreamTests.deltas)
                templates.append(
                    template + random.pick(RandomStreamTests.choiceMembers) + "}]"
                        + random.pick(RandomStreamTests.chunkMembers) + "}")
            }
            var chunk = random.pick(templates.suffix(3)).utf8.flatMap {
                $0 == UInt8(ascii: "@") ? random.pick(RandomStreamTests.texts) : [$0]
            }
            // Sometimes replaces a byte, which usually makes the JSON invalid.
            if random.roll(60) == 0 {
                chunk[random.roll(chunk.count)] = random.pick(Array("\"\\{}[],:x ".utf8))
            }
            return chunk
        }
    }

    private func events(_ chunks: [[UInt8]]) -> [UInt8] {
        chunks.flatMap { Array("data: ".utf8) + $0 + Array("\n\n".utf8) }
    }

    @Test func spacesBetweenTokensDoNotMatter() throws {
        var random = SeededRandom(10)
        var errors = 0
        for _ in 0..<400 {
            let chunks = stream(&random)
            // Each chunk has one more space than the one before, so that no chunk matches the
            // template.
            let spaced = chunks.enumerated().map { index, chunk in
                chunk.first == UInt8(ascii: "{")
                    ? [chunk[0]] + Array(repeating: 0x20, count: index) + chunk.dropFirst() : chunk
            }
            let plain = try StreamHarness([events(chunks)])
            let other = try StreamHarness([events(spaced)])
            #expect(
                plain.everything == other.everything,
                "\(chunks.map { String(decoding: $0, as: UTF8.self) })")
            #expect((plain.error == nil) == (other.error == nil))
            if plain.error != nil { errors += 1 }
        }
        #expect((10..<200).contains(errors))
    }

    @Test func splitsDoNotMatter() throws {
        var random = SeededRandom(11)
        for _ in 0..<200 {
            let stream = events(stream(&random))
            var pieces: [[UInt8]] = []
            var rest = stream[...]
            while !rest.isEmpty {
                let length = min(1 + random.roll(90), rest.count)
                pieces.append(Array(rest.prefix(length)))
                rest.removeFirst(length)
            }
            #expect(
                try StreamHarness(pieces).everything == StreamHarness([stream]).everything,
                "\(String(decoding: stream, as: UTF8.self))")
        }
    }

    @Test func documentIsJSONAndContainsTheTexts() throws {
        var random = SeededRandom(12)
        for _ in 0..<300 {
            let harness = try StreamHarness([events(stream(&random))])
            guard !harness.document.isEmpty else { continue }
            #expect(
                jsonProblem(Array(harness.reply.document), .rejectsInvalidUTF8) == nil,
                "\(harness.document)")
            for (index, choice) in harness.reply.choices.sorted(by: { $0.index < $1.index })
                .enumerated()
            where !choice.content.text.isEmpty {
                let found = withCopy("/choices/\(index)/message/content") {
                    harness.reply.lookUp($0).map { String($0) }
                }
                // In the document, the tags and the reasoning between them precede the answer.
                let holdsText =
                    found?.utf8.reversed().starts(with: String(choice.content.text).utf8.reversed())
                    == true
                #expect(holdsText || choice.reasoningBecameContent, "\(harness.document)")
            }
        }
    }
}
