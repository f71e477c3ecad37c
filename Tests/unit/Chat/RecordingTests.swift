import Foundation
import Testing

@testable import Base
@testable import Chat
@testable import Engine

@Suite("Recorded answers have the expected result for every split")
struct RecordingTests {
    private let reasoning = """
        Okay, the user said "Hello". I should respond in a friendly and welcoming manner. Let me \
        make sure to acknowledge their greeting and offer assistance. Maybe something like, \
        "Hello! How can I assist you today?" That's simple and open-ended. I need to check if \
        there's any specific context I should consider, but since there's none, a general \
        response is fine. Alright, that should work.
        """

    @Test func streamOfQwen3() throws {
        let harness = try harnessSplitAnywhere(try recording("qwen3-32b.sse"))
        #expect(
            harness.events == [
                "reasoning 0 " + reasoning, "content 0 Hello! How can I assist you today?",
                "finish 0 stop", "usage 2010",
            ])
        #expect(harness.reasoning == reasoning)
        #expect(harness.usage == [13, 2010, 2023, 82, -1])
        #expect(harness.cost == nil)
        #expect(harness.error == nil)
        // The stream ends without [DONE], but with a finish reason.
        #expect(harness.reply.isFinished && !harness.reply.isDone)
        let quoted = ByteBuffer.text { buffer in
            withCopy(reasoning) { buffer.append(jsonString: $0) }
        }
        #expect(
            harness.document
                == #"{"id":"chatcmpl-81964e30-1a7c-9668-b78c-a750587ec497","#
                + #""choices":[{"message":{"content":"#
                + #""Hello! How can I assist you today?","role":"assistant","refusal":null,"#
                + #""reasoning_content":"#
                + quoted
                + #"},"index":0,"finish_reason":"stop"}],"created":1753944369,"#
                + #""model":"qwen3-32b","object":"chat.completion","#
                + #""usage":{"prompt_tokens":13,"completion_tokens":2010,"total_tokens":2023,"#
                + #""completion_tokens_details":{"reasoning_tokens":82}}}"#
        )
    }

    @Test func streamWithOtherLineEnds() throws {
        let stream = String(decoding: try recording("qwen3-32b.sse"), as: UTF8.self)
        let expected = try StreamHarness([Array(stream.utf8)]).everything
        for end in ["\r\n", "\r"] {
            let other = Array(stream.replacingOccurrences(of: "\n", with: end).utf8)
            #expect(try StreamHarness([other]).everything == expected)
            #expect(try StreamHarness(other.map { [$0] }).everything == expected)
        }
    }

    @Test func streamThatIsCutOffKeepsTheReceivedText() throws {
        let stream = try recording("qwen3-32b.sse")
        var lengths: Set<Int> = []
        for length in stride(from: 0, through: stream.count, by: 13) {
            let harness = try StreamHarness([Array(stream[..<length])])
            #expect(reasoning.hasPrefix(harness.reasoning))
            #expect("Hello! How can I assist you today?".hasPrefix(harness.content))
            #expect(harness.reply.isFinished == (harness.finishReason == "stop"))
            #expect(harness.document.isEmpty || jsonProblem(harness.document) == nil)
            // An incomplete last event is not JSON; everything before it is kept.
            if case .malformed(let error) = harness.error {
                #expect(error.problem == .unexpectedEnd || error.problem == .expectedValue)
            }
            lengths.insert(harness.reasoning.count)
        }
        #expect(lengths.count > 5)
    }

    @Test(arguments: [
        ("qwen3-32b", [19, 65, 84, -1, -1], String?.none),
        ("qwen3-next-80b-a3b-thinking", [9, 7182, 7191, 277, -1], nil),
        ("qwen3-vl-32b-thinking", [19, 1241, 1260, 654, -1], "10383.0 credits"),
        ("qwen3.6-35b-a3b", [19, 1197, 1216, 840, -1], "0.003511 USD"),
    ])
    func unstreamedAnswers(_ model: String, _ usage: [Int64], _ cost: String?) throws {
        let bytes = try recording(model + ".json")
        let harness = StreamHarness(document: String(decoding: bytes, as: UTF8.self))
        let document = try #require(
            try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any])
        let message = try #require(
            ((document["choices"] as? [[String: Any]])?.first?["message"]) as? [String: Any])
        #expect(harness.error == nil)
        #expect(harness.content == message["content"] as? String)
        #expect(harness.reasoning == message["reasoning_content"] as? String)
        #expect(harness.finishReason == "stop")
        #expect(harness.usage == usage)
        #expect(harness.cost == cost)
        #expect(harness.reply.document.elementsEqual(bytes))
        let reasoning = harness.reasoning.isEmpty ? [] : ["reasoning 0 " + harness.reasoning]
        #expect(
            harness.events == reasoning + [
                "content 0 " + harness.content, "finish 0 stop", "usage \(usage[1])",
            ])
    }
}
