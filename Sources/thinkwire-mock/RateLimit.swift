import Base
import CPlatform

/// Limit of requests per second that all connections share: a token bucket with one second's share.
///
/// Rejected requests count, too, as those of OpenAI do.
struct RateLimit {
    private let perSecond: Int
    /// Time in which one request returns to the bucket, in nanoseconds.
    private let interval: Int64
    private static let second: Int64 = 1_000_000_000
    /// Monotonic time at which the bucket is full, in nanoseconds.
    private var fullAt: Int64 = 0

    init(perSecond: Int) {
        self.perSecond = perSecond
        interval = RateLimit.second / Int64(perSecond)
    }

    /// Counts a request; returns whether it is accepted, and the headers that describe the limit.
    mutating func take(now: Int64 = platform_now()) -> (isAccepted: Bool, headers: ByteArray) {
        let next = max(fullAt, now) + interval
        let isAccepted = next <= now + RateLimit.second
        fullAt = min(next, now + RateLimit.second)
        let untilFull = fullAt - now
        var headers = header("x-ratelimit-limit-requests: ", perSecond)
        headers += header(
            "x-ratelimit-remaining-requests: ", Int((RateLimit.second - untilFull) / interval))
        headers += header(
            "x-ratelimit-reset-requests: ", RateLimit.milliseconds(untilFull), unit: "ms")
        if !isAccepted {
            headers += header("retry-after-ms: ", RateLimit.milliseconds(interval))
            headers += header("retry-after: ", 1)
        }
        return (isAccepted, headers)
    }

    /// Rounds up, so that a client does not return too early.
    private static func milliseconds(_ time: Int64) -> Int { Int((time + 999_999) / 1_000_000) }

    private func header(
        _ start: StaticString, _ value: Int, unit: StaticString = ""
    ) -> ByteArray {
        var line = ByteArray(start)
        line.append(decimal: value)
        return line + ByteArray(unit) + ByteArray("\r\n")
    }
}
