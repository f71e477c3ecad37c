"""Computes what a client must report of the first bytes of an answer, without the library.

The oracle sees all bytes at once, not piece by piece, so it needs none of the state that makes a
streaming client difficult: it joins each text and then looks at it. The corpus states in which
order events are reported; the oracle works out everything else itself. `verify` checks it against
every complete case of the corpus before it is used.
"""

import functools
import gzip
import json
import pathlib
import re
import sys
import zlib

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "corpus"))
import corpus  # noqa: E402

RECORDINGS = HERE.parents[1] / "Sources" / "thinkwire-mock" / "recordings"
BY_CODE = {
    400: "TW_BAD_REQUEST",
    401: "TW_AUTH",
    402: "TW_QUOTA",
    403: "TW_FORBIDDEN",
    404: "TW_NOT_FOUND",
    429: "TW_RATE_LIMITED",
}
SPACE = " \t\r\n"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
#: The beginning of a body that is still compressed, because no header says so.
GZIP = b"\x1f\x8b"
#: A chunk that is not JSON. No provider was observed to send one, so the corpus has no such case.
MALFORMED = (
    b'data: {"choices":[{"index":0,"delta":{"content":"Hi"}}]}\n\ndata: {"choices":[}\n\n'
    + b'data: {"choices":[]}\n\n' * 3
)
FRAMINGS = ("length", "chunked", "close")
ID_HEADERS = ("x-request-id", "request-id", "x-generation-id")
REASONING_FIELDS = ("reasoning", "reasoning_content", "reasoning_text")

#: Opening tag, closing tag, and what may introduce the answer after it.
TAGS = [
    ("<think>", "</think>", ""),
    ("[THINK]", "[/THINK]", ""),
    ("<seed:think>", "</seed:think>", ""),
    ("<mm:think>", "</mm:think>", ""),
    ("<longcat_think>", "</longcat_think>", ""),
    ("<think:opensource>", "</think:opensource>", ""),
    ("\N{WHITE LEFT-POINTING TRIANGLE}think\N{WHITE RIGHT-POINTING TRIANGLE}",)
    + ("\N{WHITE LEFT-POINTING TRIANGLE}/think\N{WHITE RIGHT-POINTING TRIANGLE}", ""),
    ("<|channel>thought", "<channel|>", ""),
    (
        "<|channel|>analysis<|message|>",
        "<|end|>",
        "<|start|>assistant<|channel|>final<|message|>",
    ),
    ("<|START_THINKING|>", "<|END_THINKING|>", "<|START_RESPONSE|>"),
    ("<|begin_of_thought|>", "<|end_of_thought|>", "<|begin_of_solution|>"),
]
#: Ordinary words, which do not close reasoning whose opening tag is in the chat template.
WORD_TAGS = [
    (f"<{word}>", f"</{word}>", "") for word in ("thought", "Thought", "thinking", "reasoning")
]

#: The names of each count in a usage: OpenAI's, and others, whose zeros mean nothing.
USAGE_NAMES = {
    "prompt_tokens": (
        ["prompt_tokens"],
        ["input_tokens", "prompt_eval_count", "promptTokenCount", "prompt_token_count"]
        + ["inputTokens"],
    ),
    "completion_tokens": (
        ["completion_tokens"],
        ["output_tokens", "eval_count", "candidatesTokenCount", "candidates_token_count"]
        + ["outputTokens"],
    ),
    "total_tokens": (["total_tokens"], ["totalTokenCount", "total_token_count", "totalTokens"]),
    "reasoning_tokens": (
        ["completion_tokens_details.reasoning_tokens", "reasoning_tokens"],
        ["output_tokens_details.reasoning_tokens", "thoughtsTokenCount", "thoughts_token_count"],
    ),
    "cached_tokens": (
        ["prompt_tokens_details.cached_tokens", "cached_tokens"],
        ["input_tokens_details.cached_tokens", "prompt_cache_hit_tokens"]
        + ["cache_read_input_tokens", "cachedContentTokenCount", "cached_content_token_count"]
        + ["num_cached_tokens", "cacheReadInputTokens"],
    ),
}


def status_of_code(code):
    """The status for an error response with that HTTP status."""
    return BY_CODE.get(code, "TW_SERVER" if code >= 500 else "TW_BAD_REQUEST")


def request_id_in(headers):
    """The request's id in response headers with lower-case names, or None."""
    return next((headers[name] for name in ID_HEADERS if name in headers), None)


