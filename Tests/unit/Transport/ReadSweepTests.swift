import Testing

@testable import Transport

@Suite struct ReadSweepTests {
    @Test func turnBelowTheLimitHasReadEverything() {
        var sweep = ReadSweep()
        #expect(sweep.readThrough(afterReading: 3, limit: 4, watched: 100, at: 7) == 7)
        #expect(sweep.readThrough(afterReading: 0, limit: 4, watched: 100, at: 9) == 9)
    }

    /// A signal interrupted the wait: nothing more can be said than that nothing was ready.
    @Test func interruptedTurnHasReadEverything() {
        var sweep = ReadSweep()
        #expect(sweep.readThrough(afterReading: -1, limit: 4, watched: 100, at: 7) == 7)
    }

    @Test func fullTurnsCompleteASweepAfterEverySocketWasReported() {
        var sweep = ReadSweep()
        #expect(sweep.readThrough(afterReading: 1, limit: 4, watched: 10, at: 5) == 5)
        // 10 sockets at 4 a turn: the third turn completes what was ready in the first.
        #expect(sweep.readThrough(afterReading: 4, limit: 4, watched: 10, at: 10) == 5)
        #expect(sweep.readThrough(afterReading: 4, limit: 4, watched: 10, at: 20) == 5)
        #expect(sweep.readThrough(afterReading: 4, limit: 4, watched: 10, at: 30) == 10)
        // The next sweep begins with the next turn.
        #expect(sweep.readThrough(afterReading: 4, limit: 4, watched: 10, at: 40) == 10)
        #expect(sweep.readThrough(afterReading: 2, limit: 4, watched: 10, at: 50) == 50)
    }
}
