import CPlatform
import Testing

@testable import Base
@testable import Chat

@Suite("The table of hosts: which row applies to a host and a model")
struct HostTableTests {
    private func rules(_ address: String, _ model: String) -> HostRules? {
        withAddress(address) { host, port in
            withCopy(model) { HostRows(host: host, port: port).rules(for: $0) }
        }
    }

    @Test(arguments: [
        ("api.deepseek.com", "deepseek-chat", ReplayForm.reasoningContentOfThisTurn),
        ("api.deepseek.com", "deepseek-v4-pro", .reasoningContentWithTools),
        ("api.moonshot.ai", "kimi-k2-thinking", .requiredReasoningContent),
        ("api.moonshot.cn", "kimi-k2.5", .requiredReasoningContent),
        ("api.xiaomimimo.com", "mimo-v2.5-pro", .requiredReasoningContent),
        ("api.z.ai", "glm-4.7", .reasoningContent),
        ("open.bigmodel.cn", "glm-4.6", .reasoningContent),
        ("dashscope-intl.aliyuncs.com", "qwen3-max", .reasoningContent),
        ("api.minimax.io", "MiniMax-M2", .reasoningDetailsOrTags),
        ("openrouter.ai", "anthropic/claude-sonnet-4.5", .reasoningDetails),
        ("localhost:8000", "openai/gpt-oss-20b", .reasoning),
        ("127.0.0.1:11434", "qwen3", .reasoning),
        ("api.groq.com", "openai/gpt-oss-120b", .nothing),
        ("api.mistral.ai", "magistral-medium-latest", .nothing),
        ("api.cerebras.ai", "gpt-oss-120b", .nothing),
        ("api.openai.com", "gpt-5", .nothing),
        ("api.githubcopilot.com", "claude-sonnet-4.5", .reasoningOpaque),
        ("localhost:8000", "Qwen/Qwen3-32B", .automatic),
        ("llm.example.com", "gpt-oss", nil),
    ])
    func replayForms(_ address: String, _ model: String, _ form: ReplayForm?) {
        #expect(rules(address, model)?.replay == form)
    }

    @Test func everyLineOfTheTableIsWellFormed() {
        let lines = String(Bytes(cString: platform_hosts())).split(separator: "\n")
        #expect(lines.first.map { !$0.hasPrefix("\t") } ?? false)
        for line in lines where line.hasPrefix("\t") {
            let fields = line.dropFirst().split(separator: "\t", omittingEmptySubsequences: false)
            let digits = fields.last!.utf8.map { $0 &- UInt8(ascii: "0") }
            #expect(fields.count == 2 && digits.count >= 3, "\(line)")
            #expect(ThinkingDialect(rawValue: digits[0]) != nil, "\(line)")
            #expect(BudgetField(rawValue: digits[1]) != nil, "\(line)")
            #expect(ReplayForm(rawValue: digits[2]) != nil, "\(line)")
            let efforts = digits.dropFirst(3)
            #expect(efforts.allSatisfy { $0 < 8 } && efforts.elementsEqual(Set(efforts).sorted()))
        }
    }

    @Test(arguments: [
        ("API.OpenAI.com", "gpt-5", true), ("api.openai.com.", "gpt-5", true),
        ("notopenai.com", "gpt-5", false), ("openai.com.example.com", "gpt-5", false),
        ("api.openai.com", "openai/GPT-5", true), ("api.openai.com", "xgpt-5", false),
        ("api.openai.com", "", false), ("api.openai.com", "o", false),
        ("api.openai.com", "my-o3", true), ("api.openai.com", "solo3", false),
        ("x.ai", "grok-4.3", true),
        ("foox.ai", "grok-4.3", false),
    ])
    func hostsAndModelsMatchAtTheBeginningOfAWord(_ host: String, _ model: String, _ does: Bool) {
        #expect((rules(host, model)?.dialect == .reasoningEffort) == does)
    }

    @Test func portsDistinguishServersOnPrivateHostsOnly() {
        for host in ["localhost", "127.0.0.1", "[::1]", "192.168.1.9", "gpu"] {
            #expect(rules(host + ":11434", "qwen3")?.dialect == .reasoningEffort)
            #expect(rules(host + ":11434", "qwen3")?.efforts.contains(6) == true)
            #expect(rules(host + ":1234", "qwen3")?.efforts.contains(6) == false)
            #expect(rules(host + ":1143", "qwen3")?.dialect == .chatTemplate)
        }
        #expect(rules("llm.example.com:11434", "qwen3") == nil)
    }

    @Test(arguments: [
        ("localhost", true), ("LOCALHOST", true), ("a.localhost", true), ("gpu", true),
        ("127.0.0.1", true), ("127.255.255.255", true), ("128.0.0.1", false),
        ("10.0.0.1", true), ("11.0.0.1", false), ("9.255.255.255", false),
        ("172.16.0.1", true), ("172.31.255.255", true), ("172.15.0.1", false),
        ("172.32.0.1", false), ("192.168.0.1", true), ("192.169.0.1", false),
        ("169.254.1.1", true), ("100.64.0.1", true), ("100.127.255.255", true),
        ("100.128.0.1", false), ("8.8.8.8", false), ("[::1]", true), ("[fe80::1]", true),
        ("[febf::1]", true), ("[fec0::1]", false), ("[fc00::1]", true), ("[fdff::1]", true),
        ("[fe00::1]", false), ("[2001:db8::1]", false), ("[::ffff:10.0.0.1]", true),
        ("[::ffff:8.8.8.8]", false), ("[", false), ("[]", false), ("[::1", false),
        ("[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]", false),
        ("nas.local", true), ("box.LAN", true), ("host.docker.internal", true),
        ("a.home.arpa", true), (".local", false), ("xlocal", true), ("x.notlocal", false),
        ("private", true), ("a.private", false), ("local.example.com", false),
        ("127.0.0.1.example.com", false), ("1.2.3", false),
    ])
    func privateHosts(_ host: String, _ isPrivate: Bool) {
        #expect(platform_is_private_host(host) == isPrivate)
    }
}
