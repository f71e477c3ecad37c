import Base
import CThinkwire

/// Pieces of text that the caller receives together, copied into arrays.
package final class EventBatch {
    private static let capacity = 256
    /// What is larger is delivered as an event, without a copy.
    private static let largestPiece = 1 << 20

    private let batch = UnsafeMutablePointer<tw_batch>.allocate(capacity: 1)
    private let kinds = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity)
    private let choices = UnsafeMutablePointer<Int32>.allocate(capacity: capacity)
    private let textEnds = UnsafeMutablePointer<UInt32>.allocate(capacity: capacity)
    private let rawStarts = UnsafeMutablePointer<UInt32>.allocate(capacity: capacity)
    private let rawEnds = UnsafeMutablePointer<UInt32>.allocate(capacity: capacity)
    private var count = 0
    private var text = ByteBuffer()
    private var raw = ByteBuffer()

    package init() {}

    deinit {
        batch.deallocate()
        kinds.deallocate()
        choices.deallocate()
        textEnds.deallocate()
        rawStarts.deallocate()
        rawEnds.deallocate()
    }

    /// Collects an event of an exchange and those that have arrived with it, up to one that is not
    /// a piece of text or is too large. Valid until the next call.
    @_optimize(speed)
    func collect(
        _ first: UnsafePointer<tw_event>, from exchange: Exchange, at now: Int64
    ) -> UnsafePointer<tw_batch> {
        count = 0
        text.removeAll()
        raw.removeAll()
        var next: UnsafePointer<tw_event>? = first
        while let event = next, append(event, beginsChunk: exchange.attempt.beganChunk) {
            next = isFull ? nil : exchange.nextArrived(at: now)
        }
        return view(before: next)
    }

    /// Whether the batch must be delivered before more is appended.
    private var isFull: Bool {
        count == EventBatch.capacity || text.count + raw.count > EventBatch.largestPiece
    }

    /// Appends the event if it is a piece of text and not too large. The batch is not full.
    ///
    /// `beginsChunk`: the event is the first of its chunk. Addresses do not tell chunks apart:
    /// chunks of several lines are joined in the same memory.
    private func append(_ event: UnsafePointer<tw_event>, beginsChunk: Bool) -> Bool {
        guard event.pointee.kind.rawValue <= TW_EVENT_REFUSAL.rawValue,
            event.pointee.text_len + event.pointee.raw_len <= EventBatch.largestPiece
        else { return false }
        kinds[count] = UInt8(truncatingIfNeeded: event.pointee.kind.rawValue)
        choices[count] = event.pointee.choice
        text.append(event.pointee.text, event.pointee.text_len)
        textEnds[count] = UInt32(truncatingIfNeeded: text.count)
        if beginsChunk || count == 0 {
            rawStarts[count] = UInt32(truncatingIfNeeded: raw.count)
            raw.append(event.pointee.raw, event.pointee.raw_len)
        } else {
            rawStarts[count] = rawStarts[count - 1]
        }
        rawEnds[count] = UInt32(truncatingIfNeeded: raw.count)
        count += 1
        return true
    }

    /// The batch for the caller, with the event that follows.
    private func view(before event: UnsafePointer<tw_event>?) -> UnsafePointer<tw_batch> {
        batch.initialize(
            to: tw_batch(
                size: MemoryLayout<tw_batch>.size, count: count, kinds: kinds, choices: choices,
                text: text.cString, text_ends: textEnds, raw: raw.cString, raw_starts: rawStarts,
                raw_ends: rawEnds, event: event))
        return UnsafePointer(batch)
    }
}

extension ByteBuffer {
    fileprivate mutating func append(_ source: UnsafePointer<CChar>, _ length: Int) {
        append(UnsafeRawPointer(source).assumingMemoryBound(to: UInt8.self), length)
    }
}
