import Base
import CPlatform
import CThinkwire
import Chat

/// An endpoint, and the connections that are kept to it. Immutable but for those.
package final class Client: @unchecked Sendable {
    let endpoint: Endpoint
    let timeouts: Timeouts
    let limits: Options.Limits
    /// How many times more a request is sent that was refused or got lost.
    let retries: Int
    /// A comment in a stream is a sign of life.
    let commentsKeepAlive: Bool
    let proxy: ProxyConfig
    let trust: TLSConfig
    let speaksHTTP2: Bool
    let dialect: ThinkingDialect?
    let headers: UnsafeMutablePointer<curl_slist>?
    let secrets: Redactor
    private let log: (function: tw_log_fn, userdata: UnsafeMutableRawPointer?)?

    private let pool = ForkLocal<EventLoopPool>()

    /// From 8.11.1 on libcurl has libnghttp2 use its own functions for memory, and with them ours (curl PR 15527).
    private static var wipesHTTP2: Bool { platform_curl().pointee.version >= 0x080B01 }

    package static func create(_ options: Options) throws(ArgumentError) -> Client {
        switch platform_curl_init() {
        case CURLE_OK: break
        case CURLE_AGAIN:
            throw ArgumentError(
                "this process was forked while its parent made its first client, and can have none: make that one before a fork"
            )
        default: throw ArgumentError("libcurl can't be initialised: out of memory")
        }
        let credentials = try Credentials.of(options)
        let endpoint = credentials.endpoint
        let proxy = try ProxyConfig.of(options, for: endpoint)
        let secrets = Redactor(options, credentials.key, proxy)
        if !secrets.isEmpty && !endpoint.isSecure && !endpoint.isLoopback {
            let host = endpoint.host
            guard options.cleartextHosts.contains(where: { $0.bytes.equalsIgnoringCase(host) })
            else {
                throw ArgumentError(
                    "the key would go in clear text over http to ", host,
                    ": use https, or allow it with tw_options_allow_cleartext")
            }
        }
        return Client(options, credentials, secrets, proxy)
    }

    private init(
        _ options: Options, _ credentials: Credentials, _ secrets: Redactor, _ proxy: ProxyConfig
    ) {
        endpoint = credentials.endpoint
        timeouts = options.timeouts
        limits = options.limits
        retries = options.retries
        commentsKeepAlive = options.commentsKeepAlive
        self.secrets = secrets
        self.proxy = proxy
        trust = TLSConfig(options)
        speaksHTTP2 =
            options.httpVersion == TW_HTTP_2
            || options.httpVersion == TW_HTTP_AUTO && Client.wipesHTTP2
        dialect = options.dialect
        let isTraced = environment("THINKWIRE_DEBUG")?.equals("1") ?? false
        log = options.log ?? (isTraced ? (logToStandardError, nil) : nil)
        headers = Client.makeHeaders(options, credentials.key)
    }

    deinit {
        var header = headers
        while let line = header {
            platform_wipe(line.pointee.data, strlen(line.pointee.data))
            header = line.pointee.next
        }
        curl_slist_free_all(headers)
    }

    // MARK: Connections

    /// A loop to run an exchange on, with a connection that is already there if one is idle. nil: the system has no descriptors left.
    func borrowLoop() -> EventLoop? { ownPool.borrow() }

    func release(_ loop: EventLoop) {
        let pool = ownPool
        if loop.isCurrentProcess { pool.release(loop) }
    }

    /// After a fork: the connections are the parent's.
    package func leaveInherited() { _ = ownPool }

    private var ownPool: EventLoopPool { pool.own { $0.closeInherited() } }

    // MARK: Words

    package func log(_ write: (inout ByteBuffer) -> Void) {
        guard let log else { return }
        var line = ByteBuffer()
        write(&line)
        secrets.redact(&line)
        log.function(log.userdata, line.cString)
    }

    /// The headers of every request: the library's own, but for those that the caller has put his own in place of.
    private static func makeHeaders(_ options: Options, _ key: ByteString?) -> UnsafeMutablePointer<
        curl_slist
    >? {
        var list: UnsafeMutablePointer<curl_slist>?
        func add(_ line: borrowing ByteBuffer) {
            list = curl_slist_append(list, line.cString)
        }
        func addDefault(_ name: StaticString, _ value: Bytes) {
            let isReplaced = options.headers.contains { header in
                header.name.bytes.equalsIgnoringCase(StaticText.bytes(name))
            }
            guard !isReplaced else { return }
            var line = ByteBuffer()
            line.append(name)
            line.append(": ")
            line.append(value)
            add(line)
        }
        addDefault("Content-Type", StaticText.bytes("application/json"))
        addDefault("Accept", StaticText.bytes("text/event-stream, application/json"))
        // A compressed event stream arrives in bursts (opencodex PR 115).
        addDefault("Accept-Encoding", StaticText.bytes("identity"))
        addDefault("User-Agent", StaticText.bytes("thinkwire/0.1.0"))
        if let key {
            var value = ByteBuffer()
            value.append("Bearer ")
            value.append(key.bytes)
            addDefault("Authorization", value.bytes)
        }
        for header in options.headers {
            var line = ByteBuffer()
            line.append(header.name.bytes)
            line.append(header.value.bytes.isEmpty ? ":" : ": ")
            line.append(header.value.bytes)
            add(line)
        }
        // curl would wait a second for a server's leave to send a large body.
        var expect = ByteBuffer()
        expect.append("Expect:")
        add(expect)
        return list
    }
}

