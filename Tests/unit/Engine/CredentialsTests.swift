import Foundation
import Testing

@testable import Base
@testable import Engine
@testable import Transport

extension ClientTests {
    @Suite("Credentials: the base URL and the key, and which host is sent which key")
    struct CredentialsTests {
        @Test func aMissingKeyIsAnError() {
            let message =
                "no API key: call tw_options_set_api_key, or set THINKWIRE_API_KEY or "
                + "AIMLAPI_API_KEY in the environment"
            #expect(urlAndKey([:]) == message)
            let emptyKeys = ["THINKWIRE_API_KEY": "", "AIMLAPI_API_KEY": "", "OPENAI_API_KEY": ""]
            #expect(urlAndKey(emptyKeys) == message)
            #expect(urlAndKey(["OPENAI_BASE_URL": "https://a.b"]) == message)
        }

        @Test func theKeyInTheEnvironmentDeterminesTheBaseURL() {
            #expect(urlAndKey(["THINKWIRE_API_KEY": "t"]) == "https://api.aimlapi.com/v1 t")
            #expect(urlAndKey(["AIMLAPI_API_KEY": "a"]) == "https://api.aimlapi.com/v1 a")
            #expect(urlAndKey(["OPENAI_API_KEY": "o"]) == "https://api.openai.com/v1 o")
            #expect(
                urlAndKey(["OPENAI_API_KEY": "o", "OPENAI_BASE_URL": "https://a.b/x"])
                    == "https://a.b/x o")
        }

