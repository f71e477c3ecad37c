import CThinkwire
import Testing

@testable import Base
@testable import Chat
@testable import Engine
@testable import Transport

extension Options {
    func set(url: String) throws { try withCopy(url) { try set(baseURL: $0) } }

    func set(key: String) throws { try withCopy(key) { try set(key: $0) } }

    func set(header name: String, _ value: String?) throws {
        try withCopy(name) { name in
            guard let value else { return try set(header: name, to: nil) }
            try withCopy(value) { try set(header: name, to: $0) }
        }
    }
}

@Suite("Options: invalid values are rejected, and valid ones are stored")
struct OptionsTests {
    private let options = Options()

    @Test func anInvalidBaseURLIsRejected() throws {
        #expect(complaint { try options.set(url: "https://a.b/v1") } == nil)
        #expect(
            complaint { try options.set(url: "a.b") }
                == "not a base URL, which looks like https://api.aimlapi.com/v1")
        // The base URL that was set before remains.
        #expect(options.baseURL.map { String($0.bytes) } == "https://a.b/v1")
    }

    @Test func keysWithControlCharactersAreRejected() throws {
        for key in ["a\nb", "a\r", "a\u{0}b", "\u{7F}", "\u{1}"] {
            #expect(
                complaint { try options.set(key: key) }
                    == "the API key contains a control character: check for a line end")
        }
        #expect(options.key == nil && !options.isKeySet)
        try options.set(key: "sk-123 é")
        #expect(options.key.map { String($0.bytes) } == "sk-123 é")
        try options.set(key: "")
        #expect(options.key == nil && options.isKeySet)
    }

    @Test func headerNamesMustBeTokens() {
        for name in [
            "", " ", "a b", "a:", ":a", "a\n", "é", "a\u{0}", "(a)", "a/b", "a@b", "\"a\"", "a,b",
            "a;b", "a=b", "{a}", "a\u{7F}",
        ] {
            #expect(
                complaint { try options.set(header: name, "x") }?.hasPrefix(
                    "not a header name: ") == true, "\(name)")
        }
        #expect(
            complaint { try options.set(header: "X-API-Key: sk-secret", "") }?.contains("secret")
                == false)
        for name in ["X", "x-request-id", "!#$%&'*+-.^_`|~09azAZ"] {
            #expect(complaint { try options.set(header: name, "x") } == nil, "\(name)")
        }
    }

    @Test func headerValuesWithControlCharactersAreRejected() throws {
        for value in ["a\r\nX: y", "a\n", "\r", "a\u{0}", "\u{1B}", "\u{7F}"] {
            #expect(
                complaint { try options.set(header: "X", value) }
                    == "the value of the header X contains a control character")
        }
        for value in ["", " ", "a\tb", "é", "a: b, c;d=\"e\""] {
            #expect(complaint { try options.set(header: "X", value) } == nil)
        }
    }

    @Test func headersAreReplacedWithoutRegardToCase() throws {
        try options.set(header: "X-A", "1")
        try options.set(header: "X-B", "2")
        try options.set(header: "x-a", "3")
        #expect(
            options.headers.map { String($0.name.bytes) + "=" + String($0.value.bytes) } == [
                "X-B=2", "x-a=3",
            ])
        try options.set(header: "X-b", nil)
        try options.set(header: "never-set", nil)
        #expect(options.headers.map { String($0.value.bytes) } == ["3"])
    }

    @Test func anInvalidHeaderValueLeavesThePreviousOne() throws {
        try options.set(header: "X", "1")
        #expect(complaint { try options.set(header: "X", "\n") } != nil)
        #expect(options.headers.map { String($0.value.bytes) } == ["1"])
    }

    @Test func timeoutsAreSetInMilliseconds() throws {
        for which in [TimeoutKind.connect, .firstByte, .idle, .total] {
            #expect(
                complaint { try options.set(which, milliseconds: -1) }
                    == "a timeout cannot be negative: 0 means none")
            #expect(complaint { try options.set(which, milliseconds: .max) } == nil)
            #expect(complaint { try options.set(which, milliseconds: 0) } == nil)
        }
        try options.set(.connect, milliseconds: 1)
        try options.set(.firstByte, milliseconds: 2)
        try options.set(.idle, milliseconds: 3)
        try options.set(.total, milliseconds: 4)
        let timeouts = options.timeouts
        #expect(timeouts.connect == 1_000_000)
        #expect(timeouts.firstByte == 2_000_000)
        #expect(timeouts.idle == 3_000_000)
        #expect(timeouts.total == 4_000_000)
        let defaults = Options().timeouts
        #expect(defaults.connect == 10_000_000_000)
        #expect(defaults.firstByte == 600_000_000_000)
        #expect(defaults.idle == 120_000_000_000)
        #expect(defaults.total == 0)
    }

    @Test func limitsAreSetInBytes() throws {
        for bytes in [0, -1, 2_147_483_648, Int64.max, .min] {
            #expect(
                complaint { try options.set(TW_LIMIT_EVENT, bytes: bytes) }
                    == "a limit is from 1 to 2147483647 bytes")
        }
        try options.set(TW_LIMIT_EVENT, bytes: 1)
        try options.set(TW_LIMIT_REPLY, bytes: 2_147_483_647)
        try options.set(TW_LIMIT_HEADERS, bytes: 3)
        #expect(options.limits.event == 1)
        #expect(options.limits.reply == 2_147_483_647)
        #expect(options.limits.headers == 3)
        #expect(
            complaint { try options.set(tw_limit(3), bytes: 1) } == "no such limit: see tw_limit")
        let defaults = Options().limits
        #expect(defaults.event == 16 << 20)
        #expect(defaults.reply == 256 << 20)
        #expect(defaults.headers == 256 << 10)
    }

    @Test func anEmptyCleartextHostIsRejected() {
        #expect(
            complaint { try withCopy("") { try options.allowCleartext(host: $0) } }
                == "the host name is empty")
        #expect(
            complaint { try withCopy("gpu.local") { try options.allowCleartext(host: $0) } } == nil)
    }
}
