/*
 * Texts by which the errors of providers are recognised, and the members that contain them: two
 * constants without relocations and code to initialise them, and with a source for each row.
 * ErrorMarkers.swift and ProviderError+Members.swift read them.
 */
#include "CPlatform.h"

/*
 * A row: what the texts mean, where they count, and the texts, separated by "|", in lower case.
 *
 * A space matches separators (space, "_", "-"), in a code also none: "rate limit" matches
 * "rate_limit_exceeded" and "RateLimitReached". "*" matches up to 24 characters of a sentence.
 */
#define ROW(meaning, place, texts) meaning place texts "\n"

/* Meanings. */
#define USED_UP "Q"          /* TW_QUOTA, whatever the HTTP status is. */
#define USED_UP_OR_BUSY "q"  /* The same, unless the error is TEMPORARY or says when to retry. */
#define MAYBE_USED_UP "p"    /* The same, if the HTTP status is 403, 429 or none. */
#define FORBIDDEN_OR_PAY "w" /* TW_QUOTA, if the HTTP status is 403. */
#define TEMPORARY "t"        /* A limit that ends by itself. */
/* The status of an error without an HTTP status. A 400 or 403 can be a rate limit, too. */
#define RATE_LIMITED "R"
#define AUTH "A"
#define FORBIDDEN "F"
#define NOT_FOUND "N"
#define BAD_REQUEST "B"

/* Places. */
#define CODE "c"  /* Anywhere in the error's type, code, or status in words. */
#define EXACT "e" /* The whole type or code. */
#define TEXT "m"  /* Whole words of the message, or of another message in the error. */

