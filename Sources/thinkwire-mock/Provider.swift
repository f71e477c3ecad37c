import Base
import CPlatform
import Chat

/// Answers requests as the provider does, and serves the models of the mock.
final class Provider {
    private let recordings = Recording.all()
    private let models: CannedBody
    private let pace: Int64
    private var ids = RequestIDs()
    private var tries = TryCounter()
    private var reader = JSONReader()

    static let mockModels: [StaticString] = ["mock/synthetic", "mock/echo", "mock/script"]

    init(pace: Int64) {
        self.pace = pace
        models = Provider.listModels(recordings)
    }

    /// Numbers of a connection and of a request on it; mock/echo returns them.
    struct Origin {
        var connection: Int
        var request: Int
    }

    func respond(to request: borrowing HTTPRequest, from origin: Origin) -> HTTPResponse {
        let context = context(request)
        var faults = FaultPlan()
        do throws(ErrorResponse) {
            return try respond(to: request, from: origin, context, &faults)
        } catch {
            return HTTPResponse.error(error, path: request.path, faults, context)
        }
    }

    /// Answers an invalid request; the connection is closed afterwards.
    func respond(to request: borrowing HTTPRequest, _ error: HTTPRequest.ParseError)
        -> HTTPResponse
    {
        var context = HTTPResponse.ResponseContext()
        context.closes = true
        context.id = ids.next()
        let path = request.hasHead ? request.path : Bytes(start: nil, count: 0)
        return HTTPResponse.error(
            ErrorResponse(error.status, error.reason), path: path, FaultPlan(), context)
    }

    /// Faults before the body is read: an early error response, or a time without reading.
    ///
    /// They must be in the header x-mock.
    func faultsBeforeBody(_ request: borrowing HTTPRequest) -> (
        early: HTTPResponse?, stopReading: Int64
    ) {
        var faults = FaultPlan()
        guard let options = request.header("x-mock"), (try? faults.read(options)) != nil else {
            return (nil, 0)
        }
        guard faults.early else { return (nil, faults.stopReading) }
        var context = context(request)
        context.closes = true
        let status = faults.status ?? 413
        let message = faults.message ?? ByteArray(reasonPhrase(status))
        return (
            HTTPResponse.error(ErrorResponse(status, message), path: request.path, faults, context),
            0
        )
    }

    private func context(_ request: borrowing HTTPRequest) -> HTTPResponse.ResponseContext {
        HTTPResponse.ResponseContext(
            isHTTP10: request.isHTTP10, isHead: request.method.equals("HEAD"),
            closes: request.header("connection", contains: "close"),
            id: ids.next(), pace: pace)
    }

    // MARK: Routing

    private func respond(
        to request: borrowing HTTPRequest, from origin: Origin,
        _ context: HTTPResponse.ResponseContext,
        _ faults: inout FaultPlan
    ) throws(ErrorResponse) -> HTTPResponse {
        let path = request.path
        if path.equals("/v1/models") || path.equals("/models") {
            guard request.method.equals("GET") else {
                throw ErrorResponse(405, "only GET is supported for this path")
            }
            _ = try read([], request, &faults)
            return HTTPResponse(
                try successStatus(faults), .canned(models), isStream: false, faults, context)
        }
        guard path.equals("/v1/chat/completions") || path.equals("/chat/completions") else {
            throw ErrorResponse(
                404,
                ByteArray("Cannot ") + ByteArray(request.method) + ByteArray(" ")
                    + ByteArray(path))
        }
        guard request.method.equals("POST") else {
            throw ErrorResponse(405, "only POST is supported for this path")
        }
        guard isAuthorized(request) else {
            throw ErrorResponse(401, "Unauthorized: send a key, as Authorization: Bearer KEY")
        }
        let body = try parse(request.body)
        let (name, options) = try model(body)
        return try name.withUnsafeBufferPointer { (name) throws(ErrorResponse) in
            let previous = try read(options, request, &faults)
            let isStream = body["stream"]?.kind == .true
            if name.equals("mock/script") {
                return try script(body, previous, isStream, faults, context)
            }
            let status = try successStatus(faults)
            if name.equals("mock/synthetic") {
                guard isStream || Synthetic.fitsDocument(faults) else {
                    throw ErrorResponse(400, "mock: the response is too large without streaming")
                }
                guard faults.framing != .length || Synthetic.canBeMeasured(faults) else {
                    throw ErrorResponse(
                        400,
                        "mock: the response is too large to be measured for framing=length")
                }
                let source = BodySource.Content.synthetic(Synthetic(faults, isStreamed: isStream))
                return HTTPResponse(status, source, isStream: isStream, faults, context)
            }
            if name.equals("mock/echo") {
                return HTTPResponse(
                    status, .canned(echo(request, origin, isStream)), isStream: isStream,
                    faults, context)
            }
            let source = try recorded(name, body, isStream)
            return HTTPResponse(status, .canned(source), isStream: isStream, faults, context)
        }
    }

    /// The status of a response that is not an error response; throws the fault `status`.
    private func successStatus(_ faults: FaultPlan) throws(ErrorResponse) -> Int {
        let status = faults.status ?? 200
        guard status < 300 else {
            throw ErrorResponse(status, faults.message ?? ByteArray(reasonPhrase(status)))
        }
        return status
    }

    private func isAuthorized(_ request: borrowing HTTPRequest) -> Bool {
        guard let value = request.header("authorization"), value.count > 7 else { return false }
        return value.part(0..<7).equalsIgnoringCase(StaticText.bytes("bearer "))
            && !trim(value.dropping(7)).isEmpty
    }

