import Base
import CPlatform
import Chat

/// Reason why a request is answered with an error status.
struct ErrorResponse: Error {
    var status: Int
    var message: ByteArray
    /// Methods of the path, for status 405.
    var allow: StaticString = ""

    init(_ status: Int, _ message: StaticString, allow: StaticString = "") {
        self.init(status, ByteArray(message), allow: allow)
    }

    init(_ status: Int, _ message: ByteArray, allow: StaticString = "") {
        self.status = status
        self.message = message
        self.allow = allow
    }
}

/// Response to one request: its head, its body, and the way both are sent.
final class HTTPResponse {
    let status: Int
    let faults: FaultPlan
    /// Pause between two pieces of the body, in nanoseconds.
    let pace: Int64
    /// Status line and headers, with the blank line.
    private(set) var head = ByteBuffer()
    var body: BodySource
    let framing: FaultPlan.Framing
    /// True if only the head is sent: for HEAD requests, and for a status without a body.
    let isBodyless: Bool
    /// Whether the connection is closed after the response.
    let closes: Bool

    /// Properties of a request that determine how its response is sent.
    struct ResponseContext {
        var isHTTP10 = false
        var isHead = false
        var closes = false
        var id = ByteArray()
        var pace: Int64 = 0
    }

    init(
        _ status: Int, _ content: BodySource.Content, isStream: Bool, _ faults: FaultPlan,
        _ context: ResponseContext, allow: StaticString = ""
    ) {
        self.status = status
        self.faults = faults
        pace = faults.pace ?? context.pace
        let content = faults.garbage.map { .canned(CannedBody.garbage($0)) } ?? content
        body = BodySource(content, faults)
        isBodyless = context.isHead || status == 204 || status == 304
        var framing = faults.framing ?? (isStream ? .chunked : .length)
        if framing == .chunked && context.isHTTP10 { framing = .close }
        self.framing = framing
        closes = context.closes || faults.close || context.isHTTP10 || framing == .close
        writeHead(content, isStream, context, allow)
    }

    private func writeHead(
        _ content: BodySource.Content, _ isStream: Bool, _ context: ResponseContext,
        _ allow: StaticString
    ) {
        head.append("HTTP/1.1 ")
        head.append(decimal: status)
        head.append(" ")
        head.append(reasonPhrase(status))
        head.append("\r\ncontent-type: ")
        if let type = faults.type {
            head.append(type)
        } else {
            head.append(
                isStream ? "text/event-stream; charset=utf-8" : "application/json; charset=utf-8")
        }
        head.append("\r\nx-request-id: ")
        head.append(context.id)
        if isStream { head.append("\r\ncache-control: no-cache") }
        if allow.utf8CodeUnitCount > 0 {
            head.append("\r\nallow: ")
            head.append(allow)
        }
        switch framing {
        // RFC 9112, section 6.1: no transfer-encoding with a status that has no body.
        case _ where status == 204 || status == 304: break
        case .chunked: head.append("\r\ntransfer-encoding: chunked")
        case .length:
            head.append("\r\ncontent-length: ")
            head.append(decimal: BodySource.length(content, faults))
        case .close: break
        }
        head.append(closes ? "\r\nconnection: close\r\n" : "\r\nconnection: keep-alive\r\n")
        head.append(faults.headers)
        head.append("\r\n")
    }

    /// Builds an error response in the provider's format: not wrapped, and with a string as status.
    static func error(
        _ error: ErrorResponse, path: Bytes, _ faults: FaultPlan, _ context: ResponseContext
    ) -> HTTPResponse {
        let body = CannedBody()
        body.append("{\"message\":")
        error.message.withUnsafeBufferPointer { body.append(jsonString: $0) }
        body.append(",\"path\":")
        body.append(jsonString: path)
        body.append(",\"requestId\":\"")
        body.append(context.id)
        body.append("\",\"statusCode\":\"")
        body.append(decimal: error.status)
        body.append("\",\"timestamp\":\"")
        body.append(timestamp())
        body.append("\"}")
        body.endPiece()
        return HTTPResponse(
            error.status, .canned(body), isStream: false, faults, context, allow: error.allow)
    }
}

/// Reason phrase of a status (RFC 9110, section 15).
func reasonPhrase(_ status: Int) -> StaticString {
    switch status {
    case 200: "OK"
    case 204: "No Content"
    case 301: "Moved Permanently"
    case 302: "Found"
    case 304: "Not Modified"
    case 307: "Temporary Redirect"
    case 308: "Permanent Redirect"
    case 400: "Bad Request"
    case 401: "Unauthorized"
    case 402: "Payment Required"
    case 403: "Forbidden"
    case 404: "Not Found"
    case 405: "Method Not Allowed"
    case 408: "Request Timeout"
    case 409: "Conflict"
    case 413: "Content Too Large"
    case 417: "Expectation Failed"
    case 422: "Unprocessable Content"
    case 429: "Too Many Requests"
    case 431: "Request Header Fields Too Large"
    case 500: "Internal Server Error"
    case 501: "Not Implemented"
    case 502: "Bad Gateway"
    case 503: "Service Unavailable"
    case 504: "Gateway Timeout"
    case 505: "HTTP Version Not Supported"
    default: "Status"
    }
}
