import Base
import CPlatform

/// One HTTP request and its response. It knows nothing about what the bytes mean.
package final class Transfer {
    /// The bytes of the body that were received and not yet consumed.
    package var inbox = ByteBuffer()
    /// How the transfer ended; nil while it is in progress.
    package internal(set) var end: TransferEnd?
    /// How many bytes of the body were received.
    package internal(set) var received = 0
    package internal(set) var head = ResponseHead()
    package internal(set) var timing = TransferTiming()
    package var clock: TransferClock
    /// When bytes were received last, in the loop's time.
    package internal(set) var lastReceived: Int64 = 0
    /// Nothing is read, so that flow control holds the server back.
    package private(set) var isPaused = false
    /// libcurl has received something that was not accepted while the transfer was paused.
    var isHoldingData = false
    /// What the driver of several transfers identifies this one by; nil to not report progress.
    private let context: UnsafeMutableRawPointer?
    private var hasProgressed = false
    /// libcurl may have this transfer wait for the connection of another one.
    private var isWaiting = false
    /// The local port of the connection, if it may be shared with other transfers.
    private(set) var sharedPort: Int?

    let settings: TransferSettings
    let loop: EventLoop
    private let cancellation: Cancellation
    private(set) var easy: UnsafeMutableRawPointer?
    private let errorText = UnsafeMutablePointer<CChar>.allocate(capacity: Int(CURL_ERROR_SIZE))
    /// Certificates are looked up in the system's directory only: see `TLSConfig`.
    private var skipsSystemFile = false
    /// libcurl decodes a compressed body: see `TransferSettings.decodesBodies`.
    private var isDecoded = false
    private var hasBegunToConnect = false
    /// How often libcurl has asked whether to continue.
    private var progressCalls: UInt32 = 0

    package init(
        _ settings: TransferSettings, on loop: EventLoop, _ cancellation: Cancellation,
        _ timeouts: Timeouts, callStart: Int64, context: UnsafeMutableRawPointer?
    ) {
        self.settings = settings
        self.loop = loop
        self.cancellation = cancellation
        self.context = context
        clock = TransferClock(
            timeouts, callStart: callStart, now: loop.now, away: loop.timeAway,
            phase: loop.maxHostConnections > 0 ? .queued : .connecting)
        errorText[0] = 0
    }

    deinit {
        stop()
        errorText.deallocate()
    }

    // MARK: Beginning and end

    /// Begins the transfer. The body, which only a POST has, must not move until the transfer is
    /// stopped.
    package func start(_ resource: Resource, body: Bytes, onFreshConnection: Bool) {
        guard let easy = loop.acquireHandle(configure: configure) else {
            end = .failed(CURLE_OUT_OF_MEMORY)
            return
        }
        self.easy = easy
        swap(&inbox, &loop.spareInbox)
        skipsSystemFile = settings.tls.apply(to: easy)
        let this = Handle.unretained(self)
        _ = platform_set_pointer(easy, CURLOPT_URL, settings.endpoint.url(of: resource).baseAddress)
        _ = platform_set_pointer(easy, CURLOPT_POSTFIELDS, body.baseAddress)
        _ = platform_set_offset(easy, CURLOPT_POSTFIELDSIZE_LARGE, Int64(body.count))
        // The handle keeps the method of its last transfer.
        switch resource {
        case .chatCompletions: _ = platform_set_long(easy, CURLOPT_POST, 1)
        case .models: _ = platform_set_long(easy, CURLOPT_HTTPGET, 1)
        }
        // Where the default suffices, the option is not set: `resetOptions` restores the defaults.
        isDecoded = settings.decodesBodies
        if !isDecoded { _ = platform_set_long(easy, CURLOPT_HTTP_CONTENT_DECODING, 0) }
        if onFreshConnection { _ = platform_set_long(easy, CURLOPT_FRESH_CONNECT, 1) }
        _ = platform_set_pointer(easy, CURLOPT_ERRORBUFFER, errorText)
        _ = platform_set_pointer(easy, CURLOPT_WRITEDATA, this)
        _ = platform_set_pointer(easy, CURLOPT_HEADERDATA, this)
        _ = platform_set_pointer(easy, CURLOPT_RESOLVER_START_DATA, this)
        _ = platform_set_pointer(easy, CURLOPT_SOCKOPTDATA, this)
        _ = platform_set_pointer(easy, CURLOPT_PREREQDATA, this)
        _ = platform_set_pointer(easy, CURLOPT_XFERINFODATA, this)
        _ = platform_set_pointer(easy, CURLOPT_PRIVATE, this)
        if clock.phase == .connecting { loop.connecting.append(self) }
        isWaiting = settings.waitsForHTTP2
        if isWaiting {
            _ = platform_set_long(easy, CURLOPT_PIPEWAIT, 1)
            loop.connecting.wait(self)
        }
        loop.add(easy)
    }

    /// Prepares a handle for another transfer: restores the defaults of the options that only some
    /// transfers set, and removes the pointer to the memory of the transfer that has ended.
    static func resetOptions(of easy: UnsafeMutableRawPointer) {
        _ = platform_set_long(easy, CURLOPT_HTTP_CONTENT_DECODING, 1)
        _ = platform_set_long(easy, CURLOPT_FRESH_CONNECT, 0)
        _ = platform_set_long(easy, CURLOPT_CONNECTTIMEOUT_MS, 0)
        _ = platform_set_long(easy, CURLOPT_PIPEWAIT, 0)
        _ = platform_set_long(easy, CURLOPT_FORBID_REUSE, 0)
        _ = platform_set_pointer(easy, CURLOPT_ERRORBUFFER, nil)
    }

    /// Takes libcurl's result, or ends the transfer as if libcurl had reported one.
    package func finish(_ result: CURLcode) {
        noteProgress()
        guard end == nil else {
            // The transfer was ended here; libcurl's description of that explains nothing.
            errorText[0] = 0
            return
        }
        if result == CURLE_OPERATION_TIMEDOUT {
            // libcurl's connect timeout is set to ours, and it may look a moment earlier.
            end = .timedOut(.connect)
            return
        }
        // libcurl accepts a header that was cut between two of its lines.
        let isWhole = result == CURLE_OK && !head.isIncomplete && head.status != 0
        end =
            isWhole ? .complete : .failed(result == CURLE_OK ? CURLE_PARTIAL_FILE : result)
    }

    /// Releases the connection, which is kept if everything was read from it.
    package func stop() {
        guard let easy else { return }
        timing.reusedConnection = isOnReusedConnection
        leaveConnection()
        loop.keepMemory(of: &inbox)
        self.easy = nil
        if hasProgressed { loop.forgetProgress(self) }
        if clock.phase == .connecting { loop.connecting.remove(self) }
        endWait()
        // libcurl 7.88 resets an abandoned HTTP/2 stream only when the connection is used again;
        // until then the server would continue. So its connection is closed. A transfer that has
        // ended has returned its connection already.
        if case .complete = end {} else { _ = platform_set_long(easy, CURLOPT_FORBID_REUSE, 1) }
        loop.remove(easy)
        loop.release(handle: easy)
    }

    /// Whether all of the request's body was sent.
    package func hasSent(_ length: Int) -> Bool {
        guard let easy else { return false }
        return platform_get_offset(easy, CURLINFO_SIZE_UPLOAD_T) >= length
    }

    /// What is known about the ended transfer. Call it before `stop`.
    package func result() -> TransferResult {
        var result = TransferResult(end: end ?? .failed(CURLE_ABORTED_BY_CALLBACK))
        result.received = received
        result.isDecoded = isDecoded
        guard case .failed(let code) = result.end else { return result }
        // libcurl reports missing descriptors as a failed connection; newer versions as lack of
        // memory, possibly before there is a handle.
        if code == CURLE_COULDNT_CONNECT || code == CURLE_OUT_OF_MEMORY {
            result.lacksDescriptors = !platform_has_descriptors()
        }
        guard let easy else { return result }
        result.hasProxy = !settings.proxy.address.bytes.isEmpty
        result.proxyStatus = platform_get_long(easy, CURLINFO_HTTP_CONNECTCODE)
        result.certificateProblem = certificateProblem
        let explanation = Bytes(cString: errorText)
        if !explanation.isEmpty { result.explanation = ByteString(explanation) }
        return result
    }

    /// Moves the headers out, if that has not happened yet.
    package func takeHeaders(into headers: inout HeaderList) {
        if headers.isEmpty { swap(&headers, &head.headers) }
    }

    // MARK: Timeouts

    /// The time until which nothing needs to be done unless something arrives.
    package var deadline: Int64 { clock.deadline(away: loop.timeAway).time }

    /// Called when libcurl has begun to look for a connection, before it tries the first address.
    func beginToConnect() {
        guard !hasBegunToConnect else { return }
        hasBegunToConnect = true
        updateConnectLimit()
    }

    /// Sets libcurl's own connect timeout: it moves on from an address that does not answer when
    /// half of that is over. It must not expire before ours, and does not know about time outside
    /// the loop.
    ///
    /// Set earlier, it would also create a timer, which libcurl keeps while the response arrives,
    /// and moves in a tree of all timers for every chunk. With 1,000 transfers, that was a tenth of
    /// the cost of a chunk.
    func updateConnectLimit() {
        guard let easy, hasBegunToConnect else { return }
        let limit = clock.connectLimit(away: loop.timeAway)
        let milliseconds = limit > 0 ? limit / millisecond + 1 : Int64.max
        _ = platform_set_long(
            easy, CURLOPT_CONNECTTIMEOUT_MS, Int(min(milliseconds, Int64(Int32.max))))
    }

    /// Ends the transfer if one of its timeouts has expired.
    package func expire(at now: Int64) {
        let time = min(now, loop.readThrough)
        if end == nil, let kind = clock.expired(at: time, away: loop.timeAway) {
            end = .timedOut(kind)
        }
    }

    /// Whether libcurl, which asks in the middle of its work, is to continue.
    ///
    /// Most of that work is short, but some lasts as long as the server sends: the body after a
    /// proxy's error response, a flood of GOAWAY frames (8.23).
    func shouldContinue() -> Bool {
        if cancellation.isRequested { return false }
        progressCalls &+= 1
        if progressCalls == 1 { beginToConnect() }
        // libcurl may ask a million times a second, and for every chunk.
        guard progressCalls & 0xFF == 0, end == nil, !isPaused else { return true }
        let kind = clock.expired(at: platform_now(), away: loop.timeAway)
        // Whether bytes received in this turn restart the idle timeout is known when they are
        // parsed.
        guard let kind, kind != .idle || lastReceived != loop.now else { return true }
        end = .timedOut(kind)
        return false
    }

    // MARK: Flow control and progress

    /// Stops reading. What libcurl receives is not accepted, so that it stops reading, too.
    package func pause() { isPaused = true }

    /// Continues reading. What libcurl has held is in `inbox` afterwards, even if that was the end.
    ///
    /// - Returns: Whether the transfer was paused.
    package func resumeIfPaused(at now: Int64) -> Bool {
        guard isPaused else { return false }
        isPaused = false
        clock.resume(at: now)
        if isHoldingData, let easy {
            isHoldingData = false
            loop.unpause(easy)
        }
        return true
    }

    /// What the driver identifies this transfer by. Progress is reported once until this is called.
    func takeProgress() -> UnsafeMutableRawPointer? {
        hasProgressed = false
        return context
    }

    func noteProgress() {
        guard context != nil, !hasProgressed, easy != nil else { return }
        hasProgressed = true
        loop.noteProgress(self)
    }

    // MARK: Connections with several streams

    /// libcurl looks for a connection of this transfer's own, or has found one.
    func endWait() {
        if isWaiting { loop.connecting.endWait(of: self) }
        isWaiting = false
    }

    /// Has libcurl look for a connection again, without waiting for that of another transfer. The
    /// caller removes this transfer from those that wait.
    func connectSeparately() {
        isWaiting = false
        guard let easy, end == nil else { return }
        loop.remove(easy)
        _ = platform_set_long(easy, CURLOPT_PIPEWAIT, 0)
        loop.add(easy)
    }

    /// libcurl has found a connection, possibly in place of one that has ended.
    func joinConnection(_ port: Int) {
        guard settings.usesHTTP2 else { return }
        if let easy, settings.endpoint.isSecure {
            settings.waitsForHTTP2 = platform_tls_has_http2(easy)
            if !settings.waitsForHTTP2 { loop.connecting.endWaiting() }
        }
        leaveConnection()
        sharedPort = port
        loop.shared.join(port, isNew: !isOnReusedConnection)
    }

    private func leaveConnection() {
        if let sharedPort { loop.shared.leave(sharedPort) }
        sharedPort = nil
    }

    // MARK: Restarts that are not retries

    /// Whether the request is to be sent again on a fresh connection, without counting as a retry:
    /// the server cannot have processed it, or its answer was read in the wrong way.
    package func prepareRestart() -> Bool {
        if diedUnanswered { return true }
        if isFalselyCoded {
            settings.stopDecoding()
            return true
        }
        guard mayVerifyWithSystemFile else { return false }
        settings.tls.readSystemFile()
        return true
    }

    /// A reused connection ended before anything was received, not even an interim response. It was
    /// closed while it was idle, which says nothing about the server.
    ///
    /// libcurl resends by itself when reading shows that, but not when writing does, nor more than
    /// five times in the life of a handle (7.88). A server that sends something, even if it is not
    /// HTTP, or that resets an HTTP/2 stream, may have seen the request.
    private var diedUnanswered: Bool {
        guard case .failed(let code) = end, head.byteCount == 0, isOnReusedConnection,
            !(sharedPort.map { loop.shared.isProven($0) } ?? false)
        else { return false }
        switch code {
        case CURLE_SEND_ERROR, CURLE_RECV_ERROR, CURLE_GOT_NOTHING, CURLE_PARTIAL_FILE,
            CURLE_HTTP2:
            return true
        default: return false
        }
    }

    /// The body is not in the coding that its header names, and nothing of it could be read.
    private var isFalselyCoded: Bool {
        guard isDecoded, received == 0, case .failed(CURLE_BAD_CONTENT_ENCODING) = end else {
            return false
        }
        return true
    }

    private var isOnReusedConnection: Bool {
        guard let easy, clock.isConnected else { return false }
        return platform_get_long(easy, CURLINFO_NUM_CONNECTS) == 0
    }

    /// A certificate was rejected that the system's file, which was left out, may verify. Nothing
    /// was sent.
    private var mayVerifyWithSystemFile: Bool {
        guard skipsSystemFile, case .failed(let code) = end else { return false }
        return code == CURLE_SSL_CACERT_BADFILE
            || code == CURLE_PEER_FAILED_VERIFICATION && certificateProblem > 1
    }

    private var certificateProblem: Int {
        guard let easy else { return 0 }
        return max(
            platform_get_long(easy, CURLINFO_SSL_VERIFYRESULT),
            platform_get_long(easy, CURLINFO_PROXY_SSL_VERIFYRESULT))
    }

    /// Called by the loop when a socket of this transfer was closed.
    func tryNextAddress() {
        guard let easy, end == nil, clock.phase == .connecting else { return }
        platform_prod(easy)
    }
}
