import CPlatform
import CThinkwire
import Glibc

@testable import Base
@testable import Chat
@testable import Engine

/// The input: a byte for the status, a byte for the length of a line, headers, a blank line, and
/// the body of an error response.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    guard count >= 2 else { return -1 }
    let input = Bytes(start: start, count: count)
    let statuses = [
        300, 301, 400, 401, 402, 403, 404, 408, 409, 413, 422, 429, 500, 502, 503, 504, 529, 599,
        999,
    ]
    let reply = Reply()
    reply.httpStatus = statuses[Int(input[0]) % statuses.count]
    let rest = checkHeaders(input.dropping(2), of: reply)
    checkErrorResponse(rest, of: reply)
    checkLine(input.dropping(2), limit: Int(input[1]))
    if count >= 9 { checkWaits(input) }
    return 0
}

/// Reads the headers and returns the text after the blank line.
private func checkHeaders(_ text: Bytes, of reply: Reply) -> Bytes {
    var rest = text
    var lines: [(name: [UInt8], value: [UInt8])] = []
    while !rest.isEmpty {
        let end = rest.firstIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? rest.count
        let line = rest.part(0..<end)
        rest = rest.dropping(end)
        withCopy(line) { reply.headers.add(line: $0) }
        let parts = line.split(
            separator: UInt8(ascii: ":"), maxSplits: 1, omittingEmptySubsequences: false)
        if parts.count == 2, lines.count < 1000 {
            let blanks: [UInt8] = [0x20, 0x09, 0x0D, 0x0A]
            var value = Array(parts[1].drop { blanks.contains($0) })
            while let last = value.last, blanks.contains(last) { value.removeLast() }
            // The standard library replaces invalid UTF-8 in the same way.
            lines.append((Array(parts[0]), Array(String(decoding: value, as: UTF8.self).utf8)))
        }
        if trimmed(line).isEmpty { break }
    }
    func folded(_ name: [UInt8]) -> [UInt8] {
        name.map { (0x41...0x5A).contains($0) ? $0 + 32 : $0 }
    }
    for (name, _) in lines.suffix(20) {
        let expected = lines.last { folded($0.name) == folded(name) }?.value
        name.withUnsafeBufferPointer { name in
            let found = reply.headers.value(name)
            demand(found.map { Array($0) } == expected, "\(name.shown) is \(found?.shown ?? "nil")")
            if let found { demand(found.baseAddress![found.count] == 0, "a value ends in a NUL") }
        }
    }
    demand(
        reply.headers.value(StaticText.bytes("no such: header")) == nil,
        "an absent header is not found")
    reply.readRequestIDHeader()
    checkAdvice(reply.headers)
    return rest
}

/// Compares the wait with a second interpretation of the header; the C library interprets dates.
private func checkAdvice(_ headers: borrowing HeaderList) {
    let now = 1_700_000_000
    let advice = RetryPolicy.Advice(headers, now: Int64(now))
    demand(advice.wait ?? 0 >= 0, "a wait is not negative: \(advice.wait ?? 0)")
    guard let text = headers.value(StaticText.bytes("retry-after")),
        headers.value(StaticText.bytes("retry-after-ms")) == nil
    else { return }
    if let seconds = Int64(String(decoding: text, as: UTF8.self)), seconds >= 0,
        text.allSatisfy({ (0x30...0x39).contains($0) })
    {
        demand(
            advice.wait == min(seconds, 1_000_000_000) * second,
            "\(seconds) s are \(advice.wait ?? -1) ns")
    }
    // A date such as "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110, section 5.6.7) counts if the C
    // library formats it the same.
    guard text.count == 29 else { return }
    func number(_ range: Range<Int>) -> Int32 {
        Int32(String(decoding: text.part(range), as: UTF8.self)) ?? 0
    }
    let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
    var parts = tm()
    parts.tm_mon = Int32(
        months.firstIndex(of: String(decoding: text.part(8..<11), as: UTF8.self)) ?? 0)
    (parts.tm_mday, parts.tm_year) = (number(5..<7), number(12..<16) - 1900)
    (parts.tm_hour, parts.tm_min, parts.tm_sec) = (
        number(17..<19), number(20..<22), number(23..<25)
    )
    let date = timegm(&parts)
    var written = [UInt8](repeating: 0, count: 64)
    let length = written.withUnsafeMutableBytes {
        strftime($0.baseAddress!, 64, "%a, %d %b %Y %H:%M:%S GMT", &parts)
    }
    guard date >= 0, text.elementsEqual(written.prefix(length)) else { return }
    demand(
        advice.wait == Int64(min(max(date - now, 0), 1_000_000_000)) * second,
        "\(text.shown) is \(advice.wait ?? -1)")
}

