import CPlatform
import CThinkwire
import Testing

@testable import Base
@testable import Chat
@testable import Engine

@Suite("Each host receives the fields for thinking that it accepts")
struct HostFieldsTests {
    /// The text that a mode adds to the body.
    private func added(
        _ mode: tw_thinking, budget: Int64 = 0, _ model: String, _ address: String,
        _ dialect: ThinkingDialect? = nil
    ) throws -> String {
        let made = try request("{\"model\":\"\(model)\"}")
        try made.setThinking(mode, budget: budget)
        let text = made.sent(streamed: true, to: address, dialect).text
        let before = "{\"model\":\"\(model)\""
        let after = ",\"stream\":true,\"stream_options\":{\"include_usage\":true}}"
        #expect(text.hasPrefix(before) && text.hasSuffix(after))
        return String(text.dropFirst(before.count).dropLast(after.count))
    }

    /// What a host receives when thinking is off, is on, has low effort, has maximum effort, and
    /// has a budget of 2000 tokens. "" is nothing.
    struct Expected: CustomStringConvertible, Sendable {
        let address: String
        let models: [String]
        let off, on, low, max, budget: String

        var description: String { "\(address) \(models)" }

        init(
            _ address: String, _ models: String..., off: String, on: String, low: String? = nil,
            max: String? = nil, budget: String? = nil
        ) {
            (self.address, self.models, self.off, self.on) = (address, models, off, on)
            (self.low, self.max, self.budget) = (low ?? on, max ?? on, budget ?? on)
        }

