import Base
import CPlatform
import Chat

/// Parser for an HTTP/1 request (RFC 9112) that arrives in pieces of any size; it performs no I/O.
struct HTTPRequest: ~Copyable {
    /// Error for a request that is not valid HTTP or exceeds a limit; it closes the connection.
    struct ParseError: Error {
        var status: Int
        var reason: StaticString
    }

    enum Progress { case needsMore, hasHead, isComplete }

    static let maxHeadLength = 65_536
    static let maxBodyLength = 64 << 20
    private static let maxChunkLineLength = 1024

    private struct Field {
        var name: Range<Int>
        var value: Range<Int>
    }

    private enum State {
        case head, length(Int), chunkLine, chunk(Int), chunkEnd, trailers, end
    }

    /// Received bytes, from the request line on.
    private var input = ByteBuffer()
    private var state = State.head
    private var fields: [Field] = []
    private var methodRange = 0..<0
    private var targetRange = 0..<0
    /// Offsets of the end of the parsed input and of the end of the head.
    private var read = 0
    private var headEnd = 0
    /// Decoded body of a request with the chunked coding.
    private var joined = ByteBuffer()
    private var isChunked = false
    /// Whether the version is HTTP/1.0, which has no chunked coding and no persistent connections.
    private(set) var isHTTP10 = false

    init() {}

    var isEmpty: Bool { input.isEmpty }
    var hasHead: Bool { headEnd > 0 }
    var method: Bytes { input.bytes.part(methodRange) }

    /// Path without the query.
    var path: Bytes {
        let target = input.bytes.part(targetRange)
        return target.part(0..<(target.firstIndex(of: UInt8(ascii: "?")) ?? target.count))
    }

    /// Body of a complete request.
    var body: Bytes { isChunked ? joined.bytes : input.bytes.part(headEnd..<read) }

    var fieldCount: Int { fields.count }

    func field(_ index: Int) -> (name: Bytes, value: Bytes) {
        (input.bytes.part(fields[index].name), input.bytes.part(fields[index].value))
    }

    /// Value of the last header with a name.
    func header(_ name: StaticString) -> Bytes? {
        var found: Bytes?
        for field in fields
        where input.bytes.part(field.name).equalsIgnoringCase(StaticText.bytes(name)) {
            found = input.bytes.part(field.value)
        }
        return found
    }

    /// Whether a header with a list ("keep-alive, upgrade") contains an element.
    func header(_ name: StaticString, contains element: StaticString) -> Bool {
        guard let list = header(name) else { return false }
        for part in list.split(separator: UInt8(ascii: ",")) {
            let trimmed = trim(Bytes(rebasing: part))
            if trimmed.equalsIgnoringCase(StaticText.bytes(element)) { return true }
        }
        return false
    }

    /// Whether the client sent only the head and waits for 100 Continue.
    var waitsForContinue: Bool { hasHead && input.count == headEnd && header("expect") != nil }

    mutating func append(_ bytes: Bytes) { input.append(bytes) }

    /// Discards a complete request, and keeps the bytes that follow it.
    mutating func removeFirst() {
        if input.count > HTTPRequest.maxHeadLength && input.count == read {
            input = ByteBuffer()
        } else {
            input.replace(0..<read, with: Bytes(start: nil, count: 0))
        }
        joined = ByteBuffer()
        fields.removeAll(keepingCapacity: true)
        state = .head
        (methodRange, targetRange) = (0..<0, 0..<0)
        (read, headEnd) = (0, 0)
        (isChunked, isHTTP10) = (false, false)
    }

    /// Continues parsing. Returns `hasHead` once; the next call parses the body.
    mutating func advance() throws(ParseError) -> Progress {
        while true {
            switch state {
            case .head:
                guard try readHead() else { return .needsMore }
                return .hasHead
            case .length(let length):
                guard input.count - headEnd >= length else { return .needsMore }
                read = headEnd + length
                state = .end
            case .end:
                return .isComplete
            default:
                guard try readChunks() else { return .needsMore }
            }
        }
    }

    // MARK: The head

