import Glibc
import LibThinkwire
import Synchronization

/// The thread of a client, which runs its `tw_loop`.
///
/// A loop needs one thread. The threads of Swift's executors must not block, and a program may have
/// no main run loop; hence each client has a thread of its own, for all of its exchanges.
final class Worker: @unchecked Sendable {
    typealias Command = @Sendable (OpaquePointer) -> Void

    private struct State {
        var commands: [Command] = []
        var stopping = false
    }

    private let client: OpaquePointer
    private let loop: OpaquePointer
    private let state = Mutex(State())

    /// Takes over the client.
    init(client: OpaquePointer, options: Options) throws(ThinkwireError) {
        guard let loop = tw_loop_create(client) else {
            tw_client_destroy(client)
            throw .last()
        }
        (self.client, self.loop) = (client, loop)
        do throws(ThinkwireError) {
            for (which, number) in [
                (TW_LOOP_EXCHANGES, options.maxExchanges),
                (TW_LOOP_CONNECTIONS, options.maxConnections),
            ] {
                if let number { try change { tw_loop_set_limit(loop, which, number) } }
            }
            try start()
        } catch {
            destroy()
            throw error
        }
    }

    private func start() throws(ThinkwireError) {
        var thread = pthread_t()
        let worker = Unmanaged.passRetained(self)
        let failure = pthread_create(
            &thread, nil,
            { argument in
                Unmanaged<Worker>.fromOpaque(argument!).takeRetainedValue().run()
                return nil
            }, worker.toOpaque())
        if failure == 0 {
            pthread_detach(thread)
        } else {
            worker.release()
            throw ThinkwireError(status: .invalid, message: "no thread can be created", reply: nil)
        }
    }

    /// Runs a command on the thread, with the loop.
    func perform(_ command: @escaping Command) {
        state.withLock { state in
            // The loop exists until the thread has seen `stopping`, which it does under this lock.
            guard !state.stopping else { return }
            state.commands.append(command)
            tw_loop_wake(loop)
        }
    }

    func stop() {
        state.withLock { state in
            if !state.stopping { tw_loop_wake(loop) }
            state.stopping = true
        }
    }

    private func run() {
        pthread_setname_np(pthread_self(), "thinkwire")
        while true {
            let (commands, stopping) = state.withLock { state in
                defer { state.commands = [] }
                return (state.commands, state.stopping)
            }
            for command in commands { command(loop) }
            if stopping { break }
            tw_loop_poll(loop, -1)
        }
        destroy()
    }

    private func destroy() {
        tw_loop_destroy(loop)
        tw_client_destroy(client)
    }
}
