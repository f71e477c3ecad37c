import Base
import CMock
import CPlatform
import Chat
import Transport

/// Request that is forwarded to a provider, and the part of its response that was received.
final class ForwardedExchange {
    /// Where requests are sent, and how.
    struct Destination {
        var endpoint: Endpoint
        var proxy: ProxyConfig
        var tls: TLSConfig
    }

    /// Key of the connection that receives the response.
    let connection: UInt64
    private(set) var hasEnded = false
    /// Response to the client; nil until its head is known.
    private(set) var response: HTTPResponse?

    private let path: ByteArray
    private let resource: Resource
    private let context: HTTPResponse.ResponseContext
    private let settings: TransferSettings
    private let secrets: Secrets
    /// Members of the request for the file, and its body. libcurl reads the body where it is.
    private var head = ByteBuffer()
    private var body = ByteBuffer()
    private var transfer: Transfer?
    /// Nil until the head was received.
    private var received: ProviderResponse?

    /// Size of the largest response.
    private static let limits = ResponseLimits(body: 256 << 20, headers: 1 << 20)
    /// Names of headers that describe the connection to the mock, or that libcurl sets itself.
    private static let ownHeaders: StaticString = """
        accept-encoding connection content-length expect host keep-alive te trailer \
        transfer-encoding upgrade x-mock
        """

    init(
        _ request: borrowing HTTPRequest, _ resource: Resource, _ connection: UInt64,
        _ context: HTTPResponse.ResponseContext, _ destination: Destination
    ) {
        path = ByteArray(request.path)
        self.resource = resource
        self.connection = connection
        self.context = context
        secrets = Secrets(of: request)
        settings = TransferSettings(
            destination.endpoint, ForwardedExchange.headers(of: request), destination.proxy,
            destination.tls, usesHTTP2: false, limits: ForwardedExchange.limits)
        body.append(request.body)
        head.append(membersOf: request, secrets)
    }

    deinit { stop() }

    private static func headers(of request: borrowing HTTPRequest) -> RequestHeaders {
        let headers = RequestHeaders()
        func append(_ name: Bytes, _ value: Bytes) {
            var line = ByteBuffer()
            line.append(name)
            line.append(":")
            line.append(value)
            headers.append(line)
        }
        for index in 0..<request.fieldCount {
            let (name, value) = request.field(index)
            let isOwn = Fields(words: ownHeaders).contains { $0.equalsIgnoringCase(name) }
            if !isOwn && !value.isEmpty { append(name, value) }
        }
        if request.header("content-type") == nil {
            append(StaticText.bytes("Content-Type"), StaticText.bytes("application/json"))
        }
        // A recording contains bodies that can be read.
        append(StaticText.bytes("Accept-Encoding"), StaticText.bytes("identity"))
        // Otherwise libcurl waits for the permission to send a large body.
        append(StaticText.bytes("Expect"), StaticText.bytes(""))
        return headers
    }

    // MARK: Transfer

    func start(on loop: EventLoop) {
        // The client has its own timeouts. It closes its connection, which ends the exchange.
        var timeouts = Timeouts()
        (timeouts.firstByte, timeouts.idle) = (0, 0)
        let transfer = Transfer(
            settings, on: loop, Cancellation(), timeouts, callStart: loop.now, context: nil)
        self.transfer = transfer
        transfer.start(resource, body: body.bytes, onFreshConnection: false)
    }

    func stop() {
        transfer?.stop()
        transfer = nil
    }

    /// Time at which a timeout expires.
    var deadline: Int64 { transfer?.deadline ?? .max }

    /// Takes what has arrived since the last call.
    func receive(on loop: EventLoop) {
        guard let transfer else { return }
        transfer.expire(at: loop.readThrough)
        if received == nil, transfer.received > 0 || transfer.end != nil { receiveHead(transfer) }
        if let received, !transfer.inbox.isEmpty {
            received.body.append(transfer.inbox.bytes)
            received.body.endPiece()
            transfer.inbox.removeAll()
        }
        guard transfer.end != nil else { return }
        if received == nil, transfer.prepareRestart() {
            stop()
            return start(on: loop)
        }
        end(transfer)
    }

    private func receiveHead(_ transfer: Transfer) {
        guard transfer.head.status != 0 else { return }
        var headers = HeaderList()
        transfer.takeHeaders(into: &headers)
        let body = CannedBody()
        body.isOpen = true
        var head = ProviderResponse(status: transfer.head.status, body: body)
        for name in Fields(words: ProviderResponse.headerNames) {
            guard let value = headers.value(name) else { continue }
            head.headers.append((ByteArray(name), ByteArray(value)))
        }
        received = head
        response = head.response(FaultPlan(), context)
    }

    private func end(_ transfer: Transfer) {
        hasEnded = true
        let result = transfer.result()
        if let received {
            received.body.isOpen = false
            received.body.isTruncated = !result.isComplete
        } else {
            var message = ByteArray("mock: the provider cannot be reached: ")
            message += result.explanation?.bytes ?? StaticText.bytes("no response was received")
            response = path.withUnsafeBufferPointer {
                HTTPResponse.error(ErrorResponse(502, message), path: $0, FaultPlan(), context)
            }
        }
        stop()
    }

    // MARK: File

    /// Appends the exchange as one line of JSON; nothing if there is no response.
    func append(to line: inout ByteBuffer, _ reader: inout JSONReader) {
        guard let received else { return }
        secrets.mask(&body)
        line.append("{\"request\":{")
        line.append(head)
        line.append(",\"body\":")
        line.append(jsonBody: body.bytes, &reader)
        line.append("},\"response\":{\"status\":")
        line.append(decimal: received.status)
        line.append(",\"headers\":{")
        for (index, header) in received.headers.enumerated() {
            if index > 0 { line.append(",") }
            var value = ByteBuffer()
            value.append(header.value)
            secrets.mask(&value)
            line.append(jsonString: header.name)
            line.append(":")
            line.append(jsonString: value.bytes)
        }
        line.append("},\"complete\":")
        line.append(received.body.isTruncated ? "false" : "true")
        line.append(",\"pieces\":[")
        appendPieces(of: received.body, to: &line)
        line.append("]}}\n")
    }

    /// Appends the pieces of a body: strings, or objects with base64 where a piece is not UTF-8.
    private func appendPieces(of body: CannedBody, to line: inout ByteBuffer) {
        var masked = ByteBuffer()
        masked.append(body.bytes.bytes)
        secrets.mask(&masked)
        var start = 0
        for (index, end) in body.ends.enumerated() {
            if index > 0 { line.append(",") }
            let piece = masked.bytes.part(start..<end)
            if isUTF8(piece) {
                line.append(jsonString: piece)
            } else {
                line.append("{\"base64\":\"")
                line.append(base64: piece)
                line.append("\"}")
            }
            start = end
        }
    }
}
