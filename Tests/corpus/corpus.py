#!/usr/bin/env python3
"""Reads the corpus, compares a client's results with it, and serves it. See README.md.

corpus.py serve [--port N]   serves every case over HTTP on 127.0.0.1 (default port 8088)
corpus.py plan               prints the cases for play.c
corpus.py check              compares the output of play.c on standard input with the cases
"""

import gzip
import json
import pathlib
import signal
import sys
import time
import zlib

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))
import http_server  # noqa: E402

CASES = HERE / "cases"
REASONS = {
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    402: "Payment Required",
    403: "Forbidden",
    404: "Not Found",
}

#: What the header content-encoding makes of the file with the body.
CODINGS = {"gzip": lambda body: gzip.compress(body, mtime=0), "deflate": zlib.compress}

#: The expected reply of a case that specifies nothing else.
EMPTY_REPLY = {
    "reasoning": "",
    "content": "",
    "refusal": "",
    "finish_reason": None,
    "usage": None,
    "tool_calls": [],
    "request_id": None,
    "message_contains": [],
    "message_lacks": [],
}


class Case:
    """The bytes of a response as they are sent, and the results that a client must report."""

    def __init__(self, path):
        members = json.loads(path.read_text(encoding="utf-8"))
        self.name = path.stem
        self.fact = members.pop("fact")
        self.source = members.pop("source")
        self.events = members.pop("events")
        self.request = members.pop("request", {})
        http = members.pop("http")
        self.status = http["status"]
        self.headers = http["headers"]
        self.then = http.get("then", "close")
        reply = members.pop("reply")
        self.reply = {**EMPTY_REPLY, "http_status": self.status, **reply}
        self.has_document = "document" in members
        self.document = members.pop("document", None)
        unknown = [*members, *(set(reply) - set(EMPTY_REPLY) - {"status"})]
        assert not unknown, f"{path}: unknown members {unknown}"
        body = body_of(path).read_bytes()
        encode = CODINGS.get(self.headers.get("content-encoding"))
        self.body = encode(body) if encode else body

    @property
    def head(self):
        """The status line and headers of the response, whose body uses the chunked coding."""
        lines = [f"HTTP/1.1 {self.status} {REASONS.get(self.status, 'Status')}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        return "\r\n".join(lines + ["transfer-encoding: chunked", "", ""]).encode()


def body_of(path):
    """The file with the body of a case: an event stream (.sse) or anything else (.body)."""
    found = [
        path.with_suffix(suffix)
        for suffix in (".sse", ".body")
        if path.with_suffix(suffix).exists()
    ]
    assert len(found) == 1, f"{path} needs exactly one body file, .sse or .body"
    return found[0]


def cases():
    """All cases. Every file in the directory must belong to one of them."""
    found = [Case(path) for path in sorted(CASES.glob("*.json"))]
    files = len(list(CASES.iterdir()))
    assert found and files == 2 * len(found), f"{files} files for {len(found)} cases"
    return found


def joined(events):
    """The events, with consecutive pieces of the same text joined into one event."""
    result = []
    for event in events:
        kind, last = event[0], result[-1] if result else [""]
        text = 4 if kind == "tool_call" else 1
        subject = [kind, *event[text + 1 :], *(event[1:2] if kind == "tool_call" else [])]
        if kind not in ("usage", "finish") and last[0] == kind:
            if subject == [last[0], *last[text + 1 :], *(last[1:2] if kind == "tool_call" else [])]:
                result[-1] = [*event[:text], last[text] + event[text], *event[text + 1 :]]
                continue
        result.append(list(event))
    return result


def reported(usage):
    """The members of a usage that have a value."""
    return usage and {name: value for name, value in usage.items() if value is not None}


def event_of(event):
    """An event of the Python binding, as the cases write it."""
    call = [event.tool_index, event.tool_id, event.tool_name] if event.kind == "tool_call" else []
    value = reported(vars(event.usage)) if event.kind == "usage" else event.text
    return [str(event.kind), *call, value, *([event.choice] if event.choice else [])]


def reply_of(reply):
    """The members of a reply of the Python binding that `differences` compares."""
    names = ("http_status", "message", "reasoning", "content", "refusal", "finish_reason")
    return {
        **{name: getattr(reply, name) for name in names},
        "status": f"TW_{reply.status.name}",
        "request_id": reply.request_id,
        "usage": reply.usage and reported(vars(reply.usage)),
        "tool_calls": [
            [call.index, call.id, call.name, call.arguments, call.choice]
            for call in reply.tool_calls
        ],
    }


def differences(case, reply, events=None, document=None):
    """One line for each difference between a client's results and the expected ones.

    `reply` has the members of a case's reply, and `message`. `document` is JSON text; it is
    compared if the case has a document.
    """
    found = []

    def compare(what, actual, expected):
        if actual != expected:
            found.append(f"{what} is {actual!r}, not {expected!r}")

    if events is not None:
        actual = [
            ["usage", reported(event[1])] if event[0] == "usage" else event
            for event in joined(events)
        ]
        compare("events", actual, case.events)
    for name, expected in case.reply.items():
        if name == "usage":
            compare(name, reported(reply[name]), expected)
        elif name == "tool_calls":
            compare(
                name,
                [[*call[:4], *[choice for choice in call[4:] if choice]] for call in reply[name]],
                expected,
            )
        elif name == "message_contains":
            found += [
                f"the message lacks {part!r}: {reply['message']}"
                for part in expected
                if part not in reply["message"]
            ]
        elif name == "message_lacks":
            found += [
                f"the message contains {part!r}: {reply['message']}"
                for part in expected
                if part in reply["message"]
            ]
        else:
            compare(name, reply[name], expected)
    if case.has_document:
        compare("the document", json.loads(document) if document else None, case.document)
    return found


class Server(http_server.Server):
    """Serves the cases, each at a base URL of its own."""

    def __init__(self, port=0):
        self.cases = {case.name: case for case in cases()}
        super().__init__(port=port)

    def url_of(self, name, division="whole"):
        """The base URL of a case, whose body is divided as `pieces` describes."""
        return f"http://127.0.0.1:{self.port}/{name}/{division}/v1"

    def serve(self, connection):
        # A connection may be idle for any time, for example in a debugger.
        connection.socket.settimeout(None)
        while True:
            path = connection.read_request().split()[1].decode()
            _, name, division, *_ = path.split("/") + ["", ""]
            if name not in self.cases:
                connection.send(http_server.response(b"", "404 Not Found"))
            elif self.send(connection, self.cases[name], division) != "close":
                return

    def send(self, connection, case, division):
        """Sends the response of a case. Returns what follows the body."""
        connection.send(case.head)
        for piece in pieces(case.body, division):
            connection.send(http_server.http_chunk(piece))
            if division.startswith("first="):
                time.sleep(0.002)
        if case.then == "close":
            connection.send(http_server.http_chunk(b""))
        elif case.then == "open":
            connection.wait_for_end(None)
        return case.then


def pieces(body, division):
    """The body in two pieces ("first=17"), in equal pieces ("piece=1"), or else in one."""
    how, _, number = division.partition("=")
    if how == "first":
        return [piece for piece in (body[: int(number)], body[int(number) :]) if piece]
    size = int(number) if how == "piece" else len(body) or 1
    return [body[start : start + size] for start in range(0, len(body), size)]


def plan():
    """Prints the cases in the format that play.c reads."""
    for case in cases():
        how = (
            "off"
            if case.request.get("thinking") == "off"
            else "starts"
            if case.request.get("starts_thinking")
            else "as-is"
        )
        sys.stdout.write(f"{case.name} {how} {case.then} {len(case.head)} {len(case.body)}\n")
        sys.stdout.flush()
        sys.stdout.buffer.write(case.head + case.body)
        sys.stdout.flush()


def check():
    """Compares the results of play.c with the cases; 0 if all cases were played and passed."""
    known = {case.name: case for case in cases()}
    failed, played, counts = set(), set(), {}
    for line in sys.stdin.buffer:
        result = json.loads(line)
        if "cases" in result:
            counts = result
            continue
        case = known[result["case"]]
        played.add(case.name)
        found = differences(case, result["reply"], result.get("events"), result["document"])
        for difference in found + ([result["broken"]] if result["broken"] else []):
            failed.add(case.name)
            print(f"{case.name} ({result['how']}): {difference}")
    is_complete = len(played) == len(known) == counts.get("cases")
    print(
        f"corpus through C: {len(played)} cases of {len(known)}, {len(failed)} failed, "
        f"{counts.get('exchanges', 0)} exchanges"
    )
    return 0 if is_complete and not failed else 1


def serve(arguments):
    """Serves the cases until the process is stopped."""
    port = int(arguments[1]) if arguments[:1] == ["--port"] else 8088
    print(Server(port).url_of("CASE"), flush=True)
    signal.pause()


if __name__ == "__main__":
    command = sys.argv[1] if len(sys.argv) > 1 else ""
    if command == "plan":
        plan()
    elif command == "check":
        sys.exit(check())
    elif command == "serve":
        serve(sys.argv[2:])
    else:
        sys.exit(__doc__)
