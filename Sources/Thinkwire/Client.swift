import Base
import CThinkwire
import Chat
import Engine

@implementation @_cdecl("tw_client_create")
public func tw_client_create(
    _ options: OpaquePointer?, _ client: UnsafeMutablePointer<OpaquePointer?>?
) -> tw_status {
    client?.pointee = nil
    return status { () throws(ArgumentError) in
        guard let client else {
            throw ArgumentError(
                "client is NULL: pass the address of a tw_client *, which receives the client")
        }
        let options = options.map { Handle.object($0, as: Options.self) } ?? Options()
        client.pointee = Handle.retained(try Client.create(options))
    }
}

@implementation @_cdecl("tw_client_cancel")
public func tw_client_cancel(_ client: OpaquePointer?) {
    if let client { Handle.object(client, as: Client.self).cancelAll() }
}

@implementation @_cdecl("tw_client_destroy")
public func tw_client_destroy(_ client: OpaquePointer?) {
    guard let client else { return }
    // In a child of fork, an exchange of a thread that the child does not have may never release
    // the client. Its inherited connections are therefore closed here and not in a deinit.
    Handle.object(client, as: Client.self).closeInherited()
    Handle.release(client, as: Client.self)
}
