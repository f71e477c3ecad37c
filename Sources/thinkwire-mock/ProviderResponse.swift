import Base
import Chat

/// Response of a real provider: received while it is forwarded, or read from a recording.
struct ProviderResponse {
    var status: Int
    /// Headers that clients read; their names are among `headerNames`.
    var headers: [(name: ByteArray, value: ByteArray)] = []
    var body: CannedBody

    /// Headers that are forwarded and recorded. The others describe the connection, or may identify
    /// the account.
    static let headerNames: StaticString = """
        content-type openai-processing-ms openai-version request-id retry-after \
        retry-after-ms x-ratelimit-limit-requests x-ratelimit-limit-tokens \
        x-ratelimit-remaining-requests x-ratelimit-remaining-tokens x-ratelimit-reset-requests \
        x-ratelimit-reset-tokens x-request-id x-should-retry
        """

    /// Builds the response to a client. Request options override what the provider sent.
    func response(
        _ options: FaultPlan, _ context: HTTPResponse.ResponseContext
    ) -> HTTPResponse {
        var faults = options
        var context = context
        var isStream = false
        for (name, value) in headers {
            if name.equals("content-type") {
                isStream = value.starts(with: StaticText.bytes("text/event-stream"))
                faults.type = options.type ?? value
            } else if name.equals("x-request-id") {
                context.id = value
            } else {
                faults.headers += name + ByteArray(": ") + value + ByteArray("\r\n")
            }
        }
        // The length of a body is unknown until it ends; a body that was cut has none.
        if body.isOpen || body.isTruncated { faults.framing = .chunked }
        return HTTPResponse(
            options.status ?? status, .canned(body), isStream: isStream, faults, context)
    }
}
