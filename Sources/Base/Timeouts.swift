/// The four timeouts of an exchange.
package enum TimeoutKind {
    case connect, firstByte, idle, total
}

/// The durations of the timeouts, in nanoseconds; 0 for no timeout.
package struct Timeouts {
    package var connect: Int64 = 10 * second
    package var firstByte: Int64 = 600 * second
    package var idle: Int64 = 120 * second
    package var total: Int64 = 0

    package init() {}

    package mutating func set(_ kind: TimeoutKind, _ nanoseconds: Int64) {
        switch kind {
        case .connect: connect = nanoseconds
        case .firstByte: firstByte = nanoseconds
        case .idle: idle = nanoseconds
        case .total: total = nanoseconds
        }
    }

    /// Converts milliseconds to nanoseconds, limited so that adding two durations to a time cannot
    /// overflow.
    package static func nanoseconds(_ milliseconds: Int64) -> Int64 {
        min(milliseconds, Int64.max / (4 * millisecond)) * millisecond
    }
}

package let millisecond: Int64 = 1_000_000
package let second: Int64 = 1_000_000_000
