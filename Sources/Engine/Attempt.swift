import Base
import CPlatform
import CThinkwire
import Chat
import Transport

/// What was wrong with a response.
enum Problem {
    case malformed(JSONError)
    case notAnAnswer
    case notAModelList
    case providerError
    case tooMany
    case eventTooLong
    /// The body is compressed in that format, and no header says so.
    case compressed(StaticString)
    /// The body has nothing but whitespace.
    case blank
    /// The response ended inside an event.
    case cutEvent

    init(_ error: ChunkError) {
        switch error {
        case .malformed(let error): self = .malformed(error)
        case .notAnAnswer: self = .notAnAnswer
        case .notAModelList: self = .notAModelList
        case .providerError: self = .providerError
        case .tooMany: self = .tooMany
        }
    }
}

/// One attempt of an exchange: a transfer, and the stages its response passes through.
///
/// Data flows one way: inbox → events of the stream → chunks → deltas in the reply → events for the
/// caller. A retry replaces the whole value.
struct Attempt: ~Copyable {
    /// Nil before the first attempt and between two.
    let transfer: Transfer?
    private var stream: SSEParser
    private var parser = ChunkParser()
    private(set) var format = Format.unknown
    /// The format of a body that is compressed although no header says so.
    private var compression: StaticString = ""
    /// How much of the inbox is known to be white space, while nothing else has arrived.
    private var leadingWhitespace = 0
    /// The inbox while it is parsed and events may point into it, and the part not parsed yet.
    private var inbox = MutableBytes(start: nil, count: 0)
    private var input = Bytes(start: nil, count: 0)
    /// The parser's next event to deliver, and the chunk that its events came with.
    private var nextEvent = 0
    private var raw = Bytes(start: nil, count: 0)
    /// Deadline for the server to close the stream after `[DONE]`.
    private(set) var closeDeadline = Int64.max

    enum Format {
        case unknown, events, document, errorResponse, compressed
    }

    enum Progress {
        case parsed, needsInput
        case failed(Problem)
    }

    /// How long a server may take to end a stream after `[DONE]`, so that its connection can be
    /// kept. Some servers never end it.
    private static let closeGrace = 100 * millisecond
    /// How long the stream may be silent after all choices have finished: usage may still follow.
    private static let finishedGrace = 5 * second
    /// More of an error response is not worth reading.
    private static let maxErrorBody = 1 << 20

    init(_ transfer: Transfer?, eventLimit: Int) {
        self.transfer = transfer
        stream = SSEParser(limit: eventLimit)
    }

    /// No attempt.
    init() { self.init(nil, eventLimit: 0) }

    /// See `ChunkParser.swapReader`.
    mutating func swapReader(_ other: inout JSONReader) { parser.swapReader(&other) }

    // MARK: Events for the caller

    var hasEvents: Bool { nextEvent < parser.events.count }

    /// The next event, and the JSON of the chunk that it came with.
    @_optimize(speed)
    mutating func takeEvent() -> (event: Event, raw: Bytes) {
        defer { nextEvent += 1 }
        return (parser.events[nextEvent], raw)
    }

    /// Whether the last event that was taken is the first of its chunk.
    var beganChunk: Bool { nextEvent == 1 }

    mutating func dropEvents() { startEvents(with: Bytes(start: nil, count: 0)) }

    @_optimize(speed)
    private mutating func startEvents(with raw: Bytes) {
        parser.removeEvents()
        nextEvent = 0
        self.raw = raw
    }

    // MARK: Bytes → events → chunks → deltas

    /// Parses the next event of a stream, if all of it has arrived.
    @_optimize(speed)
    mutating func parse(into reply: UnretainedReference<Reply>, at now: Int64) -> Progress {
        guard inbox.baseAddress != nil || takeInbox(reply) else {
            return format == .compressed ? .failed(.compressed(compression)) : .needsInput
        }
        if parseKnownEvent(into: reply) { return .parsed }
        let event: SSEParser.Event?
        do { event = try stream.next(&input) } catch {
            dropEvents()
            return .failed(.eventTooLong)
        }
        guard let event else {
            // The stream has consumed the inbox and does not point into it any more.
            transfer?.inbox.removeAll()
            inbox = MutableBytes(start: nil, count: 0)
            return .needsInput
        }
        if let problem = parse(event, into: reply, at: now) { return .failed(problem) }
        return .parsed
    }

