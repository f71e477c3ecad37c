import CThinkwire
import Foundation
import Testing

@testable import Base
@testable import Chat
@testable import Engine

/// The description of an error without the offset at which it was found.
private func withoutOffset(_ error: ChunkError) -> String {
    let text = "\(error)"
    guard let label = text.range(of: "offset: ") else { return text }
    return String(text[..<label.lowerBound] + text[label.upperBound...].drop { $0.isNumber })
}

/// The result of a stream of these chunks: every event with its text, and the document.
private func outcome(_ chunks: [String]) -> [String] {
    let reply = Reply()
    var decoder = ChunkParser()
    var found: [String] = []
    func recordEvents() {
        for event in decoder.events where event.kind != TW_EVENT_USAGE {
            let choice = reply.choices[event.choice]
            let text =
                switch event.kind {
                case TW_EVENT_REASONING: choice.reasoning.text.bytes.part(event.range)
                case TW_EVENT_CONTENT: choice.content.text.bytes.part(event.range)
                case TW_EVENT_REFUSAL: choice.refusal.text.bytes.part(event.range)
                case TW_EVENT_TOOL_CALL:
                    choice.toolCalls[event.tool].arguments.text.bytes.part(event.range)
                default: choice.finishReason.bytes
                }
            found.append(
                "\(event.kind.rawValue) \(choice.index) \(String(decoding: text, as: UTF8.self))")
        }
        if decoder.events.contains(where: { $0.kind == TW_EVENT_USAGE }) {
            found.append("usage \(reply.usage.pointee)")
        }
        decoder.removeEvents()
    }
    for chunk in chunks {
        // A copy that is freed afterwards, so that the address sanitizer finds later uses.
        let copy = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: chunk.utf8.count)
        _ = copy.initialize(from: chunk.utf8)
        defer { copy.deallocate() }
        do {
            try decoder.decode(chunk: Bytes(copy), named: StaticText.bytes(""), into: reply)
        } catch {
            found.append(withoutOffset(error))
        }
        recordEvents()
    }
    decoder.finish(reply)
    recordEvents()
    found.append(String(decoding: reply.document, as: UTF8.self))
    return found
}

/// The form with `value` in place of each `@`, and `text` in place of each `~`.
private func filled(_ form: String, _ value: String, _ text: String) -> String {
    var filled: [UInt8] = []
    for byte in form.utf8 {
        switch byte {
        case UInt8(ascii: "@"): filled += value.utf8
        case UInt8(ascii: "~"): filled += text.utf8
        default: filled.append(byte)
        }
    }
    return String(decoding: filled, as: UTF8.self)
}

/// Checks that templates do not change the result. Additional spaces make each chunk differ from
/// the one before.
private func expectSameWithoutTemplates(
    _ chunks: [String], sourceLocation: SourceLocation = #_sourceLocation
) {
    let different = chunks.enumerated().map { index, chunk in
        chunk.hasPrefix("{")
            ? "{" + String(repeating: " ", count: index + 1) + chunk.dropFirst() : chunk
    }
    #expect(outcome(chunks) == outcome(different), sourceLocation: sourceLocation)
}

private func chunk(_ delta: String, inChoice: String = "", inChunk: String = "") -> String {
    #"{"id":"a","choices":[{"index":0,"delta":{\#(delta)}\#(inChoice)}],"model":"m"\#(inChunk)}"#
}

