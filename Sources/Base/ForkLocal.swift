import Synchronization

/// An object that a child of fork replaces by one of its own; see `ForkLocal`.
package protocol ForkOwned: AnyObject {
    init()
}

/// One object per process, created on first use: a child of fork creates its own, and never uses or
/// releases the copy of its parent's.
///
/// The copy may be from the middle of a change, and its locks may be held by threads that the child
/// does not have.
///
/// The type itself requires no conformance. It would be looked up at run time where the value is
/// destroyed by another module, and SwiftPM links the debug library without what registers them.
@usableFromInline package struct ForkLocal<Object: AnyObject>: ~Copyable {
    /// A retained `Owned<Object>`; nil before the first use.
    private let current = Atomic<UnsafeMutableRawPointer?>(nil)

    deinit {
        guard let last = current.load(ordering: .acquiring) else { return }
        if Handle.object(last, as: Owned<Object>.self).creator.isCurrent {
            Handle.release(OpaquePointer(last), as: Owned<Object>.self)
        }
    }
}

extension ForkLocal where Object: ForkOwned {
    package init() {}

    /// The object of this process. Calls `abandon` once, with the inherited object, after a fork.
    package func own(abandon: (Object) -> Void = { _ in }) -> Object {
        let known = current.load(ordering: .acquiring)
        let owned = known.map { Handle.object($0, as: Owned<Object>.self) }
        if let owned, owned.creator.isCurrent { return owned.object }
        let new = Handle.retained(Owned(Object()))
        let (isFirst, first) = current.compareExchange(
            expected: known, desired: UnsafeMutableRawPointer(new), ordering: .acquiringAndReleasing
        )
        guard !isFirst, let first else {
            if let owned { abandon(owned.object) }
            return Handle.object(new, as: Owned<Object>.self).object
        }
        Handle.release(new, as: Owned<Object>.self)
        return Handle.object(first, as: Owned<Object>.self).object
    }
}

/// An object and the process that created it.
private final class Owned<Object: AnyObject> {
    let creator = ProcessIdentity()
    let object: Object

    init(_ object: Object) { self.object = object }
}
