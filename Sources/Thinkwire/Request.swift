import Base
import CPlatform
import CThinkwire
import Chat
import Engine

@implementation @_cdecl("tw_request_create")
public func tw_request_create(_ model: UnsafePointer<CChar>?) -> OpaquePointer? {
    do { return Handle.retained(try Request.create(model: text(model, "model"))) } catch {
        fail(error)
        return nil
    }
}

@implementation @_cdecl("tw_request_parse")
public func tw_request_parse(
    _ json: UnsafePointer<CChar>?, _ length: Int, _ request: UnsafeMutablePointer<OpaquePointer?>?
) -> tw_status {
    request?.pointee = nil
    return status { () throws(ArgumentError) in
        guard let request else {
            throw ArgumentError(
                "request is NULL: pass the address of a tw_request *, which receives the request")
        }
        request.pointee = Handle.retained(try Request.parse(bytes(json, length, "json")))
    }
}

@implementation @_cdecl("tw_request_copy")
public func tw_request_copy(_ request: OpaquePointer?) -> OpaquePointer? {
    do { return Handle.retained(try object(request, Request.self, "request").copy()) } catch {
        fail(error)
        return nil
    }
}

@implementation @_cdecl("tw_request_destroy")
public func tw_request_destroy(_ request: OpaquePointer?) {
    if let request { Handle.release(request, as: Request.self) }
}

@implementation @_cdecl("tw_request_add_message")
public func tw_request_add_message(
    _ request: OpaquePointer?, _ role: UnsafePointer<CChar>?, _ content: UnsafePointer<CChar>?
) -> tw_status {
    edit(request) { request throws(ArgumentError) in
        try request.addMessage(
            role: text(role, "role"), text: text(content, "text"))
    }
}

@implementation @_cdecl("tw_request_add_message_json")
public func tw_request_add_message_json(
    _ request: OpaquePointer?, _ json: UnsafePointer<CChar>?, _ length: Int
) -> tw_status {
    edit(request) { request throws(ArgumentError) in
        try request.addMessage(json: bytes(json, length, "json"))
    }
}

@implementation @_cdecl("tw_request_add_tool_result")
public func tw_request_add_tool_result(
    _ request: OpaquePointer?, _ id: UnsafePointer<CChar>?, _ content: UnsafePointer<CChar>?
) -> tw_status {
    edit(request) { request throws(ArgumentError) in
        try request.addToolResult(
            id: text(id, "tool_call_id"), text: text(content, "text"))
    }
}

@implementation @_cdecl("tw_request_add_reply")
public func tw_request_add_reply(_ request: OpaquePointer?, _ reply: OpaquePointer?) -> tw_status {
    edit(request) { request throws(ArgumentError) in
        try request.addReply(object(reply, Reply.self, "reply"))
    }
}

@implementation @_cdecl("tw_request_add_tool")
public func tw_request_add_tool(
    _ request: OpaquePointer?, _ name: UnsafePointer<CChar>?, _ description: UnsafePointer<CChar>?,
    _ parameters: UnsafePointer<CChar>?
) -> tw_status {
    edit(request) { request throws(ArgumentError) in
        try request.addTool(
            name: text(name, "name"), description: description.map { Bytes(cString: $0) },
            parameters: parameters.map { Bytes(cString: $0) })
    }
}

@implementation @_cdecl("tw_request_add_image_url")
public func tw_request_add_image_url(
    _ request: OpaquePointer?, _ url: UnsafePointer<CChar>?, _ detail: UnsafePointer<CChar>?
) -> tw_status {
    edit(request) { request throws(ArgumentError) in
        try request.addImage(
            url: text(url, "url"), detail: detail.map { Bytes(cString: $0) })
    }
}

@implementation @_cdecl("tw_request_add_image")
public func tw_request_add_image(
    _ request: OpaquePointer?, _ image: UnsafeRawPointer?, _ length: Int,
    _ detail: UnsafePointer<CChar>?
) -> tw_status {
    edit(request) { request throws(ArgumentError) in
        try request.addImage(
            bytes: bytes(image, length, "bytes"), detail: detail.map { Bytes(cString: $0) })
    }
}

