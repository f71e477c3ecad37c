"""A scripted HTTP/1.1 server for tests, in clear text or over TLS. `http2_server.py` adds HTTP/2.

It needs only the standard library, so that programs without a virtual environment can use it too.
Each server listens on a port of 127.0.0.1 and runs one thread per connection.
"""

import contextlib
import dataclasses
import fcntl
import json
import os
import socket
import ssl
import struct
import termios
import threading
import time
import warnings

# ---- The parts of an answer --------------------------------------------------------------------


def chunk(finish=None, **delta):
    """An event of a stream: one chunk with one choice."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return event({"choices": [choice]})


def event(value):
    """An event of a stream with any JSON."""
    return b"data: " + json.dumps(value).encode() + b"\n\n"


REASONING = chunk(reasoning_content="Hm.")
CONTENT = chunk(content="Hi")
FINISH = chunk(finish="stop")
DONE = b"data: [DONE]\n\n"
#: A complete stream: reasoning "Hm.", content "Hi".
ANSWER = REASONING + CONTENT + FINISH + DONE

#: The head of a streamed response, to which a framing and an empty line must be added.
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"


def response(body, status="200 OK", content_type="text/event-stream", *headers):
    """A response with a Content-Length. `headers` are whole lines."""
    lines = [
        f"HTTP/1.1 {status}",
        f"Content-Type: {content_type}",
        f"Content-Length: {len(body)}",
        *headers,
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def http_chunk(data, extension=b""):
    """One chunk of the chunked transfer coding."""
    return b"%x%s\r\n%s\r\n" % (len(data), extension, data)


# ---- TLS ---------------------------------------------------------------------------------------


def tls(certificate_and_key, *protocols, only=None):
    """A server's TLS context. `protocols`: offered with ALPN. `only`: the single TLS version."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate_and_key)
    context.set_alpn_protocols(protocols or ["http/1.1"])
    if only:
        context.set_ciphers("ALL:@SECLEVEL=0")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = context.maximum_version = only
    return context


# ---- Connections -------------------------------------------------------------------------------

#: How long, in seconds, a server waits for a client before it gives up.
PATIENCE = 30


class Connection:
    """A client's connection to a server: a socket and the bytes received but not yet used."""

    def __init__(self, number, stream):
        #: 1 for the server's first connection.
        self.number = number
        self.socket = stream
        self._buffer = b""

    def receive(self):
        """Some bytes, as soon as there are any. EOFError: the client closed the connection."""
        if self._buffer:
            received, self._buffer = self._buffer, b""
            return received
        received = self.socket.recv(65536)
        if not received:
            raise EOFError
        return received

    def read(self, length):
        """Exactly `length` bytes."""
        received = b""
        while len(received) < length:
            received += self.receive()
        self._buffer = received[length:]
        return received[:length]

    def read_head(self):
        """The request line and the headers of a request, with the empty line after them."""
        received = b""
        while b"\r\n\r\n" not in received:
            received += self.receive()
        end = received.index(b"\r\n\r\n") + 4
        self._buffer = received[end:]
        return received[:end]

    def read_request(self):
        """A request and its body, if the headers contain a Content-Length."""
        head = self.read_head()
        return head + self.read(content_length(head))

    def send(self, data):
        self.socket.sendall(data)

    def close(self):
        self.socket.close()

    def wait_until_received(self):
        """Returns when the client's kernel has acknowledged all sent bytes. OSError: it never will,
        because the connection was reset.
        """
        while struct.unpack("i", fcntl.ioctl(self.socket, termios.TIOCOUTQ, bytes(4)))[0]:
            if error := self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                raise OSError(error, os.strerror(error))
            time.sleep(0.0002)

    def wait_for_end(self, seconds=PATIENCE):
        """Returns when the client has closed the connection. Discards what it sends."""
        self.socket.settimeout(seconds)
        with contextlib.suppress(EOFError):
            while True:
                self.receive()

    def reset_on_close(self):
        """Makes the connection end with a reset. The client receives all sent bytes before it."""
        self.wait_until_received()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def content_length(head):
    """The value of the Content-Length header, or 0."""
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            return int(line[15:])
    return 0


# ---- Servers -----------------------------------------------------------------------------------


