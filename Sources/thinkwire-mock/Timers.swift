/// Heap of timers, ordered by time.
///
/// A cancelled timer stays in the heap until its time; its serial number identifies it.
struct Timers {
    struct Entry {
        var time: Int64
        var key: UInt64
        var serial: UInt32
    }

    private var heap: [Entry] = []

    /// Next timer that expires.
    var first: Entry? { heap.first }

    mutating func add(_ entry: Entry) {
        var index = heap.count
        heap.append(entry)
        while index > 0 {
            let parent = (index - 1) / 2
            guard heap[parent].time > entry.time else { break }
            heap[index] = heap[parent]
            index = parent
        }
        heap[index] = entry
    }

    /// Removes the first entry.
    mutating func removeFirst() {
        guard let last = heap.popLast(), !heap.isEmpty else { return }
        var index = 0
        while true {
            var child = index * 2 + 1
            guard child < heap.count else { break }
            if child + 1 < heap.count, heap[child + 1].time < heap[child].time { child += 1 }
            guard heap[child].time < last.time else { break }
            heap[index] = heap[child]
            index = child
        }
        heap[index] = last
    }
}
