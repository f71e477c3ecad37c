import Testing

@testable import Base
@testable import Chat
@testable import Engine

@Suite("UTF8Decoder joins text that is split anywhere, and appends only complete characters")
struct UTF8DecoderTests {
    /// The text that is appended after each piece and at the end. Each piece is the contents of a
    /// JSON string.
    private func outputs(_ pieces: [[UInt8]]) throws -> [String] {
        var decoder = UTF8Decoder()
        var text = ByteBuffer()
        var outputs: [String] = []
        func record(_ start: Int) {
            let added = Array(text.bytes.dropping(start))
            // Only complete characters, at every step.
            #expect(String(validating: added, as: UTF8.self) != nil, "\(added) of \(pieces)")
            outputs.append(String(decoding: added, as: UTF8.self))
        }
        for piece in pieces {
            let start = text.count
            try withCopy([0x22] + piece + [0x22]) { bytes in
                var reader = JSONReader()
                decoder.append(try reader.read(bytes), to: &text)
            }
            record(start)
        }
        let start = text.count
        decoder.finish(&text)
        record(start)
        return outputs
    }

    private func whole(_ pieces: [[UInt8]]) throws -> String { try outputs(pieces).joined() }

    private func expect(
        _ bytes: [UInt8], _ text: String, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        #expect(try whole([bytes]) == text, sourceLocation: sourceLocation)
        #expect(try whole(bytes.map { [$0] }) == text, sourceLocation: sourceLocation)
        for pieces in cutAnywhere(bytes) {
            #expect(try whole(pieces) == text, "\(pieces)", sourceLocation: sourceLocation)
            #expect(
                try whole([pieces[0], [], pieces[1]]) == text, "\(pieces), with nothing between",
                sourceLocation: sourceLocation)
        }
    }

    @Test func charactersOfEveryLength() throws {
        for text in [
            "abc", "é", "aéb", "€", "a€b€", "😊", "😊😊", "x😊é€y",
            "\u{80}\u{7FF}\u{800}\u{FFFF}\u{10000}\u{10FFFF}",
        ] {
            try expect(Array(text.utf8), text)
        }
    }

    @Test func invalidUTF8IsReplacedAsByADecoderOfTheWholeText() throws {
        for (bytes, _) in JSONStringTests.invalid {
            try expect(bytes, String(decoding: bytes, as: UTF8.self))
            let amid = Array("é".utf8) + bytes + Array("😊".utf8)
            try expect(amid, String(decoding: amid, as: UTF8.self))
        }
    }

    @Test func anEscapeInTheNextPieceEndsAnIncompleteCharacter() throws {
        #expect(
            try outputs([[0xE2, 0x82], Array("\\n".utf8), [0xAC]]) == [
                "", "\u{FFFD}\n", "\u{FFFD}", "",
            ])
        #expect(try outputs([[0xE2, 0x82], Array("\\u0041".utf8)]) == ["", "\u{FFFD}A", ""])
        #expect(
            try outputs([[0xE2, 0x82], Array("\\ud83d".utf8), Array("\\ude0a".utf8)]) == [
                "", "\u{FFFD}", "😊", "",
            ])
    }

    @Test func anIncompleteCharacterIsAppendedWhenComplete() throws {
        #expect(try outputs([[0xF0], [0x9F], [0x98, 0x8A, 0x21]]) == ["", "", "😊!", ""])
        #expect(try outputs([[0x61, 0xF0, 0x9F], [0x98]]) == ["a", "", "\u{FFFD}"])
        #expect(try outputs([[0xE2], [], [0x82], [], [0xAC]]) == ["", "", "", "", "€", ""])
    }

    @Test func surrogatePairsSplitBetweenPieces() throws {
        func pieces(_ texts: String...) -> [[UInt8]] { texts.map { Array($0.utf8) } }
        #expect(try outputs(pieces(#"a\ud83d"#, #"\ude0ab"#)) == ["a", "😊b", ""])
        #expect(try outputs(pieces(#"\ud83d"#, "", #"\ude0a"#)) == ["", "", "😊", ""])
        #expect(try outputs(pieces(#"\ud83d"#, "a")) == ["", "\u{FFFD}a", ""])
        #expect(try outputs(pieces(#"\ud83d"#, #"\n"#)) == ["", "\u{FFFD}\n", ""])
        #expect(
            try outputs(pieces(#"\ud83d"#, #"\ud83d"#, #"\ude0a"#)) == ["", "\u{FFFD}", "😊", ""])
        #expect(try outputs(pieces(#"\ud83d"#, "é")) == ["", "\u{FFFD}é", ""])
        #expect(try outputs(pieces(#"\ud83d"#)) == ["", "\u{FFFD}"])
        #expect(try outputs(pieces(#"\ude0a"#, #"\ud83d"#)) == ["\u{FFFD}", "", "\u{FFFD}"])
    }

    @Test func invalidUTF8AfterAHighSurrogate() throws {
        #expect(try outputs([Array(#"\ud83d"#.utf8), [0x80]]) == ["", "\u{FFFD}\u{FFFD}", ""])
        #expect(
            try outputs([Array(#"\ud83d"#.utf8), [0xE2], [0x82, 0xAC]]) == [
                "", "\u{FFFD}", "€", "",
            ])
    }

    @Test func anyBytesInAnyPieces() throws {
        var random = SeededRandom(5)
        let alphabet: [[UInt8]] = [
            [0x61], [0xC3, 0xA9], [0xE2, 0x82, 0xAC], [0xF0, 0x9F, 0x98, 0x8A], [0xC3], [0xE2],
            [0xE2, 0x82], [0xF0, 0x9F],
            [0x80], [0xBF], [0xFF],
            [0xED], [0xA0], [0xF4], [0x90], [0xE0], [0xC0],
        ]
        for _ in 0..<3000 {
            let bytes = (0..<random.roll(12)).flatMap { _ in random.pick(alphabet) }
            var pieces: [[UInt8]] = [[]]
            for byte in bytes {
                if random.roll(3) == 0 { pieces.append([]) }
                pieces[pieces.count - 1].append(byte)
            }
            #expect(try whole(pieces) == String(decoding: bytes, as: UTF8.self), "\(pieces)")
        }
    }

    @Test func rawBytesHaveNoEscapes() {
        for pieces in cutAnywhere(Array(#"a\n\u0041€"#.utf8) + [0xE2, 0x82]) {
            var decoder = UTF8Decoder()
            let text = ByteBuffer.text { text in
                for piece in pieces { withCopy(piece) { decoder.append(raw: $0, to: &text) } }
                decoder.finish(&text)
            }
            #expect(text == #"a\n\u0041€"# + "\u{FFFD}")
        }
    }

    @Test func validityOfUTF8() {
        for text in ["", "a", "é€😊", "\u{0}\u{7F}\u{80}\u{10FFFF}"] {
            #expect(withCopy(text) { isUTF8($0) })
        }
        for (bytes, _) in JSONStringTests.invalid {
            #expect(!withCopy(bytes) { isUTF8($0) }, "\(bytes)")
            #expect(!withCopy(Array("€".utf8) + bytes) { isUTF8($0) }, "\(bytes)")
        }
        for byte in UInt8(0)...0xFF { #expect(withCopy([byte]) { isUTF8($0) } == (byte < 0x80)) }
    }
}
