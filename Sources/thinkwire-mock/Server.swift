import Base
import CMock
import CPlatform
import Chat

/// Event loop: waits for sockets and timers, and calls the connections that are ready.
///
/// Everything runs on one thread.
final class Server {
    let epoll: Int32
    let provider: Provider
    let logsRequests: Bool
    private let usesTLS: Bool
    var timers = Timers()
    /// Monotonic time in nanoseconds, sampled once per turn of the loop.
    private(set) var now = platform_now()

    /// Buffer that all connections receive into; each copies what it keeps.
    let receiveBuffer = UnsafeMutablePointer<UInt8>.allocate(capacity: Server.receiveBufferSize)
    static let receiveBufferSize = 262_144

    private let listener: Int32
    private let signals: Int32
    /// Open connections, indexed by their file descriptor.
    private var connections: [Connection?] = []
    private var connectionCount = 0
    private var isListening = true
    private var isStopping = false

    // The key of a connection consists of its number, which is at least 1, and its descriptor.
    // These keys cannot be the key of a connection.
    private static let listenerKey: UInt64 = 0
    private static let signalsKey: UInt64 = 1
    private static let forwardingKey: UInt64 = 2
    private static let eventCount = 512

    init(
        listener: Int32, signals: Int32, epoll: Int32, provider: Provider, logsRequests: Bool,
        usesTLS: Bool
    ) {
        self.usesTLS = usesTLS
        self.listener = listener
        self.signals = signals
        self.epoll = epoll
        self.provider = provider
        self.logsRequests = logsRequests
    }

    deinit { receiveBuffer.deallocate() }

    /// Serves until SIGTERM or SIGINT; returns 0, or a negated errno if epoll fails.
    func run() -> Int32 {
        var result = mock_epoll_add(epoll, listener, Server.listenerKey, EPOLLIN.rawValue)
        guard result >= 0 else { return result }
        result = mock_epoll_add(epoll, signals, Server.signalsKey, EPOLLIN.rawValue)
        guard result >= 0 else { return result }
        if let recorder = provider.recorder {
            result = mock_epoll_add(
                epoll, recorder.descriptor, Server.forwardingKey, EPOLLIN.rawValue)
            guard result >= 0 else { return result }
        }
        let events = UnsafeMutablePointer<epoll_event>.allocate(capacity: Server.eventCount)
        events.initialize(repeating: epoll_event(), count: Server.eventCount)
        defer { events.deallocate() }
        while !isStopping {
            let wait = timers.first.map { max(0, $0.time - platform_now()) } ?? -1
            let count = mock_epoll_wait(epoll, events, Int32(Server.eventCount), wait)
            guard count >= 0 else { return count }
            now = platform_now()
            for index in 0..<Int(count) {
                handle(mock_event_key(events + index), mock_event_kinds(events + index))
            }
            expireTimers()
        }
        return 0
    }

    private func handle(_ key: UInt64, _ kinds: UInt32) {
        switch key {
        case Server.listenerKey: accept()
        case Server.signalsKey: isStopping = true
        case Server.forwardingKey: provider.recorder?.turn(self)
        default: connection(key)?.isReady(kinds, self)
        }
    }

    /// Returns the connection with a key; nil if it is closed and its descriptor was reused.
    private func connection(_ key: UInt64) -> Connection? {
        let fd = Int(key & 0xFFFF_FFFF)
        guard fd < connections.count, let connection = connections[fd], connection.key == key else {
            return nil
        }
        return connection
    }

    /// Passes what a provider has sent to the connection that waits for it.
    func received(_ exchange: ForwardedExchange) {
        guard let response = exchange.response else { return }
        connection(exchange.connection)?.received(response, self)
    }

    private func expireTimers() {
        while let entry = timers.first, entry.time <= now {
            timers.removeFirst()
            guard let connection = connection(entry.key), connection.timerSerial == entry.serial
            else { continue }
            connection.timerExpired(self)
        }
    }

    private func accept() {
        // The limit keeps many new connections from delaying the existing ones.
        for _ in 0..<256 {
            let fd = mock_accept(listener)
            if fd == -EMFILE || fd == -ENFILE { return pauseListening() }
            guard fd >= 0 else { return }
            connectionCount += 1
            let key = UInt64(truncatingIfNeeded: connectionCount) << 32 | UInt64(fd)
            while connections.count <= Int(fd) { connections.append(nil) }
            guard let socket = Socket(fd, usesTLS: usesTLS) else {
                _ = close(fd)
                continue
            }
            guard mock_epoll_add(epoll, fd, key, 0) >= 0 else {
                socket.close(byReset: false)
                continue
            }
            let connection = Connection(socket, key: key, number: connectionCount)
            connections[Int(fd)] = connection
            connection.setEvents(EPOLLIN.rawValue | EPOLLRDHUP.rawValue, self)
        }
    }

    /// Stops accepting until a connection is closed, because no file descriptor is available.
    private func pauseListening() {
        isListening = false
        _ = mock_epoll_change(epoll, listener, Server.listenerKey, 0)
    }

    /// Removes a closed connection, and resumes accepting.
    func remove(_ connection: Connection) {
        connections[Int(connection.socket.fd)] = nil
        guard !isListening else { return }
        isListening = true
        _ = mock_epoll_change(epoll, listener, Server.listenerKey, EPOLLIN.rawValue)
    }
}
