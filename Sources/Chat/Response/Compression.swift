import Base

/// Recognises bodies that are still compressed when they are parsed.
package enum Compression {
    /// The format of a body that begins with these bytes; nil if it is not known to be compressed.
    ///
    /// The first bytes are those of RFC 1952, section 2.3.1; RFC 8878, section 3.1.1; and RFC 1950,
    /// section 2.2, for the levels that zlib writes. Brotli has no such bytes.
    package static func format(of body: Bytes) -> StaticString? {
        guard body.count > 1 else { return nil }
        return switch (body[0], body[1]) {
        case (0x1F, 0x8B): "gzip"
        case (0x28, 0xB5): "zstd"
        case (0x78, 0x01), (0x78, 0x5E), (0x78, 0x9C), (0x78, 0xDA): "deflate"
        default: nil
        }
    }

    /// Whether more bytes are needed to recognise a format.
    package static func mayBegin(with body: Bytes) -> Bool {
        body.count == 1 && (body[0] == 0x1F || body[0] == 0x28 || body[0] == 0x78)
    }
}

extension Reply {
    /// The coding of a compressed body as its header names it; nil without such a header.
    ///
    /// Some servers send "none" or "utf-8" as the coding.
    package var declaredCompression: Bytes? {
        guard let coding = headers.value(StaticText.bytes("content-encoding")) else { return nil }
        let known = Fields(words: "gzip deflate compress br zstd")
        return known.contains { coding.containsIgnoringCase($0) } ? coding : nil
    }

    /// The coding of a body that could not be read.
    func compression(of body: Bytes) -> Bytes? {
        Compression.format(of: body).map { StaticText.bytes($0) } ?? declaredCompression
    }
}
