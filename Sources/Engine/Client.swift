import Base
import CPlatform
import CThinkwire
import Chat
import Transport

/// An endpoint and the connections that are kept to it. Everything else is immutable.
package final class Client: @unchecked Sendable {
    let settings: TransferSettings
    let timeouts: Timeouts
    let limits: Options.Limits
    /// How often a failed request is sent again at most.
    let retries: Int
    /// Whether comments in a stream restart the idle timeout.
    let commentsKeepAlive: Bool
    /// Whether an answer is complete only if the server says that the model has finished.
    let requiresFinish: Bool
    let hostRows: HostRows
    let dialect: ThinkingDialect?
    let reasoningTags: ReasoningTags
    /// The form in which reasoning is sent back. Nil derives it from the model or the host.
    let reasoningReplay: ByteString?
    let redactor: Redactor
    private let log: (function: tw_log_fn, userdata: UnsafeMutableRawPointer?)?
    private let pool = ForkLocal<EventLoopPool>()
    /// Which of the exchanges were begun before the last `cancelAll`.
    let cancelledExchanges = CancellationGroup()

    var endpoint: Endpoint { settings.endpoint }

    package static func create(_ options: Options) throws(ArgumentError) -> Client {
        if let error = options.firstError.error { throw error }
        switch platform_curl_init() {
        case CURLE_OK: break
        case CURLE_AGAIN:
            throw ArgumentError(
                """
                this process was forked while its parent created its first client: create \
                one before forking
                """)
        default: throw ArgumentError("libcurl cannot be initialised: out of memory")
        }
        let credentials = try Credentials.resolve(options)
        let endpoint = credentials.endpoint
        let proxy = try ProxyConfig.resolve(
            options.proxy, unproxiedHosts: options.unproxiedHosts, for: endpoint)
        let redactor = Redactor(options, credentials.key, proxy)
        if !redactor.isEmpty && !endpoint.isSecure && !endpoint.isLoopback {
            let host = endpoint.host
            guard options.cleartextHosts.contains(where: { $0.bytes.equalsIgnoringCase(host) })
            else {
                throw ArgumentError(
                    "the key would be sent in clear text over http to ", host,
                    ": use https, or allow it with tw_options_allow_cleartext")
            }
        }
        return Client(options, credentials, redactor, proxy)
    }

    private init(
        _ options: Options, _ credentials: Credentials, _ redactor: Redactor, _ proxy: ProxyConfig
    ) {
        timeouts = options.timeouts
        limits = options.limits
        retries = options.retries
        commentsKeepAlive = options.commentsKeepAlive
        requiresFinish = options.requiresFinish
        self.redactor = redactor
        let endpoint = credentials.endpoint
        hostRows = HostRows(host: endpoint.host, port: endpoint.port)
        dialect = options.dialect
        reasoningTags = options.reasoningTags ?? .known
        reasoningReplay = options.reasoningReplay
        let isTraced = environment("THINKWIRE_DEBUG")?.equals("1") ?? false
        log = options.log ?? (isTraced ? (logToStandardError, nil) : nil)
        settings = TransferSettings(
            credentials.endpoint, makeHeaders(options, credentials.key), proxy,
            TLSConfig(file: options.certificates, directory: options.certificateDirectory),
            usesHTTP2: options.httpVersion == TW_HTTP_2
                || options.httpVersion == TW_HTTP_AUTO && TransferSettings.erasesHTTP2Memory,
            limits: ResponseLimits(body: options.limits.reply, headers: options.limits.headers))
    }

    // MARK: Connections

    /// An event loop to run an exchange on, with an open connection if one is idle. Nil if no
    /// descriptors are left.
    func borrowLoop() -> EventLoop? { ownPool.borrow() }

    func release(_ loop: EventLoop) {
        let pool = ownPool
        if loop.isCurrentProcess { pool.release(loop) }
    }

    /// The loops that `cancelAll` wakes.
    var wakeList: WakeList { ownPool.wakeList }

    /// Ends every exchange of this process that has begun, as soon as possible. From any thread.
    package func cancelAll() {
        cancelledExchanges.cancelAll()
        wakeList.wakeAll()
    }

    /// Closes this process's copies of its parent's connections after a fork.
    package func closeInherited() { _ = ownPool }

    private var ownPool: EventLoopPool {
        @inline(never) get { pool.own { $0.closeInherited() } }
    }

    // MARK: Log

    /// Writes a line to the log, if there is one.
    func log(_ write: (inout ByteBuffer) -> Void) {
        guard let log else { return }
        var line = ByteBuffer()
        write(&line)
        redactor.redact(&line)
        log.function(log.userdata, line.cString)
    }
}

/// The headers of every request: the library's own, unless the caller replaces them.
private func makeHeaders(_ options: Options, _ key: ByteString?) -> RequestHeaders {
    let list = RequestHeaders()
    func addDefault(_ name: StaticString, _ value: Bytes) {
        let isReplaced = options.headers.contains { header in
            header.name.bytes.equalsIgnoringCase(StaticText.bytes(name))
        }
        guard !isReplaced else { return }
        var line = ByteBuffer()
        line.append(name)
        line.append(": ")
        line.append(value)
        list.append(line)
    }
    addDefault("Content-Type", StaticText.bytes("application/json"))
    addDefault("Accept", StaticText.bytes("text/event-stream, application/json"))
    // A compressed event stream arrives in bursts (opencodex PR 115).
    addDefault("Accept-Encoding", StaticText.bytes("identity"))
    var agent = ByteBuffer()
    agent.append("thinkwire/")
    agent.append(Bytes(cString: platform_version()))
    addDefault("User-Agent", agent.bytes)
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
        list.append(line)
    }
    // Without this, libcurl waits a second for the server's permission to send a large body.
    var expect = ByteBuffer()
    expect.append("Expect:")
    list.append(expect)
    return list
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
