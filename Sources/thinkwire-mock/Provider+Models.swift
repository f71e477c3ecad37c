import Base
import CMock
import CPlatform
import Chat

/// The models of the mock, and their names.
extension Provider {
    private static let mockModels: [StaticString] = [
        "mock/synthetic", "mock/echo", "mock/script", "mock/tools",
    ]

    // MARK: Names

    /// Model that answers a request.
    struct Model {
        /// Name in the request.
        var requested: ByteArray
        var name: ByteArray
        /// Request options, those of an alias first.
        var options: ByteArray
    }

    /// Finds the model that a request names, directly or by an alias.
    func model(_ body: JSONValue) throws(ErrorResponse) -> Model {
        let requested = try requestedModel(body)
        var model = Model(
            requested: requested.name, name: requested.name, options: requested.options)
        let alias = aliases.first { alias in
            requested.name.withUnsafeBufferPointer { alias.matches($0) }
        }
        if let alias {
            model.name = alias.model
            model.options = alias.options + ByteArray(",") + requested.options
        } else if !isKnown(requested.name) {
            throw ErrorResponse(
                404,
                ByteArray("model: there is no model ") + requested.name
                    + ByteArray("; GET /v1/models lists the models"))
        }
        return model
    }

    /// Returns the name in the request, and the options after it.
    func requestedModel(_ body: JSONValue) throws(ErrorResponse)
        -> (name: ByteArray, options: ByteArray)
    {
        guard let model = body["model"] else { throw ErrorResponse(400, "model: is missing") }
        guard model.isString else { throw ErrorResponse(400, "model: must be a string") }
        let text = model.decoded
        let end = text.firstIndex(of: UInt8(ascii: "#")) ?? text.count
        return (ByteArray(text.prefix(end)), ByteArray(text.dropFirst(end + 1)))
    }

    private func isKnown(_ name: ByteArray) -> Bool {
        Provider.mockModels.contains { name.equals($0) }
            || recordings.contains { name.equals($0.name) }
    }

    /// Checks the aliases that the arguments define.
    func checkAliases() throws(StartError) {
        for alias in aliases {
            var message = ByteArray("--alias ") + alias.name + ByteArray(": ")
            guard isKnown(alias.model) else {
                message += "there is no model "
                throw StartError(message + alias.model)
            }
            do throws(ErrorResponse) {
                try checkOptions(alias.options)
            } catch {
                throw StartError(message + error.message)
            }
        }
    }

    func listModels() -> CannedBody {
        let list = CannedBody()
        var isFirst = true
        func add(_ name: ByteArray, _ owner: StaticString) {
            if !isFirst { list.append(",") }
            isFirst = false
            list.append("{\"id\":")
            list.append(jsonString: name)
            list.append(",\"object\":\"model\",\"created\":1753944369,\"owned_by\":\"")
            list.append(owner)
            list.append("\"}")
        }
        list.append("{\"object\":\"list\",\"data\":[")
        for recording in recordings { add(ByteArray(recording.name), "alibaba") }
        for name in Provider.mockModels { add(ByteArray(name), "mock") }
        for alias in aliases where alias.isListed { add(alias.name, "mock") }
        list.append("]}")
        list.endPiece()
        return list
    }

    // MARK: Answers

    func synthetic(_ isStream: Bool, _ faults: FaultPlan) throws(ErrorResponse) -> Synthetic {
        guard isStream || Synthetic.fitsDocument(faults) else {
            throw ErrorResponse(400, "mock: the response is too large without streaming")
        }
        guard faults.framing != .length || Synthetic.canBeMeasured(faults) else {
            throw ErrorResponse(
                400, "mock: the response is too large to be measured for framing=length")
        }
        return Synthetic(faults, isStreamed: isStream)
    }

    func recorded(_ name: Bytes, _ body: JSONValue, _ isStream: Bool) throws(ErrorResponse)
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
    func scripted(
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
}
