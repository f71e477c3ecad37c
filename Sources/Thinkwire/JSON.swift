import Base
import CThinkwire
import Chat

@implementation @_cdecl("tw_json_parse")
public func tw_json_parse(
    _ text: UnsafePointer<CChar>?, _ length: Int, _ json: UnsafeMutablePointer<OpaquePointer?>?
) -> tw_status {
    json?.pointee = nil
    return status { () throws(ArgumentError) in
        guard let json else {
            throw ArgumentError(
                "json is NULL: pass the address of a tw_json *, which receives the object")
        }
        json.pointee = Handle.retained(try ParsedJSON.parse(bytes(text, length, "text")))
    }
}

@implementation @_cdecl("tw_json_destroy")
public func tw_json_destroy(_ json: OpaquePointer?) {
    if let json { Handle.release(json, as: ParsedJSON.self) }
}

@implementation @_cdecl("tw_json_get")
public func tw_json_get(
    _ json: OpaquePointer?, _ pointer: UnsafePointer<CChar>?, _ length: UnsafeMutablePointer<Int>?
) -> UnsafePointer<CChar>? {
    length?.pointee = 0
    guard let text = at(json, pointer, { $0.text(at: $1) }) else { return nil }
    return lend(text, length)
}

@implementation @_cdecl("tw_json_number")
public func tw_json_number(
    _ json: OpaquePointer?, _ pointer: UnsafePointer<CChar>?, _ missing: Double
) -> Double {
    at(json, pointer, { $0.number(at: $1) }) ?? missing
}

@implementation @_cdecl("tw_json_count")
public func tw_json_count(_ json: OpaquePointer?, _ pointer: UnsafePointer<CChar>?) -> Int {
    at(json, pointer, { $0.count(at: $1) }) ?? 0
}

@implementation @_cdecl("tw_json_type_at")
public func tw_json_type_at(_ json: OpaquePointer?, _ pointer: UnsafePointer<CChar>?)
    -> tw_json_type
{
    at(json, pointer, { $0.type(at: $1) }) ?? TW_JSON_NONE
}

/// What `look` finds at a pointer; nil if an argument is NULL.
private func at<Found>(
    _ json: OpaquePointer?, _ pointer: UnsafePointer<CChar>?, _ look: (ParsedJSON, Bytes) -> Found?
) -> Found? {
    guard let json, let pointer else { return nil }
    return look(Handle.object(json, as: ParsedJSON.self), Bytes(cString: pointer))
}
