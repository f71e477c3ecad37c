import Synchronization

/// A request to stop an exchange, or all exchanges of its group, which any thread can make.
package final class Cancellation: Sendable {
    private let flag = Atomic<Bool>(false)
    private let group: CancellationGroup?
    private let generation: Int

    package init(_ group: CancellationGroup? = nil) {
        self.group = group
        generation = group?.generation ?? 0
    }

    package var isRequested: Bool {
        flag.load(ordering: .acquiring) || group.map { $0.generation != generation } ?? false
    }

    /// - Returns: Whether this is the first request.
    @discardableResult
    package func request() -> Bool { !flag.exchange(true, ordering: .acquiringAndReleasing) }
}

/// The exchanges of a client. Those that were begun before `cancelAll` are cancelled.
package final class CancellationGroup: Sendable {
    private let count = Atomic<Int>(0)

    package init() {}

    /// How often all exchanges were cancelled.
    package var generation: Int { count.load(ordering: .acquiring) }

    package func cancelAll() { count.add(1, ordering: .acquiringAndReleasing) }
}
