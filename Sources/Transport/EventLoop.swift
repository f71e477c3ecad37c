import Base
import CPlatform
import Synchronization

/// Transfers in progress on one thread: libcurl's multi handle and one epoll descriptor.
///
/// `turn` is the only place that waits. All functions belong to one thread at a time, except
/// `wake`. Connections stay with the loop after their transfers have ended.
///
/// A child of fork has the same descriptors and would disturb the parent's connections through
/// them. There, every function leaves what was inherited alone, including libcurl's memory.
package final class EventLoop {
    /// The epoll descriptor. It contains the sockets, a timer for the next deadline and the wake-up
    /// event, so it is readable whenever `turn` has work.
    package let descriptor: Int32
    /// The time in nanoseconds of the monotonic clock, sampled before and after each wait.
    package private(set) var now: Int64
    /// How much time has passed between turns in total: the caller's, not the network's.
    package private(set) var timeAway: Int64 = 0
    /// What had arrived by this time was read. Deadlines after it must not expire yet.
    package private(set) var readThrough: Int64

    /// Created with the first transfer. Without one, libcurl does not know that it must leave
    /// signals alone, and changes SIGPIPE's handling while it cleans up (curl 7.88, sigpipe.h).
    private var multi: UnsafeMutableRawPointer?
    private let timer: Int32
    private let wakeDescriptor: Int32
    private let sockets: OpenSockets
    private let wakeList: WakeList
    /// The neighbours in that list, which changes them.
    var nextToWake: UnretainedReference<EventLoop>?
    var previousToWake: UnretainedReference<EventLoop>?
    private let maxIdleConnections: Int
    private var idle = IdleConnections()
    var shared = SharedConnections()
    private var spareHandles: [UnsafeMutableRawPointer] = []
    /// Memory for the inbox of the next transfer. See `keepMemory`.
    var spareInbox = ByteBuffer()
    private let isWoken = Atomic<Bool>(false)
    private var turnEnd: Int64
    private var sweep = ReadSweep()
    /// Whether the epoll set contains a socket, by its descriptor: a transfer uses it.
    private var watched: [Bool] = []
    /// How many descriptors the epoll set contains.
    private var watchedCount = 2
    /// When libcurl wants to be called although nothing has happened.
    private var curlDeadline = Int64.max
    /// When the timer expires. It may be earlier than needed: re-arming it for every chunk would be
    /// a system call for each.
    private var timerDeadline = Int64.max
    /// Until when a host may wait for the descriptor: this is no time away. See `arm`.
    private var awayAfter = Int64.min
    /// Transfers whose connection attempt failed in this turn: see `retryAddresses`.
    private var lostSockets = TransferList()
    private var isInTurn = false
    var connecting = ConnectingTransfers()
    /// Transfers that received something or ended since `takeProgress`.
    private var progressed = TransferList()
    /// The largest number of connections to a host at once; 0 for no limit.
    package var maxHostConnections = 0 {
        didSet {
            guard let multi else { return }
            _ = platform_multi_set_long(multi, CURLMOPT_MAX_HOST_CONNECTIONS, maxHostConnections)
        }
    }

    /// Nil if no descriptors are left.
    package static func create(
        _ sockets: OpenSockets, _ wakeList: WakeList, maxIdleConnections: Int = 1
    ) -> EventLoop? {
        // The deinitializer closes those that could be opened.
        let loop = EventLoop(sockets, wakeList, maxIdleConnections)
        guard loop.descriptor >= 0, loop.timer >= 0, loop.wakeDescriptor >= 0 else { return nil }
        for own in [loop.timer, loop.wakeDescriptor] {
            let result = platform_epoll_set(loop.descriptor, EPOLL_CTL_ADD, own, EPOLLIN.rawValue)
            guard result == 0 else { return nil }
        }
        return loop
    }

    private init(_ sockets: OpenSockets, _ wakeList: WakeList, _ maxIdleConnections: Int) {
        descriptor = epoll_create1(Int32(EPOLL_CLOEXEC))
        timer = platform_timer_create()
        wakeDescriptor = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
        self.sockets = sockets
        self.wakeList = wakeList
        self.maxIdleConnections = maxIdleConnections
        now = platform_now()
        turnEnd = now
        readThrough = now
        wakeList.add(self)
    }

    deinit {
        guard isCurrentProcess else { return }
        wakeList.remove(self)
        platform_enter()
        for spare in spareHandles { curl_easy_cleanup(spare) }
        if let multi { curl_multi_cleanup(multi) }
        platform_leave()
        for own in [descriptor, timer, wakeDescriptor] where own >= 0 { close(own) }
    }

    /// False in a child of the process that created the loop.
    package var isCurrentProcess: Bool { sockets.isCurrentProcess }

    // MARK: Waiting

    /// Ends the wait of the thread that is in `turn`, or that enters it next. From any thread.
    package func wake() {
        guard isCurrentProcess else { return }
        guard !isWoken.exchange(true, ordering: .acquiringAndReleasing) else { return }
        var one: UInt64 = 1
        _ = write(wakeDescriptor, &one, 8)
    }

    /// Samples the time when a call begins to use a loop that was idle.
    package func resume() {
        awayAfter = .max
        updateTime()
    }

    /// Samples the time before a turn. The time since the last turn counts as time away.
    @inline(never)
    package func updateTime() {
        now = platform_now()
        timeAway += max(now - max(turnEnd, awayAfter), 0)
        awayAfter = .min
        turnEnd = now
    }

    /// Waits until something happens, at most until `deadline`, and has libcurl process it.
    ///
    /// A deadline in the past does not wait, but what is available is still read.
    package func turn(until deadline: Int64) {
        guard isCurrentProcess else { return }
        updateTime()
        connecting.updateLimits(away: timeAway)
        let waits = min(deadline, curlDeadline) > now
        if waits { arm(until: deadline, now) }
        let limit = Int32(EventLoop.maxEvents)
        withUnsafeTemporaryAllocation(of: epoll_event.self, capacity: EventLoop.maxEvents) {
            ready in
            // No socket can be ready, and libcurl's work is due: no need to ask the kernel.
            let isIdle = watchedCount == 2 && curlDeadline <= now
            let count =
                isIdle ? 0 : epoll_wait(descriptor, ready.baseAddress, limit, waits ? -1 : 0)
            now = platform_now()
            platform_enter()
            isInTurn = true
            // A signal may have interrupted the wait: `count` is negative then.
            for index in 0..<max(Int(count), 0) { act(on: ready[index]) }
            readThrough = sweep.readThrough(
                afterReading: Int(count), limit: Int(limit), watched: watchedCount, at: now)
            callIfDue()
            readMessages()
            idle.endTurn()
            retryAddresses()
            isInTurn = false
            platform_leave()
        }
        connectWaiting()
        turnEnd = platform_now()
    }

    /// Room for them is on the stack: a temporary allocation of more than 1024 bytes is not.
    private static let maxEvents = 1024 / MemoryLayout<epoll_event>.stride

    /// Makes the descriptor readable when `deadline` or libcurl's own has passed, for a host that
    /// waits for the descriptor itself.
    ///
    /// Waiting is no time away, doing something else is. The loop cannot see the difference; but a
    /// host that returns after the time for which the timer was armed did something else. While a
    /// transfer connects, the timer is armed for a short time, so that only less than that time is
    /// taken for waiting.
    package func arm(until deadline: Int64) {
        let next = connecting.isEmpty ? deadline : min(deadline, turnEnd + 100 * millisecond)
        arm(until: next, turnEnd)
        awayAfter = min(next, curlDeadline)
    }

    /// Arms the timer unless it expires early enough. It then ends one wait without need, and is
    /// armed again for the actual deadline. Without a deadline it is disarmed: there is no work.
    private func arm(until deadline: Int64, _ start: Int64) {
        let deadline = min(deadline, curlDeadline)
        guard deadline != timerDeadline else { return }
        guard deadline < timerDeadline || timerDeadline <= start || deadline == .max else { return }
        timerDeadline = deadline
        platform_timer_set(timer, deadline == .max ? 0 : max(deadline, 1))
    }

    private func act(on event: epoll_event) {
        if event.data.fd == wakeDescriptor || event.data.fd == timer {
            var count: UInt64 = 0
            _ = read(event.data.fd, &count, 8)
            if event.data.fd == timer {
                timerDeadline = .max
            } else {
                // Reads what the waking thread wrote, so that its work is visible from here on.
                _ = isWoken.exchange(false, ordering: .acquiringAndReleasing)
            }
            return
        }
        var action: Int32 = 0
        if event.events & EPOLLIN.rawValue != 0 { action |= CURL_CSELECT_IN }
        if event.events & EPOLLOUT.rawValue != 0 { action |= CURL_CSELECT_OUT }
        // A reset that arrives while the kernel collects the events is reported without EPOLLIN,
        // although there may be more to read. libcurl reads only if CURL_CSELECT_IN is set.
        if event.events & (EPOLLERR.rawValue | EPOLLHUP.rawValue) != 0 {
            action |= CURL_CSELECT_ERR | CURL_CSELECT_IN
        }
        var running: Int32 = 0
        curl_multi_socket_action(multi, event.data.fd, action, &running)
    }

    private func callIfDue() {
        guard curlDeadline <= now else { return }
        curlDeadline = .max
        var running: Int32 = 0
        curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &running)
    }

    private func readMessages() {
        var waiting: Int32 = 0
        while let message = curl_multi_info_read(multi, &waiting) {
            guard message.pointee.msg == CURLMSG_DONE, let easy = message.pointee.easy_handle,
                let transfer = platform_get_private(easy)
            else { continue }
            if platform_get_long(easy, CURLINFO_HTTP_VERSION) < CURL_HTTP_VERSION_2_0 {
                let socket = platform_get_socket(easy)
                // Another transfer may already use the connection, within the same turn.
                if !isWatched(socket) { idle.insert(socket, sockets) }
            }
            Handle.object(transfer, as: Transfer.self).finish(platform_result(message))
        }
    }

    /// Before 8.4, libcurl abandons an address that refuses or does not answer, and tries the next
    /// one only when it is called again for some other reason, if ever (curl#11920).
    private func retryAddresses() {
        guard !lostSockets.isEmpty else { return }
        lostSockets.forEach { $0.tryNextAddress() }
        lostSockets.removeAll()
    }

    /// libcurl has a transfer wait until the connection of another one can be shared. If it cannot,
    /// newer versions continue to wait, for the response or for ten seconds (8.23).
    private func connectWaiting() {
        connecting.takeSeparate()?.forEach { $0.connectSeparately() }
    }

    // MARK: Transfers

    /// A handle for a transfer. One that was used before comes with its options.
    func acquireHandle(configure: (UnsafeMutableRawPointer) -> Void) -> UnsafeMutableRawPointer? {
        platform_enter()
        defer { platform_leave() }
        if multi == nil { multi = makeMulti() }
        guard multi != nil else { return nil }
        if let spare = spareHandles.popLast() { return spare }
        guard let easy = curl_easy_init() else { return nil }
        configure(easy)
        _ = platform_set_open_socket(easy, platform_open_socket)
        _ = platform_set_pointer(easy, CURLOPT_OPENSOCKETDATA, UnsafeRawPointer(sockets.all))
        return easy
    }

    private func makeMulti() -> UnsafeMutableRawPointer? {
        guard let multi = curl_multi_init() else { return nil }
        // Destroying a client does not wait for a name server.
        _ = platform_multi_set_long(multi, platform_multi_quick_exit, 1)
        _ = platform_multi_set_long(multi, CURLMOPT_MAXCONNECTS, maxIdleConnections)
        _ = platform_multi_set_long(multi, CURLMOPT_MAX_HOST_CONNECTIONS, maxHostConnections)
        let this = Handle.unretained(self)
        _ = platform_multi_set_socket(multi, EventLoop.watch)
        _ = platform_multi_set_pointer(multi, CURLMOPT_SOCKETDATA, this)
        _ = platform_multi_set_timer(multi, EventLoop.setTimer)
        _ = platform_multi_set_pointer(multi, CURLMOPT_TIMERDATA, this)
        return multi
    }

    func release(handle easy: UnsafeMutableRawPointer) {
        guard isCurrentProcess else { return }
        if spareHandles.count < maxIdleConnections && EventLoop.isHandleReusable {
            Transfer.resetOptions(of: easy)
            return spareHandles.append(easy)
        }
        platform_enter()
        curl_easy_cleanup(easy)
        platform_leave()
    }

    /// Before 8.1, a response whose headers begin with a folded line made libcurl write to the last
    /// header of the handle's previous response, which was freed (curl#11101).
    private static var isHandleReusable: Bool { platform_curl().pointee.version >= 0x080100 }

    /// Starts a transfer. Idle connections that have received something are not used for it.
    func add(_ easy: UnsafeMutableRawPointer) {
        platform_enter()
        idle.evictStale()
        curl_multi_add_handle(multi, easy)
        platform_leave()
    }

    /// Ends a transfer. Its connection is kept if the response was read to its end.
    func remove(_ easy: UnsafeMutableRawPointer) {
        guard isCurrentProcess else { return }
        platform_enter()
        curl_multi_remove_handle(multi, easy)
        platform_leave()
    }

    /// Keeps the memory of a transfer's inbox for the next transfer, unless events may still point
    /// into it.
    ///
    /// An inbox at full speed has hundreds of pages: libcurl passes on up to 1.6 MB at once (7.88).
    /// With new pages for each transfer, such answers take up to 1.6 times the processor time.
    func keepMemory(of inbox: inout ByteBuffer) {
        guard inbox.isEmpty, inbox.capacity > spareInbox.capacity,
            inbox.capacity <= EventLoop.maxSpareInbox
        else { return }
        swap(&spareInbox, &inbox)
        spareInbox.releasePages()
    }

    /// Twice what libcurl passes on at once, because buffers grow by doubling.
    private static let maxSpareInbox = 4 << 20

    /// Has libcurl continue a transfer that was paused. It may deliver at once what it held back.
    func unpause(_ easy: UnsafeMutableRawPointer) {
        guard isCurrentProcess else { return }
        platform_enter()
        curl_easy_pause(easy, CURLPAUSE_CONT)
        platform_leave()
    }

    // MARK: Transfers that need attention

    /// Passes the context of each transfer that received something or ended to `use`.
    package func takeProgress(_ use: (UnsafeMutableRawPointer) -> Void) {
        progressed.forEach { if let context = $0.takeProgress() { use(context) } }
        progressed.removeAll()
    }

    func noteProgress(_ transfer: Transfer) { progressed.append(transfer) }

    func forgetProgress(_ transfer: Transfer) { progressed.remove(transfer) }

    // MARK: libcurl's callbacks

    private static let watch: curl_socket_callback = { easy, socket, what, loop, known in
        guard let loop else { return -1 }
        let loopObject = Handle.object(loop, as: EventLoop.self)
        if what == CURL_POLL_REMOVE {
            loopObject.unwatch(socket, of: easy)
        } else {
            loopObject.watch(socket, what, isKnown: known != nil)
        }
        return 0
    }

    private func unwatch(_ socket: curl_socket_t, of easy: UnsafeMutableRawPointer?) {
        // libcurl may have closed the socket already, which removed it from the epoll set.
        _ = platform_epoll_set(descriptor, EPOLL_CTL_DEL, socket, 0)
        idle.end(socket)
        watchedCount -= 1
        if isWatched(socket) { watched[Int(socket)] = false }
        // Outside a turn, the transfer is being removed.
        guard isInTurn, platform_curl().pointee.version < 0x080400, let easy,
            let transfer = platform_get_private(easy)
        else { return }
        lostSockets.append(Handle.object(transfer, as: Transfer.self))
    }

    private func isWatched(_ socket: curl_socket_t) -> Bool {
        socket >= 0 && Int(socket) < watched.count && watched[Int(socket)]
    }

    private func watch(_ socket: curl_socket_t, _ what: Int32, isKnown: Bool) {
        if !isKnown { idle.begin(socket) }
        var events: UInt32 = 0
        if what & CURL_POLL_IN != 0 { events |= EPOLLIN.rawValue }
        if what & CURL_POLL_OUT != 0 { events |= EPOLLOUT.rawValue }
        _ = platform_epoll_set(
            descriptor, isKnown ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, socket, events)
        guard !isKnown else { return }
        watchedCount += 1
        while watched.count <= Int(socket) { watched.append(false) }
        watched[Int(socket)] = true
        curl_multi_assign(multi, socket, Handle.unretained(self))
    }

    private static let setTimer: curl_multi_timer_callback = { _, milliseconds, loop in
        guard let loop else { return -1 }
        let deadline =
            milliseconds < 0 ? Int64.max : platform_now() + Int64(milliseconds) * millisecond
        Handle.object(loop, as: EventLoop.self).curlDeadline = deadline
        return 0
    }
}
