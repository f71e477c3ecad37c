import Testing

@testable import Base
@testable import Engine

extension ClientTests {
    @Suite("Redactor: secrets in JSON, in any notation; the result is valid JSON")
    struct JSONRedactionTests {
        @Test func everyNotationOfTheKeyIsRedacted() throws {
            let client = try makeClient { try $0.set(key: #"s/k+1\"x"#) }
            for form in [
                #"s/k+1\"x"#, #"s\/k\u002B1\\\"x"#, #"\u0073\u002fk+1\u005c\u0022x"#,
                #"s/k+1\\\"x"#,
            ] {
                let text = "{\"message\": \"\(form) \\n \(form)\"}"
                #expect(client.redacted(text) == "{\"message\": \"*** \\n ***\"}", "\(form)")
                let stars = String(repeating: "*", count: form.utf8.count)
                #expect(
                    client.redactedInPlace(text) == "{\"message\": \"\(stars) \\n \(stars)\"}",
                    "\(form)")
            }
        }

        @Test(arguments: [
            #"s\/k\u002B1\\\"y"#, #"s\/k\u102B1\\\"x"#, #"s\/k\u002"#, #"s\/k\"#, "\\", #"\u"#,
        ])
        func otherTextIsUnchanged(_ text: String) throws {
            let client = try makeClient { try $0.set(key: #"s/k+1\"x"#) }
            #expect(client.redacted(text) == text)
            #expect(client.redactedInPlace(text) == text)
        }

        @Test func anUnescapedKeyAfterAnEscapedBackslashIsRedacted() throws {
            let client = try makeClient { try $0.set(key: #"s/k+1\"x"#) }
            #expect(client.redacted(#""C:\\s/k+1\\\"x""#) == #""C:\\***""#)
        }

        @Test func theBeginningOfAKeyIsRedactedWhereAMessageWasCut() throws {
            let client = try makeClient { try $0.set(key: #"s/k+1\"x"#) }
            #expect(client.redacted(#"no: s\/k+…"#) == "no: ***…")
            #expect(client.redacted("no: s/k…") == "no: s/k…", "shorter than any secret")
        }

        @Test func aKeyBeyondASCIIIsRedacted() throws {
            let client = try makeClient { try $0.set(key: "g\u{FC}\t\u{20AC}\u{1F600}x") }
            for form in [
                "g\u{FC}\t\u{20AC}\u{1F600}x", #"g\u00fc\t\u20ac\ud83d\ude00x"#,
                #"\u0067\u00FC\u0009\u20AC\uD83D\uDE00x"#,
            ] {
                #expect(client.redacted("no \(form) \(form).") == "no *** ***.", "\(form)")
            }
            for other in [
                #"g\u00fd\t\u20ac\ud83d\ude00x"#, #"g\u00fc\t\u20ac\ud83d\u20acx"#,
                #"g\u00fc\t\u20ac\ud83d"#, #"g\u00f"#,
            ] {
                #expect(client.redacted(other) == other)
            }
            #expect(
                client.redacted("no g\u{FC} \u{20AC}\u{1F600}x") == "no ***",
                "as one line, with a space for the tab")
        }

        /// The JSON after redaction of that key, with "***" and in place.
        private func redactions(of json: String, key: String) throws -> [String] {
            let client = try makeClient { try $0.set(key: key) }
            return [client.redactor.redactJSON, client.redactor.redactJSONInPlace].map { redact in
                ByteBuffer.text { buffer in
                    withCopy(json) { buffer.append($0) }
                    redact(&buffer)
                }
            }
        }

        @Test func digitsOfANumberAreReplacedByOnes() throws {
            #expect(
                try redactions(
                    of: #"{"a":17001234,"1234":"\"1234","b":[-0.1234,1234]}"#, key: "1234") == [
                        #"{"a":17001111,"***":"\"***","b":[-0.1111,1111]}"#,
                        #"{"a":17001111,"****":"\"****","b":[-0.1111,1111]}"#,
                    ])
        }

        @Test func aLiteralOutsideAStringIsUnchanged() throws {
            #expect(
                try redactions(of: #"{"a":null,"b":"null"}"#, key: "null") == [
                    #"{"a":null,"b":"***"}"#, #"{"a":null,"b":"****"}"#,
                ])
        }

        @Test func invalidJSONIsRedactedAsText() throws {
            #expect(
                try redactions(of: #"{"a":sk-12"#, key: "sk-12") == [#"{"a":***"#, #"{"a":*****"#])
        }

        @Test func anEscapeIsOneCharacter() throws {
            #expect(
                try redactions(of: #"["\u00fc","00fc"]"#, key: "00fc") == [
                    #"["\u00fc","***"]"#, #"["\u00fc","****"]"#,
                ])
            #expect(
                try redactions(of: #"["\n123","\\n123"]"#, key: "n123") == [
                    #"["\n***","\\***"]"#, #"["\n***","\\****"]"#,
                ])
        }

        @Test func anInvalidEscapeHidesNoKey() throws {
            #expect(
                try redactions(of: #"["\usk-12"]"#, key: "sk-12") == [
                    #"["\u***"]"#, #"["\u*****"]"#,
                ])
        }

        @Test func aStringThatWasCutEndsAtTheLineEnd() throws {
            #expect(
                try redactions(of: "{\"a\n{\"b\":1234}", key: "1234") == [
                    "{\"a\n{\"b\":1111}", "{\"a\n{\"b\":1111}",
                ])
        }
    }
}
