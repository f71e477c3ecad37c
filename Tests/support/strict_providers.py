"""Providers that reject a conversation whose reasoning is not sent back as they require.

A provider answers a question with three rounds of tool calls and then with text. Every answer has
reasoning in the provider's own form. The next request is checked as the real provider was observed
to check it: the status, the format and the words of each error are those of the cited reports.

A provider also is an HTTP proxy, so that a client can use the real name of its host:

    provider = StrictProvider(PROVIDERS["kimi"])
    client = Client(provider.base_url, "key", proxy=provider.proxy, allow_cleartext=provider.host)
"""

import dataclasses
import json

from http_server import DONE, Server, content_length, event, response

#: The number of answers with tool calls before the final answer.
ROUNDS = 3

#: The members of an assistant message that every provider accepts.
STANDARD = {"role", "content", "tool_calls", "refusal", "name"}


class Rejected(Exception):
    """An error response."""

    def __init__(self, status, body):
        super().__init__(status)
        self.status = status
        self.body = body


def invalid_request(message, status="400 Bad Request", **members):
    error = {"message": message, "type": "invalid_request_error", **members}
    return Rejected(status, {"error": error})


@dataclasses.dataclass
class Provider:
    """The rules of a provider, or of a group of its models.

    `form` returns the reasoning of answer number n in three parts: the members of an unstreamed
    message, the deltas of a stream, and the members that the provider expects back. `check` raises
    Rejected for a request body; `sent` has the expected members of each answer by its text.
    """

    host: str
    model: str
    form: object
    check: object
    #: Whether `host` is the name of a host on the Internet, which only the proxy can reach.
    is_public: bool = True


# ---- The forms of reasoning --------------------------------------------------------------------


def thought(number):
    """The reasoning of an answer: text that must be escaped, and that splits into two pieces."""
    return f'Step {number}:\n"é😊" \\ </'


def text_field(name):
    """Reasoning as text in one field."""

    def form(number):
        text = thought(number)
        members = {name: text}
        return members, [{name: text[:9]}, {name: text[9:]}], members

    return form


def anthropic_details(number):
    """OpenRouter: a signed block, whose signature is streamed without text (agno-agi/agno#8794)."""
    text = thought(number)
    common = {"type": "reasoning.text", "format": "anthropic-claude-v1", "index": 0}
    block = {**common, "text": text, "signature": f"Et8BCmUIDxgC+/{number}=="}
    details = [block, {"type": "reasoning.encrypted", "data": f"ZQ{number}==", "index": 1}]
    fragments = [
        [{**common, "text": text[:9], "signature": None}],
        [{**common, "text": text[9:]}],
        [{**common, "signature": block["signature"]}],
        [details[1]],
    ]
    deltas = [{"reasoning_details": each} for each in fragments]
    for delta, piece in zip(deltas, (text[:9], text[9:])):
        delta["reasoning"] = piece
    expected = {"reasoning_details": details}
    return {"reasoning": text, **expected}, deltas, expected


def gemini_details(number):
    """OpenRouter: a signature for each tool call, with the same index (mastra-ai/mastra#23433)."""
    common = {"index": 0, "format": "google-gemini-v1"}
    details = [
        {**common, "type": "reasoning.text", "text": thought(number)},
        {**common, "type": "reasoning.encrypted", "id": f"call-{number}", "data": f"QQ{number}=="},
        {**common, "type": "reasoning.encrypted", "id": f"other-{number}", "data": "Qg=="},
    ]
    deltas = [{"reasoning_details": [each]} for each in details]
    expected = {"reasoning_details": details}
    return expected, deltas, expected


def minimax_details(number):
    """MiniMax with reasoning_split.

    https://platform.minimax.io/docs/guides/text-m2-function-call
    """
    text = thought(number)
    block = {"type": "reasoning.text", "id": "reasoning-text-1", "format": "MiniMax-response-v1"}
    details = [{**block, "index": 0, "text": text}]
    deltas = [
        {"reasoning_content": piece, "reasoning_details": [{**details[0], "text": piece}]}
        for piece in (text[:9], text[9:])
    ]
    expected = {"reasoning_details": details}
    return {"reasoning_content": text, **expected}, deltas, expected


