import Base

/// Transfers in the order in which they were appended. Their owners keep them alive, and remove
/// them before they end.
struct TransferList {
    private var transfers: [UnretainedReference<Transfer>] = []

    var isEmpty: Bool { transfers.isEmpty }

    mutating func append(_ transfer: Transfer) { transfers.append(UnretainedReference(transfer)) }

    mutating func remove(_ transfer: Transfer) {
        if let index = transfers.firstIndex(where: { $0.refers(to: transfer) }) {
            transfers.remove(at: index)
        }
    }

    mutating func removeAll() { transfers.removeAll(keepingCapacity: true) }

    func forEach(_ use: (Transfer) -> Void) {
        for transfer in transfers { transfer.with(use) }
    }
}
