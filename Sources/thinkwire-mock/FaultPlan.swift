import Base
import Chat

/// What a request asks of the mock itself: faults, pace and measure, written "key=value,key=value" in the header x-mock or
/// behind the model's name and a "#". Values are percent-decoded, so that they can hold commas.
struct FaultPlan {
    struct Mistake: Error { var message: ByteString }

    enum Framing { case chunked, length, close }
    enum Newline { case lf, crlf, cr }
    enum Drop { case finish, reset }

    // Faults. With `tries`, they befall the first so many requests alone.
    var status: Int?
    var message: ByteString?
    var headers: ByteString = []
    var cut: Int?
    var reset: Int?
    var stall: Int?
    /// How long a stall lasts; nil: for ever.
    var resume: Int64?
    var delay: Int64 = 0
    var garbage: Int?
    var hold: Int64 = 0
    var close = false
    var drop: Drop?
    var early = false
    /// How long the body is not read.
    var stopReading: Int64 = 0

    // How the answer travels.
    var write: Int?
    var piece: Int?
    var join = 1
    var pace: Int64?
    var framing: Framing?
    var type: ByteString?
    var newline = Newline.lf

    // What the synthetic model says.
    var chunks = 100
    var size = 16
    var reasoning = 0
    var choices = 1
    var text: ByteString?
    var finish = ByteString("stop")
    var done = true
    var usage = true

    // When the faults end.
    var tries: Int?
    var key: ByteString = []

    static let largest = 1 << 40

    /// Adds what `text` asks for; later words win.
    mutating func read(_ text: Bytes) throws(Mistake) {
        for order in text.split(separator: UInt8(ascii: ",")) {
            let order = trim(Bytes(rebasing: order))
            guard !order.isEmpty else { continue }
            let equals = order.firstIndex(of: UInt8(ascii: "=")) ?? order.count
            let name = order.part(0..<equals)
            let value =
                equals < order.count
                ? try percentDecoded(order.dropping(equals + 1)) : ByteString("1")
            let isKnown = try value.withUnsafeBufferPointer { (bytes) throws(Mistake) in
                if try setFault(name, bytes) { return true }
                if try setTravel(name, bytes) { return true }
                return try setMeasure(name, bytes)
            }
            guard isKnown else {
                var message = ByteString("mock: ")
                message += name
                message += " is not a key that thinkwire-mock knows; see thinkwire-mock --help"
                throw Mistake(message: message)
            }
        }
    }

    /// As if no fault had been asked for.
    mutating func clearFaults() {
        let plain = FaultPlan()
        (status, message, headers, cut, reset) = (nil, nil, [], nil, nil)
        (stall, resume, delay, garbage, hold) = (nil, nil, plain.delay, nil, plain.hold)
        (close, drop, early, stopReading) = (false, nil, false, plain.stopReading)
    }

