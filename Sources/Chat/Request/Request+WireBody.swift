import Base
import CThinkwire

extension Request {
    /// The body to send, and what is known in advance about the response.
    ///
    /// The method sets `stream` and `stream_options`. It adds the fields for thinking that the
    /// caller has not set: those of the host, or those of `dialect`. Earlier reasoning is sent as
    /// the host requires, or as `replay` says.
    package func wireBody(
        wantsStream: Bool, to host: HostRows, dialect: ThinkingDialect? = nil,
        replay: ReasoningReplay? = nil
    ) -> WireBody {
        var wire = body.copy()
        // A named constant: the bytes of a temporary would not outlive the expression.
        let model = modelName
        let known = host.rules(for: model.bytes)
        let knownReplay = known?.replay ?? .automatic
        let rules = dialect.map { HostRules($0, replay: knownReplay) } ?? known
        let replay = replay ?? ReasoningReplay(rules?.replay ?? .automatic)
        wire.replaceReasoning(as: replay, thinking)
        // Unknown hosts on public networks might reject the fields.
        if let rules, thinking != TW_THINKING_AUTO {
            rules.write(thinking, budget: budget, into: &wire)
        }
        var expected = Reply.Expected()
        expected.startsInsideThink = startsInsideThink ?? false
        // Providers whose field for reasoning is known remove the tags themselves.
        expected.templateStartsInsideThink =
            startsInsideThink == nil && (dialect ?? .chatTemplate) == .chatTemplate
            && knownReplay == .automatic && ThinkingDialect.templateHoldsTag(of: model.bytes)
        expected.isThinkingOff = !(wire.switchesThinking ?? (thinking != TW_THINKING_OFF))
        expected.choices = wire.choiceCount
        let isStreamed = wantsStream || wire.value("enable_thinking")?.equals("true") ?? false
        if isStreamed {
            wire.set("stream", to: "true")
            if let options = wire.value("stream_options") {
                if options.equals("null") { wire.remove("stream_options") }
            } else {
                wire.set("stream_options", to: "{\"include_usage\":true}")
            }
        } else {
            if wire.value("stream") != nil { wire.set("stream", to: "false") }
            wire.remove("stream_options")
        }
        return WireBody(text: wire.takeText(), isStreamed: isStreamed, expected: expected)
    }
}

/// The text of a request body as it is sent, and what is known in advance about the response.
package struct WireBody: ~Copyable {
    package var text: ByteBuffer
    package let isStreamed: Bool
    package let expected: Reply.Expected

    package consuming func takeText() -> ByteBuffer { text }
}
