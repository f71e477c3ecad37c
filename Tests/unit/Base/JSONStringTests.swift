import Testing

@testable import Base
@testable import Chat
@testable import Engine

@Suite("JSON strings: escapes, surrogate pairs and invalid UTF-8")
struct JSONStringTests {
    private func text(_ inside: String) throws -> String? { try text(Array(inside.utf8)) }

    /// The text of a string with these contents; nil if another kind of value is read.
    private func text(_ inside: [UInt8], _ strictness: JSONReader.Strictness = .replacesInvalidUTF8)
        throws
        -> String?
    {
        guard case .string(let text) = try read([0x22] + inside + [0x22], strictness) else {
            return nil
        }
        return text
    }

    @Test func escapes() throws {
        #expect(try text(#"\"\\\/\b\f\n\r\t"#) == "\"\\/\u{8}\u{C}\n\r\t")
        #expect(try text(#"\u0041\u00e9\u00E9\u20aC\uFFFF"#) == "A\u{E9}\u{E9}\u{20AC}\u{FFFF}")
        #expect(try text(#"\u0000a\u001f\u007f"#) == "\u{0}a\u{1F}\u{7F}")
        #expect(try text(#"\\u0041"#) == "\\u0041")
        #expect(try text(#"a\\"#) == "a\\")
        #expect(try text("\u{7F}/'") == "\u{7F}/'")
        #expect(try text("") == "")
    }

    @Test func everyEscapedUnitDenotesItsCharacter() throws {
        for unit in stride(from: 0, through: 0xFFFF, by: 7) where !(0xD800...0xDFFF).contains(unit)
        {
            let digits = String(unit, radix: 16)
            let escape = "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            let scalar = try #require(Unicode.Scalar(UInt32(unit)))
            #expect(try text(escape) == String(scalar))
        }
    }

    @Test func surrogatePairs() throws {
        #expect(try text(#"\ud83d\ude0a"#) == "😊")
        #expect(try text(#"\uD83D\uDE0A\uD83D\uDE0A"#) == "😊😊")
        #expect(try text(#"\ud800\udc00\udbff\udfff"#) == "\u{10000}\u{10FFFF}")
    }

    @Test func loneSurrogatesAreReplaced() throws {
        #expect(try text(#"\ud83d"#) == "\u{FFFD}")
        #expect(try text(#"\ude0a"#) == "\u{FFFD}")
        #expect(try text(#"a\ud83db"#) == "a\u{FFFD}b")
        #expect(try text(#"\ude0a\ud83d"#) == "\u{FFFD}\u{FFFD}")
        #expect(try text(#"\ud83d\ud83d\ude0a"#) == "\u{FFFD}😊")
        #expect(try text(#"\ud83d\u0041"#) == "\u{FFFD}A")
        #expect(try text(#"\ud83d\n\ude0a"#) == "\u{FFFD}\n\u{FFFD}")
        #expect(try text(#"\ud83d\ude0a\ude0a"#) == "😊\u{FFFD}")
        #expect(try text("\\ud83dé") == "\u{FFFD}é")
    }

