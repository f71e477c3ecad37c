import Glibc
import Thinkwire

/// Reasoning and answer, a tool, cancellation and an error.
@main
struct Conversation {
    static let model = getenv("THINKWIRE_MODEL").map { String(cString: $0) } ?? "alibaba/qwen3-32b"
    static let city =
        #"{"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}"#

    @Sendable static func show(_ event: Event) {
        switch event.kind {
        case .reasoning:
            let text = Array(event.text.utf8)
            write(STDERR_FILENO, text, text.count)
        case .content: print(event.text, terminator: "")
        default: break
        }
    }

    static func main() async throws {
        let client = try Client()
        var greeting = try Request(model: model, "Hello")
        try greeting.setThinking(.on)
        for try await event in client.stream(greeting) { show(event) }
        print()

        var question = try Request(model: model, "How warm is it in Paris?")
        try question.addTool(
            "temperature", "The current temperature of a city", parameters: city)
        let temperature: Client.Tool = { call in
            "18 degrees in \(try JSON(call.arguments)["/city"] ?? "this city")"
        }
        _ = try await client.run(&question, tools: ["temperature": temperature], onEvent: show)
        print()

        let counting = client.stream(try Request(model: model, "Count to a hundred"))
        let task = Task {
            for try await event in counting {
                show(event)
                if case .content = event.kind { withUnsafeCurrentTask { $0?.cancel() } }
            }
        }
        do { try await task.value } catch is CancellationError { print(" [cancelled]") }

        do {
            _ = try await client.send(try Request(model: "no/such-model", "Hello"))
        } catch let error as ThinkwireError {
            print(error)
        }
    }
}
