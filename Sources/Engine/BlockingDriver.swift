import CThinkwire
import Chat
import Transport

/// Runs one exchange on the calling thread: the implementation of `tw_chat_*`.
///
/// It borrows an event loop from the client until the exchange is over, and then returns it with
/// the connection still open.
package final class BlockingDriver: ChatDriver {
    package override var blocking: BlockingDriver? { self }
    /// A callback of the caller is running.
    package private(set) var isInCallback = false
    private lazy var batch = EventBatch()
    private let exchange: Exchange
    private var holdsLoop = true
    /// The loop's time, also after the loop was returned; 0 before the exchange begins.
    private var now: Int64 = 0

    /// The exchange has a loop that was borrowed from its client, or cannot begin.
    package init(_ exchange: Exchange) { self.exchange = exchange }

    /// The answer is streamed if `wantsStream`, or if the model requires it.
    package convenience init(_ client: Client, _ request: Request, wantsStream: Bool) {
        self.init(Exchange(client, request, wantsStream: wantsStream, on: client.borrowLoop()))
    }

    /// Requests the list of models.
    package convenience init(listingModelsOf client: Client) {
        self.init(Exchange(listingModelsOf: client, on: client.borrowLoop()))
    }

    package var reply: Reply { exchange.reply }

    /// Ends the exchange as soon as possible. From any thread.
    package override func cancel() {
        exchange.cancel()
        exchange.loop?.wake()
    }

    /// Waits for the next event, at most until `deadline` in nanoseconds of the monotonic clock;
    /// then the exchange is still pending.
    @_optimize(speed)
    package func next(until deadline: Int64) -> Exchange.Step {
        if now == 0, let loop = exchange.loop {
            // The exchange begins now, and not when it was created.
            loop.resume()
            now = loop.now
        }
        var hasTurned = false
        while true {
            let step = exchange.advance(now: now)
            if exchange.isOver { releaseLoop() }
            guard case .pending(let until) = step, let loop = exchange.loop else { return step }
            // Bytes that never complete an event must not postpone the deadline.
            if hasTurned && now >= deadline { return step }
            loop.turn(until: min(until, deadline))
            now = loop.now
            hasTurned = true
        }
    }

    /// Collects an event that `next` has returned and those that have arrived with it. Valid until
    /// the next call.
    package func batch(from first: UnsafePointer<tw_event>) -> UnsafePointer<tw_batch> {
        let view = batch.collect(first, from: exchange, at: now)
        if exchange.isOver { releaseLoop() }
        return view
    }

    /// Runs the exchange to its end and passes every event to `function`, which cancels it by
    /// returning anything but 0.
    package func run(_ function: tw_event_fn?, _ userdata: UnsafeMutableRawPointer?) {
        while case .event(let first) = next(until: .max) {
            var arrived: UnsafePointer<tw_event>? = first
            while let event = arrived {
                isInCallback = true
                if let function, function(userdata, event) != 0 { exchange.cancel() }
                isInCallback = false
                arrived = exchange.nextArrived(at: now)
            }
        }
    }

    /// Cancels the exchange if it is not over, and returns its reply.
    package func close() -> Reply {
        exchange.close(now: now)
        releaseLoop()
        return exchange.reply
    }

    private func releaseLoop() {
        guard holdsLoop, let client = exchange.client, let loop = exchange.loop else { return }
        holdsLoop = false
        client.release(loop)
    }
}
