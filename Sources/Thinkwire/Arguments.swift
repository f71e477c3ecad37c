import Base
import CPlatform
import CThinkwire
import Chat
import Engine

/// Runs what can fail, and answers as C wants it: a status, its reason kept for `tw_last_error`.
func status(_ body: () throws(ArgumentError) -> Void) -> tw_status {
    do {
        try body()
        return TW_OK
    } catch {
        return fail(error)
    }
}

/// Keeps the reason of a failure for `tw_last_error`.
@discardableResult
func fail(_ error: ArgumentError) -> tw_status {
    guard let line = platform_thread_line() else { return TW_INVALID }
    let text = error.message.text.bytes
    // Cut at a whole character.
    var length = min(text.count, Int(PLATFORM_LINE) - 1)
    while length > 0, length < text.count, text[length] & 0xC0 == 0x80 { length -= 1 }
    if let start = text.baseAddress { memcpy(line, start, length) }
    line[length] = 0
    return TW_INVALID
}

/// The object behind a handle.
func object<Object: AnyObject>(_ handle: OpaquePointer?, _ type: Object.Type, _ name: StaticString)
    throws(ArgumentError) -> Object
{
    guard let handle else { throw ArgumentError(StaticText.bytes(name), " is NULL") }
    return Handle.object(handle, as: type)
}

/// The bytes of a C string.
func text(_ pointer: UnsafePointer<CChar>?, _ name: StaticString) throws(ArgumentError) -> Bytes {
    guard let pointer else { throw ArgumentError(StaticText.bytes(name), " is NULL") }
    return Bytes(cString: pointer)
}

/// The bytes at a pointer, which may be NULL only for none.
func bytes(_ pointer: UnsafeRawPointer?, _ length: Int, _ name: StaticString) throws(ArgumentError)
    -> Bytes
{
    guard length >= 0 else {
        throw ArgumentError(StaticText.bytes(name), " has a length that no memory has")
    }
    guard let pointer else {
        guard length == 0 else { throw ArgumentError(StaticText.bytes(name), " is NULL") }
        return Bytes(start: nil, count: 0)
    }
    return Bytes(start: pointer.assumingMemoryBound(to: UInt8.self), count: length)
}

/// Hands borrowed text to C.
func lend(_ text: Bytes, _ length: UnsafeMutablePointer<Int>?) -> UnsafePointer<CChar> {
    length?.pointee = text.count
    return UnsafeRawPointer(text.baseAddress ?? StaticText.empty).assumingMemoryBound(
        to: CChar.self)
}

func timeoutKind(_ which: tw_timeout) throws(ArgumentError) -> TimeoutKind {
    switch which {
    case TW_TIMEOUT_CONNECT: .connect
    case TW_TIMEOUT_FIRST_BYTE: .firstByte
    case TW_TIMEOUT_IDLE: .idle
    case TW_TIMEOUT_TOTAL: .total
    default: throw ArgumentError("no such timeout: see tw_timeout")
    }
}
