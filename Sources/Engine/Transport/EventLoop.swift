import Base
import CPlatform
import Chat

/// Exchanges under way on one thread: libcurl's transfers, their sockets in one epoll descriptor, and a way to wake whoever waits.
///
/// Used by one thread at a time, but for `wake`. The connections of its transfers stay with it when they are over.
///
/// A child of fork has the same descriptors, and would end or disturb with them what is still its parent's. So it leaves what it has
/// inherited alone, libcurl's memory included.
final class EventLoop {
    /// Made for the first transfer: before it has had one, libcurl does not know that it is to leave signals alone, and changes what
    /// the whole process does at SIGPIPE while it cleans up (curl 7.88, sigpipe.h).
    private var multi: UnsafeMutableRawPointer?
    private let epoll: Int32
    private let wakeDescriptor: Int32
    private let sockets: Sockets
    /// When libcurl wants to be called although nothing has happened.
    private var curlDeadline = Int64.max
    private var spareEasy: UnsafeMutableRawPointer?
    /// The socket of the connection that the last transfer has left open, if it is to be looked after.
    private var idle = CURL_SOCKET_BAD
    /// A socket of the transfer's is none of its any more, since this was last set to false.
    var hasLostSocket = false

    /// nil: the system has no descriptors left.
    static func create(noting sockets: Sockets) -> EventLoop? {
        // Whatever did not come about is closed with it.
        let loop = EventLoop(
            epoll: epoll_create1(Int32(EPOLL_CLOEXEC)),
            wakeDescriptor: eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK)), sockets)
        guard loop.epoll >= 0, loop.wakeDescriptor >= 0,
            platform_epoll_set(loop.epoll, EPOLL_CTL_ADD, loop.wakeDescriptor, EPOLLIN.rawValue)
                == 0
        else { return nil }
        return loop
    }

    private init(epoll: Int32, wakeDescriptor: Int32, _ sockets: Sockets) {
        self.epoll = epoll
        self.wakeDescriptor = wakeDescriptor
        self.sockets = sockets
    }

    deinit {
        guard isCurrentProcess else { return }
        platform_enter()
        if let spareEasy { curl_easy_cleanup(spareEasy) }
        if let multi { curl_multi_cleanup(multi) }
        platform_leave()
        if epoll >= 0 { close(epoll) }
        if wakeDescriptor >= 0 { close(wakeDescriptor) }
    }

    /// false in a child of the process that made it.
    var isCurrentProcess: Bool { sockets.isCurrentProcess }

    // MARK: Transfers

    /// A handle for a transfer; one that was used before comes with its options.
    func acquireHandle(configure: (UnsafeMutableRawPointer) -> Void) -> UnsafeMutableRawPointer? {
        platform_enter()
        defer { platform_leave() }
        if idle != CURL_SOCKET_BAD && platform_is_readable(idle) != 0 { closeConnection() }
        if multi == nil { multi = makeMulti() }
        guard multi != nil else { return nil }
        if let spare = spareEasy {
            spareEasy = nil
            return spare
        }
        guard let easy = curl_easy_init() else { return nil }
        configure(easy)
        _ = platform_set_open_socket(easy, platform_open_socket)
        _ = platform_set_pointer(easy, CURLOPT_OPENSOCKETDATA, UnsafeRawPointer(sockets.all))
        return easy
    }

    /// What comes over a kept connection before anything was asked is no answer, but would be taken for the next one, and each answer
    /// from then on for that of the request behind it: a second response, a 408 (RFC 9110, section 15.5.9), the rest of a body that was
    /// longer than it said. Or it is the connection's end.
    private func closeConnection() {
        curl_multi_cleanup(multi)
        multi = nil
        idle = CURL_SOCKET_BAD
        curlDeadline = .max
    }

    private func makeMulti() -> UnsafeMutableRawPointer? {
        guard let multi = curl_multi_init() else { return nil }
        // Whoever destroys a client does not wait for a name server, either.
        _ = platform_multi_set_long(multi, platform_multi_quick_exit, 1)
        // The one that is looked after.
        _ = platform_multi_set_long(multi, CURLMOPT_MAXCONNECTS, 1)
        let this = Handle.unretained(self)
        _ = platform_multi_set_socket(multi, EventLoop.watch)
        _ = platform_multi_set_pointer(multi, CURLMOPT_SOCKETDATA, this)
        _ = platform_multi_set_timer(multi, EventLoop.setTimer)
        _ = platform_multi_set_pointer(multi, CURLMOPT_TIMERDATA, this)
        return multi
    }

    func release(easy: UnsafeMutableRawPointer) {
        guard isCurrentProcess else { return }
        if spareEasy == nil && EventLoop.isEasyReusable {
            spareEasy = easy
            return
        }
        platform_enter()
        curl_easy_cleanup(easy)
        platform_leave()
    }

    /// Up to 8.0, a response whose headers begin with a folded line has libcurl write to the last header of the handle's response
    /// before, which is freed (curl#11101).
    private static var isEasyReusable: Bool { platform_curl().pointee.version >= 0x080100 }

    func add(_ easy: UnsafeMutableRawPointer) {
        idle = CURL_SOCKET_BAD
        hasLostSocket = false
        platform_enter()
        curl_multi_add_handle(multi, easy)
        platform_leave()
    }

    /// Ends a transfer. The connection is kept if the response had been read to its end, and closed otherwise.
    func remove(_ easy: UnsafeMutableRawPointer) {
        guard isCurrentProcess else { return }
        platform_enter()
        curl_multi_remove_handle(multi, easy)
        platform_leave()
    }

    // MARK: Waiting

    /// Ends the wait of the thread that is in `turn`, or that enters it next. From any thread.
    func wake() {
        guard isCurrentProcess else { return }
        var one: UInt64 = 1
        _ = write(wakeDescriptor, &one, 8)
    }

    /// Waits until something happens, but not beyond the deadline, and lets libcurl deal with it. False if nothing was there on a socket.
    @discardableResult
    func turn(until deadline: Int64) -> Bool {
        let left = min(deadline, curlDeadline) &- platform_now()
        // Rounded up, so that a wait that is over is really over.
        let milliseconds = left <= 0 ? 0 : min((left - 1) / millisecond + 1, 60_000)
        return withUnsafeTemporaryAllocation(of: epoll_event.self, capacity: 8) { ready in
            let count = epoll_wait(epoll, ready.baseAddress, 8, Int32(milliseconds))
            platform_enter()
            defer { platform_leave() }
            // A signal interrupted it: who knows.
            var hasNews = count < 0
            for place in 0..<max(Int(count), 0) where act(on: ready[place]) { hasNews = true }
            callIfDue()
            finishTransfers()
            return hasNews
        }
    }

    private func callIfDue() {
        guard curlDeadline <= platform_now() else { return }
        curlDeadline = .max
        var running: Int32 = 0
        curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &running)
    }

    private func finishTransfers() {
        var waiting: Int32 = 0
        while let message = curl_multi_info_read(multi, &waiting) {
            guard message.pointee.msg == CURLMSG_DONE, let easy = message.pointee.easy_handle,
                let transfer = platform_get_private(easy)
            else { continue }
            // Streams of HTTP/2 say which request they answer, and its connections have things to say at any time.
            if platform_get_long(easy, CURLINFO_HTTP_VERSION) < CURL_HTTP_VERSION_2_0 {
                idle = platform_get_socket(easy)
            }
            Handle.object(transfer, as: Transfer.self).finish(platform_result(message))
        }
    }

    /// False if it was only to be woken.
    private func act(on event: epoll_event) -> Bool {
        if event.data.fd == wakeDescriptor {
            var count: UInt64 = 0
            _ = read(wakeDescriptor, &count, 8)
            return false
        }
        var action: Int32 = 0
        if event.events & EPOLLIN.rawValue != 0 { action |= CURL_CSELECT_IN }
        if event.events & EPOLLOUT.rawValue != 0 { action |= CURL_CSELECT_OUT }
        // A reset that arrives while the kernel looks is told alone, though there is more to read: libcurl reads on only if told to.
        if event.events & (EPOLLERR.rawValue | EPOLLHUP.rawValue) != 0 {
            action |= CURL_CSELECT_ERR | CURL_CSELECT_IN
        }
        var running: Int32 = 0
        curl_multi_socket_action(multi, event.data.fd, action, &running)
        return true
    }

    // MARK: What libcurl asks for

    private static let watch: curl_socket_callback = { _, socket, what, loop, known in
        guard let loop else { return -1 }
        Handle.object(loop, as: EventLoop.self).watch(socket, what, isKnown: known != nil)
        return 0
    }

    private func watch(_ socket: curl_socket_t, _ what: Int32, isKnown: Bool) {
        if what == CURL_POLL_REMOVE {
            hasLostSocket = true
            // The socket may be closed already, and with it out of the epoll set.
            _ = platform_epoll_set(epoll, EPOLL_CTL_DEL, socket, 0)
            return
        }
        var events: UInt32 = 0
        if what & CURL_POLL_IN != 0 { events |= EPOLLIN.rawValue }
        if what & CURL_POLL_OUT != 0 { events |= EPOLLOUT.rawValue }
        _ = platform_epoll_set(epoll, isKnown ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, socket, events)
        if !isKnown { curl_multi_assign(multi, socket, Handle.unretained(self)) }
    }

    private static let setTimer: curl_multi_timer_callback = { _, milliseconds, loop in
        guard let loop else { return -1 }
        let deadline =
            milliseconds < 0 ? Int64.max : platform_now() + Int64(milliseconds) * millisecond
        Handle.object(loop, as: EventLoop.self).curlDeadline = deadline
        return 0
    }
}

/// The idle loops of a client in one process, and the sockets of all its loops.
final class EventLoopPool: ForkOwned {
    package let creator = ProcessIdentity()

    package init() {}

    private let sockets = Sockets()
    private let lock = Lock()
    private var idleLoops: [EventLoop] = []
    /// Connections beyond these are closed when they fall idle; a busier client than that opens them faster than it waits.
    private static let maxIdle = 64

    /// nil: the system has no descriptors left.
    func borrow() -> EventLoop? {
        lock.locked { idleLoops.popLast() } ?? EventLoop.create(noting: sockets)
    }

    func release(_ loop: EventLoop) {
        lock.locked { if idleLoops.count < EventLoopPool.maxIdle { idleLoops.append(loop) } }
    }

    /// In a child of the process whose pool this is: closes the child's copies, without a word to who is at the other end.
    func closeInherited() { platform_sockets_close(sockets.all) }
}

final class Sockets: ForkOwned {
    package let creator = ProcessIdentity()

    package init() {}

    let all = platform_sockets_create()

    deinit { platform_sockets_destroy(all) }
}
