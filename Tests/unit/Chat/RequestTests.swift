import CThinkwire
import Foundation
import Testing

@testable import Base
@testable import Chat
@testable import Engine

/// A request with this body.
func request(_ json: String) throws -> Request { try withCopy(json) { try Request.parse($0) } }

/// A request with a model and no messages.
func request(model: String) throws -> Request {
    try withCopy(model) { try Request.create(model: $0) }
}

extension Request {
    var text: String { String(json) }

    func set(_ field: String, _ json: String?) throws {
        try withCopy(field) { field in
            guard let json else { return try set(field, to: nil) }
            try withCopy(json) { try set(field, to: $0) }
        }
    }

    func add(_ role: String, _ text: String) throws {
        try withCopy(role) { role in try withCopy(text) { try addMessage(role: role, text: $0) } }
    }

    func add(json: String) throws { try withCopy(json) { try addMessage(json: $0) } }

    func add(image url: String, _ detail: String? = nil) throws {
        try withCopy(url) { url in
            guard let detail else { return try addImage(url: url, detail: nil) }
            try withCopy(detail) { try addImage(url: url, detail: $0) }
        }
    }

    /// The body as it is sent, and whether the response is streamed.
    ///
    /// `address` is a host, or a host and a port. `replay` is the caller's choice of the form of
    /// reasoning.
    func sent(
        streamed: Bool, to address: String = "example.com", _ dialect: ThinkingDialect? = nil,
        replay: String? = nil
    ) -> (text: String, isStreamed: Bool) {
        withAddress(address) { host, port in
            withCopy(replay ?? "") { name in
                let wire = wireBody(
                    wantsStream: streamed, to: HostRows(host: host, port: port), dialect: dialect,
                    replay: replay.map { _ in ReasoningReplay(named: name) })
                return (String(wire.text), wire.isStreamed)
            }
        }
    }
}

/// Calls `body` with the host and the port of an address such as "localhost:8000".
func withAddress<Result>(_ address: String, _ body: (Bytes, Bytes) throws -> Result) rethrows
    -> Result
{
    var parts = address.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
    let port = address.hasSuffix("]") || parts.count == 1 ? "443" : parts.removeLast()
    return try withCopy(parts.joined(separator: ":")) { host in
        try withCopy(port) { try body(host, $0) }
    }
}

@Suite("Request: the body, its edits, and messages for invalid arguments")
struct RequestTests {
    @Test func isBuiltFromAModel() throws {
        let made = try request(model: "m")
        #expect(made.text == #"{"model":"m","messages":[]}"#)
        try made.add("system", "Be \"brief\"\n")
        try made.add("user", "")
        try made.add("somebody", "😊")
        try made.set("temperature", "0.2")
        #expect(
            made.text
                == #"{"model":"m","messages":[{"role":"system","content":"Be \"brief\"\n"},"#
                + #"{"role":"user","content":""},"#
                + #"{"role":"somebody","content":"😊"}],"temperature":0.2}"#)
    }

