import Testing

@testable import Base
@testable import Chat
@testable import Engine

@Suite("An error in a stream ends it, and the text before it is kept")
struct StreamErrorTests {
    private func stream(_ event: String, _ events: [String] = []) throws -> StreamHarness {
        let harness = try harnessSplitAnywhere(
            "data: \(delta(#"{"content":"Hel"}"#))\n\n\(event)\n\ndata: "
                + "\(delta(#"{"content":"lo"}"#))\n\n"
        )
        guard case .providerError = harness.error else {
            #expect(Bool(false), "\(event): \(String(describing: harness.error))")
            return harness
        }
        #expect(harness.events == ["content 0 Hel"] + events)
        #expect(harness.content == "Hel")
        return harness
    }

    private let lead = "the server reported an error in its answer: "

    @Test func errorObject() throws {
        let harness = try stream(
            #"data: {"error":{"message":"The server had an error","type":"server_error","#
                + #""code":null}}"#
        )
        #expect(harness.status == "TW_SERVER")
        #expect(
            harness.message == lead + "The server had an error (type server_error); try again later"
        )
    }

    @Test(arguments: [
        (#""rate_limit_exceeded""#, "TW_RATE_LIMITED"), ("429", "TW_RATE_LIMITED"),
        (#""429""#, "TW_RATE_LIMITED"),
        ("401", "TW_AUTH"), ("402", "TW_QUOTA"), (#""invalid_api_key""#, "TW_AUTH"),
        ("500", "TW_SERVER"), ("502", "TW_SERVER"),
        ("null", "TW_SERVER"), (#""""#, "TW_SERVER"), ("404", "TW_NOT_FOUND"),
        ("400", "TW_BAD_REQUEST"),
        (#""insufficient_quota""#, "TW_QUOTA"), ("99999999999999999999", "TW_SERVER"),
        ("-1", "TW_SERVER"), ("0", "TW_SERVER"),
        ("{}", "TW_SERVER"), (#""context_length_exceeded""#, "TW_SERVER"),
    ])
    func codesOfEveryType(_ code: String, _ status: String) throws {
        #expect(try stream(#"data: {"error":{"message":"no","code":\#(code)}}"#).status == status)
    }

    @Test(arguments: [
        ("invalid_request_error", "TW_BAD_REQUEST"), ("rate_limit_error", "TW_RATE_LIMITED"),
        ("authentication_error", "TW_AUTH"),
        ("permission_error", "TW_FORBIDDEN"), ("not_found_error", "TW_NOT_FOUND"),
        ("overloaded_error", "TW_SERVER"),
        ("api_error", "TW_SERVER"),
    ])
    func typesWithoutACode(_ type: String, _ status: String) throws {
        #expect(try stream(#"data: {"error":{"message":"no","type":"\#(type)"}}"#).status == status)
    }

    @Test(arguments: [
        "permission denied: /dev/shm", "not_found: billing",
        "rate_limit, authentication, invalid_request",
    ])
    func messageIsNotUsedAsAType(_ message: String) throws {
        #expect(
            try stream(#"data: {"error":{"message":"\#(message)","type":"server_error"}}"#).status
                == "TW_SERVER")
    }

    @Test func errorBeforeAnAnswerIsTheDocument() throws {
        let error = #"{"error":{"message":"no","code":429}}"#
        #expect(try harnessSplitAnywhere("data: \(error)\n\n").document == error)
        #expect(try harnessSplitAnywhere("event: error\ndata: \(error)\n\n").document == error)
        #expect(try harnessSplitAnywhere("data: [\(error)]\n\n").document == error)
        #expect(try harnessSplitAnywhere("event: error\ndata: in plain words\n\n").document == "")
        #expect(
            try harnessSplitAnywhere(
                Array("data: {\"error\":\"a".utf8) + [0xFF] + Array("\"}\n\n".utf8)
            ).document == "{\"error\":\"a\u{FFFD}\"}")
        // After text was received, the document contains that text.
        #expect(
            try stream("data: \(error)").document
                == #"{"choices":[{"index":0,"message":{"content":"Hel"}}]}"#)
    }

    @Test func errorMessageMember() throws {
        // Venice (NousResearch/hermes-agent#68451)
        let harness = try stream(
            #"data: {"choices":null,"error_type":"BadRequestError","error_message":"too long"}"#)
        #expect(
            harness.status == "TW_BAD_REQUEST"
                && harness.message == lead + "too long (type BadRequestError); change the request")
        let empty = try StreamHarness(
            #"{"error_message":"","error_type":null}"#, delta(#"{"content":"Hi"}"#), "[DONE]")
        #expect(empty.error == nil && empty.content == "Hi")
    }

    @Test func errorInAnArray() throws {
        let harness = try stream(#"data: [{"error":{"code":429,"message":"slow down"}}]"#)
        #expect(
            harness.status == "TW_RATE_LIMITED"
                && harness.message == lead + "slow down (code 429); wait, then try again")
    }

    @Test func errorAlongsideChoicesOrInsideAChoice() throws {
        // OpenRouter sends an error alongside the choices, or inside a choice.
        let alongside = try stream(
            #"data: {"id":"x","error":{"code":502,"message":"Provider gone"},"#
                + #""choices":[{"index":0,"delta":{"content":""}}]}"#
        )
        #expect(
            alongside.status == "TW_SERVER"
                && alongside.message == lead + "Provider gone (code 502); try again later")
        let choice =
            #"{"index":0,"delta":{"content":""},"finish_reason":"error","error":{"code":429,"#
            + #""message":"Busy"}}"#
        let inside = try stream(#"data: {"choices":[\#(choice)]}"#, ["finish 0 error"])
        #expect(
            inside.status == "TW_RATE_LIMITED"
                && inside.message == lead + "Busy (code 429); wait, then try again")
    }

    @Test func choicesAndUsageAfterAnErrorInAChoiceAreEmitted() throws {
        func answer(_ message: String) -> String {
            let first =
                #"{"index":0,"\#(message)":{"content":"a"},"error":{"code":502,"message":"gone"}}"#
            return
                #"{"choices":[\#(first),{"index":1,"\#(message)":{"content":"b"}}],"#
                + #""usage":{"completion_tokens":2}}"#
        }
        for harness in [
            try StreamHarness(answer("delta"), delta(#"{"content":"c"}"#)),
            StreamHarness(document: answer("message")),
        ] {
            guard case .providerError = harness.error else {
                return #expect(Bool(false), "\(String(describing: harness.error))")
            }
            #expect(harness.events == ["content 0 a", "content 1 b", "usage 2"])
            #expect(
                harness.status == "TW_SERVER"
                    && harness.message == lead + "gone (code 502); try again later")
        }
    }

    @Test func errorAsPlainText() throws {
        #expect(
            try stream(#"data: {"error":"model crashed"}"#).message == lead
                + "model crashed; try again later")
    }

    @Test func errorAsAFieldOfTheEvent() throws {
        // llama.cpp before PR 16109
        let harness = try stream(
            #"error: {"code":500,"message":"context full","type":"server_error"}"#)
        #expect(
            harness.status == "TW_SERVER"
                && harness.message == lead
                    + "context full (type server_error, code 500); try again later"
        )
    }

    @Test func errorEvent() throws {
        let harness = try stream("event: error\ndata: {\"message\":\"overloaded\",\"code\":503}")
        #expect(
            harness.status == "TW_SERVER"
                && harness.message == lead + "overloaded (code 503); try again later")
        let wrapped = try stream(
            "event: error\ndata: {\"error\":{\"message\":\"busy\",\"code\":429}}")
        #expect(
            wrapped.status == "TW_RATE_LIMITED"
                && wrapped.message == lead + "busy (code 429); wait, then try again")
    }

    @Test func errorEventThatIsNotAnObject() throws {
        #expect(
            try stream("event: error\ndata: upstream is gone").message == lead
                + "upstream is gone; try again later")
        #expect(try stream("event: error\ndata: \"upstream is gone\"").status == "TW_SERVER")
        #expect(
            try stream("error: out of memory").message == lead + "out of memory; try again later")
        #expect(try stream("event: error\ndata: null").status == "TW_SERVER")
    }

    @Test func unwrappedErrors() throws {
        let aimlapi = try stream(
            #"data: {"message":"Generation took too long","statusCode":"504","requestId":"r"}"#)
        #expect(aimlapi.status == "TW_SERVER" && aimlapi.requestID == "r")
        let vllm = try stream(
            #"data: {"object":"error","message":"bad","type":"BadRequestError","code":400}"#)
        #expect(vllm.status == "TW_BAD_REQUEST")
        let dashScope = try stream(
            #"data: {"code":"Throttling.RateQuota","message":"slow down","request_id":"q"}"#)
        #expect(dashScope.status == "TW_RATE_LIMITED" && dashScope.requestID == "q")
    }

    @Test func unstreamedErrorWithASuccessStatus() {
        for body in [
            #"{"error":{"message":"no","code":401}}"#, #"{"message":"no","statusCode":"401"}"#,
            #"{"object":"error","message":"no","code":401}"#,
        ] {
            let harness = StreamHarness(document: body)
            guard case .providerError = harness.error else {
                return #expect(Bool(false), "\(body)")
            }
            #expect(harness.status == "TW_AUTH")
            #expect(harness.document == body)
        }
        guard case .providerError = StreamHarness(document: #"{"detail":"Not here"}"#).error else {
            return #expect(Bool(false))
        }
    }

    @Test func messageMemberAloneIsNotAnError() throws {
        let harness = try StreamHarness(#"{"message":"keep-alive"}"#, delta(#"{"content":"a"}"#))
        #expect(harness.error == nil && harness.content == "a")
    }
}
