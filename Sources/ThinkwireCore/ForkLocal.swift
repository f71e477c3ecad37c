import CPlatform
import Synchronization

/// What belongs to the process that made it.
package class ForkOwned {
    private let process = platform_process()

    required package init() {}

    /// false in a child of fork: this is then a copy of its parent's, which may have been caught in the middle of a change, with locks
    /// held by threads that the child does not have.
    final package var isCurrentProcess: Bool { process == platform_process() }
}

/// One object, and in a child of fork another. The parent's is left alone there, and never let go.
package struct ForkLocal<Object: ForkOwned>: ~Copyable {
    private let current = Atomic<UnsafeMutableRawPointer>(UnsafeMutableRawPointer(Handle.retained(Object())))

    package init() {}

    deinit {
        let last = OpaquePointer(current.load(ordering: .acquiring))
        if Handle.object(last, as: Object.self).isCurrentProcess { Handle.release(last, as: Object.self) }
    }

    /// This process's own. `abandon` sees, once, what it has inherited.
    package func own(abandon: (Object) -> Void = { _ in }) -> Object {
        let known = current.load(ordering: .acquiring)
        let object = Handle.object(known, as: Object.self)
        if object.isCurrentProcess { return object }
        let new = Handle.retained(Object())
        let (isFirst, first) = current.compareExchange(
            expected: known, desired: UnsafeMutableRawPointer(new), ordering: .acquiringAndReleasing)
        if isFirst {
            abandon(object)
            return Handle.object(new, as: Object.self)
        }
        Handle.release(new, as: Object.self)
        return Handle.object(first, as: Object.self)
    }
}
