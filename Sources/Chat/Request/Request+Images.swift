import Base
import CPlatform

extension Request {
    /// The maximum size of an image in bytes; base64 adds a third, and no provider accepts larger
    /// images.
    static let maxImageSize = 64 << 20

    /// Adds an image to the last message if that is a user message, else as a new user message.
    package func addImage(url: Bytes, detail: Bytes?) throws(ArgumentError) {
        let part = try imagePart(url: url, detail: detail)
        let message = userMessage(ofParts: part.bytes)
        try check(message.bytes)
        var reader = JSONReader()
        guard let written = body.value("messages"), let messages = try? reader.read(written),
            let last = messages.elements.reduce(nil, { $1 as JSONValue? }),
            last["role"]?.isText("user") ?? (last.kind == .object)
        else { return try body.append(message: message.bytes) }
        guard let content = last["content"], content.isString || content.kind == .array else {
            throw ArgumentError("the last message's content is neither text nor an array of parts")
        }
        var parts = ByteBuffer()
        if content.isString {
            parts.append("[{\"type\":\"text\",\"text\":")
            parts.append(content.raw)
            parts.append("}")
        } else {
            parts.append(content.raw.part(0..<content.raw.count - 1))
        }
        if !(content.kind == .array && content.elements.allSatisfy { _ in false }) {
            parts.append(UInt8(ascii: ","))
        }
        parts.append(part)
        parts.append("]")
        var changed = ByteBuffer()
        changed.append(written)
        changed.replace(content.range, with: parts.bytes)
        body.set("messages", to: changed.bytes)
    }

    private func userMessage(ofParts parts: Bytes) -> ByteBuffer {
        var message = ByteBuffer()
        message.append("{\"role\":\"user\",\"content\":[")
        message.append(parts)
        message.append("]}")
        return message
    }

    /// Adds an image as a data URL.
    package func addImage(bytes: Bytes, detail: Bytes?) throws(ArgumentError) {
        guard bytes.count <= Request.maxImageSize else {
            throw ArgumentError("the image is larger than 64 MiB: scale it down")
        }
        guard let type = imageType(bytes) else {
            throw ArgumentError("the image is not a JPEG, PNG, GIF or WEBP file: convert it")
        }
        var url = ByteBuffer()
        url.append("data:image/")
        url.append(type)
        url.append(";base64,")
        url.append(base64: bytes)
        try addImage(url: url.bytes, detail: detail)
    }

    /// Reads an image file and adds the image as a data URL.
    package func addImage(file path: UnsafePointer<CChar>, detail: Bytes?) throws(ArgumentError) {
        guard let file = fopen(path, "rbe") else { throw readError(path) }
        defer { fclose(file) }
        var bytes = ByteBuffer()
        let chunk = UnsafeMutablePointer<UInt8>.allocate(capacity: 1 << 16)
        defer { chunk.deallocate() }
        while bytes.count <= Request.maxImageSize {
            let count = fread(chunk, 1, 1 << 16, file)
            if count == 0 { break }
            bytes.append(chunk, count)
        }
        guard ferror(file) == 0 else { throw readError(path) }
        try addImage(bytes: bytes.bytes, detail: detail)
    }

    private func readError(_ path: UnsafePointer<CChar>) -> ArgumentError {
        let error = ArgumentError("the image file ", Bytes(cString: path), " cannot be read: ")
        if let reason = strerror(platform_errno()) {
            error.message.text.append(Bytes(cString: reason))
        }
        return error
    }

    /// The content part of an image.
    private func imagePart(url: Bytes, detail: Bytes?) throws(ArgumentError) -> ByteBuffer {
        guard url.hasPrefix("https://") || url.hasPrefix("http://") || url.hasPrefix("data:") else {
            throw ArgumentError(
                "an image's URL must begin with https://, http:// or data:, not ", url)
        }
        try checkUTF8(url, "the image's URL")
        var part = ByteBuffer()
        part.append("{\"type\":\"image_url\",\"image_url\":{\"url\":")
        part.append(jsonString: url)
        if let detail {
            guard detail.equals("low") || detail.equals("high") || detail.equals("auto") else {
                throw ArgumentError(
                    "an image's detail must be \"low\", \"high\" or \"auto\", not ", detail)
            }
            part.append(",\"detail\":")
            part.append(jsonString: detail)
        }
        part.append("}}")
        return part
    }
}