/// Whose address and whose key.
private struct Credentials {
    let endpoint: Endpoint
    let key: ByteString?

    /// What the options say, then what the environment says, and never one provider's key to another.
    static func of(_ options: Options) throws(ArgumentError) -> Credentials {
        let credentials = try find(options)
        if let key = credentials.key, !isHeaderValue(key.bytes) {
            throw ArgumentError(
                "the API key in the environment has a control character in it: check for a line end"
            )
        }
        return credentials
    }

    private static func find(_ options: Options) throws(ArgumentError) -> Credentials {
        let ownKey = options.isKeySet ? options.key : environment("THINKWIRE_API_KEY")
        let hasKey = options.isKeySet || ownKey != nil
        let aimlapi = ByteString(StaticText.bytes("https://api.aimlapi.com/v1"))
        let openAI =
            environment("OPENAI_BASE_URL")
            ?? ByteString(StaticText.bytes("https://api.openai.com/v1"))
        if let base = options.baseURL ?? environment("THINKWIRE_BASE_URL") {
            let endpoint = try Endpoint.of(baseURL: base.bytes)
            if hasKey { return Credentials(endpoint: endpoint, key: ownKey) }
            if endpoint.isServer(of: try Endpoint.of(baseURL: aimlapi.bytes)),
                let key = environment("AIMLAPI_API_KEY")
            {
                return Credentials(endpoint: endpoint, key: key)
            }
            // An address that is not asked for need not be one.
            let isOpenAI =
                (try? Endpoint.of(baseURL: openAI.bytes)).map { endpoint.isServer(of: $0) } ?? false
            return Credentials(
                endpoint: endpoint, key: isOpenAI ? environment("OPENAI_API_KEY") : nil)
        }
        if hasKey {
            return Credentials(endpoint: try Endpoint.of(baseURL: aimlapi.bytes), key: ownKey)
        }
        if let key = environment("AIMLAPI_API_KEY") {
            return Credentials(endpoint: try Endpoint.of(baseURL: aimlapi.bytes), key: key)
        }
        if let key = environment("OPENAI_API_KEY") {
            return Credentials(endpoint: try Endpoint.of(baseURL: openAI.bytes), key: key)
        }
        throw ArgumentError(
            "no API key: call tw_options_set_api_key, or set THINKWIRE_API_KEY or AIMLAPI_API_KEY in the environment"
        )
    }
}

private func logToStandardError(_ userdata: UnsafeMutableRawPointer?, _ line: UnsafePointer<CChar>?)
{
    guard let line else { return }
    var text = ByteBuffer()
    text.append("thinkwire: ")
    text.append(Bytes(cString: line))
    text.append("\n")
    _ = write(2, text.start, text.count)
}
