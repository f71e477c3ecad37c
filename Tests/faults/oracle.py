"""What is to be heard of an answer of which only the first bytes came, worked out without the library.

It has the whole of what came before it, and not piece after piece of it, so that it needs none of what makes a client of streams
difficult: a text is joined and then looked at. Of the corpus it knows in which order things are told; the rest it finds itself, and
`verify` holds it against every whole case of the corpus before it is believed.
"""

import functools
import json
import pathlib
import re
import sys

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
#: What no server was seen to send: a chunk that is not JSON.
MALFORMED = (
    b'data: {"choices":[{"index":0,"delta":{"content":"Hi"}}]}\n\ndata: {"choices":[}\n\n'
    + b'data: {"choices":[]}\n\n' * 3
)
FRAMINGS = ("length", "chunked", "close")


def status_of_code(code):
    return BY_CODE.get(code, "TW_SERVER" if code >= 500 else "TW_BAD_REQUEST")


class Case:
    """An answer: the bytes of its body and header lines, and what is heard of all of it, where that is known beforehand."""

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
        #: 1: asked for in one piece; 2: a document though a stream was asked for.
        self.is_whole = 1 if not is_stream else 2 if body.startswith(b"{") else 0

    @property
    def how(self):
        return (
            "off"
            if self.request.get("thinking") == "off"
            else "starts"
            if self.request.get("starts_thinking")
            else "as-is"
        )


def all_cases():
    found = [
        Case(case.name + corpus.body_of(corpus.CASES / f"{case.name}.json").suffix, case.body, case)
        for case in corpus.cases()
    ]
    recordings = sorted(RECORDINGS.iterdir())
    assert recordings
    found += [Case(f"recorded-{path.name}", path.read_bytes()) for path in recordings]
    return found + [Case("made-malformed-chunk.sse", MALFORMED)]


# ---- JSON whose strings may hold bytes that are no characters -----------------------------------------------------------------


def read_json(data):
    """The value; bytes beyond ASCII stand in its strings as characters of a plane for private use. ValueError: not JSON."""
    if data.strip(SPACE.encode()) != data.strip():
        raise ValueError("other white space")
    return json.loads("".join(chr(byte) if byte < 0x80 else chr(0xF0000 + byte) for byte in data))


def text_of(pieces):
    """The pieces of a text joined: bytes are made characters, halves of characters too, and what is left over is replaced."""
    joined = "".join(pieces)
    joined = re.sub(
        "[\U000f0080-\U000f00ff]+",
        lambda run: bytes(ord(char) - 0xF0000 for char in run[0]).decode("utf-8", "replace"),
        joined,
    )
    pair = lambda two: chr(0x10000 + (ord(two[0][0]) - 0xD800 << 10) + ord(two[0][1]) - 0xDC00)  # noqa: E731
    return re.sub(
        "[\ud800-\udfff]", "\ufffd", re.sub("[\ud800-\udbff][\udc00-\udfff]", pair, joined)
    )


# ---- an event stream ----------------------------------------------------------------------------------------------------------


def events_of(data):
    """The events: (name, data, whether the blank line behind it came)."""
    if data.startswith(b"\xef\xbb\xbf"):
        data = data[3:]
    lines = re.split(rb"\r\n|\r|\n", data)
    name, values, found = b"", [], []
    for number, line in enumerate(lines):
        is_open = number == len(lines) - 1
        if line.startswith(b"data:") or line == b"data":
            values.append(re.sub(rb"^data:? ?", b"", line))
        elif line.startswith(b"event:"):
            name = re.sub(rb"^event: ?", b"", line)
        elif line.startswith(b"error:"):
            name = b"error"
            values.append(re.sub(rb"^error: ?", b"", line))
        if line == b"" and not is_open or is_open and values:
            if values:
                # Each line is a chunk where only the blank lines between them are missing.
                is_one = (
                    name == b"error"
                    or value_or_none(values[0].strip()) is None
                    or value_or_none(b"\n".join(values)) is not None
                )
                found += [
                    (name, data, line == b"" and not is_open)
                    for data in ([b"\n".join(values)] if is_one else values)
                ]
            name, values = b"", []
    return found


# ---- the choices of an answer -------------------------------------------------------------------------------------------------


