import CPlatform
import CThinkwire

@testable import Base
@testable import Chat
@testable import Engine

/// The input: a byte of settings, and chunks, one per line.
///
/// A chunk after "!" has the event name "error". A line after "/" is a pointer into the resulting
/// document.
///
/// Settings: 1: thinking is off; 2: the caller says that the text starts inside `<think>`; 4: the
/// model's template says so; 8: the input is a document, not a stream; 0x10: the input is bytes for
/// `UTF8Decoder`; 0x20: the input is text with tags. After the last two, a byte selects the splits.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    guard count >= 2 else { return -1 }
    let input = Bytes(start: start, count: count)
    let settings = input[0]
    switch settings & 0x30 {
    case 0x10: checkUTF8Decoder(input.dropping(2), input[1])
    case 0x20: checkTags(input.dropping(2), input[1], isOpened: settings & 2 != 0)
    default: checkChunks(input.dropping(1), settings)
    }
    return 0
}

// MARK: Chunks

private func checkChunks(_ text: Bytes, _ settings: UInt8) {
    let lines = text.parts(UInt8(ascii: "\n"))
    let chunks = lines.filter { $0.first != UInt8(ascii: "/") }
    let comparison = Comparison(settings)
    if settings & 8 != 0 {
        comparison.read(document: chunks.first ?? text)
    } else {
        comparison.read(chunks)
    }
    comparison.checkTexts()
    comparison.checkDocument(
        pointers: lines.filter { $0.first == UInt8(ascii: "/") }, isStream: settings & 8 == 0)
}

/// Parses a stream twice, the second time with a new parser for each chunk, and compares the
/// replies.
///
/// What a parser knows of earlier chunks may save work, but must not change the result.
private final class Comparison {
    private let reply = Reply()
    private let plain = Reply()
    private var parser = ChunkParser()
    private var texts: [(event: Event, text: [UInt8])] = []

    init(_ settings: UInt8) {
        reply.expected.isThinkingOff = settings & 1 != 0
        reply.expected.startsInsideThink = settings & 2 != 0
        reply.expected.templateStartsInsideThink = settings & 4 != 0
        plain.expected = reply.expected
    }

    func read(_ chunks: [Bytes]) {
        var fresh = ChunkParser()
        for line in chunks {
            let isError = line.first == UInt8(ascii: "!")
            let name = isError ? StaticText.bytes("error") : StaticText.bytes("")
            fresh = ChunkParser()
            parser.removeEvents()
            let problems: (String, String) = withCopy(line.dropping(isError ? 1 : 0)) { chunk in
                var problems = ("", "")
                do { try parser.decode(chunk: chunk, named: name, into: reply) } catch {
                    problems.0 = "\(error)"
                }
                do { try fresh.decode(chunk: chunk, named: name, into: plain) } catch {
                    problems.1 = "\(error)"
                }
                return problems
            }
            demand(problems.0 == problems.1, "\(problems.0) is \(problems.1)")
            compare(fresh)
            // An exchange reports the events of a chunk that ends it together with the end.
            if !problems.0.isEmpty { break }
            recordEvents()
            parser.removeEvents()
            fresh.removeEvents()
        }
        parser.finish(reply)
        fresh.finish(plain)
        compare(fresh)
        recordEvents()
        demand(
            same(reply.message.bytes, plain.message.bytes) && reply.status == plain.status,
            "the errors are the same")
        demand(
            same(reply.document, plain.document),
            "\(reply.document.shown) is \(plain.document.shown)")
    }

    func read(document: Bytes) {
        reply.body.append(document)
        do { try parser.decode(document: reply.body.bytes, into: reply) } catch {}
        recordEvents()
        parser.removeEvents()
        parser.finish(reply)
        recordEvents()
    }

    private func compare(_ fresh: borrowing ChunkParser) {
        demand(
            parser.events.count == fresh.events.count,
            "\(parser.events) are \(fresh.events)")
        for (one, other) in zip(parser.events, fresh.events) {
            demand(
                one.kind == other.kind && one.choice == other.choice && one.tool == other.tool
                    && one.range == other.range,
                "\(one) is \(other)")
        }
    }

    private func recordEvents() {
        for event in parser.events {
            if event.kind == TW_EVENT_USAGE {
                demand(reply.hasUsage, "a usage event requires usage")
                continue
            }
            let choice = reply.choices[event.choice]
            switch event.kind {
            case TW_EVENT_REASONING: record(event, choice.reasoning.text)
            case TW_EVENT_CONTENT: record(event, choice.content.text)
            case TW_EVENT_REFUSAL: record(event, choice.refusal.text)
            case TW_EVENT_TOOL_CALL: record(event, choice.toolCalls[event.tool].arguments.text)
            default:
                demand(
                    event.kind == TW_EVENT_FINISH && event.range == 0..<choice.finishReason.count,
                    "a finish reason is reported as a whole: \(event)")
                demand(isValidUTF8(choice.finishReason.bytes), "a finish reason is UTF-8")
            }
        }
    }

