import CThinkwire
import Testing

@testable import Base
@testable import Chat
@testable import Engine

@Suite("Thinking is switched with the fields that the model and the endpoint support")
struct ThinkingTests {
    private let modes = [
        TW_THINKING_OFF, TW_THINKING_ON, TW_THINKING_LOW, TW_THINKING_MEDIUM, TW_THINKING_HIGH,
    ]

    /// The text that each mode adds to the body.
    private func added(_ model: String, _ host: String, _ budget: Int64 = 0) throws -> [String] {
        try modes.map { mode in
            let made = try request("{\"model\":\"\(model)\"}")
            try made.setThinking(mode, budget: mode == TW_THINKING_OFF ? 0 : budget)
            let text = made.sent(streamed: true, to: host).text
            let before = "{\"model\":\"\(model)\""
            let after = ",\"stream\":true,\"stream_options\":{\"include_usage\":true}}"
            #expect(text.hasPrefix(before) && text.hasSuffix(after))
            return String(text.dropFirst(before.count).dropLast(after.count))
        }
    }

    @Test(arguments: [
        "api.aimlapi.com", "dashscope.aliyuncs.com", "dashscope-intl.aliyuncs.com",
        "API.AIMLAPI.COM",
    ])
    func enableThinking(_ host: String) throws {
        let off = #","enable_thinking":false"#
        let on = #","enable_thinking":true"#
        #expect(try added("qwen3-32b", host) == [off, on, on, on, on])
        let bound = on + #","thinking_budget":9000000000"#
        #expect(try added("qwen3-32b", host, 9_000_000_000) == [off, bound, bound, bound, bound])
    }

    @Test(arguments: ["api.aimlapi.com", "127.0.0.1", "example.com"])
    func modelsWithADialectOfTheirOwn(_ host: String) throws {
        let on = #","enable_thinking":true"#
        #expect(
            try added("alibaba/qwen3-32b", host) == [#","enable_thinking":false"#, on, on, on, on])
        for always in ["alibaba/qwen3-next-80b-a3b-thinking", "alibaba/qwen3-vl-32b-thinking"] {
            #expect(try added(always, host) == ["", "", "", "", ""])
            #expect(try added(always, host, 100) == ["", "", "", "", ""])
        }
        #expect(
            try added("alibaba/qwen3.6-35b-a3b", host)
                == [
                    "", #","reasoning_effort":"medium""#, #","reasoning_effort":"low""#,
                    #","reasoning_effort":"medium""#, #","reasoning_effort":"high""#,
                ])
    }

