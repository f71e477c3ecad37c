import CThinkwire
import Foundation
import Testing

@testable import Base
@testable import Chat
@testable import Engine

/// What providers really send: each case of Tests/corpus through the pure stages. Its README says what a case is.
@Suite("The corpus is understood")
struct CorpusTests {
    @Test func everyCaseWhereverItIsCut() throws {
        let files = try FileManager.default.contentsOfDirectory(atPath: CorpusCase.directory.path)
        let names = files.filter { $0.hasSuffix(".json") }.map { String($0.dropLast(5)) }.sorted()
        // Each case is two files.
        #expect(!names.isEmpty && files.count == 2 * names.count)
        var count = 0
        for name in names {
            let corpusCase = try CorpusCase(name)
            let body = corpusCase.body
            let whole = try Listener(corpusCase, [body])
            corpusCase.check(whole, "whole")
            // The cuts end where events begin: the stages behind are shown some of them.
            let events = try cutIntoEvents([body])
            for (place, pieces) in cutAnywhere(body).enumerated() where !body.isEmpty {
                if try cutIntoEvents(pieces) != events {
                    Issue.record("\(name) has other events when it is cut at \(place)")
                }
                if place % 16 == 0 {
                    corpusCase.check(
                        try Listener(corpusCase, pieces), like: whole, "cut at \(place)")
                }
            }
            corpusCase.check(
                try Listener(corpusCase, body.map { [$0] }), like: whole, "a byte at a time")
            count += 1
        }
        #expect(count == files.count / 2)
        print("corpus through Swift: \(count) cases of \(files.count / 2)")
    }

    /// The names and data of the events that the first stage finds.
    private func cutIntoEvents(_ pieces: [[UInt8]]) throws -> [[UInt8]] {
        var stream = SSEParser(limit: 1 << 20)
        var found: [[UInt8]] = []
        for piece in pieces {
            try withCopy(piece) { bytes in
                var input = bytes
                while let event = try stream.next(&input) {
                    found += [Array(event.name), Array(event.data)]
                }
            }
        }
        if let last = try stream.finish() { found += [Array(last.name), Array(last.data)] }
        return found
    }

    /// A comparison that cannot fail compares nothing.
    @Test func whatIsHeardWrongIsNoticed() throws {
        let body = Array(
            #"data: {"choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":"stop"}]}"#.utf8
        )
        let corpusCase = try CorpusCase("think-tags")
        let heard = try Listener(corpusCase, [body])
        let found = corpusCase.differences(heard)
        #expect(found.map { $0.prefix { $0 != " " } } == ["events", "reasoning", "document"])
        #expect(try corpusCase.differences(Listener(corpusCase, [corpusCase.body])) == [])
    }
}

/// A case: the response, and what is to be heard of it.
struct CorpusCase {
    static let directory = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("corpus/cases")

    let name: String
    let body: [UInt8]
    let httpStatus: Int
    let headers: [String: String]
    /// What follows the body: "close", "cut" or "open".
    let then: String
    let request: NSDictionary
    private let events: NSArray
    private let reply: NSDictionary
    private let document: NSObject?

    init(_ name: String) throws {
        let path = CorpusCase.directory.appendingPathComponent(name).path
        // Not FileManager's contents, which leak a page for an empty file.
        func bytes(_ suffix: String) -> Data? {
            FileHandle(forReadingAtPath: path + suffix)?.readDataToEndOfFile()
        }
        self.name = name
        let json = try #require(bytes(".json"))
        let said = try #require(try JSONSerialization.jsonObject(with: json) as? [String: NSObject])
        let http = try #require(said["http"] as? [String: Any])
        body = Array(try #require(bytes(".sse") ?? bytes(".body"), "\(name) has no bytes"))
        httpStatus = try #require(http["status"] as? Int)
        headers = try #require(http["headers"] as? [String: String])
        then = http["then"] as? String ?? "close"
        request = said["request"] as? NSDictionary ?? [:]
        events = try #require(said["events"] as? NSArray)
        reply = try #require(said["reply"] as? NSDictionary)
        document = said["document"]
    }

    func check(_ heard: Listener, _ how: String) {
        let found = differences(heard)
        #expect(found.isEmpty, "\(name), \(how): \(found.joined(separator: "; "))")
    }

    /// Where it was cut must make no difference.
    func check(_ heard: Listener, like whole: Listener, _ how: String) {
        guard heard.everything != whole.everything else { return }
        Issue.record("\(name) is not the same \(how)")
        check(heard, how)
    }

    /// What was heard and should not have been, or the other way round. What the case does not mention must not be there.
    func differences(_ heard: Listener) -> [String] {
        var found: [String] = []
        func compare(_ what: String, _ heard: NSObject, _ wanted: Any?) {
            guard let wanted = wanted as? NSObject, wanted == heard else {
                found.append("\(what) is \(heard), not \(wanted ?? "there")")
                return
            }
        }
        compare("events", heard.events as NSArray, events)
        for (name, value) in heard.members {
            compare(name, value.heard, reply[name] ?? value.unlessToldOtherwise)
        }
        for part in reply["message_contains"] as? [String] ?? [] where !heard.message.contains(part)
        {
            found.append("the message lacks “\(part)”: \(heard.message)")
        }
        for part in reply["message_lacks"] as? [String] ?? [] where heard.message.contains(part) {
            found.append("the message has “\(part)”: \(heard.message)")
        }
        if let document {
            let text = Data(heard.document.utf8)
            compare(
                "document",
                (try? JSONSerialization.jsonObject(with: text)) as? NSObject ?? NSNull(), document)
        }
        return found
    }
}

/// Takes a response through the stages, as an exchange does, and writes down what is heard in the corpus' words.
final class Listener {
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
        let first = corpusCase.body.first
        if corpusCase.httpStatus >= 300 || first == UInt8(ascii: "{") || first == UInt8(ascii: "[")
        {
            listenToWhole(corpusCase.body)
            if corpusCase.then == "cut", case .malformed = error { error = nil }
        } else {
            try listen(to: pieces, staysOpen: corpusCase.then == "open")
        }
        decoder.removeEvents()
        decoder.finish(reply)
        note()
        reply.readRequestIDHeader()
        reply.buildToolCallTable()
    }

