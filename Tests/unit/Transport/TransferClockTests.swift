import Testing

@testable import Base
@testable import Transport

/// Times are in seconds here; the clock takes nanoseconds.
@Suite("Timeouts of a transfer, with synthetic time")
struct TransferClockTests {
    /// A transfer of a call that began at second 100 and is connecting since then.
    private func makeClock(
        connect: Int64 = 10, firstByte: Int64 = 600, idle: Int64 = 120, total: Int64 = 0,
        callStart: Int64 = 100
    ) -> TransferClock {
        var timeouts = Timeouts()
        timeouts.set(.connect, connect * second)
        timeouts.set(.firstByte, firstByte * second)
        timeouts.set(.idle, idle * second)
        timeouts.set(.total, total * second)
        return TransferClock(timeouts, callStart: callStart * second, now: 100 * second, away: 0)
    }

    private func expired(_ clock: TransferClock, at time: Int64, away: Int64 = 0) -> TimeoutKind? {
        clock.expired(at: time * second, away: away * second)
    }

    private func deadline(_ clock: TransferClock, away: Int64 = 0) -> Int64 {
        clock.deadline(away: away * second).time / second
    }

    @Test func theConnectTimeoutCountsFromTheBeginning() {
        let clock = makeClock()
        #expect(deadline(clock) == 110)
        #expect(clock.expired(at: 110 * second - 1, away: 0) == nil)
        #expect(expired(clock, at: 110) == .connect)
    }

    @Test func timeOutsideTheLoopExtendsOnlyTheConnectTimeout() {
        var clock = makeClock(total: 1000)
        #expect(expired(clock, at: 115, away: 6) == nil)
        #expect(expired(clock, at: 116, away: 6) == .connect)
        #expect(clock.connectLimit(away: 6 * second) == 16 * second)
        clock.wait(at: 116 * second)
        #expect(expired(clock, at: 716, away: 500) == .firstByte)
        clock.receive(at: 716 * second)
        #expect(expired(clock, at: 836, away: 700) == .idle)
    }

    /// libcurl replaces a reused connection that ends before anything was received.
    @Test func anotherConnectionRestartsTheConnectTimeout() {
        var clock = makeClock()
        clock.wait(at: 101 * second)
        let hasChanged = clock.connect(at: 200 * second, away: 50 * second)
        #expect(hasChanged)
        #expect(clock.phase == .connecting)
        #expect(expired(clock, at: 209, away: 50) == nil)
        #expect(expired(clock, at: 210, away: 50) == .connect)
        let changesAgain = clock.connect(at: 205 * second, away: 50 * second)
        #expect(!changesAgain)
        #expect(expired(clock, at: 210, away: 50) == .connect)
    }

    @Test func theFirstByteTimeoutCountsFromTheConnection() {
        var clock = makeClock()
        clock.wait(at: 105 * second)
        #expect(expired(clock, at: 704) == nil)
        #expect(expired(clock, at: 705) == .firstByte)
    }

    @Test func theIdleTimeoutCountsFromTheLastActivity() {
        var clock = makeClock()
        clock.wait(at: 105 * second)
        clock.restartIdle(at: 150 * second)  // No response has begun: without effect.
        #expect(deadline(clock) == 705)
        clock.receive(at: 200 * second)
        #expect(deadline(clock) == 320)
        clock.receive(at: 250 * second)  // The response has begun already.
        #expect(deadline(clock) == 320)
        clock.restartIdle(at: 300 * second)
        #expect(deadline(clock) == 420)
        clock.restartIdle(at: 290 * second)  // Earlier activity never shortens the timeout.
        #expect(deadline(clock) == 420)
        #expect(expired(clock, at: 420) == .idle)
    }

    @Test func theIdleLimitCanBeShortened() {
        var clock = makeClock()
        clock.wait(at: 101 * second)
        clock.receive(at: 102 * second)
        clock.idleLimit = 5 * second
        #expect(expired(clock, at: 107) == .idle)
    }

    @Test func theTotalTimeoutCountsFromTheCallInEveryPhase() {
        var clock = makeClock(total: 50, callStart: 60)
        #expect(expired(clock, at: 109) == nil)
        #expect(expired(clock, at: 110) == .total)
        #expect(expired(clock, at: 110, away: 30) == .total)
        clock.wait(at: 101 * second)
        #expect(expired(clock, at: 110) == .total)
        clock.receive(at: 102 * second)
        #expect(expired(clock, at: 110) == .total)
    }

    @Test func zeroMeansNoTimeout() {
        var clock = makeClock(connect: 0, firstByte: 0, idle: 0)
        #expect(clock.deadline(away: 0).time == .max)
        #expect(clock.connectLimit(away: 5 * second) == 0)
        clock.wait(at: 101 * second)
        #expect(clock.deadline(away: 0).time == .max)
        clock.receive(at: 102 * second)
        #expect(clock.expired(at: .max - 1, away: 0) == nil)
    }

    @Test func theLongestTimeoutsDoNotOverflow() {
        var timeouts = Timeouts()
        for kind in [TimeoutKind.connect, .firstByte, .idle, .total] {
            timeouts.set(kind, Timeouts.nanoseconds(.max))
        }
        let now: Int64 = 1 << 60
        var clock = TransferClock(timeouts, callStart: now, now: now, away: 0)
        #expect(clock.expired(at: now, away: now) == nil)
        clock.wait(at: now)
        #expect(clock.expired(at: now, away: 0) == nil)
        clock.receive(at: now)
        #expect(clock.expired(at: now, away: 0) == nil)
    }
}
