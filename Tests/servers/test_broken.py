"""Answers that break off, over TLS and over HTTP/2.

Tries a sample of the offsets that Tests/faults tries over plain HTTP/1.1. The same oracle computes
what the client must report.
"""

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
from http2_server import HTTP2Server
from http_server import PATIENCE, Server, content_length, tls
from thinkwire import Error

#: How the server ends a TLS connection.
CONNECTION_ENDS = ("close_notify", "FIN", "RST")
#: How the server ends an HTTP/2 stream.
STREAM_ENDS = {
    "END_STREAM": lambda exchange: exchange.end(),
    "RST_STREAM, INTERNAL_ERROR": lambda exchange: exchange.reset(ErrorCodes.INTERNAL_ERROR),
    "RST_STREAM, CANCEL": lambda exchange: exchange.reset(ErrorCodes.CANCEL),
    "RST_STREAM, NO_ERROR": lambda exchange: exchange.reset(ErrorCodes.NO_ERROR),
}
#: The last stream that the server names in GOAWAY before it closes the connection.
GOAWAYS = {"GOAWAY after it": 1 << 30, "GOAWAY before it": 0}
#: The server sends nothing more; the response is complete.
SILENCE, COMPLETE = "silence", "complete"
#: How many exchanges run concurrently. More of them if they wait for a timeout.
LANES, SILENT_LANES = 8, 48


@dataclasses.dataclass
class Fault:
    """What the server does with a request, and what the client must report."""

    case: oracle.Case
    how: str
    #: What the server sends; None: not even the header.
    data: bytes
    end: str
    #: The valid statuses, separated by "|".
    statuses: str
    reported: dict
    #: Whether libcurl may lose everything, the header included.
    may_be_lost: bool = False

    def __str__(self):
        length = len(self.data) if self.data is not None else "no"
        return f"{self.case.name}, {self.how}, {self.end} after {length} bytes"