/* clang-format off */
static const char error_markers[] =
    /* OpenAI: acode-plugin-chatgpt#19, litellm#2743, dyad#4184 */
    ROW(USED_UP, CODE, "billing|payment required")
    ROW(USED_UP, TEXT, "billing hard limit|account is not active|no credits remaining")
    /* OpenAI, and many that copy it. DashScope uses it for a rate limit: oh-my-pi PR 8476 */
    ROW(USED_UP_OR_BUSY, CODE, "insufficient quota")
    ROW(USED_UP_OR_BUSY, TEXT, "insufficient quota")
    /* OpenAI without its code. Gemini uses it for rate limits: Roo-Code#3883 */
    ROW(MAYBE_USED_UP, TEXT, "current quota|plan and billing")
    /* DeepSeek: continue#10121; MiniMax: MiniMax-M2#62; sub2api#890; opencode: OpenCode2API#5;
     * Venice: osaurus#2431; OpenRouter: open-assistant#80; Vercel: ai#9290 */
    ROW(USED_UP, CODE, "insufficient balance|insufficient credit|insufficient fund|credits error")
    ROW(USED_UP, TEXT, "insufficient*balance|insufficient*credit|insufficient*credits|"
        "insufficient*funds")
    /* SiliconFlow: OpenManus#438; Jina: node-DeepResearch#21; Novita: hub-docs#2392;
     * https://docs.jiekou.ai/en/docs/models/reference-error-code */
    ROW(USED_UP, EXACT, "30001|30011")
    ROW(USED_UP, CODE, "not enough balance|not enough credit")
    ROW(USED_UP, TEXT, "balance*insufficient|balance*not enough|not enough*balance|"
        "not enough*credits|account balance is $0")
    /* Anthropic: claude-quickstarts#229, claude-code#2127 */
    ROW(USED_UP, TEXT, "balance is too low|specified api usage limits")
    /* Z.ai and Zhipu: claude-code#9201, dify#5850, https://docs.z.ai/api-reference/api-code */
    ROW(USED_UP, EXACT, "1113")
    ROW(USED_UP, TEXT, "in arrears")
    /* DashScope: spring-ai-alibaba#1146, Roo-Code#12309, BettaFish#609 */
    ROW(USED_UP, CODE, "arrearage|free tier only")
    ROW(USED_UP, TEXT, "account is in good standing|overdue account|free tier of the model")
    /* Volcengine: coze-studio#2195 */
    ROW(USED_UP, CODE, "account overdue")
    ROW(USED_UP, TEXT, "overdue balance")
    /* Moonshot: Kimi-K2#5, BettaFish#524 */
    ROW(USED_UP, CODE, "exceeded current quota")
    /* xAI: continue#10373, continue#12670, sub2api#4069 */
    ROW(USED_UP, TEXT, "all available credits|spending limit|have any credits|out of credit|"
        "out of credits|out of*credits")
    /* OpenRouter: openclaude#1125 */
    ROW(USED_UP, TEXT, "requires more credits|can only afford")
    /* Together: edsl#2098. Its type credit_limit also reports rate limits: MoA#27 */
    ROW(USED_UP, TEXT, "credit limit exceeded")
    /* AI/ML API, xAI, Z.ai: the cases error-aimlapi-credits and error-xai. Rate limits can say it
     * too: openclaude#936 */
    ROW(USED_UP_OR_BUSY, TEXT, "top up|purchase more credits|add more credits|please recharge|"
        "请充值|請充值")
    ROW(USED_UP, TEXT, "exhausted*credits|credits*exhausted|credits*used up")
    /* Hugging Face: agents-course#386; Gemini with prepaid credits: dyad#3626 */
    ROW(USED_UP, TEXT, "included credits|credits are depleted|prepayment credits")
    /* Groq: https://console.groq.com/docs/spend-limits; Cline: cline PR 10207 */
    ROW(USED_UP, CODE, "blocked api access|spend limit")
    ROW(USED_UP, TEXT, "spend limit")
    /* Fireworks: gaia#3766 */
    ROW(USED_UP, TEXT, "past invoices")
    /* LiteLLM: litellm#4208, litellm#14144, OpenCRE PR 1102 */
    ROW(USED_UP, CODE, "budget exceeded")
    ROW(USED_UP, TEXT, "budget has been exceeded|exceeded budget|exceededbudget|crossed budget|"
        "over budget")
    /* MiniMax, whose errors are in base_resp: obsidian-aloud-tts PR 114, lobehub PR 10255,
     * https://platform.minimax.io/docs/api-reference/errorcode */
    ROW(USED_UP, EXACT, "1008")
    ROW(RATE_LIMITED, EXACT, "1002|1039|1041|2045|2056")
    ROW(AUTH, EXACT, "1004|2049")
    ROW(BAD_REQUEST, EXACT, "1026|1027|1042|2013")
    /* one-api and new-api: one-api#1270, one-api#1846, MAX-API PR 20 */
    ROW(USED_UP, CODE, "insufficient user quota|pre consume token quota")
    ROW(USED_UP, TEXT, "quota is not enough|preconsumedquota")
    /* GitHub Copilot: pi#3643 */
    ROW(USED_UP_OR_BUSY, EXACT, "quota exceeded")
    ROW(USED_UP, TEXT, "you have no quota")
    /* Gemini, a limit of the day: gemini-cli#8437. gemini-cli does not retry it either. */
    ROW(USED_UP, CODE, "requestsperday|tokenspermodelperday|tokensperday")
    /* Tencent: MoneyPrinterPlus#53 */
    ROW(USED_UP, CODE, "pkg exhausted|pack exhausted|arrears")
    ROW(USED_UP, TEXT, "resource pack*exhausted")
    /* iFlytek Spark: nonebot-plugin-sparkapi#8;
     * Baidu: https://cloud.baidu.com/doc/WENXINWORKSHOP/s/tlmyncueh */
    ROW(USED_UP, TEXT, "tokens.total|total request limit reached")
    /* Chinese: dify#5850, continue#11823, new-api#7448, openclacky#100, ChuanhuChatGPT#936 */
    ROW(USED_UP, TEXT, "余额不足|配额不足|余额已用|欠费|额度不足|额度不够|额度已用|额度用尽|额度用完|额度已耗尽|"
        "预扣费额度失败|无可用资源包|餘額不足|額度不足|額度已用|欠費")
    /* The same words in other languages; no report was found */
    ROW(USED_UP, TEXT, "残高不足|残高が不足|クレジットが不足|クレジット不足|잔액이 부족|잔액 부족|잔액부족|"
        "크레딧이 부족|크레딧 부족|едостаточно средств|едостаточно*баланс|saldo insuficiente|"
        "créditos insuficientes|solde insuffisant|crédit insuffisant|guthaben*aufgebraucht|"
        "guthaben*nicht aus")
    /* Others that report it with a 403, and only there: a tool can be named get_billing_info */
    ROW(FORBIDDEN_OR_PAY, TEXT, "billing|credit|credits|quota|balance")

    /* Gemini: Roo-Code#3883; DashScope: oh-my-pi PR 8476, qwen-code PR 3246 */
    ROW(TEMPORARY, CODE, "resource exhausted|rate limit exceeded|rate limit reached")
    ROW(TEMPORARY, TEXT, "resource exhausted|code#token limit|rate limit|rate limits|rate limited|"
        "per minute|per min|per second|rpm|tpm|too many requests")

    /* OpenAI: ai-dial-adapter-openai PR 348; Anthropic: anthropic-sdk-python PR 1269;
     * DashScope: qwen-code PR 3246; Google: https://google.aip.dev/193; Cerebras: opencode#7463;
     * Z.ai: https://docs.z.ai/api-reference/api-code;
     * Baidu: https://cloud.baidu.com/doc/WENXINWORKSHOP/s/tlmyncueh */
    ROW(RATE_LIMITED, CODE, "rate limit|too many requests|throttl|resource exhausted|"
        "quota exceeded|limit requests|request limit|too many tokens|concurrency limit")
    ROW(RATE_LIMITED, EXACT, "1302|1303|1304|1305|1308|1310|17|18|336501|336502")
    ROW(AUTH, CODE, "authentication|unauthenticated|unauthorized|invalid api key|auth error")
    ROW(FORBIDDEN, CODE, "permission|forbidden|access denied")
    ROW(NOT_FOUND, CODE, "not found|model not exist|no such model")
    ROW(BAD_REQUEST, CODE, "invalid request|bad request|invalid argument|invalid parameter|"
        "failed precondition|out of range|unprocessable|validation error")
    ;