    /// Parses the next event if it differs from an earlier one only in its text.
    @inline(__always)
    private mutating func parseKnownEvent(into reply: UnretainedReference<Reply>) -> Bool {
        parser.removeEvents()
        nextEvent = 0
        let chunk = reply.with { parser.decode(knownEventOf: &stream, &input, into: $0) }
        guard let chunk else { return false }
        raw = chunk
        inbox.terminate(chunk)
        return true
    }

    /// Prepares what has arrived for parsing; false if it is not an event stream.
    private mutating func takeInbox(_ reply: UnretainedReference<Reply>) -> Bool {
        guard let transfer, !transfer.inbox.isEmpty else { return false }
        if format == .unknown {
            reply.with { $0.httpStatus = transfer.head.status }
            format = sniffFormat(transfer, isStreamable: !reply.with { $0.expected.isModelList })
        }
        if format == .document && ChunkParser.areChunks(transfer.inbox.bytes) { format = .events }
        switch format {
        case .unknown, .document, .compressed:
            return false
        case .errorResponse:
            if transfer.inbox.count > Attempt.maxErrorBody { transfer.finish(CURLE_OK) }
            return false
        case .events:
            inbox = transfer.inbox.mutableBytes
            input = transfer.inbox.bytes
            return true
        }
    }

    /// Decides by the first byte: servers send whole documents as `text/event-stream`, and streams
    /// with other types.
    ///
    /// `isStreamable`: the response may be a stream.
    private mutating func sniffFormat(_ transfer: Transfer, isStreamable: Bool) -> Format {
        let bytes = transfer.inbox.bytes
        if transfer.head.status >= 300 { return .errorResponse }
        if let format = Compression.format(of: bytes) {
            compression = format
            return .compressed
        }
        // A byte order mark may be split, too.
        if Compression.mayBegin(with: bytes) || StaticText.bytes("\u{FEFF}").starts(with: bytes) {
            return .unknown
        }
        if leadingWhitespace == 0 && bytes.hasPrefix("\u{FEFF}") { leadingWhitespace = 3 }
        while leadingWhitespace < bytes.count, isBlank(bytes[leadingWhitespace]) {
            leadingWhitespace += 1
        }
        guard leadingWhitespace < bytes.count else { return .unknown }
        let first = bytes[leadingWhitespace]
        let isJSON = first == UInt8(ascii: "{") || first == UInt8(ascii: "[")
        return isJSON || !isStreamable ? .document : .events
    }

    private mutating func parse(
        _ event: SSEParser.Event, into reply: UnretainedReference<Reply>, at now: Int64
    ) -> Problem? {
        startEvents(with: event.data)
        // The line end that follows has been consumed.
        inbox.terminate(event.data)
        return reply.with { reply in
            // What follows the end of the stream is not part of it.
            guard !reply.isDone else { return nil }
            do throws(ChunkError) {
                try parser.decode(chunk: event.data, named: event.name, into: reply)
            } catch {
                return Problem(error)
            }
            if reply.isDone && closeDeadline == .max { closeDeadline = now + Attempt.closeGrace }
            return nil
        }
    }

    // MARK: Waiting

    /// Applies what has arrived to the idle timeout, after all of it was parsed.
    mutating func updateIdleTimeout(
        _ timeouts: Timeouts, commentsKeepAlive: Bool, isFinished: Bool, at now: Int64
    ) {
        guard let transfer else { return }
        // After the end of the answer only usage is awaited, however long comments continue.
        let hasActivity = stream.takeActivity()
        if format != .events || commentsKeepAlive && !isFinished {
            transfer.clock.restartIdle(at: transfer.lastReceived)
        } else if hasActivity {
            transfer.clock.restartIdle(at: now)
        }
        // A finish reason can turn out to be premature.
        let limit = timeouts.idle
        let finishedLimit = limit > 0 ? min(limit, Attempt.finishedGrace) : Attempt.finishedGrace
        transfer.clock.idleLimit = isFinished ? finishedLimit : limit
    }

