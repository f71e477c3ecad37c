import Base
import CPlatform

/// What a host expects of requests to a model that thinks: a row of the table in
/// `Sources/CPlatform/hosts.c`, which has the source of each row.
package struct HostRules {
    package let dialect: ThinkingDialect
    package let budget: BudgetField
    package let replay: ReplayForm
    /// The accepted values of `reasoning_effort`.
    package let efforts: EffortSet

    /// Reads the digits of a row: dialect, budget, replay form, and the efforts.
    fileprivate init?(digits: Bytes) {
        func value(_ index: Int) -> UInt8 { digits[index] &- UInt8(ascii: "0") }
        guard digits.count >= 3, let dialect = ThinkingDialect(rawValue: value(0)),
            let budget = BudgetField(rawValue: value(1)),
            let replay = ReplayForm(rawValue: value(2))
        else { return nil }
        var efforts: UInt8 = 0
        for index in 3..<digits.count { efforts |= 1 &<< value(index) }
        self.init(
            dialect: dialect, budget: budget, replay: replay,
            efforts: EffortSet(rawValue: efforts))
    }

    package init(
        dialect: ThinkingDialect, budget: BudgetField, replay: ReplayForm, efforts: EffortSet
    ) {
        self.dialect = dialect
        self.budget = budget
        self.replay = replay
        self.efforts = efforts
    }
}

/// The rows of the table for one host. A client selects them once: comparing its host with all
/// names takes longer than parsing a short answer.
package struct HostRows {
    private var rows: [Bytes] = []

    /// `port` is decimal.
    package init(host: Bytes, port: Bytes) {
        let host = HostName(host, port: port)
        var lines = Fields(Bytes(cString: platform_hosts()), UInt8(ascii: "\n"))
        var isForHost = false
        while let line = lines.next() {
            if line.first != UInt8(ascii: "\t") {
                isForHost = host.matches(line)
            } else if isForHost {
                rows.append(line)
            }
        }
    }

    /// The rules for a model; nil if no row matches it.
    package func rules(for model: Bytes) -> HostRules? {
        guard let row = row(for: model), let tab = row.lastIndex(of: UInt8(ascii: "\t")) else {
            return nil
        }
        return HostRules(digits: row.dropping(tab + 1))
    }

    /// The first row that matches a model.
    func row(for model: Bytes) -> Bytes? {
        rows.first { row in
            var fields = Fields(row.dropping(1), UInt8(ascii: "\t"))
            return fields.next().map { HostRows.matches(model, $0) } ?? false
        }
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
    /// `reasoning_details` as received, with signatures and encrypted parts; else `reasoning`.
    case reasoningDetails
    /// `reasoning_text` with `reasoning_opaque`.
    case reasoningOpaque
    /// `reasoning_content`, in conversations with tools.
    case reasoningContentWithTools
    /// `reasoning_content`, which messages with tool calls must have.
    case requiredReasoningContent
    /// `reasoning_details`, else the content with its tags.
    case reasoningDetailsOrTags
}

/// Values of `reasoning_effort`.
package struct EffortSet {
    /// Bit N represents the value with index N; the table has the names.
    package let rawValue: UInt8

    package init(rawValue: UInt8) { self.rawValue = rawValue }

    /// The values from `none` to `max`, whose order does not depend on the host.
    package static var levels: EffortSet { EffortSet(rawValue: 0x7F) }

    package func contains(_ index: UInt8) -> Bool { rawValue &>> index & 1 != 0 }
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
        let name = StaticText.bytes("private")
        guard known.hasPrefix("private") else { return false }
        return known.count == name.count || known.dropping(name.count + 1).equals(port)
    }
}
