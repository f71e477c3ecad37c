import CPlatform
import CThinkwire
import Testing

@testable import Base
@testable import Chat
@testable import Engine
@testable import Transport

/// The advice in these header lines, received at the Unix time 1_700_000_000: Tue, 14 Nov 2023
/// 22:13:20 GMT.
private func advice(_ lines: [String]) -> RetryPolicy.Advice {
    var headers = HeaderList()
    for line in lines { withCopy(line + "\r\n") { headers.add(line: $0) } }
    return RetryPolicy.Advice(headers, now: 1_700_000_000)
}

@Suite("Retry advice: the headers of a response that say whether and when to retry")
struct RetryAdviceTests {
    /// The wait in milliseconds that these header lines ask for.
    private func wait(_ lines: String...) -> Int64? { advice(lines).wait.map { $0 / millisecond } }

    @Test func numbersOfSecondsOrMilliseconds() {
        #expect(wait() == nil)
        #expect(wait("Retry-After: 3") == 3000)
        #expect(wait("retry-after:0") == 0)
        #expect(wait("RETRY-AFTER: 0.25") == 250)
        #expect(wait("Retry-After: 1.") == 1000)
        #expect(wait("Retry-After: .5") == 500)
        #expect(wait("Retry-After: 007") == 7000)
        #expect(wait("Retry-After-Ms: 15.5") == 15)
        #expect(wait("Retry-After: 1", "Retry-After-Ms: 20") == 20)
        #expect(wait("Retry-After: 1", "Retry-After-Ms: soon") == 1000)
        // The last of several headers counts, as for every name.
        #expect(wait("Retry-After: 1", "Retry-After: 2") == 2000)
        // A number of any size is valid, and means a wait that is too long.
        #expect(wait("Retry-After: " + String(repeating: "9", count: 400)) == 1_000_000_000_000)
    }

    @Test(arguments: [
        "soon", "", "-1", "+1", "1 s", "1,5", "0x10", "1.2.3", ".", "1e3", "nan", "inf", "\u{662}",
    ])
    func textThatIsNeitherANumberNorADateIsIgnored(_ text: String) {
        #expect(wait("Retry-After: " + text) == nil, "\(text)")
    }

    /// RFC 9110, section 5.6.7.
    @Test(arguments: [
        "Tue, 14 Nov 2023 22:13:50 GMT", "Tuesday, 14-Nov-23 22:13:50 GMT",
        "Tue Nov 14 22:13:50 2023",
    ])
    func datesInEachOfTheThreeFormats(_ date: String) {
        #expect(wait("Retry-After: " + date) == 30_000)
    }

    @Test func aDateInThePastMeansNoWait() {
        #expect(wait("Retry-After: Tue, 14 Nov 2023 22:13:20 GMT") == 0)
        #expect(wait("Retry-After: Thu, 01 Jan 1970 00:00:00 GMT") == 0)
    }

    @Test func aDateInTheFarFutureMeansAWaitThatIsTooLong() {
        #expect(
            wait("Retry-After: Fri, 31 Dec 9999 23:59:59 GMT")! > RetryPolicy.maxWait / millisecond)
    }

    @Test func xShouldRetryIsTrueFalseOrAbsent() {
        #expect(advice([]).shouldRetry == nil)
        #expect(advice(["x-should-retry: true"]).shouldRetry == true)
        #expect(advice(["X-Should-Retry: FALSE"]).shouldRetry == false)
        #expect(advice(["x-should-retry: maybe"]).shouldRetry == nil)
    }
}

/// A failed attempt.
///
/// - Parameters:
///   - code: The HTTP status of a provider error; nil without one.
///   - proxy: The HTTP status of the proxy's response to CONNECT; 0 without one.
private func failure(
    _ status: tw_status, _ end: TransferEnd = .complete, code: Int? = nil, proxy: Int = 0,
    attempts: Int = 1
) -> RetryPolicy.Failure {
    var result = TransferResult(end: end)
    result.proxyStatus = proxy
    return RetryPolicy.Failure(
        status: status, providerErrorCode: code, result: result, attempts: attempts)
}

