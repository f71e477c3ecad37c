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
            throw ArgumentError("client is NULL: give the address of a tw_client * to put it in")
        }
        let options = options.map { Handle.object($0, as: Options.self) } ?? Options()
        client.pointee = Handle.retained(try Client.create(options))
    }
}

@implementation @_cdecl("tw_client_destroy")
public func tw_client_destroy(_ client: OpaquePointer?) {
    guard let client else { return }
    // Exchanges of threads that this process does not have may keep it for ever.
    Handle.object(client, as: Client.self).leaveInherited()
    Handle.release(client, as: Client.self)
}
