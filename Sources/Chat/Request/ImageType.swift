import Base

/// The MIME subtype of an image, from its first bytes; nil unless the models' schemas name its
/// format.
func imageType(_ bytes: Bytes) -> StaticString? {
    func begins(_ signature: [UInt8]) -> Bool {
        bytes.count >= signature.count && bytes.starts(with: signature)
    }
    if begins([0xFF, 0xD8, 0xFF]) { return "jpeg" }
    if begins([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) { return "png" }
    if bytes.hasPrefix("GIF87a") || bytes.hasPrefix("GIF89a") { return "gif" }
    if bytes.count >= 12, bytes.hasPrefix("RIFF"), bytes.part(8..<12).equals("WEBP") {
        return "webp"
    }
    return nil
}