class Case:
    """A response: its body and headers, and the expected report of the complete one, if known."""

    def __init__(self, name, body, known=None):
        self.name, self.body, self.known = name, body, known
        self.status = known.status if known else 200
        is_stream = self.name.endswith("sse")
        self.headers = (
            known.headers
            if known
            else {"content-type": "text/event-stream" if is_stream else "application/json"}
        )
        self.request = known.request if known else {}
        #: 1: not streamed, as requested; 2: a document, although a stream was requested.
        self.is_whole = 1 if not is_stream else 2 if body.startswith(b"{") else 0

    @property
    def how(self):
        """The thinking option of the request, as client.c names it."""
        if self.request.get("thinking") == "off":
            return "off"
        return "starts" if self.request.get("starts_thinking") else "as-is"


def all_cases():
    """The cases of the corpus, the recordings, MALFORMED, and the same compressed."""
    found = [
        Case(case.name + corpus.body_of(corpus.CASES / f"{case.name}.json").suffix, case.body, case)
        for case in corpus.cases()
    ]
    recordings = sorted(RECORDINGS.iterdir())
    assert recordings
    found += [Case(f"recorded-{path.name}", path.read_bytes()) for path in recordings]
    compressed = gzip.compress(MALFORMED, mtime=0)
    return [
        *found,
        Case("made-malformed-chunk.sse", MALFORMED),
        Case("made-compressed-undeclared.sse", compressed),
    ]


def cases_to_break():
    """All cases except captures of real servers, which repeat the same kinds of chunks.

    The number of faults grows with the number of bytes, and most of these have many.
    """
    return [case for case in all_cases() if not case.name.startswith("server-")]


# ---- JSON with strings that may contain invalid UTF-8 ------------------------------------------


class Integer(int):
    """A number with the text that was received."""

    def __new__(cls, text):
        number = super().__new__(cls, text)
        number.text = text
        return number


class Real(float):
    """A number with the text that was received."""

    def __new__(cls, text):
        number = super().__new__(cls, text)
        number.text = text
        return number


#: Accepts unescaped control characters, and reads numbers that are not finite as null.
DECODER = json.JSONDecoder(
    strict=False, parse_int=Integer, parse_float=Real, parse_constant=lambda text: None
)


#: The private-use characters for bytes above 0x7F.
PRIVATE = {byte: 0xF0000 + byte for byte in range(0x80, 0x100)}


def read_json(data):
    """Parses JSON. Represents each byte above 0x7F by a private-use character.

    Raises ValueError if the data is not JSON.
    """
    value, rest = read_first_json(data)
    if rest:
        raise ValueError("text after the value")
    return value


@functools.lru_cache(maxsize=4096)
def read_first_json(data):
    """As `read_json`; also returns the data after the first value and white space."""
    text = data.decode("latin-1")
    if not text.isascii():
        text = text.translate(PRIVATE)
    begin = len(text) - len(text.lstrip(SPACE))
    value, end = DECODER.raw_decode(text, begin)
    return value, data[end:].lstrip(SPACE.encode())


def value_or_none(data):
    """As `read_json`; None if the data is not JSON."""
    try:
        return read_json(data)
    except ValueError:
        return None


def is_cut_json(data):
    """Whether data that is not JSON may be the beginning of a JSON object or array."""
    return data.strip(SPACE.encode())[:1] in (b"{", b"[")


def without_error_array(value):
    """The first element of an array if it is an error; any other value unchanged."""
    first = value[0] if isinstance(value, list) and value else None
    return first if isinstance(first, dict) and first.get("error") else value


def text_in(value):
    """The text of a string, of a number, or of an object with a text; else ""."""
    if isinstance(value, dict):
        value = value.get("text")
    return value if isinstance(value, str) else getattr(value, "text", "")


def is_json(text):
    try:
        json.loads(text, strict=False)
        return True
    except ValueError:
        return False


def text_of(pieces):
    """Joins the pieces of a text that `read_json` returned and restores its characters.

    Decodes runs of bytes, joins surrogate pairs, and replaces what is invalid by U+FFFD.
    """
    joined = "".join(pieces)
    if joined.isascii():
        return joined
    joined = re.sub(
        "[\U000f0080-\U000f00ff]+",
        lambda run: bytes(ord(char) - 0xF0000 for char in run[0]).decode("utf-8", "replace"),
        joined,
    )

    def join(pair):
        high, low = pair[0]
        return chr(0x10000 + (ord(high) - 0xD800 << 10) + ord(low) - 0xDC00)

    joined = re.sub("[\ud800-\udbff][\udc00-\udfff]", join, joined)
    return re.sub("[\ud800-\udfff]", "\ufffd", joined)


