import Base
import CPlatform
import CThinkwire
import Chat

/// A request on its way out and its response on its way in, under our own clocks. It knows nothing of what the bytes mean.
final class Transfer {
    /// How it ended.
    enum End {
        case complete
        case failed(CURLcode)
        case timedOut(TimeoutKind)
        /// More bytes than that limit allows.
        case tooLarge(tw_limit)
    }

    private enum Phase {
        case connecting, waiting, receiving
    }

    /// What has arrived and was not taken yet.
    var inbox = ByteBuffer()
    private(set) var end: End?
    private(set) var received = 0
    private var headerBytes = 0
    /// A status line has come, and not yet the blank line behind its headers.
    private var isHeadBegun = false
    /// Whether every byte that comes sets the idle clock to zero; otherwise, only `restartClock` does.
    var countsEveryByte = true
    let timeouts: Timeouts

    private let client: Client
    private let loop: EventLoop
    private let cancellation: Cancellation
    private let reply: Reply
    private var easy: UnsafeMutableRawPointer?
    private let errorText = UnsafeMutablePointer<CChar>.allocate(capacity: Int(CURL_ERROR_SIZE))
    /// Not all of the system's certificates are looked at: see `TLSConfig`.
    private var skipsSystemFile = false

    private var phase = Phase.connecting
    /// When the call began, of which this may not be the first attempt.
    private let callStart: Int64
    /// When the clock of the phase was last set to zero; moved on by the time that nobody was here to receive.
    private var phaseStart: Int64
    private var left: Int64
    /// When libcurl began to connect.
    private var connectStart: Int64
    /// Something came since the clock of the phase was last set to zero. The clock is read once for all of it, and not for every
    /// piece: where each chunk is one, reading it was a tenth of what a chunk costs.
    private var hasReceived = false
    /// What the idle clock is set to in the wait under way, and how often libcurl has asked in it whether to go on.
    private var idleLimit: Int64 = 0
    private var questions: UInt32 = 0

    init(
        _ client: Client, _ loop: EventLoop, _ cancellation: Cancellation, _ timeouts: Timeouts,
        reply: Reply, callStart: Int64
    ) {
        self.client = client
        self.loop = loop
        self.cancellation = cancellation
        self.timeouts = timeouts
        self.reply = reply
        self.callStart = callStart
        phaseStart = platform_now()
        left = phaseStart
        connectStart = phaseStart
        errorText[0] = 0
    }

    deinit {
        stop()
        errorText.deallocate()
    }

    // MARK: Running

    /// Begins. The body must stay where it is until the transfer is stopped.
    func start(body: Bytes, onFreshConnection: Bool) {
        guard let easy = loop.acquireHandle(configure: configure) else {
            end = .failed(CURLE_OUT_OF_MEMORY)
            return
        }
        self.easy = easy
        skipsSystemFile = client.trust.put(into: easy)
        let this = Handle.unretained(self)
        _ = platform_set_pointer(easy, CURLOPT_POSTFIELDS, body.baseAddress)
        _ = platform_set_offset(easy, CURLOPT_POSTFIELDSIZE_LARGE, Int64(body.count))
        _ = platform_set_long(easy, CURLOPT_FRESH_CONNECT, onFreshConnection ? 1 : 0)
        _ = platform_set_pointer(easy, CURLOPT_ERRORBUFFER, errorText)
        _ = platform_set_pointer(easy, CURLOPT_WRITEDATA, this)
        _ = platform_set_pointer(easy, CURLOPT_HEADERDATA, this)
        _ = platform_set_pointer(easy, CURLOPT_RESOLVER_START_DATA, this)
        _ = platform_set_pointer(easy, CURLOPT_SOCKOPTDATA, this)
        _ = platform_set_pointer(easy, CURLOPT_PREREQDATA, this)
        _ = platform_set_pointer(easy, CURLOPT_XFERINFODATA, this)
        _ = platform_set_pointer(easy, CURLOPT_PRIVATE, this)
        loop.add(easy)
    }

