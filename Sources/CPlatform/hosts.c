/*
 * What hosts expect of requests to thinking models: one constant without relocations and code to
 * initialise it, and with a source for each row. HostTable.swift reads it.
 */
#include "CPlatform.h"

#include <strings.h>

/*
 * A group of rows: domain names, separated by spaces. A name also matches its subdomains.
 *
 * "*" is every host. "private" is a host on a private network (see platform_is_private_host) that
 * no earlier group matches, and "private:11434" such a host with that port.
 */
#define HOST(names) names "\n"

/*
 * A row: patterns for the model, separated by spaces ("" for every model), and what the host
 * expects. The first match of the table counts. A pattern matches at the beginning of a word of the
 * model's name: "o3" matches "openai/o3-mini", and not "foo3".
 */
#define MODEL(patterns, dialect, efforts, budget, replay)                                          \
    "\t" patterns "\t" dialect budget replay efforts "\n"

/* The field that switches thinking on and off: a value of tw_dialect. */
#define NO_SWITCH "1" /* None: the model always thinks, never thinks, or rejects a switch. */
#define ENABLE_THINKING "2"
#define CHAT_TEMPLATE "3"
#define REASONING_EFFORT "4"
#define REASONING_OBJECT "5"
#define THINKING_TYPE "6"

/* The values of `reasoning_effort`. Other dialects send it in addition to their switch. */
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
#define NO_BUDGET "0"
#define THINKING_BUDGET "1" /* thinking_budget */
#define BUDGET_TOKENS "2"   /* budget_tokens inside thinking */
#define MAX_TOKENS "3"      /* max_tokens inside reasoning */
#define GOOGLE_BUDGET "4"   /* extra_body.google.thinking_config.thinking_budget */
#define LOCAL_BUDGETS "5"   /* the fields of vLLM and llama.cpp */
#define EFFORT_TOKENS "6"   /* a number as reasoning_effort */

/* The field of assistant messages for the reasoning of earlier turns. */
#define REPLAY_AUTO "0" /* The field of the reply, if it has tool calls. */
#define NO_REPLAY "1"   /* None: the host rejects or ignores it. */
#define REASONING_CONTENT "2"
#define REASONING_CONTENT_THIS_TURN "3" /* Only after the last user message. */
#define REASONING "4"
#define REASONING_DETAILS "5" /* As received, with signatures and encrypted parts. */
#define REASONING_OPAQUE "6"  /* reasoning_text with reasoning_opaque. */

