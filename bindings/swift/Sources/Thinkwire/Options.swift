import LibThinkwire

/// Where and how to connect. What is nil is read from the environment, or has its default.
public struct Options: Sendable {
    /// Timeouts in milliseconds; 0 means none.
    public struct Timeouts: Sendable {
        public var connect, firstByte, idle, total: Int64?
        public init(
            connect: Int64? = nil, firstByte: Int64? = nil, idle: Int64? = nil, total: Int64? = nil
        ) {
            (self.connect, self.firstByte, self.idle, self.total) =
                (connect, firstByte, idle, total)
        }

        var values: [(tw_timeout, Int64)] {
            [
                (TW_TIMEOUT_CONNECT, connect), (TW_TIMEOUT_FIRST_BYTE, firstByte),
                (TW_TIMEOUT_IDLE, idle), (TW_TIMEOUT_TOTAL, total),
            ].compactMap { which, time in time.map { (which, $0) } }
        }
    }

    /// Versions of HTTP, by the values of `tw_http_version`.
    public enum HTTPVersion: UInt32, Sendable { case auto, http1, http2 }

    /// Fields of a request that switch thinking, by the values of `tw_dialect`.
    public enum Dialect: UInt32, Sendable {
        case auto, none, enableThinking, chatTemplate, reasoningEffort, reasoningObject
        case thinkingType, templateThinking
    }

    public var baseURL: String?
    /// With "", no key is sent.
    public var apiKey: String?
    /// With nil, a header of the library is not replaced; with "", it is not sent.
    public var headers: [String: String?] = [:]
    public var timeouts = Timeouts()
    public var retries: Int32?
    /// Limits in bytes.
    public var eventLimit, replyLimit, headersLimit: Int64?
    public var commentsKeepAlive, requireFinish: Bool?
    public var proxy, noProxy, caFile, caDirectory: String?
    public var httpVersion: HTTPVersion?
    public var dialect: Dialect?
    public var reasoningTags: (opening: String, closing: String)?
    public var reasoningReplay: String?
    /// Hosts to which the key may be sent over http.
    public var cleartextHosts: [String] = []
    /// Exchanges in progress at once, 1000 by default; and connections, 0 (no limit) by default.
    public var maxExchanges, maxConnections: Int64?

    public init(baseURL: String? = nil, apiKey: String? = nil) {
        self.baseURL = baseURL
        self.apiKey = apiKey
    }

    /// Creates a client of the library.
    func makeClient() throws(ThinkwireError) -> OpaquePointer {
        let options = tw_options_create()!
        defer { tw_options_destroy(options) }
        func set(
            _ text: String?, _ function: (OpaquePointer?, UnsafePointer<CChar>?) -> tw_status
        ) throws(ThinkwireError) {
            if let text { try change(texts: [text]) { function(options, text) } }
        }
        func set<Value>(_ value: Value?, _ function: (Value) -> tw_status) throws(ThinkwireError) {
            if let value { try change { function(value) } }
        }
        try set(baseURL, tw_options_set_base_url)
        try set(apiKey, tw_options_set_api_key)
        for (name, value) in headers {
            try change(texts: [name, value]) { tw_options_set_header(options, name, value) }
        }
        for (which, time) in timeouts.values {
            try change { tw_options_set_timeout(options, which, time) }
        }
        try set(retries) { tw_options_set_retries(options, $0) }
        try set(eventLimit) { tw_options_set_limit(options, TW_LIMIT_EVENT, $0) }
        try set(replyLimit) { tw_options_set_limit(options, TW_LIMIT_REPLY, $0) }
        try set(headersLimit) { tw_options_set_limit(options, TW_LIMIT_HEADERS, $0) }
        try set(commentsKeepAlive) { tw_options_set_comments_keep_alive(options, $0 ? 1 : 0) }
        try set(requireFinish) { tw_options_set_require_finish(options, $0 ? 1 : 0) }
        try set(proxy, tw_options_set_proxy)
        try set(noProxy, tw_options_set_no_proxy)
        try set(caFile, tw_options_set_ca_file)
        try set(caDirectory, tw_options_set_ca_directory)
        try set(httpVersion) { tw_options_set_http_version(options, .init($0.rawValue)) }
        try set(dialect) { tw_options_set_dialect(options, .init($0.rawValue)) }
        if let (opening, closing) = reasoningTags {
            try change(texts: [opening, closing]) {
                tw_options_set_reasoning_tags(options, opening, closing)
            }
        }
        try set(reasoningReplay, tw_options_set_reasoning_replay)
        for host in cleartextHosts { try set(host, tw_options_allow_cleartext) }
        var client: OpaquePointer?
        try change { tw_client_create(options, &client) }
        return client!
    }
}
