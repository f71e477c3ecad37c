import CPlatform
import Foundation
import Testing

@testable import Base
@testable import Chat
@testable import Engine
@testable import Transport

/// One after the other: the environment belongs to the whole process. Nothing else here makes a client.
@Suite(
    "A client asks the right address with the right key, and tells it to nobody else", .serialized)
struct ClientTests {
    private static let variables = [
        "THINKWIRE_BASE_URL", "THINKWIRE_API_KEY", "AIMLAPI_API_KEY", "OPENAI_API_KEY",
        "OPENAI_BASE_URL", "THINKWIRE_DEBUG",
    ]

    /// "URL key" of the client that is made in this environment; or the reason why none is.
    private func client(
        _ environment: [String: String], _ configure: (Options) throws -> Void = { _ in }
    ) -> String {
        var made = ""
        let problem = complaint {
            let client = try ClientTests.make(environment, configure)
            let key = ClientTests.headers(of: client).first {
                $0.hasPrefix("Authorization: Bearer ")
            }
            made =
                String(client.endpoint.url) + " "
                + (key.map { String($0.dropFirst("Authorization: Bearer ".count)) } ?? "-")
        }
        return problem ?? made.replacingOccurrences(of: "/chat/completions", with: "")
    }

    private static func make(_ environment: [String: String], _ configure: (Options) throws -> Void)
        throws -> Client
    {
        let before = variables.map { name in getenv(name).map { String(cString: $0) } }
        defer { for (name, value) in zip(variables, before) { set(name, value) } }
        for name in variables { set(name, environment[name]) }
        let options = Options()
        try configure(options)
        return try Client.create(options)
    }

    private static func set(_ name: String, _ value: String?) {
        if let value { setenv(name, value, 1) } else { unsetenv(name) }
    }

    private static func headers(of client: Client) -> [String] {
        Array(
            sequence(first: client.settings.headers.list) { $0?.pointee.next }.prefix { $0 != nil }
                .compactMap {
                    $0
                }.map {
                    String(cString: $0.pointee.data)
                })
    }

