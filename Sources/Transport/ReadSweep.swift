/// Determines through which time everything that arrived was read, although a turn reports only a
/// limited number of sockets. Pure.
///
/// epoll reports ready sockets in rotation. After as many reports as there are sockets, every
/// socket that was ready at the beginning has been reported.
struct ReadSweep {
    private var start: Int64 = 0
    /// How many reports complete the sweep; 0 while none is in progress.
    private var remaining = 0
    private var through: Int64 = .min

    /// Takes one turn into account, which reported `count` of `watched` sockets, at most `limit`.
    ///
    /// - Returns: The time before which nothing is unread.
    mutating func readThrough(
        afterReading count: Int, limit: Int, watched: Int, at now: Int64
    ) -> Int64 {
        guard count >= limit else {
            remaining = 0
            through = now
            return through
        }
        if remaining == 0 {
            start = now
            remaining = watched
        }
        remaining = max(remaining - count, 0)
        if remaining == 0 { through = start }
        return through
    }
}
