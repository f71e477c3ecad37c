import CPlatform
import CThinkwire

@testable import Base
@testable import Chat
@testable import Engine

/// A byte of settings, and chunks, one a line: behind a "!" one that is called "error"; lines that begin with "/" are pointers into
/// the document that comes of them. Settings: 1 thinking is off, 2 the caller says that the thought has begun, 4 so does the model's
/// template, 8 it is a document and no stream. 0x10: no chunks, but bytes to repair; 0x20: text with tags; both cut as the next byte says.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    guard count >= 2 else { return -1 }
    let input = Bytes(start: start, count: count)
    let settings = input[0]
    switch settings & 0x30 {
    case 0x10: checkRepair(input.dropping(2), input[1])
    case 0x20: checkTags(input.dropping(2), input[1], isOpened: settings & 2 != 0)
    default: checkChunks(input.dropping(1), settings)
    }
    return 0
}

// MARK: Chunks

private func checkChunks(_ text: Bytes, _ settings: UInt8) {
    let lines = text.parts(UInt8(ascii: "\n"))
    let chunks = lines.filter { $0.first != UInt8(ascii: "/") }
    let told = Told(settings)
    if settings & 8 != 0 { told.read(document: chunks.first ?? text) } else { told.read(chunks) }
    told.checkTexts()
    told.checkDocument(
        pointers: lines.filter { $0.first == UInt8(ascii: "/") }, isStream: settings & 8 == 0)
}

/// What is told of a stream, and a second reply that every chunk is read into by a decoder that knows none of those before: what is
/// known of them may save work, but says nothing.
private final class Told {
    private let reply = Reply()
    private let plain = Reply()
    private var decoder = ChunkParser()
    private var texts: [(event: Event, text: [UInt8])] = []

    init(_ settings: UInt8) {
        reply.expected.isThinkingOff = settings & 1 != 0
        reply.expected.startsInsideThink = settings & 2 != 0
        reply.expected.templateStartsInsideThink = settings & 4 != 0
        plain.expected = reply.expected
    }

    func read(_ chunks: [Bytes]) {
        var forgetful = ChunkParser()
        for line in chunks {
            let isError = line.first == UInt8(ascii: "!")
            let name = isError ? StaticText.bytes("error") : StaticText.bytes("")
            forgetful = ChunkParser()
            decoder.removeEvents()
            let problems: (String, String) = withCopy(line.dropping(isError ? 1 : 0)) { chunk in
                var problems = ("", "")
                do { try decoder.decode(chunk: chunk, named: name, into: reply) } catch {
                    problems.0 = "\(error)"
                }
                do { try forgetful.decode(chunk: chunk, named: name, into: plain) } catch {
                    problems.1 = "\(error)"
                }
                return problems
            }
            demand(problems.0 == problems.1, "\(problems.0) is \(problems.1)")
            compare(forgetful)
            // An exchange tells what a chunk that ends it still has to say together with the end.
            if !problems.0.isEmpty { break }
            note()
            decoder.removeEvents()
            forgetful.removeEvents()
        }
        decoder.finish(reply)
        forgetful.finish(plain)
        compare(forgetful)
        note()
        demand(
            same(reply.message.bytes, plain.message.bytes) && reply.status == plain.status,
            "they are refused alike")
        demand(
            same(reply.document, plain.document),
            "\(reply.document.shown) is \(plain.document.shown)")
    }

    func read(document: Bytes) {
        reply.body.append(document)
        do { try decoder.decode(document: reply.body.bytes, into: reply) } catch {}
        note()
        decoder.removeEvents()
        decoder.finish(reply)
        note()
    }

    private func compare(_ forgetful: borrowing ChunkParser) {
        demand(
            decoder.events.count == forgetful.events.count,
            "\(decoder.events) are \(forgetful.events)")
        for (one, other) in zip(decoder.events, forgetful.events) {
            demand(
                one.kind == other.kind && one.choice == other.choice && one.tool == other.tool
                    && one.range == other.range,
                "\(one) is \(other)")
        }
    }

    private func note() {
        for event in decoder.events {
            if event.kind == TW_EVENT_USAGE {
                demand(reply.hasUsage, "usage is told when there is some")
                continue
            }
            let choice = reply.choices[event.choice]
            switch event.kind {
            case TW_EVENT_REASONING: note(event, choice.reasoning.text)
            case TW_EVENT_CONTENT: note(event, choice.content.text)
            case TW_EVENT_REFUSAL: note(event, choice.refusal.text)
            case TW_EVENT_TOOL_CALL: note(event, choice.toolCalls[event.tool].arguments.text)
            default:
                demand(
                    event.kind == TW_EVENT_FINISH && event.range == 0..<choice.finishReason.count,
                    "a reason is told whole: \(event)")
                demand(isWhole(choice.finishReason.bytes), "a reason is UTF-8")
            }
        }
    }

