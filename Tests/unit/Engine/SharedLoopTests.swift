import CPlatform
import CThinkwire
import Foundation
import Testing

@testable import Base
@testable import Chat
@testable import Engine
@testable import Transport

/// Drives any number of exchanges on one event loop, and knows the connection of each.
private final class SharedLoop {
    let loop = EventLoop.create(OpenSockets(), WakeList(), maxIdleConnections: 8)!
    private(set) var running: [Running] = []

    final class Running {
        let exchange: Exchange
        fileprivate(set) var content = ""
        fileprivate(set) var hasEnded = false
        fileprivate(set) var eventCount = 0

        init(_ exchange: Exchange) { self.exchange = exchange }

        var reply: Reply { exchange.reply }

        /// The number of the server's connection, from a header of the response.
        var connection: Int? {
            reply.headers.value(StaticText.bytes("x-connection")).flatMap { Int(String($0)) }
        }
    }

    func start(_ client: Client, streamed: Bool) throws -> Running {
        let request = try withCopy("m") { try Request.create(model: $0) }
        loop.resume()
        let started = Running(
            Exchange(client, request, wantsStream: streamed, on: loop))
        running.append(started)
        return started
    }

    /// Runs all exchanges until `isDone`, which is asked after every turn. Fails after a minute.
    func run(until isDone: () -> Bool) {
        let end = platform_now() + 60 * second
        while !isDone() {
            guard loop.now < end else {
                Issue.record("still waiting: \(running.map { ($0.eventCount, $0.hasEnded) })")
                return
            }
            var deadline = loop.now + 100 * millisecond
            for one in running where !one.hasEnded {
                deadline = min(deadline, advance(one))
            }
            guard !isDone() else { return }
            loop.turn(until: deadline)
        }
    }

    private func advance(_ one: Running) -> Int64 {
        while true {
            switch one.exchange.advance(now: loop.now) {
            case .event(let event):
                one.eventCount += 1
                if event.pointee.kind == TW_EVENT_CONTENT {
                    one.content += String(cString: event.pointee.text)
                }
            case .pending(let until): return until
            case .ended:
                one.hasEnded = true
                return .max
            }
        }
    }
}

/// `Tests/support/stale_server.py`, which ends with this process.
///
/// Not a Foundation `Process`, which leaks memory (Swift 6.3.1): the address sanitizer reports it.
private final class StaleServer: Sendable {
    static let shared = Result { try StaleServer() }

    /// The other end of the server's standard input and output. Opened atomically with
    /// `SOCK_CLOEXEC`, so that the servers of concurrent tests do not inherit it.
    private let connection: Int32
    private let ports: [Substring]

    init() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        // The server's Python uses the system's libraries, whichever libcurl is tested.
        let command = [
            "env", "-u", "LD_LIBRARY_PATH", "-u", "LD_PRELOAD", "python3",
            root.appending(path: "support/stale_server.py").path,
        ]
        var ends: [Int32] = [0, 0]
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        try #require(socketpair(AF_UNIX, type, 0, &ends) == 0)
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawn_file_actions_adddup2(&actions, ends[1], 0)
        posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
        var process: pid_t = 0
        var arguments = command.map { strdup($0) } + [nil]
        let result = posix_spawnp(&process, "env", &actions, nil, &arguments, environ)
        posix_spawn_file_actions_destroy(&actions)
        for argument in arguments { free(argument) }
        close(ends[1])
        connection = ends[0]
        try #require(result == 0)
        ports = StaleServer.readLine(connection)?.split(separator: " ") ?? []
        try #require(ports.count == 3)
    }

    /// nil if the server ended.
    private static func readLine(_ descriptor: Int32) -> String? {
        var line = ""
        var byte: UInt8 = 0
        while read(descriptor, &byte, 1) == 1 {
            if byte == UInt8(ascii: "\n") { return line }
            line.unicodeScalars.append(Unicode.Scalar(byte))
        }
        return nil
    }

    /// Ends the pauses of all connections that asked for this path. What follows the pause has
    /// arrived in this process's kernel.
    func endPauses(_ path: String) throws {
        let line = Array("\(path)\n".utf8)
        try #require(write(connection, line, line.count) == line.count)
        try #require(StaleServer.readLine(connection) == "")
    }

    func client(_ path: String, secure: Bool, idleTimeout: Int64 = 0) throws -> Client {
        let options = Options()
        let url = "\(secure ? "https" : "http")://127.0.0.1:\(ports[secure ? 1 : 0])/\(path)"
        try withCopy(url) { try options.set(baseURL: $0) }
        try withCopy("a-key") { try options.set(key: $0) }
        try withCopy(String(ports[2]) + "\0") {
            try options.set(certificates: $0.part(0..<$0.count - 1))
        }
        try options.set(retries: 0)
        try options.set(.idle, milliseconds: idleTimeout)
        return try Client.create(options)
    }
}

