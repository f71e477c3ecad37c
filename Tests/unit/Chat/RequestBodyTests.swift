import Foundation
import Testing

@testable import Base
@testable import Chat
@testable import Engine

@Suite("An edit of a body changes one member and leaves all other bytes as they are")
struct RequestBodyTests {
    /// The text of the body after an edit; checks that it is valid JSON.
    private func edited(
        _ json: String, sourceLocation: SourceLocation = #_sourceLocation,
        _ edit: (inout RequestBody) throws -> Void
    ) throws -> String {
        var body = try withCopy(json) { try RequestBody(json: $0) }
        try edit(&body)
        let text = String(body.text)
        #expect(
            jsonProblem(text, .rejectsInvalidUTF8) == nil, "\(text)", sourceLocation: sourceLocation
        )
        // The recorded ranges of the members must match those of a new parse.
        let names = ["a", "b", "c", "messages"]
        for name in names {
            let found = withCopy(name) { name in body.value(of: name).map { String($0) } }
            let read = try withJSON(text) { object in
                withCopy(name) { object[$0].map { String($0.raw) } }
            }
            #expect(found == read, "\(name) of \(text)", sourceLocation: sourceLocation)
        }
        return text
    }

    private func set(_ json: String, _ name: String, _ value: String) throws -> String {
        try edited(json) { body in
            withCopy(name) { name in withCopy(value) { body.set(name, to: $0) } }
        }
    }

    private func remove(_ json: String, _ name: String) throws -> String {
        try edited(json) { body in withCopy(name) { body.remove($0) } }
    }

    private func append(_ json: String, _ message: String) throws -> String {
        try edited(json) { body in try withCopy(message) { try body.append(message: $0) } }
    }

    @Test func aValueIsReplacedInPlace() throws {
        #expect(try set(#"{"a":1,"b":2,"c":3}"#, "b", "[4, 5]") == #"{"a":1,"b":[4, 5],"c":3}"#)
        #expect(
            try set(#" { "a" : 1 , "b" : "x" } "#, "a", "null") == #" { "a" : null , "b" : "x" } "#)
        #expect(try set("{\n\t\"a\"\n:\r\n{\"a\":1} }", "a", "0") == "{\n\t\"a\"\n:\r\n0 }")
        #expect(try set(#"{"b":{"a":1},"a":2}"#, "a", "3") == #"{"b":{"a":1},"a":3}"#)
        #expect(try set(#"{"a":1e2}"#, "a", #""1e2""#) == #"{"a":"1e2"}"#)
    }

    /// Messages that are valid one by one can be more than a reader accepts at once. Depth shows
    /// the same as 16 million values, in less time.
    @Test func aBodyThatCannotBeReadAsAWholeIsEdited() throws {
        let deep = String(repeating: "[", count: 600) + String(repeating: "]", count: 600)
        var body = try withCopy(#"{"a":1,"messages":[],"b":2,"b":3,"c":4}"#) {
            try RequestBody(json: $0)
        }
        try withCopy(deep) { try body.append(message: $0) }
        body.remove("a")
        body.set("b", to: "50")
        body.remove("b")
        body.set("c", to: "6")
        body.set("a", to: "7")
        #expect(String(body.text) == "{\"messages\":[\(deep)],\"c\":6,\"a\":7}")
    }

    @Test func aNewMemberIsAddedAtTheEnd() throws {
        #expect(try set("{}", "a", "1") == #"{"a":1}"#)
        #expect(try set(" {\n} ", "a", "1") == " {\"a\":1\n} ")
        #expect(try set(#"{"b":[ ] }"#, "a", "1") == #"{"b":[ ],"a":1 }"#)
        #expect(try set(#"{"b":2}"#, "", "1") == #"{"b":2,"":1}"#)
        #expect(try set("{}", "é\"\\\n", "1") == #"{"é\"\\\n":1}"#)
    }

    @Test func severalEditsInSequence() throws {
        let text = try edited(#"{"a":1}"#) { body in
            body.set("b", to: "22")
            body.set("a", to: "[333]")
            body.set("c", to: "4")
            body.set("b", to: "5")
            body.remove("a")
            body.set("a", to: "6")
        }
        #expect(text == #"{"b":5,"c":4,"a":6}"#)
    }

    @Test func duplicatesAreAllReplacedAndAllRemoved() throws {
        #expect(try set(#"{"a":1,"b":2,"a":3}"#, "a", "44") == #"{"a":44,"b":2,"a":44}"#)
        #expect(try remove(#"{"a":1,"b":2,"a":3}"#, "a") == #"{"b":2}"#)
        #expect(try remove(#"{"a":1,"a":3}"#, "a") == "{}")
        #expect(try remove(#"{"b":0,"a":1,"a":3,"c":4}"#, "a") == #"{"b":0,"c":4}"#)
    }

    @Test func namesAreFoundInAnySpelling() throws {
        #expect(try set(#"{"\u0061":1}"#, "a", "2") == #"{"\u0061":2}"#)
        #expect(try remove(#"{"\u0061":1,"b":2}"#, "a") == #"{"b":2}"#)
        #expect(try remove(#"{"b":2,"x\ty":1}"#, "x\ty") == #"{"b":2}"#)
        #expect(try remove(#"{"\\u0061":1}"#, "a") == #"{"\\u0061":1}"#)
        #expect(try append(#"{"mess\u0061ges":[]}"#, "{}") == #"{"mess\u0061ges":[{}]}"#)
    }

    @Test func removingAMemberRemovesOneComma() throws {
        #expect(try remove(#"{"a":1}"#, "a") == "{}")
        #expect(try remove(#"{ "a" : 1 }"#, "a") == "{  }")
        #expect(try remove(#"{ "a" : 1 , "b" : 2 }"#, "a") == #"{ "b" : 2 }"#)
        #expect(try remove(#"{ "a" : 1 , "b" : 2 }"#, "b") == #"{ "a" : 1 }"#)
        #expect(try remove(#"{"a":1,"b":[1,{"b":2}],"c":3}"#, "b") == #"{"a":1,"c":3}"#)
        #expect(try remove(#"{"a":1}"#, "b") == #"{"a":1}"#)
        #expect(try remove("{}", "a") == "{}")
    }

    @Test func messagesAreAppended() throws {
        #expect(try append(#"{"messages":[]}"#, "{}") == #"{"messages":[{}]}"#)
        #expect(try append(#"{"messages":[ ]}"#, "{}") == #"{"messages":[{} ]}"#)
        #expect(try append(#"{"messages":[1]}"#, "{}") == #"{"messages":[1,{}]}"#)
        #expect(
            try append("{\"messages\" : [ {\"x\":[]} \n ] , \"b\":1}", "{}")
                == "{\"messages\" : [ {\"x\":[]},{} \n ] , \"b\":1}")
        #expect(try append("{}", "{}") == #"{"messages":[{}]}"#)
        #expect(try append(#"{"a":1}"#, "{}") == #"{"a":1,"messages":[{}]}"#)
        #expect(
            try append(#"{"messages":[1],"messages":[2]}"#, "{}")
                == #"{"messages":[1],"messages":[2,{}]}"#)
        let twice = try edited(#"{"messages":[],"a":1}"#) { body in
            for message in ["{\"x\":1}", "{\"y\":2}"] {
                try withCopy(message) { try body.append(message: $0) }
            }
            body.set("a", to: "22")
        }
        #expect(twice == #"{"messages":[{"x":1},{"y":2}],"a":22}"#)
    }

    /// Moving the rest of the text for each duplicate would take minutes.
    @Test func aMemberThatIsRepeatedVeryOften() throws {
        let many = Array(repeating: #""a":1"#, count: 100_000)
        let json = #"{"b":2,\#(many.joined(separator: ",")),"c":3}"#
        #expect(try remove(json, "a") == #"{"b":2,"c":3}"#)
        let set = try set(json, "a", "[22]")
        #expect(set == json.replacing(#""a":1"#, with: #""a":[22]"#))
    }

    @Test func messagesMustBeAnArray() {
        for messages in ["null", "{}", "\"[]\"", "1"] {
            #expect(
                complaint { _ = try append("{\"messages\":\(messages)}", "{}") }
                    == "the request's messages are not an array")
        }
    }

    @Test func aBodyMustBeAJSONObject() {
        func problem(_ json: String) -> String? { complaint { _ = try edited(json) { _ in } } }
        #expect(problem("") == "the request is not JSON: at byte 0, the text ends too early")
        #expect(
            problem(#"{"a":01}"#)
                == "the request is not JSON: at byte 6, a comma or the closing bracket is expected")
        #expect(
            problem(#"{"a":1,}"#)
                == "the request is not JSON: at byte 7, a name in quotes is expected")
        for json in ["[]", "null", "\"{}\"", "12"] {
            #expect(problem(json) == "the request is JSON, but not an object: put it in { }")
        }
        #expect(
            complaint {
                _ = try withCopy(Array("{\"a\":\"".utf8) + [0xFF, 0x22, 0x7D]) {
                    String(try RequestBody(json: $0).text)
                }
            }
                == "the request is not JSON: at byte 6, invalid UTF-8")
    }

    /// Compares random edits with the same edits of a list of members.
    @Test func randomEditsMatchAListOfMembers() throws {
        var random = SeededRandom(9)
        let spaces = ["", " ", "\n", "\t ", "  "]
        let spellings = [
            "a": ["\"a\"", "\"\\u0061\""], "b": ["\"b\""], "c": ["\"c\"", "\"\\u0063\""],
        ]
        let values = ["1", "\"x\"", "[ ]", "{\"a\":[1,2]}", "null", "-1.5e3", "\"\\\"}\""]
        for _ in 0..<400 {
            var model: [(name: String, value: String)] = (0..<random.roll(6)).map { _ in
                (random.pick(["a", "b", "c"]), random.pick(values))
            }
            let members = model.map { member in
                random.pick(spaces) + random.pick(spellings[member.name]!) + random.pick(spaces)
                    + ":" + random.pick(spaces)
                    + member.value + random.pick(spaces)
            }
            let json =
                random.pick(spaces) + "{"
                + (members.isEmpty ? random.pick(spaces) : members.joined(separator: ",")) + "}"
                + random.pick(spaces)
            let edits = (0..<6).map { _ in
                (
                    name: random.pick(["a", "b", "c"]),
                    value: random.roll(3) == 0 ? nil : random.pick(values)
                )
            }
            let text = try edited(json) { body in
                for edit in edits {
                    withCopy(edit.name) { name in
                        if let value = edit.value {
                            withCopy(value) { body.set(name, to: $0) }
                        } else {
                            body.remove(name)
                        }
                    }
                }
            }
            for edit in edits {
                if let value = edit.value {
                    if !model.contains(where: { $0.name == edit.name }) {
                        model.append((edit.name, value))
                    }
                    for index in model.indices where model[index].name == edit.name {
                        model[index].value = value
                    }
                } else {
                    model.removeAll { $0.name == edit.name }
                }
            }
            let found = try withJSON(text) { object in
                object.members.map { [JSON($0.name), JSON($0.value)] }
            }
            #expect(
                try found == model.map { [.string($0.name), try read($0.value)] },
                "\(json) → \(text)")
        }
    }
}

extension RequestBody {
    /// The value of a member whose name is not a literal.
    fileprivate func value(of name: Bytes) -> Bytes? {
        switch String(name) {
        case "a": value("a")
        case "b": value("b")
        case "c": value("c")
        default: value("messages")
        }
    }
}
