import Testing

@testable import Base
@testable import Chat
@testable import Engine

@Suite("JSON pointers follow RFC 6901")
struct JSONPointerTests {
    /// The document of RFC 6901, section 5.
    private let document = #"""
        {"foo": ["bar", "baz"], "": 0, "a/b": 1, "c%d": 2, "e^f": 3, "g|h": 4, "i\\j": 5, \#
        "k\"l": 6, " ": 7, "m~n": 8}
        """#

    /// The JSON of the value at the pointer; nil if it is absent.
    private func follow(_ pointer: String, in text: String) throws -> String? {
        try withJSON(text) { value in
            withCopy(pointer) { value.value(at: $0).map { String($0.raw) } }
        }
    }

    @Test func theExamplesOfTheRFC() throws {
        #expect(try follow("", in: document) == document)
        let table = [
            ("/foo", #"["bar", "baz"]"#), ("/foo/0", #""bar""#), ("/", "0"), ("/a~1b", "1"),
            ("/c%d", "2"), ("/e^f", "3"),
            ("/g|h", "4"), ("/i\\j", "5"), ("/k\"l", "6"), ("/ ", "7"), ("/m~0n", "8"),
        ]
        for (pointer, value) in table {
            #expect(try follow(pointer, in: document) == value, "\(pointer)")
        }
    }

    @Test func tildesAreUnescapedInOrder() throws {
        let text = #"{"~1":1,"/":2,"~":3,"~0":4,"a~1b":5,"//~~":6}"#
        #expect(try follow("/~01", in: text) == "1")
        #expect(try follow("/~1", in: text) == "2")
        #expect(try follow("/~0", in: text) == "3")
        #expect(try follow("/~00", in: text) == "4")
        #expect(try follow("/a~01b", in: text) == "5")
        #expect(try follow("/~1~1~0~0", in: text) == "6")
    }

    @Test func invalidPointersFindNothing() throws {
        let text = #"{"a":{"b":1},"~":2,"a~":3,"~2":4}"#
        for pointer in ["a", "a/b", "#/a", " /a", "/~", "/a~", "/~2", "/~~", "/a/~"] {
            #expect(try follow(pointer, in: text) == nil, "\(pointer)")
        }
    }

    @Test func arrayIndicesStartAtZeroAndHaveNoLeadingZeros() throws {
        let text = "[10,[20,21],{\"0\":30,\"00\":31,\"-\":32}]"
        #expect(try follow("/0", in: text) == "10")
        #expect(try follow("/1/1", in: text) == "21")
        #expect(try follow("/2/0", in: text) == "30")
        #expect(try follow("/2/00", in: text) == "31")
        #expect(try follow("/2/-", in: text) == "32")
        let absent = [
            "/3", "/00", "/01", "/-", "/-1", "/+1", "/1.0", "/1e0", "/", "/ 1", "/0 ", "/１",
            "/99999999999999999999999",
            "/4294967296",
        ]
        for pointer in absent { #expect(try follow(pointer, in: text) == nil, "\(pointer)") }
    }

    @Test func scalarsHaveNoChildren() throws {
        for text in ["1", "\"a\"", "null", "true"] {
            #expect(try follow("", in: text) == text)
            for pointer in ["/", "/0", "/a"] { #expect(try follow(pointer, in: text) == nil) }
        }
    }

    @Test func namesAreComparedAsTextAndTheLastDuplicateCounts() throws {
        let text = #"{"\u0061":1,"a":2,"😊":{"":{"":3}},"b":1,"\u0062":4}"#
        #expect(try follow("/a", in: text) == "2")
        #expect(try follow("/b", in: text) == "4")
        #expect(try follow("/😊//", in: text) == "3")
        #expect(try follow("/\\u0061", in: text) == nil)
        #expect(try follow("/a/", in: text) == nil)
    }

    @Test func aPointerThatIsNotUTF8FindsNothing() throws {
        #expect(
            try withJSON("{\"\u{FFFD}\":1}") { value in
                withCopy([0x2F, 0xFF]) { value.value(at: $0) == nil }
            })
    }
}
