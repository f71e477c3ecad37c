import Base
import Chat

/// An answer whose text is the body that was received, with the headers and the connection it came by in a field of its own.
func echo(_ request: borrowing HTTPRequest, _ origin: Provider.Origin, _ isStream: Bool)
    -> CannedBody
{
    let answer = CannedBody()
    let start: StaticString =
        "\"created\":1753944369,\"model\":\"mock/echo\",\"choices\":[{\"index\":0,"
    guard isStream else {
        answer.append("{\"id\":\"chatcmpl-echo\",\"object\":\"chat.completion\",")
        answer.append(start)
        answer.append("\"message\":{\"role\":\"assistant\",\"content\":")
        answer.append(jsonString: request.body)
        answer.append("},\"finish_reason\":\"stop\"}],")
        appendUsage(answer)
        answer.append(",")
        appendOrigin(request, origin, to: answer)
        answer.append("}")
        answer.endPiece()
        return answer
    }
    func begin(_ start: StaticString) {
        answer.append("data: {\"id\":\"chatcmpl-echo\",\"object\":\"chat.completion.chunk\",")
        answer.append(start)
    }
    begin(start)
    answer.append("\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null}],")
    appendOrigin(request, origin, to: answer)
    answer.append("}\n\n")
    answer.endPiece()
    for word in cutIntoWords(request.body) {
        begin(start)
        answer.append("\"delta\":{\"content\":")
        word.withUnsafeBufferPointer { answer.append(jsonString: $0) }
        answer.append("},\"finish_reason\":null}]}\n\n")
        answer.endPiece()
    }
    begin(start)
    answer.append("\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n")
    answer.endPiece()
    begin("\"created\":1753944369,\"model\":\"mock/echo\",\"choices\":[],")
    appendUsage(answer)
    answer.append("}\n\n")
    answer.endPiece()
    answer.append("data: [DONE]\n\n")
    answer.endPiece()
    return answer
}

private func appendUsage(_ answer: CannedBody) {
    answer.append("\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":1,\"total_tokens\":2}")
}

private func appendOrigin(
    _ request: borrowing HTTPRequest, _ origin: Provider.Origin, to answer: CannedBody
) {
    answer.append("\"mock\":{\"connection\":")
    answer.append(decimal: origin.connection)
    answer.append(",\"request\":")
    answer.append(decimal: origin.request)
    answer.append(",\"path\":")
    answer.append(jsonString: request.path)
    answer.append(",\"headers\":{")
    for index in 0..<request.fieldCount {
        let (name, value) = request.field(index)
        if index > 0 { answer.append(",") }
        answer.append(jsonString: name)
        answer.append(":")
        answer.append(jsonString: value)
    }
    answer.append("}}")
}
