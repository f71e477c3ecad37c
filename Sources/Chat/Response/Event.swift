import CThinkwire

/// An event for the caller: its kind, and the part of the reply that it reports.
package struct Event {
    package var kind: tw_event_kind
    /// Index of the choice in `Reply.choices`.
    package var choice = 0
    /// Index of the tool call in `Choice.toolCalls`; -1 for other kinds of event.
    package var tool = -1
    /// Byte range of the new text within the accumulated text.
    package var range = 0..<0
}
