import Base
import CPlatform
import CThinkwire
import Chat
import Transport

/// Where and how to connect, as set by the caller so far.
///
/// A setter that throws leaves the options unchanged. Not thread-safe.
package final class Options {
    package var firstError = FirstError()
    /// Nil uses the base URL in the environment.
    var baseURL: ByteString?
    /// Nil uses the key in the environment, unless `isKeySet`.
    var key: ByteString?
    /// Whether the caller has set the key. With a key of nil, none is sent.
    var isKeySet = false
    /// Sent with every request, in addition to the library's own headers or in place of them.
    var headers: [Header] = []
    var timeouts = Timeouts()
    var limits = Limits()
    /// How often a failed request is sent again at most.
    var retries = 2
    /// Whether comments in a stream restart the idle timeout.
    package var commentsKeepAlive = true
    /// Whether an answer is complete only if the server says that the model has finished.
    package var requiresFinish = true
    /// The address of the proxy. Nil uses the environment, "" no proxy.
    var proxy: ByteString?
    /// The hosts that no proxy is used for, in curl's notation. Nil uses the environment.
    var unproxiedHosts: ByteString?
    /// The path of a file of trusted certificates (PEM). Nil uses the system's.
    var certificates: ByteString?
    /// The path of a directory of trusted certificates. Nil uses the system's.
    var certificateDirectory: ByteString?
    /// The hosts to which the key may be sent over http.
    var cleartextHosts: [ByteString] = []
    /// Receives the lines of the log. Nil writes no log, unless THINKWIRE_DEBUG is 1.
    var log: (function: tw_log_fn, userdata: UnsafeMutableRawPointer?)?

    /// `TW_HTTP_AUTO` means HTTP/2 if `TransferSettings.erasesHTTP2Memory`, and HTTP/1.1 otherwise.
    var httpVersion = TW_HTTP_AUTO
    /// The fields that switch thinking on or off. Nil derives them from the model or the host.
    var dialect: ThinkingDialect?
    /// The tags that enclose reasoning. Nil for those of known models.
    package var reasoningTags: ReasoningTags?
    /// The form in which reasoning is sent back: "none" or a field. Nil: the host determines it.
    var reasoningReplay: ByteString?

    package init() {}

    struct Header {
        var name: ByteString
        /// It may contain a key: no message quotes it.
        var value: ByteString
    }

    /// The largest sizes that are accepted, in bytes: see `tw_limit`.
    struct Limits {
        /// A line, or the data of one event, of a stream.
        var event = 16 << 20
        /// The body of a response.
        var reply = 256 << 20
        /// The headers of a response, including trailers.
        var headers = 256 << 10
    }

    /// Sets the address that the path `/chat/completions` is appended to.
    package func set(baseURL url: Bytes) throws(ArgumentError) {
        _ = try Endpoint.of(baseURL: url)
        baseURL = ByteString(url)
    }

    /// Sets the key. An empty key sends none.
    package func set(key: Bytes) throws(ArgumentError) {
        guard isHeaderValue(key) else {
            throw ArgumentError("the API key contains a control character: check for a line end")
        }
        isKeySet = true
        self.key = key.isEmpty ? nil : ByteString(key)
    }

    /// Sets a header, replacing one with the same name in upper or lower case. Nil removes it.
    package func set(header name: Bytes, to value: Bytes?) throws(ArgumentError) {
        // The message does not quote the text: it may be a whole header that contains a key.
        guard isHeaderName(name) else {
            throw ArgumentError(
                "not a header name: it must be one token, without the colon and the value")
        }
        // If the length differed from the body's, the server would take the rest of the body as the
        // next request.
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

    /// Sets a timeout; 0 for none.
    package func set(_ kind: TimeoutKind, milliseconds: Int64) throws(ArgumentError) {
        guard milliseconds >= 0 else {
            throw ArgumentError("a timeout cannot be negative: 0 means none")
        }
        timeouts.set(kind, Timeouts.nanoseconds(milliseconds))
    }

    /// Sets the limit on the size of one part of a response.
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

    /// Sets how often a failed request is sent again at most.
    package func set(retries: Int) throws(ArgumentError) {
        guard retries >= 0 else {
            throw ArgumentError("the number of retries cannot be negative: 0 means none")
        }
        self.retries = retries
    }

    /// Sets the version of HTTP that is used.
    package func set(_ version: tw_http_version) throws(ArgumentError) {
        switch version {
        case TW_HTTP_AUTO, TW_HTTP_1_1, TW_HTTP_2: httpVersion = version
        default: throw ArgumentError("no such HTTP version: see tw_http_version")
        }
    }

    /// Sets the fields that switch thinking on or off.
    package func set(_ dialect: tw_dialect) throws(ArgumentError) {
        guard dialect != TW_DIALECT_AUTO else {
            self.dialect = nil
            return
        }
        // The raw values of the two enumerations are the same.
        guard let number = UInt8(exactly: dialect.rawValue),
            let known = ThinkingDialect(rawValue: number)
        else { throw ArgumentError("no such dialect: see tw_dialect") }
        self.dialect = known
    }

    /// Sets the form in which reasoning is sent back: "auto", "none" or the name of a field.
    package func set(reasoningReplay name: Bytes) throws(ArgumentError) {
        guard !name.isEmpty else {
            throw ArgumentError(
                "the reasoning replay is empty: give \"auto\", \"none\" or the name of a field")
        }
        try checkUTF8(name, "the reasoning replay")
        for member in ReasoningReplay.reservedNames where name.equals(member) {
            throw ArgumentError("reasoning cannot be sent back in the field ", name)
        }
        reasoningReplay = name.equals("auto") ? nil : ByteString(name)
    }

    /// Sets the proxy. Nil uses the environment, "" no proxy.
    ///
    /// The message of the error does not quote the address: it may contain a password.
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

    /// Sets the hosts that no proxy is used for, in curl's notation. Nil uses the environment.
    package func set(unproxiedHosts hosts: Bytes?) { unproxiedHosts = hosts.map { ByteString($0) } }

    /// Sets the file of trusted certificates (PEM). Nil uses the system's.
    ///
    /// The file must be readable now: libcurl would report its absence only for the first request.
    package func set(certificates path: Bytes?) throws(ArgumentError) {
        let file = path.map { ByteString($0) }
        if let file, access(file.cString, R_OK) != 0 || isDirectory(file.bytes, F_OK) {
            throw ArgumentError("the certificate file cannot be read: ", file.bytes)
        }
        certificates = file
    }

    /// Sets the directory of trusted certificates, named by their hashes. Nil uses the system's.
    package func set(certificateDirectory path: Bytes?) throws(ArgumentError) {
        if let path {
            guard !path.isEmpty, isDirectory(path, R_OK | X_OK) else {
                throw ArgumentError("the certificate directory cannot be read: ", path)
            }
        }
        certificateDirectory = path.map { ByteString($0) }
    }

    /// Whether a path names a directory that permits this access (see access(2)).
    private func isDirectory(_ path: Bytes, _ mode: Int32) -> Bool {
        // Only a directory contains ".".
        var inside = ByteBuffer()
        inside.append(path)
        inside.append("/.")
        return access(inside.cString, mode) == 0
    }

    /// Allows the key to be sent to that host over http.
    package func allowCleartext(host: Bytes) throws(ArgumentError) {
        guard !host.isEmpty else { throw ArgumentError("the host name is empty") }
        cleartextHosts.append(ByteString(host))
    }

    /// Sets the function that receives the lines of the log; nil for none. It is passed `userdata`.
    package func set(log function: tw_log_fn?, userdata: UnsafeMutableRawPointer?) {
        log = function.map { ($0, userdata) }
    }
}

/// Whether a name is a token (RFC 9110, section 5.6.2).
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
