import Base
import CMock
import CPlatform
import Chat

/// One connection: reads requests, obtains their responses from the provider, and sends them.
///
/// It never blocks. The server calls it when its socket or its timer is ready.
final class Connection {
    private enum Phase {
        case reading
        /// The body of the request is not read until the timer expires.
        case stopReading
        /// The request was forwarded, and the provider has not responded yet.
        case forwarding
        /// The head of the response is sent when the timer expires.
        case delayed
        case sending
        /// The body was sent; its end is sent when the timer expires.
        case holding
        /// Part of the body was sent; the rest is sent when the timer expires, if there is a timer.
        case stalled
        /// A RST is sent when the peer has acknowledged all bytes.
        case resetting
        /// A FIN was sent, and received bytes are discarded until the peer closes the connection.
        /// Closing at once could send a RST before the peer has read the response.
        case draining
        case closed
    }

    let socket: Socket
    let key: UInt64
    let number: Int
    private var phase = Phase.reading
    private var request = HTTPRequest()
    private var requestCount = 0
    private var isReadingRequests = false
    private var response: HTTPResponse?

    /// Bytes to send, and how many of them were sent.
    private var output = ByteBuffer()
    private var sent = 0
    /// The piece of the body that is being copied to `output`, and how much of it was copied.
    private var piece = ByteBuffer()
    private var pieceUsed = 0
    private var bodySent = 0
    private var bodyEnded = false
    private var endWasAppended = false
    private var interruptions = Interruptions()

    private var nextPieceTime: Int64 = 0
    private var startTime: Int64 = 0
    private(set) var timerSerial: UInt32 = 0
    private var interest: UInt32 = 0

    /// Number of bytes that are prepared at a time.
    private static let batchSize = 65_536
    /// Number of batches that are sent before other connections get their turn.
    private static let batchesPerTurn = 4
    /// Maximum time in `Phase.draining`, in nanoseconds.
    private static let drainTime: Int64 = 2_000_000_000

    init(_ socket: Socket, key: UInt64, number: Int) {
        self.socket = socket
        self.key = key
        self.number = number
    }

    var isClosed: Bool { phase == .closed }

    // MARK: Called by the server

    func isReady(_ kinds: UInt32, _ server: Server) {
        if kinds & (EPOLLHUP.rawValue | EPOLLERR.rawValue) != 0 { return close(server) }
        // A FIN from the peer during a response is treated as a closed connection: a close and a
        // half-close differ only after something was sent, and a stalled response sends nothing.
        if kinds & EPOLLRDHUP.rawValue != 0, phase != .reading, phase != .draining {
            return close(server)
        }
        if kinds & EPOLLIN.rawValue != 0 { receive(server) }
        if kinds & EPOLLOUT.rawValue != 0 { send(server) }
    }

    func timerExpired(_ server: Server) {
        switch phase {
        case .delayed: begin(server)
        case .sending: send(server)
        case .holding: end(server)
        case .stalled:
            phase = .sending
            send(server)
        case .resetting: resetWhenSent(server)
        case .draining: close(server)
        case .stopReading:
            phase = .reading
            readRequests(server)
        case .reading, .forwarding, .closed: break
        }
    }

    /// The response of the provider that the request was forwarded to has begun or has grown.
    func received(_ response: HTTPResponse, _ server: Server) {
        if phase == .forwarding { start(response, server) } else { send(server) }
    }

    /// Sets the epoll events of the socket.
    func setEvents(_ kinds: UInt32, _ server: Server) {
        guard phase != .closed, kinds != interest else { return }
        interest = kinds
        _ = mock_epoll_change(server.epoll, socket.fd, key, kinds)
    }

    private func setTimer(at time: Int64, _ server: Server) {
        timerSerial &+= 1
        server.timers.add(Timers.Entry(time: time, key: key, serial: timerSerial))
    }

    private func close(_ server: Server, byReset: Bool = false) {
        guard phase != .closed else { return }
        if phase != .draining { log(server, byReset ? "reset" : "aborted") }
        server.provider.recorder?.cancel(key)
        phase = .closed
        response = nil
        timerSerial &+= 1
        socket.close(byReset: byReset)
        server.remove(self)
    }

    // MARK: Receiving

    private func receive(_ server: Server) {
        let count = socket.receive(server.receiveBuffer, Server.receiveBufferSize)
        if count == -Int(EAGAIN) || count == -Int(EINTR) { return }
        guard count > 0 else { return close(server) }
        guard phase == .reading else { return }
        request.append(Bytes(start: server.receiveBuffer, count: count))
        readRequests(server)
    }