    private func note(_ event: Event, _ text: borrowing ByteBuffer) {
        demand(event.range.upperBound <= text.count, "\(event) of \(text.count)")
        let piece = text.bytes.part(event.range)
        demand(
            isWhole(piece) && text.start[event.range.upperBound] == 0,
            "a piece is whole characters, and a NUL: \(piece.shown)")
        let place = place(event.kind, event.choice, event.tool)
        demand(
            texts[place].text.count == event.range.lowerBound,
            "\(event) comes behind \(texts[place].text.count)")
        texts[place].text += piece
    }

    private func place(_ kind: tw_event_kind, _ choice: Int, _ tool: Int) -> Int {
        if let known = texts.firstIndex(where: {
            $0.event.kind == kind && $0.event.choice == choice && $0.event.tool == tool
        }) {
            return known
        }
        texts.append((Event(kind: kind, choice: choice, tool: tool), []))
        return texts.count - 1
    }

    /// All that was told is all that there is.
    func checkTexts() {
        for (position, choice) in reply.choices.enumerated() {
            check(TW_EVENT_REASONING, position, -1, choice.reasoning.text)
            check(TW_EVENT_CONTENT, position, -1, choice.content.text)
            check(TW_EVENT_REFUSAL, position, -1, choice.refusal.text)
            for (tool, call) in choice.toolCalls.enumerated() {
                check(TW_EVENT_TOOL_CALL, position, tool, call.arguments.text)
                demand(isWhole(call.id.bytes) && isWhole(call.name.bytes), "a call's name is UTF-8")
            }
        }
        demand(
            isOneLine(reply.message.bytes), "the message is one line: \(reply.message.bytes.shown)")
        demand(isOneLine(reply.requestID.bytes), "so is the id: \(reply.requestID.bytes.shown)")
    }

    private func check(
        _ kind: tw_event_kind, _ choice: Int, _ tool: Int, _ text: borrowing ByteBuffer
    ) {
        let told = texts[place(kind, choice, tool)].text
        demand(
            text.bytes.elementsEqual(told),
            "\(String(decoding: told, as: UTF8.self)) was told of \(text.bytes.shown)")
    }

    func checkDocument(pointers: [Bytes], isStream: Bool) {
        reply.buildToolCallTable()
        var reader = JSONReader()
        let document = reply.document
        demand(
            !isStream || document.isEmpty
                || (try? reader.read(document, .rejectsInvalidUTF8))?.kind == .object,
            "the document is JSON: \(document.shown)")
        for pointer in pointers + [
            StaticText.bytes(""), StaticText.bytes("/choices/0/message/content"),
        ] {
            if let found = reply.lookUp(pointer) {
                demand(isWhole(found), "\(pointer.shown) is UTF-8: \(found.shown)")
            }
        }
    }
}

// MARK: The stages that see text

/// As the standard library repairs it, wherever it is cut.
private func checkRepair(_ bytes: Bytes, _ cut: UInt8) {
    var text = ByteBuffer()
    var repair = UTF8Decoder()
    for piece in bytes.pieces(cut) {
        withCopy(piece) { repair.append(raw: $0, to: &text) }
        demand(isWhole(text.bytes), "what is out is whole: \(text.bytes.shown)")
    }
    repair.finish(&text)
    demand(
        text.bytes.elementsEqual(String(decoding: bytes, as: UTF8.self).utf8),
        "\(text.bytes.shown) is \(bytes.shown)")
    demand(isUTF8(bytes) == isWhole(bytes), "\(bytes.shown) is UTF-8, or not")
}

private func checkTags(_ text: Bytes, _ cut: UInt8, isOpened: Bool) {
    var reasoning = ByteBuffer(), content = ByteBuffer()
    var wholeReasoning = ByteBuffer(), wholeContent = ByteBuffer()
    var tags = ThinkTagParser(isOpened: isOpened)
    var whole = ThinkTagParser(isOpened: isOpened)
    for piece in text.pieces(cut) {
        withCopy(piece) { piece in
            if tags.isInContent {
                content.append(piece)
            } else {
                tags.split(piece, reasoning: &reasoning, content: &content)
            }
        }
    }
    tags.finish(reasoning: &reasoning, content: &content)
    whole.split(text, reasoning: &wholeReasoning, content: &wholeContent)
    whole.finish(reasoning: &wholeReasoning, content: &wholeContent)
    demand(
        same(reasoning.bytes, wholeReasoning.bytes),
        "the thought: \(reasoning.bytes.shown) is \(wholeReasoning.bytes.shown)")
    demand(
        same(content.bytes, wholeContent.bytes),
        "the answer: \(content.bytes.shown) is \(wholeContent.bytes.shown)")
    demand(
        same(tags.removedPrefix.bytes, whole.removedPrefix.bytes),
        "what was taken out: \(tags.removedPrefix.bytes.shown) is \(whole.removedPrefix.bytes.shown)")
    demand(text.count == tags.removedPrefix.count + content.count, "nothing is lost")
}