def sample(data, number):
    """The first and last offsets, those around the marks of an answer's end, and some others."""
    offsets = {0, 1, len(data) - 1, len(data)}
    for mark in re.finditer(rb'"finish_reason": ?"\w+"|\[DONE\]|\r\n0\r\n', data):
        offsets |= {mark.start() + 1, mark.end(), mark.end() + 1 + number % 4}
    step = max(len(data) // 6, 1)
    offsets |= set(range(number * 7 % step, len(data), step))
    return sorted(offset for offset in offsets if 0 <= offset <= len(data))


def fault_number(body):
    """The index of the fault that a request asks for."""
    return json.loads(body)["fault"]


# ---- HTTP/1.1 over TLS -------------------------------------------------------------------------


def http1_faults(case, known, number):
    for framing in oracle.FRAMINGS:
        wire = faults.Wire(case, framing, known)
        ends = itertools.cycle(CONNECTION_ENDS[number % 3 :] + CONNECTION_ENDS[: number % 3])
        for offset in sample(wire.bytes, number)[number % 2 :: 2]:
            outcome, end = wire.outcome(offset), next(ends)
            ended, cut, _ = outcome.statuses
            # Without a close_notify, an attacker may have ended a close-delimited response.
            is_end = (
                end == "close_notify" and offset >= wire.head
                if framing == "close"
                else offset == len(wire.bytes)
            )
            status = ended if is_end else cut
            yield Fault(case, framing, wire.bytes[:offset], end, status, outcome.reported)
        stall = wire.stalls[number % len(wire.stalls)]
        outcome = wire.outcome(stall)
        status = outcome.statuses[2]
        yield Fault(case, framing, wire.bytes[:stall], SILENCE, status, outcome.reported)
        if framing != "close":
            outcome = wire.outcome(len(wire.bytes))
            status = outcome.statuses[0]
            yield Fault(case, framing, wire.bytes, COMPLETE, status, outcome.reported)


class FaultyServer(Server):
    """Injects the fault that each request asks for."""

    def __init__(self, pair, faults):
        self.faults = faults
        super().__init__(tls(pair))

    def serve(self, connection):
        while True:
            body = connection.read(content_length(connection.read_head()))
            fault = self.faults[fault_number(body)]
            connection.send(fault.data)
            if fault.end != COMPLETE:
                return end_connection(connection, fault.end)


def end_connection(connection, how):
    if how == "RST":
        connection.reset_on_close()
        return
    if how == "close_notify":
        # Without waiting for the client's close_notify.
        connection.socket.settimeout(0)
        with contextlib.suppress(ssl.SSLWantReadError):
            connection.socket.unwrap()
        connection.socket.settimeout(PATIENCE)
    if how != SILENCE:
        connection.socket.shutdown(socket.SHUT_WR)
    connection.wait_for_end()


# ---- HTTP/2 ------------------------------------------------------------------------------------


def http2_faults(case, known, number):
    ends = itertools.cycle([*STREAM_ENDS, *GOAWAYS, *CONNECTION_ENDS])
    # "in bytes" is slow, and therefore rare.
    usual = ["in one frame", "in frames", "at once", "with a length", "at once, with a length"]
    hows = itertools.cycle([*usual * 3, "in bytes"])
    for _ in range(number):
        next(hows), next(ends)
    offsets = [None, *sample(case.body, number)]
    for offset in offsets[number % 2 :: 2]:
        for end in itertools.islice(ends, 2):
            sent = 0 if offset is None and end == "END_STREAM" else offset
            yield http2_fault(case, known, sent, end, next(hows))
    yield http2_fault(case, known, offsets[number % len(offsets)], SILENCE, next(hows))
    yield http2_fault(case, known, len(case.body), COMPLETE, next(hows))


def http2_fault(case, known, offset, end, how):
    if offset is None:
        status = "TW_TIMEOUT" if end == SILENCE else "TW_NETWORK"
        return Fault(case, how, None, end, status, oracle.empty_reply(0))
    outcome = known.after(offset)
    ended, cut, silent = outcome.statuses
    is_short = "length" in how and offset < len(case.body)
    if "length" in how and offset == len(case.body):
        # libcurl 7.88 waits for the end of the stream if the Content-Length is 0.
        silent = ended if case.body else f"{ended}|{silent}"
    statuses = {
        "END_STREAM": cut if is_short else ended,
        # libcurl 7.88 takes a reset without an error for the end of the stream.
        "RST_STREAM, NO_ERROR": f"{ended}|{cut}",
        "GOAWAY after it": f"{ended}|{cut}",
        SILENCE: silent,
        COMPLETE: ended,
    }
    # libcurl 7.88 discards what it reads together with a reset. nghttp2 itself resets a stream
    # that is shorter than its Content-Length.
    is_reset = end.startswith("RST_STREAM") or end == "END_STREAM" and is_short
    return Fault(
        case,
        how,
        case.body[:offset],
        end,
        statuses.get(end, cut),
        outcome.reported,
        may_be_lost=is_reset and "at once" in how,
    )


def faulty_http2_server(pair, faults):
    def serve(exchange):
        fault, session = faults[fault_number(exchange.read())], exchange.session
        session.holds_frames = "at once" in fault.how
        if fault.data is not None:
            headers = [(name.lower(), value) for name, value in fault.case.headers.items()]
            if "length" in fault.how:
                headers.append(("content-length", str(len(fault.case.body))))
            exchange.headers(fault.case.status, *headers)
            exchange.data(fault.data, {"in bytes": 1, "in frames": 200}.get(fault.how, 16384))
        if fault.end == COMPLETE:
            exchange.end()
        elif fault.end in STREAM_ENDS:
            STREAM_ENDS[fault.end](exchange)
        session.holds_frames = False
        session.flush()
        # After silence the client may use the connection again, if the answer was complete.
        stays_open = fault.end in (COMPLETE, SILENCE, *STREAM_ENDS)
        if fault.end in GOAWAYS:
            exchange.go_away(GOAWAYS[fault.end])
        if not stays_open:
            # If libcurl is reset while it acknowledges the settings, it reads nothing more.
            while not session.is_settled:
                session.receive()
            end = "close_notify" if fault.end in GOAWAYS else fault.end
            end_connection(session.connection, end)
        return stays_open

    return HTTP2Server(pair, serve)


# ---- What the client reports -------------------------------------------------------------------


def run_exchange(client, fault, number):
    """Asks for a fault. Returns the reply, and the events as the corpus writes them.

    The events are None if the answer was not streamed.
    """
    arguments = {
        "extra_body": {"fault": number},
        "starts_thinking": fault.case.how == "starts",
        "thinking": False if fault.case.how == "off" else None,
    }
    if fault.end == SILENCE:
        has_head = fault.reported["http_status"] != 0
        arguments["timeout"] = {"idle": 1} if has_head else {"idle": 1, "first_byte": 1}
    is_streamed = not (fault.case.is_whole == 1 and number % 2)
    events = [] if is_streamed else None
    try:
        if not is_streamed:
            return client.send("m", "Hello", **arguments), events
        stream = client.stream("m", "Hello", **arguments)
        events += map(corpus.event_of, stream)
        return stream.reply, events
    except Error as error:
        return error.reply, events


def find_mistakes(client, faults, number):
    """Runs an exchange. Returns a description of what was reported wrongly, or None."""
    fault = faults[number]
    reply, events = run_exchange(client, fault, number)
    reported = corpus.reply_of(reply)
    status, message = reported.pop("status"), reported.pop("message")
    if events is not None:
        reported["events"] = corpus.joined(events)
    expected, statuses = fault.reported, fault.statuses
    if fault.may_be_lost and reply.http_status == 0:
        expected, statuses = oracle.empty_reply(0), "TW_NETWORK"
    found = [
        f"{name} is {value!r}, not {expected[name]!r}"
        for name, value in reported.items()
        if value != expected[name]
    ]
    if status not in statuses.split("|"):
        found.append(f"the status is {status}, not {statuses}: {message}")
    if (status == "TW_OK") != (message == "") or reply.attempts != 1:
        found.append(f"{reply.attempts} attempts, {message!r}")
    return f"{fault}: {'; '.join(found)}" if found else None


def make_faults(make):
    """All faults; groups of their numbers to run in order; groups of those that wait."""
    assert oracle.verify(oracle.all_cases()) == []
    cases = oracle.cases_to_break()
    faults, groups, silent = [], [], []
    for number, case in enumerate(cases):
        made = list(make(case, oracle.Oracle(case), number))
        numbers = range(len(faults), len(faults) + len(made))
        faults += made
        silent += [[each] for each in numbers if faults[each].end == SILENCE]
        # First the broken responses, then the complete ones with the same client.
        groups.append(
            sorted(
                (each for each in numbers if faults[each].end != SILENCE),
                key=lambda each: faults[each].end == COMPLETE,
            )
        )
    return faults, groups, silent


def descriptors():
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.parametrize("transport", ["HTTP/1.1 over TLS", "HTTP/2"])
def test_exactly_what_was_received_is_reported(connect, capsys, pair, transport):
    make, serve = (
        (http2_faults, faulty_http2_server)
        if transport == "HTTP/2"
        else (http1_faults, FaultyServer)
    )
    faults, groups, silent = make_faults(make)
    before = descriptors()
    server = serve(pair, faults)
    client = connect(server.url(), timeout=60)
    tried = []

    def run(group):
        tried.extend((faults[number], find_mistakes(client, faults, number)) for number in group)

    for lanes, work in ((LANES, groups), (SILENT_LANES, silent)):
        with concurrent.futures.ThreadPoolExecutor(lanes) as pool:
            list(pool.map(run, work))
    client.close()
    server.stop()
    left = descriptors() - before
    mistakes = [mistake for _, mistake in tried if mistake]
    count = collections.Counter(fault.end for fault, _ in tried)
    failed = collections.Counter(fault.end for fault, mistake in tried if mistake)
    with capsys.disabled():
        print(f"\n{transport:<30}{'offsets':>8}{'failed':>8}")
        for end in count:
            print(f"{end:<30}{count[end]:>8}{failed[end]:>8}")
    assert len(tried) == len(faults) and left == 0
    assert not mistakes, f"{len(mistakes)}:\n" + "\n".join(mistakes[:20])