private let streamedAnswer = (0..<40).map { "w\($0) " }.joined()

// Serialized with the tests that change the environment, which a new client reads.
extension ClientTests {
    @Suite("Several exchanges on one event loop")
    struct SharedLoopTests {
        private let server: StaleServer
        private let shared = SharedLoop()

        init() throws { server = try StaleServer.shared.get() }

        @Test(arguments: [false, true])
        func aStaleIdleConnectionIsReplacedWhileAnotherTransferContinues(secure: Bool) throws {
            let pausing = try server.client("paused", secure: secure)
            let paused = try shared.start(pausing, streamed: true)
            shared.run { paused.eventCount > 0 }
            let client = try server.client("stale", secure: secure)
            let first = try shared.start(client, streamed: false)
            shared.run { first.hasEnded }
            #expect(name(first.reply.status) == "TW_OK")
            #expect(first.content == "Hi")
            try server.endPauses("stale")
            try server.endPauses("paused")

            let second = try shared.start(client, streamed: false)
            shared.run { second.hasEnded && paused.eventCount > 20 }
            #expect(name(second.reply.status) == "TW_OK")
            #expect(second.content == "Hi")
            #expect(second.reply.timing.pointee.reused_connection == 0)
            #expect(second.connection != first.connection)

            #expect(!paused.hasEnded)
            try server.endPauses("paused")
            shared.run { paused.hasEnded }
            #expect(name(paused.reply.status) == "TW_OK")
            #expect(paused.content == streamedAnswer)
        }

        /// Runs exchanges of the path "paused" to their ends, all at the same time.
        private func finish(_ paused: [SharedLoop.Running]) throws {
            shared.run { paused.allSatisfy { $0.eventCount > 0 } }
            try server.endPauses("paused")
            shared.run { paused.allSatisfy { $0.eventCount > 20 } }
            try server.endPauses("paused")
            shared.run { paused.allSatisfy(\.hasEnded) }
        }

        @Test(arguments: [false, true])
        func anIdleConnectionIsReused(secure: Bool) throws {
            let client = try server.client("paused", secure: secure)
            let concurrent = try (0..<2).map { _ in try shared.start(client, streamed: true) }
            try finish(concurrent)
            let later = try shared.start(client, streamed: true)
            try finish([later])
            #expect((concurrent + [later]).allSatisfy { $0.content == streamedAnswer })
            #expect(concurrent[0].connection != concurrent[1].connection)
            #expect(later.reply.timing.pointee.reused_connection == 1)
        }

        @Test func cancellingOneLeavesTheOthers() throws {
            let client = try server.client("paused", secure: false)
            let kept = try shared.start(client, streamed: true)
            let cancelled = try shared.start(client, streamed: true)
            shared.run { kept.eventCount > 0 && cancelled.eventCount > 0 }
            cancelled.exchange.cancel()
            shared.run { cancelled.hasEnded }
            try server.endPauses("paused")
            shared.run { kept.eventCount > 20 }
            try server.endPauses("paused")
            shared.run { kept.hasEnded }
            #expect(name(cancelled.reply.status) == "TW_CANCELLED")
            #expect(streamedAnswer.hasPrefix(cancelled.content))
            #expect(name(kept.reply.status) == "TW_OK")
            #expect(kept.content == streamedAnswer)
        }

        @Test func timeoutsAreIndependent() throws {
            let pausing = try server.client("paused", secure: false)
            let paused = try shared.start(pausing, streamed: true)
            let held = try shared.start(
                try server.client("hold", secure: false, idleTimeout: 300), streamed: true)
            shared.run { held.hasEnded && paused.eventCount > 0 }
            #expect(name(held.reply.status) == "TW_TIMEOUT")
            #expect(held.content == "Hi")
            #expect(!paused.hasEnded)
            try server.endPauses("paused")
            shared.run { paused.eventCount > 20 }
            try server.endPauses("paused")
            shared.run { paused.hasEnded }
            #expect(paused.content == streamedAnswer)
        }
    }
}
