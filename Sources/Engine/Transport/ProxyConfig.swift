import Base
import CPlatform
import Chat

/// Which proxy leads to an endpoint, and the hosts that none leads to.
final class ProxyConfig {
    /// "" for none.
    let address: ByteString
    let unproxiedHosts: ByteString
    /// What of the address nobody is told: the password, as it is written and as it is meant, and what stands for it in a header.
    let secrets: [ByteString]

    private init(address: ByteString, unproxiedHosts: ByteString, secrets: [ByteString] = []) {
        self.address = address
        self.unproxiedHosts = unproxiedHosts
        self.secrets = secrets
    }

    /// What the options say, else what the environment says, read as curl reads it: there and then, because libcurl would look into
    /// it from any thread and at any time.
    static func of(_ options: Options, for endpoint: Endpoint) throws(ArgumentError) -> ProxyConfig
    {
        let none = ByteString(StaticText.bytes(""))
        let hosts =
            options.unproxiedHosts ?? environment("no_proxy") ?? environment("NO_PROXY") ?? none
        let address = options.proxy ?? ofEnvironment(endpoint) ?? none
        guard !address.bytes.isEmpty else {
            return ProxyConfig(address: none, unproxiedHosts: hosts)
        }
        guard let place = ProxyConfig.place(of: address) else {
            throw ArgumentError(
                "http_proxy, https_proxy or all_proxy in the environment is no proxy's address: http://127.0.0.1:3128 is"
            )
        }
        // From another machine no way leads to this one's loopback address, and a key for it must not get there in clear text.
        let isUseless = endpoint.isLoopback && place == .elsewhere
        if isUseless { return ProxyConfig(address: none, unproxiedHosts: hosts) }
        return ProxyConfig(
            address: address, unproxiedHosts: hosts, secrets: ProxyConfig.secrets(of: address))
    }

    private static func secrets(of address: ByteString) -> [ByteString] {
        guard let parts = parse(address) else { return [] }
        defer { curl_url_cleanup(parts) }
        let written = Endpoint.part(parts, CURLUPART_PASSWORD)
        let meant = Endpoint.part(parts, CURLUPART_PASSWORD, UInt32(CURLU_URLDECODE))
        guard !written.isEmpty else { return [] }
        var login = Endpoint.part(parts, CURLUPART_USER, UInt32(CURLU_URLDECODE))
        login.append(":")
        login.append(meant.bytes)
        var basic = ByteBuffer()
        basic.append(base64: login.bytes)
        return [ByteString(written.bytes), ByteString(meant.bytes), ByteString(basic.bytes)]
    }

    /// Not HTTP_PROXY: a CGI program has what its client says there (https://httpoxy.org).
    private static func ofEnvironment(_ endpoint: Endpoint) -> ByteString? {
        let own =
            endpoint.isSecure
            ? environment("https_proxy") ?? environment("HTTPS_PROXY") : environment("http_proxy")
        return own ?? environment("all_proxy") ?? environment("ALL_PROXY")
    }

    enum Place {
        case thisMachine, elsewhere
    }

    /// Where a proxy is that libcurl can use; nil for any other text. Its own complaint would show the password in it.
    static func place(of address: ByteString) -> Place? {
        guard let parts = parse(address) else { return nil }
        defer { curl_url_cleanup(parts) }
        let scheme = Endpoint.part(parts, CURLUPART_SCHEME)
        let known: [StaticString] = [
            "http", "https", "socks", "socks4", "socks4a", "socks5", "socks5h",
        ]
        var isKnown = false
        for name in known where scheme.bytes.equals(name) { isKnown = true }
        let host = Endpoint.part(parts, CURLUPART_HOST, UInt32(CURLU_PUNYCODE))
        guard isKnown, !host.isEmpty else { return nil }
        // With a user or password that it can't decode, libcurl goes past the proxy without a word (7.88).
        for part in [CURLUPART_USER, CURLUPART_PASSWORD] where !Endpoint.part(parts, part).isEmpty {
            if Endpoint.part(parts, part, UInt32(CURLU_URLDECODE)).isEmpty { return nil }
        }
        return Endpoint.isLoopback(host) ? .thisMachine : .elsewhere
    }

    /// Its parts, as libcurl sees them; to be cleaned up.
    private static func parse(_ address: ByteString) -> OpaquePointer? {
        guard let parts = curl_url() else { return nil }
        let flags = UInt32(CURLU_NON_SUPPORT_SCHEME | CURLU_GUESS_SCHEME)
        if curl_url_set(parts, CURLUPART_URL, address.cString, flags) == CURLUE_OK { return parts }
        curl_url_cleanup(parts)
        return nil
    }
}
