import Testing

@testable import Base
@testable import Chat
@testable import Engine

@Suite("JSON values: lookup and lossless conversion")
struct JSONValueTests {
    private func integer(_ number: String) throws -> Int64? { try withJSON(number) { $0.integer } }
    private func double(_ number: String) throws -> Double? { try withJSON(number) { $0.double } }

    @Test func integers() throws {
        let table: [(String, Int64?)] = [
            ("0", 0), ("-0", 0), ("7", 7), ("-7", -7), ("12.0", 12), ("12.000", 12), ("1.2e1", 12),
            ("1200e-2", 12), ("1E2", 100),
            ("-1.5e1", -15), ("0.0", 0), ("0e9", 0), ("12.5", nil), ("1e-1", nil),
            ("9223372036854775807", .max),
            ("9223372036854775808", nil), ("-9223372036854775808", .min),
            ("-9223372036854775809", nil),
            ("99999999999999999999", nil), ("18446744073709551616", nil),
            ("92233720368547758070", nil), ("1e400", nil),
            ("-1e400", nil), ("1e19", nil), ("1e18", 1_000_000_000_000_000_000), ("1e-400", 0),
            ("4503599627370497.0", 4_503_599_627_370_497),
        ]
        for (number, expected) in table { #expect(try integer(number) == expected, "\(number)") }
    }

    @Test func doubles() throws {
        let table: [(String, Double?)] = [
            ("0", 0), ("1.5", 1.5), ("-2e3", -2000), ("0.1", 0.1), ("0.003511", 0.003511),
            ("1e308", 1e308), ("1e309", nil),
            ("-1e400", nil), ("5e-324", .leastNonzeroMagnitude), ("1e-400", 0),
            ("2.2250738585072014e-308", .leastNormalMagnitude),
            ("123456789012345678901234567890", 1.2345678901234568e29),
            ("1" + String(repeating: "0", count: 100), 1e100),
            ("0." + String(repeating: "0", count: 80) + "1", 1e-81),
        ]
        for (number, expected) in table { #expect(try double(number) == expected, "\(number)") }
        #expect(try double("-0")?.sign == .minus)
    }

    @Test func valuesOfOtherKindsHaveNoNumber() throws {
        for text in ["null", "true", "\"12\"", "[12]", "{\"a\":12}"] {
            #expect(try integer(text) == nil)
            #expect(try double(text) == nil)
        }
    }

    @Test func theLastOfDuplicateMembersCounts() throws {
        let values = try withJSON(#"{"a":1,"b":2,"\u0061":3,"a\u0000":4,"B":5}"#) { object in
            [object["a"], object["b"], object["a\0"], object["B"], object["c"], object[""]].map {
                $0?.integer
            }
        }
        #expect(values == [3, 2, 4, 5, nil, nil])
        #expect(try withJSON(#"{"\u0061":1,"a":2}"#) { $0["a"]?.integer } == 2)
        #expect(try withJSON(#"{"😊":1}"#) { $0["😊"]?.integer } == 1)
        #expect(try withJSON(#"{"\ud83d\ude0a":1}"#) { $0["😊"]?.integer } == 1)
    }

    @Test func onlyObjectsHaveMembersAndOnlyArraysElements() throws {
        for text in ["[{\"a\":1},\"a\",1]", "\"a\"", "null", "1"] {
            #expect(
                try withJSON(text) {
                    $0["a"] == nil && $0.members.map { $0.name.raw.count }.isEmpty
                }, "\(text)")
        }
        for text in ["{\"a\":[1]}", "\"a\"", "null", "1"] {
            #expect(try withJSON(text) { $0.elements.map { $0.raw.count }.isEmpty }, "\(text)")
        }
    }

    @Test func aValueHasItsRangeInTheText() throws {
        let text = #" { "a" : [ 1.50 , "x\ny" , { } , [ ] , null ] , "b" : { "c" : "" } } "#
        let raws = try withJSON(text) { object in
            let elements = object["a"]!.elements.map { String($0.raw) }
            let names = object.members.map { String($0.name.raw) }
            return [String(object.raw), String(object["a"]!.raw), String(object["b"]!["c"]!.raw)]
                + elements + names
        }
        #expect(
            raws == [
                #"{ "a" : [ 1.50 , "x\ny" , { } , [ ] , null ] , "b" : { "c" : "" } }"#,
                #"[ 1.50 , "x\ny" , { } , [ ] , null ]"#,
                "\"\"", "1.50",
                #""x\ny""#, "{ }", "[ ]", "null", "\"a\"", "\"b\"",
            ])
        try withCopy(text) { bytes in
            var reader = JSONReader()
            let object = try reader.read(bytes)
            for (name, value) in object.members {
                #expect(bytes.part(name.range).equals(name.raw))
                #expect(bytes.part(value.range).equals(value.raw))
                #expect(try read(Array(value.raw)) == JSON(value))
            }
            #expect(object.range == 1..<bytes.count - 1)
        }
    }

    @Test func textComparison() throws {
        #expect(try withJSON(#""a\u0062c""#) { $0.isText("abc") })
        #expect(
            try withJSON(#""abc""#) {
                $0.isText("abc") && !$0.isText("ab") && !$0.isText("abd") && !$0.isText("")
            })
        #expect(try withJSON("\"\"") { $0.isText("") })
        #expect(try withJSON("12") { !$0.isText("12") })
        #expect(try withJSON("null") { !$0.isText("") && !$0.isText("null") })
    }
}