def thinking_blocks(number):
    """LiteLLM and TrueFoundry: the blocks of Anthropic, also a redacted one (litellm#20698)."""
    text = thought(number)
    blocks = [
        {"type": "thinking", "thinking": text, "signature": f"Et8BCmUIDxgC+/{number}=="},
        {"type": "redacted_thinking", "data": f"ErYE{number}=="},
        {"type": "thinking", "thinking": "Done.", "signature": f"EqoB{number}=="},
    ]
    fragments = [
        {"type": "thinking", "thinking": text[:9], "signature": None},
        {"type": "thinking", "thinking": text[9:], "signature": None},
        {"type": "thinking", "thinking": "", "signature": blocks[0]["signature"]},
        blocks[1],
        {"type": "thinking", "thinking": "Done.", "signature": ""},
        {"type": "thinking", "thinking": "", "signature": blocks[2]["signature"]},
    ]
    deltas = [
        {"reasoning_content": each.get("thinking", ""), "thinking_blocks": [each]}
        for each in fragments
    ]
    expected = {"thinking_blocks": blocks}
    return {"reasoning_content": text + "Done.", **expected}, deltas, expected


def tags(number):
    """MiniMax without reasoning_split: the tags must stay in the content (MiniMax-M2#18)."""
    content = f"<think>\n{thought(number)}\n</think>\n\n"
    return (
        {"content": content},
        [{"content": content[:12]}, {"content": content[12:]}],
        {"content": content},
    )


def parts(number):
    """Mistral: parts of the content (litellm#16272)."""
    text = thought(number)

    def content(piece):
        return [{"type": "thinking", "thinking": [{"type": "text", "text": piece}]}]

    deltas = [{"content": content(text[:9])}, {"content": content(text[9:])}]
    return {"content": content(text)}, deltas, {}


def signed_text(number):
    """GitHub Copilot (opencode PR 8900, opencode#4468)."""
    members = {"reasoning_text": thought(number), "reasoning_opaque": f"a+/{number}=="}
    deltas = [{"reasoning_text": thought(number)[:9]}, {"reasoning_text": thought(number)[9:]}]
    return members, [*deltas, {"reasoning_opaque": members["reasoning_opaque"]}], members


# ---- The checks --------------------------------------------------------------------------------


def assistant_messages(body):
    """The assistant messages of a request, with their indexes."""
    return [
        (index, message)
        for index, message in enumerate(body["messages"])
        if message["role"] == "assistant"
    ]


def last_user(body):
    """The index of the last message of the user."""
    return max(index for index, each in enumerate(body["messages"]) if each["role"] == "user")


def lacks(message, expected):
    """Whether a member is not exactly what the provider sent."""
    return any(message.get(name) != value for name, value in expected.items())


def deepseek_v4(body, sent):
    """With tools, all messages must have it: bojieli/ai-agent-book PR 982, pi#3636."""
    for _, message in assistant_messages(body):
        if body.get("tools") and lacks(message, sent(message)):
            raise invalid_request(
                "The `reasoning_content` in the thinking mode must be passed back to the API.",
                param=None,
                code="invalid_request_error",
            )


def deepseek_v3_2(body, sent):
    """In the current turn, messages with tool calls must have it: continuedev/continue#10193.

    The reasoning of earlier turns is ignored. Here it is an error, so that a test notices it.
    """
    for index, message in assistant_messages(body):
        if index < last_user(body):
            assert "reasoning_content" not in message
        elif message.get("tool_calls") and lacks(message, sent(message)):
            raise invalid_request(
                f"Missing `reasoning_content` field in the assistant message at message index "
                f"{index}. For more information, please refer to "
                f"https://api-docs.deepseek.com/guides/thinking_mode#tool-calls"
            )


def deepseek_r1(body, sent):
    """Until late 2025: Euyug/Mirai-Gpt-Plugin#4."""
    if any("reasoning_content" in message for _, message in assistant_messages(body)):
        raise invalid_request(
            "The reasoning_content is an intermediate result for display purposes only and will "
            "not be included in the context for inference. Please remove the reasoning_content "
            "from your message to reduce network traffic."
        )


def kimi(body, sent):
    """mastra-ai/mastra#12592, anomalyco/opencode#16318."""
    for index, message in assistant_messages(body):
        if message.get("tool_calls") and lacks(message, sent(message)):
            raise invalid_request(
                "thinking is enabled but reasoning_content is missing in assistant tool call "
                f"message at index {index}"
            )


def mimo(body, sent):
    """VicBilibily/GCMP#171; decolua/9router#1210 has the error."""
    for _, message in assistant_messages(body):
        if message.get("tool_calls") and lacks(message, sent(message)):
            reason = "The reasoning_content in the thinking mode must be passed back to the API."
            error = {"code": "400", "message": "Param Incorrect", "param": reason, "type": ""}
            raise Rejected("400 Bad Request", {"error": error})


def recommended(body, sent):
    """The provider accepts every message, but the model forgets: not accepted here."""
    for index, message in assistant_messages(body):
        if lacks(message, sent(message)):
            raise invalid_request(f"the reasoning of message {index} is missing or changed")


