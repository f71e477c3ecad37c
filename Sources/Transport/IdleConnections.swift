import CPlatform

/// The sockets of HTTP/1 connections that are kept open between transfers.
///
/// Bytes that arrive while no request is outstanding answer nothing: a second response, a 408 (RFC
/// 9110, section 15.5.9), the rest of a body that was longer than its length. libcurl (7.88.1 and
/// 8.23.0) would take them for the beginning of the next response. HTTP/2 streams say which request
/// they answer and its connections receive frames at any time, so they are not watched.
struct IdleConnections {
    private var sockets: [(descriptor: curl_socket_t, identity: UInt64)] = []

    /// The connection is kept after its transfer. `opened` are the sockets that the loop has
    /// opened.
    mutating func insert(_ socket: curl_socket_t, _ opened: OpenSockets) {
        remove(socket)
        let identity = platform_sockets_identity(opened.all, socket)
        if identity != 0 { sockets.append((socket, identity)) }
    }

    /// The connection is used by a transfer again.
    mutating func remove(_ socket: curl_socket_t) {
        guard !sockets.isEmpty else { return }
        sockets.removeAll { $0.descriptor == socket }
    }

    /// Shuts down each connection that has received something, or has ended. libcurl then finds it
    /// dead and opens another one; other connections are unaffected.
    ///
    /// `SHUT_RD` is not sufficient everywhere: libcurl 7.88 looks for POLLHUP. The identity tells
    /// apart a descriptor that libcurl has closed and the process has opened again; it is checked
    /// only before a shutdown, because it costs a system call.
    mutating func evictStale() {
        sockets.removeAll { socket in
            guard platform_is_readable(socket.descriptor) != 0 else { return false }
            if platform_socket_identity(socket.descriptor) == socket.identity {
                shutdown(socket.descriptor, Int32(SHUT_RDWR))
            }
            return true
        }
    }
}
