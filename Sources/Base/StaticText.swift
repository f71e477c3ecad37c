/// Access to the bytes of string literals, which are static and end in a NUL.
package enum StaticText {
    package static var empty: UnsafePointer<UInt8> { of("") }

    @inline(__always)
    package static func of(_ text: StaticString) -> UnsafePointer<UInt8> { text.utf8Start }

    package static func cString(_ text: StaticString) -> UnsafePointer<CChar> {
        UnsafeRawPointer(text.utf8Start).assumingMemoryBound(to: CChar.self)
    }

    @inline(__always)
    package static func bytes(_ text: StaticString) -> Bytes {
        Bytes(start: text.utf8Start, count: text.utf8CodeUnitCount)
    }
}
