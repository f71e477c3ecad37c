import Base
import CPlatform
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
    private let exchange: Exchange
    private let client: Client?
    private let loop: EventLoop?
    private var holdsLoop: Bool
    private var hasBegun = false

    package enum Next {
        case event(UnsafePointer<tw_event>)
        case timeout, end
    }

    private init(_ client: Client?, _ loop: EventLoop?, _ exchange: Exchange) {
        (self.client, self.loop, self.exchange) = (client, loop, exchange)
        holdsLoop = loop != nil
    }

    /// The answer is streamed if `wantsStream`, or if the model requires it.
    package convenience init(_ client: Client, _ request: Request, wantsStream: Bool) {
        let loop = client.borrowLoop()
        self.init(client, loop, Exchange(client, request, wantsStream: wantsStream, on: loop))
    }

    /// Requests the list of models.
    package convenience init(listingModelsOf client: Client) {
        let loop = client.borrowLoop()
        self.init(client, loop, Exchange(listingModelsOf: client, on: loop))
    }

    /// An exchange that cannot begin. Its reply says why.
    package convenience init(rejecting message: StaticString) {
        self.init(nil, nil, Exchange(rejecting: message))
    }

    package var reply: Reply { exchange.reply }

    /// Ends the exchange as soon as possible. From any thread.
    package override func cancel() {
        exchange.cancel()
        loop?.wake()
    }

    /// Waits for the next event, at most until `deadline` in nanoseconds of the monotonic clock.
    @_optimize(speed)
    package func next(until deadline: Int64) -> Next {
        if !hasBegun {
            // The exchange begins now, and not when it was created.
            hasBegun = true
            loop?.resume()
        }
        var hasTurned = false
        while true {
            let step = exchange.advance(now: loop?.now ?? 0)
            if exchange.isOver { releaseLoop() }
            switch step {
            case .event(let event): return .event(event)
            case .ended: return .end
            case .pending(let until):
                guard let loop else { return .end }
                // Bytes that never complete an event must not postpone the deadline.
                if hasTurned && loop.now >= deadline { return .timeout }
                loop.turn(until: min(until, deadline))
                hasTurned = true
            }
        }
    }

    /// Runs the exchange to its end and passes every event to `function`, which cancels it by
    /// returning anything but 0.
    package func run(_ function: tw_event_fn?, _ userdata: UnsafeMutableRawPointer?) {
        while case .event(let event) = next(until: .max) {
            guard let function else { continue }
            isInCallback = true
            let result = function(userdata, event)
            isInCallback = false
            if result != 0 { exchange.cancel() }
        }
    }

    /// Cancels the exchange if it is not over, and returns its reply.
    package func close() -> Reply {
        // A loop that was returned may be in use by another thread. The exchange is over then.
        exchange.close(now: holdsLoop ? loop?.now ?? 0 : 0)
        releaseLoop()
        return exchange.reply
    }

    private func releaseLoop() {
        guard holdsLoop, let client, let loop else { return }
        holdsLoop = false
        client.release(loop)
    }
}