@Suite("Chunks that match the template have the same effect as parsed chunks")
struct ChunkTemplateTests {
    @Test func everyKindOfText() {
        let texts = [
            "", "a", "b", "", "longer than the one before", #"\n"#, #"say \"so\""#, #"\\"#,
            #"caf\u00e9"#, #"\ud83d"#, #"\ude00"#, "é😀", "a",
            #"\ud83d"#, "a", #"","reasoning_content":"sly"#, #"a","content":"b"#, #"a\"#, #"\x"#,
            "\u{1}", "a\u{0}b", "z",
        ]
        for field in ["content", "reasoning_content", "reasoning", "refusal", "role"] {
            expectSameWithoutTemplates(texts.map { chunk(#""\#(field)":"\#($0)""#) })
            expectSameWithoutTemplates(
                texts.map {
                    chunk(
                        #""role":"x","\#(field)":"\#($0)","other":null"#,
                        inChoice: #","finish_reason":null"#)
                })
        }
    }

    @Test func chunksWithOtherEffectsAreNoTemplates() {
        for (inChoice, inChunk) in [
            (#","finish_reason":"stop""#, ""), (#","logprobs":{"content":[{"token":"a"}]}"#, ""),
            (#","error":{"message":"no"}"#, ""),
            ("", #","usage":{"prompt_tokens":1}"#), ("", #","meta":{"usage":{"usd_spent":0.5}}"#),
            ("", #","error":{"message":"no"}"#),
            ("", #","x":1,"x":2"#), ("", #","choices":[]"#),
        ] {
            expectSameWithoutTemplates(
                ["a", "b", "c", "c"].map {
                    chunk(#""content":"\#($0)""#, inChoice: inChoice, inChunk: inChunk)
                })
        }
        for more in [
            #""tool_calls":[{"index":0,"function":{"name":"f","arguments":"1"}}]"#,
            #""annotations":[1]"#, #""reasoning_details":[{}]"#,
            #""function_call":{"arguments":"x"}"#, #""function_call":null"#, #""reasoning":"b""#,
            #""content":"b""#, #""content":[{"type":"text","text":"b"}]"#, #""refusal":"b""#,
            #""reasoning_content":"""#, #""tool_calls":null"#,
        ] {
            expectSameWithoutTemplates(
                ["a", "b", "c"].map { chunk(#""content":"\#($0)",\#(more)"#) })
            expectSameWithoutTemplates(
                ["a", "b", "c"].map { chunk(#"\#(more),"reasoning_content":"\#($0)""#) })
        }
    }

    /// `~` is the text, and `@` another string in each chunk.
    @Test func otherStringsMayDiffer() {
        let forms = [
            #"{"x":"@","choices":[{"index":0,"delta":{"content":"~"}}],"y":"@"}"#,
            #"{"choices":[{"index":1,"delta":{"content":"~"}}],"y":"@","z":"z"}"#,
            #"{"choices":[{"index":0,"delta":{"reasoning":"~","reasoning_content":"~"}}],"y":"@"}"#,
            #"{"choices":[{"index":0,"delta":{"reasoning":"~","reasoning_content":"@"}}]}"#,
            #"{"choices":[{"index":0,"delta":{"content":"~","odd":"@"}}],"y":"@","y":"@"}"#,
            #"{"choices":[{"index":0,"delta":{"content":"~"},"odd":"@"}],"request_id":"@"}"#,
            #"{"choices":[{"index":0,"delta":{"content":"~"}}],"y":1,"x":null}"#,
            #"{"choices":[{"index":0,"delta":{"content":"~"}}],"y":{"x":"@"}}"#,
        ]
        let values = ["", "a", "b", "b", #"\n"#, "é", #"\u00e9"#, "longer than before", "c\u{1}"]
        for first in forms {
            for second in forms {
                expectSameWithoutTemplates(
                    (0..<24).map { index in
                        filled(
                            index % 3 == 2 ? second : first, values[index * 5 % values.count],
                            index % 7 == 6 ? "" : "text \(index)")
                    })
            }
        }
    }

    /// `~` is the text, and `@` another value in each chunk.
    @Test func logprobsMayDiffer() {
        let forms = [
            #"{"choices":[{"index":0,"delta":{"content":"~"},"logprobs":{"content":@}}],"y":"~"}"#,
            #"{"choices":[{"index":0,"delta":{"content":"~"},"logprobs":{"content":null,"#
                + #""refusal":@}}]}"#,
            #"{"choices":[{"index":0,"logprobs":{"refusal":null,"content":@},"#
                + #""delta":{"content":"~"}}]}"#,
            #"{"choices":[{"index":0,"logprobs":{"tokens":@,"top":@},"delta":{"content":"~"}}]}"#,
            #"{"choices":[{"index":0,"delta":{"content":"~"}},"#
                + #"{"index":1,"logprobs":{"content":@}}]}"#,
            #"{"choices":[{"index":1,"delta":{"content":"~"},"logprobs":{"c\u006f":@}}]}"#,
            #"{"choices":[{"index":0,"delta":{"content":"~"},"logprobs":@}]}"#,
        ]
        let deep = { (depth: Int) in
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        let values = [
            "[]", "[1]", "[2,3]", "[ ]", #"[{"token":" a","logprob":-0.5,"bytes":[32,97]}]"#,
            #"[ {"a": "\n"} , {"b": null}]"#, "[[[]],{}]", "[\n1,\r2]", "[NaN]", "[\"\u{1}\"]",
            "null", "\"s\"", "\"t\"", "7", "[-0.1e5]", "[1,]", "[1", "[01]", "[\"é\"]", "[tru]",
            deep(490), deep(507), deep(508), deep(512),
        ]
        for first in forms {
            for second in forms {
                for step in [1, 5, 7, 11] {
                    expectSameWithoutTemplates(
                        (0..<48).map { index in
                            filled(
                                index % 3 == 2 ? second : first,
                                values[index / 2 * step % values.count], "text \(index)")
                        })
                }
            }
        }
    }

    /// Log probabilities in every form of providers: each chunk has other numbers of tokens,
    /// alternatives and bytes.
    @Test(arguments: ["", #","refusal":null"#, #","odd":{"a":[1.5]}"#, #","text_offset":[7]"#])
    func logprobsOfProvidersMayDiffer(otherList: String) {
        var random = SeededRandom(20)
        let tokens = [
            "", " a", #"\n"#, #"\u00e9"#, #"\ud83d\ude0a"#, #"\ud83d"#, #"\"]}"#, #"\\"#, "é€😊",
            "]", "[{",
            #"bytes:\\x20\\xf0"#,
        ]
        let numbers = ["0", "-0", "-0.0", "0.0", "-1e-05", "-1E+2", "-9999.0", "-1e400", "1e-400"]
        func token(_ more: String = "") -> String {
            let bytes = (0..<random.roll(4)).map { _ in "\(random.roll(256))" }
            let list = random.roll(4) == 0 ? "null" : "[\(bytes.joined(separator: ", "))]"
            return #"{"token":"\#(random.pick(tokens))","logprob":\#(random.pick(numbers)),"#
                + #""bytes":\#(list)\#(more)}"#
        }
        func list() -> String {
            let elements = (0..<random.roll(3)).map { _ in
                let top = (0..<random.roll(4)).map { _ in token() }
                let more = [
                    "", #","top_logprobs":[\#(top.joined(separator: ","))]"#,
                    #","token_id":7,"x":{"y":[[],{}]}"#,
                ]
                return token(random.pick(more))
            }
            return random.roll(8) == 0 ? "null" : "[\(elements.joined(separator: ","))]"
        }
        for _ in 0..<20 {
            let content = (0..<40).map { index in
                let logprobs =
                    random.roll(9) == 0 ? "null" : #"{"content":\#(list())\#(otherList)}"#
                return chunk(
                    #""content":"text \#(index)""#, inChoice: #","logprobs":\#(logprobs)"#)
            }
            expectSameWithoutTemplates(content)
            // A refusal has a list of its own.
            let refusal = (0..<20).map { index in
                #"{"choices":[{"index":0,"delta":{"refusal":"no"},"#
                    + #""logprobs":{"content":null,"refusal":\#(list())}}]}"#
            }
            expectSameWithoutTemplates(content + refusal + content)
        }
    }

    @Test func cutChunksAreNotRecognised() {
        let known =
            #"{"choices":[{"index":0,"logprobs":{"content":[{"a":[1]}]},"delta":"#
            + #"{"content":"b"},"odd":"c"}]}"#
        for length in 1..<known.count {
            expectSameWithoutTemplates([known, known, String(known.prefix(length))])
            expectSameWithoutTemplates([known, known, String(known.prefix(length)) + known])
        }
    }

    /// The text and the list of a choice are holes, too; chunks of more than 32 are no templates.
    @Test(arguments: [30, 31, 500])
    func chunksOfManyHoles(count: Int) {
        expectSameWithoutTemplates(
            (0..<5).map { index in
                let lists = (1..<count).map { #","content":[\#($0 * index)]"# }.joined()
                return #"{"choices":[{"index":0,"logprobs":{"content":[]\#(lists)},"#
                    + #""delta":{"content":"text \#(index)"}}],"odd":"\#(index)"}"#
            })
    }

    @Test func holesAreFoundInTheirOrder() {
        expectSameWithoutTemplates(
            (0..<12).map { index in
                #"{"x":"\#(index)","choices":[{"index":0,"delta":{"reasoning":"\#(index)","#
                    + #""reasoning_content":"same"},"logprobs":{"content":[\#(index)]}}],"#
                    + #""y":"\#(index % 5)"}"#
            })
    }

    @Test func holesAreInTheOrderOfTheirPositions() {
        expectSameWithoutTemplates(
            (0..<12).map {
                #"{"x":"\#($0)","choices":[{"index":0,"delta":{"reasoning":"a\#($0)","#
                    + #""reasoning_content":"same"}}],"y":"\#($0 % 5)"}"#
            })
        expectSameWithoutTemplates(
            (0..<12).map {
                #"{"choices":[{"index":0,"delta":{"content":"a\#($0)","obfuscation":"\#($0)"}}],"#
                    + #""y":"\#($0 % 5)"}"#
            })
    }

    /// A string that no hole accepts returns after another one has replaced it through a hole.
    @Test func keptStringsThatAreNotStandardJSONAreRestored() {
        expectSameWithoutTemplates(
            ["a", "b", "c\u{1}", "d", "a", "c\u{1}"].map {
                #"{"choices":[{"index":0,"delta":{"content":"~"}}],"id":"\#($0)"}"#
            })
    }

    @Test func changedChunksReplaceTheTemplate() {
        let contents = ["a", "b"].map { chunk(#""content":"\#($0)""#) }
        let reasonings = ["c", "d"].map { chunk(#""reasoning_content":"\#($0)""#) }
        expectSameWithoutTemplates(reasonings + contents + reasonings + ["[DONE]", ""] + contents)
        expectSameWithoutTemplates(
            contents + [chunk(#""content":"a""#).dropLast(2) + "", "null", "[]", contents[0]])
        expectSameWithoutTemplates(
            (0..<20).map { #"{"choices":[{"index":\#($0 % 3),"delta":{"content":"\#($0)"}}]}"# })
        expectSameWithoutTemplates(
            (0..<9).map {
                #"{"choices":[{"index":0,"delta":{"content":"\#($0)"}},{"index":1,"#
                    + #""delta":{"content":"x"}}]}"#
            })
        expectSameWithoutTemplates(
            (0..<9).map {
                #"{"choices":[{"index":0,"delta":{"content":"\#($0)"}}],"created":\#($0 / 3)}"#
            })
        expectSameWithoutTemplates(
            ["a", "b"].map {
                chunk(
                    #""content":"\#($0)""#,
                    inChunk: #","x":"\#(String(repeating: "y", count: 9000))""#)
            })
    }

    /// Events are recognised in the input only if they are complete, so never in single bytes.
    @Test(arguments: ["", #","logprobs":{"content":[0]}"#])
    func recognisedEventsHaveTheLinesOfTheStream(inChoice: String) throws {
        let known = chunk(#""content":"a""#, inChoice: inChoice)
        let (first, last) = (known.prefix(20), known.dropFirst(20))
        let texts = [
            "b", "é", #"\n\ud83d"#, "a\nb", "a\rb", "a\n\nb", "a\u{1}b", #"a","content":"b"#,
            #"a\"#, #"\x"#,
        ]
        var parts = texts.map { text in
            "data: \(chunk("\"content\":\"\(text)\"", inChoice: inChoice))\n\n"
        }
        parts += ["[1]", "[ 1 ]", "[1,\n2]", "[1\r]", "[1"].map {
            "data: \(known.replacing("[0]", with: $0))\n\n"
        }
        parts += [
            "data: \(known)\r\n\r\n", "data: \(known)\r\r", "data:\(known)\n\n",
            "data: \(known) \n\n",
            "data: \(known)\n", "data: \(known)\n\r\n", " data: \(known)\n\n", "\(known)\n\n",
            ": \(known)\n\n", "event: error\ndata: \(known)\n\n", "event: x\n\n", "event: x\n",
            "data: \(known)\ndata: \(known)\n\n", "data: \(first)\ndata: \(last)\n\n",
            "data: \(first)\n\(last)\n\n", "data: [DONE]\n\n", "data: \(known)", "\r", "\n",
            "data: ",
        ]
        for part in parts {
            for before in parts {
                let body = Array(
                    "data: \(known)\n\ndata: \(known)\n\n\(before)\(part)data: \(known)\n\n".utf8)
                let whole = try StreamHarness([body])
                let bytewise = try StreamHarness(body.map { [$0] })
                #expect(
                    whole.events == bytewise.events,
                    "\(before.debugDescription), \(part.debugDescription)")
                #expect("\(whole.error as Any)" == "\(bytewise.error as Any)")
                #expect(whole.reply.document.elementsEqual(bytewise.reply.document))
            }
        }
    }
}
