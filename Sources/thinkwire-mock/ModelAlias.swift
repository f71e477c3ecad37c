import Base
import Chat

/// Name under which a model of the mock answers, so that applications need not know its names.
struct ModelAlias {
    /// Name in requests; with a final "*", the beginning of the names.
    let name: ByteArray
    let model: ByteArray
    /// Request options that apply before those of the request.
    let options: ByteArray

    /// Parses "NAME=MODEL" or "NAME=MODEL#OPTIONS"; nil if a part is missing.
    init?(_ text: Bytes) {
        guard let equals = text.firstIndex(of: UInt8(ascii: "=")), equals > 0 else { return nil }
        let target = text.dropping(equals + 1)
        let end = target.firstIndex(of: UInt8(ascii: "#")) ?? target.count
        guard end > 0 else { return nil }
        name = ByteArray(text.part(0..<equals))
        model = ByteArray(target.part(0..<end))
        options = end < target.count ? ByteArray(target.dropping(end + 1)) : []
    }

    private var isPattern: Bool { name.last == UInt8(ascii: "*") }

    /// Whether a model of this name can be requested by that name alone, and is therefore listed.
    var isListed: Bool { !isPattern }

    func matches(_ requested: Bytes) -> Bool {
        name.withUnsafeBufferPointer { name in
            isPattern
                ? requested.hasPrefix(name.part(0..<name.count - 1)) : requested.equals(name)
        }
    }
}
