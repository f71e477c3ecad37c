/// A reference to an object that another owner keeps alive, without reference counting.
///
/// Reference counts are atomic and therefore slow: eight operations per chunk were a seventh of the
/// cost of a chunk.
package struct UnretainedReference<Object: AnyObject> {
    private let object: Unmanaged<Object>

    @inline(__always)
    package init(_ object: Object) { self.object = .passUnretained(object) }

    /// Creates a reference from a pointer that `Handle.unretained` returned.
    @inline(__always)
    package init(_ pointer: UnsafeMutableRawPointer) { object = .fromOpaque(pointer) }

    @inline(__always)
    package func with<Result>(_ use: (Object) -> Result) -> Result {
        object._withUnsafeGuaranteedRef(use)
    }

    package func refers(to other: Object) -> Bool { with { $0 === other } }
}
