import Base
import CMock
import CPlatform
import Chat

exit(run())

/// Parses the arguments and serves; returns the exit status, which is 2 for invalid arguments.
func run() -> Int32 {
    var settings = Settings()
    do throws(StartError) {
        try settings.readArguments()
        switch settings.task {
        case .showHelp:
            _ = write(1, helpText.utf8Start, helpText.utf8CodeUnitCount)
            return 0
        case .showVersion:
            return showVersion()
        case .serve:
            return serve(settings, try Provider.create(settings))
        }
    } catch {
        return error.message.withUnsafeBufferPointer { printError($0, 2) }
    }
}

private func serve(_ settings: Settings, _ provider: Provider) -> Int32 {
    mock_raise_limits()
    let signals = mock_signals()
    let epoll = mock_epoll_create()
    let listener = mock_listen(settings.host.argumentCString, UInt16(settings.port))
    guard listener >= 0 else {
        var start = ByteArray("cannot listen on ")
        start += settings.host
        start += ": "
        return start.withUnsafeBufferPointer { printError($0, errno: -listener) }
    }
    guard signals >= 0, epoll >= 0 else {
        return printError(StaticText.bytes("cannot wait for events"), 1)
    }
    var certificate = [CChar](repeating: 0, count: Int(MOCK_PATH))
    if settings.usesTLS {
        guard mock_tls_start(settings.host.argumentCString, &certificate) else {
            return printError(
                StaticText.bytes("--tls needs OpenSSL 3 (libssl.so.3) and a writable TMPDIR"), 1)
        }
    }
    let server = Server(
        listener: listener, signals: signals, epoll: epoll, provider: provider,
        logsRequests: settings.logsRequests, usesTLS: settings.usesTLS)
    var lines = ByteBuffer()
    appendURL(settings, port: Int(mock_port(listener)), to: &lines)
    if settings.usesTLS {
        lines.append(Bytes(cString: certificate))
        lines.append("\n")
    }
    _ = write(1, lines.start, lines.count)
    let result = server.run()
    if settings.usesTLS { unlink(certificate) }
    guard result == 0 else {
        return printError(StaticText.bytes("cannot wait for events: "), errno: -result)
    }
    return 0
}

/// Appends the base URL. Of all addresses of the machine, it names one that local clients can use.
private func appendURL(_ settings: Settings, port: Int, to line: inout ByteBuffer) {
    let host = settings.host
    line.append(settings.usesTLS ? "https://" : "http://")
    if host.equals("0.0.0.0") {
        line.append("127.0.0.1")
    } else if host.equals("::") {
        line.append("[::1]")
    } else if host.contains(UInt8(ascii: ":")) {
        line.append("[")
        line.append(host)
        line.append("]")
    } else {
        line.append(host)
    }
    line.append(":")
    line.append(decimal: port)
    line.append("/v1\n")
}

private func showVersion() -> Int32 {
    var line = ByteBuffer()
    line.append("thinkwire-mock ")
    line.append(Bytes(cString: mock_version()))
    line.append("\n")
    _ = write(1, line.start, line.count)
    return 0
}

private func printError(_ start: Bytes, errno number: Int32) -> Int32 {
    var message = ByteArray(start)
    message += Bytes(cString: strerror(number))
    return message.withUnsafeBufferPointer { printError($0, 1) }
}

/// Prints an error message, and returns `status`.
private func printError(_ message: Bytes, _ status: Int32) -> Int32 {
    var line = ByteBuffer()
    line.append("thinkwire-mock: ")
    line.append(message)
    line.append("\n")
    _ = write(2, line.start, line.count)
    return status
}
