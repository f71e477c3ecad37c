import Base
import CPlatform
import Chat

/// Answers requests as the provider does.
final class Provider {
    private let recordings = Recording.all()
    private let models: CannedBody
    private let pace: Int64
    private var ids = RequestIDs()
    private var tries = TryCounter()
    private var reader = JSONReader()

    static let ownModels: [StaticString] = ["mock/synthetic", "mock/echo", "mock/script"]

    init(pace: Int64) {
        self.pace = pace
        models = Provider.listModels(recordings)
    }

    /// Where a request came from, for those who want to know whether their connections are kept.
    struct Origin {
        var connection: Int
        var request: Int
    }

    func answer(_ request: borrowing HTTPRequest, from origin: Origin) -> Answer {
        let context = context(request)
        var faults = FaultPlan()
        do throws(Refusal) {
            return try answer(request, from: origin, context, &faults)
        } catch {
            return Answer.refusing(error, path: request.path, faults, context)
        }
    }

    /// For what is no request: the connection ends with it.
    func answer(malformed: HTTPRequest.Malformed, _ request: borrowing HTTPRequest) -> Answer {
        var context = Answer.ResponseContext()
        context.closes = true
        context.id = ids.next()
        let path = request.hasHead ? request.path : Bytes(start: nil, count: 0)
        return Answer.refusing(
            Refusal(malformed.status, malformed.reason), path: path, FaultPlan(), context)
    }

    /// What the header asks for before the body has been read: a refusal, or a time of not reading.
    func plan(_ request: borrowing HTTPRequest) -> (early: Answer?, stopReading: Int64) {
        var faults = FaultPlan()
        guard let words = request.header("x-mock"), (try? faults.read(words)) != nil else {
            return (nil, 0)
        }
        guard faults.early else { return (nil, faults.stopReading) }
        var context = context(request)
        context.closes = true
        let status = faults.status ?? 413
        let message = faults.message ?? ByteString(reasonPhrase(status))
        return (Answer.refusing(Refusal(status, message), path: request.path, faults, context), 0)
    }

    private func context(_ request: borrowing HTTPRequest) -> Answer.ResponseContext {
        Answer.ResponseContext(
            isHTTP10: request.isHTTP10, isHead: request.method.equals("HEAD"),
            closes: request.header("connection", has: "close"),
            id: ids.next(), pace: pace)
    }

    // MARK: From a request to an answer

    private func answer(
        _ request: borrowing HTTPRequest, from origin: Origin, _ context: Answer.ResponseContext,
        _ faults: inout FaultPlan
    ) throws(Refusal) -> Answer {
        let path = request.path
        if path.equals("/v1/models") || path.equals("/models") {
            guard request.method.equals("GET") else {
                throw Refusal(405, "only GET is answered here")
            }
            return Answer(200, .cannedBody(models), isStream: false, faults, context)
        }
        guard path.equals("/v1/chat/completions") || path.equals("/chat/completions") else {
            throw Refusal(
                404,
                ByteString("Cannot ") + ByteString(request.method) + ByteString(" ")
                    + ByteString(path))
        }
        guard request.method.equals("POST") else {
            throw Refusal(405, "only POST is answered here")
        }
        guard isAuthorized(request) else {
            throw Refusal(401, "Unauthorized: send a key, as Authorization: Bearer KEY")
        }
        let body = try parse(request.body)
        let (name, words) = try model(body)
        return try name.withUnsafeBufferPointer { (name) throws(Refusal) in
            let turn = try read(words, request, &faults)
            let isStream = body["stream"]?.kind == .true
            if name.equals("mock/script") {
                return try script(body, turn, isStream, faults, context)
            }
            if let status = faults.status, status >= 300 {
                throw Refusal(status, faults.message ?? ByteString(reasonPhrase(status)))
            }
            let status = faults.status ?? 200
            if name.equals("mock/synthetic") {
                guard isStream || Synthetic.fitsDocument(faults) else {
                    throw Refusal(400, "mock: more than can be answered without streaming")
                }
                guard faults.framing != .length || Synthetic.canBeMeasured(faults) else {
                    throw Refusal(
                        400,
                        "mock: more than can be measured before it is sent; choose another framing")
                }
                let source = BodySource.Source.synthetic(Synthetic(faults, isStreamed: isStream))
                return Answer(status, source, isStream: isStream, faults, context)
            }
            if name.equals("mock/echo") {
                return Answer(
                    status, .cannedBody(echo(request, origin, isStream)), isStream: isStream,
                    faults, context)
            }
            let source = try recorded(name, body, isStream)
            return Answer(status, .cannedBody(source), isStream: isStream, faults, context)
        }
    }