    /// Returns the next line without its LF or CRLF; nil if it is incomplete.
    private mutating func nextLine(limit: Int) throws(ParseError) -> Range<Int>? {
        let rest = input.bytes.dropping(read)
        let start = read
        guard let bytes = rest.baseAddress, let found = memchr(bytes, 0x0A, rest.count) else {
            guard rest.count <= limit else {
                throw ParseError(status: 431, reason: "a line is too long")
            }
            return nil
        }
        var end = UnsafeRawPointer(found) - UnsafeRawPointer(input.start)
        guard end - start <= limit else {
            throw ParseError(status: 431, reason: "a line is too long")
        }
        read = end + 1
        if end > start, input.bytes[end - 1] == 0x0D { end -= 1 }
        return start..<end
    }

    private mutating func readHead() throws(ParseError) -> Bool {
        while let line = try nextLine(limit: HTTPRequest.maxHeadLength) {
            guard read <= HTTPRequest.maxHeadLength else {
                throw ParseError(status: 431, reason: "the headers are too long")
            }
            if methodRange.isEmpty {
                if line.isEmpty { continue }
                try readRequestLine(line)
            } else if line.isEmpty {
                headEnd = read
                try chooseBodyCoding()
                return true
            } else {
                try readField(line)
            }
        }
        guard input.count <= HTTPRequest.maxHeadLength else {
            throw ParseError(status: 431, reason: "the headers are too long")
        }
        // Otherwise a client that starts a TLS handshake would wait for a response forever.
        if methodRange.isEmpty, let first = input.bytes.first, first < 0x20, first != 0x0D,
            first != 0x0A
        {
            throw ParseError(status: 400, reason: "this is not HTTP: use http, not https")
        }
        return false
    }

    private mutating func readRequestLine(_ line: Range<Int>) throws(ParseError) {
        let text = input.bytes.part(line)
        let error = ParseError(
            status: 400, reason: "the first line is not METHOD TARGET HTTP/1.1")
        guard let first = text.firstIndex(of: 0x20), let last = text.lastIndex(of: 0x20), first > 0,
            last > first + 1
        else {
            throw error
        }
        let version = text.dropping(last + 1)
        guard version.equals("HTTP/1.1") || version.equals("HTTP/1.0") else {
            throw version.hasPrefix("HTTP/")
                ? ParseError(status: 505, reason: "only HTTP/1.0 and HTTP/1.1 are supported")
                : error
        }
        for byte in text.part(0..<first) where !isTokenByte(byte) { throw error }
        for byte in text.part(first + 1..<last) where byte <= 0x20 || byte == 0x7F {
            throw error
        }
        isHTTP10 = version.equals("HTTP/1.0")
        methodRange = line.lowerBound..<line.lowerBound + first
        targetRange = line.lowerBound + first + 1..<line.lowerBound + last
    }

    private mutating func readField(_ line: Range<Int>) throws(ParseError) {
        let text = input.bytes.part(line)
        guard let colon = text.firstIndex(of: UInt8(ascii: ":")), colon > 0 else {
            throw ParseError(status: 400, reason: "a header is not NAME: VALUE")
        }
        for byte in text.part(0..<colon) where !isTokenByte(byte) {
            throw ParseError(
                status: 400, reason: "a header name contains an invalid character")
        }
        for byte in text.dropping(colon + 1) where byte < 0x20 && byte != 0x09 || byte == 0x7F {
            throw ParseError(status: 400, reason: "a header value contains a control character")
        }
        let value = trim(text.dropping(colon + 1))
        let start = value.isEmpty ? line.upperBound : value.baseAddress! - input.start
        let name = line.lowerBound..<line.lowerBound + colon
        fields.append(Field(name: name, value: start..<start + value.count))
    }