    @Test func openRouter() throws {
        #expect(
            try added("qwen/qwen3-32b", "openrouter.ai") == [
                #","reasoning":{"enabled":false}"#, #","reasoning":{"enabled":true}"#,
                #","reasoning":{"effort":"low"}"#,
                #","reasoning":{"effort":"medium"}"#, #","reasoning":{"effort":"high"}"#,
            ])
        let bound = #","reasoning":{"max_tokens":100}"#
        #expect(
            try added("qwen/qwen3-32b", "openrouter.ai", 100) == [
                #","reasoning":{"enabled":false}"#, bound, bound, bound, bound,
            ])
    }

    @Test(arguments: [
        "localhost", "gpu", "10.0.0.7:8000", "[::1]:8080", "vllm.lan", "gpu.internal",
    ])
    func privateHostsUseTheDialectOfVLLM(_ host: String) throws {
        let off = #","chat_template_kwargs":{"enable_thinking":false}"#
        let on = #","chat_template_kwargs":{"enable_thinking":true}"#
        #expect(try added("Qwen/Qwen3-32B", host) == [off, on, on, on, on])
        let bound =
            on + #","thinking_token_budget":100,"thinking_budget_tokens":100,"#
            + #""reasoning_budget_tokens":100"#
        #expect(try added("Qwen/Qwen3-32B", host, 100) == [off, bound, bound, bound, bound])
    }

    @Test(arguments: [
        "gpu.example.com", "notopenrouter.ai", "api.openai.com.example.com", "myaliyuncs.com",
        "203.0.113.1:11434", "[2001:db8::1]",
    ])
    func unknownPublicHostsReceiveNothing(_ host: String) throws {
        #expect(try added("Qwen/Qwen3-32B", host, 100) == ["", "", "", "", ""])
    }

    @Test func fieldsOfTheCallerTakePrecedence() throws {
        func sent(_ fields: String, _ host: String, _ mode: tw_thinking, budget: Int64 = 0) throws
            -> String
        {
            let made = try request("{\"model\":\"m\",\(fields)}")
            try made.setThinking(mode, budget: budget)
            return made.sent(streamed: false, to: host).text
        }
        #expect(
            try sent(#""enable_thinking":false"#, "api.aimlapi.com", TW_THINKING_ON)
                == #"{"model":"m","enable_thinking":false}"#)
        #expect(
            try sent(
                #""enable_thinking":true,"thinking_budget":7"#, "api.aimlapi.com", TW_THINKING_ON,
                budget: 100)
                == #"{"model":"m","enable_thinking":true,"thinking_budget":7,"stream":true,"#
                + #""stream_options":{"include_usage":true}}"#
        )
        #expect(
            try sent(#""reasoning_effort":"minimal""#, "api.openai.com", TW_THINKING_HIGH)
                == #"{"model":"m","reasoning_effort":"minimal"}"#)
        #expect(
            try sent(#""reasoning":null"#, "openrouter.ai", TW_THINKING_HIGH)
                == #"{"model":"m","reasoning":null}"#)
        #expect(
            try sent(#""chat_template_kwargs":{"x":1}"#, "localhost", TW_THINKING_ON)
                == #"{"model":"m","chat_template_kwargs":{"x":1}}"#)
    }

    @Test func isThinkingOffFollowsTheSentBody() throws {
        func isOff(_ fields: String, _ mode: tw_thinking, _ host: String = "localhost") throws
            -> Bool
        {
            let made = try request("{\"model\":\"m\"\(fields)}")
            try made.setThinking(mode, budget: 0)
            return withAddress(host) {
                made.wireBody(wantsStream: true, host: $0, port: $1).expected.isThinkingOff
            }
        }
        for host in ["localhost", "api.aimlapi.com", "api.openai.com", "openrouter.ai"] {
            #expect(
                try isOff("", TW_THINKING_OFF, host) && !isOff("", TW_THINKING_ON, host)
                    && !isOff("", TW_THINKING_AUTO, host))
        }
        #expect(try !isOff(#","enable_thinking":true"#, TW_THINKING_OFF, "api.aimlapi.com"))
        #expect(try isOff(#","enable_thinking":false"#, TW_THINKING_ON, "api.aimlapi.com"))
        #expect(try !isOff(#","chat_template_kwargs":{"enable_thinking":true}"#, TW_THINKING_OFF))
        #expect(try isOff(#","chat_template_kwargs":{"x":1}"#, TW_THINKING_OFF))
        #expect(try !isOff(#","reasoning":{"enabled":true}"#, TW_THINKING_OFF, "openrouter.ai"))
        #expect(try isOff(#","reasoning":{"enabled":false}"#, TW_THINKING_HIGH, "openrouter.ai"))
        // Two dialects contradict each other: content must not be classified as reasoning.
        #expect(try isOff(#","enable_thinking":true"#, TW_THINKING_OFF))
    }

    @Test func onlyEnableThinkingRequiresAStream() throws {
        let made = try request(model: "alibaba/qwen3-32b")
        #expect(!made.sent(streamed: false, to: "api.aimlapi.com").isStreamed)
        try made.setThinking(TW_THINKING_OFF, budget: 0)
        #expect(!made.sent(streamed: false, to: "api.aimlapi.com").isStreamed)
        try made.setThinking(TW_THINKING_LOW, budget: 0)
        #expect(made.sent(streamed: false, to: "api.aimlapi.com").isStreamed)
        try made.setThinking(TW_THINKING_AUTO, budget: 0)
        #expect(
            made.sent(streamed: false, to: "api.aimlapi.com") == (
                #"{"model":"alibaba/qwen3-32b","messages":[]}"#, false
            ))
        let other = try request(model: "alibaba/qwen3.6-35b-a3b")
        try other.setThinking(TW_THINKING_HIGH, budget: 0)
        #expect(!other.sent(streamed: false, to: "api.aimlapi.com").isStreamed)
    }

    @Test func theModelIsReadInAnySpelling() throws {
        let made = try request(#"{"model":"other","mod\u0065l":"alibaba\/qwen3-vl-32b-thinking"}"#)
        try made.setThinking(TW_THINKING_ON, budget: 0)
        #expect(
            made.sent(streamed: false, to: "localhost").text
                == #"{"model":"other","mod\u0065l":"alibaba\/qwen3-vl-32b-thinking"}"#)
        for body in [#"{"model":null}"#, #"{"model":["alibaba/qwen3-32b"]}"#, "{}"] {
            let made = try request(body)
            try made.setThinking(TW_THINKING_ON, budget: 0)
            #expect(
                made.sent(streamed: false, to: "localhost").text.hasSuffix(
                    #""chat_template_kwargs":{"enable_thinking":true}}"#))
        }
    }

    @Test func invalidModesAndBudgetsAreRejected() throws {
        let made = try request(model: "m")
        #expect(
            complaint { try made.setThinking(tw_thinking(9), budget: 0) }
                == "the thinking mode is unknown: use a value of tw_thinking")
        #expect(
            complaint { try made.setThinking(tw_thinking(.max), budget: 0) }
                == "the thinking mode is unknown: use a value of tw_thinking")
        #expect(
            complaint { try made.setThinking(TW_THINKING_ON, budget: -1) }
                == "the thinking budget is negative: use 0 for no limit")
        #expect(
            complaint { try made.setThinking(TW_THINKING_OFF, budget: 1) }
                == "thinking is off: set its budget to 0")
        #expect(
            made.sent(streamed: false, to: "api.aimlapi.com").text
                == #"{"model":"m","messages":[]}"#)
    }
}
