"""A scripted HTTP/2 server for tests, over TLS. Needs the package `h2`."""

import contextlib

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings
from http_server import ANSWER, Server, response, tls


class HTTP2Server(Server):
    """Calls the next function for each request; the last one answers all further requests.

    A function is given an `Exchange` as soon as the request's headers were received. If it returns
    False, the connection is closed. A client that selects HTTP/1.1 is given a complete answer.
    """

    def __init__(self, certificate_and_key, *scripts, max_streams=100):
        self.scripts = list(scripts)
        self.max_streams = max_streams
        super().__init__(tls(certificate_and_key, "h2", "http/1.1"))

    def serve(self, connection):
        if connection.socket.selected_alpn_protocol() != "h2":
            self.requests.append(connection.read_request())
            connection.send(response(ANSWER))
            return
        session = Session(connection, self)
        while True:
            exchange = session.accept()
            script = self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]
            if script(exchange) is False:
                return


class Session:
    """An HTTP/2 connection and the events received on it."""

    def __init__(self, connection, server):
        self.connection = connection
        self.requests = server.requests
        self.h2 = h2.connection.H2Connection(
            h2.config.H2Configuration(client_side=False, header_encoding="utf-8")
        )
        self.h2.local_settings = h2.settings.Settings(
            client=False,
            initial_values={h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: server.max_streams},
        )
        self.events = []
        #: Whether received data is credited to the client's windows, so that it may send more.
        self.grants_credit = True
        #: The largest increment of a window.
        self.max_credit = 1 << 20
        #: Whether frames are held back, to be sent together with the following ones.
        self.holds_frames = False
        #: Whether the client has acknowledged the server's settings.
        self.is_settled = False
        self.h2.initiate_connection()
        self.flush()

    def flush(self):
        if not self.holds_frames:
            self.connection.send(self.h2.data_to_send())

    def receive(self):
        """Waits for bytes and stores the events that they contain."""
        for event in self.h2.receive_data(self.connection.receive()):
            if isinstance(event, h2.events.DataReceived) and self.grants_credit:
                self.grant(event.flow_controlled_length, event.stream_id)
            if isinstance(event, h2.events.SettingsAcknowledged):
                self.is_settled = True
            if isinstance(event, h2.events.ConnectionTerminated):
                raise EOFError
            self.events.append(event)
        self.flush()

    def grant(self, length, stream):
        while length > 0:
            size = min(length, self.max_credit)
            length -= size
            self.h2.increment_flow_control_window(size)
            with contextlib.suppress(h2.exceptions.StreamClosedError):
                self.h2.increment_flow_control_window(size, stream)

    def accept(self):
        """The next request."""
        event = self.next(h2.events.RequestReceived)
        self.requests.append(Exchange(self, event.stream_id, dict(event.headers)))
        return self.requests[-1]

    def next(self, kind, stream=None):
        """The next event of that kind. Discards the events before it."""
        while True:
            while self.events:
                event = self.events.pop(0)
                if isinstance(event, kind) and stream in (None, event.stream_id):
                    return event
            self.receive()


class Exchange:
    """A request on an HTTP/2 connection, and the methods that send a response."""

    def __init__(self, session, stream, headers):
        self.session = session
        self.stream = stream
        self.request_headers = headers
        self.body = b""

    def with_others(self, count):
        """This request and the next ones of its connection, `count` in all, in this order.

        Their bodies are discarded.
        """
        return [self, *(self.session.accept() for _ in range(count - 1))]

    def read(self):
        """The body of the request."""
        while True:
            event = self.session.next((h2.events.DataReceived, h2.events.StreamEnded), self.stream)
            if isinstance(event, h2.events.StreamEnded):
                return self.body
            self.body += event.data

    def head(self, status=200, *more):
        """Sends the headers of a stream."""
        self.headers(status, ("content-type", "text/event-stream"), *more)

    def headers(self, status, *headers):
        self.session.h2.send_headers(self.stream, [(":status", str(status)), *headers])
        self.session.flush()

    def data(self, data, size=16384):
        """Sends data in frames of at most `size` bytes, as the client's windows allow."""
        side = self.session.h2
        while data:
            room = min(
                side.local_flow_control_window(self.stream),
                side.max_outbound_frame_size,
                size,
                len(data),
            )
            if room <= 0:
                self.session.receive()
                continue
            side.send_data(self.stream, data[:room])
            data = data[room:]
            self.session.flush()

    def end(self, *trailers):
        if trailers:
            self.session.h2.send_headers(self.stream, trailers, end_stream=True)
        else:
            self.session.h2.end_stream(self.stream)
        self.session.flush()

    def answer(self):
        """Reads the request and sends a complete answer."""
        self.read()
        self.send_answer()

    def send_answer(self):
        """Sends a complete answer."""
        self.head()
        self.data(ANSWER)
        self.end()

    def reset(self, code):
        self.session.h2.reset_stream(self.stream, code)
        self.session.flush()

    def go_away(self, last, code=h2.errors.ErrorCodes.NO_ERROR):
        """Sends GOAWAY. `last`: the last stream that the server will process."""
        # Not through h2, which refuses to send anything after GOAWAY.
        self.session.connection.send(
            b"\0\0\x08\x07\0\0\0\0\0" + last.to_bytes(4, "big") + int(code).to_bytes(4, "big")
        )

    def wait_for_cancel(self):
        """Sends nothing until the client resets the stream."""
        self.session.next(h2.events.StreamReset, self.stream)
