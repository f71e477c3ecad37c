import Base
import CMock
import CPlatform
import Chat
import Transport

/// Answers requests as the provider does, and serves the models of the mock.
final class Provider {
    let recordings = Recording.all()
    let aliases: [ModelAlias]
    private let source: Source
    private let received: ReceivedRequests
    private let pace: Int64
    private var rateLimit: RateLimit?
    private var models = CannedBody()
    private var ids = RequestIDs()
    private var tries = TryCounter()
    private var reader = JSONReader()

    /// What answers chat requests.
    private enum Source {
        case models
        case script(Script)
        case replay(Replay)
        case recorder(Recorder)
    }

    private init(_ settings: Settings, _ source: Source, _ received: ReceivedRequests) {
        pace = settings.pace
        rateLimit = settings.requestsPerSecond.map { RateLimit(perSecond: $0) }
        aliases = settings.aliases
        self.source = source
        self.received = received
        models = listModels()
    }

    /// Checks the settings, and opens the files that they name.
    static func create(_ settings: Settings) throws(StartError) -> Provider {
        var source = Source.models
        if let path = settings.scriptFile { source = .script(try Script.load(path)) }
        if let path = settings.replayFile { source = .replay(try Replay.load(path)) }
        if let url = settings.recordedURL, let path = settings.outputFile {
            source = .recorder(
                try Recorder.create(url: url, file: path, authorities: settings.authorityFile))
        }
        var file: Int32 = -1
        if let path = settings.requestsFile { file = try openForAppending(path) }
        let provider = Provider(settings, source, ReceivedRequests(file: file))
        try provider.checkAliases()
        return provider
    }

    /// What forwards requests to a provider; nil if the mock answers them itself.
    var recorder: Recorder? {
        if case .recorder(let recorder) = source { recorder } else { nil }
    }

    /// Connection of a request: its number, the number of the request on it, and its key.
    struct Origin {
        var connection: Int
        var request: Int
        var key: UInt64
    }

    /// Answers a request; nil if it was forwarded, and the response follows later.
    func respond(to request: borrowing HTTPRequest, from origin: Origin) -> HTTPResponse? {
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
    ) throws(ErrorResponse) -> HTTPResponse? {
        let path = request.path
        // The base URL ends with /v1, but clients may be configured without it.
        let name = path.hasPrefix("/v1/") ? path.dropping(3) : path
        if name.equals("/mock/requests") { return try requests(request, faults, context) }
        received.add(request, from: origin)
        let resource: Resource
        if name.equals("/models") {
            resource = .models
        } else if name.equals("/chat/completions") {
            resource = .chatCompletions
        } else {
            throw ErrorResponse(
                404,
                ByteArray("Cannot ") + ByteArray(request.method) + ByteArray(" ")
                    + ByteArray(path))
        }
        guard request.method.equals(resource.method) else {
            throw ErrorResponse(
                405,
                ByteArray("only ") + ByteArray(resource.method)
                    + ByteArray(" is supported for this path"), allow: resource.method)
        }
        switch source {
        case .recorder(let recorder):
            recorder.forward(request, to: resource, for: origin.key, context)
            return nil
        case .replay(let replay):
            _ = try read([], request, &faults)
            _ = try successStatus(faults)
            return try replay.take(request.method, name, request.body).response(faults, context)
        case .models, .script: break
        }
        if resource == .models {
            _ = try read([], request, &faults)
            return HTTPResponse(
                try successStatus(faults), .canned(models), isStream: false, faults, context)
        }
        guard isAuthorized(request) else {
            throw ErrorResponse(401, "Unauthorized: send a key, as Authorization: Bearer KEY")
        }
        if let (isAccepted, headers) = rateLimit?.take() {
            faults.headers += headers
            guard isAccepted else { throw ErrorResponse(429, "Rate limit reached for requests") }
        }
        let body = try parse(request.body)
        if case .script(let script) = source {
            return try answer(body, request, script, &faults, context)
        }
        return try answer(body, request, from: origin, &faults, context)
    }

    /// Lists or deletes the received requests.
    private func requests(
        _ request: borrowing HTTPRequest, _ faults: FaultPlan,
        _ context: HTTPResponse.ResponseContext
    ) throws(ErrorResponse) -> HTTPResponse {
        if request.method.equals("DELETE") {
            received.removeAll()
            return HTTPResponse(204, .canned(CannedBody()), isStream: false, faults, context)
        }
        guard request.method.equals("GET") else {
            throw ErrorResponse(
                405, "only GET and DELETE are supported for this path", allow: "GET, DELETE")
        }
        return HTTPResponse(200, .canned(received.list()), isStream: false, faults, context)
    }

    /// Answers with the model that the request names.
    private func answer(
        _ body: JSONValue, _ request: borrowing HTTPRequest, from origin: Origin,
        _ faults: inout FaultPlan, _ context: HTTPResponse.ResponseContext
    ) throws(ErrorResponse) -> HTTPResponse {
        let model = try model(body)
        return try model.name.withUnsafeBufferPointer { (name) throws(ErrorResponse) in
            let previous = try read(model.options, request, &faults)
            let isStream = body["stream"]?.kind == .true
            if name.equals("mock/script") {
                return try scripted(body, previous, isStream, faults, context)
            }
            let status = try successStatus(faults)
            let content: BodySource.Content =
                if name.equals("mock/synthetic") {
                    .synthetic(try synthetic(isStream, faults))
                } else if name.equals("mock/echo") {
                    .canned(echo(request, origin, isStream))
                } else if name.equals("mock/tools") {
                    .canned(
                        try ToolModel(body).answer(model: model.requested).body(isStream: isStream))
                } else {
                    .canned(try recorded(name, body, isStream))
                }
            return HTTPResponse(status, content, isStream: isStream, faults, context)
        }
    }

    /// Answers with the next entry of a script, whatever model the request names.
    private func answer(
        _ body: JSONValue, _ request: borrowing HTTPRequest, _ script: Script,
        _ faults: inout FaultPlan, _ context: HTTPResponse.ResponseContext
    ) throws(ErrorResponse) -> HTTPResponse {
        let requested = try requestedModel(body)
        var entry = try script.take(for: body)
        entry.answer.model = requested.name
        faults.delay = entry.delay
        _ = try read(entry.options, request, &faults)
        if let error = entry.error {
            let status = entry.status ?? 500
            switch error {
            case .message(let message): throw ErrorResponse(status, message)
            case .object(let object):
                let document = CannedBody()
                document.append("{\"error\":")
                document.append(object)
                document.append("}")
                document.endPiece()
                return HTTPResponse(status, .canned(document), isStream: false, faults, context)
            }
        }
        if let status = entry.status { faults.status = status }
        let status = try successStatus(faults)
        let isStream = body["stream"]?.kind == .true
        return HTTPResponse(
            status, .canned(entry.answer.body(isStream: isStream)), isStream: isStream, faults,
            context)
    }

    // MARK: Requests

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
}