class Server:
    """Accepts connections and calls `serve(connection)` on a thread of its own for each.

    A connection is closed when `serve` returns. Subclasses append each request to `requests`.
    """

    #: Whether the end of a TLS connection without a close_notify is an ordinary end.
    ignores_truncation = True

    def __init__(self, context=None, port=0):
        #: The TLS context; None: clear text.
        self.context = context
        self.requests = []
        #: The number of connections accepted.
        self.connections = 0
        self._open = set()
        self._failures = []
        self._listener = socket.create_server(("127.0.0.1", port), backlog=64)
        #: A free port, unless the caller selected one.
        self.port = self._listener.getsockname()[1]
        self._threads = []
        self._acceptor = threading.Thread(target=self._accept, daemon=True)
        self._acceptor.start()

    def serve(self, connection):
        raise NotImplementedError

    def url(self, host="localhost"):
        """A base URL for the library under test."""
        return f"{'https' if self.context else 'http'}://{host}:{self.port}/v1"

    def stop(self):
        """Closes every connection. Raises the first exception that a script raised, if any."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._acceptor.join()
        self._listener.close()
        for stream in list(self._open):
            with contextlib.suppress(OSError):
                stream.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(20)
        if self._failures:
            raise self._failures[0]

    def _accept(self):
        while True:
            try:
                stream, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            # Known before its thread starts, so that stop() finds it.
            self._open.add(stream)
            thread = threading.Thread(
                target=self._run, args=(self.connections, stream), daemon=True
            )
            self._threads.append(thread)
            thread.start()

    def _run(self, number, stream):
        try:
            stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            stream.settimeout(PATIENCE)
            if self.context:
                stream = self._wrap(stream)
                stream.do_handshake()
            self.serve(Connection(number, stream))
        except (OSError, EOFError):
            pass  # The client may leave at any time.
        except Exception as failure:
            self._failures.append(failure)
        finally:
            self._open.discard(stream)
            stream.close()

    def _wrap(self, stream):
        # The handshake is not performed yet, so that stop() can interrupt it.
        secure = self.context.wrap_socket(
            stream,
            server_side=True,
            do_handshake_on_connect=False,
            suppress_ragged_eofs=self.ignores_truncation,
        )
        self._open.add(secure)
        self._open.discard(stream)
        return secure


# ---- Scripts -----------------------------------------------------------------------------------

#: Steps of a script that end the connection.
CLOSE, RESET = "close", "reset"


@dataclasses.dataclass
class Pause:
    """A step that lasts so many seconds, or less if the client closes the connection."""

    seconds: float


@dataclasses.dataclass
class Repeat:
    """A step that sends the same bytes until the client closes the connection."""

    data: bytes


@dataclasses.dataclass
class Tunnel:
    """A step that forwards bytes in both directions between the client and a port."""

    port: int


class ScriptedServer(Server):
    """Answers each request with the next script; the last script answers all further requests.

    A script is a list of steps: bytes are sent; CLOSE and RESET end the connection; Pause, Repeat
    and Tunnel are described above; a function is called after the client's kernel has received
    everything sent before. The server then reads the next request.
    """

    def __init__(self, *scripts, context=None):
        self.scripts = list(scripts)
        super().__init__(context)

    def serve(self, connection):
        while True:
            self.requests.append(connection.read_request())
            for step in self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]:
                if step == CLOSE:
                    return
                if step == RESET:
                    connection.reset_on_close()
                    return
                self._run_step(connection, step)

    def _run_step(self, connection, step):
        if isinstance(step, bytes):
            connection.send(step)
        elif isinstance(step, Pause):
            connection.socket.settimeout(step.seconds)
            with contextlib.suppress(socket.timeout):
                connection.receive()
            connection.socket.settimeout(PATIENCE)
        elif isinstance(step, Repeat):
            while True:
                connection.send(step.data * max(65536 // len(step.data), 1))
        elif isinstance(step, Tunnel):
            with socket.create_connection(("127.0.0.1", step.port)) as onward:
                forward(connection.socket, onward)
        else:
            connection.wait_until_received()
            step()


def forward(one, other):
    """Forwards bytes between two sockets until both directions have ended."""

    def pump(source, sink):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)

    back = threading.Thread(target=pump, args=(other, one), daemon=True)
    back.start()
    pump(one, other)
    back.join()
