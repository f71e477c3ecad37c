import Base
import CMock
import CPlatform
import Chat

exit(run())

/// Reads the arguments, says where it listens, and serves. Gives the exit status: 2 for arguments that are none.
func run() -> Int32 {
    var port = 8089
    var pace: Int64 = 0
    var logs = false
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
            logs = true
        } else if name.equals("--quiet"), value == nil {
            logs = false
        } else if name.equals("--help") || name.equals("-h") {
            say(1, helpText)
            return 0
        } else if name.equals("--version") {
            return showVersion()
        } else {
            return complain(
                "not understood: ", Bytes(cString: mock_argument(index - 1) ?? text),
                "; see --help\n", 2)
        }
    }
    return serve(port, pace, logs)
}

private func serve(_ port: Int, _ pace: Int64, _ logs: Bool) -> Int32 {
    mock_raise_limits()
    let signals = mock_signals()
    let epoll = mock_epoll_create()
    let listener = mock_listen(UInt16(port))
    guard listener >= 0 else {
        return complain("can't listen on 127.0.0.1: ", Bytes(cString: strerror(-listener)), "\n", 1)
    }
    guard signals >= 0, epoll >= 0 else {
        return complain("can't wait for events", Bytes(start: nil, count: 0), "\n", 1)
    }
    let server = Server(
        listener: listener, signals: signals, epoll: epoll, provider: Provider(pace: pace),
        logs: logs)
    var line = ByteBuffer()
    line.append("http://127.0.0.1:")
    line.append(decimal: Int(mock_port(listener)))
    line.append("/v1\n")
    _ = write(1, line.start, line.count)
    let problem = server.run()
    guard problem == 0 else {
        return complain("can't wait for events: ", Bytes(cString: strerror(-problem)), "\n", 1)
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

private func say(_ fd: Int32, _ text: StaticString) {
    _ = write(fd, text.utf8Start, text.utf8CodeUnitCount)
}

private func complain(
    _ start: StaticString, _ subject: Bytes, _ rest: StaticString, _ status: Int32
) -> Int32 {
    var line = ByteBuffer()
    line.append("thinkwire-mock: ")
    line.append(start)
    line.append(subject)
    line.append(rest)
    _ = write(2, line.start, line.count)
    return status
}
