/// The one place where references cross into C and come back.
package enum Handle {
    /// A pointer that keeps the object alive until it is given to `release`.
    package static func retained<Object: AnyObject>(_ object: Object) -> OpaquePointer {
        OpaquePointer(Unmanaged.passRetained(object).toOpaque())
    }

    /// A pointer that is good for as long as somebody else keeps the object alive.
    package static func unretained<Object: AnyObject>(_ object: Object) -> UnsafeMutableRawPointer {
        Unmanaged.passUnretained(object).toOpaque()
    }

    @inline(__always)
    package static func object<Object: AnyObject>(_ pointer: OpaquePointer, as type: Object.Type)
        -> Object
    {
        Unmanaged<Object>.fromOpaque(UnsafeRawPointer(pointer)).takeUnretainedValue()
    }

    @inline(__always)
    package static func object<Object: AnyObject>(
        _ pointer: UnsafeMutableRawPointer, as type: Object.Type
    ) -> Object {
        Unmanaged<Object>.fromOpaque(pointer).takeUnretainedValue()
    }

    package static func release<Object: AnyObject>(_ pointer: OpaquePointer, as type: Object.Type) {
        Unmanaged<Object>.fromOpaque(UnsafeRawPointer(pointer)).release()
    }
}

/// An object that somebody else keeps alive, used without counting references. Counting is atomic, and what is done for every chunk
/// must not do it: eight times was a seventh of what a chunk costs.
package struct UnretainedReference<Object: AnyObject> {
    private let object: Unmanaged<Object>

    @inline(__always)
    package init(_ object: Object) { self.object = .passUnretained(object) }

    /// Of a pointer that `Handle.unretained` has given.
    @inline(__always)
    package init(_ pointer: UnsafeMutableRawPointer) { object = .fromOpaque(pointer) }

    @inline(__always)
    package func with<Result>(_ use: (Object) -> Result) -> Result {
        object._withUnsafeGuaranteedRef(use)
    }
}
