import CThinkwire
import Foundation
import Testing

@testable import Base
@testable import Chat
@testable import Engine

/// Passes each case of Tests/corpus (recorded provider responses) through the pure stages.
@Suite("Every corpus case has the expected events, reply and document")
struct CorpusTests {
    @Test func everyCaseWithEverySplit() throws {
        let files = try FileManager.default.contentsOfDirectory(atPath: CorpusCase.directory.path)
        let names = files.filter { $0.hasSuffix(".json") }.map { String($0.dropLast(5)) }.sorted()
        // Each case is two files.
        #expect(!names.isEmpty && files.count == 2 * names.count)
        var count = 0
        for name in names {
            let corpusCase = try CorpusCase(name)
            let body = corpusCase.body
            let whole = try CorpusRecorder(corpusCase, [body])
            corpusCase.check(whole, "whole")
            count += 1
            // Documents are parsed when they are complete.
            if corpusCase.isDocument { continue }
            // The split affects only the SSE parser, so the later stages are checked for some
            // splits.
            let events = try sseEvents([body])
            for (number, offset) in splits(of: body).enumerated() {
                let pieces = [Array(body[..<offset]), Array(body[offset...])]
                let found = try sseEvents(pieces)
                if !found.bytes.equals(events.bytes) {
                    Issue.record("\(name) has other events when it is split at \(offset)")
                }
                if number % 64 == 0 {
                    corpusCase.check(
                        try CorpusRecorder(corpusCase, pieces), like: whole, "split at \(offset)")
                }
            }
            corpusCase.check(
                try CorpusRecorder(corpusCase, body.map { [$0] }), like: whole, "bytewise")
        }
        #expect(count == files.count / 2)
        print("corpus through Swift: \(count) cases of \(files.count / 2)")
    }

    /// Where the body is split: at every byte, or at 400 of them if it is a long capture of a
    /// server, because the time grows with the square of the length.
    private func splits(of body: [UInt8]) -> [Int] {
        guard !body.isEmpty else { return [] }
        let step = body.count < 2000 ? 1 : body.count / 400
        return Array(stride(from: 0, through: body.count, by: step))
    }

    /// Checks that the comparison reports differences.
    @Test func differencesAreReported() throws {
        let body = Array(
            #"data: {"choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":"stop"}]}"#.utf8
        )
        let corpusCase = try CorpusCase("think-tags")
        let actual = try CorpusRecorder(corpusCase, [body])
        let found = corpusCase.differences(actual)
        #expect(found.map { $0.prefix { $0 != " " } } == ["events", "reasoning", "document"])
        #expect(try corpusCase.differences(CorpusRecorder(corpusCase, [corpusCase.body])) == [])
    }
}

/// A corpus case: the response and the expected result.
struct CorpusCase {
    static let directory = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("corpus/cases")

    let name: String
    let body: [UInt8]
    let httpStatus: Int
    let headers: [String: String]
    /// What happens after the body: "close", "cut" or "open".
    let then: String
    let request: NSDictionary
    private let events: NSArray
    private let reply: NSDictionary
    private let document: NSObject?

    init(_ name: String) throws {
        let path = CorpusCase.directory.appendingPathComponent(name).path
        // FileManager.contents leaks a page for an empty file.
        func bytes(_ suffix: String) -> Data? {
            FileHandle(forReadingAtPath: path + suffix)?.readDataToEndOfFile()
        }
        self.name = name
        let json = try #require(bytes(".json"))
        let members = try #require(
            try JSONSerialization.jsonObject(with: json) as? [String: NSObject])
        let http = try #require(members["http"] as? [String: Any])
        body = Array(try #require(bytes(".sse") ?? bytes(".body"), "\(name) has no body"))
        httpStatus = try #require(http["status"] as? Int)
        headers = try #require(http["headers"] as? [String: String])
        then = http["then"] as? String ?? "close"
        request = members["request"] as? NSDictionary ?? [:]
        events = try #require(members["events"] as? NSArray)
        reply = try #require(members["reply"] as? NSDictionary)
        document = members["document"]
    }

    /// The body is one JSON document or plain text, not a stream.
    var isDocument: Bool {
        guard httpStatus < 300, body.first == UInt8(ascii: "{") || body.first == UInt8(ascii: "[")
        else { return httpStatus >= 300 }
        return !body.withUnsafeBufferPointer { ChunkParser.areChunks($0) }
    }

