import CPlatform

/// The sockets of HTTP/1 connections that are kept open between transfers.
///
/// Bytes that arrive while no request is outstanding answer nothing: a second response, a 408 (RFC
/// 9110, section 15.5.9), the rest of a body that was longer than its length. libcurl (7.88.1 and
/// 8.23.0) would take them for the beginning of the next response. HTTP/2 streams say which request
/// they answer and its connections receive frames at any time, so they are not watched.
struct IdleConnections {
    /// As `poll` takes them, so that one system call examines all of them.
    private var sockets: [pollfd] = []
    private var identities: [UInt64] = []
    /// Sockets that libcurl began to use since the last call of `endTurn`, and still uses.
    private var begun: [curl_socket_t] = []

    /// The connection is kept after its transfer, unless libcurl has given it to a transfer that
    /// waited for a connection. `opened` are the sockets that the loop has opened.
    mutating func insert(_ socket: curl_socket_t, _ opened: OpenSockets) {
        guard !begun.contains(socket) else { return }
        remove(socket)
        let identity = platform_sockets_identity(opened.all, socket)
        guard identity != 0 else { return }
        sockets.append(pollfd(fd: socket, events: Int16(POLLIN), revents: 0))
        identities.append(identity)
    }

    /// A transfer begins to use the connection.
    mutating func begin(_ socket: curl_socket_t) {
        remove(socket)
        begun.append(socket)
    }

    /// No transfer uses the connection any more.
    mutating func end(_ socket: curl_socket_t) { begun.removeAll { $0 == socket } }

    /// The transfers that ended in this turn are known.
    mutating func endTurn() { begun.removeAll(keepingCapacity: true) }

    private mutating func remove(_ socket: curl_socket_t) {
        if let index = sockets.firstIndex(where: { $0.fd == socket }) { remove(at: index) }
    }

    private mutating func remove(at index: Int) {
        sockets.swapAt(index, sockets.count - 1)
        identities.swapAt(index, identities.count - 1)
        sockets.removeLast()
        identities.removeLast()
    }

    /// Shuts down each connection that has received something, or has ended. libcurl then finds it
    /// dead and opens another one; other connections are unaffected.
    ///
    /// `SHUT_RD` is not sufficient everywhere: libcurl 7.88 looks for POLLHUP. The identity tells
    /// apart a descriptor that libcurl has closed and the process has opened again; it is checked
    /// only before a shutdown, because it costs a system call.
    mutating func evictStale() {
        guard !sockets.isEmpty, poll(&sockets, nfds_t(sockets.count), 0) != 0 else { return }
        // Backwards: the last one takes the place of one that is removed.
        for index in sockets.indices.reversed() where sockets[index].revents != 0 {
            let socket = sockets[index].fd
            if platform_socket_identity(socket) == identities[index] {
                shutdown(socket, Int32(SHUT_RDWR))
            }
            remove(at: index)
        }
    }
}