# ---- Event streams -----------------------------------------------------------------------------


def events_of(data):
    """The events: (name, data, whether the empty line after the event was received)."""
    name, values, found, is_bare = b"", [], [], False
    lines = re.split(rb"\r\n|\r|\n", data.removeprefix(BYTE_ORDER_MARK))
    for number, line in enumerate(lines):
        is_open = number == len(lines) - 1
        if line.startswith(b"data:") or line == b"data":
            values.append(line.removeprefix(b"data").removeprefix(b":").removeprefix(b" "))
        elif line.startswith(b"{") or is_bare and line and not line.startswith(b":"):
            is_bare = True
            values.append(line)
        elif line.startswith(b"event:"):
            name = re.sub(rb"^event: ?", b"", line)
        elif line.startswith(b"error:"):
            name = b"error"
            values.append(re.sub(rb"^error: ?", b"", line))
        if line == b"" and not is_open or is_open and values:
            if values:
                pieces = [b"\n".join(values)] if is_one_event(name, values) else values
                is_complete = line == b"" and not is_open
                found += [(name, piece, is_complete) for piece in pieces]
            name, values, is_bare = b"", [], False
    return found


def events_to_read(data):
    """The events of a stream, without one at the end that means nothing until more of it follows.

    With most bytes of a stream, they are the same as without the last byte.
    """
    found = events_of(data)
    name, end, is_complete = found[-1] if found else (b"", b"", True)
    end = end.strip(SPACE.encode())
    is_error_event = name == b"error" and end
    if not is_complete and not is_error_event and next(values_of(end), INVALID) == INVALID:
        found.pop()
    return tuple(found)


def is_cut_in_event(data):
    """Whether a stream ends with the beginning of JSON."""
    ends = [data.strip(SPACE.encode()) for _, data, is_complete in events_of(data)[-1:]]
    return any(INVALID in values_of(end) for end in ends)


def is_one_event(name, values):
    """False: the empty lines between events are missing, and each `data` line is an event."""
    return (
        name == b"error"
        or len(values) == 1
        or value_or_none(values[0].strip()) is None
        or value_or_none(b"\n".join(values)) is not None
    )


DONE, INVALID = "[DONE]", "invalid"


def values_of(data):
    """The JSON values in the data of an event, which should be one; DONE; or INVALID.

    Text that is not meant to be JSON keeps the connection alive.
    """
    while data:
        line = data.partition(b"\n")[0]
        if data.startswith(b"data:"):
            data = data.removeprefix(b"data:").strip()
        elif data.startswith(b"[DONE]"):
            yield DONE
            return
        elif data.startswith(b"{") or data.startswith(b"[") and not is_word_in_brackets(line):
            try:
                value, rest = read_first_json(data)
            except ValueError:
                rest = data
            is_separate = rest.startswith(b"{") or data.removesuffix(rest).endswith(b"\n")
            if rest and (rest == data or not is_separate):
                yield error_inside(data) or INVALID
                return
            yield without_error_array(value)
            data = rest
        else:
            data = data[len(line) :].strip()


def is_word_in_brackets(line):
    return re.fullmatch(rb"\[[A-Za-z].*\]", line) is not None


def error_inside(data):
    """The error object that ends data that is not JSON, or None."""
    for start in re.finditer(rb'(?<=\n){|{"error"|{"type":"error"', data):
        value = value_or_none(data[start.start() :])
        if isinstance(value, dict) and (is_error(value) or value.get("type") == "error"):
            return value
    return None


def is_error(value):
    """Whether an object is an error and not an answer."""
    if value.get("error") or value.get("object") == "error":
        return True
    if not value.get("choices"):
        if (value.get("base_resp") or {}).get("status_code") or value.get("error_message"):
            return True
    return "choices" not in value and ("message" in value or "title" in value)


# ---- The choices of an answer ------------------------------------------------------------------


