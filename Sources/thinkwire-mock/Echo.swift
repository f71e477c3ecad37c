import Base
import Chat

/// Builds a response whose content is the body of the request.
///
/// Its member "mock" contains the headers of the request, and the number of its connection.
func echo(_ request: borrowing HTTPRequest, _ origin: Provider.Origin, _ isStream: Bool)
    -> CannedBody
{
    let response = CannedBody()
    let start: StaticString =
        "\"created\":1753944369,\"model\":\"mock/echo\",\"choices\":[{\"index\":0,"
    guard isStream else {
        response.append("{\"id\":\"chatcmpl-echo\",\"object\":\"chat.completion\",")
        response.append(start)
        response.append("\"message\":{\"role\":\"assistant\",\"content\":")
        response.append(jsonString: request.body)
        response.append("},\"finish_reason\":\"stop\"}],")
        appendUsage(response)
        response.append(",")
        appendOrigin(request, origin, to: response)
        response.append("}")
        response.endPiece()
        return response
    }
    func begin(_ start: StaticString) {
        response.append("data: {\"id\":\"chatcmpl-echo\",\"object\":\"chat.completion.chunk\",")
        response.append(start)
    }
    begin(start)
    response.append("\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null}],")
    appendOrigin(request, origin, to: response)
    response.append("}\n\n")
    response.endPiece()
    for word in splitIntoWords(request.body) {
        begin(start)
        response.append("\"delta\":{\"content\":")
        word.withUnsafeBufferPointer { response.append(jsonString: $0) }
        response.append("},\"finish_reason\":null}]}\n\n")
        response.endPiece()
    }
    begin(start)
    response.append("\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n")
    response.endPiece()
    begin("\"created\":1753944369,\"model\":\"mock/echo\",\"choices\":[],")
    appendUsage(response)
    response.append("}\n\n")
    response.endPiece()
    response.append("data: [DONE]\n\n")
    response.endPiece()
    return response
}

private func appendUsage(_ response: CannedBody) {
    response.append("\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":1,\"total_tokens\":2}")
}

private func appendOrigin(
    _ request: borrowing HTTPRequest, _ origin: Provider.Origin, to response: CannedBody
) {
    response.append("\"mock\":{\"connection\":")
    response.append(decimal: origin.connection)
    response.append(",\"request\":")
    response.append(decimal: origin.request)
    response.append(",\"path\":")
    response.append(jsonString: request.path)
    response.append(",\"headers\":{")
    for index in 0..<request.fieldCount {
        let (name, value) = request.field(index)
        if index > 0 { response.append(",") }
        response.append(jsonString: name)
        response.append(":")
        response.append(jsonString: value)
    }
    response.append("}}")
}