class Choice:
    def __init__(self, index, how):
        self.index, self.how = index, how
        self.reasoning, self.content, self.refusal, self.calls, self.finishes = [], [], [], [], []
        self.has_delta = False

    def texts(self, is_done):
        """Its reasoning and its content."""
        field, content = text_of(self.reasoning), text_of(self.content)
        reasoning = field
        if not field:
            tag = re.match(rf"[{SPACE}]*<think>", content)
            if tag or self.how == "starts":
                inside = content[tag.end() if tag else 0 :].lstrip(SPACE)
                thought, closing, answer = inside.partition("</think>")
                reasoning = thought.rstrip(SPACE) if closing else inside
                content = answer.lstrip(SPACE)
        if (
            self.how == "off"
            and (is_done or self.finishes)
            and reasoning
            and not (content or self.refusal or self.calls)
        ):
            reasoning, content = "", reasoning
        return reasoning, content

    def add_call(self, fragment, is_first, is_whole):
        function = fragment.get("function") or fragment.get("custom") or {}
        identity, name, index = (
            fragment.get("id") or "",
            function.get("name") or "",
            fragment.get("index"),
        )
        arguments = function.get("arguments", function.get("input"))
        call = None
        if not is_whole and (is_first or index is not None or identity or not name):
            elsewhere = lambda known: (
                None not in (index, known["index"]) and index != known["index"]
            )  # noqa: E731
            same = [
                known
                for known in self.calls
                if identity and identity in known["ids"] and not elsewhere(known)
            ]
            near = same or [
                known for known in self.calls if index is None or known["index"] == index
            ]
            if not near and not identity and not name:
                near = [
                    known for known in self.calls[-1:] if not is_json(text_of(known["arguments"]))
                ]
            if near:
                call = near[-1]
                again = (same or not identity and index is not None) and name == call["name"]
                again = again and (
                    arguments is None or isinstance(arguments, str) and not arguments.strip(SPACE)
                )
                is_other = not same and identity and call["id"]
                is_other = is_other and (
                    index is None or name or is_json(text_of(call["arguments"]))
                )
                if (
                    is_other
                    or name
                    and not again
                    and call["arguments"]
                    and is_json(text_of(call["arguments"]))
                ):
                    call = None
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


def parts_of(content):
    """The thoughts and the texts of a content that comes in parts."""
    thoughts, texts = [], []
    for part in content:
        if part.get("type") == "thinking":
            inner = part["thinking"]
            thoughts += (
                [inner] if isinstance(inner, str) else [piece.get("text", "") for piece in inner]
            )
        elif part.get("type") == "text":
            texts.append(part["text"])
    return "".join(thoughts), "".join(texts)


def is_json(text):
    try:
        json.loads(text)
        return True
    except ValueError:
        return False


