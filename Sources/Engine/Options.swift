import Base
import CPlatform
import CThinkwire
import Chat
import Transport

/// Where and how to connect, as set by the caller so far.
package final class Options {
    var baseURL: ByteString?
    var key: ByteString?
    /// The caller has set the key, possibly to none.
    var isKeySet = false
    var headers: [Header] = []
    var timeouts = Timeouts()
    var limits = Limits()
    var retries = 2
    package var commentsKeepAlive = true
    var proxy: ByteString?
    /// The hosts that no proxy is used for, in curl's notation.
    var unproxiedHosts: ByteString?
    var certificates: ByteString?
    var certificateDirectory: ByteString?
    var cleartextHosts: [ByteString] = []
    var log: (function: tw_log_fn, userdata: UnsafeMutableRawPointer?)?

    var httpVersion = TW_HTTP_AUTO
    var dialect: ThinkingDialect?

    package init() {}

    struct Header {
        var name: ByteString
        /// It may be a key.
        var value: ByteString
    }

    /// In bytes.
    struct Limits {
        var event = 16 << 20
        var reply = 256 << 20
        var headers = 256 << 10
    }

    package func set(baseURL url: Bytes) throws(ArgumentError) {
        _ = try Endpoint.of(baseURL: url)
        baseURL = ByteString(url)
    }

    package func set(key: Bytes) throws(ArgumentError) {
        guard isHeaderValue(key) else {
            throw ArgumentError("the API key contains a control character: check for a line end")
        }
        isKeySet = true
        self.key = key.isEmpty ? nil : ByteString(key)
    }

    /// Nil removes the header.
    package func set(header name: Bytes, to value: Bytes?) throws(ArgumentError) {
        // The message does not quote the text: it may be a whole header that contains a key.
        guard isHeaderName(name) else {
            throw ArgumentError(
                "not a header name: it must be one token, without the colon and the value")
        }
        // If the length differed from the body's, the server would take the rest as the next request.
        if name.equalsIgnoringCase(StaticText.bytes("content-length"))
            || name.equalsIgnoringCase(StaticText.bytes("transfer-encoding"))
        {
            throw ArgumentError(
                "the library sets this header, which states the body's length: ", name)
        }
        if let value, !isHeaderValue(value) {
            throw ArgumentError("the value of the header ", name, " contains a control character")
        }
        headers.removeAll { $0.name.bytes.equalsIgnoringCase(name) }
        guard let value else { return }
        headers.append(Header(name: ByteString(name), value: ByteString(value)))
    }

    package func set(_ kind: TimeoutKind, milliseconds: Int64) throws(ArgumentError) {
        guard milliseconds >= 0 else {
            throw ArgumentError("a timeout cannot be negative: 0 means none")
        }
        timeouts.set(kind, Timeouts.nanoseconds(milliseconds))
    }

    package func set(_ which: tw_limit, bytes: Int64) throws(ArgumentError) {
        guard bytes >= 1, bytes <= Int64(Int32.max) else {
            throw ArgumentError("a limit is from 1 to 2147483647 bytes")
        }
        switch which {
        case TW_LIMIT_EVENT: limits.event = Int(bytes)
        case TW_LIMIT_REPLY: limits.reply = Int(bytes)
        case TW_LIMIT_HEADERS: limits.headers = Int(bytes)
        default: throw ArgumentError("no such limit: see tw_limit")
        }
    }

    package func set(retries: Int) throws(ArgumentError) {
        guard retries >= 0 else {
            throw ArgumentError("the number of retries cannot be negative: 0 means none")
        }
        self.retries = retries
    }

    package func set(_ version: tw_http_version) throws(ArgumentError) {
        switch version {
        case TW_HTTP_AUTO, TW_HTTP_1_1, TW_HTTP_2: httpVersion = version
        default: throw ArgumentError("no such HTTP version: see tw_http_version")
        }
    }

    package func set(_ dialect: tw_dialect) throws(ArgumentError) {
        switch dialect {
        case TW_DIALECT_AUTO: self.dialect = nil
        case TW_DIALECT_NONE: self.dialect = ThinkingDialect.none
        case TW_DIALECT_ENABLE_THINKING: self.dialect = .enableThinking
        case TW_DIALECT_CHAT_TEMPLATE: self.dialect = .chatTemplate
        case TW_DIALECT_REASONING_EFFORT: self.dialect = .reasoningEffort
        case TW_DIALECT_REASONING_OBJECT: self.dialect = .reasoningObject
        default: throw ArgumentError("no such dialect: see tw_dialect")
        }
    }

    package func set(proxy: Bytes?) throws(ArgumentError) {
        let proxy = proxy.map { ByteString($0) }
        if let proxy, !proxy.bytes.isEmpty, ProxyConfig.location(of: proxy) == nil {
            throw ArgumentError(
                """
                not the address of a proxy; write it like http://127.0.0.1:3128 or \
                http://USER:PASSWORD@127.0.0.1:3128
                """
            )
        }
        self.proxy = proxy
    }

    package func set(unproxiedHosts hosts: Bytes?) { unproxiedHosts = hosts.map { ByteString($0) } }

    package func set(certificates path: Bytes?) throws(ArgumentError) {
        let file = path.map { ByteString($0) }
        if let file, access(file.cString, R_OK) != 0 || isDirectory(file.bytes, F_OK) {
            throw ArgumentError("the certificate file cannot be read: ", file.bytes)
        }
        certificates = file
    }

    package func set(certificateDirectory path: Bytes?) throws(ArgumentError) {
        if let path {
            guard !path.isEmpty, isDirectory(path, R_OK | X_OK) else {
                throw ArgumentError("the certificate directory cannot be read: ", path)
            }
        }
        certificateDirectory = path.map { ByteString($0) }
    }

    private func isDirectory(_ path: Bytes, _ mode: Int32) -> Bool {
        // Only a directory contains ".".
        var inside = ByteBuffer()
        inside.append(path)
        inside.append("/.")
        return access(inside.cString, mode) == 0
    }

    package func allowCleartext(host: Bytes) throws(ArgumentError) {
        guard !host.isEmpty else { throw ArgumentError("the host name is empty") }
        cleartextHosts.append(ByteString(host))
    }

    package func set(log function: tw_log_fn?, userdata: UnsafeMutableRawPointer?) {
        log = function.map { ($0, userdata) }
    }
}

/// RFC 9110, section 5.6.2: a token.
private func isHeaderName(_ name: Bytes) -> Bool {
    !name.isEmpty
        && name.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "a")...UInt8(ascii: "z"):
                true
            default: StaticText.bytes("!#$%&'*+-.^_`|~").contains(byte)
            }
        }
}

/// Whether a value contains nothing that could end the header and begin another.
func isHeaderValue(_ value: Bytes) -> Bool {
    value.allSatisfy { $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }
}
