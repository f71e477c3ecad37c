import Base
import CPlatform

/// A resource of the API, and the method that requests it.
package enum Resource {
    /// `POST /chat/completions`
    case chatCompletions
    /// `GET /models`
    case models

    package var method: StaticString {
        switch self {
        case .chatCompletions: "POST"
        case .models: "GET"
        }
    }

    var path: StaticString {
        switch self {
        case .chatCompletions: "/chat/completions"
        case .models: "/models"
        }
    }
}

/// The addresses that requests are sent to, derived from a base URL.
package final class Endpoint {
    private let chatURL: ByteBuffer
    private let modelsURL: ByteBuffer
    private let hostText: ByteBuffer
    private let portText: ByteBuffer
    package let isSecure: Bool

    /// Followed by a NUL.
    package func url(of resource: Resource) -> Bytes {
        switch resource {
        case .chatCompletions: chatURL.bytes
        case .models: modelsURL.bytes
        }
    }

    package var host: Bytes { hostText.bytes }
    /// The port in decimal.
    package var port: Bytes { portText.bytes }

    private init(
        chatURL: consuming ByteBuffer, modelsURL: consuming ByteBuffer,
        host: consuming ByteBuffer, port: consuming ByteBuffer, isSecure: Bool
    ) {
        self.chatURL = chatURL
        self.modelsURL = modelsURL
        hostText = host
        portText = port
        self.isSecure = isSecure
    }

    /// Messages do not quote the text: it may contain a key, or be one.
    package static func of(baseURL: Bytes) throws(ArgumentError) -> Endpoint {
        guard let parts = curl_url() else { throw ArgumentError("out of memory") }
        defer { curl_url_cleanup(parts) }
        guard Endpoint.set(parts, CURLUPART_URL, baseURL) else {
            throw ArgumentError("not a base URL, which looks like https://api.aimlapi.com/v1")
        }
        let scheme = Endpoint.part(parts, CURLUPART_SCHEME)
        // libcurl takes the first part of the path as the host of "https:///v1".
        guard scheme.count + 3 < baseURL.count, baseURL[scheme.count + 3] != UInt8(ascii: "/")
        else { throw ArgumentError("the base URL names no host") }
        let isSecure = scheme.bytes.equals("https")
        guard isSecure || scheme.bytes.equals("http") else {
            throw ArgumentError("the base URL is neither https nor http")
        }
        guard Endpoint.part(parts, CURLUPART_USER).isEmpty,
            Endpoint.part(parts, CURLUPART_PASSWORD).isEmpty
        else {
            throw ArgumentError(
                """
                the base URL contains a user or password: set the key with tw_options_set_api_key
                """)
        }
        // For "@" with nothing before it, libcurl would still send empty ones.
        curl_url_set(parts, CURLUPART_USER, nil, 0)
        curl_url_set(parts, CURLUPART_PASSWORD, nil, 0)
        guard !Endpoint.part(parts, CURLUPART_HOST, UInt32(CURLU_PUNYCODE)).isEmpty else {
            throw ArgumentError(
                """
                the host of the base URL is not a valid name: write it in ASCII as it is in DNS \
                (xn--…)
                """)
        }
        curl_url_set(parts, CURLUPART_FRAGMENT, nil, 0)
        let path = Endpoint.basePath(parts)
        return Endpoint(
            chatURL: try Endpoint.url(parts, path.bytes, .chatCompletions),
            modelsURL: try Endpoint.url(parts, path.bytes, .models),
            host: Endpoint.part(parts, CURLUPART_HOST),
            port: Endpoint.part(parts, CURLUPART_PORT, UInt32(CURLU_DEFAULT_PORT)),
            isSecure: isSecure)
    }

    /// The path without slashes at its end, and without that of the chat completions.
    private static func basePath(_ parts: OpaquePointer) -> ByteBuffer {
        var path = Endpoint.part(parts, CURLUPART_PATH)
        while path.bytes.last == UInt8(ascii: "/") { path.truncate(to: path.count - 1) }
        let suffix = Resource.chatCompletions.path
        if path.bytes.hasSuffix(suffix) {
            path.truncate(to: path.count - suffix.utf8CodeUnitCount)
        }
        return path
    }

    private static func url(_ parts: OpaquePointer, _ basePath: Bytes, _ resource: Resource)
        throws(ArgumentError) -> ByteBuffer
    {
        var path = ByteBuffer()
        path.append(basePath)
        path.append(resource.path)
        guard Endpoint.set(parts, CURLUPART_PATH, path.bytes) else {
            throw ArgumentError("the path of the base URL is invalid")
        }
        return Endpoint.part(parts, CURLUPART_URL)
    }

    /// Whether both are the same host and port; one machine may run many servers.
    ///
    /// `other` may be a temporary: its `host` alone would outlive it.
    package func isServer(of other: Endpoint) -> Bool {
        withExtendedLifetime(other) {
            host.equalsIgnoringCase(other.host) && port.equals(other.port)
        }
    }

    package var isLoopback: Bool { Endpoint.isLoopback(hostText) }

    /// Whether a host is an address of this machine that no other machine can listen on.
    static func isLoopback(_ host: borrowing ByteBuffer) -> Bool {
        if host.bytes.equalsIgnoringCase(StaticText.bytes("localhost"))
            || host.bytes.equals("[::1]")
        {
            return true
        }
        var address = in_addr()
        return inet_pton(AF_INET, host.cString, &address) == 1
            && UInt32(bigEndian: address.s_addr) >> 24 == 127
    }

    private static func set(_ parts: OpaquePointer, _ part: CURLUPart, _ text: Bytes) -> Bool {
        // A NUL would end the text early, and produce another address than the caller sees.
        guard !text.contains(0) else { return false }
        var terminated = ByteBuffer()
        terminated.append(text)
        // The schemes that libcurl supports differ; which of them are accepted is decided here.
        let flags = UInt32(CURLU_NON_SUPPORT_SCHEME)
        return curl_url_set(parts, part, terminated.cString, flags) == CURLUE_OK
    }

    static func part(_ parts: OpaquePointer, _ part: CURLUPart, _ flags: UInt32 = 0) -> ByteBuffer {
        var found = ByteBuffer()
        var text: UnsafeMutablePointer<CChar>?
        // libcurl 7.88 also sets it when it cannot write the name in ASCII.
        defer { curl_free(text) }
        guard curl_url_get(parts, part, &text, flags) == CURLUE_OK, let text else { return found }
        found.append(Bytes(cString: text))
        return found
    }
}
