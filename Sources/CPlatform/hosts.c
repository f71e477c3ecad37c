/*
 * What hosts expect of requests to thinking models: one constant without relocations and code to
 * initialise it, and with a source for each row. HostTable.swift reads it.
 */
#include "CPlatform.h"

#include <strings.h>

/*
 * The hosts of the rows that follow: domain names, separated by spaces. A name also matches its
 * subdomains. "*" is every host, "private" every host on a private network (see
 * platform_is_private_host), and "private:11434" such a host with that port.
 */
#define HOST(names) names "\n"

/*
 * A row: patterns for the model, separated by spaces ("" for every model), and what the host
 * expects. The first row that matches counts. A pattern matches at the beginning of a word of the
 * model's name: "o3" matches "openai/o3-mini", and not "foo3".
 */
#define MODEL(patterns, dialect, efforts, budget, replay)                                          \
    "\t" patterns "\t" dialect budget replay efforts "\n"

/* The field that switches thinking on and off. The digits are values of tw_dialect. */
#define NO_SWITCH "1" /* None: the model always thinks, never thinks, or has no known switch. */
#define ENABLE_THINKING "2"
#define CHAT_TEMPLATE "3"
#define REASONING_EFFORT "4"
#define REASONING_OBJECT "5"
#define THINKING_TYPE "6"
#define TEMPLATE_THINKING "7"

/* The accepted values of `reasoning_effort`; with other dialects, in addition to their switch. */
#define NO_EFFORT ""
#define NONE "0"
#define MINIMAL "1"
#define LOW "2"
#define MEDIUM "3"
#define HIGH "4"
#define XHIGH "5"
#define MAX "6"
#define DEFAULT "7"

/* The field for the maximum number of thinking tokens. */
#define NO_BUDGET "0" /* With efforts, the budget selects one: see EffortSet in Swift. */
#define THINKING_BUDGET "1"
#define BUDGET_TOKENS "2" /* Inside `thinking`. */
#define MAX_TOKENS "3"    /* Inside `reasoning`. */
#define GOOGLE_BUDGET "4" /* `thinking_budget` inside `extra_body`. */
#define LOCAL_BUDGETS "5" /* The fields of vLLM and llama.cpp; each ignores those of the other. */
#define EFFORT_TOKENS "6" /* A number as `reasoning_effort`. */

/* The member of assistant messages for the reasoning of earlier turns. */
#define REPLAY_AUTO "0" /* The member in which it was received, if there are tool calls. */
#define NO_REPLAY "1"   /* None: the host rejects or ignores it. */
#define REASONING_CONTENT "2"
#define REASONING_CONTENT_THIS_TURN "3" /* Only after the last user message. */
#define REASONING "4"
#define REASONING_DETAILS "5"            /* As received, with signatures and encrypted parts. */
#define REASONING_OPAQUE "6"             /* reasoning_text with reasoning_opaque. */
#define REASONING_CONTENT_WITH_TOOLS "7" /* Only in conversations with tools. */
#define REQUIRED_REASONING_CONTENT "8"   /* Messages with tool calls are rejected without it. */
#define REASONING_DETAILS_OR_TAGS "9"    /* The tags stay in the content. */

/*
 * The table. Above each group: the name of the host, the sources, and the tags that enclose
 * reasoning in its answers, if any. A name such as pi#3636 is an issue or pull request of a public
 * repository. Tests/check/hosts.py writes the table into bindings/c/README.md.
 */
