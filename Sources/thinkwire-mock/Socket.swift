import CMock
import CPlatform

/// Socket of a connection, with or without TLS. Its functions do not block.
///
/// Functions that can fail return a negated errno.
struct Socket {
    let fd: Int32
    /// OpenSSL's session; nil without TLS.
    private let session: UnsafeMutableRawPointer?

    /// Takes an accepted socket; nil if memory is exhausted.
    init?(_ fd: Int32, usesTLS: Bool) {
        self.fd = fd
        session = usesTLS ? mock_tls_accept(fd) : nil
        if usesTLS && session == nil { return nil }
    }

    /// Receives at most `size` bytes; 0 at the end.
    func receive(_ bytes: UnsafeMutablePointer<UInt8>, _ size: Int) -> Int {
        session.map { mock_tls_receive($0, bytes, size) } ?? mock_receive(fd, bytes, size)
    }

    /// Whether bytes are left that epoll does not report.
    var hasPending: Bool { session.map { mock_tls_has_pending($0) } ?? false }

    func send(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> Int {
        session.map { mock_tls_send($0, bytes, count) } ?? mock_send(fd, bytes, count)
    }

    /// Sends the end of the session and a FIN; the socket can still receive.
    func finish() {
        if let session { mock_tls_finish(session) }
        mock_finish(fd)
    }

    /// Closes the socket, with a FIN or a RST.
    func close(byReset: Bool) {
        if let session { mock_tls_free(session) }
        if byReset { mock_reset(fd) } else { _ = CPlatform.close(fd) }
    }
}
