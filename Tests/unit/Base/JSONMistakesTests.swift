import Testing

@testable import Base
@testable import Chat
@testable import Engine

/// A text that is not JSON, and where and why.
struct Mistake: CustomTestStringConvertible {
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

@Suite("A text that RFC 8259 does not allow is refused, with the place and the reason")
struct JSONMistakesTests {
    @Test(arguments: [
        Mistake("", "0 unexpectedEnd"), Mistake(" ", "1 unexpectedEnd"),
        Mistake("x", "0 expectedValue"),
        Mistake("NULL", "0 expectedValue"), Mistake("nulL", "0 expectedValue"),
        Mistake("nul", "3 unexpectedEnd"),
        Mistake("tru", "3 unexpectedEnd"), Mistake("[fals]", "1 expectedValue"),
        Mistake("True", "0 expectedValue"),
        Mistake("nullx", "4 trailingText"), Mistake("truefalse", "4 trailingText"),
        Mistake("NaN", "0 expectedValue"),
        Mistake("Infinity", "0 expectedValue"), Mistake("-Infinity", "1 badNumber"),
        Mistake("undefined", "0 expectedValue"),
        Mistake("'a'", "0 expectedValue"), Mistake("*", "0 expectedValue"),
        Mistake("\u{0}", "0 expectedValue"),
    ])
    func literals(_ mistake: Mistake) { #expect(jsonProblem(mistake.text) == mistake.problem) }

    @Test(arguments: [
        Mistake("-", "1 unexpectedEnd"), Mistake("[-]", "2 badNumber"),
        Mistake("--1", "1 badNumber"),
        Mistake("+1", "0 expectedValue"), Mistake("01", "1 trailingText"),
        Mistake("[01]", "2 expectedCommaOrEnd"),
        Mistake("-01", "2 trailingText"), Mistake("00", "1 trailingText"),
        Mistake("1.", "2 unexpectedEnd"),
        Mistake("[1.]", "3 badNumber"), Mistake(".5", "0 expectedValue"),
        Mistake("-.5", "1 badNumber"),
        Mistake("1.e1", "2 badNumber"), Mistake("1e", "2 unexpectedEnd"),
        Mistake("[1e]", "3 badNumber"),
        Mistake("1e+", "3 unexpectedEnd"), Mistake("[1E-]", "4 badNumber"),
        Mistake("1e1.5", "3 trailingText"),
        Mistake("1ee1", "2 badNumber"), Mistake("1e+-1", "3 badNumber"),
        Mistake("1.2.3", "3 trailingText"),
        Mistake("0x10", "1 trailingText"), Mistake("1_000", "1 trailingText"),
        Mistake("1 000", "2 trailingText"),
        Mistake("- 1", "1 badNumber"), Mistake("1a", "1 trailingText"),
        Mistake("0.-1", "2 badNumber"),
        Mistake("１", "0 expectedValue"), Mistake("[-2.]", "4 badNumber"),
        Mistake("1+1", "1 trailingText"),
        Mistake("[0e+]", "4 badNumber"), Mistake("1/2", "1 trailingText"),
        Mistake("1:", "1 trailingText"),
    ])
    func numbers(_ mistake: Mistake) { #expect(jsonProblem(mistake.text) == mistake.problem) }

    @Test(arguments: [
        Mistake("[", "1 unexpectedEnd"), Mistake("]", "0 expectedValue"),
        Mistake("[1", "2 unexpectedEnd"),
        Mistake("[1,", "3 unexpectedEnd"), Mistake("[1,]", "3 expectedValue"),
        Mistake("[,1]", "1 expectedValue"),
        Mistake("[1,,2]", "3 expectedValue"), Mistake("[,]", "1 expectedValue"),
        Mistake("[1 2]", "3 expectedCommaOrEnd"),
        Mistake("[1}", "2 expectedCommaOrEnd"), Mistake("[1:2]", "2 expectedCommaOrEnd"),
        Mistake("[\"a\":1]", "4 expectedCommaOrEnd"), Mistake("[1]]", "3 trailingText"),
        Mistake("[1],", "3 trailingText"),
        Mistake("[]x", "2 trailingText"), Mistake("[[]", "3 unexpectedEnd"),
        Mistake("[}", "1 expectedValue"),
        Mistake("1,", "1 trailingText"), Mistake(",", "0 expectedValue"),
        Mistake("[1,\n1\n,1", "8 unexpectedEnd"),
        Mistake("[1;2]", "2 expectedCommaOrEnd"), Mistake("(1)", "0 expectedValue"),
        Mistake("[1] 2", "4 trailingText"),
    ])
    func arrays(_ mistake: Mistake) { #expect(jsonProblem(mistake.text) == mistake.problem) }

    @Test(arguments: [
        Mistake("{", "1 unexpectedEnd"), Mistake("}", "0 expectedValue"),
        Mistake("{a:1}", "1 expectedKey"),
        Mistake("{1:1}", "1 expectedKey"), Mistake("{'a':1}", "1 expectedKey"),
        Mistake("{null:1}", "1 expectedKey"),
        Mistake("{\"a\"", "4 unexpectedEnd"), Mistake("{\"a\":", "5 unexpectedEnd"),
        Mistake("{\"a\"}", "4 expectedColon"),
        Mistake("{\"a\" 1}", "5 expectedColon"), Mistake("{\"a\",1}", "4 expectedColon"),
        Mistake("{\"a\"=1}", "4 expectedColon"),
        Mistake("{\"a\"::1}", "5 expectedValue"), Mistake("{\"a\":}", "5 expectedValue"),
        Mistake("{\"a\":1", "6 unexpectedEnd"),
        Mistake("{\"a\":1,", "7 unexpectedEnd"), Mistake("{\"a\":1,}", "7 expectedKey"),
        Mistake("{,\"a\":1}", "1 expectedKey"),
        Mistake("{\"a\":1,,}", "7 expectedKey"),
        Mistake("{\"a\":1 \"b\":2}", "7 expectedCommaOrEnd"),
        Mistake("{\"a\":1]", "6 expectedCommaOrEnd"), Mistake("{]", "1 expectedKey"),
        Mistake("{\"a\":1}}", "7 trailingText"),
        Mistake("{}{}", "2 trailingText"), Mistake("{[]:1}", "1 expectedKey"),
        Mistake("{\"a\":1}#", "7 trailingText"),
        Mistake("{\"a\":/**/1}", "5 expectedValue"), Mistake("{}//", "2 trailingText"),
        Mistake("{\"a\":\"b\"\"c\":1}", "8 expectedCommaOrEnd"),
    ])
    func objects(_ mistake: Mistake) { #expect(jsonProblem(mistake.text) == mistake.problem) }

    @Test(arguments: [
        Mistake("\"", "1 unexpectedEnd"), Mistake("\"a", "2 unexpectedEnd"),
        Mistake("\"a\\", "3 unexpectedEnd"),
        Mistake("\"\\\"", "3 unexpectedEnd"), Mistake("\"\\a\"", "1 badEscape"),
        Mistake("\"12\\'\"", "3 badEscape"),
        Mistake("\"\\x41\"", "1 badEscape"), Mistake("\"\\0\"", "1 badEscape"),
        Mistake("\"\\U0041\"", "1 badEscape"),
        Mistake("\"\\N\"", "1 badEscape"), Mistake("\"\\ \"", "1 badEscape"),
        Mistake("\"\\\u{1F600}\"", "1 badEscape"),
        Mistake("\"\\u\"", "1 badEscape"), Mistake("\"\\u004\"", "1 badEscape"),
        Mistake("\"\\u00G0\"", "1 badEscape"),
        Mistake("\"\\u 041\"", "1 badEscape"), Mistake("\"\\u+041\"", "1 badEscape"),
        Mistake("\"\\u004", "6 unexpectedEnd"),
        Mistake("\"\\u00", "5 unexpectedEnd"), Mistake("\"\\ud83d\\u\"", "7 badEscape"),
        Mistake("\"a\"b\"", "3 trailingText"),
        Mistake("\"\\u００41\"", "1 badEscape"), Mistake("\"\\u004/\"", "1 badEscape"),
        Mistake("\"\\u004:\"", "1 badEscape"),
        Mistake("\"\\u004@\"", "1 badEscape"), Mistake("\"\\u004`\"", "1 badEscape"),
        Mistake("\"\\u004g\"", "1 badEscape"),
        Mistake("{\"\\a\":1}", "2 badEscape"),
    ])
    func strings(_ mistake: Mistake) { #expect(jsonProblem(mistake.text) == mistake.problem) }

    @Test func everyControlCharacterMustBeEscaped() {
        // At every distance from the quote, because ordinary text is passed over eight bytes at a time.
        for control in UInt8(0)..<0x20 {
            for place in 0...17 {
                let before = Array(repeating: UInt8(ascii: "x"), count: place)
                let text = Array("\"".utf8) + before + [control] + Array("1234567890\"".utf8)
                #expect(jsonProblem(text) == "\(place + 1) controlCharacter")
                #expect(
                    jsonProblem(Array("{".utf8) + text + Array(":1}".utf8))
                        == "\(place + 2) controlCharacter")
            }
        }
    }

    @Test func onlyFourCharactersAreSpace() {
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

    @Test func noOtherEncodingIsTaken() {
        #expect(jsonProblem([0xFF, 0xFE, 0x5B, 0x00, 0x5D, 0x00]) == "0 expectedValue")
        #expect(jsonProblem([0x00, 0x5B, 0x00, 0x5D]) == "0 expectedValue")
        #expect(jsonProblem([0x5B, 0x00, 0x5D, 0x00]) == "1 expectedValue")
        #expect(jsonProblem([0xEF, 0xBB, 0xBF] + Array("[]".utf8)) == "0 expectedValue")
    }

    @Test func brokenBytesOutsideStringsAreMistakes() {
        for broken: [UInt8] in [[0xFF], [0xE5], [0xC3, 0xA9], [0x80]] {
            #expect(jsonProblem(broken) == "0 expectedValue")
            #expect(
                jsonProblem(Array("[1".utf8) + broken + Array("]".utf8)) == "2 expectedCommaOrEnd")
            #expect(jsonProblem(Array("1".utf8) + broken) == "1 trailingText")
        }
    }

    @Test func everyReasonHasItsWords() {
        let reasons = (0...UInt8.max).compactMap { JSONError.Problem(rawValue: $0) }
        #expect(reasons.count == 14)
        #expect(Set(reasons.map { $0.text.description }).count == reasons.count)
    }
}