    /// Waits until something has arrived or it has ended, or the deadline has passed. `idleLimit` is what the idle clock is set to
    /// from now on; the caller knows best how much longer it is worth waiting.
    func wait(until deadline: Int64, idleLimit: Int64) {
        let now = platform_now()
        // Nobody was here to receive since the last wait: that is not the server's fault, unless it turns out that nothing had come.
        let away = now - left
        let begun = phase
        phaseStart += away
        left = now
        self.idleLimit = idleLimit
        if phase == .connecting { setConnectClock() }
        // Bytes that do not count must not carry it over the end of its clock; those that do have set it back by now.
        if !countsEveryByte && hasExpired() { return }
        let isQuiet = !loop.turn(
            until: min(deadline, clock.deadline - (phase == .connecting ? 0 : away)))
        if phase == .connecting { tryNextAddress() }
        left = platform_now()
        let hasNews = hasReceived
        hasReceived = false
        if hasNews && countsEveryByte { phaseStart = left }
        if isQuiet && !hasNews && phase == begun && phase != .connecting { phaseStart -= away }
        if end == nil && (countsEveryByte || !hasNews) { _ = hasExpired() }
    }

    /// By its own clock libcurl moves on from an address that does not answer to the host's next one, when half of the time is over. It
    /// must not run out before ours, and does not know when nobody was here.
    private func setConnectClock() {
        guard let easy else { return }
        let limit =
            timeouts.connect > 0
            ? (phaseStart - connectStart &+ timeouts.connect) / millisecond + 1 : Int64.max
        _ = platform_set_long(easy, CURLOPT_CONNECTTIMEOUT_MS, Int(min(limit, Int64(Int32.max))))
    }

    /// Up to 8.3, libcurl gives up an address that refuses, or does not answer, and tries the next one when it is called again for
    /// some other reason, if ever (curl#11920).
    private func tryNextAddress() {
        guard let easy, end == nil, loop.hasLostSocket, platform_curl().pointee.version < 0x080400
        else { return }
        loop.hasLostSocket = false
        platform_prod(easy)
    }

    /// Sets the clock of the phase to zero, as of the last wait's end.
    func restartClock() { phaseStart = left }

    /// Ends it if one of the clocks has run out.
    private func hasExpired() -> Bool {
        let (expires, which) = clock
        guard left >= expires else { return false }
        end = .timedOut(which)
        return true
    }

    /// The first of our clocks to run out.
    private var clock: (deadline: Int64, which: TimeoutKind) {
        let (limit, which) =
            switch phase {
            case .connecting: (timeouts.connect, TimeoutKind.connect)
            case .waiting: (timeouts.firstByte, TimeoutKind.firstByte)
            case .receiving: (idleLimit, TimeoutKind.idle)
            }
        let phaseEnd = limit > 0 ? phaseStart &+ limit : Int64.max
        let callEnd = timeouts.total > 0 ? callStart &+ timeouts.total : Int64.max
        return callEnd <= phaseEnd ? (callEnd, TimeoutKind.total) : (phaseEnd, which)
    }

    /// libcurl asks within its work whether to go on with it. Most of that is short, but some lasts for as long as somebody sends: the
    /// body behind a proxy's refusal, a flood of GOAWAY (8.23).
    private func goesOn() -> Bool {
        if cancellation.isAsked { return false }
        questions &+= 1
        // It can be a million times a second, and with every chunk: not each looks at the clock.
        guard questions & 0xFF == 0 else { return true }
        left = platform_now()
        if hasReceived {
            // What counts is only known when it is looked at.
            guard countsEveryByte else { return true }
            phaseStart = left
        }
        return !hasExpired()
    }

    /// libcurl has no more to do.
    func finish(_ result: CURLcode) {
        guard end == nil else {
            // It was ended here: what libcurl says of that explains nothing.
            errorText[0] = 0
            return
        }
        if result == CURLE_OPERATION_TIMEDOUT {
            // Its clock is ours, and may be looked at a moment before.
            end = .timedOut(.connect)
            return
        }
        // To libcurl, a header that is cut between two of its lines is as good as a whole one.
        let isWhole = result == CURLE_OK && !isHeadBegun && reply.httpStatus != 0
        end = isWhole ? .complete : .failed(result == CURLE_OK ? CURLE_PARTIAL_FILE : result)
    }

    /// Lets go of the connection, which is kept if all was read from it.
    func stop() {
        guard let easy else { return }
        reply.timing.pointee.reused_connection = isOnKeptConnection ? 1 : 0
        self.easy = nil
        // A stream of HTTP/2 that is left early would not be reset before the connection is used again, and until then the server
        // would go on (libcurl 7.88): with its connection, it ends now. One that is over has given its connection back already.
        _ = platform_set_long(easy, CURLOPT_FORBID_REUSE, 1)
        loop.remove(easy)
        _ = platform_set_long(easy, CURLOPT_FORBID_REUSE, 0)
        // It is kept for another transfer, and our text is not.
        _ = platform_set_pointer(easy, CURLOPT_ERRORBUFFER, nil)
        loop.release(easy: easy)
    }

