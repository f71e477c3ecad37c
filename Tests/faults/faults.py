#!/usr/bin/env python3
"""The plan of the fault sweep: every answer, and what a client must report wherever it ends.

faults.py [NAME…]   prints for sweep.c each response and its expected outcomes; see README.md

With names, prints only the cases whose names begin with one of them.
"""

import re
import sys

import oracle

REASONS = {
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    402: "Payment Required",
    403: "Forbidden",
    404: "Not Found",
}
USAGE_NAMES = (
    "prompt_tokens",
    "completion_tokens",
    "total_tokens",
    "reasoning_tokens",
    "cached_tokens",
    "cost",
)


class Wire:
    """A response in one framing: its bytes, the outcome at each offset, and where it may stall."""

    def __init__(self, case, framing, known):
        self.case, self.framing, self.known = case, framing, known
        ends = [event.end() for event in re.finditer(rb"\r\n\r\n|\n\n|\r\r", case.body)]
        self.bytes, self.counts = http1(case, framing, ends)
        #: The length of the head.
        self.head = len(self.bytes) - len(self.counts) + 1
        boundaries = {0, len(case.body), *ends}
        stalls = [0, self.head // 2]
        stalls += [
            self.head + offset for offset, count in enumerate(self.counts) if count in boundaries
        ]
        #: The offsets after which the response may stall. A Content-Length or a last chunk ends
        #: the answer, so that a stall after it is not noticed.
        self.stalls = [
            offset for offset in stalls if offset < len(self.bytes) or framing == "close"
        ]

    def outcome(self, offset):
        """The outcome if the client receives that many bytes."""
        if offset < self.head:
            return outcome_in_head(self.case, self.bytes[:offset])
        return self.known.after(self.counts[offset - self.head])


def http1(case, framing, ends):
    """The bytes of a response, and how much of the body was received at each offset after the head.

    `ends`: the offsets in the body at which an HTTP chunk ends.
    """
    lines = [f"HTTP/1.1 {case.status} {REASONS.get(case.status, 'Status')}"]
    lines += [f"{name}: {value}" for name, value in case.headers.items()]
    header = {
        "length": f"content-length: {len(case.body)}",
        "chunked": "transfer-encoding: chunked",
        "close": "connection: close",
    }
    head = "\r\n".join([*lines, header[framing], "", ""]).encode()
    if framing != "chunked":
        return head + case.body, list(range(len(case.body) + 1))
    text, counts, start = head, [0], 0
    for end in sorted({*(ends or range(61, len(case.body), 61)), len(case.body)} - {0}):
        piece = case.body[start:end]
        size = b"%x\r\n" % len(piece)
        text += size + piece + b"\r\n"
        counts += [start] * len(size) + list(range(start + 1, end + 1)) + [end] * 2
        start = end
    return text + b"0\r\n\r\n", counts + [start] * 5


def outcome_in_head(case, received):
    """The outcome before the head was complete."""
    lines = received.split(b"\r\n")[:-1]
    if not lines:
        return oracle.Outcome("TW_NETWORK", "TW_NETWORK", "TW_TIMEOUT", oracle.empty_reply(0))
    headers = {
        name.lower(): value.strip()
        for name, _, value in (line.decode().partition(":") for line in lines[1:])
    }
    reported = oracle.empty_reply(case.status, oracle.request_id_in(headers))
    if case.status < 300:
        return oracle.Outcome(*oracle.OPEN, reported)
    whole = case.known.reply["status"]
    status = "|".join(sorted({oracle.status_of_code(case.status), whole}))
    return oracle.Outcome(status, status, status, reported)


# ---- The plan, as sweep.c reads it -------------------------------------------------------------


def quoted(text):
    if text is None:
        return "null"
    characters = (c if c >= " " and c not in '"\\' else f"\\u{ord(c):04x}" for c in text)
    return '"' + "".join(characters) + '"'


def number(value):
    return f"{value:.17g}"


def usage_as_recorded(usage):
    if usage is None:
        return "null"
    counts = "".join(f'"{name}":{number(usage[name])},' for name in USAGE_NAMES if name in usage)
    return "{" + counts + f'"cost_unit":{quoted(usage.get("cost_unit"))}}}'


def event_as_recorded(event):
    kind, *rest = event
    values = [
        usage_as_recorded(part)
        if kind == "usage"
        else quoted(part)
        if isinstance(part, str)
        else number(part)
        for part in rest
    ]
    return "[" + ",".join([quoted(kind), *values]) + "]"


def as_recorded(reported):
    """The text that recorder.c writes for a reply and its events."""
    parts = [
        '"events":[' + ",".join(event_as_recorded(event) for event in reported["events"]) + "]",
        f'"http_status":{reported["http_status"]}',
    ]
    parts += [
        f'"{name}":{quoted(reported[name])}'
        for name in ("reasoning", "content", "refusal", "finish_reason", "request_id")
    ]
    parts += [f'"usage":{usage_as_recorded(reported["usage"])}']
    calls = [
        [number(index), quoted(identity), quoted(name), quoted(arguments), number(choice)]
        for index, identity, name, arguments, choice in reported["tool_calls"]
    ]
    parts += ['"tool_calls":[' + ",".join("[" + ",".join(call) + "]" for call in calls) + "]"]
    return ",".join(parts).encode()


def write_plan(cases, out):
    for case in cases:
        known = oracle.Oracle(case)
        for framing in oracle.FRAMINGS:
            wire = Wire(case, framing, known)
            outcomes = [wire.outcome(offset) for offset in range(len(wire.bytes) + 1)]
            # Only the offsets at which the outcome changes.
            changes = [
                (offset, outcome)
                for offset, outcome in enumerate(outcomes)
                if offset == 0 or not outcome == outcomes[offset - 1]
            ]
            sizes = [len(wire.bytes), len(changes), len(wire.stalls)]
            fields = [case.name, case.how, case.is_whole, framing, *sizes]
            out.write(" ".join(map(str, fields)).encode() + b"\n" + wire.bytes)
            for offset, outcome in changes:
                record = as_recorded(outcome.reported)
                fields = ["", offset, *outcome.statuses, len(record)]
                out.write(" ".join(map(str, fields)).encode() + b"\n" + record)
            out.write(" ".join(["", *map(str, wire.stalls)]).encode() + b"\n")


if __name__ == "__main__":
    mistakes = oracle.verify(oracle.all_cases())
    if mistakes:
        sys.exit("\n".join(mistakes))
    names = tuple(sys.argv[1:]) or ("",)
    write_plan([c for c in oracle.cases_to_break() if c.name.startswith(names)], sys.stdout.buffer)
