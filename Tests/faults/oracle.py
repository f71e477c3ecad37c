"""Computes what a client must report of the first bytes of an answer, without the library.

The oracle sees all bytes at once, not piece by piece, so it needs none of the state that makes a
streaming client difficult: it joins each text and then looks at it. The corpus states in which
order events are reported; the oracle works out everything else itself. `verify` checks it against
every complete case of the corpus before it is used.
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
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
#: A chunk that is not JSON. No provider was observed to send one, so the corpus has no such case.
MALFORMED = (
    b'data: {"choices":[{"index":0,"delta":{"content":"Hi"}}]}\n\ndata: {"choices":[}\n\n'
    + b'data: {"choices":[]}\n\n' * 3
)
FRAMINGS = ("length", "chunked", "close")
ID_HEADERS = ("x-request-id", "request-id", "x-generation-id")


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
    """The cases of the corpus, the recordings, and MALFORMED."""
    found = [
        Case(case.name + corpus.body_of(corpus.CASES / f"{case.name}.json").suffix, case.body, case)
        for case in corpus.cases()
    ]
    recordings = sorted(RECORDINGS.iterdir())
    assert recordings
    found += [Case(f"recorded-{path.name}", path.read_bytes()) for path in recordings]
    return found + [Case("made-malformed-chunk.sse", MALFORMED)]


#: Cases of the corpus whose outcome this oracle does not know at every offset: other tags, repeated
#: reasoning, deviations that are read leniently, other names of usage, and the classification of
#: errors by their text. The corpus tests play each of them whole, in pieces and byte by byte.
NOT_MODELLED = frozenset((pathlib.Path(__file__).parent / "not_modelled.txt").read_text().split())


def modelled_cases():
    """The cases whose outcome this oracle knows at every offset."""
    return [case for case in all_cases() if not case.known or case.known.name not in NOT_MODELLED]


def cases_to_break():
    """The modelled cases except captures of real servers, which repeat the same kinds of chunks.

    The number of faults grows with the number of bytes, and most of these have many.
    """
    return [case for case in modelled_cases() if not case.name.startswith("server-")]


# ---- JSON with strings that may contain invalid UTF-8 ------------------------------------------


def read_json(data):
    """Parses JSON. Represents each byte above 0x7F by a private-use character.

    Raises ValueError if the data is not JSON.
    """
    if data.strip(SPACE.encode()) != data.strip():
        raise ValueError("white space that JSON does not allow")
    return json.loads("".join(chr(byte) if byte < 0x80 else chr(0xF0000 + byte) for byte in data))


def value_or_none(data):
    """As `read_json`; None if the data is not JSON."""
    try:
        return read_json(data)
    except ValueError:
        return None


def error_in_cut_array(data):
    """The first element of an array that was cut, if it is a complete error; else None."""
    try:
        value = json.JSONDecoder().raw_decode(data.decode().removeprefix("["))[0]
    except ValueError:
        return None
    return value if data[:1] == b"[" and "error" in value else None


def first_of(value):
    """The first element of an array; any other value unchanged."""
    return value[0] if isinstance(value, list) else value


def is_json(text):
    try:
        json.loads(text)
        return True
    except ValueError:
        return False


def text_of(pieces):
    """Joins the pieces of a text that `read_json` returned and restores its characters.

    Decodes runs of bytes, joins surrogate pairs, and replaces what is invalid by U+FFFD.
    """
    joined = re.sub(
        "[\U000f0080-\U000f00ff]+",
        lambda run: bytes(ord(char) - 0xF0000 for char in run[0]).decode("utf-8", "replace"),
        "".join(pieces),
    )

    def join(pair):
        high, low = pair[0]
        return chr(0x10000 + (ord(high) - 0xD800 << 10) + ord(low) - 0xDC00)

    joined = re.sub("[\ud800-\udbff][\udc00-\udfff]", join, joined)
    return re.sub("[\ud800-\udfff]", "\ufffd", joined)


# ---- Event streams -----------------------------------------------------------------------------


def events_of(data):
    """The events: (name, data, whether the empty line after the event was received)."""
    name, values, found = b"", [], []
    lines = re.split(rb"\r\n|\r|\n", data.removeprefix(BYTE_ORDER_MARK))
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
                pieces = [b"\n".join(values)] if is_one_event(name, values) else values
                is_complete = line == b"" and not is_open
                found += [(name, piece, is_complete) for piece in pieces]
            name, values = b"", []
    return found


def is_one_event(name, values):
    """False: the empty lines between events are missing, and each `data` line is an event."""
    return (
        name == b"error"
        or value_or_none(values[0].strip()) is None
        or value_or_none(b"\n".join(values)) is not None
    )


# ---- The choices of an answer ------------------------------------------------------------------


class Choice:
    """Everything received of one choice, not yet joined."""

    def __init__(self, index, how):
        self.index, self.how = index, how
        self.reasoning, self.content, self.refusal, self.calls, self.finishes = [], [], [], [], []
        self.has_delta = False

    def texts(self, is_done):
        """The reasoning and the content."""
        field, content = text_of(self.reasoning), text_of(self.content)
        reasoning = field
        if not field:
            tag = re.match(rf"[{SPACE}]*<think>", content)
            if tag or self.how == "starts":
                inside = content[tag.end() if tag else 0 :].lstrip(SPACE)
                before, closing, after = inside.partition("</think>")
                reasoning = before.rstrip(SPACE) if closing else inside
                content = after.lstrip(SPACE)
        is_complete = is_done or self.finishes
        has_more = content or self.refusal or self.calls
        if self.how == "off" and is_complete and reasoning and not has_more:
            reasoning, content = "", reasoning
        elif self.how == "off" and not reasoning.strip(SPACE):
            reasoning = ""
        return reasoning, content

    def add_delta(self, delta, is_whole):
        """Adds a delta or a message. Returns its reasoning pieces and its content."""
        pieces = [
            delta[name]
            for name in delta
            if name in ("reasoning", "reasoning_content") and delta[name]
        ]
        pieces = [piece if isinstance(piece, str) else piece.get("text", "") for piece in pieces]
        if not pieces:
            for detail in delta.get("reasoning_details") or []:
                self.reasoning.append(detail.get("text") or detail.get("summary") or "")
        self.reasoning += pieces[:1]
        content = delta.get("content") or ""
        if isinstance(content, list):
            reasoning, content = parts_of(content)
            self.reasoning += [reasoning] if not pieces else []
        self.content.append(content)
        if delta.get("refusal"):
            self.refusal.append(delta["refusal"])
        for number, fragment in enumerate(delta.get("tool_calls") or []):
            self.add_call(fragment, number == 0, is_whole)
        if delta.get("function_call"):
            self.add_call({"function": delta["function_call"]}, True, is_whole)
        return pieces, content

    def add_call(self, fragment, is_first, is_whole):
        """Adds a fragment of a tool call to a known call, or as a new one."""
        function = fragment.get("function") or fragment.get("custom") or {}
        identity, name = fragment.get("id") or "", function.get("name") or ""
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
        is_other = not same and identity and call["id"] and (index is None or name or is_complete)
        if is_other or name and not is_repeated and call["arguments"] and is_complete:
            return None
        return call


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

    def __init__(self, how):
        self.how, self.choices, self.request_id = how, {}, None
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
            choice = self.choices.setdefault(index, Choice(index, self.how))
            self._add_to_choice(choice, received, is_whole)
        self._add_usage(chunk)
        self.add_request_id(chunk)

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
        pieces, content = choice.add_delta(delta, is_whole)
        if pieces:
            self.order.append(["reasoning", pieces[0], choice.index])
        if content:
            self.order.append(["content", content, choice.index])
        reason = received.get("finish_reason")
        if reason and reason != "null" and choice.finishes[-1:] != [reason]:
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
        candidates = [each.get("usage") for each in [chunk, *(chunk.get("choices") or [])]]
        received = next(filter(None, candidates), meta)
        if not received:
            return
        # The last usage replaces the earlier ones, except for the cost that accompanied them.
        self.usage = {name: self.usage[name] for name in self.usage if name.startswith("cost")}
        for name in ("prompt_tokens", "completion_tokens", "total_tokens"):
            if received.get(name) is not None:
                self.usage[name] = received[name]
        for name, details in (
            ("reasoning_tokens", "completion_tokens_details"),
            ("cached_tokens", "prompt_tokens_details"),
        ):
            counts = [each.get(name) for each in (received.get(details) or {}, received)]
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
            and all(choice.finishes for choice in self.choices.values())
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
        self.order = case.known.events if case.known else self.read(case.body).simple_order()
        self.after = functools.cache(self.after)

    def read(self, body):
        """The answer in the first bytes of a body."""
        answer = Answer(self.case.how)
        first = body.removeprefix(BYTE_ORDER_MARK).strip(SPACE.encode())[:1]
        if self.case.status >= 300:
            self._read_error_response(answer, body)
        elif first in (b"{", b"["):
            self._read_document(answer, body)
        else:
            self._read_stream(answer, body)
        return answer

    def _read_error_response(self, answer, body):
        answer.is_error = True
        # The body may change the status that its HTTP status implies, once it is complete.
        code, whole = status_of_code(self.case.status), self.case.known.reply["status"]
        is_complete = len(body) == len(self.case.body)
        answer.status = whole if is_complete else "|".join(sorted({code, whole}))
        value = first_of(value_or_none(body))
        if isinstance(value, dict):
            answer.add_request_id(value)

    def _read_document(self, answer, body):
        value = value_or_none(body)
        if value is None:
            return
        value = first_of(value)
        answer.is_done = "choices" in value
        if value.get("error") or "choices" not in value:
            answer.is_error = True
            answer.add_request_id(value)
        else:
            answer.add(value, is_whole=True)
        if answer.is_error:
            answer.is_done, answer.status = False, self.case.known.reply["status"]

    def _read_stream(self, answer, body):
        for name, data, is_complete in events_of(body):
            data = data.strip(SPACE.encode())
            if data == b"[DONE]":
                answer.is_done = True
            elif data:
                self._read_event(answer, name, data, is_complete)
            if answer.is_done or answer.is_error:
                return

    def _read_event(self, answer, name, data, is_complete):
        value = value_or_none(data)
        if value is None and not is_complete:
            value = error_in_cut_array(data)
        if value is None:
            if name == b"error":
                # Cut within an error: it is known to be an error, but perhaps not which.
                statuses = {"TW_SERVER", self.case.known.reply["status"]}
                answer.is_error, answer.status = True, "|".join(sorted(statuses))
            elif is_complete and data != b"null":
                answer.is_error, answer.status = True, "TW_PROTOCOL"
            return
        value = first_of(value)
        is_error_object = (
            "choices" not in value
            and "message" in value
            or not value.get("choices")
            and value.get("error_message")
        )
        if name == b"error" or value.get("error") or is_error_object:
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
        types = ("text/event-stream", "application/json")
        if not body.strip() and self.case.headers.get("content-type") not in types:
            # A complete response without any content is not an answer. One of the expected type was
            # cut: DeepSeek sends such responses under load.
            return ("TW_PROTOCOL", *OPEN[1:])
        return OPEN

    def after(self, count):
        """The outcome after that many bytes of the body."""
        body = self.case.body[:count]
        answer = self.read(body)
        first = answer.choices[min(answer.choices)] if answer.choices else Choice(0, "as-is")
        reasoning, content = first.texts(answer.is_done)
        calls = [
            [number, call["id"], call["name"], text_of(call["arguments"]), index]
            for index in sorted(answer.choices)
            for number, call in enumerate(answer.choices[index].calls)
        ]
        headers = {name.lower(): value for name, value in self.case.headers.items()}
        return Outcome(
            *self._statuses(answer, body),
            {
                "events": answer.events(self.order),
                "http_status": self.case.status,
                "reasoning": reasoning,
                "content": content,
                "refusal": text_of(first.refusal),
                "finish_reason": first.finishes[-1] if first.finishes else None,
                "request_id": request_id_in(headers) or answer.request_id,
                "usage": answer.usage or None,
                "tool_calls": calls,
            },
        )


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
