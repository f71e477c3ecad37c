/// Offsets in a body at which sending is interrupted, as the faults of the response require.
struct Interruptions {
    enum Kind { case cut, reset, stall }

    private struct Interruption {
        var offset: Int
        var kind: Kind
    }

    private var all: [Interruption] = []

    init() {}

    init(_ faults: FaultPlan) {
        if let offset = faults.cut { all.append(Interruption(offset: offset, kind: .cut)) }
        if let offset = faults.reset { all.append(Interruption(offset: offset, kind: .reset)) }
        if let offset = faults.stall { all.append(Interruption(offset: offset, kind: .stall)) }
    }

    func contains(_ offset: Int) -> Bool { all.contains { $0.offset == offset } }

    /// Removes and returns the first interruption at an offset.
    mutating func take(at offset: Int) -> Kind? {
        guard let index = all.firstIndex(where: { $0.offset == offset }) else { return nil }
        return all.remove(at: index).kind
    }

    /// Number of bytes of the next `count` that are before the next interruption.
    func limit(_ count: Int, from offset: Int) -> Int {
        all.reduce(count) { $1.offset > offset ? min($0, $1.offset - offset) : $0 }
    }
}
