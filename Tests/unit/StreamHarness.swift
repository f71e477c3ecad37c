import CThinkwire
import Foundation
import Testing

@testable import Base
@testable import Chat
@testable import Engine

/// Passes a stream through the pure stages as an exchange does: bytes → events → chunks → deltas →
/// reply.
final class StreamHarness {
    /// The emitted events as "kind choice text", or "tool choice/call id name text" for tool calls.
    ///
    /// Consecutive pieces of one text are joined, because the result must not depend on network
    /// reads.
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
                while error == nil {
                    decoder.removeEvents()
                    if decoder.decode(knownEventOf: &stream, &input, into: reply) != nil {
                        recordEvents(sourceLocation)
                        continue
                    }
                    guard let event = try stream.next(&input) else { break }
                    decode(event, sourceLocation)
                }
            }
        }
        if error == nil, let last = try stream.finish() { decode(last, sourceLocation) }
        decoder.removeEvents()
        decoder.finish(reply)
        recordEvents(sourceLocation)
        reply.buildToolCallTable()
    }

    /// Creates a harness for chunks that arrive as one SSE event each.
    convenience init(_ chunks: String..., sourceLocation: SourceLocation = #_sourceLocation) throws
    {
        try self.init(
            [Array(chunks.map { "data: \($0)\n\n" }.joined().utf8)], sourceLocation: sourceLocation)
    }

    /// Creates a harness for an unstreamed answer.
    init(
        document: String, expected: Reply.Expected = .init(),
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        reply.expected = expected
        withCopy(document) { reply.body.append($0) }
        do { try decoder.decode(document: reply.body.bytes, into: reply) } catch {
            self.error = error
        }
        recordEvents(sourceLocation)
        decoder.removeEvents()
        decoder.finish(reply)
        recordEvents(sourceLocation)
        reply.buildToolCallTable()
    }

    /// Creates a harness for a response with a status of 300 or more.
    init(httpStatus: Int, body: String) {
        reply.httpStatus = httpStatus
        withCopy(body) { reply.body.append($0) }
        do { try decoder.decode(document: reply.body.bytes, into: reply) } catch {
            self.error = error
        }
        guard case .providerError = error else {
            // The body contains no JSON error: the text itself is the error.
            reply.body.removeAll()
            withCopy(body) { reply.setError(plainBody: $0, isCut: error?.isCut ?? false) }
            return
        }
    }

    private func decode(_ event: SSEParser.Event, _ sourceLocation: SourceLocation) {
        decoder.removeEvents()
        do { try decoder.decode(chunk: event.data, named: event.name, into: reply) } catch {
            self.error = error
        }
        recordEvents(sourceLocation)
    }

    private func recordEvents(_ sourceLocation: SourceLocation) {
        for event in decoder.events {
            let (subject, text) = describe(event, sourceLocation)
            if subject == lastSubject {
                events[events.count - 1] += text
            } else {
                events.append(subject + text)
            }
            // Finish and usage events are never joined.
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
            // The header guarantees whole characters and a NUL after the text.
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

    /// The tool calls of the C interface: "choice/index id name arguments".
    var toolCalls: [String] {
        (0..<reply.toolCallCount).compactMap { reply.toolCall($0)?.pointee }.map { call in
            let texts = [call.id, call.name, call.arguments].compactMap {
                $0.map { String(cString: $0) }
            }
            return "\(call.choice)/\(call.index) " + texts.joined(separator: " ")
        }
    }

    /// Prompt, completion, total, reasoning and cached tokens; nil if the server sent no usage.
    var usage: [Int64]? {
        guard reply.hasUsage else { return nil }
        let usage = reply.usage.pointee
        return [
            usage.prompt_tokens, usage.completion_tokens, usage.total_tokens,
            usage.reasoning_tokens, usage.cached_tokens,
        ]
    }

    /// The cost, such as "0.5 USD"; nil if the server sent none.
    var cost: String? {
        guard reply.hasUsage, let unit = reply.usage.pointee.cost_unit else { return nil }
        return "\(reply.usage.pointee.cost) \(String(cString: unit))"
    }

    /// Everything that must not depend on where the stream was split.
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

    /// Whether the document equals this JSON, in any order of members.
    func isDocument(_ json: String) throws -> Bool {
        func object(_ text: String) throws -> NSObject? {
            try JSONSerialization.jsonObject(with: Data(text.utf8), options: .fragmentsAllowed)
                as? NSObject
        }
        return try object(document) == object(json)
    }
}

/// The names and data of the events that the SSE parser finds, each after its length.
func sseEvents(_ pieces: [[UInt8]]) throws -> ByteBuffer {
    var stream = SSEParser(limit: 1 << 20)
    var found = ByteBuffer()
    // Called hundreds of thousands of times, without optimisation.
    func record(_ text: Bytes, _ found: inout ByteBuffer) {
        found.append(UInt8(truncatingIfNeeded: text.count))
        found.append(UInt8(truncatingIfNeeded: text.count >> 8))
        found.append(UInt8(truncatingIfNeeded: text.count >> 16))
        found.append(text)
    }
    func record(_ event: SSEParser.Event, _ found: inout ByteBuffer) {
        record(event.name, &found)
        record(event.data, &found)
    }
    for piece in pieces {
        try withCopy(piece) { bytes in
            var input = bytes
            while let event = try stream.next(&input) { record(event, &found) }
        }
    }
    if let last = try stream.finish() { record(last, &found) }
    return found
}

/// Checks that the result is the same for the whole stream, for every split in two, and bytewise.
///
/// The split affects only the SSE parser, so the later stages are checked for every 64th split.
@discardableResult
func harnessSplitAnywhere(_ stream: [UInt8], sourceLocation: SourceLocation = #_sourceLocation)
    throws -> StreamHarness
{
    let whole = try StreamHarness([stream], sourceLocation: sourceLocation)
    let bytewise = try StreamHarness(stream.map { [$0] }, sourceLocation: sourceLocation)
    #expect(
        bytewise.everything == whole.everything, "bytewise", sourceLocation: sourceLocation)
    let events = try sseEvents([stream])
    for (offset, pieces) in cutAnywhere(stream).enumerated() {
        let found = try sseEvents(pieces)
        let isEqual = found.bytes.equals(events.bytes)
        #expect(isEqual, "events, split at \(offset)", sourceLocation: sourceLocation)
        if offset % 64 != 0 { continue }
        let split = try StreamHarness(pieces, sourceLocation: sourceLocation)
        #expect(
            split.everything == whole.everything, "split at \(pieces[0].count)",
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

/// The JSON of a chunk with this delta in the choice with index 0.
func delta(_ json: String) -> String { #"{"choices":[{"index":0,"delta":\#(json)}]}"# }

/// The JSON of a chunk with these fragments of tool calls in the choice with index 0.
func calls(_ fragments: String...) -> String {
    delta(#"{"tool_calls":[\#(fragments.joined(separator: ","))]}"#)
}

/// Reads a recorded answer of a provider, which the mock server also serves.
func recording(_ name: String) throws -> [UInt8] {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()
    return Array(
        try Data(
            contentsOf: root.appendingPathComponent("Sources/thinkwire-mock/recordings/\(name)")))
}
