import Foundation
import Testing

@testable import Base
@testable import Chat
@testable import Engine

/// Generates random documents, the same ones in every run.
private struct Documents {
    var random: SeededRandom

    private static let pieces = [
        "a", "Z", " ", "é", "€", "😊", "\u{7F}", "\\n", "\\\"", "\\\\", "\\/", "\\u0041", "\\u0000",
        "\\ud83d\\ude0a", "\\u20AC",
        "longer text, plain",
    ]
    private static let numbers = [
        "0", "-0", "1", "-17", "3.25", "1e3", "-2.5E-2", "9007199254740992", "1E+2", "0.1",
        "123456789",
    ]

    mutating func space() -> String {
        random.roll(4) == 0 ? random.pick([" ", "\n", "\t", "\r", "  \r\n"]) : ""
    }

    mutating func string() -> String {
        "\"" + (0..<random.roll(5)).map { _ in random.pick(Documents.pieces) }.joined() + "\""
    }

    mutating func value(_ depth: Int) -> String {
        switch random.roll(depth > 0 ? 9 : 6) {
        case 0: random.pick(["null", "true", "false"])
        case 1, 2: random.pick(Documents.numbers)
        case 3...5: string()
        case 6: "[" + list { $0.value(depth - 1) } + "]"
        default:
            "{" + list { $0.string() + $0.space() + ":" + $0.space() + $0.value(depth - 1) } + "}"
        }
    }

    private mutating func list(_ item: (inout Documents) -> String) -> String {
        var items: [String] = []
        for _ in 0..<random.roll(5) { items.append(space() + item(&self) + space()) }
        return items.isEmpty ? space() : items.joined(separator: ",")
    }

    /// Changes, removes or inserts some bytes, mostly ones that have a meaning in JSON.
    mutating func mutated(_ text: [UInt8]) -> [UInt8] {
        let bytes =
            Array("{}[]\",:\\/0123456789+-.eEtfnu \n\t\u{0}\u{C}x".utf8) + [
                0x80, 0xC3, 0xE2, 0xED, 0xF0, 0xFF,
            ]
        var changed = text
        for _ in 0...random.roll(2) {
            let index = random.roll(changed.count + 1)
            switch random.roll(4) {
            case 0 where index < changed.count: changed.remove(at: index)
            case 1 where index < changed.count: changed[index] = random.pick(bytes)
            case 2 where index < changed.count: changed.insert(changed[index], at: index)
            default: changed.insert(random.pick(bytes), at: index)
            }
        }
        return changed
    }
}

@Suite("JSONReader agrees with other parsers on random texts")
struct JSONRandomTests {
    /// Whether a value equals that of Foundation. Of duplicate members, the last counts in both
    /// parsers.
    private func same(_ parsed: JSON, _ expected: Any) -> Bool {
        switch parsed {
        case .null: expected is NSNull
        case .bool(let flag): (expected as? Bool) == flag
        case .number(let digits): (expected as? NSNumber)?.doubleValue == Double(digits)
        case .string(let text):
            (expected as? String)?.unicodeScalars.elementsEqual(text.unicodeScalars) ?? false
        case .array(let elements):
            (expected as? [Any]).map {
                $0.count == elements.count && zip(elements, $0).allSatisfy { same($0, $1) }
            } ?? false
        case .object(let members):
            (expected as? [String: Any]).map { expected in
                // Foundation treats canonically equivalent names as equal; these documents have
                // none.
                let last = Dictionary(members.map { ($0.name, $0.value) }) { $1 }
                return last.count == expected.count
                    && last.allSatisfy { name, value in
                        expected[name].map { same(value, $0) } ?? false
                    }
            } ?? false
        }
    }

    private func foundation(_ text: [UInt8]) -> Any? {
        try? JSONSerialization.jsonObject(with: Data(text), options: .fragmentsAllowed)
    }

    @Test func validDocumentsHaveFoundationsValues() throws {
        var documents = Documents(random: SeededRandom(1))
        for _ in 0..<1500 {
            let text = Array((documents.space() + documents.value(4) + documents.space()).utf8)
            let expected = try #require(
                foundation(text), "\(String(decoding: text, as: UTF8.self))")
            #expect(same(try read(text), expected), "\(String(decoding: text, as: UTF8.self))")
            #expect(same(try read(text, .rejectsInvalidUTF8), expected))
        }
    }

    @Test func mutatedDocumentsAreAcceptedAsTheGrammarSays() {
        var documents = Documents(random: SeededRandom(2))
        var accepted = 0
        var rejected = 0
        for _ in 0..<5000 {
            let text = documents.mutated(Array(documents.value(3).utf8))
            let isJSON = JSONReference.accepts(text)
            #expect(
                (jsonProblem(text) == nil) == isJSON,
                "\(String(decoding: text, as: UTF8.self).debugDescription)")
            let isValid = isJSON && String(validating: text, as: UTF8.self) != nil
            #expect((jsonProblem(text, .rejectsInvalidUTF8) == nil) == isValid, "\(text)")
            if isJSON { accepted += 1 } else { rejected += 1 }
        }
        // The generator must have produced enough of both.
        #expect(accepted > 500 && rejected > 500)
    }

    /// Whether Foundation rejects the value: a lone surrogate, which `JSONReader` replaces, or a
    /// number that is too large for a double.
    private func isBeyondFoundation(_ value: JSON) -> Bool {
        switch value {
        case .null, .bool: false
        case .number(let digits): Double(digits).map { !$0.isFinite } ?? true
        case .string(let text): text.contains("\u{FFFD}")
        case .array(let elements): elements.contains { isBeyondFoundation($0) }
        case .object(let members):
            members.contains { $0.name.contains("\u{FFFD}") || isBeyondFoundation($0.value) }
        }
    }

    @Test func foundationDisagreesOnlyInKnownCases() {
        var documents = Documents(random: SeededRandom(3))
        var agreements = 0
        for _ in 0..<3000 {
            let text = documents.mutated(Array(documents.value(3).utf8))
            let parsed = try? read(text, .rejectsInvalidUTF8)
            let expected = foundation(text)
            switch (parsed, expected) {
            case (nil, nil), (.some, .some): agreements += 1
            // Foundation detects UTF-16 and UTF-32 by NULs.
            case (nil, .some): #expect(text.prefix(4).contains(0), "\(text)")
            case (.some(let value), nil): #expect(isBeyondFoundation(value), "\(text)")
            }
        }
        #expect(agreements > 2900)
    }

    @Test func everyErrorOffsetLiesInTheText() {
        var documents = Documents(random: SeededRandom(4))
        var errors = 0
        for _ in 0..<1500 {
            let text = documents.mutated(Array(documents.value(3).utf8))
            do { _ = try read(text) } catch let error as JSONError {
                errors += 1
                #expect((0...text.count).contains(error.offset))
                #expect((error.problem == .unexpectedEnd) == (error.offset == text.count))
                // The text before the offset has no other error: it is complete, or only its end is
                // missing.
                let before = jsonProblem(text[..<error.offset])
                #expect(
                    before == nil || before == "\(error.offset) unexpectedEnd"
                        || before?.hasSuffix("expectedValue") == true)
            } catch {
                Issue.record("\(error)")
            }
        }
        #expect(errors > 300)
    }
}