/// Checks that a date is parsed in each of its three formats, and a number too, and that the
/// backoff is within its limits.
private func checkWaits(_ input: Bytes) {
    let seed = Int(input[2]) << 16 | Int(input[3]) << 8 | Int(input[4])
    let own = RetryPolicy.backoff(
        beforeAttempt: 1 + seed >> Int(input[5] & 31), random: UInt64(seed) << UInt64(input[6] & 63)
    )
    demand(own >= 375 * millisecond && own <= 8 * second, "a wait of \(own) ns")

    // From 1971 to 2068, because a year of two digits, 70, means 2070.
    var date = time_t(31_536_000 + (seed << 8 | Int(input[7])) % 3_060_000_000)
    var parts = tm()
    gmtime_r(&date, &parts)
    let forms: [StaticString] = [
        "%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y",
    ]
    let form = Int(input[8] % 4)
    var line = [UInt8]("Retry-After: ".utf8)
    if form < forms.count {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { buffer in
            let length = strftime(
                buffer.baseAddress!, buffer.count, StaticText.cString(forms[form]), &parts)
            line += buffer.prefix(length).map { UInt8(bitPattern: $0) }
        }
    } else {
        line += "\(seed)".utf8
    }
    var headers = HeaderList()
    line.withUnsafeBufferPointer { headers.add(line: $0) }
    let wait = RetryPolicy.Advice(headers, now: Int64(date - seed)).wait
    demand(
        wait == Int64(seed) * second,
        "\(String(decoding: line, as: UTF8.self)), \(seed) s later, is \(wait ?? -1) ns")
}

/// Parses the body as an exchange does.
private func checkErrorResponse(_ body: Bytes, of reply: Reply) {
    var decoder = ChunkParser()
    reply.body.append(body)
    do {
        try decoder.decode(document: reply.body.bytes, into: reply)
        fatalError("violated: an error response is an error, whatever its body")
    } catch {
        if case .providerError = error {
        } else {
            reply.body.removeAll()
            withCopy(body) { reply.setError(plainBody: $0, isCut: error.isCut) }
        }
    }
    let statuses = [
        TW_AUTH, TW_FORBIDDEN, TW_QUOTA, TW_NOT_FOUND, TW_BAD_REQUEST, TW_RATE_LIMITED, TW_SERVER,
        TW_PROTOCOL,
    ]
    demand(statuses.contains(reply.status), "the status is \(StaticText.name(of: reply.status))")
    let message = reply.message.bytes
    demand(
        isOneLine(message) && message.count < 2000 && message.hasPrefix("HTTP "),
        "the message is one line: \(message.shown)")
    demand(
        isOneLine(reply.requestID.bytes) && reply.requestID.count <= 203,
        "the request id is one line: \(reply.requestID.bytes.shown)")
    if let message = reply.lookUp(StaticText.bytes("/error/message")) {
        demand(isValidUTF8(message), "the error message is UTF-8")
    }
}

private func checkLine(_ text: Bytes, limit: Int) {
    var line = ByteBuffer()
    withCopy(text) { line.append(oneLine: $0, limit: limit) }
    demand(isOneLine(line.bytes), "one line: \(line.bytes.shown)")
    let isTruncated = line.bytes.hasSuffix("…")
    demand(
        line.count <= (isTruncated ? limit + 3 : limit),
        "the line has at most \(limit) bytes: \(line.count)")
    if isValidUTF8(text) && isOneLine(text) {
        demand(
            text.count > limit ? isTruncated : same(line.bytes, text),
            "the line is the text, or truncated")
    }
}
