import Base
import CMock
import CPlatform
import Chat

exit(run())

/// Parses the arguments and serves; returns the exit status, which is 2 for invalid arguments.
func run() -> Int32 {
    var port = 8089
    var pace: Int64 = 0
    var logsRequests = false
    var index: Int32 = 1
    while let text = mock_argument(index) {
        index += 1
        var name = Bytes(cString: text)
        var value: Bytes?
        if name.hasPrefix("--"), let equals = name.firstIndex(of: UInt8(ascii: "=")) {
            value = name.dropping(equals + 1)
            name = name.part(0..<equals)
        } else if name.equals("--port") || name.equals("--pace"), let next = mock_argument(index) {
            value = Bytes(cString: next)
            index += 1
        }
        if name.equals("--port"), let value, let number = parseDecimal(value, limit: 65_535) {
            port = number
        } else if name.equals("--pace"), let value, let time = parseMilliseconds(value) {
            pace = time
        } else if name.equals("--log"), value == nil {
            logsRequests = true
        } else if name.equals("--quiet"), value == nil {
            logsRequests = false
        } else if name.equals("--help") || name.equals("-h") {
            _ = write(1, helpText.utf8Start, helpText.utf8CodeUnitCount)
            return 0
        } else if name.equals("--version") {
            return showVersion()
        } else {
            return printError(
                "invalid argument: ", Bytes(cString: mock_argument(index - 1) ?? text),
                "; see --help\n", 2)
        }
    }
    return serve(port, pace, logsRequests)
}

private func serve(_ port: Int, _ pace: Int64, _ logsRequests: Bool) -> Int32 {
    mock_raise_limits()
    let signals = mock_signals()
    let epoll = mock_epoll_create()
    let listener = mock_listen(UInt16(port))
    guard listener >= 0 else {
        return printError(
            "cannot listen on 127.0.0.1: ", Bytes(cString: strerror(-listener)), "\n", 1)
    }
    guard signals >= 0, epoll >= 0 else {
        return printError("cannot wait for events", Bytes(start: nil, count: 0), "\n", 1)
    }
    let server = Server(
        listener: listener, signals: signals, epoll: epoll, provider: Provider(pace: pace),
        logsRequests: logsRequests)
    var line = ByteBuffer()
    line.append("http://127.0.0.1:")
    line.append(decimal: Int(mock_port(listener)))
    line.append("/v1\n")
    _ = write(1, line.start, line.count)
    let result = server.run()
    guard result == 0 else {
        return printError("cannot wait for events: ", Bytes(cString: strerror(-result)), "\n", 1)
    }
    return 0
}

private func showVersion() -> Int32 {
    var line = ByteBuffer()
    line.append("thinkwire-mock ")
    line.append(Bytes(cString: mock_version()))
    line.append("\n")
    _ = write(1, line.start, line.count)
    return 0
}

/// Prints an error message, and returns `status`.
private func printError(
    _ start: StaticString, _ detail: Bytes, _ end: StaticString, _ status: Int32
) -> Int32 {
    var line = ByteBuffer()
    line.append("thinkwire-mock: ")
    line.append(start)
    line.append(detail)
    line.append(end)
    _ = write(2, line.start, line.count)
    return status
}
