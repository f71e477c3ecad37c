import Testing

@testable import Base
@testable import Chat
@testable import Engine
@testable import Transport

@Suite("Endpoint: the address of requests, derived from a base URL")
struct EndpointTests {
    private func endpoint(_ url: String) throws -> Endpoint {
        try withCopy(url) { try Endpoint.of(baseURL: $0) }
    }

    @Test(arguments: [
        (
            "https://api.aimlapi.com/v1", "https://api.aimlapi.com/v1/chat/completions",
            "api.aimlapi.com"
        ),
        (
            "https://api.aimlapi.com/v1/", "https://api.aimlapi.com/v1/chat/completions",
            "api.aimlapi.com"
        ),
        (
            "https://api.aimlapi.com/v1///", "https://api.aimlapi.com/v1/chat/completions",
            "api.aimlapi.com"
        ),
        ("https://api.aimlapi.com", "https://api.aimlapi.com/chat/completions", "api.aimlapi.com"),
        ("https://api.aimlapi.com/", "https://api.aimlapi.com/chat/completions", "api.aimlapi.com"),
        (
            "https://api.aimlapi.com/v1/chat/completions",
            "https://api.aimlapi.com/v1/chat/completions", "api.aimlapi.com"
        ),
        (
            "https://api.aimlapi.com/v1/chat/completions/",
            "https://api.aimlapi.com/v1/chat/completions", "api.aimlapi.com"
        ),
        ("http://127.0.0.1:8080/v1", "http://127.0.0.1:8080/v1/chat/completions", "127.0.0.1"),
        ("http://[::1]:8080/v1", "http://[::1]:8080/v1/chat/completions", "[::1]"),
        (
            "https://x.openai.azure.com/openai?api-version=1&a=b",
            "https://x.openai.azure.com/openai/chat/completions?api-version=1&a=b",
            "x.openai.azure.com"
        ),
        ("https://a.b/v1#part", "https://a.b/v1/chat/completions", "a.b"),
        ("https://@a.b/v1", "https://a.b/v1/chat/completions", "a.b"),
        ("https://:@a.b/v1", "https://a.b/v1/chat/completions", "a.b"),
        ("https://a.b/v1?", "https://a.b/v1/chat/completions", "a.b"),
        ("HTTPS://a.b/V1", "https://a.b/V1/chat/completions", "a.b"),
        ("https://a.b/with%20space/%2f", "https://a.b/with%20space/%2f/chat/completions", "a.b"),
        ("http://2130706433/v1", "http://127.0.0.1/v1/chat/completions", "127.0.0.1"),
    ])
    func validBaseURLs(_ base: String, _ url: String, _ host: String) throws {
        let endpoint = try endpoint(base)
        let chatURL = endpoint.url(of: .chatCompletions)
        #expect(String(chatURL) == url)
        #expect(String(endpoint.host) == host)
        #expect(endpoint.isSecure == url.hasPrefix("https:"))
        #expect(chatURL.baseAddress?[chatURL.count] == 0)
    }

    @Test(arguments: [
        ("https://api.aimlapi.com/v1", "https://api.aimlapi.com/v1/models"),
        ("https://api.aimlapi.com", "https://api.aimlapi.com/models"),
        ("https://api.aimlapi.com/v1/chat/completions/", "https://api.aimlapi.com/v1/models"),
        ("https://a.b/v1//", "https://a.b/v1/models"),
        ("https://a.b/openai?api-version=1#part", "https://a.b/openai/models?api-version=1"),
    ])
    func modelsAreListedUnderTheBaseURL(_ base: String, _ url: String) throws {
        let endpoint = try endpoint(base)
        let modelsURL = endpoint.url(of: .models)
        #expect(String(modelsURL) == url)
        #expect(modelsURL.baseAddress?[modelsURL.count] == 0)
    }

    @Test(arguments: [
        "", " ", "api.aimlapi.com/v1", "//api.aimlapi.com/v1", "/v1", "https://", "https://a b/v1",
        "http://host:99999/v1",
        "http://host:port/v1",
        "https://[::1/v1", "https//a.b", "http:", "https://a.b/v1\n", "https://a.b/\r\nX: y",
    ])
    func invalidBaseURLsAreRejected(_ url: String) {
        let problem = complaint { _ = try endpoint(url) }
        #expect(
            problem == "not a base URL, which looks like https://api.aimlapi.com/v1",
            "\(problem ?? "accepted")")
    }

    @Test(arguments: [
        "https://a..\u{E4}.de/v1", "https://\(String(repeating: "\u{E4}", count: 70)).de/v1",
    ])
    func invalidHostNamesAreRejected(_ url: String) {
        #expect(
            complaint { _ = try endpoint(url) }?.hasPrefix(
                "the host of the base URL is not a valid name") == true)
    }

    @Test(
        "A message never quotes a base URL, which may contain a key, or be one",
        arguments: [
            "sk-secret", "sk-secret:", "htp://a.b/v1?key=sk-secret", "https:///v1?key=sk-secret",
            "https://a b/?key=sk-secret",
            "https://x:sk-secret@", "https://x:sk-secret@a b/v1", "sk-secret://a.b",
            "https://a.b:99999/?sk-secret",
        ])
    func messagesContainNoKey(_ url: String) {
        let problem = complaint { _ = try endpoint(url) }
        #expect(problem != nil && problem?.contains("secret") == false, "\(problem ?? "accepted")")
    }

    @Test func aNULCharacterIsRejected() {
        #expect(complaint { _ = try endpoint("https://a.b/v1\u{0}.evil.com") } != nil)
        #expect(complaint { _ = try endpoint("https://a.b\u{0}.evil.com/v1") } != nil)
    }

    @Test(arguments: [
        "ftp://a.b/v1", "file:///etc/passwd", "ws://a.b/v1", "gopher://a.b", "httpx://a.b",
    ])
    func otherSchemesAreRejected(_ url: String) {
        #expect(complaint { _ = try endpoint(url) } != nil)
    }

    @Test(arguments: [
        "https://user:secret@a.b/v1", "https://user@a.b/v1", "https://:secret@a.b/v1",
    ])
    func userAndPasswordAreRejected(_ url: String) {
        let problem = complaint { _ = try endpoint(url) }
        #expect(
            problem
                == "the base URL contains a user or password: set the key with "
                + "tw_options_set_api_key"
        )
    }

    @Test(arguments: [
        "http://127.0.0.1", "http://127.0.0.1:1/v1", "http://127.255.255.254", "http://127.1",
        "http://localhost",
        "http://LocalHost:8000/v1",
        "http://[::1]", "http://[::1]:11434/v1", "http://[0:0:0:0:0:0:0:1]", "http://2130706433",
        "http://0x7f000001",
    ])
    func loopbackAddresses(_ url: String) throws { #expect(try endpoint(url).isLoopback) }

    @Test(arguments: [
        "http://127.0.0.1.evil.com", "http://127.evil.com", "http://localhost.evil.com",
        "http://notlocalhost",
        "http://128.0.0.1", "http://126.255.255.255",
        "http://0.0.0.0", "http://10.0.0.1", "http://[::]", "http://[::2]", "http://[fe80::1]",
        "http://evil.com/127.0.0.1",
        "http://evil.com/?localhost",
        "http://evil.com#localhost", "http://1.127.0.0",
    ])
    func addressesOfOtherMachines(_ url: String) throws { #expect(try !endpoint(url).isLoopback) }
}
