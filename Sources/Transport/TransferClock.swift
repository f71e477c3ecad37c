import Base

/// The timeouts of one transfer. Pure: callers pass the time, and no clock is read.
///
/// Times are nanoseconds of one monotonic clock. The rule is *read before expiring*: the caller
/// checks `expired` only after a turn of the event loop that delivered everything available, so
/// time spent outside the loop expires nothing that arrived meanwhile.
package struct TransferClock {
    package enum Phase {
        /// Connections are limited, and all are in use.
        case queued
        case connecting, waiting, receiving
    }

    package private(set) var phase: Phase
    /// The duration of the idle timeout; 0 for none. The exchange shortens it when the answer is
    /// complete.
    package var idleLimit: Int64

    private let timeouts: Timeouts
    /// When the call began; this may not be its first attempt.
    private let callStart: Int64
    private var phaseStart: Int64
    /// How much time had been spent outside the loop when the phase began.
    private var awayAtPhaseStart: Int64

    package init(
        _ timeouts: Timeouts, callStart: Int64, now: Int64, away: Int64,
        phase: Phase = .connecting
    ) {
        self.phase = phase
        self.timeouts = timeouts
        self.callStart = callStart
        idleLimit = timeouts.idle
        phaseStart = now
        awayAtPhaseStart = away
    }

    /// A connection was found for the transfer.
    package var isConnected: Bool { phase == .waiting || phase == .receiving }

    // MARK: Transitions

    /// The transfer looks for a connection. Does nothing while it already does.
    ///
    /// - Returns: Whether the phase changed.
    package mutating func connect(at now: Int64, away: Int64) -> Bool {
        guard phase != .connecting else { return false }
        phase = .connecting
        phaseStart = now
        awayAtPhaseStart = away
        return true
    }

    /// The connection is established; the request is sent next.
    package mutating func wait(at now: Int64) {
        phase = .waiting
        phaseStart = now
    }

    /// The response has begun. Does nothing after its first byte.
    package mutating func receive(at now: Int64) {
        guard phase != .receiving else { return }
        phase = .receiving
        phaseStart = now
    }

    /// Restarts the idle timeout. Does nothing before the response has begun.
    package mutating func restartIdle(at now: Int64) {
        if phase == .receiving { phaseStart = max(phaseStart, now) }
    }

    /// Restarts the timeout of the current phase, after nothing was read on purpose. A connection
    /// is established meanwhile, so its timeout continues.
    package mutating func resume(at now: Int64) {
        if phase != .connecting { phaseStart = max(phaseStart, now) }
    }

    // MARK: Deadlines

    /// The first timeout to expire, and when it does; `.max` for never.
    ///
    /// `away` is the time spent outside the loop so far. Only the connect timeout excludes it: a
    /// handshake needs the loop to make progress, so time outside it says nothing about the server.
    package func deadline(away: Int64) -> (time: Int64, kind: TimeoutKind) {
        var limit: Int64
        let kind: TimeoutKind
        switch phase {
        case .queued: (limit, kind) = (0, .total)
        case .connecting: (limit, kind) = (connectLimit(away: away), .connect)
        case .waiting: (limit, kind) = (timeouts.firstByte, .firstByte)
        case .receiving: (limit, kind) = (idleLimit, .idle)
        }
        limit = limit > 0 ? phaseStart &+ limit : .max
        let callEnd = timeouts.total > 0 ? callStart &+ timeouts.total : .max
        return callEnd <= limit ? (callEnd, .total) : (limit, kind)
    }

    /// The timeout that has expired, if one has.
    package func expired(at now: Int64, away: Int64) -> TimeoutKind? {
        let (time, kind) = deadline(away: away)
        return now >= time ? kind : nil
    }

    /// The connect timeout as a duration since the connection was begun; 0 for none.
    package func connectLimit(away: Int64) -> Int64 {
        timeouts.connect > 0 ? timeouts.connect &+ (away - awayAtPhaseStart) : 0
    }
}