    // MARK: The end of the response

    /// Parses what is left after the response has ended.
    mutating func processEndOfBody(_ reply: Reply, _ redactor: Redactor, at now: Int64) -> Problem?
    {
        dropEvents()
        guard let transfer else { return nil }
        reply.httpStatus = transfer.head.status
        switch format {
        case .errorResponse, .unknown:
            guard reply.httpStatus >= 300 else { return .blank }
            readErrorResponse(of: transfer, into: reply, redactor)
            return nil
        case .document: return parseDocument(of: transfer, into: reply)
        case .compressed: return .compressed(compression)
        case .events: return parseLastEvent(into: reply, at: now)
        }
    }

    /// Parses what had arrived when the exchange was cancelled.
    mutating func processCancelled(_ reply: Reply, at now: Int64) {
        guard let transfer else { return }
        let target = UnretainedReference(reply)
        while case .parsed = parse(into: target, at: now) {}
        if format == .events { _ = parseLastEvent(into: reply, at: now) }
        if format == .document { _ = parseDocument(of: transfer, into: reply) }
        dropEvents()
    }

    private mutating func parseDocument(of transfer: Transfer, into reply: Reply) -> Problem? {
        reply.body.takeContents(of: &transfer.inbox)
        if reply.body.bytes.hasPrefix("\u{FEFF}") { reply.body.removeFirst(3) }
        dropEvents()
        var problem: Problem?
        do {
            try parser.decode(document: reply.body.bytes, into: reply)
            // A stream may end after one chunk (without "data:"): its finish reason decides.
            reply.isDone = !reply.hasDelta
        } catch {
            problem = Problem(error)
        }
        // The parser has cut off what follows the document.
        raw = reply.body.bytes
        return problem
    }

    /// Parses the event that no blank line follows. If it is not JSON, it was cut off, which says
    /// nothing more than that.
    private mutating func parseLastEvent(into reply: Reply, at now: Int64) -> Problem? {
        do {
            guard let last = try stream.finish() else { return nil }
            let problem = parse(last, into: UnretainedReference(reply), at: now)
            if case .malformed = problem { return .cutEvent }
            return problem
        } catch {
            return .eventTooLong
        }
    }

    private mutating func readErrorResponse(
        of transfer: Transfer, into reply: Reply, _ redactor: Redactor
    ) {
        // The reply's headers name the compression and the target of a redirect.
        transfer.takeHeaders(into: &reply.headers)
        var isCut = false
        redactor.redactJSON(&transfer.inbox)
        do {
            reply.body.append(withoutByteOrderMark(transfer.inbox.bytes))
            try parser.decode(document: reply.body.bytes, into: reply)
        } catch {
            if case .providerError = error { return }
            isCut = error.isCut
            reply.body.removeAll()
        }
        reply.setError(plainBody: transfer.inbox.bytes, isCut: isCut)
    }

    /// Treats the end of a complete response as the end of the answer, for servers that announce
    /// none (earendil-works/pi#5793, agent-zero#1836).
    func acceptEnd(_ reply: Reply) {
        guard format == .events, reply.hasText, let transfer,
            case .complete = transfer.end
        else { return }
        reply.isDone = true
    }

    /// Reports what was held back of each text.
    mutating func finish(_ reply: Reply) { parser.finish(reply) }

    /// Redacts what events that are not delivered yet may point to.
    mutating func redact(_ redactor: Redactor) {
        guard let transfer else { return }
        redactor.redactJSONInPlace(&transfer.inbox)
        stream.changeHeld(redactor.redactJSONInPlace)
    }
}

/// JSON does not allow a byte order mark.
private func withoutByteOrderMark(_ bytes: Bytes) -> Bytes {
    bytes.hasPrefix("\u{FEFF}") ? bytes.dropping(3) : bytes
}
