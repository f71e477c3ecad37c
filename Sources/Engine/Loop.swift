import Base
import CPlatform
import CThinkwire
import Chat
import Synchronization
import Transport

/// Runs many exchanges on the thread that polls it: the implementation of `tw_loop`.
///
/// A chat is advanced only when there is something to do for it: it was started, resumed or
/// cancelled, its transfer made progress, or its deadline has passed.
package final class Loop: @unchecked Sendable {
    private let client: Client
    private let sockets: OpenSockets
    private let eventLoop: EventLoop
    /// All chats that have not ended.
    private var chats: [LoopChat] = []
    private var queue = ChatQueue()
    private var inProgressCount = 0
    private var maxInProgress = 1000
    /// The chats to advance next. The loop's chats retain them.
    private var scheduled: [LoopChat] = []
    /// Those that are being advanced. Both arrays keep their storage.
    private var advancing: [LoopChat] = []
    private var deadlines = DeadlineHeap()
    private let cancelled = CancelledChats()
    /// What the chat that is being advanced reads JSON with: half a kilobyte for all chats.
    private var reader = JSONReader()
    /// How often the client had cancelled all exchanges when the chats were last advanced.
    private var cancelGeneration: Int
    private let isWakeRequested = Atomic<Bool>(false)
    /// `poll` or `destroy` is running: a call now comes from a callback.
    private var isRunning = false
    private var isDestroyed = false

    /// Connections beyond these are closed when their transfers have ended.
    private static let maxIdleConnections = 256

    /// Nil if no descriptors are left.
    package static func create(_ client: Client) -> Loop? {
        let sockets = OpenSockets()
        return EventLoop.create(
            sockets, client.wakeList, maxIdleConnections: maxIdleConnections
        ).map { Loop(client, sockets, $0) }
    }

    private init(_ client: Client, _ sockets: OpenSockets, _ eventLoop: EventLoop) {
        self.client = client
        self.sockets = sockets
        self.eventLoop = eventLoop
        cancelGeneration = client.cancelledExchanges.generation
    }

    // MARK: For exports

    package var isCurrentProcess: Bool { eventLoop.isCurrentProcess }
    package var descriptor: Int32 { eventLoop.descriptor }
    package var activeCount: Int { chats.count }

    package enum Limit {
        case exchanges, connections
    }

    package func set(_ limit: Limit, _ number: Int) {
        switch limit {
        case .exchanges:
            maxInProgress = number
            // Queued chats may begin now.
            if !isRunning { eventLoop.wake() }
        case .connections: eventLoop.maxHostConnections = number
        }
    }

    /// Whether a call is made inside a callback of this loop.
    package var isInCallback: Bool { isRunning }

    /// Nil while the loop is being destroyed. Without a request, the exchange is rejected.
    package func start(
        _ request: Request?, wantsStream: Bool, _ function: tw_event_fn?,
        _ userdata: UnsafeMutableRawPointer?
    ) -> LoopChat? {
        start(
            request.map { Exchange(client, $0, wantsStream: wantsStream, on: eventLoop) }
                ?? Exchange(rejecting: "request is NULL"), function, userdata)
    }

    /// Nil while the loop is being destroyed.
    package func startModelList(_ function: tw_event_fn?, _ userdata: UnsafeMutableRawPointer?)
        -> LoopChat?
    {
        start(Exchange(listingModelsOf: client, on: eventLoop), function, userdata)
    }

    private func start(
        _ exchange: Exchange, _ function: tw_event_fn?, _ userdata: UnsafeMutableRawPointer?
    ) -> LoopChat? {
        guard !isDestroyed else { return nil }
        let chat = LoopChat(self, function, userdata, exchange)
        chat.index = chats.count
        chats.append(chat)
        queue.append(chat)
        if !isRunning { eventLoop.wake() }
        return chat
    }

    /// Ends the wait of `poll`, or of its next call. From any thread.
    package func wake() {
        isWakeRequested.store(true, ordering: .releasing)
        eventLoop.wake()
    }

    /// From any thread.
    func noteCancelled(_ chat: LoopChat) {
        cancelled.push(chat)
        eventLoop.wake()
    }

    /// Has the next `poll` advance a chat, or the one that is running.
    func scheduleFromOutside(_ chat: LoopChat) {
        schedule(chat)
        if !isRunning { eventLoop.wake() }
    }

    // MARK: Polling

    /// Delivers the events of everything that is ready, and waits for the first of them at most
    /// until `deadline`.
    ///
    /// - Returns: How many events were delivered.
    package func poll(until deadline: Int64) -> Int {
        isRunning = true
        eventLoop.updateTime()
        var delivered = advanceScheduled()
        repeat {
            let mayWait =
                delivered == 0 && scheduled.isEmpty && !isWakeRequested.load(ordering: .relaxed)
            eventLoop.turn(until: mayWait ? min(deadline, deadlines.earliest) : 0)
            eventLoop.takeProgress { schedule(Handle.object($0, as: LoopChat.self)) }
            while let chat = deadlines.next(until: eventLoop.readThrough) { schedule(chat) }
            delivered += advanceScheduled()
        } while delivered == 0 && eventLoop.now < deadline
            && !isWakeRequested.load(ordering: .relaxed)
        isWakeRequested.store(false, ordering: .relaxed)
        isRunning = false
        if scheduled.isEmpty && !queue.canBegin(inProgressCount, maxInProgress) {
            eventLoop.arm(until: deadlines.earliest)
        } else {
            eventLoop.wake()
        }
        return delivered
    }

    private func schedule(_ chat: LoopChat) {
        guard !chat.isScheduled, !chat.hasEnded else { return }
        chat.isScheduled = true
        scheduled.append(chat)
    }

    /// Advances what is scheduled now, and begins queued chats. What callbacks schedule is for the
    /// next round: no chain of callbacks keeps `poll` from returning.
    private func advanceScheduled() -> Int {
        cancelled.takeAll(schedule)
        if client.cancelledExchanges.generation != cancelGeneration {
            cancelGeneration = client.cancelledExchanges.generation
            chats.forEach(schedule)
        }
        while inProgressCount < maxInProgress, let chat = queue.popFirst() {
            chat.isInProgress = true
            inProgressCount += 1
            schedule(chat)
        }
        swap(&advancing, &scheduled)
        var delivered = 0
        for index in advancing.indices { delivered += advance(advancing[index]) }
        advancing.removeAll(keepingCapacity: true)
        return delivered
    }

    /// Delivers the events of one chat until it has to wait.
    private func advance(_ chat: LoopChat) -> Int {
        chat.isScheduled = false
        // One that waits for its turn can only be cancelled.
        guard chat.isInProgress || chat.exchange.cancellation.isRequested else { return 0 }
        chat.exchange.swapReader(&reader)
        defer {
            chat.exchange.swapReader(&reader)
            reader.trim()
        }
        var delivered = 0
        while !chat.hasEnded {
            switch chat.exchange.advance(now: eventLoop.now) {
            case .event(let event):
                delivered += 1
                if let function = chat.function, function(chat.userdata, event) != 0 {
                    chat.exchange.cancel()
                }
            case .pending(let until):
                deadlines.update(chat, until)
                return delivered
            case .ended:
                end(chat)
                delivered += 1
            }
        }
        return delivered
    }

    /// Delivers the last event of a chat, and releases the chat.
    private func end(_ chat: LoopChat) {
        chat.hasEnded = true
        deadlines.remove(chat)
        if chat.isInProgress { inProgressCount -= 1 } else { queue.remove(chat) }
        let last = chats.removeLast()
        if last !== chat {
            chats[chat.index] = last
            last.index = chat.index
        }
        if let function = chat.function { _ = function(chat.userdata, chat.exchange.doneEvent()) }
    }

    /// Cancels every chat, and delivers its last event. Afterwards, the loop can be released.
    package func destroy() {
        isRunning = true
        isDestroyed = true
        while let chat = chats.last {
            chat.exchange.close(now: eventLoop.now)
            end(chat)
        }
        // Inherited sockets are closed without disturbing the parent's connections.
        if !isCurrentProcess { sockets.closeInherited() }
    }
}

/// Chats that wait to begin, in the order of their start: a list that is linked through the chats.
private struct ChatQueue {
    private var first: LoopChat?
    private var last: LoopChat?

    mutating func append(_ chat: LoopChat) {
        chat.previousQueued = last.map { UnretainedReference($0) }
        if let last { last.nextQueued = chat } else { first = chat }
        last = chat
    }

    mutating func popFirst() -> LoopChat? {
        guard let chat = first else { return nil }
        remove(chat)
        return chat
    }

    /// Removes a chat of the queue, which would otherwise keep its request until its turn.
    mutating func remove(_ chat: LoopChat) {
        let next = chat.nextQueued
        let previous = chat.previousQueued
        chat.nextQueued = nil
        chat.previousQueued = nil
        if let next { next.previousQueued = previous } else { last = previous?.with { $0 } }
        if let previous { previous.with { $0.nextQueued = next } } else { first = next }
    }

    /// Whether a chat waits that the limit allows to begin.
    func canBegin(_ inProgressCount: Int, _ limit: Int) -> Bool {
        first != nil && inProgressCount < limit
    }
}
