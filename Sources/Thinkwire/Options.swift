import Base
import CThinkwire
import Chat
import Engine

@implementation @_cdecl("tw_options_create")
public func tw_options_create() -> OpaquePointer? { Handle.retained(Options()) }

@implementation @_cdecl("tw_options_destroy")
public func tw_options_destroy(_ options: OpaquePointer?) {
    if let options { Handle.release(options, as: Options.self) }
}

@implementation @_cdecl("tw_options_set_base_url")
public func tw_options_set_base_url(_ options: OpaquePointer?, _ url: UnsafePointer<CChar>?)
    -> tw_status
{
    edit(options: options) { options throws(ArgumentError) in
        try options.set(baseURL: text(url, "url"))
    }
}

@implementation @_cdecl("tw_options_set_api_key")
public func tw_options_set_api_key(_ options: OpaquePointer?, _ key: UnsafePointer<CChar>?)
    -> tw_status
{
    edit(options: options) { options throws(ArgumentError) in
        try options.set(
            key: bytes(key, key.map { Bytes(cString: $0).count } ?? 0, "key"))
    }
}

@implementation @_cdecl("tw_options_set_header")
public func tw_options_set_header(
    _ options: OpaquePointer?, _ name: UnsafePointer<CChar>?, _ value: UnsafePointer<CChar>?
) -> tw_status {
    edit(options: options) { options throws(ArgumentError) in
        try options.set(
            header: text(name, "name"), to: value.map { Bytes(cString: $0) })
    }
}

@implementation @_cdecl("tw_options_set_timeout")
public func tw_options_set_timeout(
    _ options: OpaquePointer?, _ which: tw_timeout, _ milliseconds: Int64
) -> tw_status {
    edit(options: options) { options throws(ArgumentError) in
        try options.set(
            timeoutKind(which), milliseconds: milliseconds)
    }
}

@implementation @_cdecl("tw_options_set_comments_keep_alive")
public func tw_options_set_comments_keep_alive(_ options: OpaquePointer?, _ yes: Int32) -> tw_status
{
    edit(options: options) { options throws(ArgumentError) in
        options.commentsKeepAlive = yes != 0
    }
}

@implementation @_cdecl("tw_options_set_require_finish")
public func tw_options_set_require_finish(_ options: OpaquePointer?, _ yes: Int32) -> tw_status {
    edit(options: options) { options throws(ArgumentError) in
        options.requiresFinish = yes != 0
    }
}

@implementation @_cdecl("tw_options_set_retries")
public func tw_options_set_retries(_ options: OpaquePointer?, _ count: Int32) -> tw_status {
    edit(options: options) { options throws(ArgumentError) in
        try options.set(retries: Int(count))
    }
}

@implementation @_cdecl("tw_options_set_limit")
public func tw_options_set_limit(_ options: OpaquePointer?, _ which: tw_limit, _ bytes: Int64)
    -> tw_status
{
    edit(options: options) { options throws(ArgumentError) in
        try options.set(which, bytes: bytes)
    }
}

@implementation @_cdecl("tw_options_set_proxy")
public func tw_options_set_proxy(_ options: OpaquePointer?, _ proxy: UnsafePointer<CChar>?)
    -> tw_status
{
    edit(options: options) { options throws(ArgumentError) in
        try options.set(proxy: proxy.map { Bytes(cString: $0) })
    }
}

@implementation @_cdecl("tw_options_set_no_proxy")
public func tw_options_set_no_proxy(_ options: OpaquePointer?, _ hosts: UnsafePointer<CChar>?)
    -> tw_status
{
    edit(options: options) { options throws(ArgumentError) in
        options.set(
            unproxiedHosts: hosts.map { Bytes(cString: $0) })
    }
}

@implementation @_cdecl("tw_options_set_ca_file")
public func tw_options_set_ca_file(_ options: OpaquePointer?, _ path: UnsafePointer<CChar>?)
    -> tw_status
{
    edit(options: options) { options throws(ArgumentError) in
        try options.set(
            certificates: path.map { Bytes(cString: $0) })
    }
}

@implementation @_cdecl("tw_options_set_ca_directory")
public func tw_options_set_ca_directory(_ options: OpaquePointer?, _ path: UnsafePointer<CChar>?)
    -> tw_status
{
    edit(options: options) { options throws(ArgumentError) in
        try options.set(
            certificateDirectory: path.map { Bytes(cString: $0) })
    }
}

@implementation @_cdecl("tw_options_set_http_version")
public func tw_options_set_http_version(_ options: OpaquePointer?, _ version: tw_http_version)
    -> tw_status
{
    edit(options: options) { options throws(ArgumentError) in
        try options.set(version)
    }
}

@implementation @_cdecl("tw_options_set_dialect")
public func tw_options_set_dialect(_ options: OpaquePointer?, _ dialect: tw_dialect) -> tw_status {
    edit(options: options) { options throws(ArgumentError) in
        try options.set(dialect)
    }
}

@implementation @_cdecl("tw_options_set_reasoning_tags")
public func tw_options_set_reasoning_tags(
    _ options: OpaquePointer?, _ opening: UnsafePointer<CChar>?, _ closing: UnsafePointer<CChar>?
) -> tw_status {
    edit(options: options) { options throws(ArgumentError) in
        options.reasoningTags = try reasoningTags(opening, closing)
    }
}

@implementation @_cdecl("tw_options_set_reasoning_replay")
public func tw_options_set_reasoning_replay(
    _ options: OpaquePointer?, _ replay: UnsafePointer<CChar>?
) -> tw_status {
    edit(options: options) { options throws(ArgumentError) in
        try options.set(reasoningReplay: text(replay, "replay"))
    }
}

@implementation @_cdecl("tw_options_allow_cleartext")
public func tw_options_allow_cleartext(_ options: OpaquePointer?, _ host: UnsafePointer<CChar>?)
    -> tw_status
{
    edit(options: options) { options throws(ArgumentError) in
        try options.allowCleartext(host: text(host, "host"))
    }
}

@implementation @_cdecl("tw_options_error")
public func tw_options_error(_ options: OpaquePointer?) -> UnsafePointer<CChar>? {
    guard let options else { return StaticText.cString("options is NULL") }
    return Handle.object(options, as: Options.self).firstError.message
}

@implementation @_cdecl("tw_options_clear_error")
public func tw_options_clear_error(_ options: OpaquePointer?) {
    if let options { Handle.object(options, as: Options.self).firstError.clear() }
}

@implementation @_cdecl("tw_options_set_log")
public func tw_options_set_log(
    _ options: OpaquePointer?, _ function: tw_log_fn?, _ userdata: UnsafeMutableRawPointer?
) -> tw_status {
    edit(options: options) { options throws(ArgumentError) in
        options.set(log: function, userdata: userdata)
    }
}