        @Test func keysInTheEnvironmentHaveAnOrderOfPrecedence() {
            #expect(
                urlAndKey(["THINKWIRE_API_KEY": "t", "AIMLAPI_API_KEY": "a", "OPENAI_API_KEY": "o"])
                    == "https://api.aimlapi.com/v1 t")
            #expect(
                urlAndKey([
                    "AIMLAPI_API_KEY": "a", "OPENAI_API_KEY": "o", "OPENAI_BASE_URL": "https://a.b",
                ]) == "https://api.aimlapi.com/v1 a")
        }

        private let bothKeys = ["AIMLAPI_API_KEY": "a", "OPENAI_API_KEY": "o"]

        @Test func aProviderIsSentOnlyItsOwnKey() {
            #expect(
                urlAndKey(at: "https://api.aimlapi.com/v2", bothKeys)
                    == "https://api.aimlapi.com/v2 a")
            #expect(urlAndKey(at: "https://API.OPENAI.com/v1", bothKeys).hasSuffix(" o"))
            #expect(urlAndKey(at: "https://api.openai.com:443/v1", bothKeys).hasSuffix(" o"))
            #expect(urlAndKey(at: "https://example.com/v1", bothKeys) == "https://example.com/v1 -")
            #expect(
                urlAndKey(at: "https://api.openai.com.example.com/v1", bothKeys)
                    == "https://api.openai.com.example.com/v1 -")
            #expect(
                urlAndKey(at: "https://api.aimlapi.com/v1", ["OPENAI_API_KEY": "o"])
                    == "https://api.aimlapi.com/v1 -")
            #expect(
                urlAndKey(
                    at: "https://example.com/v1", bothKeys, adding: ["THINKWIRE_API_KEY": "t"])
                    == "https://example.com/v1 t")
        }

        @Test func theOpenAIKeyIsSentToTheOpenAIBaseURLOnly() {
            let example = ["OPENAI_BASE_URL": "https://example.com/x"]
            #expect(
                urlAndKey(at: "https://example.com/v1", bothKeys, adding: example)
                    == "https://example.com/v1 o")
            #expect(
                urlAndKey(at: "https://api.openai.com/v1", bothKeys, adding: example)
                    == "https://api.openai.com/v1 -")
            let aimlapi = ["OPENAI_API_KEY": "o", "OPENAI_BASE_URL": "https://api.aimlapi.com/v1"]
            #expect(
                urlAndKey(at: "https://api.aimlapi.com/v1", aimlapi)
                    == "https://api.aimlapi.com/v1 o")
            #expect(
                urlAndKey(at: "https://api.aimlapi.com/v1", bothKeys, adding: aimlapi)
                    == "https://api.aimlapi.com/v1 a")
        }

        /// One machine may run several servers.
        @Test func anotherPortIsAnotherServer() {
            let local = ["OPENAI_API_KEY": "o", "OPENAI_BASE_URL": "http://localhost:8000/v1"]
            #expect(
                urlAndKey(at: "http://localhost:8000/v2", local) == "http://localhost:8000/v2 o")
            #expect(
                urlAndKey(at: "http://localhost:8001/v1", local) == "http://localhost:8001/v1 -")
        }

        @Test func theBaseURLInTheEnvironment() {
            let url = ["THINKWIRE_BASE_URL": "https://a.b/v1"]
            #expect(urlAndKey(url) == "https://a.b/v1 -")
            #expect(
                urlAndKey(url.merging(["AIMLAPI_API_KEY": "a"]) { $1 }) == "https://a.b/v1 -")
            #expect(urlAndKey(at: "https://c.d/v1", url) == "https://c.d/v1 -")
            #expect(
                urlAndKey(["THINKWIRE_BASE_URL": "", "AIMLAPI_API_KEY": "a"])
                    == "https://api.aimlapi.com/v1 a")
        }

        @Test func anInvalidBaseURLInTheEnvironmentIsAnErrorIfItIsUsed() {
            #expect(urlAndKey(["THINKWIRE_BASE_URL": "a.b"]).hasPrefix("not a base URL"))
            let openAI = ["OPENAI_BASE_URL": "a.b", "OPENAI_API_KEY": "o"]
            #expect(urlAndKey(openAI).hasPrefix("not a base URL"))
            #expect(
                urlAndKey(openAI.merging(["THINKWIRE_BASE_URL": "https://a.b/v1"]) { $1 })
                    == "https://a.b/v1 -")
        }

        @Test func theOptionsTakePrecedenceOverTheEnvironment() {
            let all = ["THINKWIRE_API_KEY": "t", "AIMLAPI_API_KEY": "a", "OPENAI_API_KEY": "o"]
            #expect(urlAndKey(all) { try $0.set(key: "own") } == "https://api.aimlapi.com/v1 own")
            #expect(urlAndKey(all) { try $0.set(key: "") } == "https://api.aimlapi.com/v1 -")
            #expect(urlAndKey([:]) { try $0.set(key: "") } == "https://api.aimlapi.com/v1 -")
        }

        @Test(arguments: ["a\n", "a\r\nX: y", "\u{7F}"])
        func aKeyWithAControlCharacterIsInvalid(_ key: String) {
            #expect(
                urlAndKey(["THINKWIRE_API_KEY": key])
                    == "the API key in the environment contains a control character: "
                    + "check for a line end")
        }

        @Test(arguments: [
            "http://example.com/v1", "http://127.0.0.1.example.com", "http://10.0.0.1:8000/v1",
        ])
        func aKeyIsSentInClearTextOnlyToAllowedHosts(_ url: String) {
            let host = url.split(separator: "/")[1].split(separator: ":")[0]
            let message =
                "the key would be sent in clear text over http to \(host): use https, or allow it "
                + "with tw_options_allow_cleartext"
            #expect(urlAndKey(at: url, ["THINKWIRE_API_KEY": "t"]) == message)
            #expect(urlAndKey(["THINKWIRE_API_KEY": "t", "THINKWIRE_BASE_URL": url]) == message)
            #expect(urlAndKey(at: url, [:]).hasSuffix(" -"))
            func allowing(_ name: String) -> String {
                urlAndKey([:]) { options in
                    try options.set(url: url)
                    try options.set(key: "k")
                    try withCopy(name) { try options.allowCleartext(host: $0) }
                }
            }
            #expect(allowing(host.uppercased()).hasSuffix(" k"))
            #expect(allowing("other") == message)
            #expect(allowing(String(host.dropFirst())) == message)
        }

        @Test(arguments: ["http://127.0.0.1:1/v1", "http://localhost/v1", "http://[::1]:1/v1"])
        func aKeyMayBeSentInClearTextWithinThisMachine(_ url: String) {
            #expect(urlAndKey(at: url, ["THINKWIRE_API_KEY": "t"]) == url + " t")
        }

        /// The proxy receives its password, the server does not.
        @Test func aProxyPasswordDoesNotRequireHTTPS() {
            let result = urlAndKey([:]) { options in
                try options.set(url: "http://a.b/v1")
                try options.set(key: "")
                try withCopy("http://user:s%40cret@127.0.0.1:1") { try options.set(proxy: $0) }
            }
            #expect(result == "http://a.b/v1 -")
        }
    }
}
