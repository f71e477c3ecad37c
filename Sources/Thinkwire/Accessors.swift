// Accessors of the fields of structs, for languages that cannot read a C struct.

import Base
import CPlatform
import CThinkwire

@implementation @_cdecl("tw_event_get_kind")
public func tw_event_get_kind(_ event: UnsafePointer<tw_event>?) -> tw_event_kind {
    event?.pointee.kind ?? tw_event_kind(0)
}

@implementation @_cdecl("tw_event_get_choice")
public func tw_event_get_choice(_ event: UnsafePointer<tw_event>?) -> Int32 {
    event?.pointee.choice ?? 0
}

@implementation @_cdecl("tw_event_get_text")
public func tw_event_get_text(
    _ event: UnsafePointer<tw_event>?, _ length: UnsafeMutablePointer<Int>?
) -> UnsafePointer<CChar>? {
    length?.pointee = event?.pointee.text_len ?? 0
    return event?.pointee.text ?? StaticText.cString("")
}

@implementation @_cdecl("tw_event_get_tool_index")
public func tw_event_get_tool_index(_ event: UnsafePointer<tw_event>?) -> Int32 {
    event?.pointee.tool_index ?? -1
}

@implementation @_cdecl("tw_event_get_tool_id")
public func tw_event_get_tool_id(_ event: UnsafePointer<tw_event>?) -> UnsafePointer<CChar>? {
    event?.pointee.tool_id ?? StaticText.cString("")
}

@implementation @_cdecl("tw_event_get_tool_name")
public func tw_event_get_tool_name(_ event: UnsafePointer<tw_event>?) -> UnsafePointer<CChar>? {
    event?.pointee.tool_name ?? StaticText.cString("")
}

@implementation @_cdecl("tw_event_get_usage")
public func tw_event_get_usage(_ event: UnsafePointer<tw_event>?) -> UnsafePointer<tw_usage>? {
    event?.pointee.usage ?? unreportedUsage
}

@implementation @_cdecl("tw_event_get_raw")
public func tw_event_get_raw(
    _ event: UnsafePointer<tw_event>?, _ length: UnsafeMutablePointer<Int>?
) -> UnsafePointer<CChar>? {
    length?.pointee = event?.pointee.raw_len ?? 0
    return event?.pointee.raw ?? StaticText.cString("")
}

@implementation @_cdecl("tw_event_get_attempt")
public func tw_event_get_attempt(_ event: UnsafePointer<tw_event>?) -> Int32 {
    event?.pointee.attempt ?? 0
}

@implementation @_cdecl("tw_event_get_status")
public func tw_event_get_status(_ event: UnsafePointer<tw_event>?) -> tw_status {
    event?.pointee.status ?? TW_INVALID
}

@implementation @_cdecl("tw_event_get_wait_ms")
public func tw_event_get_wait_ms(_ event: UnsafePointer<tw_event>?) -> Int64 {
    event?.pointee.wait_ms ?? 0
}

@implementation @_cdecl("tw_event_get_reply")
public func tw_event_get_reply(_ event: UnsafePointer<tw_event>?) -> OpaquePointer? {
    event?.pointee.reply
}

@implementation @_cdecl("tw_usage_get_prompt_tokens")
public func tw_usage_get_prompt_tokens(_ usage: UnsafePointer<tw_usage>?) -> Int64 {
    usage?.pointee.prompt_tokens ?? -1
}

@implementation @_cdecl("tw_usage_get_completion_tokens")
public func tw_usage_get_completion_tokens(_ usage: UnsafePointer<tw_usage>?) -> Int64 {
    usage?.pointee.completion_tokens ?? -1
}

@implementation @_cdecl("tw_usage_get_total_tokens")
public func tw_usage_get_total_tokens(_ usage: UnsafePointer<tw_usage>?) -> Int64 {
    usage?.pointee.total_tokens ?? -1
}

@implementation @_cdecl("tw_usage_get_reasoning_tokens")
public func tw_usage_get_reasoning_tokens(_ usage: UnsafePointer<tw_usage>?) -> Int64 {
    usage?.pointee.reasoning_tokens ?? -1
}

@implementation @_cdecl("tw_usage_get_cached_tokens")
public func tw_usage_get_cached_tokens(_ usage: UnsafePointer<tw_usage>?) -> Int64 {
    usage?.pointee.cached_tokens ?? -1
}

@implementation @_cdecl("tw_usage_get_cost")
public func tw_usage_get_cost(_ usage: UnsafePointer<tw_usage>?) -> Double {
    usage?.pointee.cost ?? -1
}

@implementation @_cdecl("tw_usage_get_cost_unit")
public func tw_usage_get_cost_unit(_ usage: UnsafePointer<tw_usage>?) -> UnsafePointer<CChar>? {
    usage?.pointee.cost_unit ?? StaticText.cString("")
}
