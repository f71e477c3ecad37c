import Base

/// The deadlines of a loop's chats, the earliest first: a binary heap.
///
/// A stream's deadline moves later with everything that it receives. Then only the chat's own
/// `deadline` changes, and its entry expires too early; `next` moves such an entry to its actual
/// time. So a chunk costs no work here, and the descriptor's timer is not set for each.
struct DeadlineHeap {
    private var entries: [(time: Int64, chat: UnretainedReference<LoopChat>)] = []

    /// No later than the earliest deadline; `.max` without any.
    var earliest: Int64 { entries.first?.time ?? .max }

    /// Sets the chat's deadline; `.max` for none.
    mutating func update(_ chat: LoopChat, _ deadline: Int64) {
        chat.deadline = deadline
        if let index = chat.heapIndex {
            guard deadline < entries[index].time else { return }
            entries[index].time = deadline
            moveUp(from: index)
        } else if deadline != .max {
            entries.append((deadline, UnretainedReference(chat)))
            chat.heapIndex = entries.count - 1
            moveUp(from: entries.count - 1)
        }
    }

    mutating func remove(_ chat: LoopChat) {
        guard let index = chat.heapIndex else { return }
        chat.heapIndex = nil
        let last = entries.removeLast()
        guard index < entries.count else { return }
        place(last, at: index)
        moveUp(from: index)
        moveDown(from: index)
    }

    /// Removes and returns a chat whose deadline is not after `time`; nil without one.
    mutating func next(until time: Int64) -> LoopChat? {
        while let first = entries.first, first.time <= time {
            let chat = first.chat.with { $0 }
            remove(chat)
            if chat.deadline <= time { return chat }
            update(chat, chat.deadline)
        }
        return nil
    }

    private mutating func place(
        _ entry: (time: Int64, chat: UnretainedReference<LoopChat>), at index: Int
    ) {
        entries[index] = entry
        entry.chat.with { $0.heapIndex = index }
    }

    private mutating func moveUp(from start: Int) {
        let entry = entries[start]
        var index = start
        while index > 0, entries[(index - 1) / 2].time > entry.time {
            place(entries[(index - 1) / 2], at: index)
            index = (index - 1) / 2
        }
        place(entry, at: index)
    }

    private mutating func moveDown(from start: Int) {
        let entry = entries[start]
        var index = start
        while true {
            var child = 2 * index + 1
            guard child < entries.count else { break }
            if child + 1 < entries.count, entries[child + 1].time < entries[child].time {
                child += 1
            }
            guard entries[child].time < entry.time else { break }
            place(entries[child], at: index)
            index = child
        }
        place(entry, at: index)
    }
}
