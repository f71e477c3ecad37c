import CPlatform
import CThinkwire

@testable import Base
@testable import Chat
@testable import Engine

/// The input: operations separated by \1, each a letter and arguments separated by \2. JSON
/// contains neither byte.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    var session: Session?
    for operation in Bytes(start: start, count: count).parts(1).prefix(40) {
        guard let letter = operation.first else { continue }
        let arguments = operation.dropping(1).parts(2)
        if session == nil {
            session = Session(letter, arguments[0])
        } else {
            session?.apply(letter, arguments)
        }
    }
    return 0
}

private struct Session {
    private let request: Request

    /// Creates a request: for the letter "p" from a body, for another letter from the name of a
    /// model.
    init(_ letter: UInt8, _ argument: Bytes) {
        if letter == UInt8(ascii: "p"), let parsed = try? Request.parse(argument) {
            demand(same(parsed.json, argument), "a body is kept unchanged")
            request = parsed
        } else {
            request =
                (try? Request.create(model: argument))
                ?? (try! Request.create(model: StaticText.bytes("m")))
        }
        _ = outline(request.json)
    }

    mutating func apply(_ letter: UInt8, _ given: [Bytes]) {
        let before = ByteBuffer.of(request.json)
        func argument(_ index: Int) -> Bytes {
            index < given.count ? given[index] : Bytes(start: nil, count: 0)
        }
        func optional(_ index: Int) -> Bytes? { index < given.count ? given[index] : nil }
        let edit: Edit
        do {
            switch letter {
            case UInt8(ascii: "m"):
                try request.addMessage(role: argument(0), text: argument(1))
                edit = .appended("messages", nil)
            case UInt8(ascii: "j"):
                try request.addMessage(json: argument(0))
                edit = .appended("messages", trimmed(argument(0)))
            case UInt8(ascii: "r"):
                try request.addToolResult(id: argument(0), text: argument(1))
                edit = .appended("messages", nil)
            case UInt8(ascii: "f"):
                try request.addTool(
                    name: argument(0), description: optional(1), parameters: optional(2))
                edit = .appended("tools", nil)
            case UInt8(ascii: "u"):
                try request.addImage(url: argument(0), detail: optional(1))
                edit = .changedLastMessage
            case UInt8(ascii: "i"):
                try request.addImage(bytes: argument(0), detail: optional(1))
                edit = .changedLastMessage
            case UInt8(ascii: "s"):
                try request.set(argument(0), to: optional(1))
                edit = .set(argument(0), optional(1).map { trimmed($0) })
            case UInt8(ascii: "a"):
                try request.addReply(reply(argument(0)))
                edit = .appended("messages", nil)
            case UInt8(ascii: "t"):
                let mode = tw_thinking(rawValue: UInt32(argument(0).first ?? 0))
                try request.setThinking(
                    mode, budget: Int64(Int8(bitPattern: argument(1).first ?? 0)))
                edit = .nothing
            default:
                checkWire(argument(0))
                edit = .nothing
            }
        } catch {
            demand(isOneLine(error.message.text.bytes), "an error message is one line")
            edit = .nothing
        }
        if case .nothing = edit {
            demand(
                same(before.bytes, request.json),
                "a rejected edit changes nothing: \(before.bytes.shown) is \(request.json.shown)")
        } else {
            check(outline(before.bytes), outline(request.json), edit)
        }
    }

    /// Checks the body that is sent: it has all fields that were set, except those that the sending
    /// call sets.
    private func checkWire(_ settings: Bytes) {
        let choice = settings.first ?? 0
        let hosts: [StaticString] = [
            "localhost", "api.aimlapi.com", "openrouter.ai", "api.openai.com",
        ]
        request.startsInsideThink = choice & 2 != 0 ? true : nil
        let host = StaticText.bytes(hosts[Int(choice >> 2 & 3)])
        let port = StaticText.bytes("8000")
        let chosen = ThinkingDialect(rawValue: choice >> 4 & 7)
        let wire = request.wireBody(
            wantsStream: choice & 1 != 0, to: HostRows(host: host, port: port), dialect: chosen)
        let own: [StaticString] = [
            "stream", "stream_options", "enable_thinking", "thinking_budget",
            "chat_template_kwargs", "reasoning_effort", "reasoning", "thinking", "extra_body",
            "thinking_token_budget", "thinking_budget_tokens", "reasoning_budget_tokens",
        ]
        let hasReasoning = request.json.contains(ReceivedReasoning.name)
        func rest(_ outline: Outline) -> [Outline.Member] {
            outline.members.filter { member in
                !own.contains { member.isNamed(StaticText.bytes($0)) }
                    && !(hasReasoning && member.isNamed(StaticText.bytes("messages")))
            }
        }
        // Reasoning is replaced in the messages that hold it; no other message changes.
        func messages(_ outline: Outline) -> [[UInt8]] {
            outline.members.last { $0.isNamed(StaticText.bytes("messages")) }.map {
                elements($0.value)
            } ?? []
        }
        let (sent, set) = (outline(wire.text.bytes), outline(request.json))
        demand(
            rest(sent).map(\.text) == rest(set).map(\.text),
            "\(wire.text.bytes.shown) is \(request.json.shown)")
        demand(messages(sent).count == messages(set).count, "the number of messages is the same")
        for (message, own) in zip(messages(sent), messages(set)) where message != own {
            demand(
                own.withUnsafeBufferPointer { $0.contains(ReceivedReasoning.name) },
                "only messages with reasoning change: \(message) is \(own)")
        }
        let streams = sent.members.filter { $0.isNamed(StaticText.bytes("stream")) }
        demand(
            streams.allSatisfy {
                $0.value.elementsEqual((wire.isStreamed ? "true" : "false").utf8)
            }, "the field stream has the right value")
        demand(!wire.isStreamed || !streams.isEmpty, "a streamed response is requested")
        demand(!(choice & 1 != 0) || wire.isStreamed, "a stream that was requested is streamed")
    }
}