    /// It was sent over a connection that was there before. Until it is stopped.
    private var isOnKeptConnection: Bool {
        guard let easy, phase != .connecting else { return false }
        return platform_get_long(easy, CURLINFO_NUM_CONNECTS) == 0
    }

    /// A connection that had been kept is gone, and nothing has come over it, not even an interim response. Not so where the server says
    /// something, if it is no HTTP, or resets a stream of HTTP/2: whoever does that is there, and may have seen the request.
    var diedUnanswered: Bool {
        guard case .failed(let code) = end, headerBytes == 0, isOnKeptConnection else {
            return false
        }
        switch code {
        case CURLE_SEND_ERROR, CURLE_RECV_ERROR, CURLE_GOT_NOTHING, CURLE_PARTIAL_FILE, CURLE_HTTP2:
            return true
        default: return false
        }
    }

    /// A certificate is not trusted, and may be by those that were left out. Nothing was sent.
    var mayBeTrusted: Bool {
        guard skipsSystemFile, case .failed(let code) = end else { return false }
        return code == CURLE_SSL_CACERT_BADFILE
            || code == CURLE_PEER_FAILED_VERIFICATION && certificateProblem > 1
    }

    /// Since the call began.
    private var elapsedMicroseconds: Int64 { (platform_now() - callStart) / 1000 }

    /// What libcurl has to say about its failure.
    var explanation: Bytes { Bytes(cString: errorText) }

    /// There is a proxy, which it may have gone through.
    var hasProxy: Bool { !client.proxy.address.bytes.isEmpty }

    /// The HTTP status that a proxy has answered with to the wish for a tunnel; 0 for none.
    var tunnelStatus: Int { easy.map { platform_get_long($0, CURLINFO_HTTP_CONNECTCODE) } ?? 0 }

    /// What OpenSSL has against the certificate of the server or a proxy, by its number; 0 for nothing, 1 if it did not get to that.
    var certificateProblem: Int {
        guard let easy else { return 0 }
        return max(
            platform_get_long(easy, CURLINFO_SSL_VERIFYRESULT),
            platform_get_long(easy, CURLINFO_PROXY_SSL_VERIFYRESULT))
    }

    // MARK: libcurl

