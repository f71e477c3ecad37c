import Base

/// Recognises bodies that are still compressed when they are parsed.
package enum Compression {
    /// The first bytes of compressed data: RFC 1952, section 2.3.1; RFC 8878, section 3.1.1; RFC
    /// 1950, section 2.2, for the levels that zlib writes. Brotli has no such bytes.
    private static let formats: [(name: StaticString, first: [UInt8])] = [
        ("gzip", [0x1F, 0x8B]), ("zstd", [0x28, 0xB5, 0x2F, 0xFD]), ("deflate", [0x78, 0x01]),
        ("deflate", [0x78, 0x5E]), ("deflate", [0x78, 0x9C]), ("deflate", [0x78, 0xDA]),
    ]

    /// The format of a body that begins with these bytes; nil if it is not known to be compressed.
    package static func format(of body: Bytes) -> StaticString? {
        formats.first { body.starts(with: $0.first) }?.name
    }

    /// Whether more bytes are needed to recognise a format.
    package static func mayBegin(with body: Bytes) -> Bool {
        formats.contains { $0.first.count > body.count && $0.first.starts(with: body) }
    }
}

extension Reply {
    /// The coding of a compressed body as its header names it; nil without such a header.
    ///
    /// Some servers send "none" or "utf-8" as the coding.
    package var declaredCompression: Bytes? {
        let known: [StaticString] = ["gzip", "deflate", "compress", "br", "zstd"]
        guard let coding = headers.value(StaticText.bytes("content-encoding")) else { return nil }
        return known.contains { coding.containsIgnoringCase($0) } ? coding : nil
    }

    /// The coding of a body that could not be read.
    func compression(of body: Bytes) -> Bytes? {
        Compression.format(of: body).map { StaticText.bytes($0) } ?? declaredCompression
    }
}
