// The tests of the binding, against the mock at THINKWIRE_BASE_URL. Argument: its directory.
import Glibc
import LibThinkwire
import Thinkwire

let fox = "mock/synthetic#chunks=3,reasoning=2,text=%F0%9F%A6%8A"
let slow = "mock/synthetic#chunks=1000,pace=50"
let silent = "mock/synthetic#delay=60000"

func ask(_ model: String, _ text: String = "Hello") throws -> Request {
    try Request(model: model, text)
}

struct Failure: Error, CustomStringConvertible { let description: String }

func check(_ holds: Bool, _ found: Any = "", line: Int = #line) throws {
    if !holds { throw Failure(description: "line \(line): \(found)") }
}

func fails(
    _ status: Status, line: Int = #line, _ action: () async throws -> Void
) async throws -> ThinkwireError {
    do { try await action() } catch let error as ThinkwireError {
        try check(error.status == status, error, line: line)
        return error
    }
    throw Failure(description: "line \(line): nothing was thrown")
}

func openSockets() -> Int {
    (0..<256).count { descriptor in
        var information = stat()
        return fstat(Int32(descriptor), &information) == 0
            && information.st_mode & S_IFMT == S_IFSOCK
    }
}

/// The number of threads that clients have started.
func loopThreads() -> Int {
    guard let directory = opendir("/proc/self/task") else { return -1 }
    defer { closedir(directory) }
    var count = 0
    while let entry = readdir(directory) {
        let id = withUnsafePointer(to: &entry.pointee.d_name) {
            $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        guard let file = fopen("/proc/self/task/\(id)/comm", "r") else { continue }
        var name = [UInt8](repeating: 0, count: 16)
        let length = fread(&name, 1, name.count, file)
        fclose(file)
        if String(decoding: name.prefix(length), as: UTF8.self) == "thinkwire\n" { count += 1 }
    }
    return count
}

/// Waits until a condition holds that another thread establishes.
func settles(_ condition: () -> Bool) async throws -> Bool {
    for _ in 0..<500 where !condition() { try await Task.sleep(for: .milliseconds(2)) }
    return condition()
}

func textIsSeparateAndWhole(_ client: Client) async throws {
    var content: [String] = []
    var reasoning: [String] = []
    for try await event in client.stream(try ask("\(fox),write=1")) {
        if case .content = event.kind { content.append(event.text) }
        if case .reasoning = event.kind { reasoning.append(event.text) }
    }
    try check(content == ["🦊", "🦊", "🦊"], content)
    try check(reasoning == ["🦊", "🦊"], reasoning)
}

func replyHasEverything(_ client: Client) async throws {
    var request = try ask("alibaba/qwen3-32b")
    try request.setThinking(.on)
    let reply = await client.stream(request).reply()
    try check(reply.status == .ok, reply.message)
    try check(reply.content.hasPrefix("Hello!") && reply.reasoning.contains("Okay"))
    try check(reply.usage.totalTokens == 2023 && reply.usage.cachedTokens == nil, reply.usage)
    try check(reply.timing.total_us > 0 && reply.attempts == 1 && reply.finishReason == "stop")
    try check(reply.value(at: "/choices/0/message/role") == "assistant")
    try check(reply.value(at: "/nothing") == nil && reply.header("nothing") == nil)
    try check(reply.header("Content-Type")?.contains("event-stream") == true)
}

func textIsSentUnchanged(_ client: Client) async throws {
    let text = "🦊 é \"quoted\"\n"
    var request = try ask("mock/echo", text)
    let copy = request
    try request.set("user", "bob 🧠")
    try request.set("top_p", 0.5)
    try check(!copy.json.contains("bob"), "a copy was changed")
    let body = try JSON(await client.send(try Request(json: request.json)).content)
    try check(body["/messages/0/content"] == text && body["/user"] == "bob 🧠")
    try check(body.number("/top_p") == 0.5 && body.number("/user") == nil)
    try check(body.count("/messages") == 1 && body.kind("/messages") == .array)
}

func toolsRun(_ client: Client) async throws {
    var request = try ask("mock/tools")
    try request.addTool(
        "weather", "The weather 🌦",
        parameters: #"{"type":"object","properties":{"city":{"type":"string"}}}"#)
    let reply = try await client.run(
        &request,
        tools: [
            "weather": { call in
                try check(JSON(call.arguments).kind("") == .object, call.arguments)
                return "sunny 🌞"
            }
        ])
    try check(reply.content.contains("sunny 🌞"), reply.content)
}

func errorsHaveStatusAndReply(_ client: Client) async throws {
    var options = Options()
    options.retries = 0
    let once = try Client(options)
    var error = try await fails(.rateLimited) {
        _ = try await once.send(try ask("mock/echo#status=429"))
    }
    try check(error.reply?.httpStatus == 429 && error.message.contains("429"), error)
    error = try await fails(.truncated) {
        for try await _ in client.stream(try ask("\(fox),cut=900")) {}
    }
    try check(error.reply?.reasoning.contains("🦊") == true, error)
    _ = try await fails(.invalid) { _ = try Client(Options(baseURL: "ftp://x")) }
    _ = try await fails(.invalid) { _ = try ask("") }
    _ = try await fails(.invalid) { _ = try ask("a\0b") }
    _ = try await fails(.invalid) {
        var request = try ask("alibaba/qwen3-32b")
        try request.set("temperature", 3)
    }
}

func cancellationEndsWaits(_ client: Client) async throws {
    let sent = Task { try await client.send(try ask(silent)) }
    sent.cancel()
    do {
        _ = try await sent.value
        throw Failure(description: "the task was not cancelled")
    } catch is CancellationError {}
    let request = try ask(slow)
    let reading = Task {
        for try await event in client.stream(request) {
            if case .content = event.kind { withUnsafeCurrentTask { $0?.cancel() } }
        }
    }
    do {
        try await reading.value
        throw Failure(description: "the stream was not cancelled")
    } catch is CancellationError {}
    let stream = client.stream(try ask(silent))
    stream.cancel()
    _ = try await fails(.cancelled) { for try await _ in stream {} }
    try check(await client.send(try ask(fox)).content == "🦊🦊🦊")
}

func retriesAndModels(_ client: Client) async throws {
    let model = "mock/echo#status=503,tries=1,key=swift,header=retry-after-ms:1"
    var found = false
    for try await event in client.stream(try ask(model)) {
        guard case .retry(let attempt, let status, let wait) = event.kind else { continue }
        found = attempt == 2 && status == .server && wait == 1
    }
    try check(found)
    try check(await client.models().contains("alibaba/qwen3-32b"))
}

/// A server that is not held back sends 256 MiB.
func slowConsumerPausesExchange(_ client: Client) async throws {
    let stream = client.stream(try ask("mock/synthetic#chunks=4096,size=65536"))
    var iterator = stream.makeAsyncIterator()
    _ = try await iterator.next()
    for _ in 0..<20 { _ = try await client.send(try ask(fox)) }
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    try check(usage.ru_maxrss < 100 << 10, "\(usage.ru_maxrss) KiB")
    for _ in 0..<200 { _ = try await iterator.next() }
}

/// Drops streams in progress, and clients.
func dropObjects() async throws {
    let client = try Client()
    _ = try await client.send(try ask(fox))
    let before = openSockets()
    var streams: [EventStream] = []
    for _ in 0..<10 {
        let stream = client.stream(try ask(slow))
        var iterator = stream.makeAsyncIterator()
        _ = try await iterator.next()
        streams.append(stream)
    }
    try check(openSockets() >= before + 9)
    streams = []
    try check(await settles { openSockets() <= before }, openSockets() - before)
    for _ in 0..<10 {
        let client = try Client()
        _ = try await client.send(try ask(fox))
    }
}

func droppedObjectsAreReleased(_: Client) async throws {
    // Earlier tests have dropped clients, whose threads may still be ending.
    try check(await settles { loopThreads() == 1 }, loopThreads())
    let sockets = openSockets()
    try await dropObjects()
    try check(await settles { openSockets() <= sockets }, openSockets() - sockets)
    try check(await settles { loopThreads() == 1 }, loopThreads())
}

let client = try Client()
var failed = 0
let tests: [(String, (Client) async throws -> Void)] = [
    ("text is separate and whole", textIsSeparateAndWhole),
    ("a reply has everything", replyHasEverything),
    ("text is sent unchanged", textIsSentUnchanged),
    ("tools run", toolsRun),
    ("errors have a status and a reply", errorsHaveStatusAndReply),
    ("cancellation ends waits", cancellationEndsWaits),
    ("retries and models", retriesAndModels),
    ("a slow consumer pauses its exchange", slowConsumerPausesExchange),
    ("dropped objects are released", droppedObjectsAreReleased),
]
for (name, test) in tests {
    do { try await test(client) } catch {
        print("FAILED \(name): \(error)")
        failed += 1
    }
}
print("\(tests.count - failed) passed, \(failed) failed")
exit(failed == 0 ? 0 : 1)
