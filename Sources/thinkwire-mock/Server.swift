import Base
import CMock
import CPlatform
import Chat

/// Waits for sockets and clocks, and calls the connections that are ready; all on one thread.
final class Server {
    let epoll: Int32
    let provider: Provider
    let logs: Bool
    var timers = Timers()
    private(set) var now = platform_now()

    /// Where every connection receives: what it keeps, it copies.
    let room = UnsafeMutablePointer<UInt8>.allocate(capacity: Server.roomSize)
    static let roomSize = 262_144

    private let listener: Int32
    private let signals: Int32
    /// By descriptor.
    private var connections: [Connection?] = []
    private var connectionCount = 0
    private var listens = true
    private var stops = false

    /// A connection's key is its number and its descriptor; these two are none.
    private static let listenerKey: UInt64 = 0
    private static let signalsKey: UInt64 = 1
    private static let eventCount = 512

    init(listener: Int32, signals: Int32, epoll: Int32, provider: Provider, logs: Bool) {
        self.listener = listener
        self.signals = signals
        self.epoll = epoll
        self.provider = provider
        self.logs = logs
    }

    deinit { room.deallocate() }

    /// Serves until a signal says to stop. What the system said if it cannot go on, negated; else 0.
    func run() -> Int32 {
        var problem = mock_epoll_add(epoll, listener, Server.listenerKey, EPOLLIN.rawValue)
        guard problem >= 0 else { return problem }
        problem = mock_epoll_add(epoll, signals, Server.signalsKey, EPOLLIN.rawValue)
        guard problem >= 0 else { return problem }
        let events = UnsafeMutablePointer<epoll_event>.allocate(capacity: Server.eventCount)
        events.initialize(repeating: epoll_event(), count: Server.eventCount)
        defer { events.deallocate() }
        while !stops {
            let wait = timers.first.map { max(0, $0.time - platform_now()) } ?? -1
            let count = mock_epoll_wait(epoll, events, Int32(Server.eventCount), wait)
            guard count >= 0 else { return count }
            now = platform_now()
            for index in 0..<Int(count) {
                handle(mock_event_key(events + index), mock_event_kinds(events + index))
            }
            fireTimers()
        }
        return 0
    }

    private func handle(_ key: UInt64, _ kinds: UInt32) {
        switch key {
        case Server.listenerKey: accept()
        case Server.signalsKey: stops = true
        default: connection(key)?.isReady(kinds, self)
        }
    }

    /// The connection of that key, unless its descriptor belongs to another one by now.
    private func connection(_ key: UInt64) -> Connection? {
        let fd = Int(key & 0xFFFF_FFFF)
        guard fd < connections.count, let connection = connections[fd], connection.key == key else {
            return nil
        }
        return connection
    }

    private func fireTimers() {
        while let entry = timers.first, entry.time <= now {
            timers.removeFirst()
            guard let connection = connection(entry.key), connection.timerSerial == entry.serial
            else { continue }
            connection.timerFired(self)
        }
    }

    private func accept() {
        // In turns, so that a crowd at the door does not keep those inside waiting.
        for _ in 0..<256 {
            let fd = mock_accept(listener)
            if fd == -EMFILE || fd == -ENFILE { return pauseListening() }
            guard fd >= 0 else { return }
            connectionCount += 1
            let key = UInt64(truncatingIfNeeded: connectionCount) << 32 | UInt64(fd)
            while connections.count <= Int(fd) { connections.append(nil) }
            let connection = Connection(fd: fd, key: key, number: connectionCount)
            guard mock_epoll_add(epoll, fd, key, 0) >= 0 else {
                _ = close(fd)
                continue
            }
            connections[Int(fd)] = connection
            connection.watch(EPOLLIN.rawValue | EPOLLRDHUP.rawValue, self)
        }
    }

    /// There is no descriptor left: whoever knocks waits until somebody leaves.
    private func pauseListening() {
        listens = false
        _ = mock_epoll_change(epoll, listener, Server.listenerKey, 0)
    }

    func forget(_ connection: Connection) {
        connections[Int(connection.fd)] = nil
        guard !listens else { return }
        listens = true
        _ = mock_epoll_change(epoll, listener, Server.listenerKey, EPOLLIN.rawValue)
    }
}
