"""Servers that do what no ordinary server does when it is wanted: each connection is a script of ours, in HTTP/1.1 or HTTP/2."""

import contextlib
import fcntl
import json
import socket
import ssl
import struct
import termios
import threading
import time
import warnings

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions


def delta(finish=None, **fields):
    """An event of a stream."""
    choice = {"index": 0, "delta": fields, "finish_reason": finish}
    return b"data: " + json.dumps({"choices": [choice]}).encode() + b"\n\n"


THOUGHT = delta(reasoning_content="Hm.")
WORD = delta(content="Hi")
FINISH = delta(finish="stop")
DONE = b"data: [DONE]\n\n"
WHOLE = THOUGHT + WORD + FINISH + DONE


def tls(pair, *protocols, only=None):
    """A server's context; `only` that version of TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*pair)
    context.set_alpn_protocols(protocols or ["http/1.1"])
    if only:
        context.set_ciphers("ALL:@SECLEVEL=0")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = context.maximum_version = only
    return context


class Peer:
    """Listens, and has `serve(connection)` on a thread for each connection. What it noted as `requests` is what came."""

    def __init__(self, context=None):
        self.context = context
        self.requests = []
        self.connections = 0
        self.failures = []
        self._open = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def url(self, host="localhost"):
        return f"{'https' if self.context else 'http'}://{host}:{self.port}/v1"

    def stop(self):
        """Ends every connection, and tells what went wrong in a script."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._threads[0].join()
        self._listener.close()
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(20)
        if self.failures:
            raise self.failures[0]

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._threads.append(threading.Thread(target=self._run, args=(connection,)))
            self._threads[-1].start()

    def _run(self, connection):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.settimeout(30)
        self._open.add(connection)
        try:
            if self.context:
                secure = self.context.wrap_socket(connection, server_side=True)
                self._open.discard(connection)
                connection = secure
                self._open.add(connection)
            self.serve(connection)
        except (OSError, EOFError):
            pass  # The client has left, as it may.
        except Exception as failure:
            self.failures.append(failure)
        finally:
            self._open.discard(connection)
            connection.close()

    def serve(self, connection):
        raise NotImplementedError


def read_request(connection):
    """One request of HTTP/1.1, with its body, if it says how long that is."""
    request = b""
    while b"\r\n\r\n" not in request:
        request += _some(connection)
    head = request.split(b"\r\n\r\n")[0]
    lengths = [
        line[15:] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")
    ]
    wanted = len(head) + 4 + (int(lengths[0]) if lengths else 0)
    while len(request) < wanted:
        request += _some(connection)
    return request


def _some(connection):
    got = connection.recv(65536)
    if not got:
        raise EOFError
    return got


def wait_until_there(connection):
    """Until the other side's system has all that was sent."""
    while struct.unpack("i", fcntl.ioctl(connection, termios.TIOCOUTQ, bytes(4)))[0]:
        time.sleep(0.0002)


def reset_when_sent(connection):
    """Has the end of a connection be a reset. What was sent before is there before that is."""
    wait_until_there(connection)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


class Plain(Peer):
    """HTTP/1.1: says the next of these answers to each request, the last one for ever. An answer is a list of pieces; None ends the
    connection, a number lets so many seconds pass, or fewer if the client leaves, and a function is called when all before it is
    there."""

    def __init__(self, *answers, context=None):
        self.answers = list(answers)
        super().__init__(context)

    def serve(self, connection):
        while True:
            self.requests.append(read_request(connection))
            for piece in self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]:
                if piece is None:
                    return
                if isinstance(piece, bytes):
                    connection.sendall(piece)
                elif callable(piece):
                    wait_until_there(connection)
                    piece()
                else:
                    connection.settimeout(piece)
                    with contextlib.suppress(socket.timeout):
                        _some(connection)
                    connection.settimeout(30)