class Choice:
    """Everything received of one choice, not yet joined."""

    def __init__(self, index, how):
        self.index, self.how = index, how
        self.reasoning, self.content, self.refusal, self.calls, self.finishes = [], [], [], [], []
        self.has_delta, self.has_function_call = False, False
        #: Whether text was received after the finish reason, which was premature then.
        self.has_text_after_finish = False
        #: Whether text between tags was received before reasoning in a field.
        self.has_tags_first = False

    @property
    def is_finished(self):
        return bool(self.finishes) and not self.has_text_after_finish

    def texts(self, is_done):
        """The reasoning and the content."""
        field, content = text_of(self.reasoning), text_of(self.content)
        reasoning, has_tag = field, False
        tagged = Tagged(content, self.how == "starts" and not field)
        if not field or self.has_tags_first:
            # Reasoning in a field after that between tags begins with the same text again.
            reasoning = tagged.reasoning + field[repeated_length(field, tagged.reasoning) :]
            content, has_tag = tagged.content, tagged.has_tag
        elif tagged.repeats(field):
            content = tagged.content
        is_complete = is_done or self.is_finished
        has_more = content or self.refusal or self.calls or has_tag
        is_cut = self.finishes[-1:] == ["length"]
        if self.how == "off" and is_complete and reasoning and not has_more and not is_cut:
            reasoning, content = "", reasoning
        elif self.how == "off" and not reasoning.strip(SPACE):
            reasoning = ""
        return reasoning, content

    def add_delta(self, delta, is_whole):
        """Adds a delta or a message. Returns its reasoning and its content."""
        fields = [text_in(delta[name]) for name in delta if name in REASONING_FIELDS]
        reasoning = next(filter(None, fields), "")
        if not reasoning:
            names = [name for name in delta if name in ("reasoning_details", "thinking_blocks")]
            for block in (delta[names[-1]] if names else None) or []:
                reasoning += (
                    block.get("text") or block.get("summary") or block.get("thinking") or ""
                )
        content = delta.get("content")
        if isinstance(content, list):
            in_parts, content = parts_of(content)
            reasoning = reasoning or in_parts
        content = text_in(content)
        if reasoning and not text_of(self.reasoning):
            tagged = Tagged(text_of(self.content), self.how == "starts")
            self.has_tags_first = bool(tagged.reasoning)
        self.reasoning.append(reasoning)
        self.content.append(content)
        if text_in(delta.get("refusal")):
            self.refusal.append(text_in(delta["refusal"]))
        for number, fragment in enumerate(delta.get("tool_calls") or []):
            self.add_call(fragment, number == 0, is_whole)
        # It repeats a call that was received as a tool call.
        if delta.get("function_call") and len(self.calls) == int(self.has_function_call):
            self.has_function_call = True
            self.add_call({"function": delta["function_call"]}, True, is_whole)
        return fields and reasoning, content

    def add_call(self, fragment, is_first, is_whole):
        """Adds a fragment of a tool call to a known call, or as a new one."""
        function = fragment.get("function") or fragment.get("custom") or {}
        identity, name = text_in(fragment.get("id")), function.get("name") or ""
        index = fragment.get("index")
        arguments = function.get("arguments", function.get("input"))
        call = None
        if not is_whole and (is_first or index is not None or identity or not name):
            call = self._continued_call(identity, name, index, arguments)
        if call is None:
            call = {"index": index, "id": "", "ids": [], "name": "", "arguments": []}
            self.calls.append(call)
        call["ids"].append(identity)
        call["id"] = call["id"] or identity
        if call["name"] != name:
            call["name"] += name
        if arguments is not None:
            call["arguments"].append(
                arguments if isinstance(arguments, str) else json.dumps(arguments)
            )

    def _continued_call(self, identity, name, index, arguments):
        """The call that a fragment continues, or None."""

        def has_index(call):
            return index is None or call["index"] == index

        same = [
            call
            for call in self.calls
            if identity and identity in call["ids"] and (call["index"] is None or has_index(call))
        ]
        near = same or [call for call in self.calls if has_index(call)]
        if not near and not identity and not name:
            near = [call for call in self.calls[-1:] if not is_json(text_of(call["arguments"]))]
        if not near:
            return None
        call = near[-1]
        is_complete = is_json(text_of(call["arguments"]))
        is_blank = arguments is None or isinstance(arguments, str) and not arguments.strip(SPACE)
        is_repeated = (
            (same or not identity and index is not None) and name == call["name"] and is_blank
        )
        is_new = index is None or name or is_complete and not is_blank
        is_other = not same and identity and call["id"] and is_new
        if is_other or name and not is_repeated and call["arguments"] and is_complete:
            return None
        return call