/* clang-format off */
static const char hosts[] =
    /* AI/ML API, four models: the provider's schemas. The names are known on every host, because
     * they are also served through proxies, and by thinkwire-mock.
     * https://docs.aimlapi.com/api-references/text-models-llm/alibaba-cloud */
    HOST("*")
        MODEL("alibaba/qwen3-next-80b-a3b-thinking alibaba/qwen3-vl-32b-thinking",
              NO_SWITCH, NO_EFFORT, NO_BUDGET, NO_REPLAY)
        MODEL("alibaba/qwen3-32b", ENABLE_THINKING, NO_EFFORT, THINKING_BUDGET, NO_REPLAY)
        MODEL("alibaba/qwen3.6-35b-a3b", REASONING_EFFORT, LOW MEDIUM HIGH, NO_BUDGET, NO_REPLAY)

    /* AI/ML API: https://docs.aimlapi.com/api-references/text-models-llm */
    HOST("aimlapi.com")
        MODEL("gpt-5 o1 o3 o4", REASONING_EFFORT, LOW MEDIUM HIGH, NO_BUDGET, NO_REPLAY)
        MODEL("", ENABLE_THINKING, NO_EFFORT, THINKING_BUDGET, REPLAY_AUTO)

    /* DashScope: https://www.alibabacloud.com/help/en/model-studio/deep-thinking. Models that
     * always think: models.dev#2859. Preserved thinking: qwen-code#5637. */
    HOST("aliyuncs.com")
        MODEL("qwq qvq deepseek-r1 minimax", NO_SWITCH, NO_EFFORT, NO_BUDGET, REPLAY_AUTO)
        MODEL("thinking", NO_SWITCH, NO_EFFORT, THINKING_BUDGET, REASONING_CONTENT)
        MODEL("", ENABLE_THINKING, NO_EFFORT, THINKING_BUDGET, REASONING_CONTENT)

    /* DeepSeek: https://api-docs.deepseek.com/guides/thinking_mode. It maps every effort to one
     * that it has. V3.2 ignores the reasoning of earlier turns. V4 requires it in conversations
     * with tools (laravel/ai#533, opencode#24722, bojieli/ai-agent-book PR 982). Without tools,
     * both ignore it, and earlier versions reject it (Euyug/Mirai-Gpt-Plugin#4). */
    HOST("deepseek.com")
        MODEL("deepseek-chat deepseek-reasoner deepseek-v3", THINKING_TYPE,
              MINIMAL LOW MEDIUM HIGH XHIGH MAX, NO_BUDGET, REASONING_CONTENT_THIS_TURN)
        MODEL("deepseek", THINKING_TYPE, MINIMAL LOW MEDIUM HIGH XHIGH MAX, NO_BUDGET,
              REASONING_CONTENT_WITH_TOOLS)
        MODEL("", THINKING_TYPE, MINIMAL LOW MEDIUM HIGH XHIGH MAX, NO_BUDGET,
              REASONING_CONTENT_THIS_TURN)

    /* z.ai, Zhipu: https://docs.z.ai/guides/capabilities/thinking-mode, camel#3715. GLM 5.3 always
     * thinks: https://docs.together.ai/docs/glm-5.3-quickstart, DeepSeek-Reasonix#9642. Efforts
     * since GLM 5.2: hermes-webui exp-v0.52.105. */
    HOST("z.ai bigmodel.cn")
        MODEL("glm-5.3", REASONING_EFFORT, LOW HIGH MAX, NO_BUDGET, REASONING_CONTENT)
        MODEL("glm-5.2", THINKING_TYPE, MINIMAL LOW MEDIUM HIGH XHIGH MAX, NO_BUDGET,
              REASONING_CONTENT)
        MODEL("", THINKING_TYPE, NO_EFFORT, NO_BUDGET, REASONING_CONTENT)

    /* Moonshot: https://platform.kimi.ai/docs/guide/use-kimi-k2-thinking-model, models.dev#2294.
     * K3 always thinks: https://platform.kimi.ai/docs/guide/use-reasoning-effort. The other models
     * reject both fields together (nanobot#3939). Replay: opencode#16318, pi#4251. */
    HOST("moonshot.ai moonshot.cn kimi.com kimi.ai")
        MODEL("moonshot-v1", NO_SWITCH, NO_EFFORT, NO_BUDGET, NO_REPLAY)
        MODEL("kimi-k2-thinking", NO_SWITCH, NO_EFFORT, NO_BUDGET, REQUIRED_REASONING_CONTENT)
        MODEL("kimi-k3", REASONING_EFFORT, LOW HIGH MAX, NO_BUDGET, REQUIRED_REASONING_CONTENT)
        MODEL("", THINKING_TYPE, NO_EFFORT, NO_BUDGET, REQUIRED_REASONING_CONTENT)

    /* MiniMax: M2 always thinks, M3 can be switched off, and has no efforts:
     * https://java.agentscope.io/v2/en/integration/model/minimax, DeepSeek-Reasonix#9642. Replay:
     * https://platform.minimax.io/docs/guides/text-m2-function-call, MiniMax-M2#95.
     * Tags: `<think>`, without `reasoning_split`. */
    HOST("minimax.io minimaxi.com minimax.chat")
        MODEL("minimax-m1 minimax-m2", NO_SWITCH, NO_EFFORT, NO_BUDGET, REASONING_DETAILS_OR_TAGS)
        MODEL("", THINKING_TYPE, NO_EFFORT, NO_BUDGET, REASONING_DETAILS_OR_TAGS)

    /* Volcengine: https://www.volcengine.com/docs/82379/1449737, Roo-Code#11001. Efforts of its
     * own models: chatbox#3548, dify-official-plugins#3771; minimal does not think. */
    HOST("volces.com bytepluses.com")
        MODEL("seed ark-code", THINKING_TYPE, LOW MEDIUM HIGH, NO_BUDGET, REASONING_CONTENT)
        MODEL("", THINKING_TYPE, NO_EFFORT, NO_BUDGET, REASONING_CONTENT)

    /* Xiaomi MiMo: nanobot#3734, GCMP#171,
     * https://platform.xiaomimimo.com/docs/en-US/usage-guide/passing-back-reasoning_content */
    HOST("xiaomimimo.com")
        MODEL("", THINKING_TYPE, NO_EFFORT, NO_BUDGET, REQUIRED_REASONING_CONTENT)

    /* OpenAI, Azure OpenAI: https://developers.openai.com/api/docs/guides/reasoning, and
     * ReasoningEffort in https://learn.microsoft.com/en-us/javascript/api/@azure/ai-projects/.
     * No minimal since 5.1: opencode#4451. xhigh, max: opencode#36141. */
    HOST("openai.com openai.azure.com services.ai.azure.com cognitiveservices.azure.com")
        MODEL("chat o1-mini o1-preview", NO_SWITCH, NO_EFFORT, NO_BUDGET, NO_REPLAY)
        MODEL("gpt-5-pro", REASONING_EFFORT, HIGH, NO_BUDGET, NO_REPLAY)
        MODEL("codex o1 o3 o4", REASONING_EFFORT, LOW MEDIUM HIGH, NO_BUDGET, NO_REPLAY)
        MODEL("gpt-5.1", REASONING_EFFORT, NONE LOW MEDIUM HIGH, NO_BUDGET, NO_REPLAY)
        MODEL("gpt-5.2 gpt-5.3 gpt-5.4 gpt-5.5", REASONING_EFFORT, NONE LOW MEDIUM HIGH XHIGH,
              NO_BUDGET, NO_REPLAY)
        MODEL("gpt-5. gpt-6", REASONING_EFFORT, NONE LOW MEDIUM HIGH XHIGH MAX, NO_BUDGET,
              NO_REPLAY)
        MODEL("gpt-5", REASONING_EFFORT, MINIMAL LOW MEDIUM HIGH, NO_BUDGET, NO_REPLAY)
        MODEL("", NO_SWITCH, NO_EFFORT, NO_BUDGET, NO_REPLAY)

    /* Gemini: https://ai.google.dev/gemini-api/docs/openai#thinking. Only 2.5 Flash can be switched
     * off (overlay-translator#18); no minimal for Pro (unsloth#5720). Tags: `<thought>`. */
    HOST("googleapis.com")
        MODEL("gemini-1 gemini-2.0", NO_SWITCH, NO_EFFORT, NO_BUDGET, NO_REPLAY)
        MODEL("gemini-2.5-flash", REASONING_EFFORT, NONE MINIMAL LOW MEDIUM HIGH, GOOGLE_BUDGET,
              NO_REPLAY)
        MODEL("pro", REASONING_EFFORT, LOW MEDIUM HIGH, GOOGLE_BUDGET, NO_REPLAY)
        MODEL("gemini", REASONING_EFFORT, MINIMAL LOW MEDIUM HIGH, GOOGLE_BUDGET, NO_REPLAY)
        MODEL("", NO_SWITCH, NO_EFFORT, NO_BUDGET, NO_REPLAY)

    /* xAI: https://docs.x.ai/docs/guides/reasoning; Grok 4.3: vercel/ai 80e1702. */
    HOST("x.ai")
        MODEL("grok-3-mini", REASONING_EFFORT, LOW HIGH, NO_BUDGET, NO_REPLAY)
        MODEL("grok-4.3 grok-latest", REASONING_EFFORT, NONE LOW MEDIUM HIGH, NO_BUDGET, NO_REPLAY)
        MODEL("", NO_SWITCH, NO_EFFORT, NO_BUDGET, NO_REPLAY)

    /* Groq: https://console.groq.com/docs/reasoning, llmgateway#3422. Replay: freellmapi#1070.
     * Tags: `<think>`, with `reasoning_format` raw. */
    HOST("groq.com")
        MODEL("gpt-oss", REASONING_EFFORT, LOW MEDIUM HIGH, NO_BUDGET, NO_REPLAY)
        MODEL("qwen", REASONING_EFFORT, NONE DEFAULT, NO_BUDGET, NO_REPLAY)
        MODEL("", NO_SWITCH, NO_EFFORT, NO_BUDGET, NO_REPLAY)

    /* Cerebras: https://inference-docs.cerebras.ai/capabilities/reasoning, models.dev#2129,
     * cartesia-ai/line#261. Replay: freellmapi#1070.
     * Tags: `<think>`, with `reasoning_format` raw. */
    HOST("cerebras.ai")
        MODEL("gpt-oss", REASONING_EFFORT, LOW MEDIUM HIGH, NO_BUDGET, NO_REPLAY)
        MODEL("zai-glm qwen", REASONING_EFFORT, NONE, NO_BUDGET, NO_REPLAY)
        MODEL("", NO_SWITCH, NO_EFFORT, NO_BUDGET, NO_REPLAY)

    /* Mistral: https://docs.mistral.ai/capabilities/reasoning/, pydantic-ai#5285. Magistral always
     * thinks. Replay: openfox#220. Tags: none; content parts of type thinking. */
    HOST("mistral.ai")
        MODEL("mistral-small-latest mistral-small-26 mistral-small-4 mistral-medium-3-5 "
              "mistral-medium-3.5 mistral-medium-latest",
              REASONING_EFFORT, NONE HIGH, NO_BUDGET, NO_REPLAY)
        MODEL("", NO_SWITCH, NO_EFFORT, NO_BUDGET, NO_REPLAY)

    /* Together: https://docs.together.ai/docs/inference/chat/reasoning, litellm#38263,
     * https://docs.together.ai/docs/glm-5.3-quickstart */
    HOST("together.xyz together.ai")
        MODEL("gpt-oss", REASONING_EFFORT, LOW MEDIUM HIGH, NO_BUDGET, REPLAY_AUTO)
        MODEL("glm-5.3", REASONING_EFFORT, LOW MEDIUM HIGH MAX, NO_BUDGET, REPLAY_AUTO)
        MODEL("thinking minimax deepseek-r1", NO_SWITCH, NO_EFFORT, NO_BUDGET, REPLAY_AUTO)
        MODEL("", REASONING_OBJECT, NO_EFFORT, NO_BUDGET, REPLAY_AUTO)

    /* Fireworks: https://docs.fireworks.ai/guides/reasoning, models.dev#2132.
     * Tags: `<think>`, of some models. */
    HOST("fireworks.ai")
        MODEL("gpt-oss minimax", REASONING_EFFORT, LOW MEDIUM HIGH, NO_BUDGET, REASONING_CONTENT)
        MODEL("qwen", REASONING_EFFORT, NONE LOW MEDIUM HIGH, EFFORT_TOKENS, REASONING_CONTENT)
        MODEL("", REASONING_EFFORT, NONE LOW MEDIUM HIGH, NO_BUDGET, REASONING_CONTENT)

    /* SiliconFlow: https://docs.siliconflow.cn/docs/api/chat-completions-post */
    HOST("siliconflow.cn siliconflow.com")
        MODEL("thinking qwq deepseek-r1 minimax", NO_SWITCH, NO_EFFORT, THINKING_BUDGET,
              REASONING_CONTENT)
        MODEL("deepseek-v4 glm-5.2", ENABLE_THINKING, LOW MEDIUM HIGH XHIGH MAX, THINKING_BUDGET,
              REASONING_CONTENT)
        MODEL("", ENABLE_THINKING, NO_EFFORT, THINKING_BUDGET, REASONING_CONTENT)

    /* OpenRouter: https://openrouter.ai/docs/guides/best-practices/reasoning-tokens, and
     * https://openrouter.ai/docs/client-sdks/python/components/defaulteffort */
    HOST("openrouter.ai")
        MODEL("", REASONING_OBJECT, MINIMAL LOW MEDIUM HIGH XHIGH MAX, MAX_TOKENS,
              REASONING_DETAILS)

    /* GitHub Copilot: opencode#8900, opencode#4468. */
    HOST("githubcopilot.com")
        MODEL("", NO_SWITCH, NO_EFFORT, NO_BUDGET, REASONING_OPAQUE)

    /* Ollama: https://docs.ollama.com/api/openai-compatibility, ollama#17141. Replay: ogx#5007. */
    HOST("ollama.com private:11434")
        MODEL("", REASONING_EFFORT, NONE LOW MEDIUM HIGH MAX, NO_BUDGET, REASONING)

    /* LM Studio: akm#815, lmstudio-copilot-provider#35.
     * Tags: those of the model, unless the server parses them. */
    HOST("private:1234")
        MODEL("", REASONING_EFFORT, NONE LOW MEDIUM HIGH, NO_BUDGET, REPLAY_AUTO)

    /* vLLM, SGLang, llama.cpp, others: https://docs.vllm.ai/en/latest/features/reasoning_outputs/,
     * https://docs.sglang.io/docs/advanced_features/thinking_budget. Other names in templates:
     * vllm#25234, vllm-ascend#8962. gpt-oss: CLIProxyAPI#1572 (SGLang's values), ogx#5007.
     * Tags: those of the model, unless the server parses them. */
    HOST("private")
        MODEL("gpt-oss", REASONING_EFFORT, LOW MEDIUM HIGH, NO_BUDGET, REASONING)
        MODEL("deepseek-v3 deepseek-v4 kimi-k2 granite-3", TEMPLATE_THINKING, NO_EFFORT,
              LOCAL_BUDGETS, REPLAY_AUTO)
        MODEL("", CHAT_TEMPLATE, NO_EFFORT, LOCAL_BUDGETS, REPLAY_AUTO);