    private mutating func setFault(_ name: Bytes, _ value: Bytes) throws(Mistake) -> Bool {
        if name.equals("status") {
            status = try number(name, value, 200...599)
        } else if name.equals("message") {
            message = ByteString(value)
        } else if name.equals("header") {
            try addHeader(value)
        } else if name.equals("cut") {
            cut = try number(name, value, 0...FaultPlan.largest)
        } else if name.equals("reset") {
            reset = try number(name, value, 0...FaultPlan.largest)
        } else if name.equals("stall") {
            stall = try number(name, value, 0...FaultPlan.largest)
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
                drop = .finish
            } else if value.equals("rst") {
                drop = .reset
            } else {
                throw mistake(name, value, "must be fin or rst")
            }
        } else if name.equals("tries") {
            tries = try number(name, value, 0...FaultPlan.largest)
        } else if name.equals("key") {
            key = ByteString(value)
        } else {
            return false
        }
        return true
    }

    private mutating func setTravel(_ name: Bytes, _ value: Bytes) throws(Mistake) -> Bool {
        if name.equals("write") {
            write = try number(name, value, 1...FaultPlan.largest)
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
                throw mistake(name, value, "must be chunked, length or close")
            }
        } else if name.equals("type") {
            type = ByteString(value)
        } else if name.equals("newline") {
            if value.equals("lf") {
                newline = .lf
            } else if value.equals("crlf") {
                newline = .crlf
            } else if value.equals("cr") {
                newline = .cr
            } else {
                throw mistake(name, value, "must be lf, crlf or cr")
            }
        } else {
            return false
        }
        return true
    }

    private mutating func setMeasure(_ name: Bytes, _ value: Bytes) throws(Mistake) -> Bool {
        if name.equals("chunks") {
            chunks = try number(name, value, 0...1_000_000_000)
        } else if name.equals("size") {
            size = try number(name, value, 0...(16 << 20))
        } else if name.equals("reasoning") {
            reasoning = try number(name, value, 0...1_000_000_000)
        } else if name.equals("choices") {
            choices = try number(name, value, 1...1000)
        } else if name.equals("text") {
            text = ByteString(value)
        } else if name.equals("finish") {
            finish = ByteString(value)
        } else if name.equals("done") {
            done = try flag(name, value)
        } else if name.equals("usage") {
            usage = try flag(name, value)
        } else {
            return false
        }
        return true
    }

    private mutating func addHeader(_ value: Bytes) throws(Mistake) {
        guard let colon = value.firstIndex(of: UInt8(ascii: ":")), colon > 0 else {
            throw mistake(StaticText.bytes("header"), value, "must be Name:Value")
        }
        headers += value.part(0..<colon)
        headers += ": "
        headers += trim(value.dropping(colon + 1))
        headers += "\r\n"
    }

    // MARK: Values

    private func number(_ name: Bytes, _ value: Bytes, _ range: ClosedRange<Int>) throws(Mistake)
        -> Int
    {
        guard let number = parseDecimal(value, limit: range.upperBound), number >= range.lowerBound
        else {
            var reason = ByteString("must be a whole number from ")
            reason.append(decimal: range.lowerBound)
            reason += " to "
            reason.append(decimal: range.upperBound)
            throw reason.withUnsafeBufferPointer { mistake(name, value, $0) }
        }
        return number
    }

    private func milliseconds(_ name: Bytes, _ value: Bytes) throws(Mistake) -> Int64 {
        guard let time = parseMilliseconds(value) else {
            throw mistake(name, value, "must be milliseconds, such as 20 or 0.5")
        }
        return time
    }

    private func flag(_ name: Bytes, _ value: Bytes) throws(Mistake) -> Bool {
        guard value.equals("0") || value.equals("1") else {
            throw mistake(name, value, "must be 0 or 1")
        }
        return value.equals("1")
    }

    private func mistake(_ name: Bytes, _ value: Bytes, _ reason: StaticString) -> Mistake {
        mistake(name, value, StaticText.bytes(reason))
    }

    private func mistake(_ name: Bytes, _ value: Bytes, _ reason: Bytes) -> Mistake {
        var message = ByteString("mock: ")
        message += name
        message += ": "
        message += reason
        message += " (is "
        message += value
        message += ")"
        return Mistake(message: message)
    }

    private func percentDecoded(_ text: Bytes) throws(Mistake) -> ByteString {
        var decoded = ByteString()
        var index = 0
        while index < text.count {
            if text[index] == UInt8(ascii: "%") {
                guard index + 2 < text.count, let high = hexValue(text[index + 1]),
                    let low = hexValue(text[index + 2])
                else {
                    throw mistake(
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

/// Counts the requests of a kind, so that faults can befall the first of them alone.
struct TryCounter {
    private var counts: [UInt64: Int] = [:]

    /// How many requests came before this one with the same words.
    mutating func next(_ words: Bytes) -> Int {
        // FNV-1a: the words themselves need not be kept.
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in words { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        // A limit, so that a server that runs for weeks does not grow.
        if counts.count > 100_000 { counts.removeAll() }
        let count = counts[hash] ?? 0
        counts[hash] = count + 1
        return count
    }
}
