import Base
import CPlatform

extension Request {
    /// Larger files are refused: base64 makes them a third larger still, and no provider takes them.
    package static let largestImage = 64 << 20

    /// Adds the bytes of an image as a data URL.
    package func addImage(bytes: Bytes, detail: Bytes?) throws(ArgumentError) {
        guard bytes.count <= Request.largestImage else {
            throw ArgumentError("the image is larger than 64 MiB: scale it down")
        }
        guard let type = imageType(bytes) else {
            throw ArgumentError("the image is none of JPEG, PNG, GIF and WEBP: convert it")
        }
        var url = ByteBuffer()
        url.append("data:image/")
        url.append(type)
        url.append(";base64,")
        url.append(base64: bytes)
        try addImage(url: url.bytes, detail: detail)
    }

    /// Adds an image's file, read now.
    package func addImage(file path: UnsafePointer<CChar>, detail: Bytes?) throws(ArgumentError) {
        guard let file = fopen(path, "rbe") else { throw unreadable(path) }
        defer { fclose(file) }
        var bytes = ByteBuffer()
        let room = UnsafeMutablePointer<UInt8>.allocate(capacity: 1 << 16)
        defer { room.deallocate() }
        while bytes.count <= Request.largestImage {
            let count = fread(room, 1, 1 << 16, file)
            if count == 0 { break }
            bytes.append(room, count)
        }
        guard ferror(file) == 0 else { throw unreadable(path) }
        try addImage(bytes: bytes.bytes, detail: detail)
    }

    private func unreadable(_ path: UnsafePointer<CChar>) -> ArgumentError {
        let error = ArgumentError("the image file ", Bytes(cString: path), " can't be read: ")
        if let reason = strerror(platform_errno()) {
            error.message.text.append(Bytes(cString: reason))
        }
        return error
    }

    /// The content part that shows an image.
    func imagePart(url: Bytes, detail: Bytes?) throws(ArgumentError) -> ByteBuffer {
        guard url.hasPrefix("https://") || url.hasPrefix("http://") || url.hasPrefix("data:") else {
            throw ArgumentError(
                "an image's URL begins with https://, http:// or data:, unlike ", url)
        }
        try checkUTF8(url, "the image's URL")
        var part = ByteBuffer()
        part.append("{\"type\":\"image_url\",\"image_url\":{\"url\":")
        part.append(jsonString: url)
        if let detail {
            guard detail.equals("low") || detail.equals("high") || detail.equals("auto") else {
                throw ArgumentError(
                    "an image's detail is \"low\", \"high\" or \"auto\", not ", detail)
            }
            part.append(",\"detail\":")
            part.append(jsonString: detail)
        }
        part.append("}}")
        return part
    }
}

/// The kind of image that begins with these bytes: those that the models' schemas name.
private func imageType(_ bytes: Bytes) -> StaticString? {
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
