import Base
import CMock
import CPlatform
import Chat

/// Opens a file that an argument names for appending.
func openForAppending(_ path: Bytes) throws(StartError) -> Int32 {
    let file = mock_open_append(path.argumentCString)
    guard file >= 0 else { throw fileError(path, errno: -file) }
    return file
}

/// Reads a file that an argument names.
func readFile(_ path: Bytes) throws(StartError) -> ByteBuffer {
    let file = mock_open_read(path.argumentCString)
    guard file >= 0 else { throw fileError(path, errno: -file) }
    defer { close(file) }
    var text = ByteBuffer()
    var part = ByteArray(repeating: 0, count: 65_536)
    while true {
        let count = read(file, &part, part.count)
        guard count >= 0 else { throw fileError(path, errno: platform_errno()) }
        guard count > 0 else { return text }
        text.append(part, count)
    }
}

/// Writes a text to a file; gives up if the system reports an error.
func writeAll(_ text: Bytes, to file: Int32) {
    var rest = text
    while let start = rest.baseAddress, !rest.isEmpty {
        let count = write(file, start, rest.count)
        guard count > 0 else { return }
        rest = rest.dropping(count)
    }
}

private func fileError(_ path: Bytes, errno number: Int32) -> StartError {
    var message = ByteArray(path)
    message += ": "
    message += Bytes(cString: strerror(number))
    return StartError(message)
}

/// Describes where a file is not JSON.
func fileError(_ path: Bytes, _ text: Bytes, _ error: JSONError) -> StartError {
    var message = ByteArray(path)
    message += ": line "
    let before = text.part(0..<min(error.offset, text.count))
    message.append(decimal: before.reduce(1) { $1 == 0x0A ? $0 + 1 : $0 })
    message += ": "
    message += error.problem.text
    return StartError(message)
}
