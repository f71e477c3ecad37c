/// Converts object references to C pointers and back. No other code uses `Unmanaged` for this.
package enum Handle {
    /// A pointer that owns a reference. The reference is released by `release`.
    package static func retained<Object: AnyObject>(_ object: Object) -> OpaquePointer {
        OpaquePointer(Unmanaged.passRetained(object).toOpaque())
    }

    /// A pointer that owns no reference; valid while another owner keeps the object alive.
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
