"""Answers that break off, over TLS and over HTTP/2: a sample of the places that Tests/faults tries over plain HTTP/1.1, and the same
word of what is to be heard."""

import collections
import concurrent.futures
import contextlib
import dataclasses
import itertools
import json
import os
import re
import socket
import ssl

import corpus
import faults
import oracle
import pytest
from h2.errors import ErrorCodes
from peers import H2, Peer, read_request, reset_when_sent, tls
from thinkwire import Error, EventKind

#: How a connection ends, over TLS.
CONNECTION_ENDS = ("close_notify", "FIN", "RST")
#: How a stream of HTTP/2 ends.
STREAM_ENDS = {
    "END_STREAM": lambda exchange: exchange.end(),
    "RST_STREAM, INTERNAL_ERROR": lambda exchange: exchange.reset(ErrorCodes.INTERNAL_ERROR),
    "RST_STREAM, CANCEL": lambda exchange: exchange.reset(ErrorCodes.CANCEL),
    "RST_STREAM, NO_ERROR": lambda exchange: exchange.reset(ErrorCodes.NO_ERROR),
}
#: What a server says before it closes the connection: which was the last stream that it has taken on.
GOODBYES = {"GOAWAY behind it": 1 << 30, "GOAWAY before it": 0}
SILENCE, WHOLE = "silence", "none"
#: How many exchanges are under way at once; of those that wait for a clock, more.
LANES, SILENT_LANES = 8, 48


@dataclasses.dataclass
class Play:
    """What a server does with a request, and what is to be heard of it: one of `statuses`, and what had come."""

    case: oracle.Case
    how: str
    #: None where not even the header comes.
    data: bytes
    end: str
    statuses: str
    heard: dict
    #: Whether it may be lost, with the header and all.
    may_be_lost: bool = False

    def __str__(self):
        return f"{self.case.name}, {self.how}, {self.end} after {self.data is not None and len(self.data)} bytes"


