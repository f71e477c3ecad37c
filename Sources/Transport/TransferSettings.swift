import Base
import CPlatform
import Synchronization

/// What all transfers of a client have in common. Immutable, except for what is learned about the
/// server: `decodesBodies` and `waitsForHTTP2`.
package final class TransferSettings {
    package let endpoint: Endpoint
    package let proxy: ProxyConfig
    package let tls: TLSConfig
    let headers: RequestHeaders
    let usesHTTP2: Bool
    let limits: ResponseLimits
    /// Whether libcurl decodes compressed bodies.
    ///
    /// Some gateways decompress a body and forward the header that says it is compressed
    /// (agentgateway#3040, envoyproxy/ai-gateway PR 2515). libcurl rejects such a body. The request
    /// is then sent again, and the client's bodies are read as they are from then on.
    private let decoding = Atomic(true)
    private let waiting: Atomic<Bool>

    package init(
        _ endpoint: Endpoint, _ headers: RequestHeaders, _ proxy: ProxyConfig, _ tls: TLSConfig,
        usesHTTP2: Bool, limits: ResponseLimits
    ) {
        self.endpoint = endpoint
        self.headers = headers
        self.proxy = proxy
        self.tls = tls
        self.usesHTTP2 = usesHTTP2
        self.limits = limits
        waiting = Atomic(usesHTTP2 && endpoint.isSecure)
    }

    var decodesBodies: Bool { decoding.load(ordering: .relaxed) }

    func stopDecoding() { decoding.store(false, ordering: .relaxed) }

    /// Whether a transfer waits for the connection that another one makes, to share it. HTTP/2 is
    /// used over TLS only, and the server's last connection says whether it has HTTP/2.
    var waitsForHTTP2: Bool {
        get { waiting.load(ordering: .relaxed) }
        set { waiting.store(newValue, ordering: .relaxed) }
    }

    /// Whether this libcurl has libnghttp2 use its memory functions, and thereby ours, which erase
    /// what is freed: since 8.11.1 (curl PR 15527).
    package static var erasesHTTP2Memory: Bool { platform_curl().pointee.version >= 0x080B01 }
}

/// The largest response that is accepted, in bytes.
package struct ResponseLimits {
    package var body: Int
    package var headers: Int

    package init(body: Int, headers: Int) {
        self.body = body
        self.headers = headers
    }
}

/// The headers of every request, as libcurl's list. They contain the key: the list is overwritten
/// before it is freed.
package final class RequestHeaders {
    private(set) var list: UnsafeMutablePointer<curl_slist>?

    package init() {}

    /// Appends a line such as "Accept: application/json".
    package func append(_ line: borrowing ByteBuffer) {
        list = curl_slist_append(list, line.cString)
    }

    deinit {
        var header = list
        while let line = header {
            platform_wipe(line.pointee.data, strlen(line.pointee.data))
            header = line.pointee.next
        }
        curl_slist_free_all(list)
    }
}
