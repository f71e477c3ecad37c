import Base
import CMock
import CPlatform
import Chat

/// One connection: it reads a request, has it answered, sends the answer, and begins again. It never waits: the server calls it
/// when its socket or its timer is ready.
final class Connection {
    private enum Phase {
        case reading
        /// The body is not read for a time.
        case stopReading
        /// The head of the answer is held back.
        case delayed
        case sending
        /// All but the end of the body has been sent.
        case holding
        /// Part of the body has been sent, and no more of it is, for a time or for ever.
        case stalled
        /// A RST follows as soon as the peer has all that was sent.
        case resetting
        /// A FIN has been sent; what still comes is thrown away until the peer is done, so that it is not reset before it has
        /// read the answer.
        case draining
        case closed
    }

    /// Where the body breaks off, and how.
    private struct Stop {
        enum Kind { case cut, reset, stall }
        var offset: Int
        var kind: Kind
    }

    let fd: Int32
    let key: UInt64
    let number: Int
    private var phase = Phase.reading
    private var request = HTTPRequest()
    private var requestCount = 0
    private var readsOn = false
    private var answer: Answer?

    /// What is ready to be sent, and how much of it has been.
    private var output = ByteBuffer()
    private var sent = 0
    /// The piece of the body that is on its way into `output`.
    private var piece = ByteBuffer()
    private var pieceUsed = 0
    private var bodySent = 0
    private var bodyEnded = false
    private var endIsReady = false
    private var stops: [Stop] = []

    private var nextPiece: Int64 = 0
    private var started: Int64 = 0
    private(set) var timerSerial: UInt32 = 0
    private var interest: UInt32 = 0

    /// As much as is made ready at a time, and as often as it is sent before others have their turn.
    private static let batch = 65_536
    private static let turns = 4
    private static let drainTime: Int64 = 2_000_000_000

    init(fd: Int32, key: UInt64, number: Int) {
        self.fd = fd
        self.key = key
        self.number = number
    }

    var isClosed: Bool { phase == .closed }

    // MARK: What the server calls

    func isReady(_ kinds: UInt32, _ server: Server) {
        if kinds & (EPOLLHUP.rawValue | EPOLLERR.rawValue) != 0 { return close(server) }
        // A peer that sends no more while it is being answered has gone away: who closes and who only half-closes cannot be told
        // apart before something is sent, and a stalled answer sends nothing.
        if kinds & EPOLLRDHUP.rawValue != 0, phase != .reading, phase != .draining {
            return close(server)
        }
        if kinds & EPOLLIN.rawValue != 0 { receive(server) }
        if kinds & EPOLLOUT.rawValue != 0 { send(server) }
    }

