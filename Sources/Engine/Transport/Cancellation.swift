import Base
import Chat
import Synchronization

/// Whether the caller wants no more of an exchange: asked for by any thread.
final class Cancellation: Sendable {
    private let flag = Atomic<Bool>(false)

    var isAsked: Bool { flag.load(ordering: .acquiring) }

    func ask() { flag.store(true, ordering: .releasing) }
}
