import Testing

@testable import Base

@Suite("Leniency accepts what servers write although JSON does not allow it, and marks it")
struct JSONLeniencyTests {
    /// The standard JSON of a text that is read leniently; nil if the text is rejected.
    private func standard(_ text: String) -> String? {
        withCopy(text) { bytes in
            var reader = JSONReader()
            guard let value = try? reader.read(bytes, .lenient) else { return nil }
            var json = ByteBuffer()
            json.append(json: value)
            return String(json)
        }
    }

    @Test(arguments: [
        ("\"a\tb\u{1}\"", #""a\tb\u0001""#), ("[\"\n\\n\r\"]", #"["\n\n\r"]"#),
        ("NaN", "null"), ("[NaN,Infinity,-Infinity,-1]", "[null,null,null,-1]"),
        (#"{"NaN":"-Infinity","\"NaN":NaN}"#, #"{"NaN":"-Infinity","\"NaN":null}"#),
        ("{\"a\u{2}\":[1]}", #"{"a\u0002":[1]}"#), (#"{"a":[1e5]}"#, #"{"a":[1e5]}"#),
    ])
    func nonstandardTextHasStandardJSON(_ text: String, _ expected: String) {
        #expect(standard(text) == expected)
    }

    @Test(arguments: [
        "nan", "NaNs", "Na", "-NaN", "Inf", "-inf", "+Infinity", "-Infinit", "'a'", "{a:1}", "[1,]",
        "01", "\"\\x\"",
    ])
    func otherTextsAreRejected(_ text: String) {
        #expect(standard(text) == nil)
    }

    @Test func onlyLeniencyAcceptsThem() {
        for text in ["\"\t\"", "NaN", "[-Infinity]"] {
            #expect(jsonProblem(text) != nil && jsonProblem(text, .rejectsInvalidUTF8) != nil)
            #expect(jsonProblem(text, .lenient) == nil)
        }
    }

    @Test func containersThatHoldThemAreMarked() throws {
        try withCopy("[[1],\"\t\",{\"a\":NaN}]") { bytes in
            var reader = JSONReader()
            let root = try reader.read(bytes, .lenient)
            #expect(root.elements.map(\.isStandard) == [true, false, false])
            #expect(!root.isStandard)
            // Such a number has no value.
            #expect(root.value(at: StaticText.bytes("/2/a"))?.double == nil)
        }
    }
}
