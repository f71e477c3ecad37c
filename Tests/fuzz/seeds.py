#!/usr/bin/env python3
"""Writes the initial inputs of each target, from the corpus and the recordings.

seeds.py OUT
"""

import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "corpus"))
import corpus  # noqa: E402

RECORDINGS = HERE.parent.parent / "Sources/thinkwire-mock/recordings"
HEADS = [
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nx-request-id: r1\r\n\r\n",
    b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n",
    b"HTTP/1.0 200 OK\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\n"
    b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n",
]


def exchange(name, case, body):
    """Three bytes of settings, and a response.

    Requests: 0 leaves thinking unset, 3 switches it off, 2 has a model that starts thinking.
    """
    request = 0
    if case and case.request.get("thinking") == "off":
        request = 3
    starts = 0x20 if case and case.request.get("starts_thinking") else 0
    then = {"close": 0, "cut": 1, "open": 2}[case.then if case else "close"]
    for way in range(4):
        settings = bytes([then | starts | (0x80 if way < 2 else 0), way * 7, way | request << 2])
        if case:
            chunks = b"%x\r\n%s\r\n" % (len(body), body) + (
                b"0\r\n\r\n" if case.then == "close" else b""
            )
            yield settings + case.head + chunks
        head = HEADS[way]
        if way == 1:
            yield settings + head % len(body) + body
        elif way == 3:
            yield settings + head % (len(body), body) + b"\x1e" + HEADS[1] % len(body) + body
        else:
            half = len(body) // 2
            yield settings + head + body[:half] + b"\x1d" + body[half:]


def lines_of(body):
    """The data of each event of a stream, after "!" if its name is "error"."""
    lines, name = [], b""
    for line in body.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n"):
        if line.startswith(b"event:"):
            name = line[6:].strip()
        elif line.startswith(b"data:"):
            lines.append((b"!" if name == b"error" else b"") + line[5:].strip())
            name = b""
    return lines


def chunks(name, case, body):
    """One byte of settings and one chunk per line, or (8) an unstreamed response."""
    request = case.request if case else {}
    settings = (1 if request.get("thinking") == "off" else 0) | (
        2 if request.get("starts_thinking") else 0
    )
    if body.lstrip()[:1] in (b"{", b"["):
        yield bytes([settings | 8]) + body.replace(b"\n", b" ")
        return
    yield bytes([settings]) + b"\n".join(lines_of(body)) + b"\n/choices/0/message/content"
    yield bytes([settings | 4]) + b"\n".join(lines_of(body))
    for mode in (0x10, 0x20):
        yield bytes([settings | mode, 3]) + body[:200]


def events(name, case, body):
    """A byte for the limit, a byte for the splits, and a stream."""
    for piece in (0, 1, 7):
        yield bytes([255, piece]) + body


def documents(name, case, body):
    """A JSON text, with a pointer after a NUL."""
    for line in [body, *lines_of(body)]:
        if line.lstrip()[:1] == b"{":
            yield line
            yield line + b"\0/choices/0/delta/content"


def headers(name, case, body):
    """A byte for the status, a byte for a limit, headers, a blank line and a body."""
    if case:
        lines = b"".join(
            b"%s: %s\r\n" % (key.encode(), value.encode()) for key, value in case.headers.items()
        )
        yield bytes([case.status % 256, 40]) + lines + b"\r\n" + body
    yield (
        b"\x01\x20retry-after: 3\r\nretry-after-ms: 250.5\r\nX-Should-Retry: true\r\n\r\n"
        + body[:300]
    )
    yield b'\x02\x20Retry-After: Fri, 31 Dec 1999 23:59:59 GMT\r\n\r\n{"detail":[]}'
    yield (
        b"\x02\x20retry-after: Friday, 31-Dec-99 23:59:59 GMT\r\n"
        b"retry-after: Fri Dec  1 23:59:59 1999\r\n\r\n"
    )


def requests(name, case, body):
    """Operations separated by \\x01, each a letter and arguments separated by \\x02."""
    lines = b"\n".join(lines_of(body))
    for start in (
        b"cm",
        b"calibaba/qwen3-32b",
        b"calibaba/qwen3.6-35b-a3b",
        b'p { "messages" : [ ] , "x":1,"x":2}',
    ):
        yield b"\1".join(
            [
                start,
                b"muser\2Hello",
                b"uhttps://x/y.png\2low",
                b"i\x89PNG\r\n\x1a\n123\2",
                b"stemperature\x020.5",
                b"sstop\2",
                b"sx\2[1, 2]",
                b'j{"role":"user","content":[]}',
                b'fname\2what\2{"type":"object"}',
                b"rid\2text",
                b"a" + lines,
                b"t\2",
                b"w\x05\x03",
                b'smessages\2[{"content":"a"}]',
            ]
        )
    yield b"p" + body + b"\1muser\2x\1sstop\2null\1a" + lines
    # Replies with reasoning, in an input of their own because a long one would be truncated before
    # them. "wQ" sends to a host that expects the reasoning.
    for reasoning in (
        b'"reasoning":"x"',
        b'"reasoning_details":[{"type":"reasoning.text","index":0,"text":"x"}]',
    ):
        reply = b'a{"choices":[{"delta":{%s,"content":"y"}}]}' % reasoning
        yield b"\1".join(
            [b"cm", b"muser\2Hello", reply, b"wQ", b"muser\2So?", reply, b"wQ", b"w\x03"]
        )


TARGETS = {
    "json": documents,
    "events": events,
    "chunks": chunks,
    "headers": headers,
    "request": requests,
    "exchange": exchange,
}


def main(out):
    cases = [(case.name, case, case.body) for case in corpus.cases()]
    cases += [(path.name, None, path.read_bytes()) for path in sorted(RECORDINGS.iterdir())]
    for target, inputs in TARGETS.items():
        folder = pathlib.Path(out) / target
        folder.mkdir(parents=True, exist_ok=True)
        for name, case, body in cases:
            # Longer inputs would be slower, and reach no other code.
            for index, seed in enumerate(inputs(name, case, body[:3000])):
                (folder / f"{name}-{index}").write_bytes(seed)


main(sys.argv[1])