    /// Parses and answers the received bytes.
    ///
    /// `end` calls this after each response. The guard turns this recursion into a loop, so that
    /// any number of pipelined requests needs a constant amount of stack.
    private func readRequests(_ server: Server) {
        guard !isReadingRequests else { return }
        isReadingRequests = true
        defer { isReadingRequests = false }
        do throws(HTTPRequest.ParseError) {
            while phase == .reading {
                switch try request.advance() {
                case .needsMore:
                    guard socket.hasPending else {
                        return setEvents(EPOLLIN.rawValue | EPOLLRDHUP.rawValue, server)
                    }
                    receive(server)
                case .hasHead:
                    startTime = server.now
                    let (early, stopReading) = server.provider.faultsBeforeBody(request)
                    if let early { return start(early, server) }
                    if stopReading > 0 { return pauseReading(for: stopReading, server) }
                    if request.waitsForContinue { output.append("HTTP/1.1 100 Continue\r\n\r\n") }
                    guard flush(limit: nil) != .failed else { return close(server) }
                case .isComplete:
                    requestCount += 1
                    let origin = Provider.Origin(
                        connection: number, request: requestCount, key: key)
                    guard let response = server.provider.respond(to: request, from: origin) else {
                        phase = .forwarding
                        return setEvents(EPOLLRDHUP.rawValue, server)
                    }
                    start(response, server)
                }
            }
        } catch {
            start(server.provider.respond(to: request, error), server)
        }
    }

    /// Leaves the body in the socket for a time, so that the peer's send buffer fills up.
    private func pauseReading(for time: Int64, _ server: Server) {
        phase = .stopReading
        setEvents(EPOLLRDHUP.rawValue, server)
        setTimer(at: server.now + time, server)
    }

    // MARK: Sending

    private func start(_ response: HTTPResponse, _ server: Server) {
        self.response = response
        let faults = response.faults
        setEvents(EPOLLRDHUP.rawValue, server)
        interruptions = Interruptions(faults)
        if faults.delay > 0 {
            phase = .delayed
            setTimer(at: server.now + faults.delay, server)
        } else {
            begin(server)
        }
    }

    private func begin(_ server: Server) {
        guard let response else { return close(server) }
        switch response.faults.drop {
        case .fin: return close(server)
        case .rst: return close(server, byReset: true)
        case nil: break
        }
        output.append(response.head)
        piece.removeAll()
        (pieceUsed, bodySent, bodyEnded) = (0, 0, response.isBodyless)
        endWasAppended = false
        nextPieceTime = server.now
        phase = .sending
        send(server)
    }

    private enum Flush { case done, blocked, failed }

    /// Sends `output`, at most `limit` bytes per call of the system.
    private func flush(limit: Int?) -> Flush {
        var writes = 0
        while sent < output.count {
            let count = min(output.count - sent, limit ?? Int.max)
            let result = socket.send(output.start + sent, count)
            if result == -Int(EINTR) { continue }
            if result == -Int(EAGAIN) { return .blocked }
            guard result >= 0 else { return .failed }
            sent += result
            writes += 1
            if limit != nil, writes >= 256 { return .blocked }
        }
        output.removeAll()
        sent = 0
        return .done
    }

    /// Sends until the socket blocks, the next piece is not due yet, or the response ends.
    private func send(_ server: Server) {
        guard phase == .sending, let response else { return }
        for _ in 0..<Connection.batchesPerTurn {
            switch flush(limit: response.faults.write) {
            case .failed: return close(server)
            case .blocked: return setEvents(EPOLLRDHUP.rawValue | EPOLLOUT.rawValue, server)
            case .done: break
            }
            if let kind = interruptions.take(at: bodySent) { return interrupt(kind, server) }
            if bodyEnded {
                return response.body.isTruncated ? interrupt(.cut, server) : hold(server)
            }
            if response.pace > 0 {
                guard server.now >= nextPieceTime else {
                    setEvents(EPOLLRDHUP.rawValue, server)
                    return setTimer(at: nextPieceTime, server)
                }
                // After a slow peer the pace is kept, without a burst of the delayed pieces.
                if appendPiece(response) {
                    nextPieceTime = max(nextPieceTime + response.pace, server.now)
                }
            } else {
                while output.count < Connection.batchSize, !interruptions.contains(bodySent),
                    appendPiece(response)
                {}
                // Sent together with the last piece, so that the client receives it at once.
                if bodyEnded, response.faults.hold == 0 { appendBodyEnd(response) }
            }
            if output.isEmpty, !bodyEnded, response.body.isOpen {
                // The server calls `received` when there is more.
                return setEvents(EPOLLRDHUP.rawValue, server)
            }
        }
        setEvents(EPOLLRDHUP.rawValue | EPOLLOUT.rawValue, server)
    }

