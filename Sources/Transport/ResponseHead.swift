import Base
import CPlatform

/// The status line and the headers of a response, as far as they were received.
package struct ResponseHead: ~Copyable {
    /// The HTTP status; 0 until the status line of a final (not an interim) response.
    package private(set) var status = 0
    var headers = HeaderList()
    /// When the status line was received, in seconds of the Unix epoch: what dates in headers are
    /// compared with.
    package private(set) var receivedAt: Int64 = 0
    /// The bytes of all header lines, including those of interim responses and trailers.
    private(set) var byteCount = 0
    /// A status line was received, but not yet the blank line after its headers.
    private(set) var isIncomplete = false

    package init() {}

    mutating func count(_ line: Bytes) { byteCount += line.count }

    /// Whether a header line is a status line. libcurl accepts it in lower case as well. After the
    /// body there are only trailers, whatever they look like.
    func isStatusLine(_ line: Bytes, bodyHasBegun: Bool) -> Bool {
        !isIncomplete && !bodyHasBegun && line.count >= 5
            && line.part(0..<5).equalsIgnoringCase(StaticText.bytes("HTTP/"))
    }

    /// Begins a response. An interim status, such as 103, only announces that another follows.
    mutating func begin(status: Int) {
        isIncomplete = true
        headers.removeAll()
        self.status = status >= 200 ? status : 0
        if self.status != 0 { receivedAt = Int64(time(nil)) }
    }

    /// Keeps a header line that is not a status line.
    mutating func add(_ line: Bytes) {
        // A line that begins with white space continues the one before (RFC 9112, section 5.2),
        // even if it contains nothing else.
        let isFolded = line[0] == UInt8(ascii: " ") || line[0] == UInt8(ascii: "\t")
        if trimmed(line).isEmpty && !isFolded { isIncomplete = false }
        guard status != 0 else { return }
        if isFolded { headers.continueValue(line: line) } else { headers.add(line: line) }
    }
}

/// When a transfer reached its milestones, in nanoseconds of the monotonic clock; -1 for not yet.
package struct TransferTiming {
    package var connected: Int64 = -1
    package var firstByte: Int64 = -1
    /// The request was sent over a connection that an earlier transfer had left open.
    package var reusedConnection = false

    package init() {}
}
