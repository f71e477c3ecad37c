#!/usr/bin/env python3
"""Every answer that is recorded here, broken in every place: see README.md.

faults.py     prints for sweep.c what is sent, and what is to be heard wherever it ends
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


class Wire:
    """A response as it travels in one framing: its bytes, the outcome if it ends after so many of them, where it may stall."""

    def __init__(self, case, framing, known):
        self.case, self.framing, self.known = case, framing, known
        ends = [event.end() for event in re.finditer(rb"\r\n\r\n|\n\n|\r\r", case.body)]
        self.bytes, self.counts = http1(case, framing, ends)
        #: The first place at which the head is whole.
        self.head = len(self.bytes) - len(self.counts) + 1
        boundaries = {0, len(case.body), *ends}
        self.stalls = [0, self.head // 2]
        self.stalls += [
            self.head + place for place, count in enumerate(self.counts) if count in boundaries
        ]
        # Where a length or a last chunk says it, the answer is over.
        self.stalls = [
            place for place in self.stalls if place < len(self.bytes) or framing == "close"
        ]

    def outcome(self, place):
        if place < self.head:
            return outcome_in_head(self.case, self.bytes[:place])
        return self.known.after(self.counts[place - self.head])


def http1(case, framing, ends):
    """The bytes, and for each place from the end of the head on, how many bytes of the body have come."""
    lines = [f"HTTP/1.1 {case.status} {REASONS.get(case.status, 'Status')}"]
    lines += [f"{name}: {value}" for name, value in case.headers.items()]
    how = {
        "length": f"content-length: {len(case.body)}",
        "chunked": "transfer-encoding: chunked",
        "close": "connection: close",
    }
    head = "\r\n".join([*lines, how[framing], "", ""]).encode()
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


def outcome_in_head(case, came):
    """What is known before the head was whole."""
    lines = came.split(b"\r\n")[:-1]
    if not lines:
        return oracle.Outcome("TW_NETWORK", "TW_NETWORK", "TW_TIMEOUT", oracle.nothing(0))
    headers = {
        name.lower(): value.strip()
        for name, _, value in (line.decode().partition(":") for line in lines[1:])
    }
    ids = [
        headers[name]
        for name in ("x-request-id", "request-id", "x-generation-id")
        if name in headers
    ]
    heard = oracle.nothing(case.status, ids[0] if ids else None)
    if case.status < 300:
        return oracle.Outcome(*oracle.OPEN, heard)
    whole = case.known.reply["status"]
    return oracle.Outcome(
        *["|".join(sorted({oracle.status_of_code(case.status), whole}))] * 3, heard
    )


# ---- the plan, as sweep.c reads it --------------------------------------------------------------------------------------------


def quoted(text):
    if text is None:
        return "null"
    return (
        '"' + "".join(c if c >= " " and c not in '"\\' else f"\\u{ord(c):04x}" for c in text) + '"'
    )


def number(value):
    return "%.17g" % value


def usage_as_heard(usage):
    if usage is None:
        return "null"
    names = (
        "prompt_tokens",
        "completion_tokens",
        "total_tokens",
        "reasoning_tokens",
        "cached_tokens",
        "cost",
    )
    return (
        "{"
        + "".join(f'"{name}":{number(usage[name])},' for name in names if name in usage)
        + f'"cost_unit":{quoted(usage.get("cost_unit"))}}}'
    )


def event_as_heard(event):
    kind, *rest = event
    words = [
        usage_as_heard(part)
        if kind == "usage"
        else quoted(part)
        if isinstance(part, str)
        else number(part)
        for part in rest
    ]
    return "[" + ",".join([quoted(kind), *words]) + "]"


def as_heard(heard):
    """What recorder.c writes."""
    parts = [
        '"events":[' + ",".join(event_as_heard(event) for event in heard["events"]) + "]",
        f'"http_status":{heard["http_status"]}',
    ]
    parts += [
        f'"{name}":{quoted(heard[name])}'
        for name in ("reasoning", "content", "refusal", "finish_reason", "request_id")
    ]
    parts += [f'"usage":{usage_as_heard(heard["usage"])}']
    calls = [
        [number(place), quoted(name), quoted(what), quoted(text), number(index)]
        for place, name, what, text, index in heard["tool_calls"]
    ]
    return ",".join(
        [*parts, '"tool_calls":[' + ",".join("[" + ",".join(call) + "]" for call in calls) + "]"]
    ).encode()


def plan():
    out = sys.stdout.buffer
    for case in oracle.all_cases():
        known = oracle.Oracle(case)
        for framing in oracle.FRAMINGS:
            wire = Wire(case, framing, known)
            outcomes = [wire.outcome(place) for place in range(len(wire.bytes) + 1)]
            runs = [
                (place, one)
                for place, one in enumerate(outcomes)
                if place == 0 or not one == outcomes[place - 1]
            ]
            first = f"{case.name} {case.how} {case.is_whole} {framing} {len(wire.bytes)} {len(runs)} {len(wire.stalls)}\n"
            out.write(first.encode() + wire.bytes)
            for place, outcome in runs:
                heard = as_heard(outcome.heard)
                out.write(
                    " ".join(["", str(place), *outcome.statuses, str(len(heard))]).encode()
                    + b"\n"
                    + heard
                )
            out.write(" ".join(["", *map(str, wire.stalls)]).encode() + b"\n")


if __name__ == "__main__":
    mistakes = oracle.verify(oracle.all_cases())
    if mistakes:
        sys.exit("\n".join(mistakes))
    plan()
