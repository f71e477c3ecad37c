import Testing

@testable import Base
@testable import Chat
@testable import Engine

@Suite("A stream is assembled into the document of an unstreamed answer")
struct ReplyDocumentTests {
    private func lookUp(_ pointer: String, in harness: StreamHarness) -> String? {
        withCopy(pointer) { harness.reply.lookUp($0).map { String($0) } }
    }

    @Test func lastNonNullValuesKeepTheirFirstPosition() throws {
        let harness = try StreamHarness(
            #"{"id":"a","object":"chat.completion.chunk","created":1,"new_field":null,"#
                + #""choices":[{"index":0,"#
                + #""delta":{"role":"assistant"},"finish_reason":null}]}"#,
            #"{"id":"","object":"chat.completion.chunk","created":1,"new_field":{"x":[1, 2]},"#
                + #""late":true,"#
                + #""choices":[{"index":0,"delta":{"content":"Hi"}}]}"#,
            #"{"id":null,"new_field":null,"choices":[{"index":0,"delta":{},"#
                + #""finish_reason":"stop","matched":7}]}"#
        )
        #expect(
            harness.document
                == #"{"id":"","object":"chat.completion","created":1,"new_field":{"x":[1, 2]},"#
                + #""choices":[{"index":0,"message":{"role":"assistant","#
                + #""content":"Hi"},"finish_reason":"stop","matched":7}],"late":true}"#)
    }

    @Test func streamWithoutMembersHasNoDocument() throws {
        #expect(try StreamHarness().document == "")
        #expect(try StreamHarness("null", "", "[DONE]").document == "")
        #expect(try StreamHarness("{}").document == "")
        #expect(lookUp("", in: try StreamHarness()) == nil)
        #expect(lookUp("/a", in: try StreamHarness("[DONE]")) == nil)
    }

