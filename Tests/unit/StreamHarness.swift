import CThinkwire
import Foundation
import Testing

@testable import Base
@testable import Chat
@testable import Engine

/// A stream taken through all the pure stages: bytes → events → chunks → deltas → reply, as an exchange does it.
final class StreamHarness {
    /// What the caller is told, as "kind choice text"; a tool call's as "tool choice/call id name text". Neighbours that belong
    /// together are one: where the network cuts is nobody's business.
    private(set) var events: [String] = []
    let reply = Reply()
    private(set) var error: ChunkError?

    private var decoder = ChunkParser()
    private var lastSubject = ""

    init(_ pieces: [[UInt8]], sourceLocation: SourceLocation = #_sourceLocation) throws {
        var stream = SSEParser(limit: 1 << 20)
        for piece in pieces where error == nil {
            try withCopy(piece) { bytes in
                var input = bytes
                while error == nil, let event = try stream.next(&input) {
                    decode(event, sourceLocation)
                }
            }
        }
        if error == nil, let last = try stream.finish() { decode(last, sourceLocation) }
        decoder.removeEvents()
        decoder.finish(reply)
        note(sourceLocation)
        reply.buildToolCallTable()
    }

    /// The data of one event each.
    convenience init(_ chunks: String..., sourceLocation: SourceLocation = #_sourceLocation) throws
    {
        try self.init(
            [Array(chunks.map { "data: \($0)\n\n" }.joined().utf8)], sourceLocation: sourceLocation)
    }

    /// An answer that was not streamed.
    init(
        document: String, expected: Reply.Expected = .init(),
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        reply.expected = expected
        withCopy(document) { reply.body.append($0) }
        do { try decoder.decode(document: reply.body.bytes, into: reply) } catch {
            self.error = error
        }
        note(sourceLocation)
        decoder.removeEvents()
        decoder.finish(reply)
        note(sourceLocation)
        reply.buildToolCallTable()
    }

    /// A response with a status of 300 or more.
    init(httpStatus: Int, body: String) {
        reply.httpStatus = httpStatus
        withCopy(body) { reply.body.append($0) }
        do { try decoder.decode(document: reply.body.bytes, into: reply) } catch {
            self.error = error
        }
        guard case .providerError = error else {
            // No JSON, or none that says something: the text itself.
            reply.body.removeAll()
            withCopy(body) { reply.setError(plainBody: $0) }
            return
        }
    }

    private func decode(_ event: SSEParser.Event, _ sourceLocation: SourceLocation) {
        decoder.removeEvents()
        do { try decoder.decode(chunk: event.data, named: event.name, into: reply) } catch {
            self.error = error
        }
        note(sourceLocation)
    }

    private func note(_ sourceLocation: SourceLocation) {
        for event in decoder.events {
            let (subject, text) = describe(event, sourceLocation)
            if subject == lastSubject {
                events[events.count - 1] += text
            } else {
                events.append(subject + text)
            }
            // Finish and usage events are never pieces of one another.
            lastSubject =
                event.kind == TW_EVENT_FINISH || event.kind == TW_EVENT_USAGE ? "" : subject
        }
    }

    private func describe(_ event: Event, _ sourceLocation: SourceLocation) -> (
        subject: String, text: String
    ) {
        if event.kind == TW_EVENT_USAGE {
            return ("usage ", "\(reply.usage.pointee.completion_tokens)")
        }
        let choice = reply.choices[event.choice]
        func text(_ buffer: borrowing ByteBuffer) -> String {
            let text = Array(buffer.bytes.part(event.range))
            // What the header promises of every text: whole characters, and a NUL behind them.
            let isWhole =
                String(validating: text, as: UTF8.self) != nil
                && buffer.start[event.range.upperBound] == 0
            #expect(isWhole, "\(text)", sourceLocation: sourceLocation)
            return String(decoding: text, as: UTF8.self)
        }
        switch event.kind {
        case TW_EVENT_REASONING: return ("reasoning \(choice.index) ", text(choice.reasoning.text))
        case TW_EVENT_CONTENT: return ("content \(choice.index) ", text(choice.content.text))
        case TW_EVENT_REFUSAL: return ("refusal \(choice.index) ", text(choice.refusal.text))
        case TW_EVENT_FINISH: return ("finish \(choice.index) ", text(choice.finishReason))
        default:
            let call = choice.toolCalls[event.tool]
            let subject =
                "tool \(choice.index)/\(event.tool) \(String(call.id)) \(String(call.name)) "
            return (subject, text(call.arguments.text))
        }
    }

    // MARK: The reply

    var reasoning: String { reply.firstChoice.map { String($0.reasoning.text) } ?? "" }
    var content: String { reply.firstChoice.map { String($0.content.text) } ?? "" }
    var refusal: String { reply.firstChoice.map { String($0.refusal.text) } ?? "" }
    var finishReason: String { reply.firstChoice.map { String($0.finishReason) } ?? "" }
    var document: String { String(reply.document) }
    var status: String { name(reply.status) }
    var message: String { String(reply.message) }
    var requestID: String { String(reply.requestID) }

    /// The calls of tools as C reads them: "choice/index id name arguments".
    var toolCalls: [String] {
        (0..<reply.toolCallCount).compactMap { reply.toolCall($0)?.pointee }.map { call in
            let texts = [call.id, call.name, call.arguments].compactMap {
                $0.map { String(cString: $0) }
            }
            return "\(call.choice)/\(call.index) " + texts.joined(separator: " ")
        }
    }

    /// prompt, completion, total, reasoning and cached tokens; nil if the server told nothing.
    var usage: [Int64]? {
        guard reply.hasUsage else { return nil }
        let usage = reply.usage.pointee
        return [
            usage.prompt_tokens, usage.completion_tokens, usage.total_tokens,
            usage.reasoning_tokens, usage.cached_tokens,
        ]
    }

    /// "0.5 USD"; nil if the server told nothing.
    var cost: String? {
        guard reply.hasUsage, let unit = reply.usage.pointee.cost_unit else { return nil }
        return "\(reply.usage.pointee.cost) \(String(cString: unit))"
    }

    /// All that is to be the same wherever the stream was cut.
    var everything: [String] {
        events + [
            document, status, message, requestID, "\(usage ?? [])", cost ?? "",
            "\(reply.isDone) \(reply.isFinished)",
        ]
            + toolCalls
            + reply.choices.flatMap {
                [
                    "\($0.index)", String($0.reasoning.text), String($0.content.text),
                    String($0.finishReason),
                ]
            }
    }

    /// Whether the document is this one, whatever the order of its members.
    func isDocument(_ json: String) throws -> Bool {
        func object(_ text: String) throws -> NSObject? {
            try JSONSerialization.jsonObject(with: Data(text.utf8), options: .fragmentsAllowed)
                as? NSObject
        }
        return try object(document) == object(json)
    }
}

/// The stream must say the same whole, cut in two anywhere, and a byte at a time. Gives what it says.
@discardableResult
func harnessSplitAnywhere(_ stream: [UInt8], sourceLocation: SourceLocation = #_sourceLocation)
    throws -> StreamHarness
{
    let whole = try StreamHarness([stream], sourceLocation: sourceLocation)
    let bytewise = try StreamHarness(stream.map { [$0] }, sourceLocation: sourceLocation)
    #expect(
        bytewise.everything == whole.everything, "a byte at a time", sourceLocation: sourceLocation)
    for pieces in cutAnywhere(stream) {
        let cut = try StreamHarness(pieces, sourceLocation: sourceLocation)
        #expect(
            cut.everything == whole.everything, "cut at \(pieces[0].count)",
            sourceLocation: sourceLocation)
    }
    return whole
}

@discardableResult
func harnessSplitAnywhere(_ stream: String, sourceLocation: SourceLocation = #_sourceLocation)
    throws -> StreamHarness
{
    try harnessSplitAnywhere(Array(stream.utf8), sourceLocation: sourceLocation)
}

/// A chunk with this delta, as JSON, of the first choice.
func delta(_ json: String) -> String { #"{"choices":[{"index":0,"delta":\#(json)}]}"# }

/// The provider's recorded answers, as the mock provider serves them.
func recording(_ name: String) throws -> [UInt8] {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()
    return Array(
        try Data(
            contentsOf: root.appendingPathComponent("Sources/thinkwire-mock/recordings/\(name)")))
}
