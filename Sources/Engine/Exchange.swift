import Base
import CPlatform
import CThinkwire
import Chat
import Transport

/// One request and its answer, with retries: a state machine that a driver advances.
///
/// It never waits, reads no clock, and does not touch the event loop's descriptors. The driver
/// passes the loop's time, delivers the events, and has the loop wait when nothing is left to do.
package final class Exchange {
    /// The reply of the attempt in progress, or of the last one.
    package private(set) var reply: Reply {
        didSet { unretainedReply = UnretainedReference(reply) }
    }
    private var unretainedReply: UnretainedReference<Reply>
    /// The result is known. Events of the answer may still have to be delivered.
    package private(set) var isOver = false
    /// No events are delivered and nothing is read until `resume`.
    private var isPaused = false
    private var hasPendingRetryEvent = false
    /// An event of the answer was delivered; the request can no longer be retried.
    private var hasDeliveredEvent = false
    /// What the event loop reports the progress of this exchange with; nil to not report it.
    var context: UnsafeMutableRawPointer?

    let client: Client?
    let loop: EventLoop?
    let resource: Resource
    /// Empty once it is certain that it is not sent again.
    private var body: ByteBuffer
    private let timeouts: Timeouts
    let cancellation: Cancellation
    private let eventStorage = EventStorage()

    private(set) var attempt = Attempt()
    /// When the first attempt began; 0 before.
    private(set) var callStart: Int64 = 0
    /// When the next attempt is due, and how long the wait for it is.
    private var attemptStart: Int64 = 0
    private(set) var retryWait: Int64 = 0

    /// `loop` is nil if the process has no file descriptors left for one. If a setter of the
    /// request has failed, nothing is sent.
    package init(_ client: Client, _ request: Request, wantsStream: Bool, on loop: EventLoop?) {
        self.client = client
        self.loop = loop
        resource = .chatCompletions
        let body = request.wireBody(
            wantsStream: wantsStream, to: client.hostRows, dialect: client.dialect,
            replay: client.reasoningReplay.map { ReasoningReplay(named: $0.bytes) })
        reply = Reply(body.expected)
        reply.expected.tags = request.reasoningTags ?? client.reasoningTags
        unretainedReply = UnretainedReference(reply)
        self.body = body.takeText()
        timeouts = request.timeouts(of: client.timeouts)
        cancellation = Cancellation(client.cancelledExchanges)
        if let error = request.firstError.error {
            end(Outcome(TW_INVALID, error.message.text.bytes), at: 0)
        } else if loop == nil {
            endWithoutLoop()
        }
    }

    /// An exchange that requests the list of models. `loop` as above.
    package init(listingModelsOf client: Client, on loop: EventLoop?) {
        self.client = client
        self.loop = loop
        resource = .models
        body = ByteBuffer()
        var expected = Reply.Expected()
        expected.isModelList = true
        reply = Reply(expected)
        unretainedReply = UnretainedReference(reply)
        timeouts = client.timeouts
        cancellation = Cancellation(client.cancelledExchanges)
        if loop == nil { endWithoutLoop() }
    }

    private func endWithoutLoop() {
        end(
            Outcome(
                TW_NETWORK,
                """
                the system has no file descriptors left: close some, or raise the limit (ulimit -n)
                """), at: 0)
    }

    /// An exchange that cannot begin. Its reply says why.
    package init(rejecting message: StaticString) {
        client = nil
        loop = nil
        resource = .chatCompletions
        body = ByteBuffer()
        reply = Reply()
        unretainedReply = UnretainedReference(reply)
        timeouts = Timeouts()
        cancellation = Cancellation()
        end(Outcome(TW_INVALID, message), at: 0)
    }

    deinit {
        if !isOver { end(Outcome(TW_CANCELLED, ""), at: callStart) }
    }

    // MARK: For drivers

    /// Requests the end. From any thread; the driver must be woken.
    ///
    /// - Returns: Whether this is the first request.
    @discardableResult
    package func cancel() -> Bool { cancellation.request() }

    /// Stops delivering events and reading, until `resume`.
    package func pause() {
        isPaused = true
        attempt.transfer?.pause()
    }

    /// Continues. The driver calls `advance` afterwards.
    package func resume() { isPaused = false }

    /// Processes what has arrived, begins, retries or finishes, and reports the next event or what
    /// it waits for.
    ///
    /// `now` is the loop's time. The driver calls this until it reports `pending` or `ended` before
    /// the loop's next turn: input that is being parsed must not move.
    @_optimize(speed)
    package func advance(now: Int64) -> Step {
        while true {
            if cancellation.isRequested { abort(at: now) }
            if isPaused, let until = deadlineWhilePaused(now) { return .pending(until: until) }
            if let event = nextEvent(at: now) { return .event(event) }
            if hasPendingRetryEvent {
                hasPendingRetryEvent = false
                return .event(eventStorage.storeRetry(of: reply, wait: retryWait))
            }
            if isOver { return .ended }
            if let until = beginOrEndWhenDue(now) { return .pending(until: until) }
        }
    }

    /// See `ChunkParser.swapReader`. An attempt that ends meanwhile keeps the reader that it has.
    package func swapReader(_ other: inout JSONReader) { attempt.swapReader(&other) }

    /// The next event of the answer, if all of it has been received. Valid until the next call.
    /// It ends the exchange only for an error in what was received. nil also if it is cancelled.
    @_optimize(speed)
    package func nextArrived(at now: Int64) -> UnsafePointer<tw_event>? {
        cancellation.isRequested ? nil : nextEvent(at: now)
    }

    /// nil only if all that was received is parsed, even if cancelled meanwhile: see `endWhenDue`.
    @inline(__always)
    private func nextEvent(at now: Int64) -> UnsafePointer<tw_event>? {
        while !attempt.hasEvents {
            guard !isOver else { return nil }
            switch attempt.parse(into: unretainedReply, at: now) {
            case .parsed: continue
            case .needsInput: return nil
            case .failed(let problem): end(problem, at: now)
            }
        }
        return takeEvent(now)
    }

    /// The last event of an exchange that `advance` has reported as ended. Valid until the exchange
    /// is destroyed.
    package func doneEvent() -> UnsafePointer<tw_event> { eventStorage.storeDone(of: reply) }

    /// Ends an exchange that is not over, and drops its events.
    package func close(now: Int64) {
        cancel()
        abort(at: now)
    }

    // MARK: Waiting

    @inline(never)
    @_optimize(speed) private func beginOrEndWhenDue(_ now: Int64) -> Int64? {
        attempt.transfer == nil ? beginWhenDue(now) : endWhenDue(now)
    }

    /// The only timeout that continues is the total one. Nil if it has expired.
    @inline(never)
    private func deadlineWhilePaused(_ now: Int64) -> Int64? {
        guard !isOver, callStart > 0, timeouts.total > 0 else { return .max }
        let deadline = callStart &+ timeouts.total
        guard now >= deadline else { return deadline }
        abort(Outcome.timedOut(.total, timeouts), at: now)
        return nil
    }

    /// Begins the next attempt if it is due; otherwise returns when it is.
    @_optimize(speed) private func beginWhenDue(_ now: Int64) -> Int64? {
        if isInherited {
            abort(at: now)
        } else if callStart > 0 && timeouts.total > 0 && now >= callStart &+ timeouts.total {
            reply.settle(Outcome.timedOut(.total, timeouts))
            reply.appendAttempts()
            finish(at: now)
        } else if now >= attemptStart {
            beginAttempt(onFreshConnection: false, at: now)
        } else {
            return attemptStart
        }
        return nil
    }

    /// Ends the attempt if its transfer has ended or a timeout has expired; otherwise returns when
    /// the next one does. Everything received has been parsed.
    @_optimize(speed) private func endWhenDue(_ now: Int64) -> Int64? {
        guard let client, let transfer = attempt.transfer else { return nil }
        if transfer.end == nil && isInherited {
            abort(at: now)
            return nil
        }
        if transfer.resumeIfPaused(at: now) { return nil }
        attempt.updateIdleTimeout(
            timeouts, commentsKeepAlive: client.commentsKeepAlive, isFinished: reply.isFinished,
            at: now)
        transfer.expire(at: now)
        let closeDeadline = attempt.closeDeadline
        guard transfer.end == nil && now < closeDeadline else {
            let problem = attempt.processEndOfBody(reply, client.redactor, at: now)
            end(problem, at: now)
            return nil
        }
        return min(transfer.deadline, closeDeadline)
    }

    /// The exchange was begun by the process that this one was forked from. The connection is that
    /// process's.
    private var isInherited: Bool { loop.map { !$0.isCurrentProcess } ?? false }

    // MARK: Events

    @inline(__always)
    private func takeEvent(_ now: Int64) -> UnsafePointer<tw_event> {
        if !hasDeliveredEvent { noteFirstEvent() }
        let (event, raw) = attempt.takeEvent()
        return unretainedReply.with { reply in
            let timing = reply.timing
            if event.kind == TW_EVENT_REASONING && timing.pointee.first_reasoning_us < 0 {
                timing.pointee.first_reasoning_us = microseconds(at: now)
            }
            if event.kind == TW_EVENT_CONTENT && timing.pointee.first_content_us < 0 {
                timing.pointee.first_content_us = microseconds(at: now)
            }
            return eventStorage.store(event, of: reply, raw: raw)
        }
    }

    /// From now on the request is not sent again. A long one takes more memory than its answer.
    @inline(never)
    private func noteFirstEvent() {
        hasDeliveredEvent = true
        // A server may answer before it has read everything.
        if attempt.transfer?.hasSent(body.count) ?? false { body = ByteBuffer() }
    }

    // MARK: Attempts

    @_optimize(speed) private func beginAttempt(onFreshConnection: Bool, at now: Int64) {
        guard let client, let loop else { return }
        if callStart == 0 { callStart = now } else { reply = Reply(after: reply) }
        if !onFreshConnection { reply.attempts += 1 }
        logBegin()
        let transfer = Transfer(
            client.settings, on: loop, cancellation, timeouts, callStart: callStart,
            context: context)
        attempt = Attempt(transfer, eventLimit: client.limits.event)
        transfer.start(resource, body: body.bytes, onFreshConnection: onFreshConnection)
    }

    /// Ends the attempt: another one follows, or the exchange is over.
    @inline(never)
    @_optimize(speed) private func end(_ problem: Problem?, at now: Int64) {
        guard let client, let transfer = attempt.transfer else { return }
        if transfer.prepareRestart() {
            transfer.stop()
            return beginAttempt(onFreshConnection: true, at: now)
        }
        if problem == nil && !client.requiresFinish { attempt.acceptEnd(reply) }
        attempt.finish(reply)
        let result = transfer.result()
        takeHead(of: transfer)
        if reply.status == TW_OK {
            reply.settle(Outcome.resolve(OutcomeFacts(problem, result, reply, client, timeouts)))
        }
        if reply.status != TW_OK { redact(client.redactor) }
        if let wait = waitBeforeRetry(result, client, transfer.head.receivedAt, now) {
            return scheduleRetry(wait, at: now)
        }
        reply.appendAttempts()
        finish(at: now)
    }

    /// Ends the exchange with a result that the response does not decide.
    @_optimize(speed) private func end(_ outcome: consuming Outcome, at now: Int64) {
        if let client, let transfer = attempt.transfer {
            attempt.finish(reply)
            takeHead(of: transfer)
            redact(client.redactor)
        }
        reply.settle(outcome)
        finish(at: now)
    }

    /// Moves the response's status, headers and timing into the reply.
    @_optimize(speed) private func takeHead(of transfer: Transfer) {
        reply.httpStatus = transfer.head.status
        transfer.takeHeaders(into: &reply.headers)
        let timing = reply.timing
        func microseconds(_ time: Int64) -> Int64 { time < 0 ? -1 : (time - callStart) / 1000 }
        timing.pointee.connected_us = microseconds(transfer.timing.connected)
        timing.pointee.first_byte_us = microseconds(transfer.timing.firstByte)
    }

    /// A server that fails in the middle of its answer may repeat the key there, and an event of
    /// that may not be delivered yet.
    @inline(never)
    private func redact(_ redactor: Redactor) {
        redactor.redact(&reply.message)
        attempt.redact(redactor)
        redactor.redactJSONInPlace(&reply.body)
        reply.changeFields(redactor.redactJSONInPlace)
    }

    /// How long to wait before the next attempt; nil if it is not retried.
    private func waitBeforeRetry(
        _ result: TransferResult, _ client: Client, _ receivedAt: Int64, _ now: Int64
    ) -> Int64? {
        guard !hasDeliveredEvent, !attempt.hasEvents else { return nil }
        let advice = RetryPolicy.Advice(
            reply.headers, bodyWait: reply.retryWait,
            isRateLimited: reply.status == TW_RATE_LIMITED, now: receivedAt)
        // The address tells apart exchanges that fail in the same turn.
        let seed = UInt64(bitPattern: now) &+ UInt64(UInt(bitPattern: Handle.unretained(self)))
        let failure = RetryPolicy.Failure(
            status: reply.status, providerErrorCode: reply.providerErrorCode, result: result,
            attempts: reply.attempts)
        let policy = RetryPolicy(maxRetries: client.retries, totalTimeout: timeouts.total)
        return policy.wait(
            after: failure, advice, callStart: callStart, now: now,
            random: seed &* 0x9E37_79B9_7F4A_7C15 >> 32)
    }

    private func scheduleRetry(_ wait: Int64, at now: Int64) {
        logEnd(at: now)
        attempt.transfer?.stop()
        attempt = Attempt()
        reply.recordFailedAttempt()
        retryWait = wait
        attemptStart = now + wait
        hasPendingRetryEvent = true
        logRetry()
    }

    // MARK: The end

    /// Ends the exchange because that was requested, or because it was inherited.
    @inline(never)
    private func abort(at now: Int64) {
        abort(
            isInherited
                ? Outcome(
                    TW_MISUSE,
                    """
                    the exchange was begun in another process, before a fork; begin another one here
                    """)
                : Outcome(TW_CANCELLED, "cancelled"), at: now)
    }

    /// Ends the exchange unless all of it was delivered. Keeps what had arrived.
    private func abort(_ outcome: consuming Outcome, at now: Int64) {
        isPaused = false
        hasPendingRetryEvent = false
        if !isOver {
            attempt.processCancelled(reply, at: now)
            end(outcome, at: now)
        } else if attempt.hasEvents && reply.status == TW_OK {
            reply.settle(outcome)
        }
        attempt.dropEvents()
    }

    @_optimize(speed) private func finish(at now: Int64) {
        isOver = true
        if callStart > 0 { reply.timing.pointee.total_us = microseconds(at: now) }
        if let transfer = attempt.transfer {
            transfer.stop()
            reply.timing.pointee.reused_connection = transfer.timing.reusedConnection ? 1 : 0
        }
        reply.readRequestIDHeader()
        if let client { reply.redactHeaders(client.redactor) }
        reply.buildToolCallTable()
        logEnd(at: now)
    }
}