/* clang-format on */

const char *platform_hosts(void)
{
    return hosts;
}

/* Whether an IPv4 address, in the byte order of the machine, is not routed on the Internet. */
static bool is_private_ipv4(uint32_t address)
{
    return address >> 24 == 127 || address >> 24 == 10          /* RFC 1122, RFC 1918 */
           || address >> 20 == 0xAC1 || address >> 16 == 0xC0A8 /* RFC 1918 */
           || address >> 16 == 0xA9FE                           /* link-local: RFC 3927 */
           || address >> 22 == 0x191;                           /* shared: RFC 6598 */
}

static bool is_private_ipv6(const struct in6_addr *address)
{
    const uint8_t *bytes = address->s6_addr;
    if (IN6_IS_ADDR_V4MAPPED(address))
        return is_private_ipv4((uint32_t)bytes[12] << 24 | bytes[13] << 16 | bytes[14] << 8 |
                               bytes[15]);
    return IN6_IS_ADDR_LOOPBACK(address) || IN6_IS_ADDR_LINKLOCAL(address) ||
           (bytes[0] & 0xFE) == 0xFC; /* unique local: RFC 4193 */
}

bool platform_is_private_host(const char *host)
{
    /* Names for private networks: RFC 6761, RFC 6762, RFC 8375, and ICANN's resolution of 2024. */
    static const char names[][12] = { ".localhost", ".local", ".lan", ".internal", ".home.arpa" };
    struct in_addr ipv4;
    struct in6_addr ipv6;
    size_t length = strlen(host);
    char address[INET6_ADDRSTRLEN];
    if (inet_pton(AF_INET, host, &ipv4) == 1) return is_private_ipv4(ntohl(ipv4.s_addr));
    if (host[0] == '[') {
        if (length - 2 >= sizeof address) return false;
        memcpy(address, host + 1, length - 2);
        address[length - 2] = 0;
        return inet_pton(AF_INET6, address, &ipv6) == 1 && is_private_ipv6(&ipv6);
    }
    if (!strchr(host, '.')) return true;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        size_t suffix = strlen(names[i]);
        if (length > suffix && strcasecmp(host + length - suffix, names[i]) == 0) return true;
    }
    return false;
}