    func check(_ actual: CorpusRecorder, _ how: String) {
        let found = differences(actual)
        #expect(found.isEmpty, "\(name), \(how): \(found.joined(separator: "; "))")
    }

    /// Checks that the split made no difference.
    func check(_ actual: CorpusRecorder, like whole: CorpusRecorder, _ how: String) {
        guard actual.everything != whole.everything else { return }
        Issue.record("\(name): the result differs when \(how)")
        check(actual, how)
    }

    /// Differences between the actual and the expected result. Members that the case omits must be
    /// absent.
    func differences(_ actual: CorpusRecorder) -> [String] {
        var found: [String] = []
        func compare(_ what: String, _ actual: NSObject, _ expected: Any?) {
            guard let expected = expected as? NSObject, expected == actual else {
                found.append("\(what) is \(actual), not \(expected ?? "present")")
                return
            }
        }
        compare("events", actual.events as NSArray, events)
        for (name, value) in actual.members {
            compare(name, value.actual, reply[name] ?? value.defaultValue)
        }
        for part in reply["message_contains"] as? [String] ?? []
        where !actual.message.contains(part) {
            found.append("the message lacks “\(part)”: \(actual.message)")
        }
        for part in reply["message_lacks"] as? [String] ?? [] where actual.message.contains(part) {
            found.append("the message contains “\(part)”: \(actual.message)")
        }
        if let document {
            let text = Data(actual.document.utf8)
            compare(
                "document",
                (try? JSONSerialization.jsonObject(with: text)) as? NSObject ?? NSNull(), document)
        }
        return found
    }
}

/// Passes a response through the stages as an exchange does, and records the result in corpus
/// notation.
final class CorpusRecorder {
    private(set) var events: [NSArray] = []
    private let reply = Reply()
    private var decoder = ChunkParser()
    private var lastSubject: NSArray = []
    private var error: ChunkError?

    init(_ corpusCase: CorpusCase, _ pieces: [[UInt8]]) throws {
        reply.httpStatus = corpusCase.httpStatus
        reply.expected.isThinkingOff = corpusCase.request["thinking"] as? String == "off"
        reply.expected.startsInsideThink = corpusCase.request["starts_thinking"] as? Bool == true
        for (name, value) in corpusCase.headers {
            withCopy("\(name): \(value)\r\n") { reply.headers.add(line: $0) }
        }
        if corpusCase.isDocument {
            decodeDocument(corpusCase.body)
            // As `Outcome.resolve`: a document that only ends too early was cut.
            let isCut = corpusCase.then == "cut" || error?.isCut ?? false
            if isCut, case .malformed = error { error = nil }
        } else {
            try decodeStream(pieces, staysOpen: corpusCase.then == "open")
        }
        decoder.removeEvents()
        decoder.finish(reply)
        recordEvents()
        reply.readRequestIDHeader()
        reply.buildToolCallTable()
    }

    private func decodeStream(_ pieces: [[UInt8]], staysOpen: Bool) throws {
        var stream = SSEParser(limit: 1 << 20)
        for piece in pieces where error == nil {
            try withCopy(piece) { bytes in
                var input = bytes
                while error == nil {
                    decoder.removeEvents()
                    if decoder.decode(knownEventOf: &stream, &input, into: reply) != nil {
                        recordEvents()
                        continue
                    }
                    guard let event = try stream.next(&input) else { break }
                    decode(event)
                }
            }
        }
        guard error == nil, !staysOpen, let last = try stream.finish() else { return }
        decode(last)
        // An event that was cut off is not JSON; that is no error of its own.
        if case .malformed = error { error = nil }
    }

    private func decodeDocument(_ body: [UInt8]) {
        withCopy(body) { reply.body.append($0) }
        do { try decoder.decode(document: reply.body.bytes, into: reply) } catch {
            self.error = error
        }
        recordEvents()
        if reply.httpStatus < 300 { reply.isDone = error == nil && !reply.hasDelta }
        guard reply.httpStatus >= 300, reply.status == TW_OK else { return }
        withCopy(body) { reply.setError(plainBody: $0, isCut: error?.isCut ?? false) }
    }

    private func decode(_ event: SSEParser.Event) {
        decoder.removeEvents()
        do { try decoder.decode(chunk: event.data, named: event.name, into: reply) } catch {
            self.error = error
        }
        recordEvents()
    }

