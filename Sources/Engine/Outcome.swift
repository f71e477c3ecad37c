import Base
import CPlatform
import CThinkwire
import Chat
import Transport

/// The result of an exchange: a status, and one line that says what happened and what to do.
struct Outcome: ~Copyable {
    let status: tw_status
    private(set) var message = ByteBuffer()

    init(_ status: tw_status, _ text: StaticString) { self.init(status, StaticText.bytes(text)) }

    init(_ status: tw_status, _ text: Bytes) {
        self.status = status
        message.append(text)
    }
}

/// What the outcome depends on.
struct OutcomeFacts {
    let problem: Problem?
    let result: TransferResult
    let httpStatus: Int
    /// A body was received that is one JSON document.
    let hasDocument: Bool
    /// A choice was received, if only its beginning.
    let hasChoices: Bool
    /// The model has reported the end of all requested choices.
    let isFinished: Bool
    /// The model has reported the end of all choices that it began.
    let areChoicesFinished: Bool
    let contentType: Bytes?
    /// The coding of a body that was not decoded, as its header names it.
    let compression: Bytes?
    let limits: Options.Limits
    let timeouts: Timeouts
}

extension OutcomeFacts {
    init(
        _ problem: Problem?, _ result: TransferResult, _ reply: Reply, _ client: Client,
        _ timeouts: Timeouts
    ) {
        // The header is searched only if the outcome may depend on it.
        let isFinished = reply.isFinished
        self.init(
            problem: problem, result: result, httpStatus: reply.httpStatus,
            hasDocument: !reply.body.isEmpty, hasChoices: !reply.choices.isEmpty,
            isFinished: isFinished, areChoicesFinished: reply.areChoicesFinished,
            contentType: isFinished ? nil : reply.headers.value(StaticText.bytes("content-type")),
            compression: isFinished || result.isDecoded ? nil : reply.declaredCompression,
            limits: client.limits,
            timeouts: timeouts)
    }
}

extension Outcome {
    /// Decides how an exchange went that no error response decided. Pure.
    static func resolve(_ facts: OutcomeFacts) -> Outcome {
        let result = facts.result
        switch (facts.problem, result.end) {
        case (.eventTooLong, _):
            return tooLarge("a line or event of the stream", facts.limits.event, "TW_LIMIT_EVENT")
        case (.tooMany, _):
            return Outcome(
                TW_LIMIT,
                """
                the answer has more choices or tool calls than the limit; what was received is in \
                the reply
                """)
        case (_, .tooLarge(.headers)):
            return tooLarge(
                "the header of the response", facts.limits.headers, "TW_LIMIT_HEADERS")
        case (_, .failed(platform_too_large)):
            var outcome = Outcome(
                TW_LIMIT, "the header of the response is larger than libcurl accepts")
            outcome.explain(platform_too_large, result)
            return outcome
        case (.compressed(let coding), _):
            return compressed(StaticText.bytes(coding))
        // A complete event is malformed whatever happens to the transfer. A document that only ends
        // too early was cut, if the connection ended there as well.
        case (.malformed(let error), _)
        where !facts.hasDocument || result.isComplete && error.problem != .unexpectedEnd:
            return malformed(error)
        case (.notAnAnswer, _):
            return Outcome(
                TW_PROTOCOL, "the answer is JSON, but not a chat completion; check the base URL")
        case (.notAModelList, _):
            return Outcome(
                TW_PROTOCOL, "the response is JSON, but not a list of models; check the base URL")
        case (_, .tooLarge(.body)):
            return tooLarge("the answer", facts.limits.reply, "TW_LIMIT_REPLY")
        // A server that ignores `n` sends one choice and ends the response.
        case _ where facts.isFinished || facts.areChoicesFinished && result.isComplete:
            return Outcome(TW_OK, "")
        case (_, .timedOut(let kind)):
            return timedOut(kind, facts.timeouts)
        case (_, .failed(let code))
        where facts.httpStatus == 0 || code == CURLE_WEIRD_SERVER_REPLY:
            return failed(code, result)
        default:
            return truncated(facts)
        }
    }

    static func timedOut(_ kind: TimeoutKind, _ timeouts: Timeouts) -> Outcome {
        switch kind {
        case .connect:
            return timedOut(
                "no connection within ", timeouts.connect,
                " (connect timeout); check the address and the network")
        case .firstByte:
            return timedOut(
                "no response within ", timeouts.firstByte,
                """
                 of the connection (first-byte timeout); raise it with tw_options_set_timeout, or \
                try again
                """)
        case .idle:
            return timedOut(
                "nothing was received for ", timeouts.idle,
                " (idle timeout); what was received is in the reply; try again")
        case .total:
            return timedOut(
                "not finished within ", timeouts.total,
                """
                 (total timeout); what was received is in the reply; raise it with \
                tw_options_set_timeout
                """)
        }
    }