    @Test func charactersAtTheLimitsOfEachLength() throws {
        for scalar in [
            "\u{80}", "\u{7FF}", "\u{800}", "\u{D7FF}", "\u{E000}", "\u{FFFD}", "\u{FFFF}",
            "\u{10000}", "\u{10FFFF}",
        ] {
            for offset in 0...9 {
                let padding = String(repeating: "x", count: offset)
                #expect(try text(padding + scalar + padding) == padding + scalar + padding)
                #expect(
                    try text(Array((padding + scalar).utf8), .rejectsInvalidUTF8) == padding
                        + scalar
                )
            }
        }
    }

    /// Invalid UTF-8, and the number of U+FFFD that replace it; -1 for a valid character and one
    /// U+FFFD.
    ///
    /// Each maximal part of a character becomes one U+FFFD (the Unicode Standard, table 3-8 and the
    /// text around it).
    static let invalid: [(bytes: [UInt8], replacements: Int)] = [
        ([0x80], 1), ([0xBF], 1), ([0xC0], 1), ([0xC1], 1), ([0xF5], 1), ([0xFE], 1), ([0xFF], 1),
        ([0xC0, 0xAF], 2),
        ([0xC1, 0xBF], 2), ([0xE0, 0x80, 0xAF], 3), ([0xE0, 0x9F, 0xBF], 3),
        ([0xF0, 0x80, 0x80, 0xAF], 4),
        ([0xF0, 0x8F, 0xBF, 0xBF], 4), ([0xED, 0xA0, 0x80], 3), ([0xED, 0xBF, 0xBF], 3),
        ([0xED, 0xA0, 0xBD, 0xED, 0xB8, 0x8A], 6), ([0xF4, 0x90, 0x80, 0x80], 4),
        ([0xF8, 0x88, 0x80, 0x80, 0x80], 5),
        ([0xFC, 0x84, 0x80, 0x80, 0x80, 0x80], 6), ([0xC3], 1), ([0xE2, 0x82], 1), ([0xE2], 1),
        ([0xF0, 0x9F, 0x98], 1),
        ([0xF0, 0x9F], 1), ([0xF0], 1), ([0xED, 0x9F], 1), ([0xE2, 0xE2, 0x82], 2),
        ([0xF1, 0x80, 0x80, 0xE1, 0x80, 0xC2], 3),
        ([0xF0, 0x9F, 0x98, 0x80, 0x80], -1),
    ]

    @Test(arguments: invalid)
    func invalidUTF8IsReplacedInText(_ bytes: [UInt8], _ replacements: Int) throws {
        let expected =
            replacements < 0 ? "😀\u{FFFD}" : String(repeating: "\u{FFFD}", count: replacements)
        for offset in 0...9 {
            let padding = Array(repeating: UInt8(ascii: "x"), count: offset)
            let padded = String(repeating: "x", count: offset)
            #expect(try text(padding + bytes + padding) == padded + expected + padded)
            #expect(try text(padding + bytes + Array("\\n".utf8)) == padded + expected + "\n")
        }
    }

    @Test(arguments: invalid)
    func invalidUTF8IsRejectedInNamesAndOnRequest(_ bytes: [UInt8], _ replacements: Int) {
        let offset = replacements < 0 ? 4 : 0
        let string = [0x22] + bytes + [0x22]
        #expect(jsonProblem(string) == nil)
        #expect(jsonProblem(string, .rejectsInvalidUTF8) == "\(1 + offset) badUTF8")
        #expect(
            jsonProblem(Array("[1,".utf8) + string + Array("]".utf8), .rejectsInvalidUTF8)
                == "\(4 + offset) badUTF8")
        #expect(
            jsonProblem(Array("{".utf8) + string + Array(":1}".utf8)) == "\(2 + offset) badUTF8")
    }

    @Test func invalidUTF8DoesNotHideAQuote() throws {
        // The first byte of a character must not consume the quote, backslash or comma after it.
        #expect(
            try read([0x5B, 0x22, 0xE2, 0x22, 0x2C, 0x22, 0xF0, 0x9F, 0x22, 0x5D])
                == .array([.string("\u{FFFD}"), .string("\u{FFFD}")]))
        #expect(try text([0xE2, 0x5C, 0x22, 0xC3, 0x5C, 0x5C]) == "\u{FFFD}\"\u{FFFD}\\")
    }

    @Test func quotesAndBackslashesAreFoundAtEveryOffset() throws {
        for length in 0...24 {
            let padding = String(repeating: "y", count: length)
            #expect(
                try read("[\"\(padding)\",\"\(padding)\\\"\"]")
                    == .array([.string(padding), .string(padding + "\"")]))
            #expect(
                try read("{\"\(padding)\\\\\":\"!#[]\(padding)\"}")
                    == .object([.init(name: padding + "\\", value: .string("!#[]" + padding))]))
        }
    }

    @Test func everyASCIIByteDenotesItself() throws {
        for byte in UInt8(0x20)...0x7F where byte != 0x22 && byte != 0x5C {
            let bytes = Array(repeating: byte, count: 11)
            #expect(try text(bytes) == String(decoding: bytes, as: UTF8.self))
        }
    }
}
