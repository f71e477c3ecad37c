import Foundation
import Testing

@testable import Base
@testable import Engine
@testable import Transport

/// The suites that create clients in a changed environment.
///
/// They run one after the other, because the environment belongs to the whole process.
@Suite("Client", .serialized) enum ClientTests {}

/// The variables that determine the base URL, the key and the log of a client.
private let clientVariables = [
    "THINKWIRE_BASE_URL", "THINKWIRE_API_KEY", "AIMLAPI_API_KEY", "OPENAI_API_KEY",
    "OPENAI_BASE_URL", "THINKWIRE_DEBUG",
]

/// Creates a client while of these variables only those in `environment` are set.
func makeClient(
    _ environment: [String: String] = [:], _ configure: (Options) throws -> Void
) throws -> Client {
    let previous = clientVariables.map { name in getenv(name).map { String(cString: $0) } }
    defer {
        for (name, value) in zip(clientVariables, previous) { setVariable(name, to: value) }
    }
    for name in clientVariables { setVariable(name, to: environment[name]) }
    let options = Options()
    try configure(options)
    return try Client.create(options)
}

private func setVariable(_ name: String, to value: String?) {
    if let value { setenv(name, value, 1) } else { unsetenv(name) }
}

/// "URL KEY" of the client that is created in this environment, or the message of its error.
///
/// The URL is without "/chat/completions". "-" means that no key is sent.
func urlAndKey(
    _ environment: [String: String], _ configure: (Options) throws -> Void = { _ in }
) -> String {
    var result = ""
    let problem = complaint {
        let client = try makeClient(environment, configure)
        let prefix = "Authorization: Bearer "
        let header = client.requestHeaders.first { $0.hasPrefix(prefix) }
        let key = header.map { String($0.dropFirst(prefix.count)) } ?? "-"
        result = String(client.endpoint.url(of: .chatCompletions)) + " " + key
    }
    return problem ?? result.replacingOccurrences(of: "/chat/completions", with: "")
}

/// The same for a base URL that the caller sets.
func urlAndKey(
    at url: String, _ environment: [String: String], adding more: [String: String] = [:]
) -> String {
    urlAndKey(environment.merging(more) { $1 }) { try $0.set(url: url) }
}

extension Client {
    /// The header lines of every request.
    var requestHeaders: [String] {
        var lines: [String] = []
        var next = settings.headers.list
        while let header = next {
            lines.append(String(cString: header.pointee.data))
            next = header.pointee.next
        }
        return lines
    }

    /// The text as it is reported to the caller.
    func redacted(_ text: String) -> String {
        ByteBuffer.text { buffer in
            withCopy(text) { buffer.append($0) }
            redactor.redact(&buffer)
        }
    }

    /// The same for a text that events may point into.
    func redactedInPlace(_ text: String) -> String {
        ByteBuffer.text { buffer in
            withCopy(text) { buffer.append($0) }
            redactor.redactInPlace(&buffer)
        }
    }
}