    private static func timedOut(
        _ text: StaticString, _ duration: Int64, _ rest: StaticString
    ) -> Outcome {
        var outcome = Outcome(TW_TIMEOUT, text)
        outcome.message.append(duration: duration)
        outcome.message.append(rest)
        return outcome
    }

    private static func tooLarge(
        _ subject: StaticString, _ limit: Int, _ name: StaticString
    ) -> Outcome {
        var outcome = Outcome(TW_LIMIT, subject)
        outcome.message.append(" is larger than ")
        outcome.message.append(decimal: limit)
        outcome.message.append(" bytes; if that is expected, raise ")
        outcome.message.append(name)
        outcome.message.append(" with tw_options_set_limit")
        return outcome
    }

    private static func malformed(_ error: JSONError) -> Outcome {
        var outcome = Outcome(TW_PROTOCOL, "the answer is not JSON: at byte ")
        outcome.message.append(decimal: error.offset)
        outcome.message.append(" of a chunk, ")
        outcome.message.append(error.problem.text)
        outcome.message.append(
            """
            ; what was received is in the reply; check the base URL, or report it to the provider
            """)
        return outcome
    }

    private static func compressed(_ coding: Bytes) -> Outcome {
        var outcome = Outcome(TW_PROTOCOL, "the answer is compressed (")
        outcome.message.append(oneLine: coding, limit: 100)
        outcome.message.append(
            "), although identity was requested; disable compression in proxies on the way")
        return outcome
    }

    /// A response was received, but it ended before the model had finished.
    private static func truncated(_ facts: OutcomeFacts) -> Outcome {
        let result = facts.result
        if let coding = facts.compression, !facts.hasChoices, result.received > 0 {
            return compressed(coding)
        }
        let isBegun = facts.hasChoices || facts.hasDocument
        var (isBlank, isCut) = (false, false)
        if case .blank = facts.problem { isBlank = true }
        if case .cutEvent = facts.problem { isCut = true }
        let type = facts.contentType ?? StaticText.bytes("")
        // While a request waits, DeepSeek sends comments or, in place of JSON, empty lines. Under
        // load it then ends the response (bespokelabsai/curator#463).
        let mayBeCut =
            isCut || type.hasPrefix("text/event-stream")
            || isBlank && type.hasPrefix("application/json")
        if !isBegun && result.isComplete && !mayBeCut {
            var outcome = Outcome(
                TW_PROTOCOL,
                isBlank
                    ? "nothing was received: the response is empty"
                    : "the answer is neither an event stream nor JSON")
            if !isBlank && !type.isEmpty {
                outcome.message.append(", but ")
                outcome.message.append(oneLine: type, limit: 100)
            }
            outcome.message.append("; check the base URL")
            return outcome
        }
        var outcome = Outcome(
            TW_TRUNCATED,
            isBegun
                ? "the answer ended before the model had finished"
                : isBlank
                    ? "nothing was received: the response is empty"
                    : "nothing was received of the answer: the response ended before it began")
        if case .failed(let code) = result.end { outcome.explain(code, result) }
        outcome.message.append(
            isBegun ? "; what was received is in the reply; try again" : "; try again")
        return outcome
    }
}

// MARK: No response

extension Outcome {
    private static func failed(_ code: CURLcode, _ result: TransferResult) -> Outcome {
        if result.lacksDescriptors {
            return Outcome(
                TW_CONNECT,
                """
                no connection: the system has no file descriptors left: close some, or raise the \
                limit (ulimit -n)
                """)
        }
        if result.proxyStatus >= 300 { return rejectedByProxy(result.proxyStatus) }
        switch code {
        case CURLE_COULDNT_RESOLVE_HOST:
            return failed(
                TW_RESOLVE, "no address for the name", code, result,
                "; check the base URL and the network")
        case CURLE_COULDNT_RESOLVE_PROXY:
            return failed(
                TW_RESOLVE, "no address for the name", code, result,
                "; check the proxy's address and the network")
        case CURLE_COULDNT_CONNECT, CURLE_PROXY, CURLE_INTERFACE_FAILED:
            var outcome = failed(
                TW_CONNECT, "no connection", code, result,
                "; check the address, and that a server listens there")
            if result.hasProxy {
                outcome.message.append(
                    ", or the proxy (tw_options_set_proxy, or https_proxy in the environment)")
            }
            return outcome
        case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CACERT_BADFILE,
            CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER, CURLE_SSL_ISSUER_ERROR,
            CURLE_SSL_INVALIDCERTSTATUS, CURLE_SSL_PINNEDPUBKEYNOTMATCH, CURLE_USE_SSL_FAILED,
            CURLE_SSL_ENGINE_INITFAILED:
            var outcome = failed(TW_TLS, "no secure connection", code, result, "; ")
            outcome.message.append(tlsAdvice(result.certificateProblem, code))
            return outcome
        case CURLE_WEIRD_SERVER_REPLY, CURLE_UNSUPPORTED_PROTOCOL:
            return failed(
                TW_PROTOCOL, "not an HTTP server", code, result, "; check the base URL")
        default:
            return failed(
                TW_NETWORK, "the connection ended before a response", code, result, "; try again")
        }
    }

