import Synchronization

/// A request to stop an exchange, which any thread can make.
package final class Cancellation: Sendable {
    private let flag = Atomic<Bool>(false)

    package init() {}

    package var isRequested: Bool { flag.load(ordering: .acquiring) }

    package func request() { flag.store(true, ordering: .releasing) }
}
