import Base
import CPlatform
import CThinkwire
import Chat
import Engine

/// Runs `body` and returns TW_OK, or the status of its error; `tw_last_error` gives the message.
func status(_ body: () throws(ArgumentError) -> Void) -> tw_status {
    do {
        try body()
        return TW_OK
    } catch {
        return fail(error)
    }
}

/// Runs a setter of a request. The request records its first failure.
func edit(_ request: OpaquePointer?, _ body: (Request) throws(ArgumentError) -> Void) -> tw_status {
    guard let request else { return fail(ArgumentError("request is NULL")) }
    let object = Handle.object(request, as: Request.self)
    do { try body(object) } catch {
        object.firstError.record(error)
        return fail(error)
    }
    return TW_OK
}

/// Runs a setter of options. The options record its first failure.
func edit(options: OpaquePointer?, _ body: (Options) throws(ArgumentError) -> Void) -> tw_status {
    guard let options else { return fail(ArgumentError("options is NULL")) }
    let object = Handle.object(options, as: Options.self)
    do { try body(object) } catch {
        object.firstError.record(error)
        return fail(error)
    }
    return TW_OK
}

/// Stores the message of an error for `tw_last_error`, and returns the error's status.
@discardableResult
func fail(_ error: ArgumentError, _ status: tw_status = TW_INVALID) -> tw_status {
    guard let line = platform_thread_line() else { return status }
    let text = error.message.text.bytes
    // A message that is too long is cut before a character, not inside one.
    var length = min(text.count, Int(PLATFORM_LINE) - 1)
    while length > 0, length < text.count, text[length] & 0xC0 == 0x80 { length -= 1 }
    if let start = text.baseAddress { memcpy(line, start, length) }
    line[length] = 0
    return status
}

/// The object of a handle, which must not be NULL.
func object<Object: AnyObject>(_ handle: OpaquePointer?, _ type: Object.Type, _ name: StaticString)
    throws(ArgumentError) -> Object
{
    guard let handle else { throw ArgumentError(StaticText.bytes(name), " is NULL") }
    return Handle.object(handle, as: type)
}

/// The bytes of a C string, which must not be NULL.
func text(_ pointer: UnsafePointer<CChar>?, _ name: StaticString) throws(ArgumentError) -> Bytes {
    guard let pointer else { throw ArgumentError(StaticText.bytes(name), " is NULL") }
    return Bytes(cString: pointer)
}

/// The bytes at a pointer, which may be NULL only if the length is 0.
func bytes(_ pointer: UnsafeRawPointer?, _ length: Int, _ name: StaticString) throws(ArgumentError)
    -> Bytes
{
    guard length >= 0 else {
        throw ArgumentError(StaticText.bytes(name), " has a length that exceeds the address space")
    }
    guard let pointer else {
        guard length == 0 else { throw ArgumentError(StaticText.bytes(name), " is NULL") }
        return Bytes(start: nil, count: 0)
    }
    return Bytes(start: pointer.assumingMemoryBound(to: UInt8.self), count: length)
}

/// The reasoning tags that a caller sets; nil if both are NULL.
func reasoningTags(_ opening: UnsafePointer<CChar>?, _ closing: UnsafePointer<CChar>?)
    throws(ArgumentError) -> ReasoningTags?
{
    try ReasoningTags.of(
        opening: opening.map { Bytes(cString: $0) }, closing: closing.map { Bytes(cString: $0) })
}

/// The pointer to borrowed text, and its length if C asks for it.
func lend(_ text: Bytes, _ length: UnsafeMutablePointer<Int>?) -> UnsafePointer<CChar> {
    length?.pointee = text.count
    return UnsafeRawPointer(text.baseAddress ?? StaticText.empty).assumingMemoryBound(
        to: CChar.self)
}

/// The kind of a timeout, which must be a value of `tw_timeout`.
func timeoutKind(_ which: tw_timeout) throws(ArgumentError) -> TimeoutKind {
    switch which {
    case TW_TIMEOUT_CONNECT: .connect
    case TW_TIMEOUT_FIRST_BYTE: .firstByte
    case TW_TIMEOUT_IDLE: .idle
    case TW_TIMEOUT_TOTAL: .total
    default: throw ArgumentError("unknown timeout: use a value of tw_timeout")
    }
}
