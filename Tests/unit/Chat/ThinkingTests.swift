import CThinkwire
import Testing

@testable import Base
@testable import Chat
@testable import Engine

@Suite("Thinking is switched with the fields that the model and the endpoint support")
struct ThinkingTests {
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
            try sent(
                #""reasoning_effort":"low""#, "generativelanguage.googleapis.com", TW_THINKING_ON,
                budget: 100) == #"{"model":"m","reasoning_effort":"low"}"#)
        #expect(
            try sent(#""thinking":{"type":"auto"}"#, "api.z.ai", TW_THINKING_OFF)
                == #"{"model":"m","thinking":{"type":"auto"}}"#)
        #expect(
            try sent(#""reasoning":null"#, "openrouter.ai", TW_THINKING_HIGH)
                == #"{"model":"m","reasoning":null}"#)
        #expect(
            try sent(#""chat_template_kwargs":{"x":1}"#, "localhost", TW_THINKING_ON)
                == #"{"model":"m","chat_template_kwargs":{"x":1}}"#)
    }

    @Test func anEffortOfTheCallerExcludesFieldsThatTheHostRejectsWithIt() throws {
        func sent(_ host: String, _ model: String) throws -> String {
            let made = try request("{\"model\":\"\(model)\",\"reasoning_effort\":\"low\"}")
            try made.setThinking(TW_THINKING_ON, budget: 0)
            return String(made.sent(streamed: false, to: host).text.dropFirst(11 + model.count))
        }
        let own = #","reasoning_effort":"low"}"#
        #expect(try sent("openrouter.ai", "m") == own)
        #expect(try sent("api.moonshot.ai", "kimi-k2.6") == own)
        #expect(
            try sent("api.deepseek.com", "deepseek-v4-pro")
                == #","reasoning_effort":"low","thinking":{"type":"enabled"}}"#)
    }

    @Test(arguments: [
        ("localhost:8000", true), ("localhost:1234", true), ("llm.example.com", true),
        ("localhost:11434", false), ("dashscope.aliyuncs.com", false), ("openrouter.ai", false),
    ])
    func templateTagsAreExpectedWhereTheServerMightNotRemoveThem(_ host: String, _ are: Bool) throws
    {
        let made = try request(model: "Qwen/Qwen3-4B-Thinking-2507")
        withAddress(host) { host, port in
            for dialect in [nil, .chatTemplate, ThinkingDialect.none] {
                let wire = made.wireBody(
                    wantsStream: true, to: HostRows(host: host, port: port), dialect: dialect)
                #expect(
                    wire.expected.templateStartsInsideThink
                        == (are && dialect != ThinkingDialect.none))
            }
        }
    }

    @Test func isThinkingOffFollowsTheSentBody() throws {
        func isOff(_ fields: String, _ mode: tw_thinking, _ host: String = "localhost") throws
            -> Bool
        {
            let made = try request("{\"model\":\"m\"\(fields)}")
            try made.setThinking(mode, budget: 0)
            return withAddress(host) {
                made.wireBody(wantsStream: true, to: HostRows(host: $0, port: $1)).expected
                    .isThinkingOff
            }
        }
        for host in [
            "localhost", "localhost:11434", "api.aimlapi.com", "api.openai.com", "openrouter.ai",
            "api.deepseek.com", "api.groq.com", "gpu.example.com",
        ] {
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
        let deepSeek = "api.deepseek.com"
        #expect(try !isOff(#","thinking":{"type":"enabled"}"#, TW_THINKING_OFF, deepSeek))
        #expect(try isOff(#","thinking":{"type":"disabled"}"#, TW_THINKING_ON, deepSeek))
        #expect(try isOff(#","reasoning_effort":"none""#, TW_THINKING_ON, "api.openai.com"))
        #expect(try !isOff(#","reasoning_effort":"low""#, TW_THINKING_OFF, "api.openai.com"))
        #expect(try isOff(#","reasoning_effort":"minimal""#, TW_THINKING_OFF, "api.openai.com"))
        #expect(try isOff(#","chat_template_kwargs":{"thinking":false}"#, TW_THINKING_ON))
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
