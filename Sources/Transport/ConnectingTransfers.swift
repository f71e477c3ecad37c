import Base

/// The transfers of a loop that look for a connection.
struct ConnectingTransfers {
    private var all = TransferList()
    /// The time away when the connect limits were set last.
    private var awayAtLimits: Int64 = 0
    /// Those that libcurl may let wait for the connection of another one, to share it.
    private var waiting = TransferList()
    /// The connection cannot be shared: at the end of the turn, they connect separately.
    private var endsWaiting = false

    var isEmpty: Bool { all.isEmpty }

    mutating func append(_ transfer: Transfer) {
        all.append(transfer)
        awayAtLimits = -millisecond
    }

    mutating func remove(_ transfer: Transfer) { all.remove(transfer) }

    /// Extends libcurl's connect timeouts by the time away, before libcurl compares them with its
    /// clock.
    mutating func updateLimits(away: Int64) {
        guard !all.isEmpty, away - awayAtLimits >= millisecond else { return }
        awayAtLimits = away
        all.forEach { $0.updateConnectLimit() }
    }

    // MARK: Waiting for a connection to share

    mutating func wait(_ transfer: Transfer) { waiting.append(transfer) }

    mutating func endWait(of transfer: Transfer) { waiting.remove(transfer) }

    /// A new connection does not have HTTP/2, so there is nothing to wait for.
    mutating func endWaiting() { endsWaiting = true }

    /// The transfers that must connect separately, which no longer wait; nil if none must.
    mutating func takeSeparate() -> TransferList? {
        guard endsWaiting else { return nil }
        endsWaiting = false
        defer { waiting.removeAll() }
        return waiting
    }
}
