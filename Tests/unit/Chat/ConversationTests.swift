import CThinkwire
import Testing

@testable import Base
@testable import Chat
@testable import Engine

@Suite("Replies are added to a request, with their reasoning where the endpoint expects it")
struct ConversationTests {
    /// A request with a question, the reply, and another question.
    private func conversation(_ reply: StreamHarness, with model: String = "m") throws -> Request {
        let made = try request(model: model)
        try made.add("user", "One?")
        try made.addReply(reply.reply)
        try made.add("user", "Two?")
        return made
    }

    private func messages(_ message: String) -> String {
        #""messages":[{"role":"user","content":"One?"},\#(message),{"role":"user","#
            + #""content":"Two?"}]"#
    }

    @Test func reasoningIsSentOnlyToEndpointsThatExpectIt() throws {
        let reply = try StreamHarness(
            delta(#"{"reasoning":"H\u006d"}"#), delta(#"{"content":"Hi"}"#))
        let made = try conversation(reply)
        let plain = messages(#"{"role":"assistant","content":"Hi"}"#)
        let stored = messages(
            #"{"role":"assistant","content":"Hi","thinkwire_reasoning":{"text":"Hm","#
                + #""field":"reasoning"}}"#)
        #expect(made.text == #"{"model":"m",\#(stored)}"#)
        for host in [
            "api.deepseek.com", "api.openai.com", "api.aimlapi.com", "localhost",
            "notopenrouter.ai",
        ] {
            #expect(made.sent(streamed: false, to: host).text.contains(plain))
        }
        let withReasoning = messages(#"{"role":"assistant","content":"Hi","reasoning":"Hm"}"#)
        #expect(
            made.sent(streamed: false, to: "openrouter.ai").text
                == #"{"model":"m",\#(withReasoning)}"#)
        let known = try conversation(reply, with: "alibaba/qwen3-32b")
        #expect(known.sent(streamed: false, to: "openrouter.ai").text.contains(plain))
    }

    @Test func severalReplies() throws {
        let made = try conversation(StreamHarness(delta(#"{"reasoning":"a","content":"A"}"#)))
        try made.addReply(StreamHarness(delta(#"{"content":"B"}"#)).reply)
        try made.addReply(StreamHarness(delta(#"{"reasoning":"c","content":"C"}"#)).reply)
        #expect(
            made.sent(streamed: false, to: "openrouter.ai").text.contains(
                messages(#"{"role":"assistant","content":"A","reasoning":"a"}"#).dropLast()
                    + #",{"role":"assistant","content":"B"},{"role":"assistant","content":"C","#
                    + #""reasoning":"c"}]"#
            ))
        // An image changes the last message, but not those with reasoning.
        try made.add("user", "And this?")
        try made.add(image: "https://host/a.png")
        #expect(
            made.sent(streamed: false, to: "openrouter.ai").text.contains(
                #""content":"C","reasoning":"c"},{"role":"user""#))
        // Reasoning is dropped when the messages are replaced.
        try made.set(
            "messages", #"[{"role":"user","content":"One?"},{"role":"assistant","content":"X"}]"#)
        #expect(!made.sent(streamed: false, to: "openrouter.ai").text.contains("reasoning"))
    }

    @Test func blocksOfAnUnstreamedReply() throws {
        let blocks =
            #"[{"type":"reasoning.encrypted","data":"x","id":"1","index":0},"#
            + #"{"type":"reasoning.text","text":"Hm","signature":"s"}]"#
        let reply = StreamHarness(
            document:
                #"{"choices":[{"message":{"content":"Hi","reasoning":"Hm","#
                + #""reasoning_details":\#(blocks)}}]}"#
        )
        #expect(
            try conversation(reply).sent(streamed: false, to: "openrouter.ai").text.contains(
                messages(#"{"role":"assistant","content":"Hi","reasoning_details":\#(blocks)}"#)))
    }

    @Test func blocksOfAStreamAreJoined() throws {
        func details(_ blocks: String) -> String { delta(#"{"reasoning_details":[\#(blocks)]}"#) }
        let reply = try StreamHarness(
            details(#"{"type":"reasoning.summary","summary":"H","format":"f","index":0}"#),
            details(#"{"type":"reasoning.summary","summary":"m\ud83d","format":null,"index":0}"#),
            details(
                #"{"type":"reasoning.summary","summary":"\ude0a","index":0},"#
                    + #"{"type":"reasoning.text","text":"Aha","signature":null,"index":1}"#),
            details(#"{"type":"reasoning.text","text":"!","signature":"s","index":1}"#),
            details("{}"),
            delta(#"{"content":"Hi"}"#))
        #expect(
            try conversation(reply).sent(streamed: false, to: "openrouter.ai").text.contains(
                #""reasoning_details":[{"type":"reasoning.summary","summary":"Hm😊","format":"f","#
                    + #""index":0},"#
                    + #"{"type":"reasoning.text","text":"Aha!","signature":"s","index":1},{}]}"#))
    }

    @Test func blocksWithoutATextHaveNull() throws {
        let block = #"{"type":"reasoning.text","text":null,"signature":"s","index":0}"#
        let reply = try StreamHarness(delta(#"{"content":"Hi","reasoning_details":[\#(block)]}"#))
        #expect(
            try conversation(reply).sent(streamed: false, to: "openrouter.ai").text.contains(
                #","reasoning_details":[\#(block)]}"#))
    }

    /// Quadratic time in the number of fragments or members would be half a minute here.
    @Test func blocksOfVeryManyFragmentsAndMembers() throws {
        let names = (0..<200).map { #""k\#($0)":1"# }.joined(separator: ",")
        let fragments = (0..<15_000).map { #"{"type":"t","index":0,"k\#($0 % 200)":1,"text":"a"}"# }
        let members = (0..<30_000).map { #""k\#($0)":1"# }.joined(separator: ",")
        let head = #"{"type":"t","index":0,"#
        let separate = (0..<15_000).map { #"{"type":"t","index":\#($0)}"# }
        for (blocks, sent) in [
            (fragments, head + #""k0":1,"text":""#),
            ([head + members + "}"], head + names),
            ([head + members + "}"] + fragments, head + names),
            (separate, separate[0]),
        ] {
            let events = stride(from: 0, to: blocks.count, by: 5_000).map {
                let part = blocks.dropFirst($0).prefix(5_000).joined(separator: ",")
                let chunk = delta(#"{"content":"Hi","reasoning_details":[\#(part)]}"#)
                return Array("data: \(chunk)\n\n".utf8)
            }
            let reply = try StreamHarness(events)
            let text = try conversation(reply).sent(streamed: false, to: "openrouter.ai").text
            #expect(text.contains(#""reasoning_details":[\#(sent)"#) && text.utf8.count < 1_000_000)
        }
    }

    @Test func blocksOfTheFirstChoiceAtAnyPosition() throws {
        let choices = [1, 0].map {
            #"{"index":\#($0),"message":{"content":"\#($0)","#
                + #""reasoning_details":[{"type":"reasoning.text","text":"of \#($0)"}]}}"#
        }
        let reply = StreamHarness(
            document: #"{"choices":[null,\#(choices.joined(separator: ","))]}"#)
        #expect(
            try conversation(reply).sent(streamed: false, to: "openrouter.ai").text.contains(
                #"{"role":"assistant","content":"0","#
                    + #""reasoning_details":[{"type":"reasoning.text","text":"of 0"}]}"#
            ))
    }

    @Test func thinkTagsAreNotSent() throws {
        let reply = try StreamHarness(
            delta(#"{"content":"<think>Hm</think>Hi"}"#),
            #"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#)
        let text = try conversation(reply).sent(streamed: false, to: "openrouter.ai").text
        #expect(text.contains(#"{"role":"assistant","content":"Hi","reasoning":"Hm"}"#))
    }

    @Test func theFirstChoiceIsAdded() throws {
        let reply = try StreamHarness(
            #"{"choices":[{"index":1,"delta":{"content":"B"}}]}"#,
            #"{"choices":[{"index":0,"delta":{"content":"A"}}]}"#)
        #expect(try conversation(reply).text.contains(#"{"role":"assistant","content":"A"}"#))
    }

    @Test func nullIsOmittedForModelsThatRejectIt() throws {
        let reply = try StreamHarness(
            delta(
                #"{"content":null,"tool_calls":[{"id":"c","function":{"name":"f","#
                    + #""arguments":"{}"}}]}"#
            ))
        let calls =
            #""tool_calls":[{"id":"c","type":"function","function":{"name":"f","#
            + #""arguments":"{}"}}]}"#
        func sent(_ made: Request) -> String { made.sent(streamed: false, to: "localhost").text }
        #expect(
            try sent(conversation(reply)).contains(#"{"role":"assistant","content":null,\#(calls)"#)
        )
        #expect(
            try sent(conversation(reply, with: "alibaba/qwen3-32b")).contains(
                #"{"role":"assistant",\#(calls)"#))
    }

    @Test func otherMembersOfAToolCallAreSent() throws {
        // Gemini rejects a tool result without this member; the schemas of the four models allow
        // it.
        let call =
            #"{"id":"c","type":"function","function":{"name":"f","arguments":"{}","x":1},"#
            + #""extra_content":{"google":{"thought_signature":"S"}}}"#
        let streamed = try StreamHarness(delta(#"{"content":null,"tool_calls":[\#(call)]}"#))
        let whole = StreamHarness(
            document: #"{"choices":[{"message":{"content":null,"tool_calls":[\#(call)]}}]}"#)
        for reply in [streamed, whole] {
            for model in ["m", "alibaba/qwen3-32b"] {
                #expect(
                    try conversation(reply, with: model).text.contains(#""tool_calls":[\#(call)]"#))
            }
        }
    }

    @Test func toolCallsOfOtherTypes() throws {
        let reply = try StreamHarness(
            delta(#"{"tool_calls":[{"id":"c","type":"custom","custom":{"name":"f","input":"x"}}]}"#)
        )
        let call = #"{"id":"c","type":"custom","custom":{"name":"f","input":"x"}}"#
        #expect(try conversation(reply).text.contains(call))
        #expect(
            complaint { _ = try conversation(reply, with: "alibaba/qwen3-32b") }
                == #"message.tool_calls[0].type must be "function", not "custom" "#
                + #"(alibaba/qwen3-32b)"#
        )
    }

    @Test func messagesMustBeAnArray() throws {
        let made = try request(#"{"model":"m","messages":{}}"#)
        #expect(
            complaint {
                try made.addReply(StreamHarness(delta(#"{"reasoning":"a","content":"A"}"#)).reply)
            } != nil)
        #expect(
            made.sent(streamed: false, to: "openrouter.ai").text == #"{"model":"m","messages":{}}"#)
    }
}