    private func listen(to pieces: [[UInt8]], staysOpen: Bool) throws {
        var stream = SSEParser(limit: 1 << 20)
        for piece in pieces where error == nil {
            try withCopy(piece) { bytes in
                var input = bytes
                while error == nil, let event = try stream.next(&input) { decode(event) }
            }
        }
        guard error == nil, !staysOpen, let last = try stream.finish() else { return }
        decode(last)
        // What is cut off in its middle is no JSON, and says no more than that.
        if case .malformed = error { error = nil }
    }

    private func listenToWhole(_ body: [UInt8]) {
        withCopy(body) { reply.body.append($0) }
        do { try decoder.decode(document: reply.body.bytes, into: reply) } catch {
            self.error = error
        }
        note()
        if reply.httpStatus < 300 { reply.isDone = error == nil }
        guard reply.httpStatus >= 300, reply.status == TW_OK else { return }
        withCopy(body) { reply.setError(plainBody: $0) }
    }

    private func decode(_ event: SSEParser.Event) {
        decoder.removeEvents()
        do { try decoder.decode(chunk: event.data, named: event.name, into: reply) } catch {
            self.error = error
        }
        note()
    }

    private func note() {
        for event in decoder.events {
            let choice = event.kind == TW_EVENT_USAGE ? nil : reply.choices[event.choice]
            let place = choice.map { $0.index == 0 ? [] : [$0.index] } ?? []
            switch event.kind {
            case TW_EVENT_REASONING:
                add(["reasoning"], text(choice!.reasoning.text, event.range), place)
            case TW_EVENT_CONTENT: add(["content"], text(choice!.content.text, event.range), place)
            case TW_EVENT_REFUSAL: add(["refusal"], text(choice!.refusal.text, event.range), place)
            case TW_EVENT_FINISH:
                add(["finish"], text(choice!.finishReason, event.range), place, isPiece: false)
            case TW_EVENT_USAGE: events.append(["usage", usage])
            default:
                let call = choice!.toolCalls[event.tool]
                let subject: [Any] = ["tool_call", event.tool, String(call.id), String(call.name)]
                add(subject, text(call.arguments.text, event.range), place)
            }
        }
    }

    /// Adds an event; pieces of one text that follow one another are one.
    private func add(_ subject: [Any], _ text: String, _ place: [Int], isPiece: Bool = true) {
        let whole = (subject + place) as NSArray
        if isPiece, lastSubject == whole, let last = events.last,
            let known = last[subject.count] as? String
        {
            events[events.count - 1] = (subject + [known + text] + place) as NSArray
        } else {
            events.append((subject + [text] + place) as NSArray)
        }
        lastSubject = isPiece ? whole : []
    }

    private func text(_ buffer: borrowing ByteBuffer, _ range: Range<Int>) -> String {
        let text = Array(buffer.bytes.part(range))
        #expect(String(validating: text, as: UTF8.self) != nil, "half a character: \(text)")
        return String(decoding: text, as: UTF8.self)
    }

    // MARK: The reply

    /// All that is to be the same wherever the stream was cut.
    private(set) lazy var everything: [NSObject] =
        events + members.map(\.value.heard) + [message as NSString, document as NSString]

    var message: String { String(reply.message) }
    var document: String { String(reply.document) }

    /// What a case can say of the reply, and what holds when it does not.
    var members: [(key: String, value: (heard: NSObject, unlessToldOtherwise: Any))] {
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
        var told: [String: Any] = [:]
        let counts = [
            "prompt_tokens": usage.prompt_tokens, "completion_tokens": usage.completion_tokens,
            "total_tokens": usage.total_tokens, "reasoning_tokens": usage.reasoning_tokens,
            "cached_tokens": usage.cached_tokens,
        ]
        for (name, count) in counts where count >= 0 { told[name] = count }
        if let unit = usage.cost_unit {
            (told["cost"], told["cost_unit"]) = (usage.cost, String(cString: unit))
        }
        return told as NSDictionary
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
