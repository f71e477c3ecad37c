import CPlatform
import CThinkwire
import Testing

@testable import Base
@testable import Chat
@testable import Engine
@testable import Transport

@Suite("The outcome of an exchange follows from what is known about it")
struct OutcomeTests {
    /// The facts of a streamed answer that is complete, to be changed.
    private func makeFacts(
        _ end: TransferEnd = .complete, problem: Problem? = nil, httpStatus: Int = 200,
        hasDocument: Bool = false, hasChoices: Bool = true, isFinished: Bool = false,
        areChoicesFinished: Bool = false, contentType: StaticString? = "text/event-stream",
        compression: StaticString? = nil, change: (inout TransferResult) -> Void = { _ in }
    ) -> OutcomeFacts {
        var result = TransferResult(end: end)
        result.received = 100
        change(&result)
        return OutcomeFacts(
            problem: problem, result: result, httpStatus: httpStatus, hasDocument: hasDocument,
            hasChoices: hasChoices, isFinished: isFinished,
            areChoicesFinished: areChoicesFinished,
            contentType: contentType.map { StaticText.bytes($0) },
            compression: compression.map { StaticText.bytes($0) }, limits: Options.Limits(),
            timeouts: Timeouts())
    }

    private func outcome(_ facts: OutcomeFacts) -> (status: String, message: String) {
        let outcome = Outcome.resolve(facts)
        return (name(outcome.status), String(outcome.message))
    }

    // MARK: Complete answers

    @Test func aFinishedAnswerIsComplete() {
        for end in [TransferEnd.complete, .failed(CURLE_PARTIAL_FILE), .timedOut(.idle)] {
            #expect(outcome(makeFacts(end, isFinished: true)) == ("TW_OK", ""))
        }
    }

    /// A server that ignores `n` sends one choice.
    @Test func finishedChoicesAreCompleteOnlyWithTheResponse() {
        #expect(outcome(makeFacts(areChoicesFinished: true)).status == "TW_OK")
        let cut = makeFacts(.failed(CURLE_RECV_ERROR), areChoicesFinished: true)
        #expect(outcome(cut).status == "TW_TRUNCATED")
    }

    // MARK: Incomplete answers

    @Test func anAnswerThatEndsEarlyIsTruncated() {
        #expect(outcome(makeFacts()).status == "TW_TRUNCATED")
        let cut = outcome(makeFacts(.failed(CURLE_PARTIAL_FILE)))
        #expect(cut.status == "TW_TRUNCATED")
        #expect(cut.message.hasPrefix("the answer ended before the model had finished: "))
    }

    @Test func libcurlsExplanationIsQuotedAsOneLine() {
        let facts = makeFacts(.failed(CURLE_RECV_ERROR)) {
            $0.explanation = ByteString(StaticText.bytes("reset\nby peer"))
        }
        #expect(outcome(facts).message.contains("finished: reset by peer; "))
    }

    @Test(arguments: [
        (TimeoutKind.connect, "no connection within 10 s (connect timeout)"),
        (.firstByte, "no response within 600 s of the connection (first-byte timeout)"),
        (.idle, "nothing was received for 120 s (idle timeout)"),
        (.total, "not finished within 0 s (total timeout)"),
    ])
    func eachTimeoutIsNamed(_ kind: TimeoutKind, _ beginning: String) {
        let (status, message) = outcome(makeFacts(.timedOut(kind)))
        #expect(status == "TW_TIMEOUT")
        #expect(message.hasPrefix(beginning), "\(message)")
    }

    @Test func durationsBelowASecondAreMilliseconds() {
        var timeouts = Timeouts()
        timeouts.set(.idle, 1500 * millisecond)
        let outcome = Outcome.timedOut(.idle, timeouts)
        #expect(String(outcome.message).contains("for 1500 ms "))
    }

    // MARK: Limits

    @Test func limitsNameTheOptionThatRaisesThem() {
        for (facts, option) in [
            (makeFacts(problem: .eventTooLong), "TW_LIMIT_EVENT"),
            (makeFacts(.tooLarge(.headers), httpStatus: 0), "TW_LIMIT_HEADERS"),
            (makeFacts(.tooLarge(.body)), "TW_LIMIT_REPLY"),
        ] {
            let (status, message) = outcome(facts)
            #expect(status == "TW_LIMIT")
            #expect(message.contains(option), "\(message)")
        }
        #expect(outcome(makeFacts(problem: .tooMany)).status == "TW_LIMIT")
        #expect(outcome(makeFacts(.failed(platform_too_large))).status == "TW_LIMIT")
    }

    // MARK: Responses that are not chat completions

    @Test func aCompleteEventIsMalformedHoweverTheTransferEnds() {
        let error = JSONError(offset: 3, problem: .unexpectedEnd)
        for end in [TransferEnd.complete, .failed(CURLE_RECV_ERROR)] {
            let (status, message) = outcome(makeFacts(end, problem: .malformed(error)))
            #expect(status == "TW_PROTOCOL")
            #expect(message.contains("at byte 3"), "\(message)")
        }
    }