class Tagged:
    """A content, split into reasoning between tags at its beginning and the answer.

    `is_opened`: the chat template contains the opening tag.
    """

    def __init__(self, content, is_opened):
        self.reasoning, self.content, self.has_tag, self.is_closed = "", content, False, False
        text = content.lstrip(SPACE)
        pairs = [pair for pair in TAGS + WORD_TAGS if text.startswith(pair[0])]
        if not pairs and not is_opened:
            return
        inside = text.removeprefix(pairs[0][0]).lstrip(SPACE) if pairs else text
        #: The position and the pair of each closing tag.
        ends = sorted((inside.find(pair[1]), pair) for pair in pairs or TAGS if pair[1] in inside)
        self.has_tag = bool(pairs or ends)
        if not ends:
            self.reasoning, self.content, self._closing = inside, "", (pairs or TAGS)[0][1]
            return
        end, (_, closing, introduction) = ends[0]
        self.is_closed = True
        self.reasoning = inside[:end].rstrip(SPACE)
        after = inside[end + len(closing) :].lstrip(SPACE)
        self.content = after.removeprefix(introduction).lstrip(SPACE)

    def repeats(self, reasoning):
        """Whether the text between the tags is the reasoning, or the beginning of it."""
        inside, known = squeezed(self.reasoning), squeezed(reasoning)
        if self.is_closed:
            return inside == known
        if not self.has_tag:
            return False
        # It may end with the beginning of the closing tag.
        ends = [self._closing[:size] for size in range(len(self._closing))]
        texts = [inside.removesuffix(end) for end in ends]
        return any(text and known.startswith(text) for text in texts)


def squeezed(text):
    """The text without white space."""
    return re.sub(f"[{SPACE}]", "", text)


def repeated_length(text, known):
    """How much of the text repeats the beginning of the known one, apart from white space."""
    for length in range(len(text), 0, -1):
        if squeezed(known).startswith(squeezed(text[:length])):
            return length
    return 0


def parts_of(content):
    """The reasoning and the text of a content that is an array of parts."""
    reasoning, texts = [], []
    for part in content:
        if part.get("type") == "thinking":
            inner = part["thinking"]
            reasoning += (
                [inner] if isinstance(inner, str) else [piece.get("text", "") for piece in inner]
            )
        elif part.get("type") == "text":
            texts.append(part["text"])
    return "".join(reasoning), "".join(texts)


# ---- An answer ---------------------------------------------------------------------------------


