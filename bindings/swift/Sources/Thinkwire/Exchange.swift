import LibThinkwire
import Synchronization

/// An exchange: the thread of the client writes events, and a task reads them.
final class Exchange: Sendable {
    enum Kind: Sendable { case streamed, unstreamed, models }

    /// The exchange is paused when this many of its events have not been read.
    private static let maxQueue = 64

    /// A chat of the library. It is used by the worker, and by `tw_chat_cancel` under the lock.
    private struct Chat: @unchecked Sendable { let pointer: OpaquePointer }

    private struct State {
        var queue: [Event] = []
        var reader: CheckedContinuation<Event?, Never>?
        var chat: Chat?
        var reply: Reply?
        var cancelled = false
        var paused = false
        var discarding = false
    }

    private let state = Mutex(State())
    private let worker: Worker

    init(_ worker: Worker, _ kind: Kind, _ request: Request?) {
        self.worker = worker
        worker.perform { [self] loop in start(loop, kind, request?.storage.pointer) }
    }

    private func start(_ loop: OpaquePointer, _ kind: Kind, _ request: OpaquePointer?) {
        let userdata = Unmanaged.passRetained(self).toOpaque()
        let onEvent: tw_event_fn = { userdata, event in
            let exchange = Unmanaged<Exchange>.fromOpaque(userdata!)
            exchange.takeUnretainedValue().receive(event!.pointee)
            if event!.pointee.kind == TW_EVENT_DONE { exchange.release() }
            return 0
        }
        // It is not NULL, because the worker starts nothing after it has destroyed the loop.
        let chat: OpaquePointer
        switch kind {
        case .streamed: chat = tw_loop_start(loop, request, onEvent, userdata)
        case .unstreamed: chat = tw_loop_start_unstreamed(loop, request, onEvent, userdata)
        case .models: chat = tw_loop_start_models(loop, onEvent, userdata)
        }
        let started = Chat(pointer: chat)
        state.withLock { state in
            state.chat = started
            if state.cancelled { tw_chat_cancel(started.pointer) }
        }
    }

    /// Runs on the thread of the client.
    private func receive(_ event: tw_event) {
        if event.kind == TW_EVENT_DONE {
            let reply = Reply(owned: tw_reply_retain(event.reply))
            let reader = state.withLock { state in
                state.reply = reply
                state.chat = nil
                defer { state.reader = nil }
                return state.reader
            }
            reader?.resume(returning: nil)
            return
        }
        let copy = Event(event)
        let reader: CheckedContinuation<Event?, Never>? = state.withLock { state in
            if state.discarding { return nil }
            if let reader = state.reader {
                state.reader = nil
                return reader
            }
            state.queue.append(copy)
            if state.queue.count >= Self.maxQueue, !state.paused, let chat = state.chat {
                state.paused = true
                tw_chat_pause(chat.pointer)
            }
            return nil
        }
        reader?.resume(returning: copy)
    }

    /// Returns the next event; nil at the end. One task at a time.
    func next() async -> Event? {
        await withTaskCancellationHandler {
            await withCheckedContinuation { reader in
                let ready: Event?? = state.withLock { state in
                    if !state.queue.isEmpty { return .some(state.queue.removeFirst()) }
                    if state.reply != nil { return .some(nil) }
                    precondition(state.reader == nil, "two tasks iterate a stream at once")
                    state.reader = reader
                    return nil
                }
                if let ready { reader.resume(returning: ready) }
                resumeIfEmpty()
            }
        } onCancel: {
            cancel()
        }
    }

    private func resumeIfEmpty() {
        let resumed = state.withLock { state in
            defer { if state.queue.isEmpty { state.paused = false } }
            return state.paused && state.queue.isEmpty
        }
        guard resumed else { return }
        worker.perform { [self] _ in
            if let chat = state.withLock({ $0.chat }) { tw_chat_resume(chat.pointer) }
        }
    }

    /// Discards what was not read and what follows, and waits for the reply.
    func reply() async -> Reply {
        state.withLock { state in
            state.discarding = true
            state.queue = []
        }
        resumeIfEmpty()
        _ = await next()
        return state.withLock { $0.reply! }
    }

    func cancel() {
        state.withLock { state in
            state.cancelled = true
            if let chat = state.chat { tw_chat_cancel(chat.pointer) }
        }
    }

    /// Returns the reply of an exchange that has ended; throws its failure.
    func result() throws -> Reply {
        let reply = state.withLock { $0.reply! }
        if reply.status == .ok { return reply }
        if reply.status == .cancelled { try Task.checkCancellation() }
        throw ThinkwireError(status: reply.status, message: reply.message, reply: reply)
    }
}