    @Test func onlyChunkObjectsAreRenamed() throws {
        #expect(
            try StreamHarness(#"{"object":"chat.completion.chunk"}"#).document
                == #"{"object":"chat.completion"}"#)
        #expect(
            try StreamHarness(#"{"object":"other","choices":[]}"#).document
                == #"{"object":"other","choices":[]}"#)
        #expect(
            try StreamHarness(#"{"object":"other","choices":null}"#).document
                == #"{"object":"other","choices":[]}"#)
    }

    @Test func nullAndEmptyTextsAreKept() throws {
        let harness = try StreamHarness(
            delta(#"{"content":null,"refusal":null,"reasoning_content":""}"#))
        #expect(
            try harness.isDocument(
                #"{"choices":[{"index":0,"message":{"content":null,"refusal":null,"#
                    + #""reasoning_content":""}}]}"#
            ))
        #expect(
            try StreamHarness(delta(#"{"content":""}"#)).isDocument(
                #"{"choices":[{"index":0,"message":{"content":""}}]}"#))
    }

    /// Values that grow in turns, and one that shrinks and grows, move within the document's text.
    @Test func valuesOfChangingLengthsDoNotOverwriteEachOther() throws {
        let lengths = [1, 40, 3, 200, 0, 7, 199, 500, 2, 90]
        let chunks = lengths.indices.map {
            let id = String(repeating: "x", count: lengths[$0])
            return #"{"fingerprint":"\#(id)","choices":[{"index":0,"delta":{"content":"a"},"#
                + #""logprobs":{"content":[\#($0)],"refusal":["r\#($0)"]}}],"tier":\#($0)}"#
        }
        for count in 1...lengths.count {
            let id = String(repeating: "x", count: lengths[count - 1])
            let content = (0..<count).map { "\($0)" }.joined(separator: ",")
            let refusal = (0..<count).map { "\"r\($0)\"" }.joined(separator: ",")
            let text = String(repeating: "a", count: count)
            #expect(
                try StreamHarness(chunks.prefix(count).map { Array("data: \($0)\n\n".utf8) })
                    .document
                    == #"{"fingerprint":"\#(id)","choices":[{"index":0,"message":{"content":"#
                    + #""\#(text)"},"logprobs":{"content":[\#(content)],"#
                    + #""refusal":[\#(refusal)]}}],"#
                    + #""tier":\#(count - 1)}"#)
        }
    }

    @Test func logprobsAreJoined() throws {
        func chunk(_ logprobs: String) -> String {
            #"{"choices":[{"index":0,"delta":{"content":"a"},"logprobs":\#(logprobs)}]}"#
        }
        let harness = try StreamHarness(
            chunk("null"), chunk(#"{"content":[],"refusal":null}"#),
            chunk(#"{"content":[{"token":"a","logprob":-1}],"refusal":null}"#),
            chunk(#"{"content":[{"token":"b"},{"token":"c"}]}"#), chunk("null"))
        #expect(
            try harness.isDocument(
                #"""
                {"choices":[{"index":0,"message":{"content":"aaaaa"},"logprobs":{"content":[\#
                {"token":"a","logprob":-1},{"token":"b"},{"token":"c"}],
                "refusal":null}}]}
                """#))
        for logprobs in ["null", "{}"] {
            #expect(
                try StreamHarness(chunk("null"), chunk(logprobs), chunk("null")).document
                    == #"{"choices":[{"index":0,"message":{"content":"aaa"},"#
                    + #""logprobs":\#(logprobs)}]}"#
            )
        }
    }

    @Test(arguments: ["[]", "[ ]", "[ \t ]", "null"])
    func listsAreJoinedAfterAnyFirstValue(_ first: String) throws {
        let harness = try StreamHarness(
            delta(#"{"annotations":\#(first)}"#),
            delta(#"{"annotations":[ {"type":"url_citation"} ]}"#),
            delta(#"{"annotations":\#(first)}"#),
            delta(#"{"annotations":[2,3]}"#))
        #expect(
            try harness.isDocument(
                #"{"choices":[{"index":0,"message":{"annotations":[{"type":"url_citation"},2,"#
                    + #"3]}}]}"#
            ),
            "\(harness.document)")
    }

    @Test func valuesThatAreNotListsAreKeptUnchanged() throws {
        func annotations(_ values: String...) throws -> String {
            let text = try StreamHarness([
                Array(values.map { "data: \(delta("{\"annotations\":\($0)}"))\n\n" }.joined().utf8)
            ]).document
            return String(
                text.dropFirst(#"{"choices":[{"index":0,"message":{"annotations":"#.count).dropLast(
                    4))
        }
        #expect(try annotations("null", "1", #"{"x":1}"#, "null", #"{"x":2}"#) == #"{"x":2}"#)
        #expect(try annotations("{}", "[1]", "[2]") == "[1,2]")
        #expect(try annotations("[1]", "2", "null") == "2")
    }

    @Test func emptyAudioIsKept() throws {
        for audio in ["null", "{}"] {
            #expect(
                try StreamHarness(delta(#"{"audio":\#(audio)}"#)).isDocument(
                    #"{"choices":[{"index":0,"message":{"audio":\#(audio)}}]}"#))
        }
    }

    @Test func joinedTextsMayBeginWithNull() throws {
        let member = #""audio":{"id":"a","data":null,"transcript":"#
        let nulls = delta(#"{\#(member)null},"function_call":{"name":"f","arguments":null}}"#)
        let null =
            #"{"choices":[{"index":0,"message":{\#(member)null},"function_call":{"name":"f","#
            + #""arguments":null}}}]}"#
        #expect(try StreamHarness(nulls).document == null)
        let call = #""function_call":{"name":"f","arguments":"{}"}"#
        #expect(
            try StreamHarness(
                nulls, delta(#"{"audio":{"transcript":"H"},"function_call":{"arguments":"{}"}}"#),
                nulls
            ).document
                == #"{"choices":[{"index":0,"message":{\#(member)"H"},\#(call)}}]}"#)
    }

    @Test func emptyChoiceIsAnObject() throws {
        #expect(try StreamHarness(#"{"choices":[{}]}"#).isDocument(#"{"choices":[{}]}"#))
        #expect(
            try StreamHarness(#"{"choices":[{"index":0,"delta":{}}]}"#).isDocument(
                #"{"choices":[{"index":0,"message":{}}]}"#))
    }

    @Test func textsAreEscaped() throws {
        let harness = try StreamHarness(
            delta(#"{"content":"\"\\\n\u0000\u001f","reasoning":"\ud83d\ude0a\u2028"}"#))
        #expect(
            try harness.isDocument(
                #"{"choices":[{"index":0,"message":{"content":"\"\\\n\u0000\u001f","#
                    + #""reasoning":"😊\#u{2028}"}}]}"#
            ))
        #expect(lookUp("/choices/0/message/content", in: harness) == "\"\\\n\u{0}\u{1F}")
    }

    @Test func escapedNamesAreKept() throws {
        let harness = try StreamHarness(
            #"{"a\"b":1,"c\/d":2,"choices":[{"e\u00e9":3}]}"#, #"{"a\"b":4}"#)
        #expect(try harness.isDocument(#"{"a\"b":4,"c/d":2,"choices":[{"eé":3}]}"#))
    }

    @Test func lookUpFindsValuesByPointer() throws {
        let harness = try StreamHarness(
            #"{"id":"a\nb","choices":[{"index":0,"delta":{"content":"H"},"#
                + #""finish_reason":"stop"}]}"#,
            delta(#"{"content":"i"}"#),
            #"{"choices":[],"usage":{"completion_tokens": 2, "x":[ ]}}"#)
        #expect(lookUp("/choices/0/message/content", in: harness) == "Hi")
        #expect(lookUp("/id", in: harness) == "a\nb")
        #expect(lookUp("/usage", in: harness) == #"{"completion_tokens": 2, "x":[ ]}"#)
        #expect(lookUp("/usage/completion_tokens", in: harness) == "2")
        #expect(lookUp("", in: harness) == harness.document)
        for absent in ["/choices/1", "/nothing", "id", "/choices/0/delta"] {
            #expect(lookUp(absent, in: harness) == nil, "\(absent)")
        }
    }

    @Test func lookedUpValuesKeepTheirAddress() throws {
        let harness = try StreamHarness(#"{"a":"one","b":"two","choices":[]}"#)
        let first = try #require(withCopy("/a") { harness.reply.lookUp($0) })
        for index in 0..<50 { _ = lookUp("/nothing/\(index)", in: harness) }
        #expect(lookUp("/b", in: harness) == "two")
        #expect(withCopy("/a") { harness.reply.lookUp($0) }?.baseAddress == first.baseAddress)
        #expect(String(first) == "one")
    }

    /// A linear search of earlier lookups would take minutes.
    @Test func manyLookupsAreFast() throws {
        let harness = StreamHarness(document: #"{"choices":[{"message":{}}],"x7":1}"#)
        for _ in 0..<2 {
            for index in 0..<50_000
            where lookUp("/x\(index)", in: harness) != (index == 7 ? "1" : nil) {
                Issue.record("/x\(index)")
            }
        }
    }

    @Test func unstreamedAnswerIsItsOwnDocument() {
        let text =
            "\n{ \"id\" : \"x\", \"choices\":[ {\"message\":{\"content\":\"Hi\"}} ],"
            + " \"odd\":[1e3] }  "
        let harness = StreamHarness(document: text)
        #expect(harness.document == text)
        #expect(lookUp("/choices/0", in: harness) == "{\"message\":{\"content\":\"Hi\"}}")
        #expect(lookUp("/odd/0", in: harness) == "1e3")
    }
}