def places(data, number):
    """The first and the last, those around the words that say that an answer is over, and some between."""
    found = {0, 1, len(data) - 1, len(data)}
    for word in re.finditer(rb'"finish_reason": ?"\w+"|\[DONE\]|\r\n0\r\n', data):
        found |= {word.start() + 1, word.end(), word.end() + 1 + number % 4}
    step = max(len(data) // 6, 1)
    found |= set(range(number * 7 % step, len(data), step))
    return sorted(place for place in found if 0 <= place <= len(data))


# ---- HTTP/1.1 over TLS ---------------------------------------------------------------------------------------------------------


def plays_of_http1(case, known, number):
    for framing in oracle.FRAMINGS:
        wire = faults.Wire(case, framing, known)
        ends = itertools.cycle(CONNECTION_ENDS[number % 3 :] + CONNECTION_ENDS[: number % 3])
        for place in places(wire.bytes, number)[number % 2 :: 2]:
            outcome, end = wire.outcome(place), next(ends)
            ended, cut, _ = outcome.statuses
            # Whoever ends a close-delimited answer without having said so may be anybody.
            is_end = (
                end == "close_notify" and place >= wire.head
                if framing == "close"
                else place == len(wire.bytes)
            )
            yield Play(
                case, framing, wire.bytes[:place], end, ended if is_end else cut, outcome.heard
            )
        stall = wire.stalls[number % len(wire.stalls)]
        outcome = wire.outcome(stall)
        yield Play(case, framing, wire.bytes[:stall], SILENCE, outcome.statuses[2], outcome.heard)
        if framing != "close":
            outcome = wire.outcome(len(wire.bytes))
            yield Play(case, framing, wire.bytes, WHOLE, outcome.statuses[0], outcome.heard)


class Breaking(Peer):
    """Does with each request what stands in it."""

    def __init__(self, pair, plays):
        self.plays = plays
        super().__init__(tls(pair))

    def serve(self, connection):
        while True:
            play = self.plays[order_in(read_request(connection).split(b"\r\n\r\n", 1)[1])]
            connection.sendall(play.data)
            if play.end != WHOLE:
                return end_connection(connection, play.end)


def order_in(body):
    return json.loads(body)["play"]


def end_connection(connection, how):
    if how == "RST":
        reset_when_sent(connection)
        return
    if how == "close_notify":
        # Without waiting for the client's.
        connection.settimeout(0)
        with contextlib.suppress(ssl.SSLWantReadError):
            connection.unwrap()
        connection.settimeout(30)
    if how != SILENCE:
        connection.shutdown(socket.SHUT_WR)
    while connection.recv(65536):
        pass


# ---- HTTP/2 --------------------------------------------------------------------------------------------------------------------


def plays_of_http2(case, known, number):
    ends = itertools.cycle([*STREAM_ENDS, *GOODBYES, *CONNECTION_ENDS])
    # Byte by byte takes its time.
    hows = itertools.cycle(
        [
            *["in one frame", "in frames", "at once", "with a length", "at once, with a length"]
            * 3,
            "in bytes",
        ]
    )
    for _ in range(number):
        next(hows), next(ends)

    def play(place, end):
        how = next(hows)
        if place is None:
            return Play(
                case,
                how,
                None,
                end,
                "TW_TIMEOUT" if end == SILENCE else "TW_NETWORK",
                oracle.nothing(0),
            )
        outcome = known.after(place)
        ended, cut, silent = outcome.statuses
        is_short = "length" in how and place < len(case.body)
        is_all = "length" in how and place == len(case.body)
        statuses = {
            "END_STREAM": cut if is_short else ended,
            # To libcurl 7.88, what is broken off without an error has ended.
            "RST_STREAM, NO_ERROR": f"{ended}|{cut}",
            "GOAWAY behind it": f"{ended}|{cut}",
            SILENCE: ended if is_all else silent,
            WHOLE: ended,
        }
        # A reset (for the wrong length nghttp2 makes one itself) undoes what libcurl 7.88 has read with it in one piece.
        is_reset = end.startswith("RST_STREAM") or end == "END_STREAM" and is_short
        return Play(
            case,
            how,
            case.body[:place],
            end,
            statuses.get(end, cut),
            outcome.heard,
            is_reset and "at once" in how,
        )

    some = [None, *places(case.body, number)]
    for place in some[number % 2 :: 2]:
        for end in itertools.islice(ends, 2):
            yield play(0 if place is None and end == "END_STREAM" else place, end)
    yield play(some[number % len(some)], SILENCE)
    yield play(len(case.body), WHOLE)


def breaking_http2(pair, plays):
    def serve(exchange):
        play, wire = plays[order_in(exchange.read())], exchange.wire
        wire.holds = "at once" in play.how
        if play.data is not None:
            headers = [(name.lower(), value) for name, value in play.case.headers.items()]
            headers += (
                [("content-length", str(len(play.case.body)))] if "length" in play.how else []
            )
            exchange.headers(play.case.status, *headers)
            exchange.data(play.data, {"in bytes": 1, "in frames": 200}.get(play.how, 16384))
        goes_on = play.end == WHOLE or play.end in STREAM_ENDS
        if goes_on:
            STREAM_ENDS.get(play.end, STREAM_ENDS["END_STREAM"])(exchange)
        wire.holds = False
        wire.flush()
        if play.end in GOODBYES:
            exchange.go_away(GOODBYES[play.end])
        if not goes_on:
            # Else the client may learn of a reset while it writes this, and then libcurl reads no more.
            while not wire.is_settled:
                wire.receive()
            end_connection(wire.connection, "close_notify" if play.end in GOODBYES else play.end)
        return goes_on

    return H2(pair, serve)


# ---- what is heard -------------------------------------------------------------------------------------------------------------


def written(event):
    """In the corpus' words."""
    subject = (
        [event.tool_index, event.tool_id, event.tool_name]
        if event.kind is EventKind.TOOL_CALL
        else []
    )
    said = bill(event.usage) if event.kind is EventKind.USAGE else event.text
    return [str(event.kind), *subject, said, *([event.choice] if event.choice else [])]


def bill(usage):
    return usage and corpus.reported(vars(usage))


def mistake(client, plays, number):
    """Has that played, and says what of it was heard wrong; None if nothing was."""
    play, events = plays[number], []
    given = {
        "starts_thinking": play.case.how == "starts",
        "thinking": False if play.case.how == "off" else None,
    }
    if play.end == SILENCE:
        given["timeout"] = (
            {"idle": 1} if play.heard["http_status"] else {"idle": 1, "first_byte": 1}
        )
    is_told = not (play.case.is_whole == 1 and number % 2)
    try:
        if is_told:
            stream = client.stream("m", "Hello", play=number, **given)
            events += map(written, stream)
            reply = stream.reply
        else:
            reply = client.send("m", "Hello", play=number, **given)
    except Error as error:
        reply = error.reply
    heard = {
        **({"events": corpus.joined(events)} if is_told else {}),
        "http_status": reply.http_status,
        "reasoning": reply.reasoning,
        "content": reply.content,
        "refusal": reply.refusal,
        "finish_reason": reply.finish_reason,
        "request_id": reply.request_id,
        "usage": bill(reply.usage),
        "tool_calls": [
            [call.index, call.id, call.name, call.arguments, call.choice]
            for call in reply.tool_calls
        ],
    }
    wanted, statuses = play.heard, play.statuses
    if play.may_be_lost and reply.http_status == 0:
        wanted, statuses = oracle.nothing(0), "TW_NETWORK"
    found = [
        f"{name} is {said!r}, not {wanted[name]!r}"
        for name, said in heard.items()
        if said != wanted[name]
    ]
    if f"TW_{reply.status.name}" not in statuses.split("|"):
        found.append(f"the status is {reply.status!r}, not {statuses}: {reply.message}")
    if (reply.status.name == "OK") != (reply.message == "") or reply.attempts != 1:
        found.append(f"{reply.attempts} attempts, {reply.message!r}")
    return f"{play}: {'; '.join(found)}" if found else None


def descriptors():
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.parametrize("transport", ["HTTP/1.1 over TLS", "HTTP/2"])
def test_what_had_come_is_what_is_heard(connect, capsys, pair, transport):
    make, serve = (
        (plays_of_http2, breaking_http2) if transport == "HTTP/2" else (plays_of_http1, Breaking)
    )
    cases = oracle.all_cases()
    assert oracle.verify(cases) == []
    plays, groups, silent = [], [], []
    for number, case in enumerate(cases):
        made = list(make(case, oracle.Oracle(case), number))
        numbers = range(len(plays), len(plays) + len(made))
        plays += made
        # What breaks off, and then, with the same client, what does not.
        groups.append(
            sorted(
                (each for each in numbers if plays[each].end != SILENCE),
                key=lambda each: plays[each].end == WHOLE,
            )
        )
        silent += [[each] for each in numbers if plays[each].end == SILENCE]
    before = descriptors()
    peer = serve(pair, plays)
    client = connect(peer.url(), timeout=60)
    found = []

    def play(group):
        found.extend((plays[number], mistake(client, plays, number)) for number in group)

    for lanes, work in ((LANES, groups), (SILENT_LANES, silent)):
        with concurrent.futures.ThreadPoolExecutor(lanes) as pool:
            list(pool.map(play, work))
    client.close()
    peer.stop()
    left = descriptors() - before
    mistakes = [wrong for _, wrong in found if wrong]
    tried = collections.Counter(play.end for play, _ in found)
    failed = collections.Counter(play.end for play, wrong in found if wrong)
    with capsys.disabled():
        print(f"\n{transport:<30}{'places':>8}{'failed':>8}")
        for end in tried:
            print(f"{end:<30}{tried[end]:>8}{failed[end]:>8}")
    assert len(found) == len(plays) and left == 0
    assert not mistakes, f"{len(mistakes)}:\n" + "\n".join(mistakes[:20])
