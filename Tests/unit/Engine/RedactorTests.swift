import Testing

@testable import Base
@testable import Engine

extension ClientTests {
    @Suite("Redactor: secrets in text, replies and the log")
    struct RedactorTests {
        @Test func eachOccurrenceOfTheKeyIsRedacted() throws {
            let client = try makeClient { try $0.set(key: "sk-1") }
            #expect(client.redacted("key sk-1 is bad: sk-1") == "key *** is bad: ***")
            #expect(client.redacted("sk-1") == "***")
            #expect(client.redacted("sk-") == "sk-")
            #expect(client.redacted("") == "")
            #expect(client.redacted("sk-sk-1sk-1") == "sk-******")
        }

        @Test(arguments: [" sk-1", "sk-1 ", "\tsk-1 "])
        func theKeyIsRedactedWithoutTheWhiteSpaceAroundIt(_ key: String) throws {
            let client = try makeClient { try $0.set(key: key) }
            #expect(client.redacted("no such key:sk-1.") == "no such key:***.")
        }

        @Test func eachCookieIsRedacted() throws {
            let client = try makeClient { options in
                try options.set(key: "k")
                try options.set(header: "cookie", "session=sk-123456; consent=true;a= sk-abcdef ;")
            }
            #expect(
                client.redacted("no session sk-123456, no sk-abcdef; consent=true is true")
                    == "no session ***, no ***; *** is true")
        }

        @Test func aKeyOfInvalidUTF8IsRedactedInRepairedText() throws {
            let client = try makeClient { options in
                try withCopy(Array("sk-".utf8) + [0xE2, 0x82] + Array("-12".utf8)) {
                    try options.set(key: $0)
                }
            }
            #expect(
                client.redacted("header sk-\u{FFFD}-12, message sk-\u{FFFD}\u{FFFD}-12")
                    == "header ***, message ***")
        }

        @Test func theLongestOfSeveralSecretsIsRedactedFirst() throws {
            let client = try makeClient { options in
                try options.set(key: "sk-1")
                try options.set(header: "api-key", "sk-1234")
                try options.set(header: "X-Password", "correct horse battery")
            }
            #expect(
                client.redacted("sk-1, sk-1234, correct horse battery, horse battery")
                    == "***, ***, ***, ***")
        }

        @Test func theProxyPasswordIsRedacted() throws {
            let client = try makeClient { options in
                try options.set(key: "k")
                try withCopy("http://user:s%40cret@127.0.0.1:1") { try options.set(proxy: $0) }
            }
            #expect(
                client.redacted("user s@cret, s%40cret, Basic dXNlcjpzQGNyZXQ=")
                    == "user ***, ***, Basic ***")
        }

        @Test func theKeyIsRedactedInFieldsThatAReplyKeepsUnchanged() throws {
            let client = try makeClient { try $0.set(key: "sk-12") }
            let call = #"{"index":0,"x":"sk-12","function":{"name":"f","y":"sk-12"}}"#
            let delta =
                #""x":"sk-12","annotations":["sk-12"],"audio":{"data":"sk-12"},"#
                + #""function_call":{"arguments":"sk-12"},"tool_calls":[\#(call)]"#
            let harness = try StreamHarness(
                #"{"x":"sk-12","choices":[{"delta":{\#(delta)},"#
                    + #""logprobs":{"content":["sk-12"]},"x":"sk-12"}]}"#)
            harness.reply.changeFields(client.redactor.redactJSONInPlace)
            #expect(
                harness.document.contains("*****") && !harness.document.contains("sk-12"),
                "\(harness.document)")
        }

        @Test func theKeyIsRedactedInTheLog() throws {
            final class Log { var lines: [String] = [] }
            let log = Log()
            let userdata = Unmanaged.passUnretained(log).toOpaque()
            let client = try makeClient { options in
                try options.set(key: "sk-1")
                options.set(
                    log: { userdata, line in
                        guard let userdata, let line else { return }
                        let log = Unmanaged<Log>.fromOpaque(userdata).takeUnretainedValue()
                        log.lines.append(String(cString: line))
                    }, userdata: userdata)
            }
            client.log { $0.append("POST sk-1") }
            #expect(log.lines == ["POST ***"])
        }
    }
}