class Answer:
    """Everything that was received of an answer."""

    def __init__(self, how, counts_chunks=False):
        self.how, self.choices, self.request_id = how, {}, None
        #: Whether the indexes of choices count chunks of the only choice.
        self._counts_chunks = counts_chunks
        #: For each choice of each chunk: its index, its index in the chunk, and the choice.
        self._received = []
        #: The latest usage, all of them as they are reported, and the latest as it was received.
        self.usage, self.usages, self._last_usage = {}, [], None
        self.is_done, self.is_error = False, False
        #: The status, if `is_error`.
        self.status = None
        #: The events in the order of the stream, for `simple_order`.
        self.order = []

    def add(self, chunk, is_whole=False):
        """Adds a chunk or a document."""
        for number, received in enumerate(chunk.get("choices") or []):
            index = received.get("index") if isinstance(received.get("index"), int) else number
            self._received.append((index, number, received))
            if self._counts_chunks:
                index = self._received[0][0]
            choice = self.choices.setdefault(index, Choice(index, self.how))
            self._add_to_choice(choice, received, is_whole)
        self._add_usage(chunk)
        self.add_request_id(chunk)

    def has_indexes_that_count_chunks(self):
        """Whether the second and the third index are each one more, or the second one is the last.

        A choice without text at the second index is another choice. So is the second one if no
        other follows, unless only both together are a finished answer.
        """
        if len(self._received) < 2:
            return False
        (first, _, begin), (second, number, continued) = self._received[:2]
        delta = continued.get("delta") or {}
        has_text = any(value not in (None, "") for name, value in delta.items() if name != "role")
        reason = continued.get("finish_reason")
        is_next = second == first + 1 and number == 0 and not begin.get("finish_reason")
        if not is_next or not has_text and not reason and "delta" in continued:
            return False
        if len(self._received) > 2:
            return self._received[2][0] == first + 2
        return self.is_done or bool(reason)

    def _add_to_choice(self, choice, received, is_whole):
        delta = received.get("delta") or received.get("message") or {}
        if "delta" not in received and choice.has_delta:
            # A message that repeats what the deltas contained.
            known = {
                "reasoning_content": choice.reasoning,
                "content": choice.content,
                "tool_calls": choice.calls,
            }
            delta = {name: value for name, value in delta.items() if not any(known.get(name) or [])}
        choice.has_delta = choice.has_delta or bool(received.get("delta"))
        reasoning, content = choice.add_delta(delta, is_whole)
        if reasoning:
            self.order.append(["reasoning", reasoning, choice.index])
        if content:
            self.order.append(["content", content, choice.index])
        if choice.finishes and (reasoning or content or delta.get("tool_calls")):
            choice.has_text_after_finish = True
        reason = received.get("finish_reason")
        if reason and reason != "null":
            choice.has_text_after_finish = False
            if choice.finishes[-1:] != [reason]:
                choice.finishes.append(reason)
                self.order.append(["finish", reason, choice.index])
        if received.get("error"):
            self.is_error = True

    def _add_usage(self, chunk):
        meta = (chunk.get("meta") or {}).get("usage") or {}
        for cost, unit in (
            ("usd_spent", "USD"),
            ("credits_used", "credits"),
            ("tokens_used", "credits"),
        ):
            if isinstance(meta.get(cost), (int, float)):
                self.usage.update(cost=meta[cost], cost_unit=unit)
                break
        names = ("usage", "usageMetadata", "usage_metadata")
        choices = chunk.get("choices") or []
        candidates = [chunk.get(name) for name in names]
        candidates += [(chunk.get("x_groq") or {}).get("usage"), "eval_count" in chunk and chunk]
        candidates += [choice.get("usage") for choice in choices]
        candidates += [(choice.get("delta") or {}).get("usage") for choice in choices]
        received = next(filter(None, candidates), meta)
        if not received:
            return
        # The last usage replaces the earlier ones, except for the cost that accompanied them.
        self.usage = {name: self.usage[name] for name in self.usage if name.startswith("cost")}
        for name, (usual, others) in USAGE_NAMES.items():
            counts = [count_in(received, each) for each in usual]
            counts += [count_in(received, each) or None for each in others]
            counts = [count for count in counts if count is not None]
            if counts:
                self.usage[name] = counts[0]
        if isinstance(received.get("cost"), (int, float)):
            self.usage.update(cost=received["cost"], cost_unit="USD")
        if received != self._last_usage:
            self.usages.append(dict(self.usage))
            self.order.append(["usage", len(self.usages) - 1])
        self._last_usage = received

    def add_request_id(self, chunk):
        """Stores the request's id, unless an earlier chunk contained it."""
        error = chunk.get("error") if isinstance(chunk.get("error"), dict) else {}
        found = chunk.get("requestId") or chunk.get("request_id") or error.get("request_id")
        self.request_id = self.request_id or found

    @property
    def is_finished(self):
        return (
            self.is_done
            or bool(self.choices)
            and all(choice.is_finished for choice in self.choices.values())
        )

    def _texts(self):
        """The texts to report, and the [index, id, name] of each tool call, by the same keys."""
        texts, names = {}, {}
        for choice in self.choices.values():
            reasoning, content = choice.texts(self.is_done)
            texts["reasoning", choice.index], texts["content", choice.index] = reasoning, content
            texts["refusal", choice.index] = text_of(choice.refusal)
            for number, call in enumerate(choice.calls):
                texts["tool_call", choice.index, number] = text_of(call["arguments"])
                names["tool_call", choice.index, number] = [number, call["id"], call["name"]]
        return texts, names

    def events(self, known):
        """The events to report, in the order of `known`: the events of the complete answer."""
        # `diverged`: the texts that lack a part of an event of `known`.
        # `started`: the texts of which a piece was reported.
        reported, diverged, started = [], set(), set()
        left, names = self._texts()
        finishes = {choice.index: list(choice.finishes) for choice in self.choices.values()}
        usages = list(self.usages)

        def report(key, text):
            reported.append([key[0], *names.get(key, []), text, *([key[1]] if key[1] else [])])

        for event in known:
            kind, size = event[0], 5 if event[0] == "tool_call" else 2
            index = event[size] if len(event) > size else 0
            if kind == "usage":
                reported += [["usage", usages.pop(0)]] if usages else []
            elif kind == "finish":
                if finishes.get(index):
                    reported.append(["finish", finishes[index].pop(0), *([index] if index else [])])
            else:
                key = (kind, index, event[1]) if kind == "tool_call" else (kind, index)
                if key not in left or key in diverged:
                    continue
                same = common_beginning(event[size - 1], left[key])
                if same or kind == "tool_call" and key not in started:
                    report(key, same)
                started.add(key)
                left[key] = left[key][len(same) :]
                if same != event[size - 1]:
                    diverged.add(key)
        for key, text in left.items():
            if text:
                report(key, text)
        return corpus.joined(reported)

    def simple_order(self):
        """The events of a complete answer without special features, such as the recordings."""
        known = []
        for kind, value, *index in self.order:
            value = value if kind == "usage" else text_of([value])
            known.append([kind, value, *([index[0]] if index and index[0] else [])])
        return corpus.joined(known)


