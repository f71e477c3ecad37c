import Base
import CPlatform
import CThinkwire
import Chat
import Transport

/// Decides whether a failed attempt is repeated, and after which wait. Pure.
package struct RetryPolicy {
    let maxRetries: Int
    /// In nanoseconds; 0 for none.
    let totalTimeout: Int64

    /// The longest wait that a server can ask for. For a longer one, the failure is the result.
    package static let maxWait = 60 * second

    /// How an attempt failed.
    struct Failure {
        let status: tw_status
        /// The HTTP status of an error response or of an error in a stream; 0 if it names none. Nil
        /// without a provider error.
        let providerErrorCode: Int?
        let result: TransferResult
        /// How often the request was sent so far.
        let attempts: Int
    }

    /// The wait before the next attempt in nanoseconds; nil if the attempt is not repeated.
    ///
    /// No event of the answer must have been delivered. `random` spreads clients that failed
    /// together.
    func wait(
        after failure: Failure, _ advice: Advice, callStart: Int64, now: Int64, random: UInt64
    ) -> Int64? {
        guard failure.attempts <= maxRetries,
            RetryPolicy.shouldRetry(failure, serverSays: advice.shouldRetry)
        else { return nil }
        let wait =
            advice.wait
            ?? RetryPolicy.backoff(beforeAttempt: failure.attempts + 1, random: random)
        guard wait <= RetryPolicy.maxWait else { return nil }
        // A wait that the total timeout would end is pointless.
        guard totalTimeout == 0 || now + wait < callStart + totalTimeout else { return nil }
        return wait
    }

    /// Whether another attempt may succeed. The server's own statement about an error response
    /// takes precedence, but an account without credit stays without.
    static func shouldRetry(_ failure: Failure, serverSays: Bool?) -> Bool {
        if failure.status == TW_OK || failure.status == TW_QUOTA { return false }
        if let code = failure.providerErrorCode {
            let isTemporary =
                code == 408 || code == 409 || failure.status == TW_RATE_LIMITED
                || failure.status == TW_SERVER
            return serverSays ?? isTemporary
        }
        switch (failure.status, failure.result.end) {
        // A proxy that forbids the host or requires a login does so again.
        case (TW_CONNECT, _) where failure.result.proxyStatus / 100 == 4: return false
        case (TW_RESOLVE, _), (TW_CONNECT, _), (TW_NETWORK, _), (TW_TRUNCATED, _): return true
        // A handshake that was cut; not a certificate that is rejected.
        case (TW_TLS, .failed(CURLE_SSL_CONNECT_ERROR)): return true
        case (TW_TIMEOUT, .timedOut(.connect)): return true
        default: return false
        }
    }

    /// The wait without advice from the server: 0.5 s, doubled each time up to 8 s, and up to a
    /// quarter less at random, as in openai-python.
    package static func backoff(beforeAttempt attempt: Int, random: UInt64) -> Int64 {
        let whole = min(500 * millisecond << Int64(min(max(attempt - 2, 0), 8)), 8 * second)
        return whole - whole / 4 * Int64(random & 0xFFFF) / 0xFFFF
    }
}

extension RetryPolicy {
    /// What a response says about retrying.
    package struct Advice {
        /// Whether to retry, if the server says so (`x-should-retry`, OpenAI's).
        package private(set) var shouldRetry: Bool?
        /// The wait in nanoseconds, if the server asks for one.
        package private(set) var wait: Int64?

        /// The first of these that is present counts: `retry-after-ms`, `retry-after`, the wait
        /// that the body states, and for a rate limit the time until a limit is reset that has
        /// nothing left.
        ///
        /// `now` is the time of the response in seconds of the Unix epoch, which dates are relative
        /// to.
        package init(
            _ headers: borrowing HeaderList, bodyWait: Int64? = nil, isRateLimited: Bool = false,
            now: Int64
        ) {
            if let text = headers.value(StaticText.bytes("x-should-retry")) {
                if text.equalsIgnoringCase(StaticText.bytes("true")) { shouldRetry = true }
                if text.equalsIgnoringCase(StaticText.bytes("false")) { shouldRetry = false }
            }
            if let text = headers.value(StaticText.bytes("retry-after-ms")),
                let number = Advice.number(text)
            {
                wait = Advice.nanoseconds(number, of: millisecond)
            } else if let text = headers.value(StaticText.bytes("retry-after")) {
                // RFC 9110, section 10.2.3: seconds, or a date. Some servers send fractions.
                if let number = Advice.number(text) {
                    wait = Advice.nanoseconds(number, of: second)
                } else if let date = Advice.date(text) {
                    wait = Advice.nanoseconds(Double(max(date &- now, 0)), of: second)
                }
            }
            if wait == nil { wait = bodyWait }
            if wait == nil && isRateLimited { wait = Advice.resetWait(headers) }
        }

        /// The time until the last exhausted limit is reset, as OpenAI and Groq report it:
        /// "x-ratelimit-remaining-tokens: 0" with "x-ratelimit-reset-tokens: 6m0s"
        /// (https://platform.openai.com/docs/guides/rate-limits).
        private static func resetWait(_ headers: borrowing HeaderList) -> Int64? {
            let longest = max(
                resetWait(
                    headers, "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"),
                resetWait(headers, "x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"))
            return longest > 0 ? longest : nil
        }

        /// The time until a limit is reset; 0 if it is not exhausted.
        private static func resetWait(
            _ headers: borrowing HeaderList, _ remaining: StaticString, _ reset: StaticString
        ) -> Int64 {
            guard let remaining = headers.value(StaticText.bytes(remaining)),
                remaining.equals("0"), let text = headers.value(StaticText.bytes(reset)),
                let wait = duration(text, defaultUnit: second), wait.end == text.count
            else { return 0 }
            return wait.nanoseconds
        }

        /// Digits, with or without a fraction.
        private static func number(_ text: Bytes) -> Double? {
            var points = 0
            for byte in text {
                if byte == UInt8(ascii: ".") {
                    points += 1
                } else if byte &- UInt8(ascii: "0") > 9 {
                    return nil
                }
            }
            guard points <= 1, text.count > points, let start = text.baseAddress else {
                return nil
            }
            return platform_number(
                UnsafeRawPointer(start).assumingMemoryBound(to: CChar.self), text.count)
        }

        private static func nanoseconds(_ number: Double, of unit: Int64) -> Int64 {
            // A number beyond every accepted wait does not matter, and might overflow.
            Int64(min(number, 1e9) * Double(unit))
        }

        /// In seconds of the Unix epoch. A header's value ends in a NUL.
        private static func date(_ text: Bytes) -> Int64? {
            guard let start = text.baseAddress, !text.isEmpty else { return nil }
            let date = curl_getdate(
                UnsafeRawPointer(start).assumingMemoryBound(to: CChar.self), nil)
            return date < 0 ? nil : Int64(date)
        }
    }
}
