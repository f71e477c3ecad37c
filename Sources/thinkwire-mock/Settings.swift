import Base
import CMock
import CPlatform
import Chat

/// Reason why the program cannot start, for its user.
struct StartError: Error {
    var message: ByteArray

    init(_ message: ByteArray) { self.message = message }

    /// Describes a problem with a file or an argument: "START DETAIL END".
    init(_ start: StaticString, _ detail: Bytes, _ end: StaticString) {
        message = ByteArray(start)
        message += detail
        message += end
    }
}

/// Arguments of the program. Texts point to the arguments of the process.
struct Settings {
    var host = StaticText.bytes("127.0.0.1")
    var port = 8089
    /// Pause between two pieces of a body, in nanoseconds.
    var pace: Int64 = 0
    /// Requests per second that all connections share; nil without a limit.
    var requestsPerSecond: Int?
    var logsRequests = false
    var usesTLS = false
    var aliases: [ModelAlias] = []
    var requestsFile: Bytes?
    var scriptFile: Bytes?
    var replayFile: Bytes?
    /// Base URL of the provider that requests are forwarded to.
    var recordedURL: Bytes?
    var outputFile: Bytes?
    /// Certificates that are trusted instead of the system's.
    var authorityFile: Bytes?

    /// What the arguments ask for.
    enum Task { case serve, showHelp, showVersion }
    private(set) var task = Task.serve

    init() {}

    mutating func readArguments() throws(StartError) {
        var index: Int32 = 1
        while task == .serve, let text = mock_argument(index) {
            let argument = Bytes(cString: text)
            let equals = argument.firstIndex(of: UInt8(ascii: "=")) ?? argument.count
            let name = argument.part(0..<equals)
            index += 1
            var value = equals < argument.count ? argument.dropping(equals + 1) : nil
            if Settings.needsValue(name), value == nil, let next = mock_argument(index) {
                value = Bytes(cString: next)
                index += 1
            }
            let isValid =
                if let value { read(name, value) } else { read(name) }
            guard isValid else {
                let last = mock_argument(index - 1) ?? text
                throw StartError("invalid argument: ", Bytes(cString: last), "; see --help")
            }
        }
        guard (recordedURL == nil) == (outputFile == nil),
            recordedURL != nil || authorityFile == nil
        else {
            throw StartError(
                ByteArray("--record needs --output FILE; --output and --ca-file need --record"))
        }
        let sources = [scriptFile, replayFile, recordedURL].reduce(0) { $1 == nil ? $0 : $0 + 1 }
        guard sources <= 1 else {
            throw StartError(ByteArray("--script, --replay and --record exclude each other"))
        }
    }

    private static let valueOptions: StaticString = """
        --port --host --pace --rate --alias --script --requests --record --output --ca-file --replay
        """

    private static func needsValue(_ name: Bytes) -> Bool {
        Fields(words: valueOptions).contains { $0.equals(name) }
    }

    /// Reads an option with a value; false if there is no such option or its value is invalid.
    private mutating func read(_ name: Bytes, _ value: Bytes) -> Bool {
        if name.equals("--port"), let number = parseDecimal(value, limit: 65_535) {
            port = number
        } else if name.equals("--pace"), let time = parseMilliseconds(value) {
            pace = time
        } else if name.equals("--rate"), let number = parseDecimal(value, limit: 1_000_000),
            number > 0
        {
            requestsPerSecond = number
        } else if name.equals("--alias"), let alias = ModelAlias(value) {
            aliases.append(alias)
        } else {
            return !value.isEmpty && readText(name, value)
        }
        return true
    }

    private mutating func readText(_ name: Bytes, _ value: Bytes) -> Bool {
        if name.equals("--host") {
            host = value
        } else if name.equals("--script") {
            scriptFile = value
        } else if name.equals("--requests") {
            requestsFile = value
        } else if name.equals("--record") {
            recordedURL = value
        } else if name.equals("--output") {
            outputFile = value
        } else if name.equals("--ca-file") {
            authorityFile = value
        } else if name.equals("--replay") {
            replayFile = value
        } else {
            return false
        }
        return true
    }

    /// Reads an option without a value; false if there is no such option.
    private mutating func read(_ name: Bytes) -> Bool {
        if name.equals("--tls") {
            usesTLS = true
        } else if name.equals("--log") {
            logsRequests = true
        } else if name.equals("--quiet") {
            logsRequests = false
        } else if name.equals("--help") || name.equals("-h") {
            task = .showHelp
        } else if name.equals("--version") {
            task = .showVersion
        } else {
            return false
        }
        return true
    }
}

extension UnsafeBufferPointer where Element == UInt8 {
    /// A text that ends with an argument of the process, as a C string.
    var argumentCString: UnsafePointer<CChar> {
        UnsafeRawPointer(baseAddress ?? StaticText.empty).assumingMemoryBound(to: CChar.self)
    }
}