def response(body, status="200 OK", kind="text/event-stream", *headers):
    """A response whose length is known."""
    lines = [
        f"HTTP/1.1 {status}",
        f"Content-Type: {kind}",
        f"Content-Length: {len(body)}",
        *headers,
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class H2(Peer):
    """HTTP/2 over TLS. Each request is answered by the next of these functions, the last one for ever, which is given the Exchange
    as soon as the request's headers are there. Who wants HTTP/1.1 is given a whole answer."""

    def __init__(self, pair, *scripts):
        self.scripts = list(scripts)
        super().__init__(tls(pair, "h2", "http/1.1"))

    def serve(self, connection):
        if connection.selected_alpn_protocol() != "h2":
            self.requests.append(read_request(connection))
            connection.sendall(response(WHOLE))
            return
        side = h2.connection.H2Connection(
            h2.config.H2Configuration(client_side=False, header_encoding="utf-8")
        )
        side.initiate_connection()
        wire = Wire(connection, side)
        while True:
            event = wire.next(h2.events.RequestReceived)
            exchange = Exchange(wire, event.stream_id, dict(event.headers))
            self.requests.append(exchange)
            script = self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]
            if script(exchange) is False:
                return


class Wire:
    """A connection of HTTP/2, and what has come on it."""

    def __init__(self, connection, side):
        self.connection = connection
        self.side = side
        self.events = []
        #: Whether what comes is acknowledged, so that more may; and how much at a time.
        self.grants = True
        self.bite = 1 << 20
        #: Whether what is to be sent waits, to be sent at once with what follows.
        self.holds = False
        #: Whether the client has acknowledged our settings.
        self.is_settled = False
        self.flush()

    def flush(self):
        if not self.holds:
            self.connection.sendall(self.side.data_to_send())

    def receive(self):
        """Waits for bytes, and keeps the events they make."""
        for event in self.side.receive_data(_some(self.connection)):
            if isinstance(event, h2.events.DataReceived) and self.grants:
                self.grant(event.flow_controlled_length, event.stream_id)
            if isinstance(event, h2.events.SettingsAcknowledged):
                self.is_settled = True
            if isinstance(event, h2.events.ConnectionTerminated):
                raise EOFError
            self.events.append(event)
        self.flush()

    def grant(self, length, stream):
        while length > 0:
            size = min(length, self.bite)
            length -= size
            self.side.increment_flow_control_window(size)
            with contextlib.suppress(h2.exceptions.StreamClosedError):
                self.side.increment_flow_control_window(size, stream)

    def next(self, kind, stream=None):
        """The next event of that kind; those before it are passed over."""
        while True:
            while self.events:
                event = self.events.pop(0)
                if isinstance(event, kind) and stream in (None, event.stream_id):
                    return event
            self.receive()


class Exchange:
    """A request on a connection of HTTP/2, and the parts of an answer."""

    def __init__(self, wire, stream, headers):
        self.wire = wire
        self.stream = stream
        self.request_headers = headers
        self.body = b""

    def read(self):
        """The body of the request."""
        while True:
            event = self.wire.next((h2.events.DataReceived, h2.events.StreamEnded), self.stream)
            if isinstance(event, h2.events.StreamEnded):
                return self.body
            self.body += event.data

    def head(self, status=200, *more):
        self.headers(status, ("content-type", "text/event-stream"), *more)

    def headers(self, status, *headers):
        self.wire.side.send_headers(self.stream, [(":status", str(status)), *headers])
        self.wire.flush()

    def data(self, data, size=16384):
        """As the client's windows allow."""
        side = self.wire.side
        while data:
            room = min(
                side.local_flow_control_window(self.stream),
                side.max_outbound_frame_size,
                size,
                len(data),
            )
            if room <= 0:
                self.wire.receive()
                continue
            side.send_data(self.stream, data[:room])
            data = data[room:]
            self.wire.flush()

    def end(self, *trailers):
        if trailers:
            self.wire.side.send_headers(self.stream, trailers, end_stream=True)
        else:
            self.wire.side.end_stream(self.stream)
        self.wire.flush()

    def reset(self, code):
        self.wire.side.reset_stream(self.stream, code)
        self.wire.flush()

    def go_away(self, last, code=h2.errors.ErrorCodes.NO_ERROR):
        # As bytes, because the library thinks that nothing can be said after it.
        self.wire.connection.sendall(
            b"\0\0\x08\x07\0\0\0\0\0" + last.to_bytes(4, "big") + int(code).to_bytes(4, "big")
        )

    def wait_for_cancel(self):
        """Silence, until the client has had enough of it."""
        self.wire.next(h2.events.StreamReset, self.stream)