def count_in(usage, path):
    """A count in a usage; None without one. `path`: the names of members, separated by dots."""
    for name in path.split("."):
        usage = usage.get(name) if isinstance(usage, dict) else None
    return usage


def common_beginning(one, other):
    length = 0
    while length < min(len(one), len(other)) and one[length] == other[length]:
        length += 1
    return one[:length]


# ---- What is reported, and how the exchange ends -----------------------------------------------


class Outcome:
    """What the client must report if nothing more is received.

    `statuses`: the status if the response ends there as framed, if it is cut there, and if the
    server sends nothing more. Alternatives are separated by "|". `reported`: the events and the
    members of the reply.
    """

    def __init__(self, ended, cut, silent, reported):
        self.statuses, self.reported = (ended, cut, silent), reported

    def __eq__(self, other):
        return (self.statuses, self.reported) == (other.statuses, other.reported)


#: The statuses of an unfinished answer.
OPEN = ("TW_TRUNCATED", "TW_TRUNCATED", "TW_TIMEOUT")


class Oracle:
    def __init__(self, case):
        self.case = case
        #: The events and the answer of the last stream that was read.
        self._last = None, None
        self.order = case.known.events if case.known else self.read(case.body).simple_order()
        self.after = functools.cache(self.after)
        self._reported = functools.lru_cache(maxsize=1)(self._reported)

    def read(self, body):
        """The answer in the first bytes of a body."""
        answer = Answer(self.case.how)
        text = body.removeprefix(BYTE_ORDER_MARK).strip(SPACE.encode())
        first, (line, _, rest) = text[:1], text.partition(b"\n")
        # Chunks without "data:" look like a document until something follows the first one.
        are_chunks = rest and b'"delta"' in line
        if self.case.status >= 300:
            self._read_error_response(answer, body)
        elif body.startswith(GZIP):
            answer.is_error, answer.status = True, "TW_PROTOCOL"
        elif first in (b"{", b"[") and not are_chunks:
            self._read_document(answer, body.removeprefix(BYTE_ORDER_MARK))
        else:
            return self._read_stream(body)
        return answer

    def _read_error_response(self, answer, body):
        answer.is_error = True
        code, whole = status_of_code(self.case.status), self.case.known.reply["status"]
        value = without_error_array(value_or_none(body))
        if isinstance(value, dict):
            answer.status = whole
            answer.add_request_id(value)
        elif is_cut_json(body):
            # What is missing may contradict what was received: only the HTTP status counts.
            answer.status = code
        else:
            # Text may change the status that its HTTP status implies.
            is_complete = len(body) == len(self.decoded(len(self.case.body)))
            answer.status = whole if is_complete else "|".join(sorted({code, whole}))

    def _read_document(self, answer, body):
        try:
            value, rest = read_first_json(body)
        except ValueError:
            return
        value, later = without_error_array(value), value_or_none(rest)
        if isinstance(value, dict) and not is_error(value) and "choices" in value:
            answer.add(value, is_whole=True)
        else:
            answer.is_error = True
            answer.add_request_id(value)
        if isinstance(later, dict) and is_error(later):
            answer.is_error = True
        # After a document, what begins like JSON may be an error.
        answer.is_done = not answer.is_error and (later is not None or not is_cut_json(rest))
        if not answer.is_error and any(
            "delta" in each and "message" not in each for each in value["choices"]
        ):
            # The only chunk of a stream without "data:". Its finish reason decides.
            answer.is_done = False
        if answer.is_error:
            answer.status = self.case.known.reply["status"]

    def _read_stream(self, body):
        events = events_to_read(body)
        if events != self._last[0]:
            answer = self._read_events(events, Answer(self.case.how))
            if answer.has_indexes_that_count_chunks():
                answer = self._read_events(events, Answer(self.case.how, counts_chunks=True))
            self._last = events, answer
        return self._last[1]

    def _read_events(self, events, answer):
        for name, data, is_complete in events:
            data = data.strip(SPACE.encode())
            if name == b"error" and data:
                self._read_error_event(answer, data)
            else:
                self._read_event(answer, data, is_complete)
            if answer.is_done or answer.is_error:
                break
        return answer

    def _read_error_event(self, answer, data):
        answer.is_error, answer.status = True, self.case.known.reply["status"]
        value = without_error_array(value_or_none(data))
        if isinstance(value, dict):
            answer.add_request_id(value)
            if "choices" in value:
                answer.add(value)
        elif value is None and is_cut_json(data):
            # As in an error response.
            answer.status = "TW_SERVER"
        elif value is None:
            answer.status = "|".join(sorted({"TW_SERVER", answer.status}))

    def _read_event(self, answer, data, is_complete):
        for value in values_of(data):
            if value == DONE:
                answer.is_done = True
            elif isinstance(value, dict):
                self._read_chunk(answer, value)
            elif value != INVALID or is_complete:
                answer.is_error, answer.status = True, "TW_PROTOCOL"
            if answer.is_done or answer.is_error:
                return

    def _read_chunk(self, answer, value):
        if is_error(value):
            answer.is_error = True
            answer.add_request_id(value)
        if "choices" in value or not answer.is_error:
            answer.add(value)
        if answer.is_error:
            answer.status = self.case.known.reply["status"]

    def _statuses(self, answer, body):
        if answer.is_error:
            return (answer.status,) * 3
        if answer.is_finished:
            return ("TW_OK",) * 3
        first = body.removeprefix(BYTE_ORDER_MARK).strip(SPACE.encode())[:1]
        # A complete response without anything of an answer. A blank one that claims to be JSON was
        # cut: DeepSeek sends such responses under load.
        types = ("text/event-stream",) if first else ("text/event-stream", "application/json")
        is_begun = answer.choices or first in (b"{", b"[") or is_cut_in_event(body)
        if not is_begun and not self.case.headers.get("content-type", "").startswith(types):
            return ("TW_PROTOCOL", *OPEN[1:])
        return OPEN

    def decoded(self, count):
        """What the first bytes of the body contain, if it is compressed."""
        body = self.case.body[:count]
        if self.case.headers.get("content-encoding") not in corpus.CODINGS:
            return body
        return zlib.decompressobj(wbits=32 + zlib.MAX_WBITS).decompress(body)

    def after(self, count):
        """The outcome after that many bytes of the body."""
        body = self.decoded(count)
        answer = self.read(body)
        return Outcome(*self._statuses(answer, body), self._reported(answer))

    def _reported(self, answer):
        """What is reported of the answer: the events and the members of the reply."""
        first = answer.choices[min(answer.choices)] if answer.choices else Choice(0, "as-is")
        reasoning, content = first.texts(answer.is_done)
        calls = [
            [number, call["id"], call["name"], text_of(call["arguments"]), index]
            for index in sorted(answer.choices)
            for number, call in enumerate(answer.choices[index].calls)
        ]
        headers = {name.lower(): value for name, value in self.case.headers.items()}
        return {
            "events": answer.events(self.order),
            "http_status": self.case.status,
            "reasoning": reasoning,
            "content": content,
            "refusal": text_of(first.refusal),
            "finish_reason": first.finishes[-1] if first.is_finished else None,
            "request_id": request_id_in(headers) or answer.request_id,
            "usage": answer.usage or None,
            "tool_calls": calls,
        }


def empty_reply(code, request_id=None):
    """What is reported before any part of the body was received. `code`: the HTTP status or 0."""
    empty = {
        "reasoning": "",
        "content": "",
        "refusal": "",
        "finish_reason": None,
        "request_id": request_id,
        "usage": None,
    }
    return {"events": [], "http_status": code, **empty, "tool_calls": []}


def verify(cases):
    """Checks the oracle with every complete case of the corpus. Returns the differences."""
    found = []
    for case in cases:
        if not case.known:
            continue
        outcome = Oracle(case).after(len(case.body))
        reply = {
            **outcome.reported,
            "status": outcome.statuses[1],
            "message": "".join(case.known.reply["message_contains"]),
        }
        events = reply.pop("events")
        lacks = case.known.reply.pop("message_lacks")
        found += [
            f"{case.name}: {difference}"
            for difference in corpus.differences(case.known, reply, events)
            if "document" not in difference
        ]
        case.known.reply["message_lacks"] = lacks
    return found
