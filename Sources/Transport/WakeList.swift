import Base

/// The event loops of a client in one process, so that another thread can wake all of them: a list
/// that is linked through the loops, which it does not retain.
package final class WakeList {
    private let lock = Lock()
    private var first: UnretainedReference<EventLoop>?

    package init() {}

    func add(_ loop: EventLoop) {
        lock.locked {
            loop.nextToWake = first
            first?.with { $0.previousToWake = UnretainedReference(loop) }
            first = UnretainedReference(loop)
        }
    }

    /// Waits until a `wakeAll` that uses the loop has returned.
    func remove(_ loop: EventLoop) {
        lock.locked {
            loop.nextToWake?.with { $0.previousToWake = loop.previousToWake }
            if let previous = loop.previousToWake {
                previous.with { $0.nextToWake = loop.nextToWake }
            } else {
                first = loop.nextToWake
            }
        }
    }

    package func wakeAll() {
        lock.locked {
            var next = first
            while let loop = next {
                loop.with { $0.wake() }
                next = loop.with { $0.nextToWake }
            }
        }
    }
}