    private func recordEvents() {
        for event in decoder.events {
            let choice = event.kind == TW_EVENT_USAGE ? nil : reply.choices[event.choice]
            let index = choice.map { $0.index == 0 ? [] : [$0.index] } ?? []
            switch event.kind {
            case TW_EVENT_REASONING:
                add(["reasoning"], text(choice!.reasoning.text, event.range), index)
            case TW_EVENT_CONTENT: add(["content"], text(choice!.content.text, event.range), index)
            case TW_EVENT_REFUSAL: add(["refusal"], text(choice!.refusal.text, event.range), index)
            case TW_EVENT_FINISH:
                add(["finish"], text(choice!.finishReason, event.range), index, isPiece: false)
            case TW_EVENT_USAGE: events.append(["usage", usage])
            default:
                let call = choice!.toolCalls[event.tool]
                let subject: [Any] = ["tool_call", event.tool, String(call.id), String(call.name)]
                add(subject, text(call.arguments.text, event.range), index)
            }
        }
    }

    /// Adds an event, or joins a piece to the previous piece of the same text.
    private func add(_ subject: [Any], _ text: String, _ index: [Int], isPiece: Bool = true) {
        let whole = (subject + index) as NSArray
        if isPiece, lastSubject == whole, let last = events.last,
            let known = last[subject.count] as? String
        {
            events[events.count - 1] = (subject + [known + text] + index) as NSArray
        } else {
            events.append((subject + [text] + index) as NSArray)
        }
        lastSubject = isPiece ? whole : []
    }

    private func text(_ buffer: borrowing ByteBuffer, _ range: Range<Int>) -> String {
        let text = Array(buffer.bytes.part(range))
        #expect(String(validating: text, as: UTF8.self) != nil, "incomplete character: \(text)")
        return String(decoding: text, as: UTF8.self)
    }

    // MARK: The reply

    /// Everything that must not depend on where the stream was split.
    private(set) lazy var everything: [NSObject] =
        events + members.map(\.value.actual) + [message as NSString, document as NSString]

    var message: String { String(reply.message) }
    var document: String { String(reply.document) }

    /// The members of a case's `reply`, with their defaults.
    var members: [(key: String, value: (actual: NSObject, defaultValue: Any))] {
        let first = reply.firstChoice
        func text(_ text: String?) -> NSObject { (text ?? "") as NSString }
        func orNull(_ text: String?) -> NSObject {
            (text ?? "").isEmpty ? NSNull() : text! as NSString
        }
        return [
            ("status", (status as NSString, "none")),
            ("reasoning", (text(first.map { String($0.reasoning.text) }), "")),
            ("content", (text(first.map { String($0.content.text) }), "")),
            ("refusal", (text(first.map { String($0.refusal.text) }), "")),
            ("finish_reason", (orNull(first.map { String($0.finishReason) }), NSNull())),
            ("usage", (reply.hasUsage ? usage : NSNull(), NSNull())),
            ("tool_calls", (toolCalls as NSArray, NSArray())),
            ("request_id", (orNull(String(reply.requestID)), NSNull())),
        ]
    }

    private var status: String {
        if reply.status != TW_OK { return name(reply.status) }
        if case .malformed = error { return "TW_PROTOCOL" }
        return reply.isFinished ? "TW_OK" : "TW_TRUNCATED"
    }

    private var usage: NSDictionary {
        let usage = reply.usage.pointee
        var members: [String: Any] = [:]
        let counts = [
            "prompt_tokens": usage.prompt_tokens, "completion_tokens": usage.completion_tokens,
            "total_tokens": usage.total_tokens, "reasoning_tokens": usage.reasoning_tokens,
            "cached_tokens": usage.cached_tokens,
        ]
        for (name, count) in counts where count >= 0 { members[name] = count }
        if let unit = usage.cost_unit {
            (members["cost"], members["cost_unit"]) = (usage.cost, String(cString: unit))
        }
        return members as NSDictionary
    }

    private var toolCalls: [NSArray] {
        (0..<reply.toolCallCount).compactMap { reply.toolCall($0)?.pointee }.map { call in
            let texts = [call.id, call.name, call.arguments].map { String(cString: $0!) }
            return
                ([Int(call.index)] + texts + (call.choice == 0 ? [] : [Int(call.choice)]) as [Any])
                as NSArray
        }
    }
}
