extension JSONValue {
    /// The value at an RFC 6901 pointer, relative to this value; nil if it is absent, or the
    /// pointer is invalid.
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
            guard let index = JSONValue.arrayIndex(token) else { return nil }
            var passed = 0
            for element in elements {
                if passed == index { return element }
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

    /// The array index that a token denotes: digits without a leading zero, as RFC 6901 requires.
    private static func arrayIndex(_ token: Bytes) -> Int? {
        guard !token.isEmpty, token.count <= 9, token.count == 1 || token[0] != UInt8(ascii: "0")
        else { return nil }
        var index = 0
        for byte in token {
            guard byte &- UInt8(ascii: "0") <= 9 else { return nil }
            index = index * 10 + Int(byte - UInt8(ascii: "0"))
        }
        return index
    }
}
