import Base
import Chat

/// Options of one request: faults, delivery, and the content of synthetic responses.
///
/// They are written "key=value,key=value" in the header x-mock, or after the model's name and "#".
/// Values are percent-decoded, so that they can contain commas.
struct FaultPlan {
    /// Error for an unknown option or an invalid value.
    struct ParseError: Error { var message: ByteArray }

    enum Framing { case chunked, length, close }
    enum Newline { case lf, crlf, cr }
    enum Drop { case fin, rst }

    // Faults. With `tries`, they affect only the first requests.
    var status: Int?
    var message: ByteArray?
    var headers: ByteArray = []
    var cut: Int?
    var reset: Int?
    var stall: Int?
    /// Duration of a stall in nanoseconds; nil: until the client closes the connection.
    var resume: Int64?
    var delay: Int64 = 0
    var garbage: Int?
    var hold: Int64 = 0
    var close = false
    var drop: Drop?
    var early = false
    /// Time during which the request body is not read, in nanoseconds.
    var stopReading: Int64 = 0

    // The way the response is sent.
    var write: Int?
    var piece: Int?
    var join = 1
    var pace: Int64?
    var framing: Framing?
    var type: ByteArray?
    var newline = Newline.lf

    // The response of the synthetic model.
    var chunks = 100
    var size = 16
    var reasoning = 0
    var choices = 1
    var text: ByteArray?
    var showsTime = false
    var escapes = 0
    var obfuscation = false
    var logprobs = false
    var twice = false
    var finish = ByteArray("stop")
    var done = true
    var usage = true

    // The number of affected requests, and the key under which they are counted.
    var tries: Int?
    var key: ByteArray = []

    static let maxNumber = 1 << 40

    /// Applies the options in `text`; a later option overrides an earlier one.
    mutating func read(_ text: Bytes) throws(ParseError) {
        for element in text.split(separator: UInt8(ascii: ",")) {
            let option = trim(Bytes(rebasing: element))
            guard !option.isEmpty else { continue }
            let equals = option.firstIndex(of: UInt8(ascii: "=")) ?? option.count
            let name = option.part(0..<equals)
            let value =
                equals < option.count
                ? try percentDecoded(option.dropping(equals + 1)) : ByteArray("1")
            let isKnown = try value.withUnsafeBufferPointer { (bytes) throws(ParseError) in
                if try setFault(name, bytes) { return true }
                if try setDelivery(name, bytes) { return true }
                return try setSynthetic(name, bytes)
            }
            guard isKnown else {
                var message = ByteArray("mock: ")
                message += name
                message += " is not an option; see thinkwire-mock --help"
                throw ParseError(message: message)
            }
        }
    }

    /// Resets the faults; the other options keep their values.
    mutating func clearFaults() {
        let defaults = FaultPlan()
        (status, message, headers, cut, reset) = (nil, nil, [], nil, nil)
        (stall, resume, delay, garbage, hold) = (nil, nil, defaults.delay, nil, defaults.hold)
        (close, drop, early, stopReading) = (false, nil, false, defaults.stopReading)
    }

    private mutating func setFault(_ name: Bytes, _ value: Bytes) throws(ParseError) -> Bool {
        if name.equals("status") {
            status = try number(name, value, 200...599)
        } else if name.equals("message") {
            message = ByteArray(value)
        } else if name.equals("header") {
            try addHeader(value)
        } else if name.equals("cut") {
            cut = try number(name, value, 0...FaultPlan.maxNumber)
        } else if name.equals("reset") {
            reset = try number(name, value, 0...FaultPlan.maxNumber)
        } else if name.equals("stall") {
            stall = try number(name, value, 0...FaultPlan.maxNumber)
        } else if name.equals("resume") {
            resume = try milliseconds(name, value)
        } else if name.equals("delay") {
            delay = try milliseconds(name, value)
        } else if name.equals("garbage") {
            garbage = try number(name, value, 0...(64 << 20))
        } else if name.equals("hold") {
            hold = try milliseconds(name, value)
        } else if name.equals("close") {
            close = try flag(name, value)
        } else if name.equals("early") {
            early = try flag(name, value)
        } else if name.equals("stop-reading") {
            stopReading = try milliseconds(name, value)
        } else if name.equals("drop") {
            if value.equals("fin") {
                drop = .fin
            } else if value.equals("rst") {
                drop = .rst
            } else {
                throw parseError(name, value, "must be fin or rst")
            }
        } else if name.equals("tries") {
            tries = try number(name, value, 0...FaultPlan.maxNumber)
        } else if name.equals("key") {
            key = ByteArray(value)
        } else {
            return false
        }
        return true
    }

