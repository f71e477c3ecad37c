import Base
import CPlatform

/// The proxy for an endpoint, and the hosts that no proxy is used for.
package final class ProxyConfig {
    /// "" for none.
    package let address: ByteString
    package let unproxiedHosts: ByteString
    /// What must be redacted: the password as written, decoded, and as it appears in a header.
    package let secrets: [ByteString]

    private init(address: ByteString, unproxiedHosts: ByteString, secrets: [ByteString] = []) {
        self.address = address
        self.unproxiedHosts = unproxiedHosts
        self.secrets = secrets
    }

    /// The caller's proxy, or the one in the environment, with curl's names and precedence.
    ///
    /// The environment is read here, because libcurl would read it on any thread and at any time.
    /// Nil for `proxy` or `unproxiedHosts` uses the environment; "" uses none.
    package static func resolve(
        _ proxy: ByteString?, unproxiedHosts: ByteString?, for endpoint: Endpoint
    ) throws(ArgumentError) -> ProxyConfig {
        let none = ByteString(StaticText.bytes(""))
        let hosts = unproxiedHosts ?? environment("no_proxy") ?? environment("NO_PROXY") ?? none
        let address = proxy ?? environmentProxy(endpoint) ?? none
        guard !address.bytes.isEmpty else {
            return ProxyConfig(address: none, unproxiedHosts: hosts)
        }
        guard let location = ProxyConfig.location(of: address) else {
            throw ArgumentError(
                """
                http_proxy, https_proxy or all_proxy is not the address of a proxy; write it like \
                http://127.0.0.1:3128
                """)
        }
        // A proxy on another machine cannot reach this machine's loopback addresses, and a key for
        // one must not be sent there in clear text.
        if endpoint.isLoopback && location == .remote {
            return ProxyConfig(address: none, unproxiedHosts: hosts)
        }
        return ProxyConfig(
            address: address, unproxiedHosts: hosts, secrets: ProxyConfig.secrets(of: address))
    }

    private static func secrets(of address: ByteString) -> [ByteString] {
        guard let parts = parse(address) else { return [] }
        defer { curl_url_cleanup(parts) }
        let written = Endpoint.part(parts, CURLUPART_PASSWORD)
        let decoded = Endpoint.part(parts, CURLUPART_PASSWORD, UInt32(CURLU_URLDECODE))
        guard !written.isEmpty else { return [] }
        var login = Endpoint.part(parts, CURLUPART_USER, UInt32(CURLU_URLDECODE))
        login.append(":")
        login.append(decoded.bytes)
        var basic = ByteBuffer()
        basic.append(base64: login.bytes)
        return [ByteString(written.bytes), ByteString(decoded.bytes), ByteString(basic.bytes)]
    }

    /// Not HTTP_PROXY: in a CGI program, the client controls that variable (https://httpoxy.org).
    private static func environmentProxy(_ endpoint: Endpoint) -> ByteString? {
        let own =
            endpoint.isSecure
            ? environment("https_proxy") ?? environment("HTTPS_PROXY") : environment("http_proxy")
        return own ?? environment("all_proxy") ?? environment("ALL_PROXY")
    }

    package enum Location {
        case local, remote
    }

    /// Whether a proxy is on this machine; nil if the text is not the address of a proxy that
    /// libcurl can use. libcurl's own message would show the password.
    package static func location(of address: ByteString) -> Location? {
        guard let parts = parse(address) else { return nil }
        defer { curl_url_cleanup(parts) }
        let scheme = Endpoint.part(parts, CURLUPART_SCHEME)
        var isKnown = false
        for name in Fields(words: "http https socks socks4 socks4a socks5 socks5h")
        where scheme.bytes.equals(name) {
            isKnown = true
        }
        let host = Endpoint.part(parts, CURLUPART_HOST, UInt32(CURLU_PUNYCODE))
        guard isKnown, !host.isEmpty else { return nil }
        // libcurl 7.88 silently bypasses a proxy whose user or password it cannot decode.
        for part in [CURLUPART_USER, CURLUPART_PASSWORD]
        where !Endpoint.part(parts, part).isEmpty {
            if Endpoint.part(parts, part, UInt32(CURLU_URLDECODE)).isEmpty { return nil }
        }
        return Endpoint.isLoopback(host) ? .local : .remote
    }

    /// The address as libcurl parses it. The caller frees it with `curl_url_cleanup`.
    private static func parse(_ address: ByteString) -> OpaquePointer? {
        guard let parts = curl_url() else { return nil }
        let flags = UInt32(CURLU_NON_SUPPORT_SCHEME | CURLU_GUESS_SCHEME)
        if curl_url_set(parts, CURLUPART_URL, address.cString, flags) == CURLUE_OK { return parts }
        curl_url_cleanup(parts)
        return nil
    }
}
