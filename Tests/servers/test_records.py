"""TLS connections that are cut within a record: an incomplete record is not delivered."""

import select
import socket

import pytest
from exchanges import run_stream
from http_server import (
    CLOSE,
    CONTENT,
    FINISH,
    HEAD,
    REASONING,
    ScriptedServer,
    Server,
    http_chunk,
    tls,
)
from thinkwire import Status

#: Scripts of a server. Each piece is one TLS record.
FRAMINGS = {
    "chunked": [
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n",
        *map(http_chunk, (REASONING, CONTENT, FINISH)),
        http_chunk(b""),
    ],
    "close-delimited": [HEAD + b"\r\n", REASONING, CONTENT, FINISH, CLOSE],
}
#: How many bytes of the last record are forwarded.
PARTS = {
    "none of it": lambda length: 0,
    "a byte": lambda length: 1,
    "its header": lambda length: 5,
    "half of it": lambda length: length // 2,
    "all but a byte": lambda length: length - 1,
}


class Relay(Server):
    """Forwards a limited number of a TLS server's records, and a part of the next one."""

    def __init__(self, server):
        self.server = server
        self.is_reset = False
        #: How many records to forward, and the part of the next one.
        self.limit, self.part = 1 << 30, None
        #: How many records of the last connection were forwarded completely.
        self.forwarded = 0
        super().__init__()

    def serve(self, connection):
        self.forwarded = 0
        with socket.create_connection(("127.0.0.1", self.server.port)) as server:
            received = b""
            while True:
                ready, _, _ = select.select([connection.socket, server], [], [], 30)
                if connection.socket in ready:
                    server.sendall(connection.receive())
                if server in ready:
                    more = server.recv(65536)
                    received = self._forward(connection, received + more)
                    if received is None or not more:
                        return self._end(connection)

    def _forward(self, connection, received):
        """Forwards complete records. Returns the remaining bytes, or None at the limit."""
        while len(received) >= 5:
            length = 5 + int.from_bytes(received[3:5], "big")
            if len(received) < length:
                break
            if self.forwarded == self.limit:
                connection.send(received[: self.part(length)])
                return None
            self.forwarded += 1
            connection.send(received[:length])
            received = received[length:]
        return received

    def _end(self, connection):
        if self.is_reset:
            connection.reset_on_close()
            return
        connection.socket.shutdown(socket.SHUT_WR)
        # If the connection were closed now, the client's request would cause a reset.
        connection.wait_for_end()


@pytest.mark.parametrize("is_reset", [False, True], ids=["FIN", "RST"])
@pytest.mark.parametrize("framing", FRAMINGS)
def test_a_connection_cut_within_each_record(connect, start, pair, framing, is_reset):
    server = start(ScriptedServer, FRAMINGS[framing], context=tls(pair))
    relay = start(Relay, server)
    relay.is_reset = is_reset

    def exchange():
        # A new client each time, so that no TLS session is resumed.
        client = connect(f"https://localhost:{relay.port}/v1", timeout={"total": 20})
        return run_stream(client)

    uncut = exchange()
    assert (uncut.status, uncut.reasoning, uncut.content) == (Status.OK, "Hm.", "Hi")
    pieces = sum(isinstance(step, bytes) for step in FRAMINGS[framing])
    total = relay.forwarded
    # The records before the response: the handshake and the session tickets.
    before = total - pieces
    assert before >= 3
    for records in range(total):
        for name, part in PARTS.items():
            relay.limit, relay.part = records, part
            reply = exchange()
            received = (reply.http_status, reply.reasoning, reply.content)
            complete = max(records - before, 0)
            where = f"{name} of record {records} of {total}: {reply.status}, {received}, "
            where += reply.message
            assert received == (
                200 if complete else 0,
                "Hm." if complete >= 2 else "",
                "Hi" if complete >= 3 else "",
            ), where
            if complete >= 4:
                assert reply.status is Status.OK, where
            elif complete:
                assert reply.status is Status.TRUNCATED, where
            else:
                assert reply.status in (Status.TLS, Status.NETWORK), where
