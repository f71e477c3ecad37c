import CThinkwire

extension Exchange {
    /// What `advance` found.
    package enum Step {
        /// Valid until the next call.
        case event(UnsafePointer<tw_event>)
        /// Nothing to do until something arrives, or until that time.
        case pending(until: Int64)
        case ended
    }
}

/// What a `tw_chat` is: an exchange with what drives it.
///
/// Embedded Swift has no dynamic casts from a base class, so the two kinds convert themselves.
package class ChatDriver {
    /// The driver of a blocking call; nil for a chat that belongs to a loop.
    package var blocking: BlockingDriver? { nil }
    /// The chat of a loop; nil for a blocking call.
    package var loopChat: LoopChat? { nil }

    init() {}

    /// Ends the exchange as soon as possible. From any thread.
    package func cancel() {}
}
