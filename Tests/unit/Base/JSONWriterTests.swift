import Foundation
import Testing

@testable import Base
@testable import Chat
@testable import Engine

@Suite("JSON strings are written so that every parser reads the same text")
struct JSONWriterTests {
    private func written(_ text: String) -> String {
        ByteBuffer.text { buffer in withCopy(text) { buffer.append(jsonString: $0) } }
    }

    @Test func escapesWhatTheRFCRequires() {
        #expect(written("") == "\"\"")
        #expect(written("a\"b\\c/d") == #""a\"b\\c/d""#)
        #expect(written("\u{8}\t\n\u{C}\r") == #""\b\t\n\f\r""#)
        #expect(written("\u{0}\u{1}\u{B}\u{E}\u{1F}") == #""\u0000\u0001\u000b\u000e\u001f""#)
        #expect(written("\u{7F}é€😊\u{2028}") == "\"\u{7F}é€😊\u{2028}\"")
        #expect(ByteBuffer.text { $0.append(jsonString: "a\"b") } == #""a\"b""#)
    }

    @Test func isReadBack() throws {
        var random = SeededRandom(8)
        let pieces =
            (0..<0x30).map { String(Unicode.Scalar(UInt8($0))) } + [
                "\\", "é", "€", "😊", "\u{7F}", "\u{2028}", "plain text",
            ]
        for _ in 0..<1000 {
            let text = (0..<random.roll(10)).map { _ in random.pick(pieces) }.joined()
            let json = Array(written(text).utf8)
            #expect(try read(json, .rejectsInvalidUTF8) == .string(text))
            let parsed =
                try JSONSerialization.jsonObject(with: Data(json), options: .fragmentsAllowed)
                as? String
            #expect(
                parsed?.unicodeScalars.elementsEqual(text.unicodeScalars) == true,
                "\(text.debugDescription)")
        }
    }
}
