import Base
import CPlatform
import CThinkwire
import Chat

/// What was wrong with an answer.
enum Problem {
    case malformed(JSONError)
    case notAnAnswer
    case providerError
    case tooMany
    case eventTooLong

    init(_ error: ChunkError) {
        switch error {
        case .malformed(let error): self = .malformed(error)
        case .notAnAnswer: self = .notAnAnswer
        case .providerError: self = .providerError
        case .tooMany: self = .tooMany
        }
    }
}

extension Reply {
    /// Says how the exchange went, when nothing has said so yet: from what the stages met, and how the transfer ended.
    func resolve(_ problem: Problem?, _ transfer: Transfer, _ client: Client) {
        switch (problem, transfer.end) {
        case (.eventTooLong, _):
            tooLarge("a line or an event of the stream", client.limits.event, "TW_LIMIT_EVENT")
        case (.tooMany, _):
            settle(
                TW_LIMIT,
                "the answer has more choices, or more tool calls, than anybody asks for; what had come is in the reply"
            )
        case (_, .tooLarge(TW_LIMIT_HEADERS)):
            tooLarge("the header of the response", client.limits.headers, "TW_LIMIT_HEADERS")
        case (_, .failed(platform_too_large)):
            settle(TW_LIMIT, "the header of the response is larger than libcurl takes")
            explain(transfer, platform_too_large)
        // An event that has come to its end is malformed, however the transfer goes on. A document that only ends too early has been cut,
        // if by a connection that ends where the answer does.
        case (.malformed(let error), _)
        where body.isEmpty || isWhole(transfer) && error.problem != .unexpectedEnd:
            settle(TW_PROTOCOL, "the answer is not JSON: at byte ")
            message.append(decimal: error.offset)
            message.append(" of a chunk, ")
            message.append(error.problem.text)
            message.append(
                "; what had come is in the reply; check the base URL, or tell the provider")
        case (.notAnAnswer, _):
            settle(TW_PROTOCOL, "the answer is JSON, but not a chat completion; check the base URL")
        case (_, .tooLarge):
            tooLarge("the answer", client.limits.reply, "TW_LIMIT_REPLY")
        // A server that has no `n` gives one choice, and ends its response behind it.
        case _ where isFinished || areChoicesFinished && isWhole(transfer):
            break
        case (_, .timedOut(let which)):
            timedOut(which, transfer.timeouts)
        case (_, .failed(let code)) where httpStatus == 0 || code == CURLE_WEIRD_SERVER_REPLY:
            failed(code, transfer)
        default:
            truncated(transfer)
        }
    }

    private func settle(_ status: tw_status, _ text: StaticString) {
        self.status = status
        message.removeAll()
        message.append(text)
    }

    private func isWhole(_ transfer: Transfer) -> Bool {
        if case .complete = transfer.end { return true }
        return false
    }

    private func tooLarge(_ what: StaticString, _ limit: Int, _ name: StaticString) {
        settle(TW_LIMIT, what)
        message.append(" is larger than ")
        message.append(decimal: limit)
        message.append(" bytes; raise ")
        message.append(name)
        message.append(" with tw_options_set_limit if that is right")
    }

    func timedOut(_ which: TimeoutKind, _ limits: Timeouts) {
        switch which {
        case .connect:
            settle(TW_TIMEOUT, "no connection within ")
            message.append(duration: limits.connect)
            message.append(" (connect timeout); check the address and the network")
        case .firstByte:
            settle(TW_TIMEOUT, "no response within ")
            message.append(duration: limits.firstByte)
            message.append(
                " of the connection (first-byte timeout); raise it with tw_options_set_timeout, or try again"
            )
        case .idle:
            settle(TW_TIMEOUT, "nothing came for ")
            message.append(duration: limits.idle)
            message.append(" (idle timeout); what had come is in the reply; try again")
        case .total:
            settle(TW_TIMEOUT, "not finished within ")
            message.append(duration: limits.total)
            message.append(
                " (total timeout); what had come is in the reply; raise it with tw_options_set_timeout"
            )
        }
    }

    /// No response came.
    private func failed(_ code: CURLcode, _ transfer: Transfer) {
        switch code {
        case _
        where (code == CURLE_COULDNT_CONNECT || code == CURLE_OUT_OF_MEMORY)
            && !platform_has_descriptors():
            // libcurl says no more than that it could not connect; a newer one, that it has no memory.
            settle(
                TW_CONNECT,
                "no connection: the system has no file descriptors left: close some, or raise the limit (ulimit -n)"
            )
        case _ where transfer.tunnelStatus >= 300:
            settle(TW_CONNECT, "no connection: the proxy answered HTTP ")
            message.append(decimal: transfer.tunnelStatus)
            message.append("; ")
            // tinyproxy says 401 to a wrong password.
            let wantsLogin = transfer.tunnelStatus == 407 || transfer.tunnelStatus == 401
            message.append(
                wantsLogin
                    ? proxyLoginAdvice : "check the base URL, and what the proxy allows and reaches"
            )
        case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY:
            settle(TW_RESOLVE, "no address for the name")
            explain(transfer, code)
            message.append(
                code == CURLE_COULDNT_RESOLVE_HOST
                    ? "; check the base URL" : "; check the proxy's address")
            message.append(" and the network")
        case CURLE_COULDNT_CONNECT, CURLE_PROXY, CURLE_INTERFACE_FAILED:
            settle(TW_CONNECT, "no connection")
            explain(transfer, code)
            message.append("; check the address, and that a server listens there")
            if transfer.hasProxy {
                message.append(
                    ", or the proxy (tw_options_set_proxy, or https_proxy in the environment)")
            }
        case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CACERT_BADFILE,
            CURLE_SSL_CERTPROBLEM,
            CURLE_SSL_CIPHER, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_INVALIDCERTSTATUS,
            CURLE_SSL_PINNEDPUBKEYNOTMATCH,
            CURLE_USE_SSL_FAILED, CURLE_SSL_ENGINE_INITFAILED:
            settle(TW_TLS, "no secure connection")
            explain(transfer, code)
            message.append("; ")
            message.append(tlsAdvice(transfer, code))
        case CURLE_WEIRD_SERVER_REPLY, CURLE_UNSUPPORTED_PROTOCOL:
            settle(TW_PROTOCOL, "not an HTTP server")
            explain(transfer, code)
            message.append("; check the base URL")
        default:
            settle(TW_NETWORK, "the connection broke before a response")
            explain(transfer, code)
            message.append("; try again")
        }
    }