    private func isAuthorized(_ request: borrowing HTTPRequest) -> Bool {
        guard let value = request.header("authorization"), value.count > 7 else { return false }
        return value.part(0..<7).equalsIgnoringCase(StaticText.bytes("bearer "))
            && !trim(value.dropping(7)).isEmpty
    }

    private func parse(_ text: Bytes) throws(Refusal) -> JSONValue {
        let body: JSONValue
        do throws(JSONError) {
            body = try reader.read(text, .rejectsInvalidUTF8)
        } catch {
            var message = ByteString("the body is not JSON: ")
            message += error.problem.text
            message += ", at byte "
            message.append(decimal: error.offset)
            throw Refusal(400, message)
        }
        guard body.kind == .object else { throw Refusal(400, "the body must be a JSON object") }
        return body
    }

    /// The model's name, and what stands behind it for the mock.
    private func model(_ body: JSONValue) throws(Refusal) -> (name: ByteString, words: ByteString) {
        guard let model = body["model"] else { throw Refusal(400, "model: is missing") }
        guard model.isString else { throw Refusal(400, "model: must be a string") }
        var buffer = ByteBuffer()
        model.appendText(to: &buffer)
        let text = buffer.bytes
        let end = text.firstIndex(of: UInt8(ascii: "#")) ?? text.count
        let name = text.part(0..<end)
        var isKnown = false
        for own in Provider.ownModels where name.equals(own) { isKnown = true }
        for recording in recordings where name.equals(recording.name) { isKnown = true }
        guard isKnown else {
            throw Refusal(
                404,
                ByteString("model: there is no model ") + ByteString(name)
                    + ByteString(" here; GET /v1/models lists them"))
        }
        return (ByteString(name), end < text.count ? ByteString(text.dropping(end + 1)) : [])
    }

    /// Reads what is asked of the mock, and tells how many requests with the same words there were.
    private func read(
        _ words: ByteString, _ request: borrowing HTTPRequest, _ faults: inout FaultPlan
    ) throws(Refusal) -> Int {
        var all = words
        do throws(FaultPlan.Mistake) {
            try words.withUnsafeBufferPointer { (bytes) throws(FaultPlan.Mistake) in
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
            throw Refusal(400, error.message)
        }
        guard faults.tries != nil || !faults.key.isEmpty else { return 0 }
        let turn = (faults.key.isEmpty ? all : faults.key).withUnsafeBufferPointer {
            tries.next($0)
        }
        if let count = faults.tries, turn >= count { faults.clearFaults() }
        return turn
    }

    // MARK: The models

    private func recorded(_ name: Bytes, _ body: JSONValue, _ isStream: Bool) throws(Refusal)
        -> CannedBody
    {
        for recording in recordings where name.equals(recording.name) {
            do throws(Schema.Mistake) {
                try recording.schema.check(body)
                try checkRules(body)
            } catch {
                throw Refusal(400, error.message)
            }
            guard let thinking = recording.thinking, body["enable_thinking"]?.kind == .true else {
                return isStream ? recording.stream : recording.document
            }
            guard isStream else {
                throw Refusal(
                    400, "parameter.enable_thinking must be set to false for non-streaming calls")
            }
            return thinking
        }
        throw Refusal(404, "model: there is no such model here")
    }

    /// A reply that is in the request itself: `mock_reply`, text, or `mock_reply_base64`, any bytes; or a list of them, of which
    /// each request with the same `key` gets the next.
    private func script(
        _ body: JSONValue, _ turn: Int, _ isStream: Bool, _ faults: FaultPlan,
        _ context: Answer.ResponseContext
    ) throws(Refusal) -> Answer {
        let isBase64 = body["mock_reply"] == nil
        guard var reply = body["mock_reply"] ?? body["mock_reply_base64"] else {
            throw Refusal(400, "mock_reply: is missing, and mock_reply_base64 too")
        }
        if reply.kind == .array {
            var place = 0
            let list = reply
            for element in list.elements {
                if place <= turn { reply = element }
                place += 1
            }
        }
        guard reply.isString else {
            throw Refusal(400, "mock_reply: must be a string, or a list of strings")
        }
        var text = ByteBuffer()
        reply.appendText(to: &text)
        if isBase64 {
            guard let decoded = decodeBase64(text.bytes) else {
                throw Refusal(400, "mock_reply_base64: is not base64")
            }
            text.removeAll()
            text.append(decoded)
        }
        let status = faults.status ?? 200
        // A refusal is no stream, unless its type says so.
        let isStream = isStream && status < 300
        let pieces = isStream ? CannedBody.events(text.bytes) : CannedBody.whole(text.bytes)
        return Answer(status, .cannedBody(pieces), isStream: isStream, faults, context)
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
        for name in ownModels { add(name, "mock") }
        list.append("]}")
        list.endPiece()
        return list
    }
}