    private mutating func setDelivery(_ name: Bytes, _ value: Bytes) throws(ParseError) -> Bool {
        if name.equals("write") {
            write = try number(name, value, 1...FaultPlan.maxNumber)
        } else if name.equals("piece") {
            piece = try number(name, value, 1...(64 << 20))
        } else if name.equals("join") {
            join = try number(name, value, 1...1_000_000)
        } else if name.equals("pace") {
            pace = try milliseconds(name, value)
        } else if name.equals("framing") {
            if value.equals("chunked") {
                framing = .chunked
            } else if value.equals("length") {
                framing = .length
            } else if value.equals("close") {
                framing = .close
            } else {
                throw parseError(name, value, "must be chunked, length or close")
            }
        } else if name.equals("type") {
            type = ByteArray(value)
        } else if name.equals("newline") {
            if value.equals("lf") {
                newline = .lf
            } else if value.equals("crlf") {
                newline = .crlf
            } else if value.equals("cr") {
                newline = .cr
            } else {
                throw parseError(name, value, "must be lf, crlf or cr")
            }
        } else {
            return false
        }
        return true
    }

    private mutating func setSynthetic(_ name: Bytes, _ value: Bytes) throws(ParseError) -> Bool {
        if name.equals("chunks") {
            chunks = try number(name, value, 0...1_000_000_000)
        } else if name.equals("size") {
            size = try number(name, value, 0...(16 << 20))
        } else if name.equals("reasoning") {
            reasoning = try number(name, value, 0...1_000_000_000)
        } else if name.equals("choices") {
            choices = try number(name, value, 1...1000)
        } else if name.equals("text") {
            text = ByteArray(value)
        } else if name.equals("time") {
            showsTime = try flag(name, value)
        } else if name.equals("escapes") {
            escapes = try number(name, value, 0...100)
        } else if name.equals("obfuscation") {
            obfuscation = try flag(name, value)
        } else if name.equals("logprobs") {
            logprobs = try flag(name, value)
        } else if name.equals("twice") {
            twice = try flag(name, value)
        } else if name.equals("finish") {
            finish = ByteArray(value)
        } else if name.equals("done") {
            done = try flag(name, value)
        } else if name.equals("usage") {
            usage = try flag(name, value)
        } else {
            return false
        }
        return true
    }

    private mutating func addHeader(_ value: Bytes) throws(ParseError) {
        guard let colon = value.firstIndex(of: UInt8(ascii: ":")), colon > 0 else {
            throw parseError(StaticText.bytes("header"), value, "must be Name:Value")
        }
        headers += value.part(0..<colon)
        headers += ": "
        headers += trim(value.dropping(colon + 1))
        headers += "\r\n"
    }

    // MARK: Values

    private func number(_ name: Bytes, _ value: Bytes, _ range: ClosedRange<Int>) throws(ParseError)
        -> Int
    {
        guard let number = parseDecimal(value, limit: range.upperBound), number >= range.lowerBound
        else {
            var reason = ByteArray("must be a whole number from ")
            reason.append(decimal: range.lowerBound)
            reason += " to "
            reason.append(decimal: range.upperBound)
            throw reason.withUnsafeBufferPointer { parseError(name, value, $0) }
        }
        return number
    }

    private func milliseconds(_ name: Bytes, _ value: Bytes) throws(ParseError) -> Int64 {
        guard let time = parseMilliseconds(value) else {
            throw parseError(name, value, "must be milliseconds, such as 20 or 0.5")
        }
        return time
    }

    private func flag(_ name: Bytes, _ value: Bytes) throws(ParseError) -> Bool {
        guard value.equals("0") || value.equals("1") else {
            throw parseError(name, value, "must be 0 or 1")
        }
        return value.equals("1")
    }

    private func parseError(_ name: Bytes, _ value: Bytes, _ reason: StaticString) -> ParseError {
        parseError(name, value, StaticText.bytes(reason))
    }

    private func parseError(_ name: Bytes, _ value: Bytes, _ reason: Bytes) -> ParseError {
        var message = ByteArray("mock: ")
        message += name
        message += ": "
        message += reason
        message += " (is "
        message += value
        message += ")"
        return ParseError(message: message)
    }

    private func percentDecoded(_ text: Bytes) throws(ParseError) -> ByteArray {
        var decoded = ByteArray()
        var index = 0
        while index < text.count {
            if text[index] == UInt8(ascii: "%") {
                guard index + 2 < text.count, let high = hexValue(text[index + 1]),
                    let low = hexValue(text[index + 2])
                else {
                    throw parseError(
                        StaticText.bytes("value"), text,
                        "% must be followed by two hexadecimal digits")
                }
                decoded.append(high << 4 | low)
                index += 3
            } else {
                decoded.append(text[index])
                index += 1
            }
        }
        return decoded
    }
}

/// Counts requests with the same options or key, to limit faults to the first of them.
struct TryCounter {
    private var counts: [UInt64: Int] = [:]

    /// Counts a request, and returns the number of earlier requests with the same key.
    mutating func next(_ key: Bytes) -> Int {
        // An FNV-1a hash, so that the keys need not be stored.
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in key { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        // Limits the memory of a server that runs for weeks.
        if counts.count > 100_000 { counts.removeAll() }
        let count = counts[hash] ?? 0
        counts[hash] = count + 1
        return count
    }
}
