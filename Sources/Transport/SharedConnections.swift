/// The HTTP/2 connections in use, and whether their servers have answered since they were idle.
///
/// If a kept connection ends before anything was received, it was closed while it was idle, and the
/// server has not seen the request. If another stream of the connection has received a response,
/// the server was there, and may have processed the request.
struct SharedConnections {
    private struct Connection {
        /// The local port tells the connections to a host apart.
        let port: Int
        var streamCount = 1
        var isProven: Bool
    }

    private var connections: [Connection] = []

    private func index(of port: Int) -> Int? { connections.firstIndex { $0.port == port } }

    /// A stream begins on a connection. `isNew`: the connection was made for it.
    mutating func join(_ port: Int, isNew: Bool) {
        if let index = index(of: port) {
            connections[index].streamCount += 1
        } else {
            connections.append(Connection(port: port, isProven: isNew))
        }
    }

    /// A stream of the connection has received a response.
    mutating func noteResponse(_ port: Int) {
        if let index = index(of: port) { connections[index].isProven = true }
    }

    /// A stream that has joined ends.
    mutating func leave(_ port: Int) {
        guard let index = index(of: port) else { return }
        connections[index].streamCount -= 1
        if connections[index].streamCount == 0 { connections.remove(at: index) }
    }

    /// Whether the server is known to have been there.
    func isProven(_ port: Int) -> Bool { index(of: port).map { connections[$0].isProven } ?? false }
}
