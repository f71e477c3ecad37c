/// The first setter of an object that failed. A caller who ignores the results of setters gets its
/// message when the object is used.
package struct FirstError {
    package private(set) var error: ArgumentError?

    package init() {}

    /// The text for C; "" if no setter has failed. Valid until `clear`.
    package var message: UnsafePointer<CChar> {
        error?.message.text.cString ?? StaticText.cString("")
    }

    package mutating func record(_ error: ArgumentError) {
        if self.error == nil { self.error = error }
    }

    package mutating func clear() { error = nil }
}
