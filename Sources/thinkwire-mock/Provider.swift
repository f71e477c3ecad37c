import CPlatform
import ThinkwireCore

/// Answers requests as the provider does.
final class Provider {
    private let recordings = Recording.all()
    private let models: Prepared
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
        let terms = terms(request)
        var orders = Orders()
        do throws(Refusal) {
            return try answer(request, from: origin, terms, &orders)
        } catch {
            return Answer.refusing(error, path: request.path, orders, terms)
        }
    }

    /// For what is no request: the connection ends with it.
    func answer(malformed: HTTPRequest.Malformed, _ request: borrowing HTTPRequest) -> Answer {
        var terms = Answer.Terms()
        terms.closes = true
        terms.id = ids.next()
        let path = request.hasHead ? request.path : Bytes(start: nil, count: 0)
        return Answer.refusing(Refusal(malformed.status, malformed.reason), path: path, Orders(), terms)
    }

    /// What the header asks for before the body has been read: a refusal, or a time of not reading.
    func plan(_ request: borrowing HTTPRequest) -> (early: Answer?, deaf: Int64) {
        var orders = Orders()
        guard let words = request.header("x-mock"), (try? orders.read(words)) != nil else { return (nil, 0) }
        guard orders.early else { return (nil, orders.deaf) }
        var terms = terms(request)
        terms.closes = true
        let status = orders.status ?? 413
        let message = orders.message ?? Text(reasonPhrase(status))
        return (Answer.refusing(Refusal(status, message), path: request.path, orders, terms), 0)
    }

    private func terms(_ request: borrowing HTTPRequest) -> Answer.Terms {
        Answer.Terms(
            isHTTP10: request.isHTTP10, isHead: request.method.equals("HEAD"), closes: request.header("connection", has: "close"),
            id: ids.next(), pace: pace)
    }

    // MARK: From a request to an answer

    private func answer(
        _ request: borrowing HTTPRequest, from origin: Origin, _ terms: Answer.Terms, _ orders: inout Orders
    ) throws(Refusal) -> Answer {
        let path = request.path
        if path.equals("/v1/models") || path.equals("/models") {
            guard request.method.equals("GET") else { throw Refusal(405, "only GET is answered here") }
            return Answer(200, .prepared(models), isStream: false, orders, terms)
        }
        guard path.equals("/v1/chat/completions") || path.equals("/chat/completions") else {
            throw Refusal(404, Text("Cannot ") + Text(request.method) + Text(" ") + Text(path))
        }
        guard request.method.equals("POST") else { throw Refusal(405, "only POST is answered here") }
        guard isAuthorized(request) else {
            throw Refusal(401, "Unauthorized: send a key, as Authorization: Bearer KEY")
        }
        let body = try parse(request.body)
        let (name, words) = try model(body)
        return try name.withUnsafeBufferPointer { (name) throws(Refusal) in
            let turn = try read(words, request, &orders)
            let isStream = body["stream"]?.kind == .true
            if name.equals("mock/script") { return try script(body, turn, isStream, orders, terms) }
            if let status = orders.status, status >= 300 {
                throw Refusal(status, orders.message ?? Text(reasonPhrase(status)))
            }
            let status = orders.status ?? 200
            if name.equals("mock/synthetic") {
                guard isStream || Synthetic.fitsDocument(orders) else {
                    throw Refusal(400, "mock: more than can be answered without streaming")
                }
                guard orders.framing != .length || Synthetic.canBeMeasured(orders) else {
                    throw Refusal(400, "mock: more than can be measured before it is sent; choose another framing")
                }
                let source = Feed.Source.synthetic(Synthetic(orders, isStreamed: isStream))
                return Answer(status, source, isStream: isStream, orders, terms)
            }
            if name.equals("mock/echo") {
                return Answer(status, .prepared(echo(request, origin, isStream)), isStream: isStream, orders, terms)
            }
            let source = try recorded(name, body, isStream)
            return Answer(status, .prepared(source), isStream: isStream, orders, terms)
        }
    }

    private func isAuthorized(_ request: borrowing HTTPRequest) -> Bool {
        guard let value = request.header("authorization"), value.count > 7 else { return false }
        return value.part(0..<7).equalsIgnoringCase(StaticText.bytes("bearer ")) && !trim(value.dropping(7)).isEmpty
    }

    private func parse(_ text: Bytes) throws(Refusal) -> JSONValue {
        let body: JSONValue
        do throws(JSONError) {
            body = try reader.read(text, .refusesBrokenText)
        } catch {
            var message = Text("the body is not JSON: ")
            message += error.problem.text
            message += ", at byte "
            message.append(decimal: error.offset)
            throw Refusal(400, message)
        }
        guard body.kind == .object else { throw Refusal(400, "the body must be a JSON object") }
        return body
    }

    /// The model's name, and what stands behind it for the mock.
    private func model(_ body: JSONValue) throws(Refusal) -> (name: Text, words: Text) {
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
            throw Refusal(404, Text("model: there is no model ") + Text(name) + Text(" here; GET /v1/models lists them"))
        }
        return (Text(name), end < text.count ? Text(text.dropping(end + 1)) : [])
    }

    /// Reads what is asked of the mock, and tells how many requests with the same words there were.
    private func read(_ words: Text, _ request: borrowing HTTPRequest, _ orders: inout Orders) throws(Refusal) -> Int {
        var all = words
        do throws(Orders.Mistake) {
            try words.withUnsafeBufferPointer { (bytes) throws(Orders.Mistake) in try orders.read(bytes) }
            for index in 0..<request.fieldCount {
                let (name, value) = request.field(index)
                guard name.equalsIgnoringCase(StaticText.bytes("x-mock")) else { continue }
                all += "\n"
                all += value
                try orders.read(value)
            }
        } catch {
            orders = Orders()
            throw Refusal(400, error.message)
        }
        guard orders.tries != nil || !orders.key.isEmpty else { return 0 }
        let turn = (orders.key.isEmpty ? all : orders.key).withUnsafeBufferPointer { tries.next($0) }
        if let count = orders.tries, turn >= count { orders.clearFaults() }
        return turn
    }

    // MARK: The models

    private func recorded(_ name: Bytes, _ body: JSONValue, _ isStream: Bool) throws(Refusal) -> Prepared {
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
                throw Refusal(400, "parameter.enable_thinking must be set to false for non-streaming calls")
            }
            return thinking
        }
        throw Refusal(404, "model: there is no such model here")
    }

    /// A reply that is in the request itself: `mock_reply`, text, or `mock_reply_base64`, any bytes; or a list of them, of which
    /// each request with the same `key` gets the next.
    private func script(
        _ body: JSONValue, _ turn: Int, _ isStream: Bool, _ orders: Orders, _ terms: Answer.Terms
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
        guard reply.isString else { throw Refusal(400, "mock_reply: must be a string, or a list of strings") }
        var text = ByteBuffer()
        reply.appendText(to: &text)
        if isBase64 {
            guard let decoded = decodeBase64(text.bytes) else { throw Refusal(400, "mock_reply_base64: is not base64") }
            text.removeAll()
            text.append(decoded)
        }
        let status = orders.status ?? 200
        // A refusal is no stream, unless its type says so.
        let isStream = isStream && status < 300
        let pieces = isStream ? Prepared.events(text.bytes) : Prepared.whole(text.bytes)
        return Answer(status, .prepared(pieces), isStream: isStream, orders, terms)
    }

    private static func listModels(_ recordings: [Recording]) -> Prepared {
        let list = Prepared()
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
