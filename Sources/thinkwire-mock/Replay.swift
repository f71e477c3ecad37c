import Base
import CPlatform
import Chat

/// Recorded responses, which answer the requests that they were recorded with.
final class Replay {
    /// One exchange of a recording.
    private struct Exchange {
        var method: ByteArray
        /// Path without /v1, and the body in one line of JSON.
        var resource: ByteArray
        var body: ByteArray
        var response: ProviderResponse
        var isUsed = false
    }

    private let path: Bytes
    private var exchanges: [Exchange]
    private var reader = JSONReader()
    private var otherReader = JSONReader()

    private init(_ path: Bytes, _ exchanges: [Exchange]) {
        self.path = path
        self.exchanges = exchanges
    }

    /// Returns the first unused response that was recorded with an equal request. If all were used,
    /// the last one is used again.
    func take(_ method: Bytes, _ resource: Bytes, _ body: Bytes) throws(ErrorResponse)
        -> ProviderResponse
    {
        let (method, resource, body) = (ByteArray(method), ByteArray(resource), compact(body))
        var match: Int?
        for (index, exchange) in exchanges.enumerated()
        where exchange.method == method && exchange.resource == resource
            && firstDifference(body, exchange.body) == nil
        {
            match = index
            if !exchange.isUsed { break }
        }
        guard let match else {
            throw ErrorResponse(
                400,
                ByteArray("mock: ") + ByteArray(path)
                    + ByteArray(": no such request was recorded; ") + expectation(body))
        }
        exchanges[match].isUsed = true
        return exchanges[match].response
    }

    private func compact(_ body: Bytes) -> ByteArray {
        var text = ByteBuffer()
        text.append(jsonBody: body, &reader)
        return ByteArray(text.bytes)
    }

    /// Says which request was due, and where a body differs from its body.
    private func expectation(_ body: ByteArray) -> ByteArray {
        guard let index = exchanges.firstIndex(where: { !$0.isUsed }) else {
            return ByteArray("all recorded responses were used")
        }
        let expected = exchanges[index]
        var text = ByteArray("request ")
        text.append(decimal: index + 1)
        text += " of the recording is "
        text += expected.method + ByteArray(" ") + expected.resource
        if let name = firstDifference(body, expected.body), !name.isEmpty {
            text += ", and its body differs in "
            text += name
        }
        return text
    }

    /// Name of the first member that differs between two JSON objects, in any order; "" if one of
    /// them is not an object; nil if the bodies are equal.
    private func firstDifference(_ body: ByteArray, _ expected: ByteArray) -> ByteArray? {
        if body == expected { return nil }
        return body.withUnsafeBufferPointer { body in
            expected.withUnsafeBufferPointer { expected in
                guard let own = try? reader.read(body), own.kind == .object,
                    let other = try? otherReader.read(expected), other.kind == .object
                else { return [] }
                for (name, value) in other.members {
                    let given = own.member(named: name)
                    if given.map({ $0.raw.equals(value.raw) }) != true { return name.decoded }
                }
                let added = own.members.first { other.member(named: $0.name) == nil }
                return added?.name.decoded
            }
        }
    }

    // MARK: File

    static func load(_ path: Bytes) throws(StartError) -> Replay {
        let file = try readFile(path)
        var exchanges: [Exchange] = []
        var reader = JSONReader()
        var number = 0
        for line in Fields(file.bytes, 0x0A) {
            number += 1
            guard !trimmed(line).isEmpty else { continue }
            guard let value = try? reader.read(line), let exchange = exchange(value) else {
                var message = ByteArray(path)
                message += ": line "
                message.append(decimal: number)
                message += " is not an exchange that --record has stored"
                throw StartError(message)
            }
            exchanges.append(exchange)
        }
        return Replay(path, exchanges)
    }

    private static func exchange(_ value: JSONValue) -> Exchange? {
        guard let request = value["request"], let path = request["path"]?.decoded,
            let response = value["response"], let status = response["status"]?.integer,
            (200...599).contains(status), let body = body(response)
        else { return nil }
        var received = ProviderResponse(status: Int(status), body: body)
        if let headers = response["headers"] {
            for (name, value) in headers.members {
                received.headers.append((name.decoded, value.decoded))
            }
        }
        var text = ByteBuffer()
        if let body = request["body"] { text.append(compact: body) }
        let isPrefixed = path.starts(with: StaticText.bytes("/v1/"))
        return Exchange(
            method: request["method"]?.decoded ?? ByteArray("POST"),
            resource: ByteArray(path.dropFirst(isPrefixed ? 3 : 0)), body: ByteArray(text.bytes),
            response: received)
    }

    private static func body(_ response: JSONValue) -> CannedBody? {
        let body = CannedBody()
        body.isTruncated = response["complete"]?.kind == .false
        for piece in response["pieces"]?.elements ?? response.elements {
            if piece.isString {
                body.append(piece.decoded)
            } else if let base64 = piece["base64"]?.decoded,
                let bytes = base64.withUnsafeBufferPointer({ decodeBase64($0) })
            {
                body.append(bytes)
            } else {
                return nil
            }
            body.endPiece()
        }
        return body
    }
}
