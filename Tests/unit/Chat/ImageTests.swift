import Foundation
import Testing

@testable import Base
@testable import Chat
@testable import Engine

@Suite("Images are added to the right message, in the right format")
struct ImageTests {
    private let url = "https://example.com/a.png"
    private let part = #"{"type":"image_url","image_url":{"url":"https://example.com/a.png"}}"#

    private func messages(_ json: String, _ images: Int = 1) throws -> String {
        let made = try request("{\"messages\":\(json)}")
        for _ in 0..<images { try made.add(image: url) }
        #expect(jsonProblem(made.text) == nil)
        return String(made.text.dropFirst("{\"messages\":".count).dropLast())
    }

    @Test func afterTheTextOfAUserMessage() throws {
        #expect(
            try messages(#"[{"role":"user","content":"Look \"here\"\u0021"}]"#)
                == #"[{"role":"user","content":[{"type":"text","text":"Look \"here\"\u0021"},"#
                + part + "]}]")
        #expect(
            try messages(
                #"[{"role":"system","content":"x"}, { "content" : "Look" , "role" : "user" } ]"#)
                == #"[{"role":"system","content":"x"}, { "content" : [{"type":"text","#
                + #""text":"Look"},"#
                + part
                + #"] , "role" : "user" } ]"#)
        #expect(
            try messages(#"[{"role":"user","content":""}]"#)
                == #"[{"role":"user","content":[{"type":"text","text":""},"# + part
                + "]}]")
    }

    @Test func afterTheOtherParts() throws {
        #expect(
            try messages(#"[{"role":"user","content":[]}]"#) == #"[{"role":"user","content":["#
                + part + "]}]")
        #expect(
            try messages(#"[{"role":"user","content":[ ]}]"#) == #"[{"role":"user","content":[ "#
                + part + "]}]")
        #expect(
            try messages(#"[{"role":"user","content":[{"type":"text","text":"a"}]}]"#, 2)
                == #"[{"role":"user","content":[{"type":"text","text":"a"},"# + part + "," + part
                + "]}]")
    }

    @Test func inANewUserMessage() throws {
        let own = #"{"role":"user","content":["# + part + "]}"
        #expect(try messages("[]") == "[" + own + "]")
        #expect(
            try messages(#"[{"role":"assistant","content":"a"}]"#)
                == #"[{"role":"assistant","content":"a"},"# + own + "]")
        #expect(try messages(#"["odd"]"#) == #"["odd","# + own + "]")
        let made = try request(#"{"model":"m"}"#)
        try made.add(image: url)
        #expect(made.text == #"{"model":"m","messages":["# + own + "]}")
    }

    @Test func aMessageWithoutARoleCountsAsTheUsers() throws {
        // The provider's own sample has no role.
        #expect(
            try messages(#"[{"content":"a"}]"#) == #"[{"content":[{"type":"text","text":"a"},"#
                + part + "]}]")
    }

    @Test func theLastOfDuplicateContentsCounts() throws {
        #expect(
            try messages(#"[{"role":"user","content":"a","content":"b"}]"#)
                == #"[{"role":"user","content":"a","content":[{"type":"text","text":"b"},"# + part
                + "]}]")
    }

    @Test func contentOfAnotherTypeIsRejected() throws {
        for content in [#","content":null"#, #","content":{}"#, #","content":1"#, ""] {
            #expect(
                complaint { _ = try messages(#"[{"role":"user"\#(content)}]"#) }
                    == "the last message's content is neither text nor an array of parts")
        }
        #expect(complaint { _ = try messages("{}") } == "the request's messages are not an array")
    }

    @Test func details() throws {
        let made = try request(model: "m")
        for detail in ["low", "high", "auto"] { try made.add(image: url, detail) }
        #expect(made.text.components(separatedBy: #""detail":"high""#).count == 2)
        #expect(jsonProblem(made.text) == nil)
        #expect(
            complaint { try made.add(image: url, "best") }
                == "an image's detail must be \"low\", \"high\" or \"auto\", not best")
        #expect(
            complaint { try made.add(image: url, "") }
                == "an image's detail must be \"low\", \"high\" or \"auto\", not ")
    }

    @Test func urls() throws {
        let made = try request(model: "m")
        for url in ["http://a/b.jpg", "data:image/png;base64,AAAA", "https://a/\"b\\"] {
            try made.add(image: url)
        }
        #expect(made.text.contains(#"{"url":"https://a/\"b\\"}"#))
        for url in ["", "a.png", "file:///a.png", "/a.png", "ftp://a/b.png", "HTTPS"] {
            #expect(
                complaint { try made.add(image: url) }
                    == "an image's URL must begin with https://, http:// or data:, not \(url)")
        }
        #expect(
            complaint {
                try withCopy(Array("http://".utf8) + [0xFF]) {
                    try made.addImage(url: $0, detail: nil)
                }
            }
                == "the image's URL is not UTF-8")
    }

    static let files: [(type: String, bytes: [UInt8])] = [
        ("jpeg", [0xFF, 0xD8, 0xFF, 0xE0, 0x00]),
        ("png", [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0xFF]),
        ("gif", Array("GIF87a!".utf8)), ("gif", Array("GIF89a".utf8)),
        ("webp", Array("RIFF\u{1}\u{2}\u{3}\u{4}WEBPVP8 ".utf8)),
    ]

    @Test(arguments: files)
    func formatsAreRecognised(_ type: String, _ bytes: [UInt8]) throws {
        let made = try request(model: "m")
        try withCopy(bytes) { try made.addImage(bytes: $0, detail: nil) }
        let url = try withJSON(made.text) { body in
            withCopy("/messages/0/content/0/image_url/url") { pointer in
                body.value(at: pointer).map { url in ByteBuffer.text { url.appendText(to: &$0) } }
            }
        }
        #expect(url == "data:image/\(type);base64," + Data(bytes).base64EncodedString())
        // An incomplete signature is not recognised.
        let signature = type == "webp" ? 12 : type == "jpeg" ? 3 : type == "png" ? 8 : 6
        for length in 0..<signature {
            let problem = complaint {
                try withCopy(bytes[..<length]) { try made.addImage(bytes: $0, detail: nil) }
            }
            #expect(problem == "the image is not a JPEG, PNG, GIF or WEBP file: convert it")
        }
    }

    @Test func filesAreReadImmediately() throws {
        let made = try request(model: "m")
        let path = FileManager.default.temporaryDirectory.appendingPathComponent(
            "thinkwire-\(getpid())-image.gif"
        ).path
        try Data("GIF89a".utf8).write(to: URL(fileURLWithPath: path))
        try made.addImage(file: path, detail: nil)
        try FileManager.default.removeItem(atPath: path)
        #expect(made.text.contains("data:image/gif;base64,R0lGODlh"))
        #expect(
            complaint { try made.addImage(file: path, detail: nil) }
                == "the image file \(path) cannot be read: No such file or directory")
        #expect(
            complaint { try made.addImage(file: "/", detail: nil) }
                == "the image file / cannot be read: Is a directory")
    }
}