def in_calls(body, sent):
    """Like `recommended`, for messages with tool calls. Others must not have the members."""
    for index, message in assistant_messages(body):
        expected = sent(message)
        if not message.get("tool_calls"):
            assert not any(message.get(name) == value for name, value in expected.items())
        elif lacks(message, expected):
            raise invalid_request(f"the reasoning of message {index} is missing or changed")


def signatures(body, sent):
    """OpenRouter reports the error of the model's provider (agno-agi/agno#8794)."""
    for index, message in assistant_messages(body):
        if lacks(message, sent(message)):
            raw = f"messages.{index}.content.0: Invalid `signature` in `thinking` block"
            error = {"message": "Provider returned error", "code": 400, "metadata": {"raw": raw}}
            raise Rejected("400 Bad Request", {"error": error})


def unknown_members(body):
    for index, message in assistant_messages(body):
        for name in message.keys() - STANDARD:
            yield index, name


def groq(body, sent):
    """tashfeenahmed/freellmapi#1070, janhq/jan#8136."""
    for index, name in unknown_members(body):
        raise invalid_request(
            f"'messages.{index}' : for 'role:assistant' the following must be satisfied"
            f"[('messages.{index}' : property '{name}' is unsupported)]"
        )


def cerebras(body, sent):
    """Kilo-Org/kilocode#10375."""
    for index, name in unknown_members(body):
        path = f"messages.{index}.assistant.{name}"
        raise Rejected(
            "400 Bad Request",
            {
                "message": f"{path}: property '{path}' is unsupported",
                "type": "invalid_request_error",
                "param": "validation_error",
                "code": "wrong_api_format",
            },
        )


def mistral(body, sent):
    """BerriAI/litellm#30835, charmbracelet/crush#1590."""
    for index, name in unknown_members(body):
        detail = {
            "type": "extra_forbidden",
            "loc": ["body", "messages", index, "assistant", name],
            "msg": "Extra inputs are not permitted",
        }
        raise Rejected("422 Unprocessable Entity", {"detail": [detail]})


def openai(body, sent):
    for index, name in unknown_members(body):
        path = f"messages[{index}].{name}"
        raise invalid_request(f"Unknown parameter: '{path}'.", param=path, code="unknown_parameter")


def llama_cpp(body, sent):
    """ggml-org/llama.cpp#25510: arguments in the conversation must be JSON."""
    for _, message in assistant_messages(body):
        for call in message.get("tool_calls") or []:
            try:
                json.loads(call["function"]["arguments"])
            except ValueError as error:
                message = f"Failed to parse tool call arguments as JSON: {error}"
                raise Rejected(
                    "500 Internal Server Error",
                    {"error": {"code": 500, "message": message, "type": "server_error"}},
                ) from None


_CONTENT = text_field("reasoning_content")
_REASONING = text_field("reasoning")

PROVIDERS = {
    "deepseek-v4": Provider("api.deepseek.com", "deepseek-v4-pro", _CONTENT, deepseek_v4),
    "deepseek-v3.2": Provider("api.deepseek.com", "deepseek-reasoner", _CONTENT, deepseek_v3_2),
    "kimi": Provider("api.moonshot.ai", "kimi-k2.5", _CONTENT, kimi),
    "mimo": Provider("api.xiaomimimo.com", "mimo-v2.5-pro", _CONTENT, mimo),
    "glm": Provider("api.z.ai", "glm-4.7", _CONTENT, recommended),
    "qwen": Provider("dashscope.aliyuncs.com", "qwen3.6-plus", _CONTENT, recommended),
    "minimax": Provider("api.minimax.io", "MiniMax-M2", minimax_details, recommended),
    "minimax-tags": Provider("api.minimaxi.com", "MiniMax-M2", tags, recommended),
    "openrouter-claude": Provider(
        "openrouter.ai", "anthropic/claude-sonnet-4.5", anthropic_details, signatures
    ),
    "openrouter-gemini": Provider(
        "openrouter.ai", "google/gemini-3-pro", gemini_details, signatures
    ),
    "openrouter-text": Provider("openrouter.ai", "qwen/qwen3-32b", _REASONING, signatures),
    "copilot": Provider("api.githubcopilot.com", "gemini-3-pro", signed_text, recommended),
    "ollama": Provider("ollama.com", "gpt-oss:120b", _REASONING, recommended),
    "vllm": Provider("127.0.0.1", "openai/gpt-oss-20b", _REASONING, recommended, is_public=False),
    "groq": Provider("api.groq.com", "openai/gpt-oss-120b", _REASONING, groq),
    "cerebras": Provider("api.cerebras.ai", "gpt-oss-120b", _REASONING, cerebras),
    "mistral": Provider("api.mistral.ai", "magistral-medium-latest", parts, mistral),
    "openai": Provider("api.openai.com", "gpt-5.1", _CONTENT, openai),
    "unknown": Provider("llm.example.com", "m", _CONTENT, in_calls),
    "unknown-signed": Provider("llm.example.com", "m", anthropic_details, in_calls),
    "litellm": Provider(
        "127.0.0.1", "claude-sonnet-4-5", thinking_blocks, in_calls, is_public=False
    ),
    "local-tags": Provider("127.0.0.1", "m", tags, in_calls, is_public=False),
}