@Suite("Retry policy: which failures are retried")
struct ShouldRetryTests {
    /// Whether `shouldRetry` decides as expected if the server says nothing, true, or false.
    private func expect(
        _ failure: RetryPolicy.Failure, _ expected: (nothing: Bool, yes: Bool, no: Bool),
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let decisions = [nil, true, false].map {
            RetryPolicy.shouldRetry(failure, serverSays: $0)
        }
        #expect(
            decisions == [expected.nothing, expected.yes, expected.no],
            "\(name(failure.status)), \(failure.result.end)", sourceLocation: sourceLocation)
    }

    /// What the server says does not matter.
    private let always = (nothing: true, yes: true, no: true)
    private let never = (nothing: false, yes: false, no: false)
    /// What the server says takes precedence.
    private let unlessDenied = (nothing: true, yes: true, no: false)
    private let ifAllowed = (nothing: false, yes: true, no: false)

    @Test func failuresOfTheNetworkAreRetried() {
        expect(failure(TW_RESOLVE, .failed(CURLE_COULDNT_RESOLVE_HOST)), always)
        expect(failure(TW_RESOLVE, .failed(CURLE_COULDNT_RESOLVE_PROXY)), always)
        expect(failure(TW_CONNECT, .failed(CURLE_COULDNT_CONNECT)), always)
        expect(failure(TW_NETWORK, .failed(CURLE_RECV_ERROR)), always)
        expect(failure(TW_NETWORK, .failed(CURLE_GOT_NOTHING)), always)
        expect(failure(TW_TRUNCATED, .failed(CURLE_PARTIAL_FILE)), always)
        expect(failure(TW_TRUNCATED), always)
    }

    @Test func aProxyThatRejectsTheRequestIsNotAskedAgain() {
        for status in [400, 403, 407, 499] {
            expect(
                failure(TW_CONNECT, .failed(CURLE_COULDNT_CONNECT), proxy: status), never)
        }
        for status in [200, 302, 500, 502, 503] {
            expect(
                failure(TW_CONNECT, .failed(CURLE_COULDNT_CONNECT), proxy: status), always)
        }
        // After a successful CONNECT, another failure has nothing to do with the proxy.
        expect(failure(TW_NETWORK, .failed(CURLE_RECV_ERROR), proxy: 200), always)
    }

    @Test func aHandshakeThatWasCutIsRetriedButNotARejectedCertificate() {
        expect(failure(TW_TLS, .failed(CURLE_SSL_CONNECT_ERROR)), always)
        expect(failure(TW_TLS, .failed(CURLE_PEER_FAILED_VERIFICATION)), never)
        expect(failure(TW_TLS, .failed(CURLE_SSL_CACERT_BADFILE)), never)
        expect(failure(TW_TLS, .failed(CURLE_SSL_CIPHER)), never)
        expect(failure(TW_TLS), never)
    }

    @Test func onlyTheConnectTimeoutIsRetried() {
        expect(failure(TW_TIMEOUT, .timedOut(.connect)), always)
        expect(failure(TW_TIMEOUT, .timedOut(.firstByte)), never)
        expect(failure(TW_TIMEOUT, .timedOut(.idle)), never)
        expect(failure(TW_TIMEOUT, .timedOut(.total)), never)
    }

    @Test func otherOutcomesAreNotRetriedWithoutAProviderError() {
        for status in [
            TW_OK, TW_INVALID, TW_MISUSE, TW_CANCELLED, TW_AUTH, TW_FORBIDDEN, TW_QUOTA,
            TW_NOT_FOUND, TW_BAD_REQUEST, TW_RATE_LIMITED, TW_SERVER, TW_PROTOCOL, TW_LIMIT,
        ] {
            expect(failure(status), never)
            expect(failure(status, .failed(CURLE_RECV_ERROR)), never)
            expect(failure(status, .failed(CURLE_SSL_CONNECT_ERROR)), never)
            expect(failure(status, .timedOut(.connect)), never)
        }
        expect(failure(TW_LIMIT, .tooLarge(.headers)), never)
        expect(failure(TW_LIMIT, .tooLarge(.body)), never)
    }

    @Test func temporaryProviderErrorsAreRetriedUnlessTheServerDenies() {
        for code in [500, 502, 503, 504, 529] {
            expect(failure(TW_SERVER, code: code), unlessDenied)
        }
        expect(failure(TW_RATE_LIMITED, code: 429), unlessDenied)
        expect(failure(TW_BAD_REQUEST, code: 408), unlessDenied)
        expect(failure(TW_BAD_REQUEST, code: 409), unlessDenied)
        // An error in a stream may name no status.
        expect(failure(TW_SERVER, code: 0), unlessDenied)
        expect(failure(TW_RATE_LIMITED, code: 0), unlessDenied)
    }

    @Test func permanentProviderErrorsAreRetriedOnlyIfTheServerAllows() {
        expect(failure(TW_BAD_REQUEST, code: 400), ifAllowed)
        expect(failure(TW_AUTH, code: 401), ifAllowed)
        expect(failure(TW_FORBIDDEN, code: 403), ifAllowed)
        expect(failure(TW_NOT_FOUND, code: 404), ifAllowed)
        expect(failure(TW_BAD_REQUEST, code: 422), ifAllowed)
        expect(failure(TW_PROTOCOL, code: 302), ifAllowed)
    }

    @Test func anAccountWithoutCreditIsNeverRetried() {
        for code in [nil, 402, 403, 408, 409, 429, 500] {
            expect(failure(TW_QUOTA, code: code), never)
        }
    }

    @Test func successIsNeverRetried() {
        for code in [nil, 0, 200, 429, 500] { expect(failure(TW_OK, code: code), never) }
    }

    /// A body that was cut does not change what the error says.
    @Test func theProviderErrorTakesPrecedenceOverTheEndOfTheTransfer() {
        for end: TransferEnd in [
            .failed(CURLE_PARTIAL_FILE), .timedOut(.connect), .timedOut(.idle), .tooLarge(.body),
        ] {
            expect(failure(TW_SERVER, end, code: 500), unlessDenied)
            expect(failure(TW_AUTH, end, code: 401), ifAllowed)
        }
    }
}

