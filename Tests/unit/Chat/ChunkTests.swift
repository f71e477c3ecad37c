import Testing

@testable import Base
@testable import Chat
@testable import Engine

@Suite("Chunks are parsed as providers send them")
struct ChunkTests {
    private let hello = delta(#"{"content":"Hello"}"#)

    private func finish(_ reason: String) -> String {
        #"{"choices":[{"index":0,"delta":{},"finish_reason":\#(reason)}]}"#
    }

    @Test(arguments: [
        "null", "{}", #"{"choices":null}"#, #"{"choices":[]}"#, #"{"choices":[{}]}"#,
        #"{"choices":[{"index":0}]}"#,
        #"{"choices":[{"index":0,"delta":null}]}"#, #"{"choices":[{"index":0,"delta":{}}]}"#,
        #"{"choices":[null]}"#,
        #"{"choices":{}}"#,
        #"{"object":"chat.completion.chunk"}"#, "", "  ", #"{"choices":[{"index":0,"delta":[]}]}"#,
        #"{"error":null,"choices":[]}"#,
        #"{"choices":[{"index":0,"delta":{"content":null},"finish_reason":null,"error":null}]}"#,
        #"{"error":false,"choices":[{"index":0,"delta":{},"error":false}]}"#,
        #"{"error":"","choices":[{"index":0,"error":""}]}"#,
        #"{"error":{},"choices":[{"index":0,"error":[]}]}"#,
        #"{"error":0,"choices":[{"index":0,"error":0.0}]}"#,
    ])
    func emptyChunksEmitNoEvents(_ chunk: String) throws {
        let harness = try StreamHarness(chunk, hello, chunk, finish("\"stop\""), chunk)
        #expect(harness.events == ["content 0 Hello", "finish 0 stop"])
        #expect(harness.error == nil && harness.reply.isFinished && harness.usage == nil)
        #expect(jsonProblem(harness.document) == nil)
    }

    @Test func doneEndsTheStream() throws {
        let harness = try StreamHarness(hello, "[DONE]")
        #expect(harness.events == ["content 0 Hello"])
        #expect(harness.reply.isDone && harness.reply.isFinished && harness.finishReason == "")
        #expect(try StreamHarness(hello, " [DONE] ").reply.isDone)
        #expect(try StreamHarness(hello).reply.isFinished == false)
        #expect(try StreamHarness("{}").reply.isFinished == false)
    }

    @Test func finishReasonInTheChunkWithTheLastText() throws {
        let harness = try StreamHarness(
            #"{"choices":[{"finish_reason":"stop","delta":{"content":"Bye"},"index":0}]}"#)
        #expect(harness.events == ["content 0 Bye", "finish 0 stop"])
    }

    @Test func emptyFinishReasonIsAbsent() throws {
        // ollama#4357
        let harness = try StreamHarness(
            #"{"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":""}]}"#)
        #expect(harness.events == ["content 0 a"])
        #expect(!harness.reply.isFinished)
        #expect(try StreamHarness(hello, finish("\"\""), "[DONE]").reply.isFinished)
        // LostRuins/koboldcpp
        let quoted = try StreamHarness(
            #"{"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":"null"}]}"#)
        #expect(
            quoted.events == ["content 0 a"] && !quoted.reply.isFinished
                && quoted.finishReason == "")
        #expect(
            try quoted.isDocument(
                #"{"choices":[{"index":0,"message":{"content":"a"},"finish_reason":null}]}"#))
    }

    @Test(arguments: [
        "length", "content_filter", "tool_calls", "function_call", "insufficient_system_resource",
        "error", "ünknown",
    ])
    func unknownFinishReasonsAreEmitted(_ reason: String) throws {
        let harness = try StreamHarness(hello, finish("\"\(reason)\""))
        #expect(harness.events == ["content 0 Hello", "finish 0 \(reason)"])
        #expect(harness.finishReason == reason)
    }

    @Test func repeatedFinishReasonIsEmittedOnceAndTheLastCounts() throws {
        // Claude models on AI/ML API: two finish chunks, with the usage on the first.
        let harness = try StreamHarness(
            #"{"id":"a","choices":[{"index":0,"delta":{"content":"Hi"}}]}"#,
            #"{"id":"","choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"#
                + #""usage":{"completion_tokens":3}}"#,
            #"{"id":"","choices":[{"index":0,"finish_reason":"stop"}],"usage":null}"#)
        #expect(harness.events == ["content 0 Hi", "finish 0 stop", "usage 3"])
        let changed = try StreamHarness(hello, finish("\"stop\""), finish("\"length\""))
        #expect(changed.events == ["content 0 Hello", "finish 0 stop", "finish 0 length"])
        #expect(changed.finishReason == "length")
    }

    @Test func choicesAreSeparate() throws {
        let harness = try StreamHarness(
            #"{"choices":[{"index":1,"delta":{"content":"b"}},{"index":0,"#
                + #""delta":{"content":"a"}}]}"#,
            #"{"choices":[{"index":0,"delta":{"content":"A"},"finish_reason":"stop"}]}"#,
            #"{"choices":[{"index":1,"delta":{"content":"B"}}]}"#)
        #expect(harness.events == ["content 1 b", "content 0 aA", "finish 0 stop", "content 1 B"])
        #expect(harness.content == "aA")
        #expect(!harness.reply.isFinished)
        #expect(
            try harness.isDocument(
                #"{"choices":[{"index":0,"message":{"content":"aA"},"finish_reason":"stop"},"#
                    + #"{"index":1,"#
                    + #""message":{"content":"bB"}}]}"#
            ))
    }

    @Test func choicesWithoutAnIndexAreNumbered() throws {
        let harness = try StreamHarness(
            #"{"choices":[{"delta":{"content":"a"}},{"delta":{"content":"b"}}]}"#,
            #"{"choices":[{"delta":{"content":"A"}},{"delta":{"content":"B"}}]}"#)
        #expect(harness.reply.choices.map { String($0.content.text) } == ["aA", "bB"])
    }

    @Test func membersInAnyOrder() throws {
        let harness = try StreamHarness(
            #"{"usage":{"completion_tokens":1},"choices":[{"finish_reason":"stop","#
                + #""delta":{"refusal":null,"#
                + #""content":"a"},"index":0}]}"#
        )
        #expect(harness.events == ["content 0 a", "finish 0 stop", "usage 1"])
    }

    @Test func lastOfDuplicateMembersCounts() throws {
        let harness = try StreamHarness(
            #"{"choices":[{"index":0,"delta":{"content":"a","content":"b"},"#
                + #""delta":{"content":"c","\u0063ontent":"d"}}]}"#
        )
        #expect(harness.content == "d")
        #expect(try StreamHarness(delta(#"{"content":"a","content":"b"}"#)).content == "b")
    }

    @Test func escapedNamesEqualPlainNames() throws {
        let harness = try StreamHarness(
            delta(#"{"reasoning_\u0063ontent":"Hm","ref\u0075sal":"no","annot\u0061tions":[1]}"#),
            delta(#"{"cont\u0065nt":"Hi","tool\u005fcalls":[{"id":"x"}],"annotations":[2]}"#))
        #expect(
            harness.events == ["reasoning 0 Hm", "refusal 0 no", "content 0 Hi", "tool 0/0 x  "])
        #expect(
            harness.document
                == #"{"choices":[{"index":0,"message":{"reasoning_content":"Hm","refusal":"no","#
                + #""annotations":[1,2],"content":"Hi","#
                + #""tool_calls":[{"id":"x","type":"function","function":{"name":"","#
                + #""arguments":""}}]}}]}"#
        )
    }

    @Test func unstreamedAnswer() {
        let harness = StreamHarness(
            document: #"""
                 {"id":"x","choices":[{"index":0,"message":{"role":"assistant","content":"Hi",\#
                "refusal":null},"finish_reason":null},
                {"index":1,"message":{"content":"Ho"},"finish_reason":"length"}],
                "usage":{"completion_tokens":2}}
                """#)
        #expect(harness.events == ["content 0 Hi", "content 1 Ho", "finish 1 length", "usage 2"])
        #expect(harness.document.hasPrefix(" {\"id\"") && harness.document.hasSuffix("}}"))
    }

    @Test(arguments: [
        #""delta":null,"message":M"#, #""message":M,"delta":null"#, #""delta":M,"message":null"#,
        #""message":null,"delta":M"#,
        #""delta":{},"message":M"#, #""message":M,"delta":{}"#,
    ])
    func unstreamedAnswerWithMessageAndDelta(_ members: String) {
        let harness = StreamHarness(
            document: #"{"choices":[{\#(members.replacing("M", with: #"{"content":"Hi"}"#))}]}"#)
        #expect(harness.events == ["content 0 Hi"] && harness.error == nil)
    }

    @Test func messageAfterDeltasIsNotEmittedAgain() throws {
        // mozilla-ai/any-llm PR 657, abundantbeing/hermes-browser-extension#11
        func message(_ json: String) -> String {
            #"{"choices":[{"index":0,"finish_reason":"stop","message":\#(json)}]}"#
        }
        let deltas = [
            delta(#"{"role":"assistant","content":"","reasoning_content":"Hm"}"#),
            delta(#"{"content":"Hel","annotations":[1]}"#),
            delta(
                #"{"content":"lo","tool_calls":[{"index":0,"id":"a","function":{"name":"f","#
                    + #""arguments":"{}"}}]}"#
            ),
        ]
        let whole =
            #"{"role":"assistant","reasoning_content":"Hm","content":"Hello","annotations":[1],"#
            + #""tool_calls":[{"id":"a","type":"function","function":{"name":"f","#
            + #""arguments":"{}"}}]}"#
        let harness = try harnessSplitAnywhere(
            (deltas + [message(whole)]).map { "data: \($0)\n\n" }.joined())
        #expect(
            harness.events == [
                "reasoning 0 Hm", "content 0 Hello", "tool 0/0 a f {}", "finish 0 stop",
            ])
        #expect(
            try harness.isDocument(
                #"{"choices":[{"index":0,"finish_reason":"stop","message":\#(whole)}]}"#))
        // Fields that no delta contained are emitted.
        let late = try StreamHarness(
            delta(#"{"content":null,"reasoning_content":"Hm"}"#),
            message(#"{"reasoning_content":"Hm","content":"Hi"}"#))
        #expect(late.events == ["reasoning 0 Hm", "content 0 Hi", "finish 0 stop"])
        let details = try StreamHarness(
            delta(#"{"reasoning_content":"Hm"}"#), delta(#"{"content":"Hi"}"#),
            message(
                #"{"reasoning_content":"Hm","reasoning_details":[{"type":"reasoning.text","#
                    + #""text":"Hm"}],"content":"Hi"}"#
            ))
        #expect(details.events == ["reasoning 0 Hm", "content 0 Hi", "finish 0 stop"])
        let tagged = try StreamHarness(
            delta(#"{"content":"<think>Hm</think>"}"#), delta(#"{"content":"Hi"}"#),
            message(#"{"content":"<think>Hm</think>Hi"}"#))
        #expect(tagged.events == ["reasoning 0 Hm", "content 0 Hi", "finish 0 stop"])
        // Without deltas, each message is a piece.
        let pieces = try StreamHarness(
            message(#"{"content":"Hel"}"#), message(#"{"content":"lo"}"#))
        #expect(pieces.content == "Hello")
    }

    @Test(arguments: [
        #"{"choices":[]}"#, #"{"choices":null}"#, #"{"choices":{}}"#, #"{"choices":[null]}"#,
        #"{"choices":[{}]}"#,
        #"{"choices":[{"index":0,"finish_reason":"stop"}],"usage":{"total_tokens":1}}"#,
        #"{"choices":[{"message":null}]}"#,
        #"{"choices":[{"text":"Hi"}]}"#, #"{"id":"x"}"#, "[]", #"[{"id":"x"}]"#,
        #"[{"error":null}]"#, #"{"error":false}"#,
    ])
    func unstreamedAnswerWithoutAMessageIsNoAnswer(_ document: String) {
        let harness = StreamHarness(document: document)
        guard case .notAnAnswer = harness.error else {
            return #expect(Bool(false), "\(String(describing: harness.error))")
        }
        #expect(harness.events == [])
    }

    @Test func filteredAnswerNeedsNoMessage() {
        for message in ["", #","message":null"#] {
            let harness = StreamHarness(
                document:
                    #"{"choices":[{"finish_reason":"content_filter: PROHIBITED_CONTENT","#
                    + #""index":0\#(message)}]}"#
            )
            #expect(
                harness.error == nil
                    && harness.events == ["finish 0 content_filter: PROHIBITED_CONTENT"])
        }
    }

    @Test func tooManyChoicesEndTheStream() throws {
        let choices = (0...256).map { #"{"index":\#($0),"delta":{"content":"a"}}"# }
        let harness = try StreamHarness(#"{"choices":[\#(choices.joined(separator: ","))]}"#)
        guard case .tooMany = harness.error else {
            return #expect(Bool(false), "\(String(describing: harness.error))")
        }
        #expect(harness.reply.choices.count == 256)
    }

    @Test func invalidChunkEndsTheStream() throws {
        for chunk in ["{\"a\":", "{]", "[1,hello", "{\"choices\":[]} x", "[DONE"] {
            let harness = try StreamHarness(hello, chunk, hello)
            guard case .malformed = harness.error else {
                return #expect(Bool(false), "\(chunk): \(String(describing: harness.error))")
            }
            #expect(harness.content == "Hello")
        }
        for chunk in ["[]", "[{}]"] {
            let harness = try StreamHarness(hello, chunk, hello)
            guard case .notAnAnswer = harness.error else {
                return #expect(Bool(false), "\(chunk): \(String(describing: harness.error))")
            }
        }
    }

    @Test(arguments: [
        "hello", "1", "\"text\"", "true", "null", "[PING]", "2023-02-20 08:40:33.556053", ": ping",
        "ping\ndata: pong",
    ])
    func dataThatIsNoChunkKeepsTheConnectionAlive(_ data: String) throws {
        let harness = try harnessSplitAnywhere(
            "data: \(hello)\n\ndata: \(data)\n\ndata: \(hello)\n\ndata: [DONE]\n\n")
        #expect(harness.events == ["content 0 HelloHello"])
        #expect(harness.error == nil && harness.reply.isDone)
    }

    @Test func eventsWithoutABlankLineBetweenThem() throws {
        // rexxars/eventsource-parser PR 31
        func stream(_ lines: String...) -> String { lines.map { "data: \($0)\n" }.joined() + "\n" }
        let harness = try harnessSplitAnywhere(
            stream(delta(#"{"reasoning":"Hm"}"#), hello, hello)
                + stream(hello, finish("\"stop\""), "[DONE]", hello))
        #expect(harness.events == ["reasoning 0 Hm", "content 0 HelloHelloHello", "finish 0 stop"])
        #expect(harness.error == nil && harness.reply.isDone)
        // An invalid line is an error, and so is text after a chunk in the same line.
        for second in ["{", #"{"choices":[]} x"#] {
            let harness = try harnessSplitAnywhere(stream(hello, second))
            guard case .malformed = harness.error else {
                return #expect(Bool(false), "\(second): \(String(describing: harness.error))")
            }
            #expect(harness.events == ["content 0 Hello"])
        }
        let error = try harnessSplitAnywhere(
            stream(hello, #"{"error":{"message":"no","code":429}}"#))
        #expect(error.events == ["content 0 Hello"] && error.status == "TW_RATE_LIMITED")
        // An event may contain one chunk in several lines.
        #expect(
            try harnessSplitAnywhere(stream(#"{"choices":["#, #"{"delta":{"content":"Hi"}}]}"#))
                .events == ["content 0 Hi"])
    }

    @Test func indexOutsideInt32IsAbsent() throws {
        for index in ["2147483648", "-2147483649", "4294967296", "9223372036854775807", "1e10"] {
            let harness = try StreamHarness(
                #"{"choices":[{"index":1,"delta":{"content":"b"}},{"index":\#(index),"#
                    + #""delta":{"content":"B"}}]}"#,
                #"{"choices":[{"index":\#(index),"delta":{"content":"a"}}]}"#)
            #expect(harness.events == ["content 1 bB", "content 0 a"], "\(index)")
        }
        #expect(
            try StreamHarness(#"{"choices":[{"index":2147483647,"delta":{"content":"a"}}]}"#).events
                == ["content 2147483647 a"])
    }

    @Test func unusualIndexesDoNotTrap() throws {
        for index in [
            "-1", "9223372036854775807", "-9223372036854775808", "1e3", "1e30", "0.5", "\"0\"",
            "null", "{}",
        ] {
            let harness = try StreamHarness(
                #"{"choices":[{"index":\#(index),"delta":{"content":"a","#
                    + #""tool_calls":[{"index":\#(index),"id":"x"}]}}]}"#
            )
            #expect(harness.content == "a" && harness.reply.toolCallCount == 1, "\(index)")
        }
    }
}