@implementation @_cdecl("tw_request_add_image_file")
public func tw_request_add_image_file(
    _ request: OpaquePointer?, _ path: UnsafePointer<CChar>?, _ detail: UnsafePointer<CChar>?
) -> tw_status {
    edit(request) { request throws(ArgumentError) in
        guard let path else { throw ArgumentError("path is NULL") }
        try request.addImage(file: path, detail: detail.map { Bytes(cString: $0) })
    }
}

@implementation @_cdecl("tw_request_set")
public func tw_request_set(
    _ request: OpaquePointer?, _ field: UnsafePointer<CChar>?, _ json: UnsafePointer<CChar>?
) -> tw_status {
    edit(request) { request throws(ArgumentError) in
        try request.set(
            text(field, "field"), to: json.map { Bytes(cString: $0) })
    }
}

@implementation @_cdecl("tw_request_set_string")
public func tw_request_set_string(
    _ request: OpaquePointer?, _ field: UnsafePointer<CChar>?, _ value: UnsafePointer<CChar>?
) -> tw_status {
    edit(request) { request throws(ArgumentError) in
        let field = try text(field, "field")
        let value = try text(value, "text")
        guard isUTF8(value) else { throw ArgumentError(field, " is not UTF-8") }
        var json = ByteBuffer()
        json.append(jsonString: value)
        try request.set(field, to: json.bytes)
    }
}

@implementation @_cdecl("tw_request_set_number")
public func tw_request_set_number(
    _ request: OpaquePointer?, _ field: UnsafePointer<CChar>?, _ number: Double
) -> tw_status {
    edit(request) { request throws(ArgumentError) in
        let field = try text(field, "field")
        guard number.isFinite else { throw ArgumentError(field, " is not a finite number") }
        try withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(PLATFORM_NUMBER)) {
            digits throws(ArgumentError) in
            platform_write_number(number, digits.baseAddress!)
            try request.set(field, to: Bytes(cString: digits.baseAddress!))
        }
    }
}

@implementation @_cdecl("tw_request_set_bool")
public func tw_request_set_bool(
    _ request: OpaquePointer?, _ field: UnsafePointer<CChar>?, _ yes: Int32
) -> tw_status {
    edit(request) { request throws(ArgumentError) in
        try request.set(text(field, "field"), to: StaticText.bytes(yes != 0 ? "true" : "false"))
    }
}

@implementation @_cdecl("tw_request_set_thinking")
public func tw_request_set_thinking(_ request: OpaquePointer?, _ mode: tw_thinking, _ budget: Int64)
    -> tw_status
{
    edit(request) { request throws(ArgumentError) in
        try request.setThinking(mode, budget: budget)
    }
}

@implementation @_cdecl("tw_request_set_starts_thinking")
public func tw_request_set_starts_thinking(_ request: OpaquePointer?, _ yes: Int32) -> tw_status {
    edit(request) { request throws(ArgumentError) in
        request.startsInsideThink = yes != 0
    }
}

@implementation @_cdecl("tw_request_set_reasoning_tags")
public func tw_request_set_reasoning_tags(
    _ request: OpaquePointer?, _ opening: UnsafePointer<CChar>?, _ closing: UnsafePointer<CChar>?
) -> tw_status {
    edit(request) { request throws(ArgumentError) in
        request.reasoningTags = try reasoningTags(opening, closing)
    }
}

@implementation @_cdecl("tw_request_set_timeout")
public func tw_request_set_timeout(
    _ request: OpaquePointer?, _ which: tw_timeout, _ milliseconds: Int64
) -> tw_status {
    edit(request) { request throws(ArgumentError) in
        try request.set(
            timeoutKind(which), milliseconds: milliseconds)
    }
}

@implementation @_cdecl("tw_request_error")
public func tw_request_error(_ request: OpaquePointer?) -> UnsafePointer<CChar>? {
    guard let request else { return StaticText.cString("request is NULL") }
    return Handle.object(request, as: Request.self).firstError.message
}

@implementation @_cdecl("tw_request_clear_error")
public func tw_request_clear_error(_ request: OpaquePointer?) {
    if let request { Handle.object(request, as: Request.self).firstError.clear() }
}

@implementation @_cdecl("tw_request_json")
public func tw_request_json(_ request: OpaquePointer?, _ length: UnsafeMutablePointer<Int>?)
    -> UnsafePointer<CChar>?
{
    lend(request.map { Handle.object($0, as: Request.self).json } ?? StaticText.bytes(""), length)
}
