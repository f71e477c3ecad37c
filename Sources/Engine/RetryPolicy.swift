import Base
import CPlatform
import Chat

/// What the headers of a response say about trying again.
package struct RetryPolicy {
    /// Whether it is worth it, where the server says so itself (`x-should-retry`, OpenAI's).
    package private(set) var shouldRetry: Bool?
    /// How long to wait before, in nanoseconds, where the server says so.
    package private(set) var wait: Int64?

    /// What a server asks for is obeyed up to this; who asks for more does not want to be waited for.
    package static let maxWait = 60 * second

    /// `now` is in seconds of the Unix epoch, which the dates in headers are about.
    package init(_ headers: borrowing HeaderList, now: Int64) {
        if let word = headers.value(StaticText.bytes("x-should-retry")) {
            if word.equalsIgnoringCase(StaticText.bytes("true")) { shouldRetry = true }
            if word.equalsIgnoringCase(StaticText.bytes("false")) { shouldRetry = false }
        }
        if let text = headers.value(StaticText.bytes("retry-after-ms")),
            let number = RetryPolicy.number(text)
        {
            wait = RetryPolicy.nanoseconds(number, of: millisecond)
        } else if let text = headers.value(StaticText.bytes("retry-after")) {
            // RFC 9110, section 10.2.3: seconds, or a date. Some servers give fractions.
            if let number = RetryPolicy.number(text) {
                wait = RetryPolicy.nanoseconds(number, of: second)
            } else if let date = RetryPolicy.date(text) {
                wait = RetryPolicy.nanoseconds(Double(max(date &- now, 0)), of: second)
            }
        }
    }

    /// Digits, with a fraction or without.
    private static func number(_ text: Bytes) -> Double? {
        var points = 0
        for byte in text {
            if byte == UInt8(ascii: ".") {
                points += 1
            } else if byte &- UInt8(ascii: "0") > 9 {
                return nil
            }
        }
        guard points <= 1, text.count > points, let start = text.baseAddress else { return nil }
        return platform_number(
            UnsafeRawPointer(start).assumingMemoryBound(to: CChar.self), text.count)
    }

    private static func nanoseconds(_ number: Double, of unit: Int64) -> Int64 {
        // Beyond any wait that is obeyed, the number does not matter, and might not fit.
        Int64(min(number, 1e9) * Double(unit))
    }

    /// In seconds of the Unix epoch. The value of a header ends in a NUL.
    private static func date(_ text: Bytes) -> Int64? {
        guard let start = text.baseAddress, !text.isEmpty else { return nil }
        let date = curl_getdate(UnsafeRawPointer(start).assumingMemoryBound(to: CChar.self), nil)
        return date < 0 ? nil : Int64(date)
    }
}

/// How long to wait before an attempt where the server says nothing: half a second, doubled each time up to eight, and up to a quarter
/// less at random, so that those who were refused together do not come back together. (As openai-python does.)
package func backoff(beforeAttempt attempt: Int, random: UInt64) -> Int64 {
    let whole = min(500 * millisecond << Int64(min(max(attempt - 2, 0), 8)), 8 * second)
    return whole - whole / 4 * Int64(random & 0xFFFF) / 0xFFFF
}
