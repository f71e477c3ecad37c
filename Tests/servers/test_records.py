"""TLS, cut within its records: what had not come to a record's end has not come at all."""

import select
import socket

import pytest
from exchanges import ended
from peers import FINISH, THOUGHT, WORD, Peer, Plain, reset_when_sent, tls
from thinkwire import Status

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
#: Each piece is a record of its own.
FRAMINGS = {
    "chunked": [
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n",
        *(b"%x\r\n%s\r\n" % (len(event), event) for event in (THOUGHT, WORD, FINISH)),
        b"0\r\n\r\n",
    ],
    "close-delimited": [HEAD + b"\r\n", THOUGHT, WORD, FINISH, None],
}
#: How much of a record still comes.
PARTS = {
    "none of it": lambda length: 0,
    "a byte": lambda length: 1,
    "its header": lambda length: 5,
    "half of it": lambda length: length // 2,
    "all but a byte": lambda length: length - 1,
}


class Relay(Peer):
    """Stands before a server, and lets through so many of its records, and a part of the next one."""

    def __init__(self, server):
        self.server = server
        self.is_reset = False
        self.let_through(1 << 30, None)
        #: How many records have passed on the last connection.
        self.passed = 0
        super().__init__()

    def let_through(self, records, part):
        self.records, self.part = records, part

    def serve(self, connection):
        with socket.create_connection(("127.0.0.1", self.server.port)) as server:
            said = b""
            self.passed = 0
            while True:
                ready, _, _ = select.select([connection, server], [], [], 30)
                if connection in ready:
                    asked = connection.recv(65536)
                    if not asked:
                        return
                    server.sendall(asked)
                if server in ready:
                    more = server.recv(65536)
                    said += more
                    while len(said) >= 5 and len(said) >= (
                        length := 5 + int.from_bytes(said[3:5], "big")
                    ):
                        if self.passed == self.records:
                            connection.sendall(said[: self.part(length)])
                            return self.end(connection)
                        self.passed += 1
                        connection.sendall(said[:length])
                        said = said[length:]
                    if not more:
                        return self.end(connection)

    def end(self, connection):
        if self.is_reset:
            reset_when_sent(connection)
            return
        connection.shutdown(socket.SHUT_WR)
        # Until the client leaves, or its request would be answered with a reset.
        while connection.recv(65536):
            pass


@pytest.mark.parametrize("is_reset", [False, True], ids=["FIN", "RST"])
@pytest.mark.parametrize("framing", FRAMINGS)
def test_cut_within_every_record(connect, start, pair, framing, is_reset):
    relay = start(Relay, start(Plain, FRAMINGS[framing], context=tls(pair)))
    relay.is_reset = is_reset

    def exchange():
        # Another client each time, which has no session to go on with.
        return ended(connect(f"https://localhost:{relay.port}/v1", timeout={"total": 20}))

    uncut = exchange()
    assert (uncut.status, uncut.reasoning, uncut.content) == (Status.OK, "Hm.", "Hi")
    pieces = sum(piece is not None for piece in FRAMINGS[framing])
    #: The records before the answer: the handshake, and the session's tickets.
    total = relay.passed
    before = total - pieces
    assert before >= 3
    for records in range(total):
        for name, part in PARTS.items():
            relay.let_through(records, part)
            reply = exchange()
            heard = (reply.http_status, reply.reasoning, reply.content)
            whole = max(records - before, 0)
            where = (
                f"{name}, of record {records} of {total}: {reply.status}, {heard}, {reply.message}"
            )
            assert heard == (
                200 if whole else 0,
                "Hm." if whole >= 2 else "",
                "Hi" if whole >= 3 else "",
            ), where
            if whole >= 4:
                assert reply.status is Status.OK, where
            elif whole:
                assert reply.status is Status.TRUNCATED, where
            else:
                assert reply.status in (Status.TLS, Status.NETWORK), where