    @Test func aDocumentThatOnlyEndsEarlyWasCut() {
        let early = Problem.malformed(JSONError(offset: 3, problem: .unexpectedEnd))
        let wrong = Problem.malformed(JSONError(offset: 3, problem: .trailingText))
        #expect(outcome(makeFacts(problem: early, hasDocument: true)).status == "TW_TRUNCATED")
        #expect(outcome(makeFacts(problem: wrong, hasDocument: true)).status == "TW_PROTOCOL")
        let cut = makeFacts(.failed(CURLE_PARTIAL_FILE), problem: wrong, hasDocument: true)
        #expect(outcome(cut).status == "TW_TRUNCATED")
    }

    @Test func anotherContentTypeIsNamed() {
        let facts = makeFacts(hasChoices: false, contentType: "text/html")
        let (status, message) = outcome(facts)
        #expect(status == "TW_PROTOCOL")
        #expect(message.contains("text/html"), "\(message)")
        #expect(outcome(makeFacts(hasChoices: false)).status == "TW_TRUNCATED")
    }

    @Test(
        arguments: [
            ("text/event-stream", "TW_TRUNCATED", "; try again"),
            ("application/json", "TW_TRUNCATED", "; try again"),
            ("text/html", "TW_PROTOCOL", "; check the base URL"),
            (nil, "TW_PROTOCOL", "; check the base URL"),
        ] as [(StaticString?, String, String)])
    func anEmptyResponseMayBeCutIfItsTypeIsExpected(
        _ type: StaticString?, _ status: String, _ advice: String
    ) {
        let facts = makeFacts(problem: .blank, hasChoices: false, contentType: type)
        #expect(
            outcome(facts) == (status, "nothing was received: the response is empty" + advice))
    }

    @Test func aCompressedBodyIsNamed() {
        let facts = makeFacts(hasChoices: false, compression: "gzip")
        let (status, message) = outcome(facts)
        #expect(status == "TW_PROTOCOL")
        #expect(message.contains("compressed (gzip)"), "\(message)")
        let unnamed = outcome(makeFacts(problem: .compressed("zstd"), hasChoices: false))
        #expect(unnamed.status == "TW_PROTOCOL" && unnamed.message.contains("compressed (zstd)"))
        // An answer was read in spite of the header.
        #expect(outcome(makeFacts(compression: "gzip")).status == "TW_TRUNCATED")
    }

    // MARK: No response

    @Test(arguments: [
        (CURLE_COULDNT_RESOLVE_HOST, "TW_RESOLVE"), (CURLE_COULDNT_RESOLVE_PROXY, "TW_RESOLVE"),
        (CURLE_COULDNT_CONNECT, "TW_CONNECT"), (CURLE_PROXY, "TW_CONNECT"),
        (CURLE_SSL_CONNECT_ERROR, "TW_TLS"), (CURLE_PEER_FAILED_VERIFICATION, "TW_TLS"),
        (CURLE_WEIRD_SERVER_REPLY, "TW_PROTOCOL"), (CURLE_GOT_NOTHING, "TW_NETWORK"),
        (CURLE_SEND_ERROR, "TW_NETWORK"), (CURLE_OUT_OF_MEMORY, "TW_NETWORK"),
    ])
    func failuresBeforeAResponse(_ code: CURLcode, _ status: String) {
        let facts = makeFacts(.failed(code), httpStatus: 0, hasChoices: false, contentType: nil)
        #expect(outcome(facts).status == status)
    }

    @Test func theProxyIsMentionedIfThereIsOne() {
        func message(hasProxy: Bool) -> String {
            outcome(
                makeFacts(.failed(CURLE_COULDNT_CONNECT), httpStatus: 0) { $0.hasProxy = hasProxy }
            ).message
        }
        #expect(message(hasProxy: true).contains("tw_options_set_proxy"))
        #expect(!message(hasProxy: false).contains("proxy"))
    }

    @Test func aProxysErrorResponseIsNamed() {
        for (proxyStatus, advice) in [(407, "password"), (401, "password"), (502, "base URL")] {
            let facts = makeFacts(.failed(CURLE_RECV_ERROR), httpStatus: 0) {
                $0.proxyStatus = proxyStatus
            }
            let (status, message) = outcome(facts)
            #expect(status == "TW_CONNECT")
            #expect(message.contains("HTTP \(proxyStatus)"))
            #expect(message.contains(advice), "\(message)")
        }
    }

    @Test func missingDescriptorsAreNamed() {
        let facts = makeFacts(.failed(CURLE_COULDNT_CONNECT), httpStatus: 0) {
            $0.lacksDescriptors = true
        }
        let (status, message) = outcome(facts)
        #expect(status == "TW_CONNECT")
        #expect(message.contains("file descriptors"))
    }

    @Test(arguments: [
        (10, CURLE_PEER_FAILED_VERIFICATION, "renewed"),
        (18, CURLE_PEER_FAILED_VERIFICATION, "tw_options_set_ca_file"),
        (0, CURLE_PEER_FAILED_VERIFICATION, "host name"),
        (0, CURLE_SSL_CACERT_BADFILE, "PEM"),
        (0, CURLE_SSL_CONNECT_ERROR, "TLS 1.2"),
    ])
    func tlsFailuresSayWhatToDo(_ problem: Int, _ code: CURLcode, _ advice: String) {
        let facts = makeFacts(.failed(code), httpStatus: 0) { $0.certificateProblem = problem }
        #expect(outcome(facts).message.contains(advice), "\(outcome(facts).message)")
    }
}
