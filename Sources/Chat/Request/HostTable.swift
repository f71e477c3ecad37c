import Base
import CPlatform

/// What a host expects of requests to a model that thinks: a row of the table in
/// `Sources/CPlatform/hosts.c`, which has the source of each row.
package struct HostRules: Equatable {
    package var dialect: ThinkingDialect
    package var budget: BudgetField
    package var replay: ReplayForm
    package var efforts: EffortSet

    /// Nothing is sent that a host might reject.
    package static let unknown = HostRules(
        dialect: .none, budget: .none, replay: .automatic, efforts: [])

    /// The rules for a model on a host, from the first row that matches both.
    ///
    /// This is a pure function. `port` is decimal. Unknown hosts on public networks get `unknown`.
    @inline(never)
    package static func of(host: Bytes, port: Bytes, model: Bytes) -> HostRules {
        let host = HostName(host, port: port)
        var lines = Fields(Bytes(cString: platform_hosts()), UInt8(ascii: "\n"))
        var isForHost = false
        while let line = lines.next() {
            guard line.first == UInt8(ascii: "\t") else {
                isForHost = host.matches(line)
                continue
            }
            guard isForHost else { continue }
            var row = Fields(line.dropping(1), UInt8(ascii: "\t"))
            if let patterns = row.next(), let codes = row.next(), matches(model, patterns),
                let rules = HostRules(codes: codes)
            {
                return rules
            }
        }
        return unknown
    }

    /// Reads the digits of a row: dialect, budget, replay form, and the efforts.
    private init?(codes: Bytes) {
        let digits = codes.map { $0 &- UInt8(ascii: "0") }
        guard digits.count >= 3, let dialect = ThinkingDialect(rawValue: digits[0]),
            let budget = BudgetField(rawValue: digits[1]),
            let replay = ReplayForm(rawValue: digits[2])
        else { return nil }
        (self.dialect, self.budget, self.replay, efforts) = (dialect, budget, replay, [])
        for digit in digits.dropFirst(3) { efforts.insert(EffortSet(rawValue: 1 << digit)) }
    }

    package init(
        dialect: ThinkingDialect, budget: BudgetField, replay: ReplayForm, efforts: EffortSet
    ) {
        self.dialect = dialect
        self.budget = budget
        self.replay = replay
        self.efforts = efforts
    }

    /// Whether one of the patterns, which are separated by spaces, occurs in the name at the
    /// beginning of a word. No pattern matches every name.
    private static func matches(_ model: Bytes, _ patterns: Bytes) -> Bool {
        if patterns.isEmpty { return true }
        var patterns = Fields(patterns, UInt8(ascii: " "))
        while let pattern = patterns.next() {
            var start = 0
            while start + pattern.count <= model.count {
                let part = model.part(start..<start + pattern.count)
                if (start == 0 || !isWordByte(model[start - 1])) && part.equalsIgnoringCase(pattern)
                {
                    return true
                }
                start += 1
            }
        }
        return false
    }

    private static func isWordByte(_ byte: UInt8) -> Bool {
        let letter = byte | 0x20
        return letter >= UInt8(ascii: "a") && letter <= UInt8(ascii: "z")
            || byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
    }
}

/// The field for the maximum number of thinking tokens.
package enum BudgetField: UInt8 {
    case none
    /// `thinking_budget`.
    case thinkingBudget
    /// `budget_tokens` inside `thinking`.
    case budgetTokens
    /// `max_tokens` inside `reasoning`.
    case maxTokens
    /// `extra_body.google.thinking_config.thinking_budget`.
    case google
    /// `thinking_token_budget` (vLLM), and `thinking_budget_tokens` and `reasoning_budget_tokens`
    /// (llama.cpp).
    case local
    /// A number as `reasoning_effort`.
    case effort
}

/// The members of an assistant message that return the reasoning of earlier turns.
package enum ReplayForm: UInt8 {
    /// The member in which the reply contained it, if the message has tool calls.
    case automatic
    /// None: the host rejects or ignores it.
    case nothing
    case reasoningContent
    /// `reasoning_content`, only in messages after the last user message.
    case reasoningContentOfThisTurn
    case reasoning
    /// `reasoning_details` as received, with signatures and encrypted parts.
    case reasoningDetails
    /// `reasoning_text` with `reasoning_opaque`.
    case reasoningOpaque
}

/// Values of `reasoning_effort`.
package struct EffortSet: OptionSet {
    package let rawValue: UInt8

    package init(rawValue: UInt8) { self.rawValue = rawValue }

    package static let none = EffortSet(rawValue: 1)
    package static let minimal = EffortSet(rawValue: 2)
    package static let low = EffortSet(rawValue: 4)
    package static let medium = EffortSet(rawValue: 8)
    package static let high = EffortSet(rawValue: 16)
    package static let xhigh = EffortSet(rawValue: 32)
    package static let max = EffortSet(rawValue: 64)
    package static let `default` = EffortSet(rawValue: 128)
}

/// A host as the table names it.
private struct HostName: ~Copyable {
    private var name = ByteBuffer()
    private var isPrivate = false
    private let port: Bytes

    init(_ host: Bytes, port: Bytes) {
        self.port = port
        name.append(host.last == UInt8(ascii: ".") ? host.part(0..<host.count - 1) : host)
        isPrivate = platform_is_private_host(name.cString)
    }

    /// Whether one of the names, which are separated by spaces, is this host or its domain.
    func matches(_ names: Bytes) -> Bool {
        var names = Fields(names, UInt8(ascii: " "))
        while let known = names.next() {
            if known.equals("*") || isPrivate && isPrivateName(known) { return true }
            let start = name.count - known.count
            if start >= 0, name.bytes.dropping(start).equalsIgnoringCase(known),
                start == 0 || name.bytes[start - 1] == UInt8(ascii: ".")
            {
                return true
            }
        }
        return false
    }

    private func isPrivateName(_ known: Bytes) -> Bool {
        var parts = Fields(known, UInt8(ascii: ":"))
        guard let first = parts.next(), first.equals("private") else { return false }
        return parts.next().map { $0.equals(port) } ?? true
    }
}

/// The parts of a text between separators.
private struct Fields {
    private var rest: Bytes?
    private let separator: UInt8

    init(_ text: Bytes, _ separator: UInt8) {
        rest = text
        self.separator = separator
    }

    mutating func next() -> Bytes? {
        guard let text = rest else { return nil }
        let end = text.firstIndex(of: separator)
        rest = end.map { text.dropping($0 + 1) }
        return text.part(0..<(end ?? text.count))
    }
}
