import Base
import CPlatform
import Chat

/// Why a request is not answered as it hopes.
struct Refusal: Error {
    var status: Int
    var message: ByteString

    init(_ status: Int, _ message: StaticString) {
        self.status = status
        self.message = ByteString(message)
    }

    init(_ status: Int, _ message: ByteString) {
        self.status = status
        self.message = message
    }
}

/// What goes back for one request: the head, the body to come, and how it travels.
final class Answer {
    let status: Int
    let faults: FaultPlan
    let pace: Int64
    /// Status line and headers, with the blank line.
    private(set) var head = ByteBuffer()
    var feed: BodySource
    let framing: FaultPlan.Framing
    /// Nothing but the head is sent: to HEAD, and for a status that has no body.
    let isBodyless: Bool
    /// The connection ends with the answer.
    let closes: Bool

    /// What a request has to say about its answer.
    struct ResponseContext {
        var isHTTP10 = false
        var isHead = false
        var closes = false
        var id = ByteString()
        var pace: Int64 = 0
    }

    init(
        _ status: Int, _ source: BodySource.Source, isStream: Bool, _ faults: FaultPlan,
        _ context: ResponseContext, allow: StaticString = ""
    ) {
        self.status = status
        self.faults = faults
        pace = faults.pace ?? context.pace
        let source = faults.garbage.map { .cannedBody(CannedBody.garbage($0)) } ?? source
        feed = BodySource(source, faults)
        isBodyless = context.isHead || status == 204 || status == 304
        var framing = faults.framing ?? (isStream ? .chunked : .length)
        if framing == .chunked && context.isHTTP10 { framing = .close }
        self.framing = framing
        closes = context.closes || faults.close || context.isHTTP10 || framing == .close
        writeHead(source, isStream, context, allow)
    }

    private func writeHead(
        _ source: BodySource.Source, _ isStream: Bool, _ context: ResponseContext,
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
        // RFC 9112, section 6.1: not with a status that has no body.
        case _ where status == 204 || status == 304: break
        case .chunked: head.append("\r\ntransfer-encoding: chunked")
        case .length:
            head.append("\r\ncontent-length: ")
            head.append(decimal: BodySource.length(source, faults))
        case .close: break
        }
        head.append(closes ? "\r\nconnection: close\r\n" : "\r\nconnection: keep-alive\r\n")
        head.append(faults.headers)
        head.append("\r\n")
    }

    /// A refusal in the provider's own form: nothing wraps it, and the status is a string.
    static func refusing(
        _ refusal: Refusal, path: Bytes, _ faults: FaultPlan, _ context: ResponseContext
    ) -> Answer {
        let body = CannedBody()
        body.append("{\"message\":")
        refusal.message.withUnsafeBufferPointer { body.append(jsonString: $0) }
        body.append(",\"path\":")
        body.append(jsonString: path)
        body.append(",\"requestId\":\"")
        body.append(context.id)
        body.append("\",\"statusCode\":\"")
        body.append(decimal: refusal.status)
        body.append("\",\"timestamp\":\"")
        body.append(timestamp())
        body.append("\"}")
        body.endPiece()
        let allow: StaticString =
            refusal.status != 405 ? "" : path.hasSuffix("/models") ? "GET" : "POST"
        return Answer(
            refusal.status, .cannedBody(body), isStream: false, faults, context, allow: allow)
    }
}

extension UnsafeBufferPointer where Element == UInt8 {
    func hasSuffix(_ text: StaticString) -> Bool {
        count >= text.utf8CodeUnitCount && dropping(count - text.utf8CodeUnitCount).equals(text)
    }
}

/// The words behind a status.
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