    private func tlsAdvice(_ transfer: Transfer, _ code: CURLcode) -> StaticString {
        // OpenSSL's X509_V_ERR_…: they are part of its ABI.
        switch (transfer.certificateProblem, code) {
        case (9, _), (10, _): "have it renewed, or set this machine's clock"
        case (2...21, _):
            "if the certificate is your own, name its issuer with tw_options_set_ca_file"
        case (0...1, CURLE_PEER_FAILED_VERIFICATION):
            "call the server in the base URL by a name that its certificate has"
        case (_, CURLE_SSL_CACERT_BADFILE): "give tw_options_set_ca_file certificates in PEM"
        case (0...1, _): "the server must speak TLS 1.2 or later on this port"
        default: "the server needs a better certificate"
        }
    }

    /// A response came, but not to the end of what the model had to say.
    private func truncated(_ transfer: Transfer) {
        if let coding = compression, choices.isEmpty, transfer.received > 0 {
            settle(TW_PROTOCOL, "the answer is compressed (")
            message.append(oneLine: coding, limit: 100)
            message.append(
                "), which was not asked for; have nothing between here and the server compress it")
            return
        }
        if choices.isEmpty && body.isEmpty && isWhole(transfer) && !saysEventStream {
            settle(TW_PROTOCOL, "the answer is neither an event stream nor JSON")
            if let type = headers.value(StaticText.bytes("content-type")) {
                message.append(", but ")
                message.append(oneLine: type, limit: 100)
            }
            message.append("; check the base URL")
            return
        }
        settle(TW_TRUNCATED, "the answer broke off before the model had finished")
        if case .failed(let code) = transfer.end { explain(transfer, code) }
        message.append("; what had come is in the reply; try again")
    }

    private var saysEventStream: Bool {
        headers.value(StaticText.bytes("content-type")).map { $0.hasPrefix("text/event-stream") }
            ?? false
    }

    /// In libcurl's words.
    private func explain(_ transfer: Transfer, _ code: CURLcode) {
        message.append(": ")
        if transfer.explanation.isEmpty {
            if let words = curl_easy_strerror(code) { message.append(Bytes(cString: words)) }
        } else {
            message.append(oneLine: transfer.explanation, limit: 300)
        }
        // So says libcurl 7.88 of the longest line that it takes (DYN_HTTP_REQUEST and others in lib/dynbuf.h).
        if code == CURLE_OUT_OF_MEMORY {
            message.append(" (or a header line of more than 100 KiB)")
        }
    }

    /// Whether another attempt may go better. A refusal's own word about that, if there is one, decides; but an account that is empty
    /// stays empty.
    func shouldRetry(_ transfer: Transfer, _ serverSays: Bool?) -> Bool {
        if status == TW_OK || status == TW_QUOTA { return false }
        if let providerErrorCode {
            let passes =
                providerErrorCode == 408 || providerErrorCode == 409 || status == TW_RATE_LIMITED
                || status == TW_SERVER
            return serverSays ?? passes
        }
        switch (status, transfer.end) {
        // A proxy that forbids it, or wants to know who asks, does so again.
        case (TW_CONNECT, _) where transfer.tunnelStatus / 100 == 4: return false
        case (TW_RESOLVE, _), (TW_CONNECT, _), (TW_NETWORK, _), (TW_TRUNCATED, _): return true
        // A handshake that broke; not a certificate that is not trusted.
        case (TW_TLS, .failed(CURLE_SSL_CONNECT_ERROR)): return true
        case (TW_TIMEOUT, .timedOut(.connect)): return true
        default: return false
        }
    }

    /// What failed is to be tried again.
    func noteRetry() {
        lastAttemptStatus = status
        lastAttemptError.removeAll()
        lastAttemptError.append(message)
    }

    /// Says in the message that others came before.
    func countAttempts() {
        guard status != TW_OK, attempts > 1 else { return }
        message.append(" (after ")
        message.append(decimal: attempts)
        message.append(" attempts)")
    }

    /// Overwrites the key wherever the server has repeated it in a header, or as the request's id.
    func redactHeaders(_ redactor: Redactor) {
        headers.changeText(redactor.redactInPlace)
        redactor.redactInPlace(&requestID)
    }

    /// What the provider calls this request: a header says it before a body does.
    func noteRequestID() {
        let names: [StaticString] = ["x-request-id", "request-id", "x-generation-id"]
        for name in names {
            guard let value = headers.value(StaticText.bytes(name)), !value.isEmpty else {
                continue
            }
            requestID.removeAll()
            requestID.append(oneLine: value, limit: 200)
            return
        }
    }
}

extension ByteBuffer {
    /// Appends a time as people say it: "250 ms", "10 s".
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
