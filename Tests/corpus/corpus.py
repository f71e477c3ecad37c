#!/usr/bin/env python3
"""The cases, what a client must have heard of each, and a server that plays them. README.md says how to use it.

corpus.py serve [--port N]   plays them to any client
corpus.py plan               prints them for play.c
corpus.py check              compares what play.c has printed with what was to be heard
"""

import json
import pathlib
import socketserver
import sys
import time

CASES = pathlib.Path(__file__).resolve().parent / "cases"
REASONS = {
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    402: "Payment Required",
    403: "Forbidden",
    404: "Not Found",
}

#: A reply of which the case says nothing more.
NOTHING = {
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
    """One fact of the wire: the bytes of a response, and what is to be heard of them."""

    def __init__(self, path):
        said = json.loads(path.read_text(encoding="utf-8"))
        self.name = path.stem
        self.fact, self.source, self.events = (
            said.pop("fact"),
            said.pop("source"),
            said.pop("events"),
        )
        self.request = said.pop("request", {})
        http = said.pop("http")
        self.status, self.headers, self.then = (
            http["status"],
            http["headers"],
            http.get("then", "close"),
        )
        reply = said.pop("reply")
        self.reply = {**NOTHING, "http_status": self.status, **reply}
        self.has_document, self.document = "document" in said, said.pop("document", None)
        assert not said and not set(reply) - set(NOTHING) - {"status"}, f"{path}: {said or reply}"
        self.body = body_of(path).read_bytes()

    @property
    def head(self):
        """The head of the response, for a body that is framed in chunks."""
        lines = [f"HTTP/1.1 {self.status} {REASONS.get(self.status, 'Status')}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        return "\r\n".join(lines + ["transfer-encoding: chunked", "", ""]).encode()


def body_of(path):
    """The bytes of a case: an event stream (.sse), or anything else (.body)."""
    found = [
        path.with_suffix(suffix)
        for suffix in (".sse", ".body")
        if path.with_suffix(suffix).exists()
    ]
    assert len(found) == 1, f"{path} needs one file of bytes beside it"
    return found[0]


def cases():
    """All of them. Every file in the directory belongs to one."""
    found = [Case(path) for path in sorted(CASES.glob("*.json"))]
    files = len(list(CASES.iterdir()))
    assert found and files == 2 * len(found), f"{files} files of {len(found)} cases"
    return found


def joined(events):
    """The events with neighbours that are pieces of one text made one: where the network cuts is nobody's business."""
    whole = []
    for event in events:
        kind, last = event[0], whole[-1] if whole else [""]
        text = 4 if kind == "tool_call" else 1
        subject = [kind, *event[text + 1 :], *(event[1:2] if kind == "tool_call" else [])]
        if kind not in ("usage", "finish") and last[0] == kind:
            if subject == [last[0], *last[text + 1 :], *(last[1:2] if kind == "tool_call" else [])]:
                whole[-1] = [*event[:text], last[text] + event[text], *event[text + 1 :]]
                continue
        whole.append(list(event))
    return whole


def told(usage):
    """The members of a bill that were told."""
    return usage and {name: value for name, value in usage.items() if value is not None}


def differences(case, reply, events=None, document=None):
    """What was heard and should not have been, or the other way round, one line each.

    `reply` has the members of a case's, and `message`; `document` is JSON, and compared if the case has one.
    """
    found = []

    def compare(what, heard, wanted):
        if heard != wanted:
            found.append(f"{what} is {heard!r}, not {wanted!r}")

    if events is not None:
        heard = [
            ["usage", told(event[1])] if event[0] == "usage" else event for event in joined(events)
        ]
        compare("events", heard, case.events)
    for name, wanted in case.reply.items():
        if name == "usage":
            compare(name, told(reply[name]), wanted)
        elif name == "tool_calls":
            compare(
                name,
                [[*call[:4], *[choice for choice in call[4:] if choice]] for call in reply[name]],
                wanted,
            )
        elif name == "message_contains":
            found += [
                f"the message lacks {part!r}: {reply['message']}"
                for part in wanted
                if part not in reply["message"]
            ]
        elif name == "message_lacks":
            found += [
                f"the message has {part!r}: {reply['message']}"
                for part in wanted
                if part in reply["message"]
            ]
        else:
            compare(name, reply[name], wanted)
    if case.has_document:
        compare("the document", json.loads(document) if document else None, case.document)
    return found


class Handler(socketserver.StreamRequestHandler):
    """Plays the case that the path names: /NAME/v1/…, /NAME/first=BYTES/v1/… or /NAME/piece=BYTES/v1/…."""

    disable_nagle_algorithm = True

    def handle(self):
        try:
            while self.play():
                pass
        except OSError:
            pass  # The client has heard enough.

    def play(self):
        """Answers one request; true if another one may come."""
        words, length = self.rfile.readline().split(), 0
        if len(words) < 2:
            return False
        while line := self.rfile.readline().strip():
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        self.rfile.read(length)
        _, name, cut, *_ = words[1].decode().split("/") + ["", ""]
        case = self.server.cases.get(name)
        if case is None:
            self.wfile.write(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")
            return True
        self.wfile.write(case.head)
        for piece in pieces(case.body, cut):
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            if cut.startswith("first="):
                time.sleep(0.002)
        if case.then == "close":
            self.wfile.write(b"0\r\n\r\n")
            return True
        if case.then == "open":
            self.rfile.read(1)
        return False


def pieces(body, cut):
    """The body in pieces: in two ("first=17"), or in equal ones ("piece=1"); in one, if it is anything else."""
    how, _, number = cut.partition("=")
    if how == "first":
        return [piece for piece in (body[: int(number)], body[int(number) :]) if piece]
    size = int(number) if how == "piece" else len(body) or 1
    return [body[place : place + size] for place in range(0, len(body), size)]


class Server(socketserver.ThreadingTCPServer):
    """Plays the cases on a port of this machine."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, port=0):
        super().__init__(("127.0.0.1", port), Handler)
        self.cases = {case.name: case for case in cases()}
        self.url = f"http://127.0.0.1:{self.server_address[1]}"


def plan():
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
    known = {case.name: case for case in cases()}
    failed, heard, counts = set(), set(), {}
    for line in sys.stdin.buffer:
        said = json.loads(line)
        if "cases" in said:
            counts = said
            continue
        case = known[said["case"]]
        heard.add(case.name)
        found = differences(case, said["reply"], said.get("events"), said["document"])
        for difference in found + ([said["broken"]] if said["broken"] else []):
            failed.add(case.name)
            print(f"{case.name} ({said['how']}): {difference}")
    whole = len(heard) == len(known) == counts.get("cases")
    print(
        f"corpus through C: {len(heard)} cases of {len(known)}, {len(failed)} failed, {counts.get('exchanges', 0)} exchanges"
    )
    return 0 if whole and not failed else 1


def serve(arguments):
    port = int(arguments[1]) if arguments[:1] == ["--port"] else 8088
    with Server(port) as server:
        print(f"{server.url}/CASE/v1/chat/completions", flush=True)
        server.serve_forever()


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
