import Base
import CMock
import Chat

/// Generates unique request ids in the format of a UUID.
struct RequestIDs {
    private var state = mock_random()

    mutating func next() -> ByteArray {
        let high = step()
        let low = step()
        var text = ByteBuffer()
        text.append(hex: high >> 32, digits: 8)
        text.append("-")
        text.append(hex: high >> 16, digits: 4)
        text.append("-4")
        text.append(hex: high, digits: 3)
        text.append("-")
        text.append(hex: 0x8000 | low >> 50, digits: 4)
        text.append("-")
        text.append(hex: low, digits: 12)
        return ByteArray(text.bytes)
    }

    /// Advances the SplitMix64 generator.
    private mutating func step() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
