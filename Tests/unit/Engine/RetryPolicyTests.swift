import Testing

@testable import Base
@testable import Chat
@testable import Engine
@testable import Transport

@Suite("What a server says about trying again is understood, and waits grow where it says nothing")
struct RetryAdviceTests {
    /// The wait in milliseconds after a response with these headers, at the Unix time 1_700_000_000: Tue, 14 Nov 2023 22:13:20 GMT.
    private func wait(_ lines: String...) -> Int64? { advice(lines).wait.map { $0 / millisecond } }

    private func advice(_ lines: [String]) -> RetryPolicy.Advice {
        var headers = HeaderList()
        for line in lines { withCopy(line + "\r\n") { headers.add(line: $0) } }
        return RetryPolicy.Advice(headers, now: 1_700_000_000)
    }

    @Test func numbers() {
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
        // Of several, the last counts, as for every header.
        #expect(wait("Retry-After: 1", "Retry-After: 2") == 2000)
        // As long as one likes: no number is too large to be understood as too long.
        #expect(wait("Retry-After: " + String(repeating: "9", count: 400)) == 1_000_000_000_000)
    }

    @Test(arguments: [
        "soon", "", "-1", "+1", "1 s", "1,5", "0x10", "1.2.3", ".", "1e3", "nan", "inf", "\u{662}",
    ])
    func whatIsNoNumberAndNoDate(_ text: String) {
        #expect(wait("Retry-After: " + text) == nil, "\(text)")
    }

    @Test(arguments: [
        "Tue, 14 Nov 2023 22:13:50 GMT", "Tuesday, 14-Nov-23 22:13:50 GMT",
        "Tue Nov 14 22:13:50 2023",
    ])
    func datesInEachOfTheThreeForms(_ date: String) {
        #expect(wait("Retry-After: " + date) == 30_000)
    }

    @Test func aDateThatIsOver() {
        #expect(wait("Retry-After: Tue, 14 Nov 2023 22:13:20 GMT") == 0)
        #expect(wait("Retry-After: Thu, 01 Jan 1970 00:00:00 GMT") == 0)
        #expect(
            wait("Retry-After: Fri, 31 Dec 9999 23:59:59 GMT")! > RetryPolicy.maxWait / millisecond)
    }

    @Test func theServersOwnWord() {
        #expect(advice([]).shouldRetry == nil)
        #expect(advice(["x-should-retry: true"]).shouldRetry == true)
        #expect(advice(["X-Should-Retry: FALSE"]).shouldRetry == false)
        #expect(advice(["x-should-retry: maybe"]).shouldRetry == nil)
    }

    @Test func waitsDouble() {
        let longest = (2...9).map {
            RetryPolicy.backoff(beforeAttempt: $0, random: 0) / millisecond
        }
        #expect(longest == [500, 1000, 2000, 4000, 8000, 8000, 8000, 8000])
        #expect(RetryPolicy.backoff(beforeAttempt: .max, random: 0) == 8 * second)
        for random in [UInt64.max, 0xFFFF, 0x8000, 1] {
            let wait = RetryPolicy.backoff(beforeAttempt: 2, random: random)
            #expect(wait >= 375 * millisecond && wait < 500 * millisecond)
        }
    }
}
