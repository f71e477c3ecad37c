import CThinkwire
import Testing

@testable import Base
@testable import Chat
@testable import Engine

/// The messages of schema violations. The Python tests compare the accepted values with the
/// provider's schemas.
@Suite("Values that a model's schema excludes are rejected with the field, the rule and the value")
struct ModelSchemasTests {
    private let qwen3 = "alibaba/qwen3-32b"

    private func problem(_ model: String, _ field: String, _ value: String) throws -> String? {
        let made = try request(model: model)
        let before = made.text
        let problem = complaint { try made.set(field, value) }
        if problem != nil { #expect(made.text == before) }
        return problem
    }

    @Test func numbers() throws {
        #expect(
            try problem(qwen3, "temperature", "3")
                == "temperature must be at most 2, not 3 (alibaba/qwen3-32b)")
        #expect(try problem(qwen3, "temperature", " 2 ") == nil)
        #expect(
            try problem(qwen3, "temperature", "-1e-9")
                == "temperature must be at least 0, not -1e-9 (alibaba/qwen3-32b)")
        #expect(try problem(qwen3, "max_tokens", "1e999") == nil)
        #expect(
            try problem(qwen3, "temperature", "1e999")
                == "temperature must be at most 2, not 1e999 (alibaba/qwen3-32b)")
        #expect(try problem(qwen3, "seed", "1e3") == nil)
        #expect(try problem(qwen3, "seed", "1e300") == nil)
        #expect(
            try problem(qwen3, "seed", "1.5")
                == "seed must be a whole number, not 1.5 (alibaba/qwen3-32b)")
        #expect(
            try problem(qwen3, "seed", "0") == "seed must be at least 1, not 0 (alibaba/qwen3-32b)")
    }

    /// `Request.addMessage` relies on that.
    @Test(arguments: [
        "alibaba/qwen3-32b", "alibaba/qwen3-next-80b-a3b-thinking", "alibaba/qwen3-vl-32b-thinking",
        "alibaba/qwen3.6-35b-a3b",
    ])
    func textsOfUserAndSystemAreAlwaysValid(_ model: String) throws {
        for role in ["user", "system"] {
            #expect(
                try problem(model, "messages", #"[{"role":"\#(role)","content":"a"}]"#) == nil)
        }
        #expect(try problem(model, "messages", #"[{"role":"tool","content":"a"}]"#) != nil)
    }

    @Test func theModelSelectsTheSchema() throws {
        let penalty = "2.5"
        #expect(
            try problem(qwen3, "thinking_budget", "0")
                == "thinking_budget must be at least 1, not 0 (alibaba/qwen3-32b)")
        #expect(try problem("alibaba/qwen3.6-35b-a3b", "thinking_budget", "0") == nil)
        #expect(
            try problem("alibaba/qwen3.6-35b-a3b", "logit_bias", #"{"1":101}"#)
                == "logit_bias.1 must be at most 100, not 101 (alibaba/qwen3.6-35b-a3b)")
        #expect(try problem(qwen3, "logit_bias", #"{"1":101}"#) == nil)
        #expect(
            try problem("alibaba/qwen3-32b#cut=9", "presence_penalty", penalty)?.hasSuffix(
                "(alibaba/qwen3-32b)") == true)
        for other in ["m", "alibaba/qwen3-32b-instruct", "#alibaba/qwen3-32b", "alibaba/qwen3-3"] {
            #expect(try problem(other, "presence_penalty", penalty) == nil)
        }
    }

    @Test func theModelAtTheTimeOfTheCallCounts() throws {
        let made = try request(#"{"temperature":3}"#)
        try made.set("top_p", "7")
        try made.set("model", #""alibaba\/qwen3-32b""#)
        #expect(complaint { try made.set("top_p", "8") } != nil)
        try made.set("seed", "1")
        #expect(made.text == #"{"temperature":3,"top_p":7,"model":"alibaba\/qwen3-32b","seed":1}"#)
        try made.set("model", "7")
        try made.set("top_p", "8")
    }

    @Test func pathsOfNestedValues() throws {
        #expect(
            try problem(
                qwen3, "messages",
                #"[{"role":"user","content":"a"},{"role":"user","content":[{"type":"text"}]}]"#)
                == "messages[1].content[0].text is missing (alibaba/qwen3-32b)")
        #expect(
            try problem(
                qwen3, "tools",
                #"[{"type":"function","function":{"name":"f","parameters":{},"\n":1}}]"#
            )
                == "tools[0].function.\\n is an unknown field (alibaba/qwen3-32b)")
        let long = String(repeating: "ä", count: 300)
        let message = try #require(try problem(qwen3, "tool_choice", "\"\(long)\""))
        #expect(message.hasPrefix(#"tool_choice must be "none", "auto" or "required", not "äää"#))
        #expect(message.hasSuffix("ä… (alibaba/qwen3-32b)") && message.utf8.count < 250)
    }

    @Test func duplicateMembersAreAllChecked() throws {
        let double = #"{"type":"function","function":{"name":1},"function":{"name":"f"}}"#
        #expect(
            try problem(qwen3, "tool_choice", double)
                == "tool_choice.function.name must be a string, not 1 (alibaba/qwen3-32b)")
    }

    @Test func messagesAndImages() throws {
        let made = try request(model: qwen3)
        #expect(
            complaint { try made.add("developer", "a") }
                == #"message.role must be "user", "system", "tool" or "assistant", not "#
                + #""developer" (alibaba/qwen3-32b)"#
        )
        #expect(
            complaint { try made.add("tool", "a") }
                == "message.tool_call_id is missing (alibaba/qwen3-32b)")
        try made.add("user", "a")
        #expect(
            complaint { try made.add(image: "https://host/a.png") }
                == #"message.content[0].type must be "text", not "image_url" (alibaba/qwen3-32b)"#)
        try made.add(json: #"{"role":"developer","content":null}"#)
        #expect(
            made.text.hasSuffix(
                #"[{"role":"user","content":"a"},{"role":"developer","content":null}]}"#))
        for sees in ["alibaba/qwen3-vl-32b-thinking", "alibaba/qwen3.6-35b-a3b", "m"] {
            try request(model: sees).add(image: "https://host/a.png", "low")
        }
    }

    /// The sanitizer checks that no byte after the end is read.
    @Test func truncatedTextsAreRejected() throws {
        let whole = Array(
            (#"[{"role":"user","content":[{"type":"text","text":"a"}]},{"role":"tool","#
                + #""content":"a","tool_call_id":"c"}]"#)
                .utf8)
        for end in 0..<whole.count {
            let made = try request(model: qwen3)
            #expect(
                complaint {
                    try made.set("messages", String(decoding: whole[..<end], as: UTF8.self))
                } != nil)
        }
    }
}