        /// A host that has only efforts. A budget of 2000 tokens is equivalent to medium.
        static func efforts(
            _ address: String, _ models: String..., off: String?, on: String?, low: String?,
            max: String?
        ) -> Expected {
            func field(_ value: String?) -> String {
                value.map { #","reasoning_effort":"\#($0)""# } ?? ""
            }
            return Expected(
                address, models, field(off), field(on), field(low), field(max), field(on))
        }

        static func nothing(_ address: String, _ models: String...) -> Expected {
            Expected(address, models, "", "", "", "", "")
        }

        private init(
            _ address: String, _ models: [String], _ off: String, _ on: String, _ low: String,
            _ max: String, _ budget: String
        ) {
            (self.address, self.models, self.off, self.on) = (address, models, off, on)
            (self.low, self.max, self.budget) = (low, max, budget)
        }

        /// The fields of `thinking: {"type"}`, with the accepted efforts.
        static func type(
            _ address: String, _ models: String..., low: String = "", max: String = ""
        ) -> Expected {
            let on = #","thinking":{"type":"enabled"}"#
            return Expected(
                address, models, #","thinking":{"type":"disabled"}"#, on, on + low, on + max, on)
        }
    }

    private static let enable = #","enable_thinking":true"#
    private static let disable = #","enable_thinking":false"#
    private static let local =
        #","thinking_token_budget":2000,"thinking_budget_tokens":2000,"#
        + #""reasoning_budget_tokens":2000"#
    private static let google =
        #","extra_body":{"google":{"thinking_config":{"include_thoughts":true,"#
        + #""thinking_budget":2000}}}"#

    private static let rows: [Expected] = [
        .nothing(
            "example.com", "alibaba/qwen3-next-80b-a3b-thinking", "alibaba/qwen3-vl-32b-thinking"),
        .init(
            "127.0.0.1:8000", "alibaba/qwen3-32b", off: disable, on: enable,
            budget: enable + #","thinking_budget":2000"#),
        .efforts(
            "localhost", "alibaba/qwen3.6-35b-a3b", off: nil, on: "medium", low: "low",
            max: "high"),
        .init(
            "API.AIMLAPI.COM", "qwen3-32b", "alibaba/qwen3-max", off: disable, on: enable,
            budget: enable + #","thinking_budget":2000"#),
        .efforts(
            "api.aimlapi.com", "openai/gpt-5-2025-08-07", "o3-mini", off: nil, on: "medium",
            low: "low", max: "high"),
        .init(
            "dashscope-intl.aliyuncs.com", "qwen3-max", "deepseek-v3.2", "glm-4.7", off: disable,
            on: enable, budget: enable + #","thinking_budget":2000"#),
        .nothing("dashscope.aliyuncs.com", "qwq-plus", "qvq-max", "deepseek-r1", "MiniMax-M2.5"),
        .init(
            "dashscope.aliyuncs.com", "qwen3-235b-a22b-thinking-2507", "kimi-k2-thinking", off: "",
            on: "", budget: #","thinking_budget":2000"#),
        .type(
            "api.deepseek.com", "deepseek-chat", "deepseek-v4-pro", "m",
            low: #","reasoning_effort":"low""#, max: #","reasoning_effort":"max""#),
        .type("api.z.ai", "glm-4.6", "glm-4.7", "glm-5"),
        .type(
            "open.bigmodel.cn", "glm-5.2", low: #","reasoning_effort":"low""#,
            max: #","reasoning_effort":"max""#),
        .efforts("api.z.ai", "glm-5.3", off: nil, on: "low", low: "low", max: "max"),
        .nothing("api.moonshot.ai", "kimi-k2-thinking-turbo", "moonshot-v1-8k"),
        .type("api.moonshot.cn", "kimi-k2.5", "kimi-k2.6"),
        .type("api.xiaomimimo.com", "mimo-v2.5-pro", "mimo-v2-flash"),
        .efforts("api.moonshot.ai", "kimi-k3", off: nil, on: "low", low: "low", max: "max"),
        .nothing("api.minimax.io", "MiniMax-M2", "MiniMax-M2.7-highspeed"),
        .type("api.minimaxi.com", "MiniMax-M3"),
        .type(
            "ark.cn-beijing.volces.com", "doubao-seed-1-8-251228", "ark-code-latest",
            low: #","reasoning_effort":"low""#, max: #","reasoning_effort":"high""#),
        .type("ark.ap-southeast.bytepluses.com", "kimi-k2-5-260127", "ep-20250101"),
        .nothing(
            "api.openai.com", "gpt-4o", "gpt-5-chat-latest", "o1-mini", "o1-preview-2024-09-12"),
        .efforts("api.openai.com", "gpt-5-pro", off: nil, on: "high", low: "high", max: "high"),
        .efforts(
            "api.openai.com", "gpt-5-codex", "o1", "o3-mini", "o4-mini", off: nil, on: "medium",
            low: "low", max: "high"),
        .efforts(
            "api.openai.com", "gpt-5.1", off: "none", on: "medium", low: "low", max: "high"),
        .efforts(
            "me.openai.azure.com", "gpt-5.2", "gpt-5.4-mini", "my-gpt-5.5", off: "none",
            on: "medium", low: "low", max: "xhigh"),
        .efforts(
            "api.openai.com", "gpt-5.6-sol", "gpt-6.1", off: "none", on: "medium", low: "low",
            max: "max"),
        .efforts(
            "api.openai.com", "gpt-5", "gpt-5-mini", "gpt-5-nano-2025-08-07", off: "minimal",
            on: "medium", low: "low", max: "high"),
        .nothing(
            "generativelanguage.googleapis.com", "gemini-2.0-flash", "gemini-1.5-pro", "gemma-3"),
        .init(
            "generativelanguage.googleapis.com", "gemini-2.5-flash", "models/gemini-2.5-flash-lite",
            off: #","reasoning_effort":"none""#, on: #","reasoning_effort":"medium""#,
            low: #","reasoning_effort":"low""#, max: #","reasoning_effort":"high""#,
            budget: google),
        .init(
            "aiplatform.googleapis.com", "google/gemini-2.5-pro", "google/gemini-3-pro-preview",
            off: "", on: #","reasoning_effort":"medium""#, low: #","reasoning_effort":"low""#,
            max: #","reasoning_effort":"high""#, budget: google),
        .init(
            "generativelanguage.googleapis.com", "gemini-3-flash-preview",
            off: #","reasoning_effort":"minimal""#, on: #","reasoning_effort":"medium""#,
            low: #","reasoning_effort":"low""#, max: #","reasoning_effort":"high""#,
            budget: google),
        .efforts("api.x.ai", "grok-3-mini", off: nil, on: "low", low: "low", max: "high"),
        .efforts("api.x.ai", "grok-4.3", off: "none", on: "medium", low: "low", max: "high"),
        .nothing("api.x.ai", "grok-4", "grok-4-fast-reasoning", "grok-3"),
        .efforts(
            "api.groq.com", "openai/gpt-oss-120b", off: nil, on: "medium", low: "low",
            max: "high"),
        .efforts(
            "api.groq.com", "qwen/qwen3-32b", off: "none", on: "default", low: "default",
            max: "default"),
        .nothing("api.groq.com", "llama-3.3-70b-versatile"),
        .efforts(
            "api.cerebras.ai", "gpt-oss-120b", off: nil, on: "medium", low: "low", max: "high"),
        .efforts(
            "api.cerebras.ai", "zai-glm-4.7", "qwen-3.8-27b", off: "none", on: nil, low: nil,
            max: nil),
        .nothing("api.cerebras.ai", "llama3.1-8b"),
        .efforts(
            "api.mistral.ai", "mistral-small-latest", "mistral-medium-3-5", off: "none",
            on: "high", low: "high", max: "high"),
        .nothing("api.mistral.ai", "magistral-medium-latest", "mistral-large-latest"),
        .efforts(
            "api.together.xyz", "openai/gpt-oss-20b", off: nil, on: "medium", low: "low",
            max: "high"),
        .efforts(
            "api.together.ai", "zai-org/GLM-5.3", off: nil, on: "medium", low: "low", max: "max"),
        .nothing("api.together.xyz", "moonshotai/Kimi-K2-Thinking", "MiniMaxAI/MiniMax-M2.7"),
        .init(
            "api.together.xyz", "Qwen/Qwen3.5-9B", "deepseek-ai/DeepSeek-V3.1",
            off: #","reasoning":{"enabled":false}"#, on: #","reasoning":{"enabled":true}"#),
        .efforts(
            "api.fireworks.ai", "accounts/fireworks/models/gpt-oss-120b", off: nil, on: "medium",
            low: "low", max: "high"),
        .efforts(
            "api.fireworks.ai", "accounts/fireworks/models/kimi-k2p6", off: "none", on: "medium",
            low: "low", max: "high"),
        .init(
            "api.fireworks.ai", "accounts/fireworks/models/qwen3p6-plus",
            off: #","reasoning_effort":"none""#, on: #","reasoning_effort":"medium""#,
            low: #","reasoning_effort":"low""#, max: #","reasoning_effort":"high""#,
            budget: #","reasoning_effort":2000"#),
        .init(
            "api.siliconflow.cn", "Qwen/Qwen3-8B", off: disable, on: enable,
            budget: enable + #","thinking_budget":2000"#),
        .init(
            "api.siliconflow.com", "deepseek-ai/DeepSeek-V4-Flash", off: disable, on: enable,
            low: enable + #","reasoning_effort":"low""#,
            max: enable + #","reasoning_effort":"max""#,
            budget: enable + #","thinking_budget":2000"#),
        .init(
            "api.siliconflow.cn", "Qwen/QwQ-32B", "deepseek-ai/DeepSeek-R1", off: "", on: "",
            budget: #","thinking_budget":2000"#),
        .init(
            "openrouter.ai", "qwen/qwen3-32b", "anthropic/claude-sonnet-4.5",
            off: #","reasoning":{"enabled":false}"#, on: #","reasoning":{"enabled":true}"#,
            low: #","reasoning":{"effort":"low"}"#, max: #","reasoning":{"effort":"max"}"#,
            budget: #","reasoning":{"max_tokens":2000}"#),
        .nothing("api.githubcopilot.com", "claude-sonnet-4.5"),
        .efforts(
            "127.0.0.1:11434", "qwen3", "gpt-oss:20b", off: "none", on: "medium", low: "low",
            max: "max"),
        .efforts("ollama.com", "qwen3", off: "none", on: "medium", low: "low", max: "max"),
        .efforts("localhost:1234", "qwen3", off: "none", on: "medium", low: "low", max: "high"),
        .efforts(
            "10.1.2.3:8000", "openai/gpt-oss-20b", off: nil, on: "medium", low: "low",
            max: "high"),
        .init(
            "vllm.lan", "deepseek-ai/DeepSeek-V3.1", "moonshotai/Kimi-K2.5",
            off: #","chat_template_kwargs":{"thinking":false}"#,
            on: #","chat_template_kwargs":{"thinking":true}"#,
            budget: #","chat_template_kwargs":{"thinking":true}"# + local),
        .init(
            "[::1]:8080", "Qwen/Qwen3-32B", "zai-org/GLM-4.7",
            off: #","chat_template_kwargs":{"enable_thinking":false}"#,
            on: #","chat_template_kwargs":{"enable_thinking":true}"#,
            budget: #","chat_template_kwargs":{"enable_thinking":true}"# + local),
        .init(
            "gpu", "m", off: #","chat_template_kwargs":{"enable_thinking":false}"#,
            on: #","chat_template_kwargs":{"enable_thinking":true}"#,
            budget: #","chat_template_kwargs":{"enable_thinking":true}"# + local),
    ]

    @Test(arguments: rows) func whatEachHostReceives(_ row: Expected) throws {
        for model in row.models {
            #expect(try added(TW_THINKING_OFF, model, row.address) == row.off)
            #expect(try added(TW_THINKING_NONE, model, row.address) == row.off)
            #expect(try added(TW_THINKING_ON, model, row.address) == row.on)
            #expect(try added(TW_THINKING_LOW, model, row.address) == row.low)
            #expect(try added(TW_THINKING_MAX, model, row.address) == row.max)
            #expect(try added(TW_THINKING_ON, budget: 2000, model, row.address) == row.budget)
            #expect(try added(TW_THINKING_AUTO, model, row.address) == "")
        }
    }

    @Test func everyRowOfTheTableIsTested() {
        // Rows with the same text differ in their address.
        var untested = Set<UnsafePointer<UInt8>>()
        var lines = Fields(Bytes(cString: platform_hosts()), UInt8(ascii: "\n"))
        while let line = lines.next() {
            if line.first == UInt8(ascii: "\t") { untested.insert(line.baseAddress!) }
        }
        for row in HostFieldsTests.rows {
            for model in row.models {
                let tested = withAddress(row.address) { host, port in
                    withCopy(model) { HostRows(host: host, port: port).row(for: $0) }
                }
                if let tested { untested.remove(tested.baseAddress!) }
            }
        }
        for row in untested {
            Issue.record("no test of the row \(String(cString: row).prefix(60))")
        }
    }

    @Test func effortsThatAHostDoesNotAcceptAreReplacedByTheNearestLowerOne() throws {
        func efforts(_ model: String, _ host: String) throws -> [String] {
            try [
                TW_THINKING_MINIMAL, TW_THINKING_LOW, TW_THINKING_MEDIUM, TW_THINKING_HIGH,
                TW_THINKING_XHIGH, TW_THINKING_MAX,
            ].map { try added($0, model, host) }
                .map { String($0.dropFirst(#","reasoning_effort":""#.count).dropLast()) }
        }
        #expect(
            try efforts("gpt-5", "api.openai.com")
                == ["minimal", "low", "medium", "high", "high", "high"])
        #expect(
            try efforts("gpt-5.6", "api.openai.com")
                == ["low", "low", "medium", "high", "xhigh", "max"])
        #expect(
            try efforts("kimi-k3", "api.moonshot.ai")
                == ["low", "low", "low", "high", "high", "max"])
    }

    @Test func aBudgetSelectsAnEffortWhereThereIsNoFieldForIt() throws {
        for (budget, effort) in [
            (1, "low"), (1024, "low"), (1025, "medium"), (8192, "medium"), (8193, "high"),
            (Int64.max, "high"),
        ] as [(Int64, String)] {
            let field = #","reasoning_effort":"\#(effort)""#
            #expect(
                try added(TW_THINKING_ON, budget: budget, "gpt-5", "api.openai.com") == field)
        }
        // An effort that the caller chose takes precedence.
        #expect(
            try added(TW_THINKING_HIGH, budget: 1, "gpt-5", "api.openai.com")
                == #","reasoning_effort":"high""#)
    }

    @Test func dialectsThatTheCallerChoseSendEverythingTheyCan() throws {
        let host = "llm.example.com"
        for (mode, effort) in [
            (TW_THINKING_OFF, "none"), (TW_THINKING_MINIMAL, "minimal"), (TW_THINKING_LOW, "low"),
            (TW_THINKING_MEDIUM, "medium"), (TW_THINKING_HIGH, "high"),
            (TW_THINKING_XHIGH, "xhigh"), (TW_THINKING_MAX, "max"),
        ] {
            #expect(
                try added(mode, "m", host, .reasoningEffort)
                    == #","reasoning_effort":"\#(effort)""#)
        }
        #expect(
            try added(TW_THINKING_ON, budget: 100, "m", host, .thinkingType)
                == #","thinking":{"type":"enabled","budget_tokens":100}"#)
        #expect(
            try added(TW_THINKING_XHIGH, "m", host, .reasoningObject)
                == #","reasoning":{"effort":"xhigh"}"#)
        #expect(
            try added(TW_THINKING_ON, budget: 100, "gpt-5", "api.openai.com", .some(.none)) == "")
        #expect(
            try added(TW_THINKING_OFF, "gpt-5", "api.openai.com", .enableThinking)
                == #","enable_thinking":false"#)
    }

    @Test(arguments: [
        "gpu.example.com", "notopenrouter.ai", "api.openai.com.example.com", "myaliyuncs.com",
        "203.0.113.1:11434", "[2001:db8::1]",
    ])
    func unknownPublicHostsReceiveNothing(_ host: String) throws {
        for mode in [TW_THINKING_OFF, TW_THINKING_ON, TW_THINKING_MAX] {
            #expect(
                try added(mode, budget: mode == TW_THINKING_OFF ? 0 : 100, "Qwen/Qwen3-32B", host)
                    == "")
        }
    }
}
