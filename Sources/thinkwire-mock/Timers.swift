/// What is to happen when: a heap whose first entry is the next one due. An entry that is no longer wanted stays until its time,
/// and is known by its serial number.
struct Timers {
    struct Entry {
        var time: Int64
        var key: UInt64
        var serial: UInt32
    }

    private var heap: [Entry] = []

    var first: Entry? { heap.first }

    mutating func add(_ entry: Entry) {
        var place = heap.count
        heap.append(entry)
        while place > 0 {
            let parent = (place - 1) / 2
            guard heap[parent].time > entry.time else { break }
            heap[place] = heap[parent]
            place = parent
        }
        heap[place] = entry
    }

    /// Takes the first entry out.
    mutating func removeFirst() {
        guard let last = heap.popLast(), !heap.isEmpty else { return }
        var place = 0
        while true {
            var child = place * 2 + 1
            guard child < heap.count else { break }
            if child + 1 < heap.count, heap[child + 1].time < heap[child].time { child += 1 }
            guard heap[child].time < last.time else { break }
            heap[place] = heap[child]
            place = child
        }
        heap[place] = last
    }
}