    @Test func modelNamesWithAnyCharacters() throws {
        #expect(
            try request(model: "a\"b\\c/d\u{0}é").text
                == #"{"model":"a\"b\\c/d\u0000é","messages":[]}"#)
        #expect(complaint { _ = try request(model: "") } == "the model's name is empty")
        #expect(
            complaint { _ = try withCopy([0x61, 0xFF]) { try Request.create(model: $0) } }
                == "the model's name is not UTF-8")
    }

    @Test func messagesGivenAsJSONAreKeptUnchanged() throws {
        let made = try request("{ \"messages\" : [] }")
        try made.add(json: " {\"role\" : \"tool\", \"content\":[ ]}\n")
        #expect(made.text.contains("{\"role\" : \"tool\", \"content\":[ ]}"))
        #expect(jsonProblem(made.text) == nil)
        #expect(
            complaint { try made.add(json: "[]") }
                == "the message is JSON, but not an object: put it in { }")
        #expect(
            complaint { try made.add(json: "{\"role\":}") }
                == "the message is not JSON: at byte 8, a value is expected")
        #expect(
            complaint { try made.add("", "x") }
                == #"the message's role is empty: give "user", "system", "assistant" or "tool""#
        )
        #expect(
            complaint {
                try withCopy([0xC3]) { text in
                    try withCopy("user") { try made.addMessage(role: $0, text: text) }
                }
            }
                == "the message's text is not UTF-8")
        #expect(
            complaint {
                try withCopy([0xC3]) { role in
                    try withCopy("x") { try made.addMessage(role: role, text: $0) }
                }
            }
                == "the message's role is not UTF-8")
    }

    @Test func fieldsAreSetAndRemoved() throws {
        let made = try request(#"{"a":1, "temperature" : 1,"b":2}"#)
        try made.set("temperature", "0.2")
        #expect(made.text == #"{"a":1, "temperature" : 0.2,"b":2}"#)
        try made.set("temperature", nil)
        #expect(made.text == #"{"a":1,"b":2}"#)
        try made.set("temperature", nil)
        try made.set("stop", #"["\n\n", "x"]"#)
        #expect(made.text == #"{"a":1,"b":2,"stop":["\n\n", "x"]}"#)
    }

    @Test func theBodyCanBeAValueOfItsOwnField() throws {
        let made = try request(#"{"model":"m"}"#)
        for _ in 0..<3 { try withCopy("x") { try made.set($0, to: made.json) } }
        #expect(
            made.text == #"{"model":"m","x":{"model":"m","x":{"model":"m","x":{"model":"m"}}}}"#)
    }

    @Test func aValueThatIsNotJSONIsRejectedWithItsOffset() throws {
        let made = try request(#"{"a":1}"#)
        #expect(
            complaint { try made.set("temperature", "hot") }
                == "temperature is not JSON: at byte 0, a value is expected; a string needs quotes")
        #expect(
            complaint { try made.set("temperature", "0.2,") }
                == "temperature is not JSON: at byte 3, text after the value")
        #expect(
            complaint { try made.set("a", "") }
                == "a is not JSON: at byte 0, the text ends too early")
        #expect(
            complaint { try made.set("a", "0.2, \"b\":1") }
                == "a is not JSON: at byte 3, text after the value")
        #expect(complaint { try made.set("", "1") } == "the field's name is empty")
        #expect(
            complaint {
                try withCopy([0xFF]) { field in try withCopy("1") { try made.set(field, to: $0) } }
            }
                == "the field's name is not UTF-8")
        for json in ["true", "false", nil] {
            #expect(
                complaint { try made.set("stream", json) }
                    == "the field stream cannot be set: call tw_chat_send or tw_chat_stream instead"
            )
        }
        #expect(
            complaint { try made.set("a\nb", "x") }
                == "a b is not JSON: at byte 0, a value is expected; a string needs quotes")
        #expect(made.text == #"{"a":1}"#)
    }

    @Test func whitespaceAroundAValueHasNoEffect() throws {
        let made = try request("{}")
        try made.set("enable_thinking", " true\n")
        #expect(made.sent(streamed: false).isStreamed)
        try made.set("stream_options", "\tnull ")
        #expect(!made.sent(streamed: true).text.contains("stream_options"))
        try made.set("messages", " [ ] ")
        try made.add("user", "Hi")
        #expect(
            try withJSON(made.text) { $0["messages"]?.elements.map { String($0.raw) } } == [
                #"{"role":"user","content":"Hi"}"#
            ])
    }

    @Test func theSendingCallSetsStream() throws {
        let plain = try request(#"{ "model" : "x" }"#)
        #expect(plain.sent(streamed: false) == (#"{ "model" : "x" }"#, false))
        #expect(
            plain.sent(streamed: true) == (
                #"{ "model" : "x","stream":true,"stream_options":{"include_usage":true} }"#, true
            ))
        let own = try request(
            #"{"stream" : false, "stream_options": {"include_usage":false},"model":"x"}"#)
        #expect(own.sent(streamed: false) == (#"{"stream" : false,"model":"x"}"#, false))
        #expect(
            own.sent(streamed: true) == (
                #"{"stream" : true, "stream_options": {"include_usage":false},"model":"x"}"#, true
            ))
        let other = try request(#"{"stream":true,"model":"x","stream_options":null}"#)
        #expect(other.sent(streamed: false) == (#"{"stream":false,"model":"x"}"#, false))
        #expect(other.sent(streamed: true) == (#"{"stream":true,"model":"x"}"#, true))
        // The request itself is unchanged.
        #expect(plain.text == #"{ "model" : "x" }"#)
        #expect(
            own.text
                == #"{"stream" : false, "stream_options": {"include_usage":false},"model":"x"}"#)
    }

    @Test func enableThinkingRequiresAStream() throws {
        let thinking = try request(#"{"enable_thinking":true}"#)
        #expect(
            thinking.sent(streamed: false) == (
                #"{"enable_thinking":true,"stream":true,"stream_options":{"include_usage":true}}"#,
                true
            ))
        #expect(
            try request(#"{"enable_thinking":false}"#).sent(streamed: false) == (
                #"{"enable_thinking":false}"#, false
            ))
        #expect(
            try request(#"{"enable_thinking":false,"enable_thinking": true }"#).sent(
                streamed: false
            ).isStreamed)
    }

    /// A value counts with its depth in the body, which must remain within the limit of the parser.
    @Test func valuesNestedTooDeeplyAreRejected() throws {
        func deep(_ levels: Int) -> String {
            String(repeating: "[", count: levels) + String(repeating: "]", count: levels)
        }
        func object(_ levels: Int) -> String { #"{"x":\#(deep(levels - 1))}"# }
        let made = try request(model: "m")
        func addTool(_ levels: Int) throws {
            try withCopy("f") { name in
                try withCopy(object(levels)) {
                    try made.addTool(name: name, description: nil, parameters: $0)
                }
            }
        }
        for add in [
            { try made.add(json: object($0 - 2)) }, { try made.set("x", deep($0 - 1)) },
            { try addTool($0 - 4) },
        ] {
            try add(512)
            #expect(complaint { try add(513) }?.contains("nested too deeply") ?? false)
        }
        #expect(jsonProblem(made.text) == nil)
        for _ in 1..<128 { try addTool(508) }
        #expect(
            complaint { try addTool(2) } == "the request already has 128 tools, the maximum")
        try made.add(json: #"{"role":"user","content":"x","y":\#(deep(509))}"#)
        try made.add(image: "https://host/a.png")
        #expect(made.text.contains(#"{"type":"text","text":"x"},{"type":"image_url""#))
    }

    @Test func theBodyIsSentByteForByte() throws {
        let unusual =
            "{\r\n \"z\":1e5 ,\t\"model\" : \"\\u0061\\/\", \"z\":[ ] , "
            + "\"messages\":[{\"content\":\"😊\\ud83d\\ude0a\"}] }\n"
        #expect(try request(unusual).sent(streamed: false).text == unusual)
        #expect(try request(unusual).text == unusual)
        #expect(
            try request(unusual).sent(streamed: true).text
                == unusual.replacingOccurrences(
                    of: "}] }\n",
                    with: "}],\"stream\":true,\"stream_options\":{\"include_usage\":true} }\n"))
    }
}
