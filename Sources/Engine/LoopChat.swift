import Base
import CPlatform
import CThinkwire
import Chat

/// One exchange of a loop: what `tw_loop_start` returns.
package final class LoopChat: ChatDriver {
    package override var loopChat: LoopChat? { self }

    let exchange: Exchange
    let function: tw_event_fn?
    let userdata: UnsafeMutableRawPointer?
    /// The loop outlives its chats.
    private let loop: UnretainedReference<Loop>

    /// The chat counts towards the limit of exchanges in progress.
    var isInProgress = false
    /// The chat is in the loop's list of chats to advance.
    var isScheduled = false
    /// Its last event was delivered.
    var hasEnded = false
    /// Its index among the loop's chats.
    var index = 0
    /// Its neighbours in the queue of chats that wait to begin.
    var nextQueued: LoopChat?
    var previousQueued: UnretainedReference<LoopChat>?
    /// When it needs attention although nothing arrives, and its entry in the loop's heap.
    var deadline = Int64.max
    var heapIndex: Int?
    /// The next one in the list of cancelled chats: see `CancelledChats`.
    var nextCancelled: UnsafeMutableRawPointer?

    init(
        _ loop: Loop, _ function: tw_event_fn?, _ userdata: UnsafeMutableRawPointer?,
        _ exchange: Exchange
    ) {
        self.loop = UnretainedReference(loop)
        self.function = function
        self.userdata = userdata
        self.exchange = exchange
        super.init()
        exchange.context = Handle.unretained(self)
    }

    /// Ends the exchange as soon as possible. From any thread, until the chat has ended.
    package override func cancel() {
        if exchange.cancel() { loop.with { $0.noteCancelled(self) } }
    }

    /// Stops or continues the delivery of events; false in a child of the loop's process.
    package func setPaused(_ isPaused: Bool) -> Bool {
        loop.with { loop in
            guard loop.isCurrentProcess else { return false }
            if isPaused {
                exchange.pause()
            } else {
                exchange.resume()
                loop.scheduleFromOutside(self)
            }
            return true
        }
    }
}
