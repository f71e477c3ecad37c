extension JSONValue {
    /// The value that an RFC 6901 pointer leads to from here; nil if it leads nowhere or is no pointer.
    package func value(at pointer: Bytes) -> JSONValue? {
        guard pointer.isEmpty || pointer[0] == UInt8(ascii: "/") else { return nil }
        var value = self
        var rest = pointer
        while !rest.isEmpty {
            let end =
                rest.dropping(1).firstIndex(of: UInt8(ascii: "/")).map { $0 + 1 } ?? rest.count
            guard let inner = value.child(rest.part(1..<end)) else { return nil }
            value = inner
            rest = rest.dropping(end)
        }
        return value
    }

    private func child(_ token: Bytes) -> JSONValue? {
        switch kind {
        case .object:
            guard token.contains(UInt8(ascii: "~")) else { return self[token] }
            var name = ByteBuffer()
            guard JSONValue.unescape(token, into: &name) else { return nil }
            return self[name.bytes]
        case .array:
            guard let place = JSONValue.arrayIndex(token) else { return nil }
            var passed = 0
            for element in elements {
                if passed == place { return element }
                passed += 1
            }
            return nil
        default:
            return nil
        }
    }

    private static func unescape(_ token: Bytes, into name: inout ByteBuffer) -> Bool {
        var index = 0
        while index < token.count {
            var byte = token[index]
            if byte == UInt8(ascii: "~") {
                index += 1
                guard index < token.count else { return false }
                switch token[index] {
                case UInt8(ascii: "0"): byte = UInt8(ascii: "~")
                case UInt8(ascii: "1"): byte = UInt8(ascii: "/")
                default: return false
                }
            }
            name.append(byte)
            index += 1
        }
        return true
    }

    /// Digits without a leading zero, as the RFC has it.
    private static func arrayIndex(_ token: Bytes) -> Int? {
        guard !token.isEmpty, token.count <= 9, token.count == 1 || token[0] != UInt8(ascii: "0")
        else { return nil }
        var place = 0
        for byte in token {
            guard byte &- UInt8(ascii: "0") <= 9 else { return nil }
            place = place * 10 + Int(byte - UInt8(ascii: "0"))
        }
        return place
    }
}
