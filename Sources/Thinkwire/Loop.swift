import Base
import CPlatform
import CThinkwire
import Chat
import Engine

@implementation @_cdecl("tw_loop_create")
public func tw_loop_create(_ client: OpaquePointer?) -> OpaquePointer? {
    guard let client else {
        fail(ArgumentError("client is NULL"))
        return nil
    }
    guard let loop = Loop.create(Handle.object(client, as: Client.self)) else {
        fail(
            ArgumentError(
                """
                the system has no file descriptors left: close some, or raise the limit (ulimit -n)
                """))
        return nil
    }
    return Handle.retained(loop)
}

@implementation @_cdecl("tw_loop_set_limit")
public func tw_loop_set_limit(_ loop: OpaquePointer?, _ which: tw_loop_limit, _ number: Int64)
    -> tw_status
{
    guard let loop else { return fail(ArgumentError("loop is NULL")) }
    let object = Handle.object(loop, as: Loop.self)
    guard object.isCurrentProcess else { return fail(inheritedLoop, TW_MISUSE) }
    return status { () throws(ArgumentError) in
        switch which {
        case TW_LOOP_EXCHANGES:
            guard number > 0 else { throw ArgumentError("the number of exchanges is below 1") }
            object.set(.exchanges, Int(number))
        case TW_LOOP_CONNECTIONS:
            guard number >= 0 else { throw ArgumentError("the number of connections is negative") }
            object.set(.connections, Int(min(number, Int64(Int32.max))))
        default: throw ArgumentError("unknown limit: use a value of tw_loop_limit")
        }
    }
}

@implementation @_cdecl("tw_loop_start")
public func tw_loop_start(
    _ loop: OpaquePointer?, _ request: OpaquePointer?, _ function: tw_event_fn?,
    _ userdata: UnsafeMutableRawPointer?
) -> OpaquePointer? {
    let request = request.map { Handle.object($0, as: Request.self) }
    return start(on: loop) { $0.start(request, wantsStream: true, function, userdata) }
}

@implementation @_cdecl("tw_loop_start_unstreamed")
public func tw_loop_start_unstreamed(
    _ loop: OpaquePointer?, _ request: OpaquePointer?, _ function: tw_event_fn?,
    _ userdata: UnsafeMutableRawPointer?
) -> OpaquePointer? {
    let request = request.map { Handle.object($0, as: Request.self) }
    return start(on: loop) { $0.start(request, wantsStream: false, function, userdata) }
}

@implementation @_cdecl("tw_loop_start_models")
public func tw_loop_start_models(
    _ loop: OpaquePointer?, _ function: tw_event_fn?, _ userdata: UnsafeMutableRawPointer?
) -> OpaquePointer? {
    start(on: loop) { $0.startModelList(function, userdata) }
}

private func start(on loop: OpaquePointer?, _ start: (Loop) -> LoopChat?) -> OpaquePointer? {
    guard let loop else {
        fail(ArgumentError("loop is NULL"))
        return nil
    }
    let object = Handle.object(loop, as: Loop.self)
    guard object.isCurrentProcess else {
        fail(inheritedLoop, TW_MISUSE)
        return nil
    }
    guard let chat = start(object) else {
        fail(ArgumentError("the loop is being destroyed: no exchange can be started"), TW_MISUSE)
        return nil
    }
    // The loop owns the chat.
    return OpaquePointer(Handle.unretained(chat))
}

@implementation @_cdecl("tw_loop_poll")
public func tw_loop_poll(_ loop: OpaquePointer?, _ timeout: Int32) -> Int32 {
    guard let loop else { return negated(fail(ArgumentError("loop is NULL"))) }
    let object = Handle.object(loop, as: Loop.self)
    guard object.isCurrentProcess else { return negated(fail(inheritedLoop, TW_MISUSE)) }
    guard !object.isInCallback else { return negated(fail(callInCallback, TW_MISUSE)) }
    let deadline = timeout < 0 ? .max : platform_now() + Int64(timeout) * 1_000_000
    return Int32(clamping: object.poll(until: deadline))
}

private func negated(_ status: tw_status) -> Int32 { -Int32(status.rawValue) }

@implementation @_cdecl("tw_loop_fd")
public func tw_loop_fd(_ loop: OpaquePointer?) -> Int32 {
    loop.map { Handle.object($0, as: Loop.self).descriptor } ?? -1
}

@implementation @_cdecl("tw_loop_wake")
public func tw_loop_wake(_ loop: OpaquePointer?) {
    if let loop { Handle.object(loop, as: Loop.self).wake() }
}

@implementation @_cdecl("tw_loop_active")
public func tw_loop_active(_ loop: OpaquePointer?) -> Int {
    loop.map { Handle.object($0, as: Loop.self).activeCount } ?? 0
}

@implementation @_cdecl("tw_loop_destroy")
public func tw_loop_destroy(_ loop: OpaquePointer?) {
    guard let loop else { return }
    let object = Handle.object(loop, as: Loop.self)
    guard !object.isInCallback else {
        fail(callInCallback, TW_MISUSE)
        return
    }
    object.destroy()
    Handle.release(loop, as: Loop.self)
}

private var callInCallback: ArgumentError {
    ArgumentError("not allowed in a callback of the same loop: call it after tw_loop_poll returned")
}

var inheritedLoop: ArgumentError {
    ArgumentError(
        """
        the loop was created in another process, before a fork; create another one here
        """)
}
