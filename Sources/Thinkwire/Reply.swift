import Base
import CPlatform
import CThinkwire
import Chat
import Engine

/// The reply of a handle; nil for NULL.
private func reply(_ handle: OpaquePointer?) -> Reply? {
    handle.map { Handle.object($0, as: Reply.self) }
}

/// Usage of which nothing was reported.
var unreportedUsage: UnsafePointer<tw_usage> {
    platform_unreported_usage().assumingMemoryBound(to: tw_usage.self)
}

@implementation @_cdecl("tw_reply_status")
public func tw_reply_status(_ handle: OpaquePointer?) -> tw_status {
    reply(handle)?.status ?? TW_INVALID
}

@implementation @_cdecl("tw_reply_message")
public func tw_reply_message(_ handle: OpaquePointer?) -> UnsafePointer<CChar>? {
    reply(handle)?.message.cString ?? StaticText.cString("reply is NULL")
}

@implementation @_cdecl("tw_reply_attempts")
public func tw_reply_attempts(_ handle: OpaquePointer?) -> Int32 {
    Int32(truncatingIfNeeded: reply(handle)?.attempts ?? 0)
}

@implementation @_cdecl("tw_reply_last_error")
public func tw_reply_last_error(
    _ handle: OpaquePointer?, _ status: UnsafeMutablePointer<tw_status>?
) -> UnsafePointer<CChar>? {
    let reply = reply(handle)
    status?.pointee = reply?.lastAttemptStatus ?? TW_OK
    return reply?.lastAttemptError.cString ?? StaticText.cString("")
}

@implementation @_cdecl("tw_reply_http_status")
public func tw_reply_http_status(_ handle: OpaquePointer?) -> Int32 {
    Int32(truncatingIfNeeded: reply(handle)?.httpStatus ?? 0)
}

@implementation @_cdecl("tw_reply_reasoning")
public func tw_reply_reasoning(_ handle: OpaquePointer?, _ length: UnsafeMutablePointer<Int>?)
    -> UnsafePointer<CChar>?
{
    lend(reply(handle)?.firstChoice?.reasoning.text.bytes ?? StaticText.bytes(""), length)
}

@implementation @_cdecl("tw_reply_content")
public func tw_reply_content(_ handle: OpaquePointer?, _ length: UnsafeMutablePointer<Int>?)
    -> UnsafePointer<CChar>?
{
    lend(reply(handle)?.firstChoice?.content.text.bytes ?? StaticText.bytes(""), length)
}

@implementation @_cdecl("tw_reply_refusal")
public func tw_reply_refusal(_ handle: OpaquePointer?, _ length: UnsafeMutablePointer<Int>?)
    -> UnsafePointer<CChar>?
{
    lend(reply(handle)?.firstChoice?.refusal.text.bytes ?? StaticText.bytes(""), length)
}

@implementation @_cdecl("tw_reply_finish_reason")
public func tw_reply_finish_reason(_ handle: OpaquePointer?) -> UnsafePointer<CChar>? {
    guard let choice = reply(handle)?.firstChoice, !choice.isFinishReasonPremature else {
        return StaticText.cString("")
    }
    return choice.finishReason.cString
}

@implementation @_cdecl("tw_reply_usage")
public func tw_reply_usage(_ handle: OpaquePointer?) -> UnsafePointer<tw_usage>? {
    reply(handle).map { UnsafePointer($0.usage) } ?? unreportedUsage
}

@implementation @_cdecl("tw_reply_tool_call_count")
public func tw_reply_tool_call_count(_ handle: OpaquePointer?) -> Int {
    reply(handle)?.toolCallCount ?? 0
}

@implementation @_cdecl("tw_reply_tool_call")
public func tw_reply_tool_call(_ handle: OpaquePointer?, _ index: Int) -> UnsafePointer<
    tw_tool_call
>? {
    reply(handle)?.toolCall(index)
        ?? UnsafePointer(platform_no_tool_call().assumingMemoryBound(to: tw_tool_call.self))
}

@implementation @_cdecl("tw_reply_model_count")
public func tw_reply_model_count(_ handle: OpaquePointer?) -> Int {
    reply(handle)?.models.count ?? 0
}

@implementation @_cdecl("tw_reply_model")
public func tw_reply_model(_ handle: OpaquePointer?, _ index: Int) -> UnsafePointer<CChar>? {
    reply(handle)?.models.id(at: index) ?? StaticText.cString("")
}

@implementation @_cdecl("tw_reply_timing")
public func tw_reply_timing(_ handle: OpaquePointer?) -> UnsafePointer<tw_timing>? {
    reply(handle).map { UnsafePointer($0.timing) }
        ?? UnsafePointer(platform_no_timing().assumingMemoryBound(to: tw_timing.self))
}

@implementation @_cdecl("tw_reply_header")
public func tw_reply_header(_ handle: OpaquePointer?, _ name: UnsafePointer<CChar>?)
    -> UnsafePointer<CChar>?
{
    guard let reply = reply(handle), let name, let value = reply.headers.value(Bytes(cString: name))
    else { return nil }
    return lend(value, nil)
}

@implementation @_cdecl("tw_reply_request_id")
public func tw_reply_request_id(_ handle: OpaquePointer?) -> UnsafePointer<CChar>? {
    reply(handle)?.requestID.cString ?? StaticText.cString("")
}

@implementation @_cdecl("tw_reply_json")
public func tw_reply_json(_ handle: OpaquePointer?, _ length: UnsafeMutablePointer<Int>?)
    -> UnsafePointer<CChar>?
{
    lend(reply(handle)?.document ?? StaticText.bytes(""), length)
}

@implementation @_cdecl("tw_reply_get")
public func tw_reply_get(
    _ handle: OpaquePointer?, _ pointer: UnsafePointer<CChar>?, _ length: UnsafeMutablePointer<Int>?
) -> UnsafePointer<CChar>? {
    length?.pointee = 0
    guard let reply = reply(handle), let pointer, let value = reply.lookUp(Bytes(cString: pointer))
    else { return nil }
    return lend(value, length)
}

@implementation @_cdecl("tw_reply_retain")
public func tw_reply_retain(_ handle: OpaquePointer?) -> OpaquePointer? {
    handle.map { Handle.retained(Handle.object($0, as: Reply.self)) }
}

@implementation @_cdecl("tw_reply_destroy")
public func tw_reply_destroy(_ handle: OpaquePointer?) {
    if let handle { Handle.release(handle, as: Reply.self) }
}
