import Base
import CPlatform
import CThinkwire
import Chat
import Engine

/// A chat; if an argument is NULL, one that has ended with TW_INVALID.
private func driver(_ client: OpaquePointer?, _ request: OpaquePointer?, wantsStream: Bool)
    -> BlockingDriver
{
    guard let client else { return BlockingDriver(Exchange(rejecting: "client is NULL")) }
    guard let request else { return BlockingDriver(Exchange(rejecting: "request is NULL")) }
    return BlockingDriver(
        Handle.object(client, as: Client.self), Handle.object(request, as: Request.self),
        wantsStream: wantsStream)
}

@implementation @_cdecl("tw_chat_send")
public func tw_chat_send(_ client: OpaquePointer?, _ request: OpaquePointer?) -> OpaquePointer? {
    let driver = driver(client, request, wantsStream: false)
    driver.run(nil, nil)
    return Handle.retained(driver.close())
}

@implementation @_cdecl("tw_chat_stream")
public func tw_chat_stream(
    _ client: OpaquePointer?, _ request: OpaquePointer?, _ function: tw_event_fn?,
    _ userdata: UnsafeMutableRawPointer?
) -> OpaquePointer? {
    let driver = driver(client, request, wantsStream: true)
    driver.run(function, userdata)
    return Handle.retained(driver.close())
}

@implementation @_cdecl("tw_chat_open")
public func tw_chat_open(_ client: OpaquePointer?, _ request: OpaquePointer?) -> OpaquePointer? {
    Handle.retained(driver(client, request, wantsStream: true))
}

@implementation @_cdecl("tw_chat_open_unstreamed")
public func tw_chat_open_unstreamed(_ client: OpaquePointer?, _ request: OpaquePointer?)
    -> OpaquePointer?
{
    Handle.retained(driver(client, request, wantsStream: false))
}

/// An exchange that requests the list of models; if `client` is NULL, one that has ended with
/// TW_INVALID.
private func driver(listingModelsOf client: OpaquePointer?) -> BlockingDriver {
    guard let client else { return BlockingDriver(Exchange(rejecting: "client is NULL")) }
    return BlockingDriver(listingModelsOf: Handle.object(client, as: Client.self))
}

@implementation @_cdecl("tw_models_send")
public func tw_models_send(_ client: OpaquePointer?) -> OpaquePointer? {
    let driver = driver(listingModelsOf: client)
    driver.run(nil, nil)
    return Handle.retained(driver.close())
}

@implementation @_cdecl("tw_models_open")
public func tw_models_open(_ client: OpaquePointer?) -> OpaquePointer? {
    Handle.retained(driver(listingModelsOf: client))
}

@implementation @_cdecl("tw_chat_next")
public func tw_chat_next(
    _ chat: OpaquePointer?, _ event: UnsafeMutablePointer<UnsafePointer<tw_event>?>?,
    _ timeout: Int32
) -> tw_next {
    event?.pointee = nil
    return next(chat, timeout) { _, found in event?.pointee = found }
}

@implementation @_cdecl("tw_chat_next_batch")
public func tw_chat_next_batch(
    _ chat: OpaquePointer?, _ batch: UnsafeMutablePointer<UnsafePointer<tw_batch>?>?,
    _ timeout: Int32
) -> tw_next {
    batch?.pointee = nil
    return next(chat, timeout) { driver, first in
        let found = driver.batch(from: first)
        batch?.pointee = found
    }
}

/// Waits for the next event and passes it to `take`.
@inline(__always)
private func next(
    _ chat: OpaquePointer?, _ timeout: Int32,
    _ take: (BlockingDriver, UnsafePointer<tw_event>) -> Void
) -> tw_next {
    guard let chat else {
        fail(ArgumentError("chat is NULL"))
        return TW_NEXT_END
    }
    guard let driver = blockingDriver(chat) else { return TW_NEXT_END }
    switch driver.next(until: timeout < 0 ? .max : platform_now() + Int64(timeout) * 1_000_000) {
    case .event(let event):
        take(driver, event)
        return TW_NEXT_EVENT
    case .pending: return TW_NEXT_TIMEOUT
    case .ended: return TW_NEXT_END
    }
}

@implementation @_cdecl("tw_chat_run")
public func tw_chat_run(
    _ chat: OpaquePointer?, _ function: tw_event_fn?, _ userdata: UnsafeMutableRawPointer?
) -> tw_status {
    guard let chat else { return fail(ArgumentError("chat is NULL")) }
    guard let driver = blockingDriver(chat) else { return TW_MISUSE }
    driver.run(function, userdata)
    let status = driver.reply.status
    if status != TW_OK { fail(ArgumentError(driver.reply.message.bytes, "")) }
    return status
}

@implementation @_cdecl("tw_chat_cancel")
public func tw_chat_cancel(_ chat: OpaquePointer?) {
    if let chat { Handle.object(chat, as: ChatDriver.self).cancel() }
}

@implementation @_cdecl("tw_chat_close")
public func tw_chat_close(_ chat: OpaquePointer?) -> OpaquePointer? {
    guard let chat else {
        fail(ArgumentError("chat is NULL"))
        return nil
    }
    guard let driver = blockingDriver(chat) else { return nil }
    let reply = Handle.retained(driver.close())
    Handle.release(chat, as: ChatDriver.self)
    return reply
}

@implementation @_cdecl("tw_chat_pause")
public func tw_chat_pause(_ chat: OpaquePointer?) -> tw_status { setPaused(chat, true) }

@implementation @_cdecl("tw_chat_resume")
public func tw_chat_resume(_ chat: OpaquePointer?) -> tw_status { setPaused(chat, false) }

private func setPaused(_ chat: OpaquePointer?, _ isPaused: Bool) -> tw_status {
    guard let chat else { return fail(ArgumentError("chat is NULL")) }
    guard let chat = Handle.object(chat, as: ChatDriver.self).loopChat else {
        return fail(
            ArgumentError(
                "the chat belongs to no loop: it is paused while tw_chat_next is not called"),
            TW_MISUSE)
    }
    guard chat.setPaused(isPaused) else { return fail(inheritedLoop, TW_MISUSE) }
    return TW_OK
}

/// The driver of a chat that belongs to no loop and runs no callback; otherwise nil, and
/// `tw_last_error` says why.
private func blockingDriver(_ chat: OpaquePointer) -> BlockingDriver? {
    guard let driver = Handle.object(chat, as: ChatDriver.self).blocking else {
        fail(
            ArgumentError(
                """
                the chat belongs to a loop: tw_loop_poll delivers its events and its reply
                """))
        return nil
    }
    guard !driver.isInCallback else {
        fail(misuse)
        return nil
    }
    return driver
}

/// The error of a call that an exchange's own callback makes.
private var misuse: ArgumentError {
    ArgumentError(
        """
        not allowed in a callback of the same chat: to end the exchange, return a value other \
        than 0
        """)
}