/// The reply of a stream with these chunks, one per line.
private func reply(_ lines: Bytes) -> Reply {
    let reply = Reply()
    var decoder = ChunkParser()
    for line in lines.parts(UInt8(ascii: "\n")) {
        guard (try? decoder.decode(chunk: line, named: StaticText.bytes(""), into: reply)) != nil
        else { break }
    }
    decoder.finish(reply)
    reply.buildToolCallTable()
    return reply
}

// MARK: The effect of an edit

private enum Edit {
    case nothing
    /// The new value of a field; nil if it was removed.
    case set(Bytes, Bytes?)
    /// The appended element; nil if it is not known.
    case appended(StaticString, Bytes?)
    case changedLastMessage
}

/// The text of a JSON object, split at its members.
private struct Outline {
    struct Member {
        /// The text before the name, with the comma.
        var front: [UInt8]
        var name: [UInt8]
        var colon: [UInt8]
        var value: [UInt8]

        var text: [[UInt8]] { [name, value] }

        func isNamed(_ wanted: Bytes) -> Bool {
            var reader = JSONReader()
            return name.withUnsafeBufferPointer { ((try? reader.read($0))?.isText(wanted))! }
        }
    }

    var members: [Member]
    var tail: [UInt8]
}

private func outline(_ json: Bytes) -> Outline {
    var reader = JSONReader()
    guard let object = try? reader.read(json, .rejectsInvalidUTF8), object.kind == .object else {
        fatalError("violated: a body is a JSON object: \(json.shown)")
    }
    var end = 0
    let members = object.members.map { name, value in
        defer { end = value.range.upperBound }
        return Outline.Member(
            front: Array(json.part(end..<name.range.lowerBound)), name: Array(name.raw),
            colon: Array(json.part(name.range.upperBound..<value.range.lowerBound)),
            value: Array(value.raw))
    }
    return Outline(members: members, tail: Array(json.dropping(end)))
}

private func check(_ before: Outline, _ after: Outline, _ edit: Edit) {
    switch edit {
    case .nothing: break
    case .set(let name, nil):
        demand(
            after.members.map(\.text) == before.members.filter { !$0.isNamed(name) }.map(\.text),
            "only the removed field is absent")
    case .set(let name, let value?):
        let isNew = !before.members.contains { $0.isNamed(name) }
        checkOthers(before, after, isNew ? name : nil) { $0.isNamed(name) }
        for member in after.members where member.isNamed(name) {
            demand(member.value.elementsEqual(value), "\(name.shown) has the new value")
        }
    case .appended(let name, let element):
        let index = before.members.lastIndex { $0.isNamed(StaticText.bytes(name)) }
        checkOthers(before, after, index == nil ? StaticText.bytes(name) : nil, at: index)
        let old = index.map { elements(before.members[$0].value) } ?? []
        let new = elements(after.members[index ?? after.members.count - 1].value)
        demand(
            new.count == old.count + 1 && Array(new.dropLast()) == old,
            "one element is added at the end")
        if let element { demand(new[old.count].elementsEqual(element), "the element is unchanged") }
    case .changedLastMessage:
        let index = before.members.lastIndex { $0.isNamed(StaticText.bytes("messages")) }
        checkOthers(before, after, index == nil ? StaticText.bytes("messages") : nil) {
            $0.isNamed(StaticText.bytes("messages"))
        }
        let old = index.map { elements(before.members[$0].value) } ?? []
        let new = elements(after.members[index ?? after.members.count - 1].value)
        demand(
            new.count == old.count + 1 && Array(new.dropLast()) == old
                || new.count == old.count && new.dropLast() == old.dropLast(),
            "the other elements are unchanged")
    }
}

/// Checks that all bytes are unchanged except the values of the changed members and a new member at
/// the end.
private func checkOthers(
    _ before: Outline, _ after: Outline, _ new: Bytes?, at changed: Int? = nil,
    _ isChanged: (Outline.Member) -> Bool = { _ in false }
) {
    demand(
        after.members.count == before.members.count + (new == nil ? 0 : 1),
        "the number of members is right")
    for (index, (old, kept)) in zip(before.members, after.members).enumerated() {
        demand(
            old.front == kept.front && old.name == kept.name && old.colon == kept.colon,
            "a member keeps its position and spelling")
        demand(
            index == changed || isChanged(old) || old.value == kept.value,
            "a member that was not set is unchanged")
    }
    if let new {
        demand(after.members[after.members.count - 1].isNamed(new), "a new member is the last")
    }
    if !before.members.isEmpty {
        demand(before.tail == after.tail, "the text after the last member is unchanged")
    }
}

private func elements(_ array: [UInt8]) -> [[UInt8]] {
    var reader = JSONReader()
    return array.withUnsafeBufferPointer { array in
        ((try? reader.read(array))?.elements.map { Array($0.raw) }) ?? []
    }
}

extension ByteBuffer {
    fileprivate static func of(_ bytes: Bytes) -> ByteBuffer {
        var buffer = ByteBuffer()
        buffer.append(bytes)
        return buffer
    }
}
