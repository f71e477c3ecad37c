import Base
import CPlatform
import CThinkwire
import Chat

/// One request and its answer: takes what the transfer brings through the stages, hands out one event after the other, and in the
/// end knows how it went. What fails before it has told anything is tried again. The same machine serves every call, whether it
/// blocks, is pulled from or calls back.
package final class Exchange {
    /// Of the attempt under way, or of the last one.
    package private(set) var reply: Reply {
        didSet { borrowedReply = UnretainedReference(reply) }
    }
    private var borrowedReply: UnretainedReference<Reply>
    /// A callback of the caller's is running.
    package private(set) var isCalling = false

    private let client: Client?
    private let loop: EventLoop?
    private let body: ByteBuffer
    private let timeouts: Timeouts
    /// The attempt under way; nil between two of them, and before the first.
    private var transfer: Transfer?
    /// When the first attempt began; 0 before.
    private var callStart: Int64 = 0
    /// When the next attempt is to begin, and how long before that the last one ended.
    private var attemptStart: Int64 = 0
    private var pause: Int64 = 0
    private var hasPendingRetryEvent = false
    /// The caller has heard something of the answer: there is no way back.
    private var hasDeliveredEvent = false
    private let cancellation = Cancellation()
    private var isOver = false

    private var stream: SSEParser
    private var decoder = ChunkParser()
    private var format = Format.unknown
    /// How much of the inbox is known to be white space, while nothing else has come.
    private var leadingWhitespace = 0
    /// The transfer's inbox while it is being looked at, and events may point into it; and the part that was not looked at yet.
    private var taken = MutableBytes(start: nil, count: 0)
    private var input = Bytes(start: nil, count: 0)
    /// The next of the decoder's events to hand out, and the chunk that they came with.
    private var nextEvent = 0
    private var raw = Bytes(start: nil, count: 0)
    private let eventStorage = UnsafeMutablePointer<tw_event>.allocate(capacity: 1)
    /// Until when a stream that is done is given to end.
    private var lingerDeadline = Int64.max

    enum Format {
        case unknown, events, document, refusal
    }

    /// What `next` found.
    package enum Step {
        case event(UnsafePointer<tw_event>)
        case timeout, end
    }

    /// How long a stream that has said `[DONE]` may take to end, so that its connection can be kept. Some servers never end it.
    private static let doneGrace = 100 * millisecond
    /// How long one whose choices have all finished may stay silent: the usage may still come.
    private static let finishedGrace = 5 * second
    /// As much of a refusal as is worth reading.
    private static let maxErrorBody = 1 << 20

    /// An exchange that is about to begin. With `wantsStream`, or where the model demands it, the answer is streamed.
    package init(_ client: Client, _ request: Request, wantsStream: Bool) {
        self.client = client
        let body = request.wireBody(
            wantsStream: wantsStream, host: client.endpoint.host, dialect: client.dialect)
        reply = Reply(body.expected)
        borrowedReply = UnretainedReference(reply)
        self.body = body.takeText()
        timeouts = request.timeouts(of: client.timeouts)
        stream = SSEParser(limit: client.limits.event)
        loop = client.borrowLoop()
        if loop == nil {
            end(
                TW_NETWORK,
                "the system has no file descriptors left: close some, or raise the limit (ulimit -n)"
            )
        }
    }

    /// An exchange that cannot be: its reply says why.
    package init(refusing message: StaticString) {
        client = nil
        loop = nil
        body = ByteBuffer()
        reply = Reply()
        borrowedReply = UnretainedReference(reply)
        timeouts = Timeouts()
        stream = SSEParser(limit: 1)
        end(TW_INVALID, message)
    }

    deinit {
        if !isOver { end(TW_CANCELLED, "") }
        eventStorage.deallocate()
    }

    // MARK: For the caller

    /// From any thread.
    package func cancel() {
        cancellation.ask()
        loop?.wake()
    }

    /// The next event. Waits for it until the deadline, in nanoseconds of the monotonic clock.
    package func next(until deadline: Int64) -> Step {
        var hasWaited = false
        while true {
            if cancellation.isAsked { abort() }
            if nextEvent < decoder.events.count { return .event(takeEvent()) }
            if hasPendingRetryEvent { return .event(takeRetry()) }
            guard !isOver else { return .end }
            if isInboxTaken && decodeNext() { continue }
            guard let transfer else {
                if isInherited {
                    abort()
                } else if isOutOfTime {
                    reply.timedOut(.total, timeouts)
                    reply.countAttempts()
                    finish()
                } else if platform_now() >= attemptStart {
                    beginAttempt(onFreshConnection: false)
                } else {
                    loop?.turn(until: min(deadline, attemptStart))
                    if platform_now() >= deadline { return .timeout }
                }
                continue
            }
            if takeInbox(transfer) { continue }
            if transfer.end != nil || hasLingered {
                processEndOfBody(transfer)
                continue
            }
            if isInherited {
                abort()
                continue
            }
            if !transfer.countsEveryByte && stream.takeActivity() { transfer.restartClock() }
            // What comes may make no event, for as long as it comes.
            if hasWaited && deadline != .max && platform_now() >= deadline { return .timeout }
            transfer.wait(until: min(deadline, lingerDeadline), idleLimit: idleLimit)
            hasWaited = true
        }
    }

    /// Runs to the end, with `function` called for every event. Any answer of its other than 0 cancels.
    package func run(_ function: tw_event_fn?, _ userdata: UnsafeMutableRawPointer?) {
        while case .event(let event) = next(until: .max) {
            guard let function else { continue }
            isCalling = true
            let answer = function(userdata, event)
            isCalling = false
            if answer != 0 { cancellation.ask() }
        }
    }

    /// Ends an exchange that is not over, and gives its reply.
    package func close() -> Reply {
        cancellation.ask()
        abort()
        return reply
    }

    // MARK: Bytes → events → chunks → deltas

    /// Takes one more step with what has arrived; false if more must arrive first.
    private func decodeNext() -> Bool {
        let found: SSEParser.Event?
        do { found = try stream.next(&input) } catch {
            startEvents(with: Bytes(start: nil, count: 0))
            end(.eventTooLong)
            return true
        }
        guard let found else {
            // The stream has used it up, and points nowhere into it any more.
            transfer?.inbox.removeAll()
            leaveInbox()
            return false
        }
        if let problem = decode(found) { end(problem) }
        return true
    }

    /// Looks at what has arrived; false if there is nothing in it to be cut into events.
    private func takeInbox(_ transfer: Transfer) -> Bool {
        guard !transfer.inbox.isEmpty else { return false }
        if format == .unknown { format = sniffFormat(transfer.inbox.bytes) }
        switch format {
        case .unknown, .document:
            return false
        case .refusal:
            if transfer.inbox.count > Exchange.maxErrorBody { transfer.finish(CURLE_OK) }
            return false
        case .events:
            // Behind the end of the answer nothing but the usage is waited for, however long a server says that it is there.
            transfer.countsEveryByte = client?.commentsKeepAlive ?? true && !reply.isFinished
            taken = transfer.inbox.mutableBytes
            input = transfer.inbox.bytes
            return true
        }
    }

    private var isInboxTaken: Bool { taken.baseAddress != nil }

    private func leaveInbox() { taken = MutableBytes(start: nil, count: 0) }

    /// Servers say `text/event-stream` of whole documents, and the other way round: the first byte tells.
    private func sniffFormat(_ bytes: Bytes) -> Format {
        if reply.httpStatus >= 300 { return .refusal }
        // The byte order mark may be cut, too.
        if StaticText.bytes("\u{FEFF}").starts(with: bytes) { return .unknown }
        if leadingWhitespace == 0 && bytes.hasPrefix("\u{FEFF}") { leadingWhitespace = 3 }
        while leadingWhitespace < bytes.count, isBlank(bytes[leadingWhitespace]) {
            leadingWhitespace += 1
        }
        guard leadingWhitespace < bytes.count else { return .unknown }
        let first = bytes[leadingWhitespace]
        return first == UInt8(ascii: "{") || first == UInt8(ascii: "[") ? .document : .events
    }

    /// Takes an event of the stream apart. Tells what is wrong with it.
    private func decode(_ found: SSEParser.Event) -> Problem? {
        startEvents(with: found.data)
        // The line's end behind it has been read.
        taken.terminate(found.data)
        return borrowedReply.with { reply in
            // Whatever stands behind the stream's own end is no part of it.
            guard !reply.isDone else { return nil }
            defer { noteTimes() }
            do throws(ChunkError) {
                try decoder.decode(chunk: found.data, named: found.name, into: reply)
            } catch {
                return Problem(error)
            }
            if reply.isDone && lingerDeadline == .max {
                lingerDeadline = platform_now() + Exchange.doneGrace
            }
            return nil
        }
    }

    private func startEvents(with raw: Bytes) {
        decoder.removeEvents()
        nextEvent = 0
        self.raw = raw
    }

    // MARK: Deltas → events for the caller

    private func takeEvent() -> UnsafePointer<tw_event> {
        let next = decoder.events[nextEvent]
        nextEvent += 1
        hasDeliveredEvent = true
        var event = newEvent(next.kind)
        event.raw = UnsafeRawPointer(raw.baseAddress ?? StaticText.empty).assumingMemoryBound(
            to: CChar.self)
        event.raw_len = raw.count
        var text = StaticText.empty
        if next.kind == TW_EVENT_USAGE {
            event.usage = UnsafePointer(reply.usage)
        } else {
            let choice = reply.choices[next.choice]
            event.choice = Int32(truncatingIfNeeded: choice.index)
            switch next.kind {
            case TW_EVENT_REASONING:
                text = choice.reasoning.text.start
            case TW_EVENT_CONTENT:
                text = choice.content.text.start
            case TW_EVENT_REFUSAL:
                text = choice.refusal.text.start
            case TW_EVENT_TOOL_CALL:
                let call = choice.toolCalls[next.tool]
                text = call.arguments.text.start
                event.tool_index = Int32(truncatingIfNeeded: next.tool)
                event.tool_id = call.id.cString
                event.tool_name = call.name.cString
            default:
                text = choice.finishReason.start
            }
        }
        event.text = UnsafeRawPointer(text + next.range.lowerBound).assumingMemoryBound(
            to: CChar.self)
        event.text_len = next.range.count
        eventStorage.initialize(to: event)
        return UnsafePointer(eventStorage)
    }

    private func takeRetry() -> UnsafePointer<tw_event> {
        hasPendingRetryEvent = false
        var event = newEvent(TW_EVENT_RETRY)
        event.text = reply.lastAttemptError.cString
        event.text_len = reply.lastAttemptError.count
        event.raw = StaticText.cString("")
        event.attempt = Int32(truncatingIfNeeded: reply.attempts + 1)
        event.status = reply.lastAttemptStatus
        event.wait_ms = pause / millisecond
        eventStorage.initialize(to: event)
        return UnsafePointer(eventStorage)
    }

    private func newEvent(_ kind: tw_event_kind) -> tw_event {
        var event = tw_event()
        event.size = MemoryLayout<tw_event>.size
        event.kind = kind
        event.tool_index = -1
        return event
    }

    /// When the first thought and the first word came.
    private func noteTimes() {
        noteTime(&reply.timing.pointee.first_reasoning_us, TW_EVENT_REASONING)
        noteTime(&reply.timing.pointee.first_content_us, TW_EVENT_CONTENT)
    }

    private func noteTime(_ time: inout Int64, _ kind: tw_event_kind) {
        guard time < 0, decoder.events.contains(where: { $0.kind == kind }) else { return }
        time = elapsedMicroseconds
    }

    // MARK: Clocks

    private var idleLimit: Int64 {
        let limit = timeouts.idle
        guard reply.isFinished else { return limit }
        return limit > 0 ? min(limit, Exchange.finishedGrace) : Exchange.finishedGrace
    }

    /// The call has lasted for as long as it may: its caller may have been away.
    private var isOutOfTime: Bool {
        callStart > 0 && timeouts.total > 0 && platform_now() >= callStart &+ timeouts.total
    }

    private var hasLingered: Bool { lingerDeadline != .max && platform_now() >= lingerDeadline }

    /// Since the call began.
    private var elapsedMicroseconds: Int64 {
        callStart == 0 ? 0 : (platform_now() - callStart) / 1000
    }

    // MARK: The beginning and the end

    private func beginAttempt(onFreshConnection: Bool) {
        guard let client, let loop else { return }
        if callStart == 0 {
            callStart = platform_now()
        } else {
            reply = Reply(after: reply)
            stream = SSEParser(limit: client.limits.event)
            decoder = ChunkParser()
            startEvents(with: Bytes(start: nil, count: 0))
            format = .unknown
            leadingWhitespace = 0
            leaveInbox()
            lingerDeadline = .max
        }
        if !onFreshConnection { reply.attempts += 1 }
        client.log { line in
            line.append("POST ")
            line.append(client.endpoint.urlWithoutQuery)
            if reply.attempts > 1 {
                line.append(", attempt ")
                line.append(decimal: reply.attempts)
            }
        }
        let transfer = Transfer(
            client, loop, cancellation, timeouts, reply: reply, callStart: callStart)
        self.transfer = transfer
        transfer.start(body: body.bytes, onFreshConnection: onFreshConnection)
    }

    /// The transfer is over: what it left behind is taken apart, and judged.
    private func processEndOfBody(_ transfer: Transfer) {
        var problem: Problem?
        startEvents(with: Bytes(start: nil, count: 0))
        switch format {
        case .refusal, .unknown:
            if reply.httpStatus >= 300 { readProviderError(transfer) }
        case .document:
            problem = decodeDocument(transfer)
        case .events:
            problem = decodeLastEvent()
        }
        end(problem)
    }

    private func decodeDocument(_ transfer: Transfer) -> Problem? {
        swap(&reply.body, &transfer.inbox)
        if reply.body.bytes.hasPrefix("\u{FEFF}") { reply.body.removeFirst(3) }
        startEvents(with: reply.body.bytes)
        defer { noteTimes() }
        do { try decoder.decode(document: reply.body.bytes, into: reply) } catch {
            return Problem(error)
        }
        reply.isDone = true
        return nil
    }

    /// What came behind the last blank line. Cut off in the middle, it is not JSON: that says no more than that it was cut off.
    private func decodeLastEvent() -> Problem? {
        do {
            guard let last = try stream.finish() else { return nil }
            let problem = decode(last)
            if case .malformed = problem { return nil }
            return problem
        } catch {
            return .eventTooLong
        }
    }

    private func readProviderError(_ transfer: Transfer) {
        client?.secrets.redactJSON(&transfer.inbox)
        do {
            reply.body.append(withoutMark(transfer.inbox.bytes))
            try decoder.decode(document: reply.body.bytes, into: reply)
        } catch {
            if case .providerError = error { return }
            reply.body.removeAll()
        }
        reply.setError(plainBody: transfer.inbox.bytes)
    }

    /// Begun by the process that this one was forked from: the connection is still that one's.
    private var isInherited: Bool { loop.map { !$0.isCurrentProcess } ?? false }

    /// Cancelled: nothing more is told, but what had arrived is kept.
    private func abort() {
        guard !isOver else {
            // How it went is known, but not all of it was told.
            return startEvents(with: Bytes(start: nil, count: 0))
        }
        if let transfer {
            while isInboxTaken || takeInbox(transfer) {
                guard let found = try? stream.next(&input), decode(found) == nil else { break }
            }
            if format == .events { _ = decodeLastEvent() }
            if format == .document { _ = decodeDocument(transfer) }
        }
        if isInherited {
            end(
                TW_MISUSE,
                "the exchange was begun in another process, before a fork, and goes on there; begin another here"
            )
        } else {
            end(TW_CANCELLED, "cancelled")
        }
        hasPendingRetryEvent = false
        startEvents(with: Bytes(start: nil, count: 0))
    }

    /// The attempt is over: another one follows, or that was it.
    private func end(_ problem: Problem?) {
        guard let transfer, let client else { return }
        if transfer.diedUnanswered {
            // It was closed while it was kept: that says nothing about the server. libcurl sends again by itself when reading tells
            // it so; not when writing does, nor more than five times in the life of a handle (7.88).
            transfer.stop()
            return beginAttempt(onFreshConnection: true)
        }
        if transfer.mayBeTrusted {
            client.trust.readSystemFile()
            transfer.stop()
            return beginAttempt(onFreshConnection: true)
        }
        decoder.finish(reply)
        if reply.status == TW_OK { reply.resolve(problem, transfer, client) }
        if reply.status != TW_OK { redact(client.secrets, transfer) }
        if let wait = waitBeforeRetry(transfer, client) { return scheduleRetry(wait) }
        reply.countAttempts()
        finish()
    }

    private func end(_ status: tw_status, _ message: StaticString) {
        decoder.finish(reply)
        if let client, let transfer { redact(client.secrets, transfer) }
        reply.status = status
        reply.message.removeAll()
        reply.message.append(message)
        finish()
    }

    /// A server that refuses in the middle of its answer may repeat the key there as well, and an event of that may not be told yet.
    private func redact(_ secrets: Redactor, _ transfer: Transfer) {
        secrets.redact(&reply.message)
        secrets.redactJSONInPlace(&transfer.inbox)
        stream.changeHeld(secrets.redactJSONInPlace)
        secrets.redactJSONInPlace(&reply.body)
        reply.changeFields(secrets.redactJSONInPlace)
    }

    /// How long to wait before another attempt; nil if there is to be none.
    private func waitBeforeRetry(_ transfer: Transfer, _ client: Client) -> Int64? {
        guard reply.attempts <= client.retries, !hasDeliveredEvent, decoder.events.isEmpty else {
            return nil
        }
        let advice = RetryPolicy(reply.headers, now: Int64(time(nil)))
        guard reply.shouldRetry(transfer, advice.shouldRetry) else { return nil }
        let now = platform_now()
        // The clock's last digits are as good as any to keep clients apart.
        let wait =
            advice.wait
            ?? backoff(
                beforeAttempt: reply.attempts + 1,
                random: UInt64(now) &* 0x9E37_79B9_7F4A_7C15 >> 32)
        guard wait <= RetryPolicy.maxWait else { return nil }
        // A wait that the call does not outlast helps nobody.
        guard timeouts.total == 0 || now + wait < callStart + timeouts.total else { return nil }
        return wait
    }

    private func scheduleRetry(_ wait: Int64) {
        logEnd()
        transfer?.stop()
        leaveInbox()
        transfer = nil
        reply.noteRetry()
        pause = wait
        attemptStart = platform_now() + wait
        hasPendingRetryEvent = true
        client?.log { line in
            line.append("next attempt in ")
            line.append(decimal: Int(wait / millisecond))
            line.append(" ms")
        }
    }

    private func finish() {
        isOver = true
        if callStart > 0 { reply.timing.pointee.total_us = elapsedMicroseconds }
        transfer?.stop()
        if let loop { client?.release(loop) }
        reply.noteRequestID()
        if let client { reply.redactHeaders(client.secrets) }
        reply.buildToolCallTable()
        logEnd()
    }

    private func logEnd() {
        client?.log { line in
            line.append(StaticText.name(of: reply.status))
            if reply.httpStatus > 0 {
                line.append(", HTTP ")
                line.append(decimal: reply.httpStatus)
            }
            line.append(", ")
            line.append(decimal: Int(elapsedMicroseconds / 1000))
            line.append(" ms, ")
            line.append(decimal: transfer?.received ?? 0)
            line.append(" bytes")
        }
    }
}

/// A document without the byte order mark in front of it, which is no JSON.
private func withoutMark(_ bytes: Bytes) -> Bytes {
    bytes.hasPrefix("\u{FEFF}") ? bytes.dropping(3) : bytes
}
