import Foundation
import Testing

@testable import Base
@testable import Chat
@testable import Engine

@Suite("Tool calls are assembled from every known kind of fragment")
struct ToolCallTests {
    @Test func fragmentsByIndex() throws {
        let harness = try StreamHarness(
            delta(#"{"role":"assistant","content":null}"#),
            calls(
                #"{"index":0,"id":"call_1","type":"function","function":{"name":"weather","#
                    + #""arguments":""}}"#
            ),
            calls(#"{"index":0,"function":{"arguments":"{\"city\":"}}"#),
            calls(#"{"index":0,"function":{"arguments":"\"Rome\"}"}}"#),
            calls(
                #"{"index":1,"id":"call_2","type":"function","function":{"name":"time","#
                    + #""arguments":"{}"}}"#
            ),
            #"{"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}"#)
        #expect(
            harness.events == [
                #"tool 0/0 call_1 weather {"city":"Rome"}"#, "tool 0/1 call_2 time {}",
                "finish 0 tool_calls",
            ])
        #expect(
            harness.toolCalls == [#"0/0 call_1 weather {"city":"Rome"}"#, "0/1 call_2 time {}"])
        #expect(
            try harness.isDocument(
                #"""
                {"choices":[{"index":0,"finish_reason":"tool_calls",
                "message":{"role":"assistant","content":null,"tool_calls":[
                {"id":"call_1","type":"function",
                "function":{"name":"weather","arguments":"{\"city\":\"Rome\"}"}},
                {"id":"call_2","type":"function","function":{"name":"time","arguments":"{}"}}]}}]}
                """#))
    }

    @Test func beginningOfACallIsEmittedWithoutArguments() throws {
        let harness = try StreamHarness(
            calls(#"{"index":0,"id":"a","function":{"name":"f","arguments":""}}"#))
        #expect(harness.events == ["tool 0/0 a f "])
    }

    @Test func alternatingFragmentsOfTwoCalls() throws {
        let harness = try StreamHarness(
            calls(
                #"{"index":0,"id":"a","function":{"name":"f","arguments":"{"}}"#,
                #"{"index":1,"id":"b","function":{"name":"g","arguments":"["}}"#),
            calls(
                #"{"index":1,"function":{"arguments":"]"}}"#,
                #"{"index":0,"function":{"arguments":"}"}}"#))
        #expect(harness.toolCalls == ["0/0 a f {}", "0/1 b g []"])
    }

    @Test func laterEmptyOrNullIDIsIgnored() throws {
        let harness = try StreamHarness(
            calls(#"{"index":0,"id":"a","function":{"name":"f","arguments":"{"}}"#),
            calls(#"{"index":0,"id":"","function":{"name":"","arguments":"\"x\":1"}}"#),
            calls(#"{"index":0,"id":null,"function":{"name":null,"arguments":"}"}}"#))
        #expect(harness.toolCalls == [#"0/0 a f {"x":1}"#])
    }

    @Test func nullNameOrArgumentsAreIgnored() throws {
        let harness = try StreamHarness(
            calls(#"{"index":0,"id":"a","function":{"name":"f","arguments":null}}"#),
            calls(#"{"index":0,"function":{"name":null,"arguments":"{}"}}"#),
            calls(#"{"index":0,"function":null}"#),
            calls(#"{"index":0}"#))
        #expect(harness.toolCalls == ["0/0 a f {}"])
        #expect(harness.events == ["tool 0/0 a f {}"])
    }

    @Test func idRepeatedWithEveryFragment() throws {
        let harness = try StreamHarness(
            calls(#"{"index":0,"id":"a","function":{"name":"f","arguments":"{"}}"#),
            calls(#"{"index":0,"id":"a","function":{"name":"f","arguments":"}"}}"#),
            calls(#"{"index":0,"id":"a","function":{"name":"f","arguments":""}}"#))
        #expect(harness.toolCalls == ["0/0 a f {}"])
    }

    @Test func wholeCallInOneDelta() throws {
        // Ollama's own API sends the arguments as an object.
        let harness = try StreamHarness(
            calls(
                #"{"id":"a","index":0,"type":"function","function":{"name":"f","#
                    + #""arguments":{"city": "Rome"}}}"#
            ),
            #"{"choices":[{"index":0,"delta":{"content":""},"finish_reason":"tool_calls"}]}"#)
        #expect(harness.events == [#"tool 0/0 a f {"city": "Rome"}"#, "finish 0 tool_calls"])
        #expect(
            try withJSON(harness.document) {
                String(
                    $0.value(
                        at: StaticText.bytes("/choices/0/message/tool_calls/0/function/arguments"))!
                        .raw)
            } == #""{\"city\": \"Rome\"}""#)
    }

    @Test func argumentsThatAreNotJSON() throws {
        let harness = try StreamHarness(
            calls(#"{"index":0,"id":"a","function":{"name":"f","arguments":"city: Rome\n"}}"#),
            calls(#"{"index":0,"function":{"arguments":"}"}}"#))
        #expect(harness.toolCalls == ["0/0 a f city: Rome\n}"])
    }

    @Test func indexesWithGapsAndInAnyOrder() throws {
        let harness = try StreamHarness(
            calls(#"{"index":7,"id":"a","function":{"name":"f","arguments":"{"}}"#),
            calls(#"{"index":2,"id":"b","function":{"name":"g","arguments":"{"}}"#),
            calls(#"{"index":7,"function":{"arguments":"}"}}"#),
            calls(#"{"index":2,"function":{"arguments":"}"}}"#))
        #expect(harness.toolCalls == ["0/0 a f {}", "0/1 b g {}"])
    }

    @Test func nameInPieces() throws {
        let harness = try StreamHarness(
            calls(#"{"index":0,"id":"a","function":{"name":"get_"}}"#),
            calls(#"{"index":0,"function":{"name":"weather"}}"#),
            calls(#"{"index":0,"function":{"arguments":"{}"}}"#))
        #expect(harness.toolCalls == ["0/0 a get_weather {}"])
    }

    @Test func callsOfSeveralChoices() throws {
        let harness = try StreamHarness(
            #"{"choices":[{"index":1,"delta":{"tool_calls":[{"index":0,"id":"b","#
                + #""function":{"name":"g","arguments":"{}"}}]}}]}"#,
            #"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"a","#
                + #""function":{"name":"f","arguments":"{}"}}]}}]}"#
        )
        #expect(harness.events == ["tool 1/0 b g {}", "tool 0/0 a f {}"])
        #expect(harness.toolCalls == ["0/0 a f {}", "1/0 b g {}"])
    }

    @Test func customCalls() throws {
        let harness = try StreamHarness(
            calls(
                #"{"index":0,"id":"a","type":"custom","custom":{"name":"sql","input":"select "}}"#),
            calls(#"{"index":0,"custom":{"input":"1"}}"#))
        #expect(harness.toolCalls == ["0/0 a sql select 1"])
        #expect(
            try harness.isDocument(
                #"{"choices":[{"index":0,"message":{"tool_calls":[{"id":"a","type":"custom","#
                    + #""custom":{"name":"sql","input":"select 1"}}]}}]}"#
            ))
    }

    @Test func customCallWithNullMembers() throws {
        let call =
            #"{"index":0,"id":"a","type":"custom","function":null,"custom":{"name":"sql","#
            + #""arguments":null,"input":"1"}}"#
        #expect(try StreamHarness(calls(call)).toolCalls == ["0/0 a sql 1"])
    }

    @Test func unknownMembersOfACallAreKept() throws {
        // Gemini: earendil-works/pi#3234, BerriAI/litellm#16893
        let harness = try StreamHarness(
            calls(
                #"{"index":0,"id":"a","type":"function","extra_content":{"google":{"#
                    + #""thought_signature":"S"}},"#
                    + #""function":{"name":"f","arguments":"{","strict":null}}"#,
                #"{"index":1,"id":"b","function":{"name":"g"}}"#),
            calls(
                #"{"index":0,"extra_content":null,"function":{"\u0061rguments":"}","#
                    + #""strict":true},"x\"":[1]}"#
            ))
        let first =
            #"{"id":"a","type":"function","function":{"name":"f","arguments":"{}","strict":true},"#
            + #""extra_content":{"google":{"thought_signature":"S"}},"x\"":[1]}"#
        let second = #"{"id":"b","type":"function","function":{"name":"g","arguments":""}}"#
        #expect(
            harness.document
                == #"{"choices":[{"index":0,"message":{"tool_calls":[\#(first),\#(second)]}}]}"#)
    }

    @Test func unknownMembersOfCallsAreLimited() throws {
        let many = (0..<300).map { #""k\#($0)":1"# }.joined(separator: ",")
        let harness = try StreamHarness([
            Array(
                (0..<9).map { "data: \(calls(#"{"index":\#($0),"id":"\#($0)",\#(many)}"#))\n\n" }
                    .joined().utf8)
        ])
        #expect(harness.reply.toolCallCount == 9)
        #expect(
            harness.document.components(separatedBy: #""k255":1"#).count == 5
                && !harness.document.contains("k256"))
    }

    @Test func deprecatedFunctionCallIsJoined() throws {
        let harness = try StreamHarness(
            delta(#"{"content":null,"function_call":{"name":"f","arguments":""}}"#),
            delta(#"{"function_call":{"arguments":"{\"a\""}}"#),
            delta(#"{"function_call":{"arguments":":1}"}}"#),
            delta(#"{"function_call":null}"#))
        let call = #"{"name":"f","arguments":"{\"a\":1}"}"#
        #expect(
            harness.document
                == #"{"choices":[{"index":0,"message":{"content":null,"function_call":\#(call)}}]}"#
        )
        #expect(
            try StreamHarness(delta(#"{"function_call":null}"#)).document
                == #"{"choices":[{"index":0,"message":{"function_call":null}}]}"#)
    }

    @Test func callsOfAnUnstreamedAnswer() {
        let harness = StreamHarness(
            document: #"""
                {"choices":[{"index":0,"message":{"content":null,"tool_calls":[
                {"id":"a","type":"function","function":{"name":"f","arguments":"{\"x\":1}"}},
                {"id":"b","type":"function","function":{"name":"g","arguments":""}}]},
                "finish_reason":"tool_calls"}]}
                """#)
        #expect(harness.toolCalls == [#"0/0 a f {"x":1}"#, "0/1 b g "])
        #expect(
            harness.events == [#"tool 0/0 a f {"x":1}"#, "tool 0/1 b g ", "finish 0 tool_calls"])
    }

    @Test func fragmentsThatAreNotObjectsAreIgnored() throws {
        let harness = try StreamHarness(
            delta(#"{"tool_calls":null}"#), delta(#"{"tool_calls":[]}"#),
            delta(#"{"tool_calls":[null,1,"a"]}"#),
            delta(#"{"tool_calls":{}}"#))
        #expect(harness.events == [] && harness.toolCalls == [] && harness.error == nil)
        #expect(try harness.isDocument(#"{"choices":[{"index":0,"message":{"tool_calls":null}}]}"#))
    }

    @Test func tooManyCallsEndTheStream() throws {
        let many = (0...1024).map {
            #"{"index":\#($0),"id":"\#($0)","function":{"name":"f","arguments":"{}"}}"#
        }
        let harness = try StreamHarness(delta(#"{"tool_calls":[\#(many.joined(separator: ","))]}"#))
        guard case .tooMany = harness.error else {
            return #expect(Bool(false), "\(String(describing: harness.error))")
        }
        #expect(harness.reply.toolCallCount == 1024)
    }

    @Test func fragmentsWithEverySplit() throws {
        let stream = [
            calls(
                #"{"index":0,"id":"a","type":"function","function":{"name":"f","#
                    + #""arguments":"{\"é\":\"\ud83d"}}"#
            ),
            calls(#"{"index":0,"function":{"arguments":"\ude0a\"}"}}"#), "[DONE]",
        ]
        let harness = try harnessSplitAnywhere(stream.map { "data: \($0)\r\n\r\n" }.joined())
        #expect(harness.toolCalls == [#"0/0 a f {"é":"😊"}"#])
    }
}
