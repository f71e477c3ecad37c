import Base
import CMock
import CPlatform
import Chat

/// Requests that the mock received, without their secrets.
///
/// The last ones are kept in memory. If there is a file, each request is appended to it as one line
/// of JSON.
final class ReceivedRequests {
    /// One request: JSON of everything but the body, and the body as it was received.
    private final class Request {
        var head = ByteBuffer()
        var body = ByteBuffer()
        var size: Int { head.count + body.count }
    }

    private var requests: [Request] = []
    private var size = 0
    /// Descriptor of the file; -1 without one.
    private let file: Int32
    private var reader = JSONReader()

    // The limits of what is kept: a mock may run for weeks.
    private static let maxCount = 1000
    private static let maxSize = 16 << 20

    init(file: Int32) { self.file = file }

    func add(_ request: borrowing HTTPRequest, from origin: Provider.Origin) {
        let secrets = Secrets(of: request)
        let received = Request()
        received.head.append("{\"connection\":")
        received.head.append(decimal: origin.connection)
        received.head.append(",\"request\":")
        received.head.append(decimal: origin.request)
        received.head.append(",")
        received.head.append(membersOf: request, secrets)
        received.body.append(request.body)
        secrets.mask(&received.body)
        appendToFile(received)
        guard received.size <= ReceivedRequests.maxSize else { return }
        requests.append(received)
        size += received.size
        while requests.count > ReceivedRequests.maxCount || size > ReceivedRequests.maxSize {
            size -= requests.removeFirst().size
        }
    }

    func removeAll() {
        requests.removeAll()
        size = 0
    }

    /// Builds a JSON array of the requests that are kept, the oldest first.
    func list() -> CannedBody {
        let list = CannedBody()
        list.append("[")
        for (index, request) in requests.enumerated() {
            if index > 0 { list.append(",\n") }
            var line = ByteBuffer()
            append(request, to: &line)
            list.append(line.bytes)
        }
        list.append("]\n")
        list.endPiece()
        return list
    }

    private func appendToFile(_ request: Request) {
        guard file >= 0 else { return }
        var line = ByteBuffer()
        append(request, to: &line)
        line.append("\n")
        writeAll(line.bytes, to: file)
    }

    private func append(_ request: Request, to line: inout ByteBuffer) {
        line.append(request.head)
        line.append(",\"body\":")
        line.append(jsonBody: request.body.bytes, &reader)
        line.append("}")
    }
}

extension ByteBuffer {
    /// Appends the members "method", "path" and "headers". Names of headers are in lower case;
    /// values that are secrets are masked.
    mutating func append(membersOf request: borrowing HTTPRequest, _ secrets: Secrets) {
        append("\"method\":")
        append(jsonString: request.method)
        append(",\"path\":")
        append(jsonString: request.path)
        append(",\"headers\":{")
        var masked = ByteBuffer()
        for index in 0..<request.fieldCount {
            let (name, value) = request.field(index)
            if index > 0 { append(",") }
            append(jsonString: name.map(asciiLowercased))
            masked.removeAll()
            if Secrets.isSecret(header: name) {
                masked.append("***")
            } else {
                masked.append(value)
                secrets.mask(&masked)
            }
            append(":")
            append(jsonString: masked.bytes)
        }
        append("}")
    }

    /// Appends the body of a message: JSON in one line, anything else as a string, and an empty
    /// body as null.
    mutating func append(jsonBody body: Bytes, _ reader: inout JSONReader) {
        if body.isEmpty {
            append("null")
        } else if let value = try? reader.read(body, .rejectsInvalidUTF8) {
            append(compact: value)
        } else {
            append(jsonString: body)
        }
    }
}
