import CPlatform
import Synchronization

/// Identifies the process that created a value. A child of fork has another identity.
@usableFromInline package struct ProcessIdentity: Sendable {
    private let generation = platform_process()

    package init() {}

    package var isCurrent: Bool { generation == platform_process() }
}

/// An object that belongs to the process that created it.
@usableFromInline package protocol ForkOwned: AnyObject {
    init()
    var creator: ProcessIdentity { get }
}

extension ForkOwned {
    /// False in a child of fork: the object is then a copy of the parent's, possibly captured in the middle of a change, with locks
    /// held by threads that the child does not have.
    package var isCurrentProcess: Bool { creator.isCurrent }
}

/// One object, and in a child of fork another. The parent's is left alone there, and never let go.
@usableFromInline package struct ForkLocal<Object: ForkOwned>: ~Copyable {
    private let current = Atomic<UnsafeMutableRawPointer>(
        UnsafeMutableRawPointer(Handle.retained(Object())))

    package init() {}

    deinit {
        let last = OpaquePointer(current.load(ordering: .acquiring))
        if Handle.object(last, as: Object.self).isCurrentProcess {
            Handle.release(last, as: Object.self)
        }
    }

    /// This process's own. `abandon` sees, once, what it has inherited.
    package func own(abandon: (Object) -> Void = { _ in }) -> Object {
        let known = current.load(ordering: .acquiring)
        let object = Handle.object(known, as: Object.self)
        if object.isCurrentProcess { return object }
        let new = Handle.retained(Object())
        let (isFirst, first) = current.compareExchange(
            expected: known, desired: UnsafeMutableRawPointer(new), ordering: .acquiringAndReleasing
        )
        if isFirst {
            abandon(object)
            return Handle.object(new, as: Object.self)
        }
        Handle.release(new, as: Object.self)
        return Handle.object(first, as: Object.self)
    }
}
