import Synchronization

/// A request to stop an exchange, which any thread can make.
package final class Cancellation: Sendable {
    private let flag = Atomic<Bool>(false)

    package init() {}

    package var isRequested: Bool { flag.load(ordering: .acquiring) }

    /// - Returns: Whether this is the first request.
    @discardableResult
    package func request() -> Bool { !flag.exchange(true, ordering: .acquiringAndReleasing) }
}