    private func parse(_ text: Bytes) throws(ErrorResponse) -> JSONValue {
        let body: JSONValue
        do throws(JSONError) {
            body = try reader.read(text, .rejectsInvalidUTF8)
        } catch {
            var message = ByteArray("the body is not JSON: ")
            message += error.problem.text
            message += ", at byte "
            message.append(decimal: error.offset)
            throw ErrorResponse(400, message)
        }
        guard body.kind == .object else {
            throw ErrorResponse(400, "the body must be a JSON object")
        }
        return body
    }

    /// Returns the model's name and the options after it.
    private func model(_ body: JSONValue) throws(ErrorResponse)
        -> (name: ByteArray, options: ByteArray)
    {
        guard let model = body["model"] else { throw ErrorResponse(400, "model: is missing") }
        guard model.isString else { throw ErrorResponse(400, "model: must be a string") }
        var buffer = ByteBuffer()
        model.appendText(to: &buffer)
        let text = buffer.bytes
        let end = text.firstIndex(of: UInt8(ascii: "#")) ?? text.count
        let name = text.part(0..<end)
        var isKnown = false
        for model in Provider.mockModels where name.equals(model) { isKnown = true }
        for recording in recordings where name.equals(recording.name) { isKnown = true }
        guard isKnown else {
            throw ErrorResponse(
                404,
                ByteArray("model: there is no model ") + ByteArray(name)
                    + ByteArray("; GET /v1/models lists the models"))
        }
        return (ByteArray(name), end < text.count ? ByteArray(text.dropping(end + 1)) : [])
    }

    /// Reads the options of a request, and returns the number of earlier requests like it.
    private func read(
        _ options: ByteArray, _ request: borrowing HTTPRequest, _ faults: inout FaultPlan
    ) throws(ErrorResponse) -> Int {
        var all = options
        do throws(FaultPlan.ParseError) {
            try options.withUnsafeBufferPointer { (bytes) throws(FaultPlan.ParseError) in
                try faults.read(bytes)
            }
            for index in 0..<request.fieldCount {
                let (name, value) = request.field(index)
                guard name.equalsIgnoringCase(StaticText.bytes("x-mock")) else { continue }
                all += "\n"
                all += value
                try faults.read(value)
            }
        } catch {
            faults = FaultPlan()
            throw ErrorResponse(400, error.message)
        }
        guard faults.tries != nil || !faults.key.isEmpty else { return 0 }
        let previous = (faults.key.isEmpty ? all : faults.key).withUnsafeBufferPointer {
            tries.next($0)
        }
        if let count = faults.tries, previous >= count { faults.clearFaults() }
        return previous
    }

    // MARK: The models

    private func recorded(_ name: Bytes, _ body: JSONValue, _ isStream: Bool) throws(ErrorResponse)
        -> CannedBody
    {
        for recording in recordings where name.equals(recording.name) {
            do throws(Schema.Violation) {
                try recording.schema.check(body)
                try checkRules(body)
            } catch {
                throw ErrorResponse(400, error.message)
            }
            guard let thinking = recording.thinking, body["enable_thinking"]?.kind == .true else {
                return isStream ? recording.stream : recording.document
            }
            guard isStream else {
                throw ErrorResponse(
                    400, "parameter.enable_thinking must be set to false for non-streaming calls")
            }
            return thinking
        }
        throw ErrorResponse(404, "model: there is no such model")
    }

    /// Returns the reply in the request: `mock_reply` (text) or `mock_reply_base64` (bytes).
    ///
    /// From an array, each request with the same `key` receives the next element. Later requests
    /// receive the last one.
    private func script(
        _ body: JSONValue, _ previous: Int, _ isStream: Bool, _ faults: FaultPlan,
        _ context: HTTPResponse.ResponseContext
    ) throws(ErrorResponse) -> HTTPResponse {
        let isBase64 = body["mock_reply"] == nil
        guard var reply = body["mock_reply"] ?? body["mock_reply_base64"] else {
            throw ErrorResponse(400, "mock_reply: is missing, and so is mock_reply_base64")
        }
        if reply.kind == .array {
            var index = 0
            let list = reply
            for element in list.elements {
                if index <= previous { reply = element }
                index += 1
            }
        }
        guard reply.isString else {
            throw ErrorResponse(400, "mock_reply: must be a string or an array of strings")
        }
        var text = ByteBuffer()
        reply.appendText(to: &text)
        if isBase64 {
            guard let decoded = decodeBase64(text.bytes) else {
                throw ErrorResponse(400, "mock_reply_base64: is not base64")
            }
            text.removeAll()
            text.append(decoded)
        }
        let status = faults.status ?? 200
        // An error response is not a stream unless the option `type` says so.
        let isStream = isStream && status < 300
        let pieces = isStream ? CannedBody.events(text.bytes) : CannedBody.whole(text.bytes)
        return HTTPResponse(status, .canned(pieces), isStream: isStream, faults, context)
    }

    private static func listModels(_ recordings: [Recording]) -> CannedBody {
        let list = CannedBody()
        var isFirst = true
        func add(_ name: StaticString, _ owner: StaticString) {
            if !isFirst { list.append(",") }
            isFirst = false
            list.append("{\"id\":\"")
            list.append(name)
            list.append("\",\"object\":\"model\",\"created\":1753944369,\"owned_by\":\"")
            list.append(owner)
            list.append("\"}")
        }
        list.append("{\"object\":\"list\",\"data\":[")
        for recording in recordings { add(recording.name, "alibaba") }
        for name in mockModels { add(name, "mock") }
        list.append("]}")
        list.endPiece()
        return list
    }
}
