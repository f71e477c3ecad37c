import Testing

@testable import Base
@testable import Chat
@testable import Engine

@Suite("JSONReader accepts texts that RFC 8259 allows, and rejects truncated ones")
struct JSONReaderTests {
    private func expect(
        _ text: String, _ value: JSON, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        #expect(try read(text) == value, "\(text)", sourceLocation: sourceLocation)
    }

    @Test func literals() throws {
        try expect("null", .null)
        try expect("true", .bool(true))
        try expect("false", .bool(false))
    }

    @Test(arguments: [
        "0", "-0", "1", "-1", "9", "10", "123456789012345678901234567890", "0.0", "-0.0", "0.5",
        "1.25", "-12.5", "1.0000", "0e0",
        "0E0", "1e1", "1E1", "1e+1", "1e-1", "1E+2", "1E-2", "0e+1", "0.1e1", "-1.5E-007", "1e00",
        "1e400", "-1e-400",
        "-9223372036854775808", "18446744073709551616",
    ])
    func numbersAreKeptAsWritten(_ number: String) throws {
        try expect(number, .number(number))
        try expect("[\(number)]", .array([.number(number)]))
        try expect("{\"n\" : \(number) }", .object([.init(name: "n", value: .number(number))]))
    }

    @Test func whitespaceIsAllowedBetweenAllTokens() throws {
        let space = " \t\r\n"
        try expect("\(space)1\(space)", .number("1"))
        try expect(
            ["", "{", "\"a\"", ":", "[", "1", ",", "2", "]", ",", "\"b\"", ":", "{", "}", "}", ""]
                .joined(separator: space),
            .object([
                .init(name: "a", value: .array([.number("1"), .number("2")])),
                .init(name: "b", value: .object([])),
            ]))
    }

    @Test func arraysAndObjects() throws {
        try expect("[]", .array([]))
        try expect("[ ]", .array([]))
        try expect("{}", .object([]))
        try expect("{ }", .object([]))
        try expect(
            "[null,true,\"x\",[],{}]",
            .array([.null, .bool(true), .string("x"), .array([]), .object([])]))
        try expect("[[[[]],[]]]", .array([.array([.array([.array([])]), .array([])])]))
        try expect("{\"\":1}", .object([.init(name: "", value: .number("1"))]))
        try expect(
            "{\"a\":{\"a\":[{\"b\":0}]},\"c\":1}",
            .object([
                .init(
                    name: "a",
                    value: .object([
                        .init(
                            name: "a",
                            value: .array([.object([.init(name: "b", value: .number("0"))])]))
                    ])), .init(name: "c", value: .number("1")),
            ]))
    }

    @Test func manyMembersAndElements() throws {
        let elements = "[" + (0..<1000).map { "\($0)" }.joined(separator: ",") + "]"
        try expect(elements, .array((0..<1000).map { .number("\($0)") }))
        let members = "{" + (0..<1000).map { "\"\($0)\":[\($0)]" }.joined(separator: ",") + "}"
        try expect(
            members,
            .object((0..<1000).map { .init(name: "\($0)", value: .array([.number("\($0)")])) }))
    }

    @Test func nestingIsAllowedUpToTheLimit() throws {
        let maxDepth = JSONReader.maxDepth
        func arrays(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        func objects(_ depth: Int) -> String {
            String(repeating: "{\"a\":", count: depth) + "1" + String(repeating: "}", count: depth)
        }
        #expect(jsonProblem(arrays(maxDepth)) == nil)
        #expect(jsonProblem(arrays(maxDepth + 1)) == "\(maxDepth) tooDeep")
        #expect(throws: JSONError(offset: 2, problem: .tooDeep)) {
            var reader = JSONReader()
            _ = try withCopy("[[[[]]]]") { _ = try reader.read($0, inside: maxDepth - 2) }
        }
        #expect(jsonProblem(objects(maxDepth)) == nil)
        #expect(jsonProblem(objects(maxDepth + 1)) == "\(5 * maxDepth) tooDeep")
        // The limit concerns the depth, not the number of brackets.
        let wide = "[" + Array(repeating: "[]", count: 2000).joined(separator: ",") + "]"
        #expect(jsonProblem(wide) == nil)
    }

    @Test func numbersAreAllowedUpToTheLimit() {
        let digits = String(repeating: "7", count: JSONReader.maxNumberLength)
        #expect(jsonProblem(digits) == nil)
        #expect(jsonProblem("-" + digits) == "0 numberTooLong")
        #expect(jsonProblem("[0." + digits + "]") == "1 numberTooLong")
    }

    @Test(arguments: [
        "[null, true ,false]", #"{"a":1,"b":[2.5e-3,{"c":"d\n\u20ac"}], "ü": "😊\ud83d\ude0a"}"#,
        "\"text\"", "[[[]],{}]", "\"\"",
        "{\"a\":{\"b\":{\"c\":[-0.1E+2]}}}", "null", "true", "false", "[\"\\\\\"]",
        "{\"a\":\"\\\"\"}",
    ])
    func truncatedTextsAreRejected(_ text: String) {
        let bytes = Array(text.utf8)
        #expect(jsonProblem(bytes) == nil)
        for length in 0..<bytes.count {
            #expect(jsonProblem(bytes[..<length]) != nil, "the first \(length) bytes of \(text)")
            // The same inside an array: the bytes after the cut must not be read.
            #expect(
                jsonProblem(Array("[".utf8) + bytes[..<length]) != nil,
                "[ and the first \(length) bytes of \(text)")
        }
    }

    @Test func aTruncatedNumberCanBeANumber() {
        let number = Array("-12.5e+3".utf8)
        let valid = (0...number.count).filter { jsonProblem(number[..<$0]) == nil }
        #expect(valid == [2, 3, 5, 8])
    }

    @Test func aReaderCanBeReused() throws {
        var reader = JSONReader()
        for text in ["[1,2,3]", "{\"a\":[", "7", "[[[[[]]]]]", "nul", "{\"b\":\"c\"}"] {
            let again = withCopy(text) { bytes in (try? reader.read(bytes)).map { JSON($0) } }
            #expect(again == (try? read(text)), "\(text)")
        }
    }
}