    private static func failed(
        _ status: tw_status, _ text: StaticString, _ code: CURLcode, _ result: TransferResult,
        _ advice: StaticString
    ) -> Outcome {
        var outcome = Outcome(status, text)
        outcome.explain(code, result)
        outcome.message.append(advice)
        return outcome
    }

    private static func rejectedByProxy(_ status: Int) -> Outcome {
        var outcome = Outcome(TW_CONNECT, "no connection: the proxy answered HTTP ")
        outcome.message.append(decimal: status)
        outcome.message.append("; ")
        // tinyproxy answers a wrong password with 401.
        outcome.message.append(
            status == 407 || status == 401
                ? proxyLoginAdvice : "check the base URL, and what the proxy allows and reaches")
        return outcome
    }

    private static func tlsAdvice(_ problem: Int, _ code: CURLcode) -> StaticString {
        switch (problem, code) {
        case (9, _), (10, _): "have the certificate renewed, or set this machine's clock"
        case (2...21, _):
            "if the certificate is your own, name its issuer with tw_options_set_ca_file"
        case (0...1, CURLE_PEER_FAILED_VERIFICATION):
            "use a host name in the base URL that the server's certificate contains"
        case (_, CURLE_SSL_CACERT_BADFILE):
            "give tw_options_set_ca_file a file of certificates in PEM"
        case (0...1, _): "the server must support TLS 1.2 or later on this port"
        default: "the server needs a valid certificate"
        }
    }

    /// Appends libcurl's description of a failure.
    private mutating func explain(_ code: CURLcode, _ result: TransferResult) {
        message.append(": ")
        if let explanation = result.explanation {
            message.append(oneLine: explanation.bytes, limit: 300)
        } else if let text = curl_easy_strerror(code) {
            message.append(Bytes(cString: text))
        }
        // libcurl 7.88 reports this for a line longer than it accepts (DYN_HTTP_REQUEST and others
        // in lib/dynbuf.h).
        if code == CURLE_OUT_OF_MEMORY { message.append(" (or a header line above 100 KiB)") }
    }
}

// MARK: Replies

extension Reply {
    func settle(_ outcome: consuming Outcome) {
        status = outcome.status
        message.removeAll()
        message.append(outcome.message)
    }

    /// Keeps the error of an attempt that is retried.
    func recordFailedAttempt() {
        lastAttemptStatus = status
        lastAttemptError.removeAll()
        lastAttemptError.append(message)
    }

    /// Adds to the message how often the request was sent.
    func appendAttempts() {
        guard status != TW_OK, attempts > 1 else { return }
        message.append(" (after ")
        message.append(decimal: attempts)
        message.append(" attempts)")
    }

    /// Overwrites the key where the server has repeated it in a header or as the request's id.
    func redactHeaders(_ redactor: Redactor) {
        headers.changeText(redactor.redactInPlace)
        redactor.redactInPlace(&requestID)
    }

    /// Reads the provider's id of this request; a header takes precedence over the body.
    func readRequestIDHeader() {
        for name in Fields(words: "x-request-id request-id x-generation-id") {
            guard let value = headers.value(name), !value.isEmpty else { continue }
            requestID.removeAll()
            requestID.append(oneLine: value, limit: 200)
            return
        }
    }
}

extension ByteBuffer {
    /// Appends a duration such as "250 ms" or "10 s".
    fileprivate mutating func append(duration: Int64) {
        if duration % second == 0 {
            append(decimal: Int(duration / second))
            append(" s")
        } else {
            append(decimal: Int(duration / millisecond))
            append(" ms")
        }
    }
}
