import Base
import CThinkwire
import Chat

/// The event that the caller sees, in memory that stays in place until the next one.
struct EventStorage: ~Copyable {
    private let storage = UnsafeMutablePointer<tw_event>.allocate(capacity: 1)

    init() { storage.initialize(to: newEvent(TW_EVENT_CONTENT)) }

    deinit { storage.deallocate() }

    /// An event of the answer.
    @inline(__always)
    func store(_ next: Event, of reply: Reply, raw: Bytes) -> UnsafePointer<tw_event> {
        guard isPiece(next.kind), isPiece(storage.pointee.kind) else {
            return storeAny(next, of: reply, raw: raw)
        }
        // Pieces of text follow each other, and the other members do not change.
        let choice = reply.choices[next.choice]
        let text =
            switch next.kind {
            case TW_EVENT_REASONING: choice.reasoning.text.start
            case TW_EVENT_CONTENT: choice.content.text.start
            default: choice.refusal.text.start
            }
        storage.pointee.kind = next.kind
        storage.pointee.choice = Int32(truncatingIfNeeded: choice.index)
        storage.pointee.text = UnsafeRawPointer(text + next.range.lowerBound)
            .assumingMemoryBound(to: CChar.self)
        storage.pointee.text_len = next.range.count
        storage.pointee.raw = UnsafeRawPointer(raw.baseAddress ?? StaticText.empty)
            .assumingMemoryBound(to: CChar.self)
        storage.pointee.raw_len = raw.count
        return UnsafePointer(storage)
    }

    @inline(__always)
    private func isPiece(_ kind: tw_event_kind) -> Bool {
        kind.rawValue <= TW_EVENT_REFUSAL.rawValue
    }

    @inline(never)
    private func storeAny(_ next: Event, of reply: Reply, raw: Bytes) -> UnsafePointer<tw_event> {
        var event = newEvent(next.kind)
        event.raw = UnsafeRawPointer(raw.baseAddress ?? StaticText.empty)
            .assumingMemoryBound(to: CChar.self)
        event.raw_len = raw.count
        var text = StaticText.empty
        if next.kind == TW_EVENT_USAGE {
            event.usage = UnsafePointer(reply.usage)
        } else {
            let choice = reply.choices[next.choice]
            event.choice = Int32(truncatingIfNeeded: choice.index)
            switch next.kind {
            case TW_EVENT_REASONING:
                text = choice.reasoning.text.start
            case TW_EVENT_CONTENT:
                text = choice.content.text.start
            case TW_EVENT_REFUSAL:
                text = choice.refusal.text.start
            case TW_EVENT_TOOL_CALL:
                let call = choice.toolCalls[next.tool]
                text = call.arguments.text.start
                event.tool_index = Int32(truncatingIfNeeded: next.tool)
                event.tool_id = call.id.cString
                event.tool_name = call.name.cString
            default:
                text = choice.finishReason.start
            }
        }
        event.text = UnsafeRawPointer(text + next.range.lowerBound)
            .assumingMemoryBound(to: CChar.self)
        event.text_len = next.range.count
        storage.initialize(to: event)
        return UnsafePointer(storage)
    }

    /// The announcement of a retry.
    func storeRetry(of reply: Reply, wait: Int64) -> UnsafePointer<tw_event> {
        var event = newEvent(TW_EVENT_RETRY)
        event.text = reply.lastAttemptError.cString
        event.text_len = reply.lastAttemptError.count
        event.raw = StaticText.cString("")
        event.attempt = Int32(truncatingIfNeeded: reply.attempts + 1)
        event.status = reply.lastAttemptStatus
        event.wait_ms = wait / millisecond
        storage.initialize(to: event)
        return UnsafePointer(storage)
    }

    /// The end of an exchange, with its reply.
    func storeDone(of reply: Reply) -> UnsafePointer<tw_event> {
        var event = newEvent(TW_EVENT_DONE)
        event.text = reply.message.cString
        event.text_len = reply.message.count
        event.raw = StaticText.cString("")
        event.status = reply.status
        event.reply = OpaquePointer(Handle.unretained(reply))
        storage.initialize(to: event)
        return UnsafePointer(storage)
    }

    private func newEvent(_ kind: tw_event_kind) -> tw_event {
        var event = tw_event()
        event.size = MemoryLayout<tw_event>.size
        event.kind = kind
        event.tool_index = -1
        return event
    }
}