    private func record(_ event: Event, _ text: borrowing ByteBuffer) {
        demand(event.range.upperBound <= text.count, "\(event) of \(text.count)")
        let piece = text.bytes.part(event.range)
        demand(
            isValidUTF8(piece) && text.start[event.range.upperBound] == 0,
            "a piece is complete characters and a NUL: \(piece.shown)")
        let index = textIndex(event.kind, event.choice, event.tool)
        demand(
            texts[index].text.count == event.range.lowerBound,
            "\(event) comes after \(texts[index].text.count)")
        texts[index].text += piece
    }

    private func textIndex(_ kind: tw_event_kind, _ choice: Int, _ tool: Int) -> Int {
        if let known = texts.firstIndex(where: {
            $0.event.kind == kind && $0.event.choice == choice && $0.event.tool == tool
        }) {
            return known
        }
        texts.append((Event(kind: kind, choice: choice, tool: tool), []))
        return texts.count - 1
    }

    /// Checks that the reported pieces add up to the texts of the reply.
    func checkTexts() {
        for (index, choice) in reply.choices.enumerated() {
            check(TW_EVENT_REASONING, index, -1, choice.reasoning.text)
            check(TW_EVENT_CONTENT, index, -1, choice.content.text)
            check(TW_EVENT_REFUSAL, index, -1, choice.refusal.text)
            for (tool, call) in choice.toolCalls.enumerated() {
                check(TW_EVENT_TOOL_CALL, index, tool, call.arguments.text)
                demand(
                    isValidUTF8(call.id.bytes) && isValidUTF8(call.name.bytes),
                    "a call's name is UTF-8")
            }
        }
        demand(
            isOneLine(reply.message.bytes), "the message is one line: \(reply.message.bytes.shown)")
        demand(
            isOneLine(reply.requestID.bytes),
            "the request id is one line: \(reply.requestID.bytes.shown)")
    }

    private func check(
        _ kind: tw_event_kind, _ choice: Int, _ tool: Int, _ text: borrowing ByteBuffer
    ) {
        let reported = texts[textIndex(kind, choice, tool)].text
        demand(
            text.bytes.elementsEqual(reported),
            "\(String(decoding: reported, as: UTF8.self)) was reported of \(text.bytes.shown)")
    }

    func checkDocument(pointers: [Bytes], isStream: Bool) {
        reply.buildToolCallTable()
        var reader = JSONReader()
        let document = reply.document
        demand(
            !isStream || document.isEmpty
                || (try? reader.read(document, .rejectsInvalidUTF8))?.kind == .object,
            "the document is JSON: \(document.shown)")
        let isJSON = (try? reader.read(document)) != nil
        demand(
            isJSON || (try? reader.read(document, .lenient)) == nil,
            "a document that was read is JSON: \(document.shown)")
        for pointer in pointers + [
            StaticText.bytes(""), StaticText.bytes("/choices/0/message/content"),
        ] {
            if let found = reply.lookUp(pointer) {
                demand(isValidUTF8(found), "\(pointer.shown) is UTF-8: \(found.shown)")
            }
        }
    }
}

// MARK: Text stages

/// Compares the decoded text with that of the standard library, for any split.
private func checkUTF8Decoder(_ bytes: Bytes, _ cut: UInt8) {
    var text = ByteBuffer()
    var decoder = UTF8Decoder()
    for piece in bytes.pieces(cut) {
        withCopy(piece) { decoder.append(raw: $0, to: &text) }
        demand(isValidUTF8(text.bytes), "appended text is valid: \(text.bytes.shown)")
    }
    decoder.finish(&text)
    demand(
        text.bytes.elementsEqual(String(decoding: bytes, as: UTF8.self).utf8),
        "\(text.bytes.shown) is \(bytes.shown)")
    demand(isUTF8(bytes) == isValidUTF8(bytes), "isUTF8 is right about \(bytes.shown)")
}

private func checkTags(_ text: Bytes, _ cut: UInt8, isOpened: Bool) {
    var reasoning = ByteBuffer(), content = ByteBuffer()
    var wholeReasoning = ByteBuffer(), wholeContent = ByteBuffer()
    var tags = ThinkTagParser(.known, isOpened: isOpened)
    var whole = ThinkTagParser(.known, isOpened: isOpened)
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
        "reasoning: \(reasoning.bytes.shown) is \(wholeReasoning.bytes.shown)")
    demand(
        same(content.bytes, wholeContent.bytes),
        "content: \(content.bytes.shown) is \(wholeContent.bytes.shown)")
    demand(
        same(tags.removedPrefix.bytes, whole.removedPrefix.bytes),
        "the removed prefix: \(tags.removedPrefix.bytes.shown) is "
            + "\(whole.removedPrefix.bytes.shown)")
    demand(text.count == tags.removedPrefix.count + content.count, "nothing is lost")
}
