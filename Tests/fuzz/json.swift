import CPlatform

@testable import Base
@testable import Chat
@testable import Engine

/// The input: a JSON text and, after the last NUL if there is one, a pointer. JSON contains no NUL.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    let input = Bytes(start: start, count: count)
    let end = input.lastIndex(of: 0)
    withCopy(input.part(0..<(end ?? count))) { text in
        withCopy(input.dropping(end.map { $0 + 1 } ?? count)) { pointer in check(text, pointer) }
    }
    return 0
}

/// Checks that leniency accepts all JSON, and that what else it accepts has standard JSON.
private func checkLeniency(_ text: Bytes, isJSON: Bool) {
    var reader = JSONReader()
    guard let root = try? reader.read(text, .lenient) else {
        return demand(!isJSON, "leniency accepts JSON")
    }
    demand(isJSON || !root.isStandard, "a text that is not JSON is marked")
    let standard = standardJSON(root.raw)
    var strictReader = JSONReader()
    demand(
        (try? strictReader.read(standard.bytes, .rejectsInvalidUTF8)) != nil,
        "standard JSON is JSON: \(standard.bytes.shown)")
}

private func check(_ text: Bytes, _ pointer: Bytes) {
    let isJSON = JSONReference.accepts(Array(text))
    var strictReader = JSONReader()
    let isStrict = (try? strictReader.read(text, .rejectsInvalidUTF8)) != nil
    demand(
        isStrict == (isJSON && isValidUTF8(text)), "strict mode accepts valid UTF-8 JSON: \(isJSON)"
    )

    checkLeniency(text, isJSON: isJSON)

    var reader = JSONReader()
    let root: JSONValue
    do { root = try reader.read(text) } catch {
        demand(!isJSON, "JSON is accepted, not rejected with \(error)")
        demand((0...text.count).contains(error.offset), "the error is inside the text")
        demand(
            (error.problem == .unexpectedEnd) == (error.offset == text.count),
            "unexpectedEnd is at the end: \(error)")
        return
    }
    demand(isJSON, "an accepted text is JSON")
    demand(same(root.raw, trimmed(text)), "the value has the range of the text")

    var walk = Walk(root: root)
    walk.visit(root, inside: 0..<text.count, path: [])
    if let found = root.value(at: pointer) {
        demand(
            pointer.isEmpty || pointer[0] == UInt8(ascii: "/"), "only a valid pointer finds a value"
        )
        demand(
            root.range.contains(found.range.lowerBound)
                && found.range.upperBound <= root.range.upperBound,
            "the found value lies inside the root")
    }

    // Written JSON is parsed, and written again as the same bytes.
    var written = ByteBuffer()
    write(root, to: &written)
    var again = JSONReader()
    guard let copy = try? again.read(written.bytes, .rejectsInvalidUTF8) else {
        fatalError("violated: written text is JSON: \(written.bytes.shown)")
    }
    var rewritten = ByteBuffer()
    write(copy, to: &rewritten)
    demand(
        same(written.bytes, rewritten.bytes), "\(written.bytes.shown) is \(rewritten.bytes.shown)")
}

private struct Walk {
    let root: JSONValue
    /// The number of pointers that are still followed; each starts at the root.
    private var pointersLeft = 24

    init(root: JSONValue) { self.root = root }

    /// Checks a value. `path`: its pointer; nil if a later member has the same name.
    mutating func visit(_ value: JSONValue, inside: Range<Int>, path: [UInt8]?) {
        demand(
            inside.lowerBound <= value.range.lowerBound
                && value.range.upperBound <= inside.upperBound, "\(value.range) in \(inside)")
        if let path, pointersLeft > 0 {
            pointersLeft -= 1
            path.withUnsafeBufferPointer {
                demand(root.value(at: $0)?.range == value.range, "\($0.shown) finds the value")
            }
        }
        switch value.kind {
        case .null: demand(value.raw.equals("null"), "null")
        case .true: demand(value.raw.equals("true"), "true")
        case .false: demand(value.raw.equals("false"), "false")
        case .number: visit(number: value)
        case .string: visit(string: value)
        case .array:
            var end = value.range.lowerBound + 1
            for (index, element) in value.elements.enumerated() {
                visit(
                    element, inside: end..<value.range.upperBound - 1,
                    path: path.map { $0 + Array("/\(index)".utf8) })
                end = element.range.upperBound
            }
        case .object:
            var end = value.range.lowerBound + 1
            for (name, member) in value.members {
                visit(name, inside: end..<member.range.lowerBound, path: nil)
                var text = ByteBuffer()
                name.appendText(to: &text)
                let isLast = pointersLeft > 0 && value[text.bytes]?.range == member.range
                visit(
                    member, inside: name.range.upperBound..<value.range.upperBound - 1,
                    path: isLast ? path.map { $0 + step(text.bytes) } : nil)
                end = member.range.upperBound
            }
        }
    }

    private func step(_ name: Bytes) -> [UInt8] {
        [UInt8(ascii: "/")]
            + name.flatMap {
                $0 == UInt8(ascii: "~")
                    ? Array("~0".utf8) : $0 == UInt8(ascii: "/") ? Array("~1".utf8) : [$0]
            }
    }

    private func visit(number: JSONValue) {
        let digits = String(decoding: number.raw, as: UTF8.self)
        let double = Double(digits).flatMap { $0.isFinite ? $0 : nil }
        demand(number.double == double, "\(digits) is \(String(describing: number.double))")
        if let whole = Int64(digits) {
            demand(number.integer == whole, "\(digits) is \(String(describing: number.integer))")
        } else if let integer = number.integer {
            demand(Double(integer) == double, "\(digits) is \(integer)")
        }
    }

    private func visit(string: JSONValue) {
        var text = ByteBuffer()
        string.appendText(to: &text)
        demand(isValidUTF8(text.bytes), "text is UTF-8: \(string.raw.shown)")
        demand(string.isText(text.bytes), "a string equals its own text")
        demand(
            !string.isPlain || same(text.bytes, string.contents),
            "the text of a plain string is its contents")
    }
}

private func write(_ value: JSONValue, to json: inout ByteBuffer) {
    var separator: StaticString = ""
    switch value.kind {
    case .string:
        var text = ByteBuffer()
        value.appendText(to: &text)
        json.append(jsonString: text.bytes)
    case .array:
        json.append("[")
        for element in value.elements {
            json.append(separator)
            separator = ","
            write(element, to: &json)
        }
        json.append("]")
    case .object:
        json.append("{")
        for (name, member) in value.members {
            json.append(separator)
            separator = ","
            write(name, to: &json)
            json.append(":")
            write(member, to: &json)
        }
        json.append("}")
    default: json.append(value.raw)
    }
}
