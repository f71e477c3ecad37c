import Foundation
import Testing

@testable import Base
@testable import Chat
@testable import Engine

@Suite("Calls of tools are put together from every kind of fragment")
struct ToolCallTests {
    /// A delta with these fragments.
    private func calls(_ fragments: String...) -> String {
        delta(#"{"tool_calls":[\#(fragments.joined(separator: ","))]}"#)
    }

    @Test func fragmentsByIndex() throws {
        let harness = try StreamHarness(
            delta(#"{"role":"assistant","content":null}"#),
            calls(
                #"{"index":0,"id":"call_1","type":"function","function":{"name":"weather","arguments":""}}"#
            ),
            calls(#"{"index":0,"function":{"arguments":"{\"city\":"}}"#),
            calls(#"{"index":0,"function":{"arguments":"\"Rome\"}"}}"#),
            calls(
                #"{"index":1,"id":"call_2","type":"function","function":{"name":"time","arguments":"{}"}}"#
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
                {"choices":[{"index":0,"finish_reason":"tool_calls","message":{"role":"assistant","content":null,"tool_calls":[
                {"id":"call_1","type":"function","function":{"name":"weather","arguments":"{\"city\":\"Rome\"}"}},
                {"id":"call_2","type":"function","function":{"name":"time","arguments":"{}"}}]}}]}
                """#))
    }

    @Test func theBeginningIsToldThoughItHasNoArguments() throws {
        let harness = try StreamHarness(
            calls(#"{"index":0,"id":"a","function":{"name":"f","arguments":""}}"#))
        #expect(harness.events == ["tool 0/0 a f "])
    }

    @Test func fragmentsOfTwoCallsAlternate() throws {
        let harness = try StreamHarness(
            calls(
                #"{"index":0,"id":"a","function":{"name":"f","arguments":"{"}}"#,
                #"{"index":1,"id":"b","function":{"name":"g","arguments":"["}}"#),
            calls(
                #"{"index":1,"function":{"arguments":"]"}}"#,
                #"{"index":0,"function":{"arguments":"}"}}"#))
        #expect(harness.toolCalls == ["0/0 a f {}", "0/1 b g []"])
    }

    @Test func anIDThatIsEmptyOrNullLater() throws {
        let harness = try StreamHarness(
            calls(#"{"index":0,"id":"a","function":{"name":"f","arguments":"{"}}"#),
            calls(#"{"index":0,"id":"","function":{"name":"","arguments":"\"x\":1"}}"#),
            calls(#"{"index":0,"id":null,"function":{"name":null,"arguments":"}"}}"#))
        #expect(harness.toolCalls == [#"0/0 a f {"x":1}"#])
    }

    @Test func aNameOrArgumentsThatAreNull() throws {
        let harness = try StreamHarness(
            calls(#"{"index":0,"id":"a","function":{"name":"f","arguments":null}}"#),
            calls(#"{"index":0,"function":{"name":null,"arguments":"{}"}}"#),
            calls(#"{"index":0,"function":null}"#),
            calls(#"{"index":0}"#))
        #expect(harness.toolCalls == ["0/0 a f {}"])
        #expect(harness.events == ["tool 0/0 a f {}"])
    }

    @Test func theIDRepeatedWithEveryFragment() throws {
        let harness = try StreamHarness(
            calls(#"{"index":0,"id":"a","function":{"name":"f","arguments":"{"}}"#),
            calls(#"{"index":0,"id":"a","function":{"name":"f","arguments":"}"}}"#),
            calls(#"{"index":0,"id":"a","function":{"name":"f","arguments":""}}"#))
        #expect(harness.toolCalls == ["0/0 a f {}"])
    }

    @Test func everyCallCountedAsZero() throws {
        // openai-python#3201
        let harness = try StreamHarness(
            calls(#"{"index":0,"id":"a","function":{"name":"f","arguments":"{\"x\":"}}"#),
            calls(#"{"index":0,"function":{"arguments":"1}"}}"#),
            calls(#"{"index":0,"id":"b","function":{"name":"f","arguments":"{\"x\":"}}"#),
            calls(#"{"index":0,"function":{"arguments":"2}"}}"#))
        #expect(harness.toolCalls == [#"0/0 a f {"x":1}"#, #"0/1 b f {"x":2}"#])
    }

    @Test func anIDThatSeveralCallsHave() throws {
        // skye-harris/hass_local_openai_llm#92, HKUDS/nanobot#3943 and #4059
        let byIndex = try StreamHarness(
            calls(#"{"index":0,"id":"x","function":{"name":"f","arguments":""}}"#),
            calls(#"{"index":0,"id":"x","function":{"arguments":"{}"}}"#),
            calls(#"{"index":1,"id":"x","function":{"name":"g","arguments":""}}"#),
            calls(#"{"index":1,"id":"x","function":{"arguments":"[]"}}"#))
        #expect(byIndex.toolCalls == ["0/0 x f {}", "0/1 x g []"])
        for place in ["", #""index":0,"#] {
            let whole = try StreamHarness(
                calls(#"{\#(place)"id":"x","function":{"name":"f","arguments":"{}"}}"#),
                calls(#"{\#(place)"id":"x","function":{"name":"f","arguments":"[1]"}}"#),
                calls(#"{\#(place)"id":"x","function":{"name":"g","arguments":""}}"#),
                calls(#"{\#(place)"id":"x","function":{"name":"g","arguments":"[2]"}}"#))
            #expect(whole.toolCalls == ["0/0 x f {}", "0/1 x f [1]", "0/2 x g [2]"])
        }
    }

    @Test func whatRepeatsIDAndNameWithNothingElseIsTheSameCall() throws {
        let pieces = [#""{\"a\":""#, #""1""#, #""}""#, #""""#, "null", #"" \n""#]
        let harness = try harness(
            pieces.map { calls(#"{"id":"x","function":{"name":"f","arguments":\#($0)}}"#) })
        #expect(harness.toolCalls == ["0/0 x f {\"a\":1} \n"])
    }

    @Test func whatRepeatsIndexAndNameWithNothingElseIsTheSameCall() throws {
        // vllm-project/vllm#13078 and #16340: its last piece is empty.
        let pieces = [#"{\"a\":"#, "1}", ""]
        let harness = try harness(
            pieces.map { calls(#"{"index":0,"function":{"name":"f","arguments":"\#($0)"}}"#) })
        #expect(harness.toolCalls == [#"0/0  f {"a":1}"#])
        let again = #"{"index":0,"function":{"name":"f","arguments":"{}"}}"#
        #expect(
            try StreamHarness(calls(again), calls(again)).toolCalls == ["0/0  f {}", "0/1  f {}"])
    }

    /// To read the arguments again for each would be seconds.
    @Test func veryMuchThatRepeatsACallAndBringsWhiteSpace() throws {
        let text = #"["\#(String(repeating: "a", count: 900_000))"]"#
        let first = calls(
            #"{"id":"x","function":{"name":"f","arguments":\#(String(reflecting: text))}}"#)
        let blank = calls(#"{"id":"x","function":{"name":"f","arguments":" "}}"#)
        let harness = try harness([first] + Array(repeating: blank, count: 1000))
        #expect(harness.toolCalls == ["0/0 x f \(text)" + String(repeating: " ", count: 1000)])
    }

    @Test func callsOfAWholeAnswerAreNeverFragments() {
        let calls = ["x", "x", ""].map {
            #"{"id":"\#($0)","function":{"name":"f","arguments":""}}"#
        }.joined(separator: ",")
        let harness = StreamHarness(
            document: #"{"choices":[{"message":{"tool_calls":[\#(calls),\#(calls)]}}]}"#)
        #expect(
            harness.toolCalls == [
                "0/0 x f ", "0/1 x f ", "0/2  f ", "0/3 x f ", "0/4 x f ", "0/5  f ",
            ])
    }

    @Test func anotherIDIsAnotherCallThoughTheFirstHasNoArguments() throws {
        let harness = try StreamHarness(
            calls(#"{"index":0,"id":"a","function":{"name":"f","arguments":""}}"#),
            calls(#"{"index":0,"id":"b","function":{"name":"f","arguments":"{"}}"#),
            calls(#"{"index":0,"id":"c","function":{"name":"f","arguments":"["}}"#))
        #expect(harness.toolCalls == ["0/0 a f ", "0/1 b f {", "0/2 c f ["])
    }

    @Test func anIDThatChangesWithinACall() throws {
        // poolsideai/pool#9: the first fragment of a call has one id, and the others have another.
        let harness = try StreamHarness(
            calls(#"{"index":0,"id":"a","function":{"name":"f","arguments":""}}"#),
            calls(#"{"index":0,"id":"b","function":{"arguments":"{\"x\":"}}"#),
            calls(
                #"{"index":1,"id":"c","function":{"name":"g","arguments":"["}}"#,
                #"{"index":1,"id":"d","function":{"arguments":"]"}}"#),
            calls(#"{"index":0,"id":"b","function":{"arguments":"1}"}}"#),
            calls(#"{"index":0,"id":"b","function":{"arguments":""}}"#))
        #expect(harness.toolCalls == [#"0/0 a f {"x":1}"#, "0/1 c g []"])
        // What comes behind arguments that are whole is another call, if its name comes later.
        let later = try StreamHarness(
            calls(#"{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}}"#),
            calls(#"{"index":0,"id":"b","function":{}}"#),
            calls(#"{"index":0,"id":"b","function":{"name":"g","arguments":"[]"}}"#))
        #expect(later.toolCalls == ["0/0 a f {}", "0/1 b g []"])
    }

    @Test func anIndexThatCountsFragments() throws {
        // dirac-run/dirac PR 215: Nebius, Cerebras
        let harness = try StreamHarness(
            calls(#"{"index":0,"id":"a","function":{"name":"f","arguments":""}}"#),
            calls(#"{"index":1,"function":{"arguments":"{\"x\":"}}"#),
            calls(#"{"index":2,"function":{"arguments":"1}"}}"#),
            calls(#"{"index":3,"id":"b","function":{"name":"g","arguments":"["}}"#),
            calls(#"{"index":4,"function":{"arguments":"]"}}"#))
        #expect(harness.toolCalls == [#"0/0 a f {"x":1}"#, "0/1 b g []"])
    }

    @Test func noIndexAtAll() throws {
        // openai-python#2806
        let harness = try StreamHarness(
            calls(#"{"id":"a","function":{"name":"f","arguments":"{"}}"#),
            calls(#"{"function":{"arguments":"}"}}"#),
            calls(#"{"id":"b","function":{"name":"g","arguments":""}}"#),
            calls(#"{"function":{"arguments":"{}"}}"#))
        #expect(harness.toolCalls == ["0/0 a f {}", "0/1 b g {}"])
    }

    @Test func neitherIndexNorID() throws {
        let harness = try StreamHarness(
            calls(
                #"{"function":{"name":"f","arguments":"{\"x\":1}"}}"#,
                #"{"function":{"name":"g","arguments":"{}"}}"#),
            calls(#"{"function":{"name":"f","arguments":"{\"x\":2}"}}"#))
        #expect(harness.toolCalls == [#"0/0  f {"x":1}"#, "0/1  g {}", #"0/2  f {"x":2}"#])
    }

    @Test func severalWithoutArgumentsNorIndexNorIDInOneDelta() throws {
        let harness = try StreamHarness(
            calls(
                #"{"function":{"name":"f","arguments":""}}"#,
                #"{"function":{"name":"g","arguments":""}}"#))
        #expect(harness.toolCalls == ["0/0  f ", "0/1  g "])
    }

    @Test func aWholeCallInOneDelta() throws {
        // Ollama, whose own API gives the arguments as an object.
        let harness = try StreamHarness(
            calls(
                #"{"id":"a","index":0,"type":"function","function":{"name":"f","arguments":{"city": "Rome"}}}"#
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

    @Test func aNameInPieces() throws {
        let harness = try StreamHarness(
            calls(#"{"index":0,"id":"a","function":{"name":"get_"}}"#),
            calls(#"{"index":0,"function":{"name":"weather"}}"#),
            calls(#"{"index":0,"function":{"arguments":"{}"}}"#))
        #expect(harness.toolCalls == ["0/0 a get_weather {}"])
    }

    @Test func callsOfSeveralChoices() throws {
        let harness = try StreamHarness(
            #"{"choices":[{"index":1,"delta":{"tool_calls":[{"index":0,"id":"b","function":{"name":"g","arguments":"{}"}}]}}]}"#,
            #"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}}]}}]}"#
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

    @Test func customCallsBesideWhatIsNull() throws {
        let call =
            #"{"index":0,"id":"a","type":"custom","function":null,"custom":{"name":"sql","arguments":null,"input":"1"}}"#
        #expect(try StreamHarness(calls(call)).toolCalls == ["0/0 a sql 1"])
    }

    @Test func whatElseStandsInACall() throws {
        // Gemini: earendil-works/pi#3234, BerriAI/litellm#16893
        let harness = try StreamHarness(
            calls(
                #"{"index":0,"id":"a","type":"function","extra_content":{"google":{"thought_signature":"S"}},"#
                    + #""function":{"name":"f","arguments":"{","strict":null}}"#,
                #"{"index":1,"id":"b","function":{"name":"g"}}"#),
            calls(
                #"{"index":0,"extra_content":null,"function":{"\u0061rguments":"}","strict":true},"x\"":[1]}"#
            ))
        let first =
            #"{"id":"a","type":"function","function":{"name":"f","arguments":"{}","strict":true},"#
            + #""extra_content":{"google":{"thought_signature":"S"}},"x\"":[1]}"#
        let second = #"{"id":"b","type":"function","function":{"name":"g","arguments":""}}"#
        #expect(
            harness.document
                == #"{"choices":[{"index":0,"message":{"tool_calls":[\#(first),\#(second)]}}]}"#)
    }

    @Test func thereIsAnEndToWhatElseStandsInCalls() throws {
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

    @Test func theCallThatToolCallsHaveTakenThePlaceOf() throws {
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

    @Test func callsOfAWholeAnswer() {
        let harness = StreamHarness(
            document: #"""
                {"choices":[{"index":0,"message":{"content":null,"tool_calls":[
                {"id":"a","type":"function","function":{"name":"f","arguments":"{\"x\":1}"}},
                {"id":"b","type":"function","function":{"name":"g","arguments":""}}]},"finish_reason":"tool_calls"}]}
                """#)
        #expect(harness.toolCalls == [#"0/0 a f {"x":1}"#, "0/1 b g "])
        #expect(
            harness.events == [#"tool 0/0 a f {"x":1}"#, "tool 0/1 b g ", "finish 0 tool_calls"])
    }

    @Test func whatIsNoCallIsPassedOver() throws {
        let harness = try StreamHarness(
            delta(#"{"tool_calls":null}"#), delta(#"{"tool_calls":[]}"#),
            delta(#"{"tool_calls":[null,1,"a"]}"#),
            delta(#"{"tool_calls":{}}"#))
        #expect(harness.events == [] && harness.toolCalls == [] && harness.error == nil)
        #expect(try harness.isDocument(#"{"choices":[{"index":0,"message":{"tool_calls":null}}]}"#))
    }

    @Test func aNameAgainBeginsAnotherCallOnlyBehindWholeArguments() throws {
        // Brackets and quotes in strings, escaped or not, close nothing; what is behind a whole text, or never was one, is no other.
        let pieces = [#"{\"a\":\"}"#, #"]\\\\\\\""#, #"}\""#, #",\"b\":[{}"#, #"]"#, #"}"#]
        let named = pieces.map { calls(#"{"function":{"name":"f","arguments":"\#($0)"}}"#) }
        let whole = #"0/0  f {"a":"}]\\\"}","b":[{}]}"#
        #expect(try harness(named).toolCalls == [whole])
        #expect(
            try harness(named + named).toolCalls == [whole, whole.replacing("0/0", with: "0/1")])
        let broken = ["{x}", "{", "}"].map {
            calls(#"{"function":{"name":"f","arguments":"\#($0)"}}"#)
        }
        #expect(try harness(broken).toolCalls == ["0/0  f {x}{}"])
        // White space is no text yet.
        let blank = [" ", "{}", "[]"].map {
            calls(#"{"function":{"name":"f","arguments":"\#($0)"}}"#)
        }
        #expect(try harness(blank).toolCalls == ["0/0  f  {}", "0/1  f []"])
    }

    private func harness(_ chunks: [String]) throws -> StreamHarness {
        try StreamHarness([Array(chunks.map { "data: \($0)\n\n" }.joined().utf8)])
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

    @Test func fragmentsCutAnywhere() throws {
        let stream = [
            calls(
                #"{"index":0,"id":"a","type":"function","function":{"name":"f","arguments":"{\"é\":\"\ud83d"}}"#
            ),
            calls(#"{"index":0,"function":{"arguments":"\ude0a\"}"}}"#), "[DONE]",
        ]
        let harness = try harnessSplitAnywhere(stream.map { "data: \($0)\r\n\r\n" }.joined())
        #expect(harness.toolCalls == [#"0/0 a f {"é":"😊"}"#])
    }
}