    /// Sets what is the same for every transfer of the client.
    private func configure(_ easy: UnsafeMutableRawPointer) {
        _ = platform_set_pointer(easy, CURLOPT_URL, client.endpoint.url.baseAddress)
        _ = platform_set_long(easy, CURLOPT_POST, 1)
        _ = platform_set_pointer(easy, CURLOPT_HTTPHEADER, client.headers)
        _ = platform_set_pointer(easy, CURLOPT_PROTOCOLS_STR, StaticText.cString("http,https"))
        _ = platform_set_long(
            easy, CURLOPT_HTTP_VERSION,
            client.speaksHTTP2 ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1)
        _ = platform_set_long(easy, CURLOPT_FOLLOWLOCATION, 0)
        _ = platform_set_long(easy, CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2))
        // No signals in a host that is not ours; and whoever cancels does not wait for a name server.
        _ = platform_set_long(easy, CURLOPT_NOSIGNAL, 1)
        _ = platform_set_long(easy, CURLOPT_QUICK_EXIT, 1)
        _ = platform_set_long(easy, CURLOPT_TCP_KEEPALIVE, 1)
        // What a proxy says about its tunnel is not the server's answer.
        _ = platform_set_long(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)
        _ = platform_set_pointer(easy, CURLOPT_PROXY, client.proxy.address.cString)
        _ = platform_set_pointer(easy, CURLOPT_NOPROXY, client.proxy.unproxiedHosts.cString)
        _ = platform_set_long(easy, CURLOPT_PROXY_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2))
        _ = platform_set_write(easy, CURLOPT_WRITEFUNCTION, Transfer.receive)
        _ = platform_set_write(easy, CURLOPT_HEADERFUNCTION, Transfer.receiveHeader)
        _ = platform_set_resolver_start(easy) { _, _, transfer in Transfer.connects(transfer) }
        _ = platform_set_sockopt(easy) { transfer, _, _ in Transfer.connects(transfer) }
        _ = platform_set_prerequest(easy, Transfer.connected)
        _ = platform_set_progress(easy, Transfer.isToGoOn)
        _ = platform_set_long(easy, CURLOPT_NOPROGRESS, 0)
    }

    private static let isToGoOn: curl_xferinfo_callback = { transfer, _, _, _, _ in
        guard let transfer else { return 0 }
        return UnretainedReference<Transfer>(transfer).with { $0.goesOn() } ? 0 : 1
    }

    /// It looks for an address, or tries one. Not only in the beginning: in place of a kept connection that dies before anything came
    /// over it, libcurl makes another.
    private static func connects(_ transfer: UnsafeMutableRawPointer?) -> Int32 {
        guard let transfer else { return 0 }
        let this = Handle.object(transfer, as: Transfer.self)
        guard this.phase != .connecting else { return 0 }
        this.phase = .connecting
        this.phaseStart = platform_now()
        this.connectStart = this.phaseStart
        this.reply.timing.pointee.connected_us = -1
        return 0
    }

    private static let connected: curl_prereq_callback = { transfer, _, _, _, _ in
        guard let transfer else { return CURL_PREREQFUNC_OK }
        let this = Handle.object(transfer, as: Transfer.self)
        this.phase = .waiting
        this.phaseStart = platform_now()
        this.reply.timing.pointee.connected_us = this.elapsedMicroseconds
        if let easy = this.easy { platform_tls_prepare(easy) }
        return CURL_PREREQFUNC_OK
    }

    private static let receiveHeader: curl_write_callback = { bytes, _, count, transfer in
        guard let bytes, let transfer else { return 0 }
        let line = Bytes(
            start: UnsafeRawPointer(bytes).assumingMemoryBound(to: UInt8.self), count: count)
        return UnretainedReference<Transfer>(transfer).with { $0.receive(header: line) } ? count : 0
    }

    private func receive(header line: Bytes) -> Bool {
        headerBytes += line.count
        guard headerBytes <= client.limits.headers else {
            end = .tooLarge(TW_LIMIT_HEADERS)
            return false
        }
        // Where the connection has ended in a line's end, libcurl 8 hands over what there is of it.
        guard line.last == UInt8(ascii: "\n") else { return true }
        // In capitals or not: libcurl takes either. Behind the body there are trailers, whatever they look like.
        let isStatusLine =
            !isHeadBegun && received == 0 && line.count >= 5
            && line.part(0..<5).equalsIgnoringCase(StaticText.bytes("HTTP/"))
        // A line that begins with a blank goes on with the one before, though there be nothing else in it.
        let isFolded = line[0] == UInt8(ascii: " ") || line[0] == UInt8(ascii: "\t")
        if isStatusLine {
            isHeadBegun = true
        } else if trimmed(line).isEmpty && !isFolded {
            isHeadBegun = false
        }
        if isStatusLine {
            reply.headers.removeAll()
            let status = easy.map { platform_get_long($0, CURLINFO_RESPONSE_CODE) } ?? 0
            // An interim one, such as 103, says no more than that there will be another.
            reply.httpStatus = status >= 200 ? status : 0
        }
        guard reply.httpStatus != 0 else { return true }
        phase = .receiving
        hasReceived = true
        if reply.timing.pointee.first_byte_us < 0 {
            reply.timing.pointee.first_byte_us = elapsedMicroseconds
        }
        if isFolded {
            reply.headers.continueValue(line: line)
        } else if !isStatusLine {
            reply.headers.add(line: line)
        }
        return true
    }

    private static let receive: curl_write_callback = { bytes, _, count, transfer in
        guard let bytes, let transfer else { return 0 }
        let part = Bytes(
            start: UnsafeRawPointer(bytes).assumingMemoryBound(to: UInt8.self), count: count)
        return UnretainedReference<Transfer>(transfer).with { $0.receive(part) } ? count : 0
    }

    /// Keeps what has arrived; false ends the transfer.
    private func receive(_ bytes: Bytes) -> Bool {
        // libcurl takes "HTTP/200 OK" for a status line, too, though of no status.
        guard reply.httpStatus != 0 else {
            end = .failed(CURLE_WEIRD_SERVER_REPLY)
            return false
        }
        hasReceived = true
        received += bytes.count
        let excess = received - client.limits.reply
        guard excess > 0 else {
            inbox.append(bytes)
            return true
        }
        // What the limit allows is kept.
        inbox.append(bytes.part(0..<max(bytes.count - excess, 0)))
        received -= excess
        end = .tooLarge(TW_LIMIT_REPLY)
        return false
    }
}
