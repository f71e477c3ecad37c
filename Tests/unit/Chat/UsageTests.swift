import Testing

@testable import Base
@testable import Chat
@testable import Engine

@Suite("Usage is read from every known member, and the last usage counts")
struct UsageTests {
    private let hello = #"{"choices":[{"index":0,"delta":{"content":"a"}}],"usage":null}"#

    private func usage(_ json: String) -> String { #"{"choices":[],"usage":\#(json)}"# }

    @Test func allCounts() throws {
        let harness = try StreamHarness(
            usage(
                #"""
                {"prompt_tokens":1,"completion_tokens":2,"total_tokens":3,\#
                "completion_tokens_details":{"reasoning_tokens":4,"text_tokens":9},\#
                "prompt_tokens_details":{"cached_tokens":5}}
                """#))
        #expect(harness.events == ["usage 2"])
        #expect(harness.usage == [1, 2, 3, 4, 5])
        #expect(harness.cost == nil)
    }

    @Test func detailsOutsideTheirObjects() throws {
        // SGLang (sgl-project/sglang PR 17156), Moonshot (Bike4Mind/bike4mind PR 1089)
        let outside = #""completion_tokens":2,"reasoning_tokens":4,"cached_tokens":5"#
        #expect(try StreamHarness(usage("{\(outside)}")).usage == [-1, 2, -1, 4, 5])
        #expect(
            try StreamHarness(usage(#"{\#(outside),"prompt_tokens_details":null}"#)).usage == [
                -1, 2, -1, 4, 5,
            ])
        let both =
            #"{"completion_tokens_details":{"reasoning_tokens":6},"#
            + #""prompt_tokens_details":{"cached_tokens":7},\#(outside)}"#
        #expect(try StreamHarness(usage(both)).usage == [-1, 2, -1, 6, 7])
    }

    @Test func absentCountsAreNegative() throws {
        #expect(try StreamHarness(hello).usage == nil)
        let empty = try StreamHarness(hello, usage("{}"), #"{"choices":[],"meta":{"usage":{}}}"#)
        #expect(empty.usage == nil && empty.events == ["content 0 a"])
        let invalid = usage(
            #"{"prompt_tokens":null,"completion_tokens":"7","total_tokens":-3,"#
                + #""completion_tokens_details":null,"#
                + #""prompt_tokens_details":[]}"#
        )
        #expect(try StreamHarness(invalid).usage == [-1, -1, -1, -1, -1])
        #expect(
            try StreamHarness(
                usage(#"{"total_tokens":12.0,"prompt_tokens":1e400,"completion_tokens":0.5}"#)
            ).usage == [-1, -1, 12, -1, -1])
    }

    @Test func usageThatIsRepeatedOrNullLater() throws {
        let one =
            #"{"choices":[{"index":0,"delta":{"content":"a"}}],"usage":{"completion_tokens":1}}"#
        let harness = try StreamHarness(
            one, one, hello, usage(#"{"completion_tokens":2}"#), usage("null"))
        #expect(harness.events == ["content 0 a", "usage 1", "content 0 aa", "usage 2"])
        #expect(harness.usage == [-1, 2, -1, -1, -1])
        #expect(
            try harness.isDocument(
                #"{"choices":[{"index":0,"message":{"content":"aaa"}}],"#
                    + #""usage":{"completion_tokens":2}}"#
            ))
    }

    @Test func lastUsageReplacesAllEarlierCounts() throws {
        let details =
            #"{"completion_tokens":1,"total_tokens":9,"completion_tokens_details":{"#
            + #""reasoning_tokens":4},"cost":0.5}"#
        let harness = try StreamHarness(
            usage(details), usage("{}"), usage(#"{"completion_tokens":2}"#))
        #expect(harness.events == ["usage 1", "usage 2"])
        #expect(harness.usage == [-1, 2, -1, -1, -1] && harness.cost == nil)
        // A cost outside `usage` is kept.
        let meta = #""meta":{"usage":{"usd_spent":2}}"#
        for chunks in [
            [#"{"choices":[],\#(meta)}"#, usage(#"{"completion_tokens":2}"#)],
            [usage(details), #"{"choices":[],"usage":{"completion_tokens":2},\#(meta)}"#],
            [usage(details), #"{"choices":[],\#(meta),"usage":{"completion_tokens":2}}"#],
            [
                #"{"choices":[],"usage":{"completion_tokens":1},\#(meta)}"#,
                usage(#"{"completion_tokens":2}"#),
            ],
            [usage(#"{"completion_tokens":2}"#), #"{"choices":[],\#(meta)}"#],
        ] {
            let harness = try StreamHarness([Array(chunks.map { "data: \($0)\n\n" }.joined().utf8)])
            #expect(harness.usage == [-1, 2, -1, -1, -1] && harness.cost == "2.0 USD", "\(chunks)")
        }
    }

    @Test func usageInTheLastChunkWithText() throws {
        // DeepSeek
        let harness = try StreamHarness(
            #"{"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":"stop"}],"#
                + #""usage":{"completion_tokens":1}}"#,
            "[DONE]"
        )
        #expect(harness.events == ["content 0 a", "finish 0 stop", "usage 1"])
    }

    @Test func usageInTheLastChoice() throws {
        // Moonshot (earendil-works/pi#2017)
        let end =
            #"{"choices":[{"index":0,"delta":{},"finish_reason":"stop","#
            + #""usage":{"completion_tokens":1}}]}"#
        let harness = try StreamHarness(hello, end, end, "[DONE]")
        #expect(harness.events == ["content 0 a", "finish 0 stop", "usage 1"])
        #expect(harness.usage == [-1, 1, -1, -1, -1])
        // The `usage` member of the chunk outweighs the choice's.
        let both = end.replacing("]}", with: #"],"usage":{"completion_tokens":2}}"#)
        #expect(try StreamHarness(both).events == ["finish 0 stop", "usage 2"])
        #expect(
            try StreamHarness(end, usage(#"{"completion_tokens":2}"#)).usage == [-1, 2, -1, -1, -1])
    }

    @Test func costs() throws {
        #expect(try StreamHarness(usage(#"{"cost":0.25}"#)).cost == "0.25 USD")
        #expect(try StreamHarness(usage(#"{"cost":null}"#)).cost == nil)
        #expect(try StreamHarness(usage(#"{"cost":-1}"#)).cost == nil)
        func meta(_ json: String) -> String {
            #"{"choices":[],"usage":{"completion_tokens":1},"meta":{"usage":\#(json)}}"#
        }
        #expect(
            try StreamHarness(meta(#"{"credits_used":7022,"usd_spent":0.5}"#)).cost == "0.5 USD")
        #expect(try StreamHarness(meta(#"{"credits_used":7022}"#)).cost == "7022.0 credits")
        #expect(try StreamHarness(meta(#"{"tokens_used":12}"#)).cost == "12.0 credits")
        #expect(try StreamHarness(meta("null")).cost == nil)
        let alone = try StreamHarness(#"{"choices":[],"meta":{"usage":{"usd_spent":0}}}"#)
        #expect(alone.cost == "0.0 USD" && alone.events == ["usage -1"])
        let before = try StreamHarness(
            #"{"meta":{"usage":{"usd_spent":2}},"usage":{"completion_tokens":1},"choices":[]}"#)
        #expect(before.cost == "2.0 USD" && before.events == ["usage 1"])
    }

    @Test func otherMembersAreNotUsage() throws {
        let harness = try StreamHarness(
            #"{"choices":[],"meta":{"region":"eu"},"usage":null}"#, #"{"meta":{}}"#)
        #expect(harness.usage == nil && harness.events == [])
    }
}
