import Base
import CPlatform
import Synchronization

/// The chats that were cancelled since the loop looked last: a stack without locks, to which any
/// thread pushes, and which the loop's thread takes as a whole.
///
/// An entry retains its chat. Each chat is pushed at most once, because only the first request to
/// cancel counts.
final class CancelledChats: @unchecked Sendable {
    private let top = Atomic<UnsafeMutableRawPointer?>(nil)

    init() {}

    deinit { takeAll { _ in } }

    func push(_ chat: LoopChat) {
        let entry = UnsafeMutableRawPointer(Handle.retained(chat))
        var next = top.load(ordering: .relaxed)
        while true {
            chat.nextCancelled = next
            let (isStored, found) = top.compareExchange(
                expected: next, desired: entry, ordering: .releasing)
            if isStored { return }
            next = found
        }
    }

    func takeAll(_ use: (LoopChat) -> Void) {
        var entry = top.exchange(nil, ordering: .acquiring)
        while let current = entry {
            let chat = Handle.object(current, as: LoopChat.self)
            entry = chat.nextCancelled
            use(chat)
            Handle.release(OpaquePointer(current), as: LoopChat.self)
        }
    }
}
