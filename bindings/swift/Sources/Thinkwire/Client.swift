import LibThinkwire

/// The events of an exchange, to be iterated once.
///
/// The iteration throws the failure of the exchange after all events. Cancelling the task cancels
/// the exchange, and the iteration throws a CancellationError. The exchange is paused while its
/// events are not read, and cancelled when the stream is no longer referenced.
public final class EventStream: AsyncSequence, Sendable {
    public typealias Element = Event

    private let exchange: Exchange

    init(_ exchange: Exchange) { self.exchange = exchange }
    deinit { exchange.cancel() }

    public struct AsyncIterator: AsyncIteratorProtocol {
        let stream: EventStream

        public mutating func next() async throws -> Event? {
            if let event = await stream.exchange.next() { return event }
            _ = try stream.exchange.result()
            return nil
        }
    }

    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(stream: self) }

    /// Cancels the exchange.
    public func cancel() { exchange.cancel() }

    /// Waits for the end, discards events that were not read, and returns the reply of any status.
    public func reply() async -> Reply { await exchange.reply() }
}

/// An endpoint and its connections, for any number of tasks.
public final class Client: Sendable {
    /// The result of a tool; what it throws ends the conversation.
    public typealias Tool = @Sendable (ToolCall) async throws -> String

    private let worker: Worker

    /// A client with these options; what they do not say is read from the environment.
    public init(_ options: Options = Options()) throws(ThinkwireError) {
        worker = try Worker(client: options.makeClient(), options: options)
    }

    /// Exchanges in progress are cancelled.
    deinit { worker.stop() }

    /// The version of the library.
    public static var version: String { String(cString: tw_version()) }

    /// Begins a streamed exchange.
    public func stream(_ request: Request) -> EventStream {
        EventStream(Exchange(worker, .streamed, request))
    }

    private func complete(_ kind: Exchange.Kind, _ request: Request?) async throws -> Reply {
        let exchange = Exchange(worker, kind, request)
        _ = await exchange.reply()
        return try exchange.result()
    }

    /// Sends a request, and returns the complete reply.
    public func send(_ request: Request) async throws -> Reply {
        try await complete(.unstreamed, request)
    }

    /// Lists the ids of the models.
    public func models() async throws -> [String] { try await complete(.models, nil).models }

    /// Streams answers until the model calls no tool, and adds them to the request.
    ///
    /// `tools` has a function for each tool of the request.
    public func run(
        _ request: inout Request, tools: [String: Tool],
        onEvent: @Sendable (Event) async throws -> Void = { _ in }
    ) async throws -> Reply {
        while true {
            let stream = stream(request)
            for try await event in stream { try await onEvent(event) }
            let reply = await stream.reply()
            try request.add(reply)
            let calls = reply.toolCalls.filter { $0.choice == 0 }
            if calls.isEmpty { return reply }
            for call in calls {
                let tool = tools[call.name] ?? { _ in "Error: there is no such tool" }
                try request.addResult(of: call, try await tool(call))
            }
        }
    }
}