#: A provider without tools.
DEEPSEEK_R1 = Provider("api.deepseek.com", "deepseek-reasoner", _CONTENT, deepseek_r1)

LLAMA_CPP = Provider("127.0.0.1", "m", _CONTENT, llama_cpp, is_public=False)


# ---- The server --------------------------------------------------------------------------------


class StrictProvider(Server):
    """Answers with tool calls in `rounds` rounds, then with text, and checks every request.

    `arguments` are those of the tool calls. The argument "n" of the function "step" is the number
    of the answer. A request without tools is answered with text.
    """

    def __init__(self, provider, rounds=ROUNDS, arguments='{{"n": {}}}'):
        self.provider = provider
        self.rounds = rounds
        self.arguments = arguments
        #: The body of every request, and the errors that were sent.
        self.bodies = []
        self.rejected = []
        #: The members that are expected back, by the id of a tool call or the last line of an
        #: answer.
        self._sent = {}
        super().__init__()

    @property
    def host(self):
        return self.provider.host

    @property
    def base_url(self):
        if self.provider.is_public:
            return f"http://{self.host}/v1"
        return self.url(self.host)

    @property
    def proxy(self):
        """The address of the proxy that reaches the host; "" if there is none."""
        return f"http://127.0.0.1:{self.port}" if self.provider.is_public else ""

    def serve(self, connection):
        while True:
            head = connection.read_head()
            target = head.split(b" ")[1].decode()
            is_direct = "" if self.provider.is_public else "/v1/chat/completions"
            assert target == (is_direct or f"{self.base_url}/chat/completions")
            body = json.loads(connection.read(content_length(head)))
            self.bodies.append(body)
            try:
                self.provider.check(body, self._expected)
            except Rejected as error:
                self.rejected.append(error.body)
                text = json.dumps(error.body).encode()
                connection.send(response(text, error.status, "application/json"))
                continue
            connection.send(self._answer(body))

    def _expected(self, message):
        """What the assistant's message must contain. Messages of the caller: nothing."""
        calls = message.get("tool_calls")
        key = calls[0]["id"] if calls else message["content"].split("\n")[-1]
        return self._sent.get(key, {})

    def _answer(self, body):
        number = len(self._sent) + 1
        members, deltas, expected = self.provider.form(number)
        results = sum(each["role"] == "tool" for each in body["messages"][last_user(body) :])
        if body.get("tools") and results < self.rounds:
            key, reason = f"call-{self.port}-{number}", "tool_calls"
            function = {"name": "step", "arguments": self.arguments.format(number)}
            call = {"id": key, "type": "function", "function": function}
            # One delta for each half of the arguments.
            half = len(function["arguments"]) // 2
            rest = {"index": 0, "function": {"arguments": function["arguments"][half:]}}
            first = {"name": "step", "arguments": function["arguments"][:half]}
            last = [
                {"tool_calls": [{**call, "index": 0, "function": first}]},
                {"tool_calls": [rest]},
            ]
            message = {"role": "assistant", "content": None, **members, "tool_calls": [call]}
        else:
            key, reason = f"Answer {number} of {self.port}", "stop"
            message, last = self._text_answer(key, members)
            if "content" in expected:
                expected = {"content": message["content"]}
        self._sent[key] = expected
        if not body.get("stream"):
            return response(self._document(message, reason), content_type="application/json")
        chunks = [*deltas, *last]
        choices = [{"index": 0, "delta": delta} for delta in chunks]
        choices.append({"index": 0, "delta": {}, "finish_reason": reason})
        return response(b"".join(event({"choices": [each]}) for each in choices) + DONE)

    def _text_answer(self, text, members):
        """The message and the last deltas of an answer without tool calls."""
        content = members.get("content", "")
        if isinstance(content, list):
            part = [{"type": "text", "text": text}]
            return {"role": "assistant", **members, "content": content + part}, [{"content": part}]
        return {"role": "assistant", **members, "content": content + text}, [{"content": text}]

    def _document(self, message, reason):
        choice = {"index": 0, "message": message, "finish_reason": reason}
        return json.dumps({"object": "chat.completion", "choices": [choice]}).encode()