@Suite("Retry policy: how long to wait before the next attempt")
struct RetryWaitTests {
    /// The wait in milliseconds; the failure is a 503 unless given.
    private func wait(
        _ failed: RetryPolicy.Failure? = nil, _ lines: String..., maxRetries: Int = 2,
        totalTimeout: Int64 = 0, callStart: Int64 = 0, now: Int64 = 0, random: UInt64 = 0
    ) -> Int64? {
        let wait = RetryPolicy(maxRetries: maxRetries, totalTimeout: totalTimeout).wait(
            after: failed ?? failure(TW_SERVER, code: 503), advice(lines), callStart: callStart,
            now: now, random: random)
        return wait.map { $0 / millisecond }
    }

    @Test func theNumberOfRetriesIsLimited() {
        let waits = (1...4).map {
            wait(failure(TW_SERVER, code: 503, attempts: $0), maxRetries: 3)
        }
        #expect(waits == [500, 1000, 2000, nil])
        #expect(wait(maxRetries: 0) == nil)
        #expect(wait(maxRetries: 1) == 500)
        let advised = failure(TW_SERVER, code: 503, attempts: 3)
        #expect(wait(advised, "x-should-retry: true", "Retry-After: 1") == nil)
    }

    @Test func failuresThatAreNotRetriedHaveNoWait() {
        #expect(wait(failure(TW_AUTH, code: 401)) == nil)
        #expect(wait(failure(TW_AUTH, code: 401), "Retry-After: 1") == nil)
        #expect(wait(failure(TW_TIMEOUT, .timedOut(.idle))) == nil)
        #expect(wait(failure(TW_NETWORK, .failed(CURLE_RECV_ERROR))) == 500)
    }

