import Testing

@testable import Base
@testable import Chat
@testable import Engine

@Suite("Each fragment continues the right tool call, or begins a call")
struct ToolCallFragmentTests {
    private func harness(_ chunks: [String]) throws -> StreamHarness {
        try StreamHarness([Array(chunks.map { "data: \($0)\n\n" }.joined().utf8)])
    }

    @Test func everyCallWithIndexZero() throws {
        // openai-python#3201
        let harness = try StreamHarness(
            calls(#"{"index":0,"id":"a","function":{"name":"f","arguments":"{\"x\":"}}"#),
            calls(#"{"index":0,"function":{"arguments":"1}"}}"#),
            calls(#"{"index":0,"id":"b","function":{"name":"f","arguments":"{\"x\":"}}"#),
            calls(#"{"index":0,"function":{"arguments":"2}"}}"#))
        #expect(harness.toolCalls == [#"0/0 a f {"x":1}"#, #"0/1 b f {"x":2}"#])
    }

    @Test func severalCallsWithTheSameID() throws {
        // skye-harris/hass_local_openai_llm#92, HKUDS/nanobot#3943 and #4059
        let byIndex = try StreamHarness(
            calls(#"{"index":0,"id":"x","function":{"name":"f","arguments":""}}"#),
            calls(#"{"index":0,"id":"x","function":{"arguments":"{}"}}"#),
            calls(#"{"index":1,"id":"x","function":{"name":"g","arguments":""}}"#),
            calls(#"{"index":1,"id":"x","function":{"arguments":"[]"}}"#))
        #expect(byIndex.toolCalls == ["0/0 x f {}", "0/1 x g []"])
        for index in ["", #""index":0,"#] {
            let whole = try StreamHarness(
                calls(#"{\#(index)"id":"x","function":{"name":"f","arguments":"{}"}}"#),
                calls(#"{\#(index)"id":"x","function":{"name":"f","arguments":"[1]"}}"#),
                calls(#"{\#(index)"id":"x","function":{"name":"g","arguments":""}}"#),
                calls(#"{\#(index)"id":"x","function":{"name":"g","arguments":"[2]"}}"#))
            #expect(whole.toolCalls == ["0/0 x f {}", "0/1 x f [1]", "0/2 x g [2]"])
        }
    }

    @Test func repeatedIDAndNameContinueTheCall() throws {
        let pieces = [#""{\"a\":""#, #""1""#, #""}""#, #""""#, "null", #"" \n""#]
        let harness = try harness(
            pieces.map { calls(#"{"id":"x","function":{"name":"f","arguments":\#($0)}}"#) })
        #expect(harness.toolCalls == ["0/0 x f {\"a\":1} \n"])
    }

    @Test func repeatedIndexAndNameContinueTheCall() throws {
        // vllm-project/vllm#13078 and #16340: the last piece is empty.
        let pieces = [#"{\"a\":"#, "1}", ""]
        let harness = try harness(
            pieces.map { calls(#"{"index":0,"function":{"name":"f","arguments":"\#($0)"}}"#) })
        #expect(harness.toolCalls == [#"0/0  f {"a":1}"#])
        let again = #"{"index":0,"function":{"name":"f","arguments":"{}"}}"#
        #expect(
            try StreamHarness(calls(again), calls(again)).toolCalls == ["0/0  f {}", "0/1  f {}"])
    }

    /// Parsing the arguments again for each fragment would take seconds.
    @Test func manyRepetitionsWithWhiteSpaceAreFast() throws {
        let text = #"["\#(String(repeating: "a", count: 900_000))"]"#
        let first = calls(
            #"{"id":"x","function":{"name":"f","arguments":\#(String(reflecting: text))}}"#)
        let blank = calls(#"{"id":"x","function":{"name":"f","arguments":" "}}"#)
        let harness = try harness([first] + Array(repeating: blank, count: 1000))
        #expect(harness.toolCalls == ["0/0 x f \(text)" + String(repeating: " ", count: 1000)])
    }

    @Test func callsOfAnUnstreamedAnswerAreNeverFragments() {
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

    @Test func anotherIDBeginsACallEvenWithoutArgumentsBefore() throws {
        let harness = try StreamHarness(
            calls(#"{"index":0,"id":"a","function":{"name":"f","arguments":""}}"#),
            calls(#"{"index":0,"id":"b","function":{"name":"f","arguments":"{"}}"#),
            calls(#"{"index":0,"id":"c","function":{"name":"f","arguments":"["}}"#))
        #expect(harness.toolCalls == ["0/0 a f ", "0/1 b f {", "0/2 c f ["])
    }

    @Test func idThatChangesWithinACall() throws {
        // poolsideai/pool#9: the first fragment has another id than the later ones.
        let harness = try StreamHarness(
            calls(#"{"index":0,"id":"a","function":{"name":"f","arguments":""}}"#),
            calls(#"{"index":0,"id":"b","function":{"arguments":"{\"x\":"}}"#),
            calls(
                #"{"index":1,"id":"c","function":{"name":"g","arguments":"["}}"#,
                #"{"index":1,"id":"d","function":{"arguments":"]"}}"#),
            calls(#"{"index":0,"id":"b","function":{"arguments":"1}"}}"#),
            calls(#"{"index":0,"id":"b","function":{"arguments":""}}"#))
        #expect(harness.toolCalls == [#"0/0 a f {"x":1}"#, "0/1 c g []"])
        // After complete arguments, another id begins a call, even if its name follows later.
        let later = try StreamHarness(
            calls(#"{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}}"#),
            calls(#"{"index":0,"id":"b","function":{}}"#),
            calls(#"{"index":0,"id":"b","function":{"name":"g","arguments":"[]"}}"#))
        #expect(later.toolCalls == ["0/0 a f {}", "0/1 b g []"])
    }

    @Test func indexThatCountsFragments() throws {
        // dirac-run/dirac PR 215: Nebius, Cerebras
        let harness = try StreamHarness(
            calls(#"{"index":0,"id":"a","function":{"name":"f","arguments":""}}"#),
            calls(#"{"index":1,"function":{"arguments":"{\"x\":"}}"#),
            calls(#"{"index":2,"function":{"arguments":"1}"}}"#),
            calls(#"{"index":3,"id":"b","function":{"name":"g","arguments":"["}}"#),
            calls(#"{"index":4,"function":{"arguments":"]"}}"#))
        #expect(harness.toolCalls == [#"0/0 a f {"x":1}"#, "0/1 b g []"])
    }

    @Test func callsWithoutAnIndex() throws {
        // openai-python#2806
        let harness = try StreamHarness(
            calls(#"{"id":"a","function":{"name":"f","arguments":"{"}}"#),
            calls(#"{"function":{"arguments":"}"}}"#),
            calls(#"{"id":"b","function":{"name":"g","arguments":""}}"#),
            calls(#"{"function":{"arguments":"{}"}}"#))
        #expect(harness.toolCalls == ["0/0 a f {}", "0/1 b g {}"])
    }

    @Test func callsWithoutIndexAndID() throws {
        let harness = try StreamHarness(
            calls(
                #"{"function":{"name":"f","arguments":"{\"x\":1}"}}"#,
                #"{"function":{"name":"g","arguments":"{}"}}"#),
            calls(#"{"function":{"name":"f","arguments":"{\"x\":2}"}}"#))
        #expect(harness.toolCalls == [#"0/0  f {"x":1}"#, "0/1  g {}", #"0/2  f {"x":2}"#])
    }

    @Test func callsWithoutArgumentsIndexAndIDInOneDelta() throws {
        let harness = try StreamHarness(
            calls(
                #"{"function":{"name":"f","arguments":""}}"#,
                #"{"function":{"name":"g","arguments":""}}"#))
        #expect(harness.toolCalls == ["0/0  f ", "0/1  g "])
    }

    @Test func repeatedNameBeginsACallOnlyAfterCompleteArguments() throws {
        // Brackets and quotes in strings, escaped or not, close nothing. Invalid arguments never
        // begin another call.
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
        // White space is not a complete value.
        let blank = [" ", "{}", "[]"].map {
            calls(#"{"function":{"name":"f","arguments":"\#($0)"}}"#)
        }
        #expect(try harness(blank).toolCalls == ["0/0  f  {}", "0/1  f []"])
    }
}