    private mutating func chooseBodyCoding() throws(ParseError) {
        var length: Int?
        for index in fields.indices {
            let (name, value) = field(index)
            guard name.equalsIgnoringCase(StaticText.bytes("content-length")) else { continue }
            guard let number = parseDecimal(value, limit: Int.max) else {
                throw ParseError(status: 400, reason: "content-length is not a number")
            }
            guard length == nil || length == number else {
                throw ParseError(status: 400, reason: "content-length has two different values")
            }
            length = number
        }
        if let coding = header("transfer-encoding") {
            guard length == nil else {
                throw ParseError(
                    status: 400, reason: "content-length and transfer-encoding exclude each other")
            }
            guard coding.equalsIgnoringCase(StaticText.bytes("chunked")) else {
                throw ParseError(
                    status: 501, reason: "the only supported transfer-encoding is chunked")
            }
            isChunked = true
            state = .chunkLine
        } else {
            guard length ?? 0 <= HTTPRequest.maxBodyLength else {
                throw ParseError(status: 413, reason: "the body is too large")
            }
            state = .length(length ?? 0)
        }
        if let expected = header("expect"),
            !expected.equalsIgnoringCase(StaticText.bytes("100-continue"))
        {
            throw ParseError(status: 417, reason: "the only supported expectation is 100-continue")
        }
    }

    // MARK: Chunked body

    /// Decodes the received chunks; true at the end of the body.
    private mutating func readChunks() throws(ParseError) -> Bool {
        defer { dropDecoded() }
        while true {
            switch state {
            case .chunkLine:
                guard let line = try nextLine(limit: HTTPRequest.maxChunkLineLength) else {
                    return false
                }
                let size = try chunkSize(input.bytes.part(line))
                guard joined.count + size <= HTTPRequest.maxBodyLength else {
                    throw ParseError(status: 413, reason: "the body is too large")
                }
                state = size == 0 ? .trailers : .chunk(size)
            case .chunk(let left):
                let count = min(left, input.count - read)
                joined.append(input.bytes.part(read..<read + count))
                read += count
                state = left == count ? .chunkEnd : .chunk(left - count)
                if left > count { return false }
            case .chunkEnd:
                guard let line = try nextLine(limit: HTTPRequest.maxChunkLineLength) else {
                    return false
                }
                guard line.isEmpty else {
                    throw ParseError(status: 400, reason: "a chunk is longer than its size")
                }
                state = .chunkLine
            case .trailers:
                guard let line = try nextLine(limit: HTTPRequest.maxChunkLineLength) else {
                    return false
                }
                if line.isEmpty {
                    state = .end
                    return true
                }
            default:
                return true
            }
        }
    }

    private func chunkSize(_ line: Bytes) throws(ParseError) -> Int {
        let error = ParseError(status: 400, reason: "a chunk size is not a hexadecimal number")
        let digits = trim(line.part(0..<(line.firstIndex(of: UInt8(ascii: ";")) ?? line.count)))
        guard !digits.isEmpty, digits.count <= 8 else { throw error }
        var size = 0
        for byte in digits {
            guard let digit = hexValue(byte) else { throw error }
            size = size << 4 | Int(digit)
        }
        return size
    }

    /// Discards decoded chunks, so that a large body is not in memory twice.
    private mutating func dropDecoded() {
        guard read - headEnd > 1 << 20 else { return }
        input.replace(headEnd..<read, with: Bytes(start: nil, count: 0))
        read = headEnd
    }
}

/// Returns text without leading and trailing spaces and tabs.
func trim(_ text: Bytes) -> Bytes {
    var start = 0
    var end = text.count
    while start < end, text[start] == 0x20 || text[start] == 0x09 { start += 1 }
    while end > start, text[end - 1] == 0x20 || text[end - 1] == 0x09 { end -= 1 }
    return text.part(start..<end)
}

/// Whether a byte may occur in a method or a header name (RFC 9110, section 5.6.2).
private func isTokenByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
        UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "!"), UInt8(ascii: "#")...UInt8(ascii: "'"), UInt8(ascii: "*"),
        UInt8(ascii: "+"), UInt8(ascii: "-"),
        UInt8(ascii: "."), UInt8(ascii: "^")...UInt8(ascii: "`"), UInt8(ascii: "|"),
        UInt8(ascii: "~"):
        true
    default: false
    }
}