    @Test func noKeyAnywhere() {
        let reason =
            "no API key: call tw_options_set_api_key, or set THINKWIRE_API_KEY or AIMLAPI_API_KEY in the environment"
        #expect(client([:]) == reason)
        #expect(
            client(["THINKWIRE_API_KEY": "", "AIMLAPI_API_KEY": "", "OPENAI_API_KEY": ""]) == reason
        )
        #expect(client(["OPENAI_BASE_URL": "https://a.b"]) == reason)
    }

    @Test func theKeyThatIsThere() {
        #expect(client(["THINKWIRE_API_KEY": "t"]) == "https://api.aimlapi.com/v1 t")
        #expect(client(["AIMLAPI_API_KEY": "a"]) == "https://api.aimlapi.com/v1 a")
        #expect(client(["OPENAI_API_KEY": "o"]) == "https://api.openai.com/v1 o")
        #expect(
            client(["OPENAI_API_KEY": "o", "OPENAI_BASE_URL": "https://a.b/x"]) == "https://a.b/x o"
        )
        #expect(
            client(["THINKWIRE_API_KEY": "t", "AIMLAPI_API_KEY": "a", "OPENAI_API_KEY": "o"])
                == "https://api.aimlapi.com/v1 t")
        #expect(
            client([
                "AIMLAPI_API_KEY": "a", "OPENAI_API_KEY": "o", "OPENAI_BASE_URL": "https://a.b",
            ])
                == "https://api.aimlapi.com/v1 a")
    }

    @Test func noProviderHearsTheKeyOfAnother() {
        let all = ["AIMLAPI_API_KEY": "a", "OPENAI_API_KEY": "o"]
        func at(_ url: String, _ environment: [String: String]) -> String {
            client(environment) { try $0.set(url: url) }
        }
        #expect(at("https://api.aimlapi.com/v2", all) == "https://api.aimlapi.com/v2 a")
        #expect(at("https://API.OPENAI.com/v1", all).hasSuffix(" o"))
        #expect(at("https://example.com/v1", all) == "https://example.com/v1 -")
        #expect(
            at("https://api.openai.com.example.com/v1", all)
                == "https://api.openai.com.example.com/v1 -")
        #expect(
            at("https://api.aimlapi.com/v1", ["OPENAI_API_KEY": "o"])
                == "https://api.aimlapi.com/v1 -")
        #expect(
            at(
                "https://example.com/v1",
                all.merging(["OPENAI_BASE_URL": "https://example.com/x"]) { $1 })
                == "https://example.com/v1 o")
        #expect(
            at(
                "https://api.openai.com/v1",
                all.merging(["OPENAI_BASE_URL": "https://example.com/x"]) { $1 })
                == "https://api.openai.com/v1 -")
        let aimlapi = ["OPENAI_API_KEY": "o", "OPENAI_BASE_URL": "https://api.aimlapi.com/v1"]
        #expect(at("https://api.aimlapi.com/v1", aimlapi) == "https://api.aimlapi.com/v1 o")
        #expect(
            at("https://api.aimlapi.com/v1", all.merging(aimlapi) { $1 })
                == "https://api.aimlapi.com/v1 a")
        // On one machine, many may listen.
        let local = ["OPENAI_API_KEY": "o", "OPENAI_BASE_URL": "http://localhost:8000/v1"]
        #expect(at("http://localhost:8000/v2", local) == "http://localhost:8000/v2 o")
        #expect(at("http://localhost:8001/v1", local) == "http://localhost:8001/v1 -")
        #expect(at("https://api.openai.com:443/v1", all).hasSuffix(" o"))
        #expect(
            at("https://example.com/v1", all.merging(["THINKWIRE_API_KEY": "t"]) { $1 })
                == "https://example.com/v1 t")
    }

    @Test func theEnvironmentsAddress() {
        #expect(client(["THINKWIRE_BASE_URL": "https://a.b/v1"]) == "https://a.b/v1 -")
        #expect(
            client(["THINKWIRE_BASE_URL": "https://a.b/v1", "AIMLAPI_API_KEY": "a"])
                == "https://a.b/v1 -")
        #expect(
            client(["THINKWIRE_BASE_URL": "https://a.b/v1"]) { try $0.set(url: "https://c.d/v1") }
                == "https://c.d/v1 -")
        #expect(client(["THINKWIRE_BASE_URL": "a.b"]).hasPrefix("not a base URL"))
        // What nobody asks for need not be one.
        #expect(
            client([
                "THINKWIRE_BASE_URL": "https://a.b/v1", "OPENAI_BASE_URL": "a.b",
                "OPENAI_API_KEY": "o",
            ]) == "https://a.b/v1 -")
        #expect(
            client(["OPENAI_BASE_URL": "a.b", "OPENAI_API_KEY": "o"]).hasPrefix("not a base URL"))
        #expect(
            client(["THINKWIRE_BASE_URL": "", "AIMLAPI_API_KEY": "a"])
                == "https://api.aimlapi.com/v1 a")
    }

    @Test func whatTheCallerSaysWins() {
        let all = ["THINKWIRE_API_KEY": "t", "AIMLAPI_API_KEY": "a", "OPENAI_API_KEY": "o"]
        #expect(client(all) { try $0.set(key: "own") } == "https://api.aimlapi.com/v1 own")
        #expect(client(all) { try $0.set(key: "") } == "https://api.aimlapi.com/v1 -")
        #expect(client([:]) { try $0.set(key: "") } == "https://api.aimlapi.com/v1 -")
    }

    @Test(arguments: [
        "http://example.com/v1", "http://127.0.0.1.example.com", "http://10.0.0.1:8000/v1",
    ])
    func noKeyInClearText(_ url: String) {
        let host = url.split(separator: "/")[1].split(separator: ":")[0]
        let reason =
            "the key would be sent in clear text over http to \(host): use https, or allow it with tw_options_allow_cleartext"
        #expect(client(["THINKWIRE_API_KEY": "t"]) { try $0.set(url: url) } == reason)
        #expect(client(["THINKWIRE_API_KEY": "t", "THINKWIRE_BASE_URL": url]) == reason)
        #expect(client([:]) { try $0.set(url: url) }.hasSuffix(" -"))
        func allowing(_ name: String) -> String {
            client([:]) { options in
                try options.set(url: url)
                try options.set(key: "k")
                try withCopy(name) { try options.allowCleartext(host: $0) }
            }
        }
        #expect(allowing(host.uppercased()).hasSuffix(" k"))
        #expect(allowing("other") == reason)
        #expect(allowing(String(host.dropFirst())) == reason)
    }

    @Test func clearTextWithinThisMachine() {
        for url in ["http://127.0.0.1:1/v1", "http://localhost/v1", "http://[::1]:1/v1"] {
            #expect(client(["THINKWIRE_API_KEY": "t"]) { try $0.set(url: url) } == url + " t")
        }
    }

    @Test func aKeyWithALineEndIsNoKey() {
        for key in ["a\n", "a\r\nX: y", "\u{7F}"] {
            let problem = client(["THINKWIRE_API_KEY": key])
            #expect(
                problem
                    == "the API key in the environment contains a control character: check for a line end"
            )
        }
    }

    @Test func theHeadersOfARequest() throws {
        let client = try ClientTests.make([:]) { options in
            try options.set(key: "k")
            try options.set(header: "X-Title", "a b")
            try options.set(header: "user-agent", "mine/1")
            try options.set(header: "Accept", "")
        }
        let headers = ClientTests.headers(of: client)
        #expect(
            headers == [
                "Content-Type: application/json", "Accept-Encoding: identity",
                "Authorization: Bearer k", "X-Title: a b",
                "user-agent: mine/1", "Accept:",
                "Expect:",
            ])
        let own = try ClientTests.make([:]) { options in
            try options.set(key: "k")
            try options.set(header: "AUTHORIZATION", "Basic x")
        }
        #expect(
            ClientTests.headers(of: own).filter { $0.lowercased().hasPrefix("authorization") } == [
                "AUTHORIZATION: Basic x"
            ])
    }

    @Test func theKeyIsStruckOutOfWhatAServerSays() throws {
        let client = try ClientTests.make([:]) { try $0.set(key: "sk-1") }
        func struck(_ text: String) -> String {
            ByteBuffer.text { buffer in
                withCopy(text) { buffer.append($0) }
                client.redactor.redact(&buffer)
            }
        }
        #expect(struck("key sk-1 is bad: sk-1") == "key *** is bad: ***")
        #expect(struck("sk-1") == "***")
        #expect(struck("sk-") == "sk-")
        #expect(struck("") == "")
        #expect(struck("sk-sk-1sk-1") == "sk-******")
    }

    @Test(arguments: [" sk-1", "sk-1 ", "\tsk-1 "]) func aServerKnowsTheKeyWithoutTheSpaceAroundIt(
        _ key: String
    ) throws {
        let client = try ClientTests.make([:]) { try $0.set(key: key) }
        let told = ByteBuffer.text { buffer in
            withCopy("no such key:sk-1.") { buffer.append($0) }
            client.redactor.redact(&buffer)
        }
        #expect(told == "no such key:***.")
    }

    @Test func eachCookieIsStruckOut() throws {
        let client = try ClientTests.make([:]) { options in
            try options.set(key: "k")
            try options.set(header: "cookie", "session=sk-123456; consent=true;a= sk-abcdef ;")
        }
        let told = ByteBuffer.text { buffer in
            withCopy("no session sk-123456, no sk-abcdef; consent=true is true") {
                buffer.append($0)
            }
            client.redactor.redact(&buffer)
        }
        #expect(told == "no session ***, no ***; *** is true")
    }

    @Test("However JSON writes it") func theKeyIsStruckOutOfJSON() throws {
        let client = try ClientTests.make([:]) { try $0.set(key: #"s/k+1\"x"#) }
        func struck(_ text: String, inPlace: Bool) -> String {
            ByteBuffer.text { buffer in
                withCopy(text) { buffer.append($0) }
                if inPlace {
                    client.redactor.redactInPlace(&buffer)
                } else {
                    client.redactor.redact(&buffer)
                }
            }
        }
        for form in [
            #"s/k+1\"x"#, #"s\/k\u002B1\\\"x"#, #"\u0073\u002fk+1\u005c\u0022x"#, #"s/k+1\\\"x"#,
        ] {
            let text = "{\"message\": \"\(form) \\n \(form)\"}"
            #expect(struck(text, inPlace: false) == "{\"message\": \"*** \\n ***\"}", "\(form)")
            let stars = String(repeating: "*", count: form.utf8.count)
            #expect(
                struck(text, inPlace: true) == "{\"message\": \"\(stars) \\n \(stars)\"}", "\(form)"
            )
        }
        for other in [
            #"s\/k\u002B1\\\"y"#, #"s\/k\u102B1\\\"x"#, #"s\/k\u002"#, #"s\/k\"#, "\\", #"\u"#,
        ] {
            #expect(struck(other, inPlace: false) == other)
            #expect(struck(other, inPlace: true) == other)
        }
        // Behind an escaped backslash it stands as it is, and what is left is JSON.
        #expect(struck(#""C:\\s/k+1\\\"x""#, inPlace: false) == #""C:\\***""#)
        // The beginning of one where a message was cut.
        #expect(struck(#"no: s\/k+…"#, inPlace: false) == "no: ***…")
        #expect(struck("no: s/k…", inPlace: false) == "no: s/k…")
    }

    private func told(_ client: Client, _ text: String) -> String {
        ByteBuffer.text { buffer in
            withCopy(text) { buffer.append($0) }
            client.redactor.redact(&buffer)
        }
    }

    @Test func aKeyBeyondASCIIIsStruckOutOfJSON() throws {
        let client = try ClientTests.make([:]) { try $0.set(key: "g\u{FC}\t\u{20AC}\u{1F600}x") }
        for form in [
            "g\u{FC}\t\u{20AC}\u{1F600}x", #"g\u00fc\t\u20ac\ud83d\ude00x"#,
            #"\u0067\u00FC\u0009\u20AC\uD83D\uDE00x"#,
        ] {
            #expect(told(client, "no \(form) \(form).") == "no *** ***.", "\(form)")
        }
        for other in [
            #"g\u00fd\t\u20ac\ud83d\ude00x"#, #"g\u00fc\t\u20ac\ud83d\u20acx"#,
            #"g\u00fc\t\u20ac\ud83d"#, #"g\u00f"#,
        ] {
            #expect(told(client, other) == other)
        }
        #expect(
            told(client, "no g\u{FC} \u{20AC}\u{1F600}x") == "no ***",
            "as one line, with a space for the tab")
    }

    @Test func aKeyThatIsNoUTF8IsStruckOutOfWhatWasRepaired() throws {
        let client = try ClientTests.make([:]) { options in
            try (Array("sk-".utf8) + [0xE2, 0x82] + Array("-12".utf8)).withUnsafeBufferPointer {
                try options.set(key: $0)
            }
        }
        #expect(
            told(client, "header sk-\u{FFFD}-12, message sk-\u{FFFD}\u{FFFD}-12")
                == "header ***, message ***")
    }

    @Test func ofTwoKeysTheLongerIsStruckOutFirst() throws {
        let client = try ClientTests.make([:]) { options in
            try options.set(key: "sk-1")
            try options.set(header: "api-key", "sk-1234")
            try options.set(header: "X-Password", "correct horse battery")
        }
        #expect(
            told(client, "sk-1, sk-1234, correct horse battery, horse battery")
                == "***, ***, ***, ***")
    }

    @Test func JSONIsStillJSON() throws {
        func struck(_ key: String, _ text: String) throws -> [String] {
            let client = try ClientTests.make([:]) { try $0.set(key: key) }
            return [false, true].map { inPlace in
                ByteBuffer.text { buffer in
                    withCopy(text) { buffer.append($0) }
                    if inPlace {
                        client.redactor.redactJSONInPlace(&buffer)
                    } else {
                        client.redactor.redactJSON(&buffer)
                    }
                }
            }
        }
        #expect(
            try struck("1234", #"{"a":17001234,"1234":"\"1234","b":[-0.1234,1234]}"#) == [
                #"{"a":17001111,"***":"\"***","b":[-0.1111,1111]}"#,
                #"{"a":17001111,"****":"\"****","b":[-0.1111,1111]}"#,
            ])
        #expect(
            try struck("null", #"{"a":null,"b":"null"}"#) == [
                #"{"a":null,"b":"***"}"#, #"{"a":null,"b":"****"}"#,
            ])
        // Where it was none before.
        #expect(try struck("sk-12", #"{"a":sk-12"#) == [#"{"a":***"#, #"{"a":*****"#])
        // An escape is one character.
        #expect(
            try struck("00fc", #"["\u00fc","00fc"]"#) == [
                #"["\u00fc","***"]"#, #"["\u00fc","****"]"#,
            ])
        #expect(
            try struck("n123", #"["\n123","\\n123"]"#) == [
                #"["\n***","\\***"]"#, #"["\n***","\\****"]"#,
            ])
        // One that is none hides nothing.
        #expect(try struck("sk-12", #"["\usk-12"]"#) == [#"["\u***"]"#, #"["\u*****"]"#])
        // What is cut off in a string says nothing of what comes behind it.
        #expect(
            try struck("1234", "{\"a\n{\"b\":1234}") == [
                "{\"a\n{\"b\":1111}", "{\"a\n{\"b\":1111}",
            ])
    }

    @Test func theProxysPasswordIsStruckOut() throws {
        let client = try ClientTests.make([:]) { options in
            try options.set(key: "k")
            try withCopy("http://user:s%40cret@127.0.0.1:1") { try options.set(proxy: $0) }
        }
        #expect(
            told(client, "user s@cret, s%40cret, Basic dXNlcjpzQGNyZXQ=")
                == "user ***, ***, Basic ***")
        // No server hears it, so that it may go to the proxy whatever the scheme.
        let address = self.client([:]) { options in
            try options.set(url: "http://a.b/v1")
            try options.set(key: "")
            try withCopy("http://user:s%40cret@127.0.0.1:1") { try options.set(proxy: $0) }
        }
        #expect(address == "http://a.b/v1 -")
    }

    @Test(
        "A header that has a key in it is a secret like the key",
        arguments: [
            ("Authorization", "Bearer sk-12", true), ("api-key", "sk-12", true),
            ("X-Goog-API-Key", " sk-12 ", true),
            ("Ocp-Apim-Subscription-Key", "sk-12", true),
            ("Proxy-Authorization", "Basic sk-12", true), ("Cookie", "a; sk-12", true),
            ("Authorization", "Bearer  sk-12", true), ("Authorization", "Bearer\tsk-12 ", true),
            ("X-Auth-Token", "sk-12", true), ("X-Title", "sk-12", false),
            ("Idempotency-Key", "sk-12", false),
            ("X-Max-Tokens", "sk-12", false), ("key", "sk-12", false),
        ])
    func headersWithKeys(_ name: String, _ value: String, isSecret: Bool) throws {
        let client = try ClientTests.make([:]) { options in
            try options.set(key: "k")
            try options.set(header: name, value)
        }
        let told = ByteBuffer.text { buffer in
            withCopy("what is sk-12?") { buffer.append($0) }
            client.redactor.redact(&buffer)
        }
        #expect(told == (isSecret ? "what is ***?" : "what is sk-12?"))
        // And does not go over the network in clear text.
        let address = self.client([:]) { options in
            try options.set(url: "http://a.b/v1")
            try options.set(key: "")
            try options.set(header: name, value)
        }
        #expect(
            address.hasPrefix("the key would be sent in clear text over http to a.b") == isSecret)
    }

    @Test func theKeyIsStruckOutOfWhatIsKeptAsItCame() throws {
        let client = try ClientTests.make([:]) { options in try options.set(key: "sk-12") }
        let call = #"{"index":0,"x":"sk-12","function":{"name":"f","y":"sk-12"}}"#
        let members =
            #""x":"sk-12","annotations":["sk-12"],"audio":{"data":"sk-12"},"function_call":{"arguments":"sk-12"},"tool_calls":[\#(call)]"#
        let harness = try StreamHarness(
            #"{"x":"sk-12","choices":[{"delta":{\#(members)},"logprobs":{"content":["sk-12"]},"x":"sk-12"}]}"#
        )
        harness.reply.changeFields(client.redactor.redactJSONInPlace)
        #expect(
            harness.document.contains("*****") && !harness.document.contains("sk-12"),
            "\(harness.document)")
    }

    @Test func theKeyIsStruckOutOfTheLog() throws {
        final class Lines { var all: [String] = [] }
        let lines = Lines()
        let userdata = Unmanaged.passUnretained(lines).toOpaque()
        let client = try ClientTests.make([:]) { options in
            try options.set(key: "sk-1")
            options.set(
                log: { userdata, line in
                    guard let userdata, let line else { return }
                    Unmanaged<Lines>.fromOpaque(userdata).takeUnretainedValue().all.append(
                        String(cString: line))
                }, userdata: userdata)
        }
        client.log { $0.append("POST sk-1") }
        #expect(lines.all == ["POST ***"])
    }
}
