import Foundation
import Testing

@testable import Base
@testable import Chat
@testable import Engine

/// Documents out of nowhere, always the same ones.
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

    /// One or two bytes changed, taken out or put in: where JSON breaks most easily.
    mutating func broken(_ text: [UInt8]) -> [UInt8] {
        let bytes =
            Array("{}[]\",:\\/0123456789+-.eEtfnu \n\t\u{0}\u{C}x".utf8) + [
                0x80, 0xC3, 0xE2, 0xED, 0xF0, 0xFF,
            ]
        var changed = text
        for _ in 0...random.roll(2) {
            let place = random.roll(changed.count + 1)
            switch random.roll(4) {
            case 0 where place < changed.count: changed.remove(at: place)
            case 1 where place < changed.count: changed[place] = random.pick(bytes)
            case 2 where place < changed.count: changed.insert(changed[place], at: place)
            default: changed.insert(random.pick(bytes), at: place)
            }
        }
        return changed
    }
}

@Suite("Random texts are read as other readers read them")
struct JSONRandomTests {
    /// Foundation's values, for a document that it can read: the last of several members of one name wins, as with us.
    private func same(_ ours: JSON, _ theirs: Any) -> Bool {
        switch ours {
        case .null: theirs is NSNull
        case .bool(let flag): (theirs as? Bool) == flag
        case .number(let digits): (theirs as? NSNumber)?.doubleValue == Double(digits)
        case .string(let text):
            (theirs as? String)?.unicodeScalars.elementsEqual(text.unicodeScalars) ?? false
        case .array(let elements):
            (theirs as? [Any]).map {
                $0.count == elements.count && zip(elements, $0).allSatisfy { same($0, $1) }
            } ?? false
        case .object(let members):
            (theirs as? [String: Any]).map { theirs in
                // Foundation takes names for the same that are canonically equivalent; none of these are.
                let last = Dictionary(members.map { ($0.name, $0.value) }) { $1 }
                return last.count == theirs.count
                    && last.allSatisfy { name, value in
                        theirs[name].map { same(value, $0) } ?? false
                    }
            } ?? false
        }
    }

    private func foundation(_ text: [UInt8]) -> Any? {
        try? JSONSerialization.jsonObject(with: Data(text), options: .fragmentsAllowed)
    }

    @Test func whatFoundationReadsWeReadTheSame() throws {
        var documents = Documents(random: SeededRandom(1))
        for _ in 0..<1500 {
            let text = Array((documents.space() + documents.value(4) + documents.space()).utf8)
            let theirs = try #require(foundation(text), "\(String(decoding: text, as: UTF8.self))")
            #expect(same(try read(text), theirs), "\(String(decoding: text, as: UTF8.self))")
            #expect(same(try read(text, .rejectsInvalidUTF8), theirs))
        }
    }

    @Test func brokenDocumentsAreReadAsTheGrammarSays() {
        var documents = Documents(random: SeededRandom(2))
        var accepted = 0
        var refused = 0
        for _ in 0..<5000 {
            let text = documents.broken(Array(documents.value(3).utf8))
            let isJSON = JSONReference.accepts(text)
            #expect(
                (jsonProblem(text) == nil) == isJSON,
                "\(String(decoding: text, as: UTF8.self).debugDescription)")
            let isWhole = isJSON && String(validating: text, as: UTF8.self) != nil
            #expect((jsonProblem(text, .rejectsInvalidUTF8) == nil) == isWhole, "\(text)")
            if isJSON { accepted += 1 } else { refused += 1 }
        }
        // The dice must have made enough of both.
        #expect(accepted > 500 && refused > 500)
    }

    /// Lone surrogates, which Foundation refuses, come out of our reader as U+FFFD, and numbers that no double holds as they are.
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

    @Test func foundationDisagreesOnlyWhereItIsKnownTo() {
        var documents = Documents(random: SeededRandom(3))
        var agreements = 0
        for _ in 0..<3000 {
            let text = documents.broken(Array(documents.value(3).utf8))
            let ours = try? read(text, .rejectsInvalidUTF8)
            let theirs = foundation(text)
            switch (ours, theirs) {
            case (nil, nil), (.some, .some): agreements += 1
            // It guesses at UTF-16 and UTF-32 where there are NULs.
            case (nil, .some): #expect(text.prefix(4).contains(0), "\(text)")
            case (.some(let value), nil): #expect(isBeyondFoundation(value), "\(text)")
            }
        }
        #expect(agreements > 2900)
    }

    @Test func everyPlaceOfAMistakeLiesInTheText() {
        var documents = Documents(random: SeededRandom(4))
        var mistakes = 0
        for _ in 0..<1500 {
            let text = documents.broken(Array(documents.value(3).utf8))
            do { _ = try read(text) } catch let error as JSONError {
                mistakes += 1
                #expect((0...text.count).contains(error.offset))
                #expect((error.problem == .unexpectedEnd) == (error.offset == text.count))
                // What comes before a mistake was none: with the rest cut off, it is the end that is missed, or it is whole.
                let before = jsonProblem(text[..<error.offset])
                #expect(
                    before == nil || before == "\(error.offset) unexpectedEnd"
                        || before?.hasSuffix("expectedValue") == true)
            } catch {
                Issue.record("\(error)")
            }
        }
        #expect(mistakes > 300)
    }
}