    /// Appends the next piece of the body to `output`, at most up to the next interruption; false
    /// if the body has ended, or the provider has not sent more yet.
    private func appendPiece(_ response: HTTPResponse) -> Bool {
        if pieceUsed == piece.count {
            piece.removeAll()
            pieceUsed = 0
            guard response.body.next(&piece) else {
                bodyEnded = !response.body.isOpen
                return false
            }
        }
        let count = interruptions.limit(piece.count - pieceUsed, from: bodySent)
        guard count > 0 else { return true }
        if response.framing == .chunked {
            output.append(hexadecimal: count)
            output.append("\r\n")
        }
        output.append(piece.bytes.part(pieceUsed..<pieceUsed + count))
        if response.framing == .chunked { output.append("\r\n") }
        pieceUsed += count
        bodySent += count
        return true
    }

    // MARK: Ending a response

    private func appendBodyEnd(_ response: HTTPResponse) {
        guard !endWasAppended, !response.body.isTruncated else { return }
        endWasAppended = true
        if response.framing == .chunked, !response.isBodyless { output.append("0\r\n\r\n") }
    }

    private func interrupt(_ kind: Interruptions.Kind, _ server: Server) {
        setEvents(EPOLLRDHUP.rawValue, server)
        switch kind {
        case .cut:
            log(server, "cut")
            drain(server)
        case .reset:
            phase = .resetting
            resetWhenSent(server)
        case .stall:
            phase = .stalled
            guard let response, let resume = response.faults.resume else { return }
            nextPieceTime = server.now + resume
            setTimer(at: nextPieceTime, server)
        }
    }

    /// Sends a RST when all bytes are acknowledged, because a RST discards unacknowledged bytes.
    private func resetWhenSent(_ server: Server) {
        if mock_unsent(socket.fd) == 0 { return close(server, byReset: true) }
        setTimer(at: server.now + 1_000_000, server)
    }

    private func hold(_ server: Server) {
        guard !endWasAppended, let response, response.faults.hold > 0 else { return end(server) }
        phase = .holding
        setEvents(EPOLLRDHUP.rawValue, server)
        setTimer(at: server.now + response.faults.hold, server)
    }

    /// Sends the end of the body; `send` calls this again until all bytes were sent.
    private func end(_ server: Server) {
        guard let response else { return close(server) }
        appendBodyEnd(response)
        phase = .sending
        switch flush(limit: response.faults.write) {
        case .failed: return close(server)
        case .blocked: return setEvents(EPOLLRDHUP.rawValue | EPOLLOUT.rawValue, server)
        case .done: break
        }
        log(server, "sent")
        let closes = response.closes
        self.response = nil
        if closes { return drain(server) }
        request.removeFirst()
        phase = .reading
        timerSerial &+= 1
        readRequests(server)
    }

    private func drain(_ server: Server) {
        phase = .draining
        response = nil
        socket.finish()
        setEvents(EPOLLIN.rawValue, server)
        setTimer(at: server.now + Connection.drainTime, server)
    }

    private func log(_ server: Server, _ outcome: StaticString) {
        guard server.logsRequests, let response else { return }
        var line = ByteBuffer()
        line.append(request.method)
        line.append(" ")
        line.append(request.path)
        line.append(" ")
        line.append(decimal: response.status)
        line.append(" ")
        line.append(outcome)
        line.append(" ")
        line.append(decimal: bodySent)
        line.append(" bytes in ")
        line.append(decimal: Int((server.now - startTime) / 1000))
        line.append(" us, connection ")
        line.append(decimal: number)
        line.append(", request ")
        line.append(decimal: requestCount)
        line.append("\n")
        _ = write(2, line.start, line.count)
    }
}

extension ByteBuffer {
    /// Appends the size of a chunk.
    @inline(__always)
    fileprivate mutating func append(hexadecimal number: Int) {
        let digits = max(1, (Int.bitWidth - number.leadingZeroBitCount + 3) / 4)
        append(hex: UInt64(number), digits: digits)
    }
}
