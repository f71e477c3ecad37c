import Testing

@testable import Base
@testable import Chat
@testable import Engine

@Suite("Reasoning is read from every known field, and counted once")
struct ReasoningTests {
    @Test func reasoningInContentParts() throws {
        // Mistral: BerriAI/litellm#16272, vercel/ai#8072
        func parts(_ parts: String...) -> String {
            delta(#"{"content":[\#(parts.joined(separator: ","))]}"#)
        }
        func thinking(_ value: String) -> String {
            #"{"type":"thinking","thinking":\#(value)}"#
        }
        func text(_ text: String) -> String { #"{"type":"text","text":"\#(text)"}"# }
        let harness = try StreamHarness(
            delta(#"{"role":"assistant","content":""}"#),
            parts(thinking("[\(text("Let ")),\(text(#"m\ud83d"#))]")),
            parts(thinking("[\(text(#"\ude0a"#))]")), parts(thinking("\"!\"")),
            parts(text("H"), #"{"type":"reference"}"#),
            parts(text("i"), "null", "1"), parts(), delta(#"{"content":"."}"#))
        #expect(harness.events == ["reasoning 0 Let m😊!", "content 0 Hi."])
        #expect(
            harness.document
                == #"{"choices":[{"index":0,"message":{"role":"assistant","content":"Hi.","#
                + #""reasoning_content":"Let m😊!"}}]}"#
        )
        // Reasoning precedes the content, and counts once.
        let both = try StreamHarness(
            delta(
                #"{"reasoning":"Hm","content":[\#(text("A")),\#(thinking("\"Hm\"")),"#
                    + #"\#(text("B"))]}"#
            ),
            parts(text("C"), thinking("\"Aha\"")))
        #expect(
            both.events == ["reasoning 0 Hm", "content 0 AB", "reasoning 0 Aha", "content 0 C"])
        #expect(
            try both.isDocument(
                #"{"choices":[{"index":0,"message":{"reasoning":"HmAha","content":"ABC"}}]}"#))
        let whole = StreamHarness(
            document:
                #"{"choices":[{"message":{"content":[\#(thinking("[\(text("Hm"))]")),"#
                + #"\#(text("Hi"))]}}]}"#
        )
        #expect(whole.events == ["reasoning 0 Hm", "content 0 Hi"])
    }

    @Test func reasoningFieldAfterReasoningInTags() throws {
        for field in ["reasoning_content", "reasoning"] {
            let harness = try StreamHarness(
                delta(#"{"content":"<think>Let","reasoning_content":""}"#),
                delta(#"{"content":" me</think>Hi"}"#),
                delta(#"{"\#(field)":"see"}"#), delta(#"{"content":"!"}"#))
            #expect(harness.reasoning == "Let mesee" && harness.content == "Hi!")
            let other =
                field == "reasoning"
                ? #""reasoning_content":null,"reasoning":"see""# : #""reasoning_content":"see""#
            #expect(
                try harness.isDocument(
                    #"{"choices":[{"index":0,"message":{"content":"<think>Let me</think>Hi!","#
                        + #"\#(other)}}]}"#
                ),
                "\(harness.document)")
        }
        let empty = try StreamHarness(
            delta(#"{"content":"<think>Hm</think>Hi"}"#), delta(#"{"reasoning_content":""}"#))
        #expect(
            try empty.isDocument(
                #"{"choices":[{"index":0,"message":{"content":"<think>Hm</think>Hi","#
                    + #""reasoning_content":""}}]}"#
            ),
            "\(empty.document)")
    }

    @Test(arguments: ["reasoning_content", "reasoning"])
    func reasoningInEitherField(_ field: String) throws {
        let harness = try StreamHarness(
            delta(#"{"role":"assistant","content":null,"\#(field)":""}"#),
            delta(#"{"content":null,"\#(field)":"Let "}"#),
            delta(#"{"content":null,"\#(field)":"me"}"#),
            delta(#"{"content":"Hi","\#(field)":null}"#))
        #expect(harness.events == ["reasoning 0 Let me", "content 0 Hi"])
        #expect(harness.reasoning == "Let me")
        #expect(
            try harness.isDocument(
                #"{"choices":[{"index":0,"message":{"role":"assistant","content":"Hi","#
                    + #""\#(field)":"Let me"}}]}"#
            ))
    }

    @Test(arguments: ["reasoning_content", "reasoning"])
    func reasoningInAnUnstreamedAnswer(_ field: String) {
        let harness = StreamHarness(
            document:
                #"{"choices":[{"index":0,"message":{"content":"Hi","\#(field)":"Hm"},"#
                + #""finish_reason":"stop"}]}"#
        )
        #expect(harness.events == ["reasoning 0 Hm", "content 0 Hi", "finish 0 stop"])
    }

    @Test func sameReasoningInBothFieldsCountsOnce() throws {
        let harness = try StreamHarness(
            delta(#"{"reasoning":"Let ","reasoning_content":"Let "}"#),
            delta(#"{"reasoning_content":"me","reasoning":"me"}"#),
            delta(#"{"content":"Hi"}"#))
        #expect(harness.events == ["reasoning 0 Let me", "content 0 Hi"])
        #expect(
            try harness.isDocument(
                #"{"choices":[{"index":0,"message":{"reasoning":"Let me","#
                    + #""reasoning_content":null,"content":"Hi"}}]}"#
            ))
    }

    @Test func fieldWithTextCounts() throws {
        let first = try StreamHarness(
            delta(#"{"reasoning":"","reasoning_content":"a"}"#),
            delta(#"{"reasoning":null,"reasoning_content":"b"}"#))
        #expect(first.events == ["reasoning 0 ab"])
        let second = try StreamHarness(
            delta(#"{"reasoning":"a","reasoning_content":""}"#),
            delta(#"{"reasoning":"b","reasoning_content":null}"#))
        #expect(second.events == ["reasoning 0 ab"])
        let third = try StreamHarness(delta(#"{"reasoning_content":"","reasoning":"a"}"#))
        #expect(
            try third.isDocument(
                #"{"choices":[{"index":0,"message":{"reasoning":"a","reasoning_content":null}}]}"#))
    }

    @Test func reasoningDetailsAlongsideReasoningAreKeptButNotEmitted() throws {
        let harness = try StreamHarness(
            delta(#"{"reasoning":"a","reasoning_details":[{"type":"reasoning.text","text":"a"}]}"#),
            delta(
                #"{"reasoning":"b","reasoning_details":[{"type":"reasoning.text","text":"b","#
                    + #""signature":"x"}]}"#
            ),
            delta(#"{"content":"c","reasoning_details":[]}"#))
        #expect(harness.events == ["reasoning 0 ab", "content 0 c"])
        #expect(
            try harness.isDocument(
                #"""
                {"choices":[{"index":0,"message":{"reasoning":"ab","content":"c",
                "reasoning_details":[{"type":"reasoning.text","text":"a"},
                {"type":"reasoning.text","text":"b","signature":"x"}]}}]}
                """#))
    }

    @Test func nullTextsOfReasoningDetailsAreIgnored() throws {
        let harness = try StreamHarness(
            delta(
                #"{"reasoning_details":[{"type":"reasoning.summary","text":null,"summary":"a","#
                    + #""data":null}]}"#
            ),
            delta(
                #"{"reasoning_details":[{"type":"reasoning.text","text":"b","summary":null},"#
                    + #"{"text":null}]}"#
            ))
        #expect(harness.events == ["reasoning 0 ab"])
    }

    @Test func reasoningPrecedesContentInOneChunk() throws {
        let harness = try StreamHarness(
            delta(#"{"content":"b","reasoning_content":"a"}"#),
            delta(#"{"content":"d","reasoning_content":"c"}"#))
        #expect(harness.events == ["reasoning 0 a", "content 0 b", "reasoning 0 c", "content 0 d"])
    }

    @Test func refusalIsASeparateText() throws {
        let harness = try StreamHarness(
            delta(#"{"content":null,"refusal":"I "}"#), delta(#"{"refusal":"won't"}"#))
        #expect(harness.events == ["refusal 0 I won't"])
        #expect(harness.refusal == "I won't" && harness.content == "" && harness.reasoning == "")
        #expect(
            try harness.isDocument(
                #"{"choices":[{"index":0,"message":{"content":null,"refusal":"I won't"}}]}"#))
    }

    @Test(arguments: ["reasoning_content", "reasoning"])
    func reasoningAsAnObjectWithText(_ field: String) throws {
        // envoyproxy/ai-gateway PR 1222
        let harness = try StreamHarness(
            delta(#"{"\#(field)":{"text":"Let "}}"#), delta(#"{"\#(field)":{"text":"m\ud83d"}}"#),
            delta(#"{"\#(field)":{"text":"\ude0a"}}"#),
            delta(#"{"\#(field)":{"signature":"x"}}"#), delta(#"{"content":"Hi"}"#))
        #expect(harness.events == ["reasoning 0 Let m😊", "content 0 Hi"])
        #expect(
            try harness.isDocument(
                #"{"choices":[{"index":0,"message":{"\#(field)":"Let m😊","content":"Hi"}}]}"#))
        let whole = StreamHarness(
            document: #"{"choices":[{"message":{"\#(field)":{"text":"Hm"},"content":"Hi"}}]}"#)
        #expect(whole.events == ["reasoning 0 Hm", "content 0 Hi"])
    }

    @Test func textsOfOtherTypesAreIgnored() throws {
        let harness = try StreamHarness(
            delta(#"{"content":true,"reasoning":{},"reasoning_content":[],"refusal":true}"#),
            delta(#"{"content":"a"}"#))
        #expect(harness.events == ["content 0 a"])
        #expect(harness.error == nil)
    }
}
