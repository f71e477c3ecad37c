import Synchronization

/// An object that belongs to the process that created it.
@usableFromInline package protocol ForkOwned: AnyObject {
    init()
    var creator: ProcessIdentity { get }
}

extension ForkOwned {
    /// Whether this process created the object; false in a child of fork.
    ///
    /// The child has a copy of the parent's object. The copy may be from the middle of a change,
    /// and its locks may be held by threads that the child does not have.
    package var isCurrentProcess: Bool { creator.isCurrent }
}

/// One object per process: a child of fork creates its own, and never uses or releases the copy of
/// its parent's.
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

    /// The object of this process. Calls `abandon` once, with the inherited object, after a fork.
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