/* clang-format off */
static const char hosts[] =
    /* The provider's schemas:
     * https://docs.aimlapi.com/api-references/text-models-llm/alibaba-cloud * The other
     * servers of these names are thinkwire-mock and proxies. */
    HOST("*")
        MODEL("alibaba/qwen3-next-80b-a3b-thinking alibaba/qwen3-vl-32b-thinking",
              NO_SWITCH, NO_EFFORT, NO_BUDGET, NO_REPLAY)
        MODEL("alibaba/qwen3-32b", ENABLE_THINKING, NO_EFFORT, THINKING_BUDGET, NO_REPLAY)
        MODEL("alibaba/qwen3.6-35b-a3b", REASONING_EFFORT, LOW MEDIUM HIGH, NO_BUDGET, NO_REPLAY)
    HOST("aimlapi.com")
        MODEL("", ENABLE_THINKING, NO_EFFORT, THINKING_BUDGET, REPLAY_AUTO)

    /* https://help.aliyun.com/zh/model-studio/deep-thinking */
    HOST("aliyuncs.com")
        MODEL("", ENABLE_THINKING, NO_EFFORT, THINKING_BUDGET, REASONING_CONTENT)

    /* https://api-docs.deepseek.com/guides/thinking_mode; laravel/ai#533, pi#3636 */
    HOST("deepseek.com")
        MODEL("", THINKING_TYPE, NO_EFFORT, NO_BUDGET, REASONING_CONTENT_THIS_TURN)

    /* https://docs.z.ai/guides/capabilities/thinking-mode; camel#3715 */
    HOST("z.ai bigmodel.cn")
        MODEL("", THINKING_TYPE, NO_EFFORT, NO_BUDGET, REASONING_CONTENT)

    /* https://platform.moonshot.ai/docs/guide/use-kimi-k2-thinking-model; opencode#16318 */
    HOST("moonshot.ai moonshot.cn kimi.com")
        MODEL("kimi-k2-thinking", NO_SWITCH, NO_EFFORT, NO_BUDGET, REASONING_CONTENT)
        MODEL("", THINKING_TYPE, NO_EFFORT, NO_BUDGET, REASONING_CONTENT)

    /* https://platform.minimax.io/docs/guides/text-m2-function-call; MiniMax-M2#95 */
    HOST("minimax.io minimaxi.com minimax.chat")
        MODEL("", NO_SWITCH, NO_EFFORT, NO_BUDGET, REASONING_DETAILS)

    /* https://www.volcengine.com/docs/82379/1449737 */
    HOST("volces.com bytepluses.com")
        MODEL("", THINKING_TYPE, NO_EFFORT, NO_BUDGET, REASONING_CONTENT)

    /* https://platform.openai.com/docs/guides/reasoning */
    HOST("openai.com openai.azure.com")
        MODEL("gpt-5-pro", REASONING_EFFORT, HIGH, NO_BUDGET, NO_REPLAY)
        MODEL("gpt-5.1", REASONING_EFFORT, NONE LOW MEDIUM HIGH, NO_BUDGET, NO_REPLAY)
        MODEL("gpt-5.", REASONING_EFFORT, NONE LOW MEDIUM HIGH XHIGH, NO_BUDGET, NO_REPLAY)
        MODEL("gpt-5", REASONING_EFFORT, MINIMAL LOW MEDIUM HIGH, NO_BUDGET, NO_REPLAY)
        MODEL("o1 o3 o4", REASONING_EFFORT, LOW MEDIUM HIGH, NO_BUDGET, NO_REPLAY)
        MODEL("", NO_SWITCH, NO_EFFORT, NO_BUDGET, NO_REPLAY)

    /* https://ai.google.dev/gemini-api/docs/openai */
    HOST("googleapis.com")
        MODEL("", REASONING_EFFORT, NONE MINIMAL LOW MEDIUM HIGH, GOOGLE_BUDGET, NO_REPLAY)

    /* https://docs.x.ai/docs/guides/reasoning */
    HOST("x.ai")
        MODEL("grok-3-mini", REASONING_EFFORT, LOW HIGH, NO_BUDGET, NO_REPLAY)
        MODEL("", NO_SWITCH, NO_EFFORT, NO_BUDGET, NO_REPLAY)

    /* https://console.groq.com/docs/reasoning; freellmapi#1070 */
    HOST("groq.com")
        MODEL("gpt-oss", REASONING_EFFORT, LOW MEDIUM HIGH, NO_BUDGET, NO_REPLAY)
        MODEL("qwen3", REASONING_EFFORT, NONE DEFAULT, NO_BUDGET, NO_REPLAY)
        MODEL("", NO_SWITCH, NO_EFFORT, NO_BUDGET, NO_REPLAY)

    /* https://inference-docs.cerebras.ai/capabilities/reasoning */
    HOST("cerebras.ai")
        MODEL("gpt-oss", REASONING_EFFORT, LOW MEDIUM HIGH, NO_BUDGET, NO_REPLAY)
        MODEL("", NO_SWITCH, NO_EFFORT, NO_BUDGET, NO_REPLAY)

    /* https://docs.mistral.ai/capabilities/reasoning; openfox#220 */
    HOST("mistral.ai")
        MODEL("", NO_SWITCH, NO_EFFORT, NO_BUDGET, NO_REPLAY)

    /* https://docs.together.ai/docs/inference/chat/reasoning */
    HOST("together.xyz together.ai")
        MODEL("gpt-oss", REASONING_EFFORT, LOW MEDIUM HIGH, NO_BUDGET, REASONING)
        MODEL("", REASONING_OBJECT, NO_EFFORT, NO_BUDGET, REASONING)

    /* https://docs.fireworks.ai/guides/reasoning */
    HOST("fireworks.ai")
        MODEL("", REASONING_EFFORT, NONE LOW MEDIUM HIGH, EFFORT_TOKENS, REASONING_CONTENT)

    /* https://docs.siliconflow.com/en/userguide/capabilities/reasoning */
    HOST("siliconflow.cn siliconflow.com")
        MODEL("", ENABLE_THINKING, NO_EFFORT, THINKING_BUDGET, REASONING_CONTENT)

    /* https://openrouter.ai/docs/guides/best-practices/reasoning-tokens */
    HOST("openrouter.ai")
        MODEL("",
              REASONING_OBJECT, NONE MINIMAL LOW MEDIUM HIGH XHIGH, MAX_TOKENS, REASONING_DETAILS)

    /* opencode PR 8900, opencode#4468 */
    HOST("githubcopilot.com")
        MODEL("", NO_SWITCH, NO_EFFORT, NO_BUDGET, REASONING_OPAQUE)

    /* Ollama: https://docs.ollama.com/api/openai-compatibility; ogx PR 5007 */
    HOST("ollama.com private:11434")
        MODEL("", REASONING_EFFORT, NONE LOW MEDIUM HIGH, NO_BUDGET, REASONING)

    /* vLLM, SGLang, llama.cpp: https://docs.vllm.ai/en/latest/features/reasoning_outputs/
     * */
    HOST("private")
        MODEL("gpt-oss", REASONING_EFFORT, LOW MEDIUM HIGH, NO_BUDGET, REASONING)
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
