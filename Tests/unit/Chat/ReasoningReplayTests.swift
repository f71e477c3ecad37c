import CThinkwire
import Testing

@testable import Base
@testable import Chat
@testable import Engine

@Suite("Reasoning is sent back in the form that the host requires")
struct ReasoningReplayTests {
    private static let call =
        #""tool_calls":[{"index":0,"id":"c","function":{"name":"f","arguments":"{}"}}]"#

    /// Conversations: a question, the reply to it, the result of its tool call if it has one, and,
    /// for `nextTurn`, another question.
    private func conversation(
        _ reply: StreamHarness, model: String = "m", nextTurn: Bool = false
    ) throws -> Request {
        let made = try request(model: model)
        try made.add("user", "One?")
        try made.addReply(reply.reply)
        if reply.reply.toolCallCount > 0 {
            try made.add(json: #"{"role":"tool","tool_call_id":"c","content":"1"}"#)
        }
        if nextTurn { try made.add("user", "Two?") }
        return made
    }

    /// The members of the assistant's message after its role and content, as they are sent.
    private func message(_ request: Request, to host: String, replay: String? = nil) -> String {
        let text = request.sent(streamed: false, to: host, replay: replay).text
        let start = text.range(of: #"{"role":"assistant","#)!.upperBound
        let end =
            text.range(of: #"},{"role":"#, range: start..<text.endIndex)?.lowerBound
            ?? text.range(of: "}]", options: .backwards)!.lowerBound
        return text[start..<end].replacingOccurrences(of: writtenCall, with: "CALL")
    }

    private let writtenCall =
        #""tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}]"#

    private func reply(_ members: String, calls: Bool = true) throws -> StreamHarness {
        try StreamHarness(delta("{\(members)\(calls ? "," + ReasoningReplayTests.call : "")}"))
    }

    @Test(arguments: [
        // Known hosts.
        ("api.deepseek.com", #""reasoning":"Hm""#, #","reasoning_content":"Hm""#),
        ("api.moonshot.ai", #""reasoning":"Hm""#, #","reasoning_content":"Hm""#),
        ("api.z.ai", #""reasoning_content":"Hm""#, #","reasoning_content":"Hm""#),
        ("localhost:11434", #""reasoning":"Hm""#, #","reasoning":"Hm""#),
        ("openrouter.ai", #""reasoning_content":"Hm""#, #","reasoning":"Hm""#),
        (
            "openrouter.ai", #""reasoning":"Hm","reasoning_details":[{"type":"t","data":"x"}]"#,
            #","reasoning_details":[{"type":"t","data":"x"}]"#
        ),
        (
            "api.minimax.io",
            #""reasoning_content":"Hm","reasoning_details":[{"type":"t","data":"x"}]"#,
            #","reasoning_details":[{"type":"t","data":"x"}]"#
        ),
        ("api.groq.com", #""reasoning":"Hm""#, ""),
        ("api.cerebras.ai", #""reasoning":"Hm""#, ""),
        ("api.mistral.ai", #""reasoning_content":"Hm""#, ""),
        (
            "api.openai.com", #""reasoning":"Hm","reasoning_details":[{"type":"t","data":"x"}]"#, ""
        ),
        // Hosts that require the field receive it even if the model has not reasoned.
        ("api.deepseek.com", #""reasoning_content":"""#, #","reasoning_content":"""#),
        ("api.moonshot.cn", #""reasoning_content":null"#, #","reasoning_content":"""#),
        ("api.z.ai", #""reasoning_content":"""#, ""),
        // Other hosts receive the field that they sent.
        ("llm.example.com", #""reasoning":"Hm""#, #","reasoning":"Hm""#),
        ("llm.example.com", #""reasoning_content":"Hm""#, #","reasoning_content":"Hm""#),
        (
            "llm.example.com", #""reasoning_content":"Hm","reasoning_details":[{"type":"t"}]"#,
            #","reasoning_details":[{"type":"t"}]"#
        ),
        (
            "llm.example.com", #""reasoning_content":"Hm","thinking_blocks":[{"type":"t"}]"#,
            #","thinking_blocks":[{"type":"t"}],"reasoning_content":"Hm""#
        ),
        (
            "api.openai.com", #""reasoning_content":"Hm","thinking_blocks":[{"type":"t"}]"#, ""
        ),
        ("llm.example.com", #""reasoning_opaque":"o""#, #","reasoning_opaque":"o""#),
        ("llm.example.com", #""reasoning":"""#, ""),
    ])
    func formsByHost(_ host: String, _ received: String, _ sent: String) throws {
        #expect(
            try message(conversation(reply(received)), to: host) == #""content":null,CALL"# + sent)
    }

    @Test(arguments: [
        ("llm.example.com", ""), ("localhost:8000", ""), ("api.groq.com", ""),
        ("openrouter.ai", #","reasoning":"Hm""#), ("api.z.ai", #","reasoning_content":"Hm""#),
    ])
    func repliesWithoutToolCalls(_ host: String, _ sent: String) throws {
        let reply = try reply(#""reasoning":"Hm","content":"Hi""#, calls: false)
        #expect(
            try message(conversation(reply, nextTurn: true), to: host) == #""content":"Hi""# + sent)
    }

    @Test func reasoningInTags() throws {
        let reply = try reply(#""content":"<think>\nHm\n</think>\n\nSo:""#)
        let tagged = #""content":"<think>\nHm\n</think>\n\nSo:",CALL"#
        let made = try conversation(reply)
        // The tags are the form in which it was received, and which MiniMax documents.
        #expect(message(made, to: "llm.example.com") == tagged)
        #expect(message(made, to: "api.minimax.io") == tagged)
        #expect(message(made, to: "llm.example.com", replay: "content") == tagged)
        let field = #""content":"So:",CALL,"reasoning_content":"Hm""#
        #expect(message(made, to: "api.deepseek.com") == field)
        #expect(message(made, to: "api.groq.com") == #""content":"So:",CALL"#)
        let unstreamed = StreamHarness(
            document:
                #"{"choices":[{"message":{"content":"<think>Hm</think>",\#(Self.call)}}]}"#)
        #expect(
            try message(conversation(unstreamed), to: "llm.example.com")
                == #""content":"<think>Hm</think>",CALL"#)
    }

    @Test func reasoningInAFieldAndInTags() throws {
        let made = try conversation(
            reply(#""reasoning_content":"Hm","content":"<think>Hm</think>So:""#))
        #expect(
            message(made, to: "llm.example.com")
                == #""content":"So:",CALL,"reasoning_content":"Hm""#)
        #expect(
            message(made, to: "api.minimax.io") == #""content":"<think>Hm</think>So:",CALL"#)
    }

    @Test func reasoningInParts() throws {
        let parts =
            #"[{"type":"thinking","thinking":[{"type":"text","text":"Hm"}]},"#
            + #"{"type":"text","text":"So:"}]"#
        let streamed = try reply(#""content":\#(parts)"#)
        let unstreamed = StreamHarness(
            document: #"{"choices":[{"message":{"content":\#(parts),\#(Self.call)}}]}"#)
        for reply in [streamed, unstreamed] {
            let made = try conversation(reply)
            #expect(message(made, to: "llm.example.com") == #""content":\#(parts),CALL"#)
            #expect(message(made, to: "api.mistral.ai") == #""content":"So:",CALL"#)
            #expect(
                message(made, to: "api.mistral.ai", replay: "content")
                    == #""content":\#(parts),CALL"#)
            #expect(
                message(made, to: "api.z.ai")
                    == #""content":"So:",CALL,"reasoning_content":"Hm""#)
        }
    }

    @Test func signedReasoningOfCopilot() throws {
        let deltas = [
            delta(#"{"reasoning_text":"H","reasoning_opaque":null}"#),
            delta(#"{"reasoning_text":"m"}"#), delta(#"{"reasoning_opaque":"a\/b+c="}"#),
            delta("{\(Self.call)}"),
        ]
        let reply = try StreamHarness([
            Array(deltas.map { "data: \($0)\n\n" }.joined().utf8)
        ])
        for host in ["api.githubcopilot.com", "llm.example.com"] {
            #expect(
                try message(conversation(reply), to: host)
                    == #""content":null,CALL,"reasoning_text":"Hm","reasoning_opaque":"a\/b+c=""#)
        }
    }

    @Test(arguments: [
        ("none", ""), ("reasoning", #","reasoning":"Hm""#), ("x y", #","x y":"Hm""#),
        ("reasoning_content", #","reasoning_content":"Hm""#),
        ("reasoning_details", #","reasoning_details":[{"type":"t","data":"x"}]"#),
        ("thinking_blocks", #","thinking_blocks":[{"type":"thinking"}]"#),
        ("reasoning_text", #","reasoning_text":"Hm","reasoning_opaque":"o""#),
    ])
    func theCallerCanChooseTheForm(_ replay: String, _ sent: String) throws {
        let reply = try reply(
            #""content":"Hi","reasoning":"Hm","reasoning_opaque":"o","#
                + #""thinking_blocks":[{"type":"thinking"}],"#
                + #""reasoning_details":[{"type":"t","data":"x"}]"#, calls: false)
        let made = try conversation(reply, model: "deepseek-chat", nextTurn: true)
        for host in ["api.groq.com", "api.deepseek.com", "openrouter.ai", "llm.example.com"] {
            #expect(message(made, to: host, replay: replay) == #""content":"Hi""# + sent)
        }
    }

    @Test func contentAsTheFormOfReasoningFromAField() throws {
        #expect(
            try message(
                conversation(reply(#""reasoning":"Hm","content":"So:""#)), to: "localhost",
                replay: "content") == #""content":"<think>\nHm\n</think>\n\nSo:",CALL"#)
        #expect(
            try message(
                conversation(reply(#""reasoning":"Hm""#)), to: "localhost", replay: "content")
                == #""content":"<think>\nHm\n</think>\n\n",CALL"#)
    }

    @Test func turnsOfDeepSeek() throws {
        func sent(_ model: String, calls: Bool, tools: Bool) throws -> String {
            let reply = try reply(#""content":"Hi","reasoning_content":"Hm""#, calls: calls)
            let made = try conversation(reply, model: model, nextTurn: true)
            if tools { try made.set("tools", #"[{"type":"function","function":{"name":"f"}}]"#) }
            return made.sent(streamed: false, to: "api.deepseek.com").text
        }
        for calls in [false, true] {
            for tools in [false, true] {
                #expect(
                    try !sent("deepseek-chat", calls: calls, tools: tools)
                        .contains("reasoning_content"))
                #expect(
                    try sent("deepseek-v4-pro", calls: calls, tools: tools)
                        .contains("reasoning_content") == (calls || tools))
            }
        }
    }

    @Test func reasoningOfEarlierTurnsIsOmittedWhereOnlyTheLastTurnCounts() throws {
        let made = try conversation(
            reply(#""reasoning_content":"Hm""#), model: "deepseek-reasoner", nextTurn: true)
        try made.addReply(reply(#""reasoning_content":"Aha""#).reply)
        let text = made.sent(streamed: false, to: "api.deepseek.com").text
        #expect(!text.contains("Hm") && text.contains(#","reasoning_content":"Aha"}]"#))
    }

    @Test func fragmentsOfDetailsAreJoinedByTypeIndexAndId() throws {
        func sent(_ fragments: String...) throws -> String {
            let reply = try StreamHarness([
                Array(
                    fragments.map {
                        "data: \(delta(#"{"reasoning_details":[\#($0)]}"#))\n\n"
                    }.joined().utf8)
            ])
            let text = try message(conversation(reply), to: "openrouter.ai")
            return text.replacingOccurrences(of: #""content":"","reasoning_details":"#, with: "")
        }
        let text = #"{"type":"reasoning.text","index":0,"text":"a"}"#
        let other = #"{"type":"reasoning.text","index":1,"text":"x"}"#
        let encrypted = #"{"type":"reasoning.encrypted","index":0,"data":"ZQ=="}"#
        // Interleaved blocks, and the signature in a fragment of its own (agno-agi/agno#8794).
        #expect(
            try sent(
                text, "\(other),\(encrypted)", #"{"type":"reasoning.text","index":0,"text":"b"}"#,
                #"{"type":"reasoning.text","index":0,"signature":"s"}"#)
                == #"[{"type":"reasoning.text","index":0,"text":"ab","signature":"s"},"#
                + "\(other),\(encrypted)]")
        // Encrypted data is not joined (mastra-ai/mastra#23433).
        #expect(try sent(encrypted, encrypted) == "[\(encrypted),\(encrypted)]")
        // Another id is another block.
        let first = #"{"type":"reasoning.summary","index":0,"id":"1","summary":"a"}"#
        let second = #"{"type":"reasoning.summary","index":0,"id":"2","summary":"b"}"#
        #expect(try sent(first, second) == "[\(first),\(second)]")
        // A member that is null is treated as absent.
        #expect(
            try sent(
                first,
                #"{"type":"reasoning.summary","index":0,"id":null,"summary":"b","data":null}"#)
                == #"[{"type":"reasoning.summary","index":0,"id":"1","summary":"ab","data":null}]"#)
        // Without an index, texts are joined up to a signature.
        #expect(
            try sent(
                #"{"type":"reasoning.text","text":"a"}"#, #"{"type":"reasoning.text","text":"b"}"#,
                #"{"type":"reasoning.text","signature":"s"}"#,
                #"{"type":"reasoning.text","text":"c"}"#)
                == #"[{"type":"reasoning.text","text":"ab","signature":"s"},"#
                + #"{"type":"reasoning.text","text":"c"}]"#)
    }

    @Test func detailsOfAnUnstreamedReplyAreUnchanged() throws {
        let details =
            #"[{"type":"reasoning.encrypted", "index":0,"data":"a\/b"}, "#
            + #"{"type":"reasoning.encrypted","index":0,"data":"c"},7]"#
        let reply = StreamHarness(
            document:
                #"{"choices":[{"message":{"content":"Hi","reasoning_details":\#(details)}}]}"#)
        #expect(
            try message(conversation(reply), to: "openrouter.ai")
                == #""content":"Hi","reasoning_details":"# + details)
    }

    @Test func messagesOfTheCallerAreUnchanged() throws {
        let own = #"{"role":"assistant", "content":"<think>x</think>y","reasoning":"z"}"#
        let made = try request(
            #"{"model":"m","messages":[{"role":"user","content":"One?"},\#(own)]}"#)
        try made.addReply(reply(#""reasoning_content":"Hm""#).reply)
        for host in ["api.groq.com", "api.deepseek.com", "openrouter.ai", "llm.example.com"] {
            #expect(made.sent(streamed: false, to: host).text.contains("},\(own),{"))
        }
    }

    @Test(arguments: ["", "{", "nonsense", "[1]", "null", #"{"a":NaN}"#, #"{"a":1}x"#])
    func invalidArgumentsAreReplaced(_ arguments: String) throws {
        let written = arguments.replacingOccurrences(of: #"""#, with: #"\""#)
        let reply = try StreamHarness(
            calls(#"{"id":"c","function":{"name":"f","arguments":"\#(written)"}}"#))
        #expect(try message(conversation(reply), to: "localhost") == #""content":null,CALL"#)
        // The caller sees what the model wrote.
        #expect(String(Bytes(cString: reply.reply.toolCall(0)!.pointee.arguments)) == arguments)
    }

    @Test func copiesAreIndependentAndKeepTheReasoning() throws {
        let made = try conversation(reply(#""reasoning":"Hm""#))
        let copy = made.copy()
        try made.set("messages", "[]")
        try copy.set("model", #""n""#)
        #expect(made.text.hasPrefix(#"{"model":"m""#))
        #expect(message(copy, to: "localhost").hasSuffix(#","reasoning":"Hm""#))
    }

    @Test(arguments: [
        #""reasoning":"Hm""#, #""reasoning_text":"Hm","reasoning_opaque":"x""#,
        #""reasoning":"Hm","reasoning_details":[{"type":"t","data":"x"}]"#,
        #""content":"<think>Hm</think>Hi""#,
        #""content":[{"type":"thinking","thinking":[{"type":"text","text":"Hm"}]}]"#,
        #""content":"""#,
    ])
    func conversationThatIsStoredAsJSONKeepsTheReasoning(_ members: String) throws {
        let made = try conversation(reply(members))
        let stored = try request(made.text)
        #expect(stored.text == made.text)
        for host in ["api.deepseek.com", "localhost", "openrouter.ai", "api.groq.com"] {
            for replay in [nil, "none", "content", "reasoning_details", "reasoning_text"] {
                let sent = message(stored, to: host, replay: replay)
                #expect(sent == message(made, to: host, replay: replay))
                #expect(!sent.contains("thinkwire"))
            }
        }
    }

    /// Programs that store JSON may sort the members.
    @Test func positionOfTheStoredReasoningDoesNotMatter() throws {
        let made = try request(
            #"{"model":"m","messages":[{"role":"user","content":"One?"},{ "role":"assistant","#
                + #""thinkwire_reasoning" : {"text":"Hm"}, "content":"Hi"}]}"#)
        #expect(
            made.sent(streamed: false, to: "openrouter.ai").text.contains(
                #"{ "role":"assistant", "content":"Hi","reasoning":"Hm"}]"#))
    }

    /// Programs may write members without a value as null, and the member is never sent.
    @Test func storedReasoningOfOtherTypesIsRemoved() throws {
        for value in ["null", #""mine""#, "[]", "1"] {
            let made = try request(
                #"{"model":"m","messages":[{"role":"assistant","content":"Hi","#
                    + #""thinkwire_reasoning":\#(value)}]}"#)
            #expect(
                made.sent(streamed: false, to: "openrouter.ai").text.contains(
                    #"[{"role":"assistant","content":"Hi"}]"#))
        }
    }
}
