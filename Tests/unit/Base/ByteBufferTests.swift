import Foundation
import Testing

@testable import Base
@testable import Chat
@testable import Engine

@Suite("ByteBuffer: contents, terminating NUL, text operations")
struct ByteBufferTests {
    private func bytes(_ write: (inout ByteBuffer) -> Void) -> [UInt8] {
        var buffer = ByteBuffer()
        write(&buffer)
        #expect(buffer.start[buffer.count] == 0)
        return Array(buffer.bytes)
    }

    @Test func anEmptyBufferIsAnEmptyCString() {
        let buffer = ByteBuffer()
        let (isEmpty, length, terminator) = (
            buffer.isEmpty, strlen(buffer.cString), buffer.start[0]
        )
        #expect(isEmpty && length == 0 && terminator == 0)
    }

    @Test func appendGrowsTheBuffer() {
        for length in [1, 62, 63, 64, 65, 127, 128, 5000] {
            let piece = (0..<length).map { UInt8(truncatingIfNeeded: $0) }
            #expect(bytes { buffer in withCopy(piece) { buffer.append($0) } } == piece)
            #expect(bytes { buffer in for byte in piece { buffer.append(byte) } } == piece)
            #expect(
                bytes { buffer in for _ in 0..<3 { withCopy(piece) { buffer.append($0) } } }
                    == piece + piece + piece)
        }
        #expect(bytes { $0.append(Bytes(start: nil, count: 0)) } == [])
        #expect(bytes { $0.append("") } == [])
    }

    @Test("Growth to the size from which a block is a mapping, and beyond") func growsLarge() {
        let lengths = [1 << 19, (1 << 20) - 2, (1 << 20) - 1, 1 << 20, 3 << 19]
        let longest = (0..<lengths.max()!).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        for length in lengths {
            withCopy(longest.prefix(length)) { piece in
                var buffer = ByteBuffer()
                for _ in 0..<5 { buffer.append(piece) }
                let (count, terminator) = (buffer.count, buffer.start[buffer.count])
                #expect(count == 5 * length && terminator == 0)
                for start in stride(from: 0, to: count, by: length) {
                    let isEqual = buffer.bytes.part(start..<start + length).equals(piece)
                    #expect(isEqual, "\(length), \(start)")
                }
            }
        }
    }

    @Test func replaceMatchesAnArray() {
        var random = SeededRandom(6)
        for _ in 0..<500 {
            var expected = (0..<random.roll(100)).map { _ in UInt8(random.roll(256)) }
            var buffer = ByteBuffer()
            withCopy(expected) { buffer.append($0) }
            for _ in 0..<4 {
                let low = random.roll(expected.count + 1)
                let range = low..<low + random.roll(expected.count - low + 1)
                let replacement = (0..<random.roll(80)).map { _ in UInt8(random.roll(256)) }
                expected.replaceSubrange(range, with: replacement)
                withCopy(replacement) { buffer.replace(range, with: $0) }
                let (found, terminator) = (Array(buffer.bytes), buffer.start[buffer.count])
                #expect(found == expected && terminator == 0)
            }
        }
    }

    @Test func replaceInAFullOrEmptyBuffer() {
        #expect(
            bytes { buffer in withCopy("abc") { buffer.replace(0..<0, with: $0) } }
                == Array("abc".utf8))
        for length in 60...66 {
            let full = Array(repeating: UInt8(ascii: "x"), count: length)
            let longer = bytes { buffer in
                withCopy(full) { buffer.append($0) }
                withCopy("yz") { buffer.replace(length - 1..<length, with: $0) }
            }
            #expect(longer == full.dropLast() + Array("yz".utf8))
        }
    }

    @Test func truncate() {
        #expect(
            bytes {
                $0.append("abcdef")
                $0.truncate(to: 2)
            } == Array("ab".utf8))
        #expect(
            bytes {
                $0.append("abc")
                $0.truncate(to: 3)
                $0.truncate(to: 9)
            } == Array("abc".utf8))
        #expect(
            bytes {
                $0.append("abc")
                $0.removeAll()
                $0.append("d")
            } == Array("d".utf8))
        #expect(bytes { $0.removeAll() } == [])
    }

    @Test func decimalNumbers() {
        for number in [0, 1, -1, 9, 10, -10, 99, 100, 1_000_000, .max, .min, .max - 1, .min + 1] {
            #expect(ByteBuffer.text { $0.append(decimal: number) } == "\(number)")
        }
    }

    @Test func base64MatchesFoundation() {
        var random = SeededRandom(7)
        for length in 0..<100 {
            let piece = (0..<length).map { _ in UInt8(random.roll(256)) }
            let encoded = ByteBuffer.text { buffer in withCopy(piece) { buffer.append(base64: $0) }
            }
            #expect(encoded == Data(piece).base64EncodedString())
        }
        let allBytes = (0...255).map { UInt8($0) }
        #expect(
            ByteBuffer.text { buffer in withCopy(allBytes) { buffer.append(base64: $0) } }
                == Data(allBytes).base64EncodedString())
    }

    @Test func comparisons() {
        withCopy("Content-Type") { name in
            #expect(
                name.equals("Content-Type") && !name.equals("content-type")
                    && !name.equals("Content-Typ"))
            #expect(
                name.equalsIgnoringCase(StaticText.bytes("content-TYPE"))
                    && !name.equalsIgnoringCase(StaticText.bytes("content-typ")))
            #expect(
                name.hasPrefix("Content") && name.hasPrefix("") && !name.hasPrefix("Content-Types")
                    && !name.hasPrefix("ontent"))
            #expect(
                name.hasSuffix("Type") && name.hasSuffix("") && !name.hasSuffix("xContent-Type")
                    && !name.hasSuffix("Typ"))
        }
        // Only letters have a case, although '@' and '`', '[' and '{' differ by the same bit.
        #expect(!withCopy("@[") { $0.equalsIgnoringCase(StaticText.bytes("`{")) })
    }

    @Test("The contents move, and with them memory that is mostly used", arguments: [10, 800])
    func takeContents(length: Int) {
        var from = ByteBuffer()
        var to = ByteBuffer()
        from.append(UInt8(ascii: "x"), count: 1000)
        from.truncate(to: length)
        to.append("earlier")
        to.takeContents(of: &from)
        let (moved, left) = (Array(to.bytes), from.count)
        #expect(moved == Array(repeating: UInt8(ascii: "x"), count: length) && left == 0)
        let capacity = to.capacity
        #expect(capacity == (length == 10 ? 24 : 1001))
    }

    @Test func oneLineRemovesControlCharactersAndLimitsTheLength() {
        func line(_ text: [UInt8], _ limit: Int) -> String {
            ByteBuffer.text { buffer in withCopy(text) { buffer.append(oneLine: $0, limit: limit) }
            }
        }
        #expect(
            line(Array("a\r\nb\tc\u{0}d\u{1B}[2Je\u{7F}f\u{85}g\u{9B}h\u{A0}i".utf8), 100)
                == "a  b c d [2Je f g h\u{A0}i")
        #expect(line(Array("abc".utf8), 3) == "abc")
        #expect(line(Array("abcd".utf8), 3) == "abc…")
        #expect(line(Array("ab€".utf8), 5) == "ab€")
        #expect(line(Array("ab€".utf8), 4) == "ab…")
        #expect(line([0x61, 0xFF, 0xE2, 0x62], 10) == "a\u{FFFD}\u{FFFD}b")
        // The limit counts the appended bytes: a replacement is longer than the invalid byte.
        #expect(line([0xFF, 0xFF, 0xFF], 9) == "\u{FFFD}\u{FFFD}\u{FFFD}")
        #expect(line([0xFF, 0xFF, 0xFF], 8) == "\u{FFFD}\u{FFFD}…")
    }
}
