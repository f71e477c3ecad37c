import Testing

@testable import Base
@testable import Chat
@testable import Engine

/// A text that is not JSON, and the expected error.
struct Invalid: CustomTestStringConvertible {
    var text: [UInt8]
    var problem: String

    init(_ text: String, _ problem: String) {
        self.text = Array(text.utf8)
        self.problem = problem
    }

    init(bytes: [UInt8], _ problem: String) {
        text = bytes
        self.problem = problem
    }

    var testDescription: String { String(decoding: text, as: UTF8.self).debugDescription }
}

@Suite("JSONReader rejects texts that RFC 8259 does not allow, with offset and reason")
struct JSONErrorTests {
    @Test(arguments: [
        Invalid("", "0 unexpectedEnd"), Invalid(" ", "1 unexpectedEnd"),
        Invalid("x", "0 expectedValue"),
        Invalid("NULL", "0 expectedValue"), Invalid("nulL", "0 expectedValue"),
        Invalid("nul", "3 unexpectedEnd"),
        Invalid("tru", "3 unexpectedEnd"), Invalid("[fals]", "1 expectedValue"),
        Invalid("True", "0 expectedValue"),
        Invalid("nullx", "4 trailingText"), Invalid("truefalse", "4 trailingText"),
        Invalid("NaN", "0 expectedValue"),
        Invalid("Infinity", "0 expectedValue"), Invalid("-Infinity", "1 badNumber"),
        Invalid("undefined", "0 expectedValue"),
        Invalid("'a'", "0 expectedValue"), Invalid("*", "0 expectedValue"),
        Invalid("\u{0}", "0 expectedValue"),
    ])
    func literals(_ input: Invalid) { #expect(jsonProblem(input.text) == input.problem) }

    @Test(arguments: [
        Invalid("-", "1 unexpectedEnd"), Invalid("[-]", "2 badNumber"),
        Invalid("--1", "1 badNumber"),
        Invalid("+1", "0 expectedValue"), Invalid("01", "1 trailingText"),
        Invalid("[01]", "2 expectedCommaOrEnd"),
        Invalid("-01", "2 trailingText"), Invalid("00", "1 trailingText"),
        Invalid("1.", "2 unexpectedEnd"),
        Invalid("[1.]", "3 badNumber"), Invalid(".5", "0 expectedValue"),
        Invalid("-.5", "1 badNumber"),
        Invalid("1.e1", "2 badNumber"), Invalid("1e", "2 unexpectedEnd"),
        Invalid("[1e]", "3 badNumber"),
        Invalid("1e+", "3 unexpectedEnd"), Invalid("[1E-]", "4 badNumber"),
        Invalid("1e1.5", "3 trailingText"),
        Invalid("1ee1", "2 badNumber"), Invalid("1e+-1", "3 badNumber"),
        Invalid("1.2.3", "3 trailingText"),
        Invalid("0x10", "1 trailingText"), Invalid("1_000", "1 trailingText"),
        Invalid("1 000", "2 trailingText"),
        Invalid("- 1", "1 badNumber"), Invalid("1a", "1 trailingText"),
        Invalid("0.-1", "2 badNumber"),
        Invalid("１", "0 expectedValue"), Invalid("[-2.]", "4 badNumber"),
        Invalid("1+1", "1 trailingText"),
        Invalid("[0e+]", "4 badNumber"), Invalid("1/2", "1 trailingText"),
        Invalid("1:", "1 trailingText"),
    ])
    func numbers(_ input: Invalid) { #expect(jsonProblem(input.text) == input.problem) }

    @Test(arguments: [
        Invalid("[", "1 unexpectedEnd"), Invalid("]", "0 expectedValue"),
        Invalid("[1", "2 unexpectedEnd"),
        Invalid("[1,", "3 unexpectedEnd"), Invalid("[1,]", "3 expectedValue"),
        Invalid("[,1]", "1 expectedValue"),
        Invalid("[1,,2]", "3 expectedValue"), Invalid("[,]", "1 expectedValue"),
        Invalid("[1 2]", "3 expectedCommaOrEnd"),
        Invalid("[1}", "2 expectedCommaOrEnd"), Invalid("[1:2]", "2 expectedCommaOrEnd"),
        Invalid("[\"a\":1]", "4 expectedCommaOrEnd"), Invalid("[1]]", "3 trailingText"),
        Invalid("[1],", "3 trailingText"),
        Invalid("[]x", "2 trailingText"), Invalid("[[]", "3 unexpectedEnd"),
        Invalid("[}", "1 expectedValue"),
        Invalid("1,", "1 trailingText"), Invalid(",", "0 expectedValue"),
        Invalid("[1,\n1\n,1", "8 unexpectedEnd"),
        Invalid("[1;2]", "2 expectedCommaOrEnd"), Invalid("(1)", "0 expectedValue"),
        Invalid("[1] 2", "4 trailingText"),
    ])
    func arrays(_ input: Invalid) { #expect(jsonProblem(input.text) == input.problem) }

    @Test(arguments: [
        Invalid("{", "1 unexpectedEnd"), Invalid("}", "0 expectedValue"),
        Invalid("{a:1}", "1 expectedKey"),
        Invalid("{1:1}", "1 expectedKey"), Invalid("{'a':1}", "1 expectedKey"),
        Invalid("{null:1}", "1 expectedKey"),
        Invalid("{\"a\"", "4 unexpectedEnd"), Invalid("{\"a\":", "5 unexpectedEnd"),
        Invalid("{\"a\"}", "4 expectedColon"),
        Invalid("{\"a\" 1}", "5 expectedColon"), Invalid("{\"a\",1}", "4 expectedColon"),
        Invalid("{\"a\"=1}", "4 expectedColon"),
        Invalid("{\"a\"::1}", "5 expectedValue"), Invalid("{\"a\":}", "5 expectedValue"),
        Invalid("{\"a\":1", "6 unexpectedEnd"),
        Invalid("{\"a\":1,", "7 unexpectedEnd"), Invalid("{\"a\":1,}", "7 expectedKey"),
        Invalid("{,\"a\":1}", "1 expectedKey"),
        Invalid("{\"a\":1,,}", "7 expectedKey"),
        Invalid("{\"a\":1 \"b\":2}", "7 expectedCommaOrEnd"),
        Invalid("{\"a\":1]", "6 expectedCommaOrEnd"), Invalid("{]", "1 expectedKey"),
        Invalid("{\"a\":1}}", "7 trailingText"),
        Invalid("{}{}", "2 trailingText"), Invalid("{[]:1}", "1 expectedKey"),
        Invalid("{\"a\":1}#", "7 trailingText"),
        Invalid("{\"a\":/**/1}", "5 expectedValue"), Invalid("{}//", "2 trailingText"),
        Invalid("{\"a\":\"b\"\"c\":1}", "8 expectedCommaOrEnd"),
    ])
    func objects(_ input: Invalid) { #expect(jsonProblem(input.text) == input.problem) }

    @Test(arguments: [
        Invalid("\"", "1 unexpectedEnd"), Invalid("\"a", "2 unexpectedEnd"),
        Invalid("\"a\\", "3 unexpectedEnd"),
        Invalid("\"\\\"", "3 unexpectedEnd"), Invalid("\"\\a\"", "1 badEscape"),
        Invalid("\"12\\'\"", "3 badEscape"),
        Invalid("\"\\x41\"", "1 badEscape"), Invalid("\"\\0\"", "1 badEscape"),
        Invalid("\"\\U0041\"", "1 badEscape"),
        Invalid("\"\\N\"", "1 badEscape"), Invalid("\"\\ \"", "1 badEscape"),
        Invalid("\"\\\u{1F600}\"", "1 badEscape"),
        Invalid("\"\\u\"", "1 badEscape"), Invalid("\"\\u004\"", "1 badEscape"),
        Invalid("\"\\u00G0\"", "1 badEscape"),
        Invalid("\"\\u 041\"", "1 badEscape"), Invalid("\"\\u+041\"", "1 badEscape"),
        Invalid("\"\\u004", "6 unexpectedEnd"),
        Invalid("\"\\u00", "5 unexpectedEnd"), Invalid("\"\\ud83d\\u\"", "7 badEscape"),
        Invalid("\"a\"b\"", "3 trailingText"),
        Invalid("\"\\u００41\"", "1 badEscape"), Invalid("\"\\u004/\"", "1 badEscape"),
        Invalid("\"\\u004:\"", "1 badEscape"),
        Invalid("\"\\u004@\"", "1 badEscape"), Invalid("\"\\u004`\"", "1 badEscape"),
        Invalid("\"\\u004g\"", "1 badEscape"),
        Invalid("{\"\\a\":1}", "2 badEscape"),
    ])
    func strings(_ input: Invalid) { #expect(jsonProblem(input.text) == input.problem) }

    @Test func unescapedControlCharactersAreRejected() {
        // At every distance from the quote, because the scanner skips ordinary text eight bytes at
        // a time.
        for control in UInt8(0)..<0x20 {
            for offset in 0...17 {
                let before = Array(repeating: UInt8(ascii: "x"), count: offset)
                let text = Array("\"".utf8) + before + [control] + Array("1234567890\"".utf8)
                #expect(jsonProblem(text) == "\(offset + 1) controlCharacter")
                #expect(
                    jsonProblem(Array("{".utf8) + text + Array(":1}".utf8))
                        == "\(offset + 2) controlCharacter")
            }
        }
    }

    @Test func onlyFourCharactersAreWhitespace() {
        let others: [String] = [
            "\u{C}", "\u{B}", "\u{0}", "\u{8}", "\u{7F}", "\u{85}", "\u{A0}", "\u{2028}",
            "\u{2060}", "\u{3000}", "\u{FEFF}",
        ]
        for other in others {
            #expect(jsonProblem(other + "1") == "0 expectedValue")
            #expect(jsonProblem("[1" + other + "]") == "2 expectedCommaOrEnd")
            #expect(jsonProblem("1" + other) == "1 trailingText")
            #expect(jsonProblem("{" + other + "\"a\":1}") == "1 expectedKey")
            #expect(jsonProblem("{\"a\"" + other + ":1}") == "4 expectedColon")
        }
    }

    @Test func otherEncodingsAreRejected() {
        #expect(jsonProblem([0xFF, 0xFE, 0x5B, 0x00, 0x5D, 0x00]) == "0 expectedValue")
        #expect(jsonProblem([0x00, 0x5B, 0x00, 0x5D]) == "0 expectedValue")
        #expect(jsonProblem([0x5B, 0x00, 0x5D, 0x00]) == "1 expectedValue")
        #expect(jsonProblem([0xEF, 0xBB, 0xBF] + Array("[]".utf8)) == "0 expectedValue")
    }

    @Test func invalidUTF8OutsideStringsIsRejected() {
        for invalid: [UInt8] in [[0xFF], [0xE5], [0xC3, 0xA9], [0x80]] {
            #expect(jsonProblem(invalid) == "0 expectedValue")
            #expect(
                jsonProblem(Array("[1".utf8) + invalid + Array("]".utf8)) == "2 expectedCommaOrEnd")
            #expect(jsonProblem(Array("1".utf8) + invalid) == "1 trailingText")
        }
    }

    @Test func everyProblemHasADistinctText() {
        let problems = (0...UInt8.max).compactMap { JSONError.Problem(rawValue: $0) }
        #expect(problems.count == 14)
        #expect(Set(problems.map { $0.text.description }).count == problems.count)
    }
}