class Heard:
    """All that came, added up."""

    def __init__(self, how):
        self.how, self.choices, self.usages, self.request_id = how, {}, [], None
        self.usage, self.last_bill = {}, None
        self.is_done, self.refused, self.bill, self.order = False, False, None, []

    def add(self, chunk, is_whole=False):
        """Takes a chunk or a document."""
        for place, said in enumerate(chunk.get("choices") or []):
            index = said.get("index") if isinstance(said.get("index"), int) else place
            choice = self.choices.setdefault(index, Choice(index, self.how))
            delta = said.get("delta") or said.get("message") or {}
            if "delta" not in said and choice.has_delta:
                had = {
                    "reasoning_content": choice.reasoning,
                    "content": choice.content,
                    "tool_calls": choice.calls,
                }
                delta = {
                    name: value for name, value in delta.items() if not any(had.get(name) or [])
                }
            choice.has_delta = choice.has_delta or bool(said.get("delta"))
            thoughts = [
                delta[name]
                for name in delta
                if name in ("reasoning", "reasoning_content") and delta[name]
            ]
            thoughts = [
                thought if isinstance(thought, str) else thought.get("text", "")
                for thought in thoughts
            ]
            for detail in [] if thoughts else delta.get("reasoning_details") or []:
                thoughts += [detail.get("text") or detail.get("summary") or ""]
                choice.reasoning += thoughts[-1:]
                thoughts.pop()
            choice.reasoning += thoughts[:1]
            content = delta.get("content") or ""
            if isinstance(content, list):
                thought, content = parts_of(content)
                choice.reasoning += [thought] if not thoughts else []
            choice.content += [content]
            choice.refusal += [delta.get("refusal") or ""] if delta.get("refusal") else []
            self.order += [["reasoning", *thoughts[:1], index]] if thoughts else []
            self.order += [["content", content, index]] if content else []
            for number, fragment in enumerate(delta.get("tool_calls") or []):
                choice.add_call(fragment, number == 0, is_whole)
            reason = said.get("finish_reason")
            if reason and reason != "null" and choice.finishes[-1:] != [reason]:
                choice.finishes.append(reason)
                self.order += [["finish", reason, index]]
            if said.get("error"):
                self.refused = True
        meta = (chunk.get("meta") or {}).get("usage") or {}
        for cost, unit in (
            ("usd_spent", "USD"),
            ("credits_used", "credits"),
            ("tokens_used", "credits"),
        ):
            if isinstance(meta.get(cost), (int, float)):
                self.usage.update(cost=meta[cost], cost_unit=unit)
                break
        bills = [one.get("usage") for one in [chunk, *(chunk.get("choices") or [])]]
        bill = next(filter(None, bills), meta)
        if bill:
            # The last one counts, but for what it costs, where that was told beside an earlier one.
            self.usage = {
                name: value for name, value in self.usage.items() if name.startswith("cost")
            }
            for name in ("prompt_tokens", "completion_tokens", "total_tokens"):
                if bill.get(name) is not None:
                    self.usage[name] = bill[name]
            for name, details in (
                ("reasoning_tokens", "completion_tokens_details"),
                ("cached_tokens", "prompt_tokens_details"),
            ):
                told = [
                    place[name]
                    for place in (bill.get(details) or {}, bill)
                    if place.get(name) is not None
                ]
                if told:
                    self.usage[name] = told[0]
            if isinstance(bill.get("cost"), (int, float)):
                self.usage.update(cost=bill["cost"], cost_unit="USD")
            if bill != self.last_bill:
                self.usages.append(dict(self.usage))
                self.order += [["usage", len(self.usages) - 1]]
            self.last_bill = bill
        self.note_id(chunk)

    def note_id(self, chunk):
        error = chunk.get("error") if isinstance(chunk.get("error"), dict) else {}
        found = chunk.get("requestId") or chunk.get("request_id") or error.get("request_id")
        self.request_id = self.request_id or found

    @property
    def is_finished(self):
        return (
            self.is_done
            or bool(self.choices)
            and all(choice.finishes for choice in self.choices.values())
        )

    def events(self, known):
        """What is told, in the order in which it is told of the whole answer."""
        left, told, names = {}, [], {}
        for choice in self.choices.values():
            reasoning, content = choice.texts(self.is_done)
            left["reasoning", choice.index], left["content", choice.index] = reasoning, content
            left["refusal", choice.index] = text_of(choice.refusal)
            for place, call in enumerate(choice.calls):
                left["tool_call", choice.index, place] = text_of(call["arguments"])
                names["tool_call", choice.index, place] = [place, call["id"], call["name"]]
        finishes = {choice.index: list(choice.finishes) for choice in self.choices.values()}
        usages, gone, begun = list(self.usages), set(), set()

        def tell(key, text):
            told.append([key[0], *names.get(key, []), text, *([key[1]] if key[1] else [])])

        for event in known:
            kind, size = event[0], 5 if event[0] == "tool_call" else 2
            index = event[size] if len(event) > size else 0
            if kind == "usage":
                told += [["usage", usages.pop(0)]] if usages else []
            elif kind == "finish":
                if finishes.get(index):
                    told.append(["finish", finishes[index].pop(0), *([index] if index else [])])
            else:
                key = (kind, index, event[1]) if kind == "tool_call" else (kind, index)
                if key not in left or key in gone:
                    continue
                same = common_beginning(event[size - 1], left[key])
                if same or kind == "tool_call" and key not in begun:
                    tell(key, same)
                begun.add(key)
                left[key] = left[key][len(same) :]
                if same != event[size - 1]:
                    gone.add(key)
        for key, text in left.items():
            if text:
                tell(key, text)
        return corpus.joined(told)

    def simple_order(self):
        """For an answer without anything difficult, of which nobody has written down what is to be heard."""
        known = []
        for kind, what, *index in self.order:
            size = [what if kind == "usage" else text_of([what])]
            known.append([kind, *size, *([index[0]] if index and index[0] else [])])
        return corpus.joined(known)


def common_beginning(one, other):
    length = 0
    while length < min(len(one), len(other)) and one[length] == other[length]:
        length += 1
    return one[:length]


# ---- what is heard, and how it ends -------------------------------------------------------------------------------------------


class Outcome:
    """`ended`, `cut` and `silent` are the statuses that are right when nothing follows: because the response ends there as it
    should, because it is cut, or because nothing comes any more. `heard` is what the caller knows."""

    def __init__(self, ended, cut, silent, heard):
        self.statuses, self.heard = (ended, cut, silent), heard

    def __eq__(self, other):
        return (self.statuses, self.heard) == (other.statuses, other.heard)


