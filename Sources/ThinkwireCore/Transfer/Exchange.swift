import CPlatform
import CThinkwire
import Synchronization

/// One request and its answer: takes what the transfer brings through the stages, hands out one event after the other, and in the
/// end knows how it went. The same machine serves every call, whether it blocks, is pulled from or calls back.
package final class Exchange {
    package let reply = Reply()
    /// A callback of the caller's is running.
    package private(set) var isCalling = false

    private let client: Client?
    private let loop: Loop?
    private let transfer: Transfer?
    private let isCancelled = Atomic<Bool>(false)
    private var isOver = false

    private var stream: EventStream
    private var decoder = ChunkDecoder()
    private var format = Format.unknown
    /// The part of the transfer's inbox that was not looked at yet.
    private var input = Bytes(start: nil, count: 0)
    /// The inbox is being looked at: events may point into it.
    private var isInboxTaken = false
    /// The next of the decoder's events to hand out, and the chunk that they came with.
    private var nextEvent = 0
    private var raw = Bytes(start: nil, count: 0)
    private let told = UnsafeMutablePointer<tw_event>.allocate(capacity: 1)
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
    private static let longestRefusal = 1 << 20

    /// An exchange that is about to begin. With `wantsStream`, or where the model demands it, the answer is streamed.
    package init(_ client: Client, _ request: Request, wantsStream: Bool) {
        self.client = client
        stream = EventStream(limit: client.limits.event)
        loop = client.borrowLoop()
        guard let loop else {
            transfer = nil
            end(TW_NETWORK, "the system has no file descriptors left: close some, or raise the limit (ulimit -n)")
            return
        }
        let body = request.wireBody(wantsStream: wantsStream, host: client.endpoint.host, dialect: client.dialect)
        reply.expected = body.expected
        transfer = Transfer(client, loop, body: body.text, reply: reply)
    }

    /// An exchange that cannot be: its reply says why.
    package init(refusing message: StaticString) {
        client = nil
        loop = nil
        transfer = nil
        stream = EventStream(limit: 1)
        end(TW_INVALID, message)
    }

    deinit {
        if !isOver { end(TW_CANCELLED, "") }
        told.deallocate()
    }

    // MARK: For the caller

    /// From any thread.
    package func cancel() {
        isCancelled.store(true, ordering: .releasing)
        loop?.wake()
    }

    /// The next event. Waits for it until the deadline, in nanoseconds of the monotonic clock.
    package func next(until deadline: Int64) -> Step {
        while true {
            if isCancelled.load(ordering: .acquiring) { stopEarly() }
            if nextEvent < decoder.events.count { return .event(takeEvent()) }
            guard !isOver, let transfer else { return .end }
            if decodeNext(transfer) { continue }
            if transfer.end != nil || hasLingered {
                conclude(transfer)
                continue
            }
            if !transfer.hasStarted { start(transfer) }
            let known = transfer.inbox.count
            transfer.wait(until: min(deadline, lingerDeadline), idleLimit: idleLimit)
            // A document is collected whole: what there is of it is nothing to go on with, and no reason to stay.
            let isNew = transfer.inbox.count != known && format != .document && format != .refusal
            if !isNew && transfer.end == nil && platform_now() >= deadline { return .timeout }
        }
    }

    /// Runs to the end, with `function` called for every event. Any answer of its other than 0 cancels.
    package func run(_ function: tw_event_fn?, _ userdata: UnsafeMutableRawPointer?) {
        while case .event(let event) = next(until: .max) {
            guard let function else { continue }
            isCalling = true
            let answer = function(userdata, event)
            isCalling = false
            if answer != 0 { isCancelled.store(true, ordering: .relaxed) }
        }
    }

    /// Ends an exchange that is not over, and gives its reply.
    package func close() -> Reply {
        isCancelled.store(true, ordering: .relaxed)
        stopEarly()
        return reply
    }

    // MARK: Bytes → events → chunks → deltas

    /// Takes one more step with what has arrived; false if more must arrive first.
    private func decodeNext(_ transfer: Transfer) -> Bool {
        guard isInboxTaken || takeInbox(transfer) else { return false }
        let found: EventStream.Event?
        do { found = try stream.next(&input) } catch {
            startEvents(with: Bytes(start: nil, count: 0))
            end(.eventTooLong)
            return true
        }
        guard let found else {
            // The stream has used it up, and points nowhere into it any more.
            transfer.inbox.removeAll()
            isInboxTaken = false
            return false
        }
        if let problem = decode(found) { end(problem) }
        return true
    }

    /// Looks at what has arrived; false if there is nothing in it to be cut into events.
    private func takeInbox(_ transfer: Transfer) -> Bool {
        guard !transfer.inbox.isEmpty else { return false }
        if format == .unknown { format = recognise(transfer.inbox.bytes) }
        switch format {
        case .unknown, .document:
            return false
        case .refusal:
            if transfer.inbox.count > Exchange.longestRefusal { transfer.finish(CURLE_OK) }
            return false
        case .events:
            input = transfer.inbox.bytes
            isInboxTaken = true
            return true
        }
    }

    /// Servers say `text/event-stream` of whole documents, and the other way round: the first byte tells.
    private func recognise(_ bytes: Bytes) -> Format {
        if reply.httpStatus >= 300 { return .refusal }
        let text = trimmed(bytes.hasPrefix("\u{FEFF}") ? bytes.dropping(3) : bytes)
        guard let first = text.first else { return .unknown }
        return first == UInt8(ascii: "{") || first == UInt8(ascii: "[") ? .document : .events
    }

    /// Takes an event of the stream apart. Tells what is wrong with it.
    private func decode(_ found: EventStream.Event) -> Problem? {
        startEvents(with: found.data)
        // The line's end behind it has been read.
        if let transfer { transfer.inbox.endText(found.data) }
        defer { noteTimes() }
        do { try decoder.decode(chunk: found.data, named: found.name, into: reply) } catch { return Problem(error) }
        if reply.isDone && lingerDeadline == .max { lingerDeadline = platform_now() + Exchange.doneGrace }
        return nil
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
        var event = tw_event()
        event.size = MemoryLayout<tw_event>.size
        event.kind = next.kind
        event.tool_index = -1
        event.raw = UnsafeRawPointer(raw.baseAddress ?? StaticText.empty).assumingMemoryBound(to: CChar.self)
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
        event.text = UnsafeRawPointer(text + next.range.lowerBound).assumingMemoryBound(to: CChar.self)
        event.text_len = next.range.count
        told.initialize(to: event)
        return UnsafePointer(told)
    }

    /// When the first thought and the first word came.
    private func noteTimes() {
        noteTime(&reply.timing.pointee.first_reasoning_us, TW_EVENT_REASONING)
        noteTime(&reply.timing.pointee.first_content_us, TW_EVENT_CONTENT)
    }

    private func noteTime(_ time: inout Int64, _ kind: tw_event_kind) {
        guard time < 0, let transfer, decoder.events.contains(where: { $0.kind == kind }) else { return }
        time = transfer.elapsedMicroseconds
    }

    // MARK: Clocks

    private var idleLimit: Int64 {
        guard let limit = client?.timeouts.idle else { return 0 }
        guard reply.isFinished else { return limit }
        return limit > 0 ? min(limit, Exchange.finishedGrace) : Exchange.finishedGrace
    }

    private var hasLingered: Bool { lingerDeadline != .max && platform_now() >= lingerDeadline }

    // MARK: The beginning and the end

    private func start(_ transfer: Transfer) {
        transfer.start()
        client?.log { line in
            line.append("POST ")
            if let url = client?.endpoint.url { line.append(url) }
        }
    }

    /// The transfer is over: what it left behind is taken apart, and judged.
    private func conclude(_ transfer: Transfer) {
        var problem: Problem?
        startEvents(with: Bytes(start: nil, count: 0))
        switch format {
        case .refusal, .unknown:
            if reply.httpStatus >= 300 { readRefusal(transfer) }
        case .document:
            problem = decodeDocument(transfer)
        case .events:
            problem = decodeLastEvent()
        }
        end(problem)
    }

    private func decodeDocument(_ transfer: Transfer) -> Problem? {
        reply.body.append(transfer.inbox)
        startEvents(with: reply.body.bytes)
        defer { noteTimes() }
        do { try decoder.decode(document: reply.body.bytes, into: reply) } catch { return Problem(error) }
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

    private func readRefusal(_ transfer: Transfer) {
        client?.strike(&transfer.inbox)
        do {
            reply.body.append(transfer.inbox)
            try decoder.decode(document: reply.body.bytes, into: reply)
        } catch {
            if case .refused = error { return }
            reply.body.removeAll()
        }
        reply.refuse(plainBody: transfer.inbox.bytes)
    }

    /// Cancelled: nothing more is told, but what had arrived is kept.
    private func stopEarly() {
        guard !isOver, let transfer else { return }
        while isInboxTaken || takeInbox(transfer) {
            guard let found = try? stream.next(&input), decode(found) == nil else { break }
        }
        if format == .events { _ = decodeLastEvent() }
        if format == .document { _ = decodeDocument(transfer) }
        end(TW_CANCELLED, "cancelled")
        startEvents(with: Bytes(start: nil, count: 0))
    }

    private func end(_ problem: Problem?) {
        guard let transfer, let client else { return }
        decoder.finish(reply)
        if reply.status == TW_OK {
            reply.judge(problem, transfer, client)
            client.strike(&reply.message)
        }
        letGo()
    }

    private func end(_ status: tw_status, _ message: StaticString) {
        decoder.finish(reply)
        reply.status = status
        reply.message.removeAll()
        reply.message.append(message)
        letGo()
    }

    private func letGo() {
        isOver = true
        if let transfer, transfer.hasStarted { reply.timing.pointee.total_us = transfer.elapsedMicroseconds }
        transfer?.stop()
        if let loop { client?.giveBack(loop) }
        reply.noteRequestID()
        reply.layOut()
        client?.log { line in
            line.append(StaticText.name(of: reply.status))
            if reply.httpStatus > 0 {
                line.append(", HTTP ")
                line.append(decimal: reply.httpStatus)
            }
            line.append(", ")
            line.append(decimal: Int(reply.timing.pointee.total_us / 1000))
            line.append(" ms, ")
            line.append(decimal: transfer?.received ?? 0)
            line.append(" bytes")
        }
    }
}
