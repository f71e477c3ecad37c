import Base
import Chat

/// Model mock/tools: calls the tools of the request, and answers with their results.
///
/// Each tool is called once for each message of the user. Everything that determines the answer is
/// in the request, because a conversation may continue on another connection.
struct ToolModel {
    private var tools: [JSONValue] = []
    private var isParallel = true
    /// Names of the tools that were called since the last message of the user.
    private var called: [ByteArray] = []
    /// Calls whose results have not been found yet: id and name.
    private var pending: [(id: ByteArray, name: ByteArray)] = []
    /// Results since the last message of the user, as "NAME: TEXT".
    private var results: [ByteArray] = []
    /// Number of calls in the conversation, from which the next id is derived.
    private var callCount = 0

    /// Reads the tools and the conversation; throws what providers reject.
    init(_ body: JSONValue) throws(ErrorResponse) {
        try readTools(body)
        var index = 0
        for message in body["messages"]?.elements ?? body.elements {
            try read(message, index)
            index += 1
        }
        try checkPending(index)
    }

    func answer(model: ByteArray) -> Answer {
        var answer = Answer(model: model)
        let next = tools.filter { !called.contains(ToolModel.name($0)) }
        guard !next.isEmpty else {
            answer.reasoning = ByteArray("I need no other tool.")
            answer.content =
                results.isEmpty
                ? ByteArray("No tool was called.") : ByteArray(results.joined(separator: [0x0A]))
            return answer
        }
        answer.reasoning = ByteArray("I need the tools.")
        for tool in next.prefix(isParallel ? next.count : 1) {
            var id = ByteArray("call_")
            id.append(decimal: callCount + answer.toolCalls.count + 1)
            var arguments = ExampleArguments(tool["function"]?["parameters"])
            answer.toolCalls.append(
                Answer.ToolCall(
                    id: id, name: ToolModel.name(tool), arguments: arguments.text()))
        }
        return answer
    }

    /// Name of a tool; empty if it has none.
    private static func name(_ tool: JSONValue) -> ByteArray {
        tool["function"]?["name"]?.decoded ?? []
    }

    // MARK: The request

    private mutating func readTools(_ body: JSONValue) throws(ErrorResponse) {
        isParallel = body["parallel_tool_calls"]?.kind != .false
        var index = 0
        for tool in body["tools"]?.elements ?? body.elements {
            guard !ToolModel.name(tool).isEmpty else {
                throw ToolModel.error("tools", index, "a tool must have a function with a name")
            }
            tools.append(tool)
            index += 1
        }
        guard let choice = body["tool_choice"], !choice.isNull else { return }
        if choice.isText("none") { tools = [] }
        guard choice.kind == .object else { return }
        let wanted = ToolModel.name(choice)
        tools = tools.filter { ToolModel.name($0) == wanted }
        guard tools.isEmpty else { return }
        throw ErrorResponse(400, ByteArray("tool_choice: there is no tool ") + wanted)
    }

    private mutating func read(_ message: JSONValue, _ index: Int) throws(ErrorResponse) {
        if message["role"]?.isText("tool") ?? false {
            return try readResult(message, index)
        }
        try checkPending(index)
        if message["role"]?.isText("user") ?? false {
            called = []
            results = []
        }
        for call in message["tool_calls"]?.elements ?? message.elements {
            guard let id = call["id"], let name = call["function"]?["name"] else {
                throw ToolModel.error(
                    "messages", index, "a tool call must have an id and a function with a name")
            }
            called.append(name.decoded)
            pending.append((id.decoded, name.decoded))
            callCount += 1
        }
    }

    private mutating func readResult(_ message: JSONValue, _ index: Int) throws(ErrorResponse) {
        let id = message["tool_call_id"]?.decoded ?? []
        guard let match = pending.firstIndex(where: { $0.id == id }) else {
            throw ToolModel.error(
                "messages", index, ByteArray("no tool call before it has the id ") + id)
        }
        results.append(
            pending.remove(at: match).name + ByteArray(": ") + contentText(of: message))
    }

    /// Each call needs a result before the next message of another role.
    private func checkPending(_ index: Int) throws(ErrorResponse) {
        guard let first = pending.first else { return }
        throw ToolModel.error(
            "messages", index,
            ByteArray("the result of the tool call ") + first.id
                + ByteArray(" must come before it: a message with the role tool"))
    }

    private static func error(_ list: StaticString, _ index: Int, _ problem: StaticString)
        -> ErrorResponse
    {
        error(list, index, ByteArray(problem))
    }

    private static func error(_ list: StaticString, _ index: Int, _ problem: ByteArray)
        -> ErrorResponse
    {
        var message = ByteArray(list)
        message += "["
        message.append(decimal: index)
        message += "]: "
        return ErrorResponse(400, message + problem)
    }
}

/// Text of a message: its content, or the texts of the parts of its content.
func contentText(of message: JSONValue) -> ByteArray {
    guard let content = message["content"] else { return [] }
    var text = content.decoded
    for part in content.elements { text += part["text"]?.decoded ?? [] }
    return text
}
