import CThinkwire
import Testing

@testable import Base
@testable import Chat
@testable import Engine

/// HTTP status codes and the results that they lead to. Inferring the type would take the compiler
/// seconds.
private let statuses: [(Int, tw_status)] = [
    (301, TW_PROTOCOL), (400, TW_BAD_REQUEST), (401, TW_AUTH), (402, TW_QUOTA),
    (403, TW_FORBIDDEN), (404, TW_NOT_FOUND),
    (405, TW_BAD_REQUEST), (408, TW_BAD_REQUEST), (413, TW_BAD_REQUEST), (422, TW_BAD_REQUEST),
    (429, TW_RATE_LIMITED),
    (500, TW_SERVER), (503, TW_SERVER), (504, TW_SERVER), (529, TW_SERVER), (599, TW_SERVER),
]

@Suite("Provider errors of every known format set the status and the message")
struct ProviderErrorTests {
    private func response(_ httpStatus: Int, _ body: String) -> StreamHarness {
        StreamHarness(httpStatus: httpStatus, body: body)
    }

    @Test func openAI() {
        let harness = response(
            401,
            #"{"error":{"message":"Incorrect API key provided.","type":"invalid_request_error","#
                + #""param":null,"#
                + #""code":"invalid_api_key"}}"#
        )
        #expect(harness.status == "TW_AUTH")
        #expect(
            harness.message
                == "HTTP 401: Incorrect API key provided. (type invalid_request_error,"
                + " code invalid_api_key); check the API key"
        )
    }

    @Test func aimlapi() {
        let harness = response(
            429,
            #"{"message":"Too many requests","path":"/v1/chat/completions","requestId":"798b860e","#
                + #""statusCode":"429","timestamp":"2025-03-11"}"#
        )
        #expect(harness.status == "TW_RATE_LIMITED")
        #expect(harness.message == "HTTP 429: Too many requests (code 429); wait, then try again")
        #expect(harness.requestID == "798b860e")
    }

    @Test func dashScope() {
        let wrapped = response(
            400,
            #"{"error":{"code":"invalid_parameter_error","param":null,"#
                + #""message":"enable_thinking must be false","#
                + #""type":"x"},"id":"a","request_id":"b"}"#
        )
        #expect(wrapped.status == "TW_BAD_REQUEST" && wrapped.requestID == "b")
        #expect(
            wrapped.message
                == "HTTP 400: enable_thinking must be false (type x,"
                + " code invalid_parameter_error); change the request"
        )
        let bare = response(
            401, #"{"code":"InvalidApiKey","message":"No API-key provided.","request_id":"c"}"#)
        #expect(bare.status == "TW_AUTH" && bare.requestID == "c")
        #expect(
            bare.message == "HTTP 401: No API-key provided. (code InvalidApiKey); check the API key"
        )
    }

    @Test func otherFormats() {
        let vllm = response(
            404,
            #"{"object":"error","message":"The model does not exist.","type":"NotFoundError","#
                + #""code":404}"#
        )
        #expect(vllm.status == "TW_NOT_FOUND")
        #expect(
            vllm.message
                == "HTTP 404: The model does not exist. (type NotFoundError,"
                + " code 404); check the model's name and the base URL"
        )
        #expect(
            response(422, #"{"detail":"Field required"}"#).message
                == "HTTP 422: Field required; change the request")
        #expect(
            response(422, #"{"detail":[{"loc":["body"],"msg":"Field required"}]}"#).message
                == #"HTTP 422: [{"loc":["body"],"msg":"Field required"}]; change the request"#)
        #expect(
            response(400, #"{"error":"model is required"}"#).message
                == "HTTP 400: model is required; change the request")
        #expect(
            response(402, #"{"error":{"message":"Insufficient credits","code":402}}"#).status
                == "TW_QUOTA")
    }

    @Test func errorsInArrays() {
        // Gemini's OpenAI endpoint: SuzumiyaAkizuki/ComfyUI-NewBie-LLM-Formatter#3
        let gemini =
            #"[{"error":{"code":400,"message":"API key not valid.","status":"INVALID_ARGUMENT"}}]"#
        #expect(
            response(400, gemini).message
                == "HTTP 400: API key not valid. (code 400); change the request")
        #expect(response(400, gemini).document == gemini)
        let good = StreamHarness(document: gemini)
        #expect(
            good.status == "TW_BAD_REQUEST" && good.message.contains("API key not valid.")
                && good.document == gemini)
        let cloudflare =
            #"{"success":false,"errors":[{"code":10000,"message":"Authentication error"}],"#
            + #""result":null}"#
        #expect(
            response(401, cloudflare).message
                == "HTTP 401: Authentication error (code 10000); check the API key")
        #expect(
            StreamHarness(document: cloudflare).message.contains(
                "Authentication error (code 10000)"))
        #expect(response(400, #"{"errors":["no"]}"#).message == "HTTP 400: no; change the request")
        #expect(
            response(400, #"{"errors":[],"message":"no"}"#).message
                == "HTTP 400: no; change the request")
    }

    @Test func messageWithAnotherName() {
        // Zhipu sends this with a 200.
        let harness = StreamHarness(
            document: #"{"code":500,"msg":"404 NOT_FOUND","success":false}"#)
        #expect(
            harness.status == "TW_SERVER" && harness.message.contains("404 NOT_FOUND (code 500)"))
        guard case .notAnAnswer = StreamHarness(document: #"{"msg":"Hi"}"#).error else {
            return #expect(Bool(false))
        }
    }

    @Test func nullMessageIsAbsent() {
        #expect(
            response(400, #"{"message":null,"detail":"no"}"#).message
                == "HTTP 400: no; change the request")
        #expect(
            response(400, #"{"error":{"message":null,"msg":"no"}}"#).message
                == "HTTP 400: no; change the request")
        #expect(
            response(400, #"{"error":{"message":null}}"#).message
                == #"HTTP 400: {"message":null}; change the request"#)
        #expect(
            response(400, #"{"message":null}"#).message
                == "HTTP 400: no reason given; change the request")
    }

    @Test func httpStatusOutweighsTheMessage() {
        let tool =
            #"{"error":{"message":"ArgumentError schema for function 'get_billing_info'.","#
            + #""type":"invalid_request_error"}}"#
        #expect(response(400, tool).status == "TW_BAD_REQUEST")
        #expect(
            response(503, #"{"error":{"message":"billing service is restarting"}}"#).status
                == "TW_SERVER")
        #expect(
            response(429, #"{"error":{"message":"check your plan and billing details"}}"#).status
                == "TW_QUOTA")
        #expect(
            response(400, #"{"error":{"message":"no","code":"billing_hard_limit_reached"}}"#).status
                == "TW_QUOTA")
        #expect(
            response(
                400,
                #"{"error":{"type":"invalid_request_error","message":"Your credit balance is too "#
                    + #"low to access"}}"#
            ).status
                == "TW_QUOTA")
    }

    @Test func bodiesWithoutAJSONError() {
        #expect(
            response(502, "<html><body>Bad Gateway</body></html>").message
                == "HTTP 502: no reason given; try again later")
        #expect(response(502, "").message == "HTTP 502: no reason given; try again later")
        #expect(
            response(503, " upstream\r\nis gone \n").message
                == "HTTP 503: upstream  is gone; try again later")
        #expect(response(500, "[1,2]").message == "HTTP 500: [1,2]; try again later")
        #expect(response(500, "null").status == "TW_SERVER")
        #expect(response(500, "{\"error\":").status == "TW_SERVER")
        #expect(response(400, "{}").message == "HTTP 400: no reason given; change the request")
        for absent in ["null", "false", "\"\""] {
            #expect(
                response(400, #"{"error":\#(absent),"message":"no"}"#).message
                    == "HTTP 400: no; change the request")
        }
    }

    @Test(arguments: statuses)
    func everyStatus(_ code: Int, _ status: tw_status) {
        for body in [#"{"error":{"message":"no"}}"#, #"{"message":"no"}"#, "no", "", "<p>no</p>"] {
            #expect(response(code, body).status == name(status), "\(body)")
        }
    }

    @Test func usedUpCreditIsAQuotaError() {
        #expect(
            response(403, #"{"message":"You have run out of Credits","statusCode":403}"#).status
                == "TW_QUOTA")
        #expect(
            response(403, #"{"error":{"message":"Insufficient balance"}}"#).status == "TW_QUOTA")
        #expect(
            response(
                429,
                #"{"error":{"message":"You exceeded your current quota","#
                    + #""code":"insufficient_quota"}}"#
            ).status
                == "TW_QUOTA")
        #expect(
            response(429, #"{"error":{"message":"slow down","type":"insufficient_quota"}}"#).status
                == "TW_QUOTA")
        #expect(
            response(403, #"{"error":{"message":"This key may not use this model"}}"#).status
                == "TW_FORBIDDEN")
        #expect(response(403, "Denied by the load balancer").status == "TW_FORBIDDEN")
    }

    @Test func messageIsOneLineOfLimitedLength() {
        let harness = response(
            400, #"{"error":{"message":"a\r\n\u001b[2Jb","type":"t\n","code":"c\u0000"}}"#)
        #expect(harness.message == "HTTP 400: a   [2Jb (type t , code c ); change the request")
        let long = response(
            400, #"{"error":{"message":"\#(String(repeating: "€", count: 5000))"}}"#)
        #expect(long.message.utf8.count < 1200 && long.message.contains("€…; change the request"))
        #expect(response(400, String(repeating: "x", count: 5000)).message.utf8.count < 400)
    }

    @Test func jsonBodyIsTheDocument() {
        #expect(
            response(400, #" {"error":{"message":"no"}}"#).document
                == #" {"error":{"message":"no"}}"#)
        #expect(response(400, "no").document == "")
    }
}