OPEN = ("TW_TRUNCATED", "TW_TRUNCATED", "TW_TIMEOUT")


class Oracle:
    def __init__(self, case):
        self.case = case
        whole = self.listen(case.body)
        self.order = case.known.events if case.known else whole.simple_order()
        self.after = functools.cache(self.after)

    def listen(self, body):
        """Adds up what is in the first bytes of a body."""
        heard = Heard(self.case.how)
        heard.document = b""
        if self.case.status >= 300:
            heard.refused, heard.outcome = True, self.refusal_status(body)
            value = value_or_none(body)
            if isinstance(value, list):
                value = value[0]
            if isinstance(value, dict):
                heard.note_id(value)
            return heard
        first = body.removeprefix(b"\xef\xbb\xbf").strip(SPACE.encode())[:1]
        if first in (b"{", b"["):
            value = value_or_none(body)
            heard.document = body
            if value is not None:
                value = value[0] if isinstance(value, list) else value
                heard.is_done = "choices" in value
                if value.get("error") or "choices" not in value:
                    heard.refused, heard.outcome = True, self.case.known.reply["status"]
                    heard.note_id(value)
                else:
                    heard.add(value, is_whole=True)
                if heard.refused:
                    heard.is_done, heard.outcome = False, self.case.known.reply["status"]
            return heard
        for name, data, is_whole in events_of(body):
            data = data.strip(SPACE.encode())
            if not data:
                continue
            if data == b"[DONE]":
                heard.is_done = True
                break
            value = value_or_none(data)
            if value is None:
                if name == b"error":
                    # Cut in the middle of an error: that it is one is known, and what was said of it so far.
                    heard.refused, heard.outcome = (
                        True,
                        "|".join(sorted({"TW_SERVER", self.case.known.reply["status"]})),
                    )
                    break
                if data != b"null" and is_whole:
                    heard.refused, heard.outcome = True, "TW_PROTOCOL"
                    break
                continue
            value = value[0] if isinstance(value, list) else value
            is_refusal = (
                "choices" not in value
                and "message" in value
                or not value.get("choices")
                and value.get("error_message")
            )
            if name == b"error" or value.get("error") or is_refusal:
                heard.refused = True
                heard.note_id(value)
            if "choices" in value or not heard.refused:
                heard.add(value)
            if heard.refused:
                heard.outcome = self.case.known.reply["status"]
                break
        return heard

    def refusal_status(self, body):
        """A refusal's reason may change what its number says, once it has come."""
        code, whole = status_of_code(self.case.status), self.case.known.reply["status"]
        return whole if len(body) == len(self.case.body) else "|".join(sorted({code, whole}))

    def after(self, count):
        """The outcome after that many bytes of the body."""
        heard = self.listen(self.case.body[:count])
        if heard.refused:
            statuses = (heard.outcome,) * 3
        elif heard.is_finished:
            statuses = ("TW_OK",) * 3
        elif (
            not self.case.body[:count].strip()
            and self.case.headers.get("content-type") != "text/event-stream"
        ):
            # A response that ends as it should, and without a word, is no answer.
            statuses = ("TW_PROTOCOL", *OPEN[1:])
        else:
            statuses = OPEN
        first = heard.choices[min(heard.choices)] if heard.choices else Choice(0, "as-is")
        reasoning, content = first.texts(heard.is_done)
        calls = [
            [place, call["id"], call["name"], text_of(call["arguments"]), index]
            for index in sorted(heard.choices)
            for place, call in enumerate(heard.choices[index].calls)
        ]
        headers = {name.lower(): value for name, value in self.case.headers.items()}
        ids = [
            headers[name]
            for name in ("x-request-id", "request-id", "x-generation-id")
            if name in headers
        ]
        return Outcome(
            *statuses,
            {
                "events": heard.events(self.order),
                "http_status": self.case.status,
                "reasoning": reasoning,
                "content": content,
                "refusal": text_of(first.refusal),
                "finish_reason": first.finishes[-1] if first.finishes else None,
                "request_id": ids[0] if ids else heard.request_id,
                "usage": heard.usage or None,
                "tool_calls": calls,
            },
        )


def value_or_none(data):
    try:
        return read_json(data)
    except ValueError:
        return None


def nothing(code, request_id=None):
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
    """Every whole case of the corpus has to come out as it was written down there."""
    found = []
    for case in cases:
        if not case.known:
            continue
        outcome = Oracle(case).after(len(case.body))
        reply = {
            **outcome.heard,
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
