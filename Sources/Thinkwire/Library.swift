import Base
import CPlatform
import CThinkwire
import Chat
import Engine

@implementation @_cdecl("tw_version")
public func tw_version() -> UnsafePointer<CChar>? { platform_version() }

@implementation @_cdecl("tw_status_name")
public func tw_status_name(_ status: tw_status) -> UnsafePointer<CChar>? {
    StaticText.cString(StaticText.name(of: status))
}

@implementation @_cdecl("tw_last_error")
public func tw_last_error() -> UnsafePointer<CChar>? {
    guard let line = platform_thread_line() else { return StaticText.cString("") }
    return UnsafePointer(line)
}