    @Test func theServerDecidesAboutItsError() {
        #expect(wait(nil, "x-should-retry: false") == nil)
        #expect(wait(nil, "x-should-retry: false", "Retry-After: 1") == nil)
        #expect(wait(failure(TW_AUTH, code: 401), "x-should-retry: true") == 500)
        #expect(
            wait(failure(TW_AUTH, code: 401), "x-should-retry: true", "Retry-After: 1") == 1000)
        #expect(wait(failure(TW_QUOTA, code: 429), "x-should-retry: true") == nil)
    }

    @Test func theWaitThatTheServerAsksForIsExact() {
        for random in [0, 0x8000, .max] as [UInt64] {
            #expect(wait(nil, "Retry-After: 3", random: random) == 3000)
            #expect(wait(nil, "Retry-After: 0", random: random) == 0)
            #expect(wait(nil, "Retry-After-Ms: 20", random: random) == 20)
            let second = failure(TW_RATE_LIMITED, code: 429, attempts: 2)
            #expect(wait(second, "Retry-After: 0.1", random: random) == 100)
        }
    }

    @Test func theServerMayAskForAMinuteButNotForMore() {
        #expect(wait(nil, "Retry-After: 60") == 60_000)
        #expect(wait(nil, "Retry-After-Ms: 60000") == 60_000)
        #expect(wait(nil, "Retry-After-Ms: 60001") == nil)
        #expect(wait(nil, "Retry-After: 60.001") == nil)
        #expect(wait(nil, "Retry-After: 3600") == nil)
        #expect(wait(nil, "Retry-After: 61", "x-should-retry: true") == nil)
        #expect(wait(nil, "Retry-After: Tue, 14 Nov 2023 22:14:20 GMT") == 60_000)
        #expect(wait(nil, "Retry-After: Tue, 14 Nov 2023 22:14:21 GMT") == nil)
    }

    @Test func aWaitThatTheTotalTimeoutWouldEndIsNotBegun() {
        let start = 1_000 * second
        func wait(until end: Int64, _ line: String...) -> Int64? {
            self.wait(
                nil, line.first ?? "x: y", totalTimeout: 10 * second, callStart: start,
                now: start + end)
        }
        #expect(wait(until: 7 * second - 1, "Retry-After: 3") == 3000)
        #expect(wait(until: 7 * second, "Retry-After: 3") == nil)
        #expect(wait(until: 0, "Retry-After: 9.999") == 9999)
        #expect(wait(until: 0, "Retry-After: 10") == nil)
        #expect(wait(until: 9_500 * millisecond - 1) == 500)
        #expect(wait(until: 9_500 * millisecond) == nil)
        #expect(wait(until: 10 * second - 1, "Retry-After: 0") == 0)
        #expect(wait(until: 10 * second, "Retry-After: 0") == nil)
        #expect(wait(until: 11 * second, "Retry-After: 0") == nil)
    }

    @Test func withoutATotalTimeoutAnyTimeIsEarlyEnough() {
        #expect(wait(callStart: 1_000 * second, now: 1_000_000 * second) == 500)
        #expect(wait(nil, "Retry-After: 60", callStart: 0, now: 1_000_000 * second) == 60_000)
    }

    @Test func theBackoffDoublesUpToEightSeconds() {
        let longest = (2...9).map {
            RetryPolicy.backoff(beforeAttempt: $0, random: 0) / millisecond
        }
        #expect(longest == [500, 1000, 2000, 4000, 8000, 8000, 8000, 8000])
        #expect(RetryPolicy.backoff(beforeAttempt: .max, random: 0) == 8 * second)
        let waits = (1...6).map {
            wait(failure(TW_SERVER, code: 503, attempts: $0), maxRetries: .max)
        }
        #expect(waits == [500, 1000, 2000, 4000, 8000, 8000])
    }

    @Test func theBackoffIsReducedAtRandomByUpToAQuarter() {
        for random in [UInt64.max, 0xFFFF, 0x8000, 1] {
            let wait = RetryPolicy.backoff(beforeAttempt: 2, random: random)
            #expect(wait >= 375 * millisecond && wait < 500 * millisecond)
        }
        #expect(RetryPolicy.backoff(beforeAttempt: 2, random: .max) == 375 * millisecond)
        var generator = SeededRandom(1)
        for attempt in 2...8 {
            let longest = RetryPolicy.backoff(beforeAttempt: attempt, random: 0)
            let waits = (0..<200).map { _ in
                RetryPolicy.backoff(beforeAttempt: attempt, random: generator.next())
            }
            #expect(waits.allSatisfy { $0 >= longest / 4 * 3 && $0 <= longest })
            // They are spread over the whole range.
            #expect(waits.min()! < longest / 100 * 77 && waits.max()! > longest / 100 * 98)
        }
    }
}