    func timerFired(_ server: Server) {
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
            readOn(server)
        case .reading, .closed: break
        }
    }

    /// Tells the system what to wait for.
    func watch(_ kinds: UInt32, _ server: Server) {
        guard phase != .closed, kinds != interest else { return }
        interest = kinds
        _ = mock_epoll_change(server.epoll, fd, key, kinds)
    }

    private func wake(at time: Int64, _ server: Server) {
        timerSerial &+= 1
        server.timers.add(Timers.Entry(time: time, key: key, serial: timerSerial))
    }

    private func close(_ server: Server, byReset: Bool = false) {
        guard phase != .closed else { return }
        if phase != .draining { log(server, byReset ? "reset" : "gone") }
        phase = .closed
        answer = nil
        timerSerial &+= 1
        if byReset { mock_reset(fd) } else { _ = CPlatform.close(fd) }
        server.forget(self)
    }

    // MARK: In

    private func receive(_ server: Server) {
        let count = mock_receive(fd, server.room, Server.roomSize)
        if count == -Int(EAGAIN) || count == -Int(EINTR) { return }
        guard count > 0 else { return close(server) }
        guard phase == .reading else { return }
        request.append(Bytes(start: server.room, count: count))
        readOn(server)
    }

    /// Reads and answers what has arrived. Several requests at once are answered in a loop and not one inside the other, however
    /// many there are.
    private func readOn(_ server: Server) {
        guard !readsOn else { return }
        readsOn = true
        defer { readsOn = false }
        do throws(HTTPRequest.Malformed) {
            while phase == .reading {
                switch try request.advance() {
                case .needsMore: return watch(EPOLLIN.rawValue | EPOLLRDHUP.rawValue, server)
                case .hasHead:
                    started = server.now
                    let plan = server.provider.plan(request)
                    if let early = plan.early { return start(early, server) }
                    if plan.stopReading > 0 { return turnAway(for: plan.stopReading, server) }
                    if request.waitsForContinue { output.append("HTTP/1.1 100 Continue\r\n\r\n") }
                    guard flush(limit: nil) != .failed else { return close(server) }
                case .isComplete:
                    requestCount += 1
                    let origin = Provider.Origin(connection: number, request: requestCount)
                    start(server.provider.answer(request, from: origin), server)
                }
            }
        } catch {
            start(server.provider.answer(malformed: error, request), server)
        }
    }

    /// Leaves the body where it is for a time, so that its sender finds the connection full.
    private func turnAway(for time: Int64, _ server: Server) {
        phase = .stopReading
        watch(EPOLLRDHUP.rawValue, server)
        wake(at: server.now + time, server)
    }

    // MARK: Out

    private func start(_ answer: Answer, _ server: Server) {
        self.answer = answer
        let faults = answer.faults
        watch(EPOLLRDHUP.rawValue, server)
        stops.removeAll(keepingCapacity: true)
        if let offset = faults.cut { stops.append(Stop(offset: offset, kind: .cut)) }
        if let offset = faults.reset { stops.append(Stop(offset: offset, kind: .reset)) }
        if let offset = faults.stall { stops.append(Stop(offset: offset, kind: .stall)) }
        if faults.delay > 0 {
            phase = .delayed
            wake(at: server.now + faults.delay, server)
        } else {
            begin(server)
        }
    }

    private func begin(_ server: Server) {
        guard let answer else { return close(server) }
        switch answer.faults.drop {
        case .finish: return close(server)
        case .reset: return close(server, byReset: true)
        case nil: break
        }
        output.append(answer.head)
        piece.removeAll()
        (pieceUsed, bodySent, bodyEnded) = (0, 0, answer.isBodyless)
        endIsReady = false
        nextPiece = server.now
        phase = .sending
        send(server)
    }

    private enum Flush { case done, blocked, failed }

    /// Sends what is ready, at most `limit` bytes at a time.
    private func flush(limit: Int?) -> Flush {
        var writes = 0
        while sent < output.count {
            let count = min(output.count - sent, limit ?? Int.max)
            let result = mock_send(fd, output.start + sent, count)
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

    /// Sends until the socket takes no more, the next piece is not yet due, or the answer ends.
    private func send(_ server: Server) {
        guard phase == .sending, let answer else { return }
        for _ in 0..<Connection.turns {
            switch flush(limit: answer.faults.write) {
            case .failed: return close(server)
            case .blocked: return watch(EPOLLRDHUP.rawValue | EPOLLOUT.rawValue, server)
            case .done: break
            }
            if let stop = stops.first(where: { $0.offset == bodySent }) {
                return breakOff(stop.kind, server)
            }
            if bodyEnded { return hold(server) }
            if answer.pace > 0 {
                guard server.now >= nextPiece else {
                    watch(EPOLLRDHUP.rawValue, server)
                    return wake(at: nextPiece, server)
                }
                appendPiece(answer)
                // A peer that was slow is not sent in a burst what it has missed.
                nextPiece = max(nextPiece + answer.pace, server.now)
            } else {
                while !bodyEnded, output.count < Connection.batch, !isAtStop { appendPiece(answer) }
                // In one with the last piece: a client does not wait for it for long.
                if bodyEnded, answer.faults.hold == 0 { appendEnd(answer) }
            }
        }
        watch(EPOLLRDHUP.rawValue | EPOLLOUT.rawValue, server)
    }

    private var isAtStop: Bool { stops.contains { $0.offset == bodySent } }

    /// Makes the next piece of the body ready, up to where the body breaks off.
    private func appendPiece(_ answer: Answer) {
        if pieceUsed == piece.count {
            piece.removeAll()
            pieceUsed = 0
            guard answer.feed.next(&piece) else {
                bodyEnded = true
                return
            }
        }
        var count = piece.count - pieceUsed
        for stop in stops where stop.offset > bodySent {
            count = min(count, stop.offset - bodySent)
        }
        guard count > 0 else { return }
        if answer.framing == .chunked {
            output.append(hexadecimal: count)
            output.append("\r\n")
        }
        output.append(piece.bytes.part(pieceUsed..<pieceUsed + count))
        if answer.framing == .chunked { output.append("\r\n") }
        pieceUsed += count
        bodySent += count
    }

    // MARK: The end

    private func appendEnd(_ answer: Answer) {
        guard !endIsReady else { return }
        endIsReady = true
        if answer.framing == .chunked, !answer.isBodyless { output.append("0\r\n\r\n") }
    }

    private func breakOff(_ kind: Stop.Kind, _ server: Server) {
        watch(EPOLLRDHUP.rawValue, server)
        stops.removeAll { $0.offset == bodySent && $0.kind == kind }
        switch kind {
        case .cut:
            log(server, "cut")
            drain(server)
        case .reset:
            phase = .resetting
            resetWhenSent(server)
        case .stall:
            phase = .stalled
            guard let answer, let resume = answer.faults.resume else { return }
            nextPiece = server.now + resume
            wake(at: nextPiece, server)
        }
    }

    /// A RST makes the system forget what the peer has not acknowledged, so it waits for that.
    private func resetWhenSent(_ server: Server) {
        if mock_unsent(fd) == 0 { return close(server, byReset: true) }
        wake(at: server.now + 1_000_000, server)
    }

    private func hold(_ server: Server) {
        guard !endIsReady, let answer, answer.faults.hold > 0 else { return end(server) }
        phase = .holding
        watch(EPOLLRDHUP.rawValue, server)
        wake(at: server.now + answer.faults.hold, server)
    }

    /// Sends the end of the body; `send` comes back here until it is all gone.
    private func end(_ server: Server) {
        guard let answer else { return close(server) }
        appendEnd(answer)
        phase = .sending
        switch flush(limit: answer.faults.write) {
        case .failed: return close(server)
        case .blocked: return watch(EPOLLRDHUP.rawValue | EPOLLOUT.rawValue, server)
        case .done: break
        }
        log(server, "sent")
        let closes = answer.closes
        self.answer = nil
        if closes { return drain(server) }
        request.removeFirst()
        phase = .reading
        timerSerial &+= 1
        readOn(server)
    }

    private func drain(_ server: Server) {
        phase = .draining
        answer = nil
        mock_finish(fd)
        watch(EPOLLIN.rawValue, server)
        wake(at: server.now + Connection.drainTime, server)
    }

    private func log(_ server: Server, _ outcome: StaticString) {
        guard server.logs, let answer else { return }
        var line = ByteBuffer()
        line.append(request.method)
        line.append(" ")
        line.append(request.path)
        line.append(" ")
        line.append(decimal: answer.status)
        line.append(" ")
        line.append(outcome)
        line.append(" ")
        line.append(decimal: bodySent)
        line.append(" bytes in ")
        line.append(decimal: Int((server.now - started) / 1000))
        line.append(" us, connection ")
        line.append(decimal: number)
        line.append(", request ")
        line.append(decimal: requestCount)
        line.append("\n")
        _ = write(2, line.start, line.count)
    }
}

extension ByteBuffer {
    /// A chunk's size.
    @inline(__always)
    fileprivate mutating func append(hexadecimal number: Int) {
        let digits = max(1, (Int.bitWidth - number.leadingZeroBitCount + 3) / 4)
        append(hex: UInt64(number), digits: digits)
    }
}
