import Testing

@testable import Base
@testable import Engine

extension ClientTests {
    @Suite("Request headers: the library's defaults, and the caller's in place of them")
    struct RequestHeadersTests {
        @Test func theCallersHeadersReplaceTheDefaults() throws {
            let client = try makeClient { options in
                try options.set(key: "k")
                try options.set(header: "X-Title", "a b")
                try options.set(header: "user-agent", "mine/1")
                try options.set(header: "Accept", "")
            }
            #expect(
                client.requestHeaders == [
                    "Content-Type: application/json", "Accept-Encoding: identity",
                    "Authorization: Bearer k", "X-Title: a b", "user-agent: mine/1", "Accept:",
                    "Expect:",
                ])
        }

        @Test func theCallersAuthorizationReplacesTheKey() throws {
            let client = try makeClient { options in
                try options.set(key: "k")
                try options.set(header: "AUTHORIZATION", "Basic x")
            }
            let authorization = client.requestHeaders.filter {
                $0.lowercased().hasPrefix("authorization")
            }
            #expect(authorization == ["AUTHORIZATION: Basic x"])
        }

        @Test(
            "Whether a header contains a secret: it is redacted, and not sent in clear text",
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
        func headersWithSecrets(_ name: String, _ value: String, isSecret: Bool) throws {
            let client = try makeClient { options in
                try options.set(key: "k")
                try options.set(header: name, value)
            }
            #expect(
                client.redacted("what is sk-12?")
                    == (isSecret ? "what is ***?" : "what is sk-12?"))
            let result = urlAndKey([:]) { options in
                try options.set(url: "http://a.b/v1")
                try options.set(key: "")
                try options.set(header: name, value)
            }
            let error = "the key would be sent in clear text over http to a.b"
            #expect(result.hasPrefix(error) == isSecret)
        }
    }
}