/*
 * A row: what a member of an error contains, and its names, written as the texts above. Members are
 * also looked up in the objects and arrays that the error contains.
 */
#define MEMBER(contents, names) contents names "\n"

#define HTTP_STATUS "S"  /* A number, or a number in a string. */
#define MAYBE_STATUS "C" /* An HTTP status, if it is from 400 to 599 and there is no HTTP_STATUS. */
#define A_KIND "K"       /* A word, as in a type or code. */
#define A_MESSAGE "M"
#define WAIT "W"    /* When to try again: seconds, a duration as in "1.5s", or {"seconds": …}. */
#define WAIT_MS "w" /* The same in milliseconds. */
#define IGNORED "I" /* What the request contained, or the answer. */

static const char error_members[] =
    /* xAI: koan#2412; Lemonade: gaia#3766; MiniMax: modelscope#1691; pollinations#6260,
     * pollinations#12136; AI/ML API, as NestJS: {"statusCode", "message", "error"} */
    MEMBER(HTTP_STATUS, "http status code|http status|http code|status code|upstream status")
    /* OpenRouter; Google; NVIDIA: free-claude-code#1228; Baidu */
    MEMBER(MAYBE_STATUS, "code|status|error code|err code")
    /* Google: gemini-cli#8437, gemini-cli#10513; OpenRouter: pando#8 */
    MEMBER(A_KIND, "type|reason|quota id|error type")
    /* OpenRouter: computer#293, opencode#24462; RFC 9457; Baidu; MiniMax; FastAPI; Venice */
    MEMBER(A_MESSAGE, "message|msg|error|raw|detail|title|error msg|err msg|error message|"
        "status msg|error description|upstream body")
    /* Google: Roo-Code#3883; Codex: cpa-control-center#5; OpenRouter; Hugging Face */
    MEMBER(WAIT, "retry delay|retry after|retry after seconds|retry in|resets in seconds|"
        "reset after|estimated time")
    MEMBER(WAIT_MS, "retry after ms|retry delay ms|retry in ms")
    MEMBER(IGNORED, "choices|input|ctx|param|flagged input|messages|body")
    ;
/* clang-format on */

const char *platform_error_members(void)
{
    return error_members;
}

const char *platform_error_markers(void)
{
    return error_markers;
}
