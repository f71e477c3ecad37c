"""Records what passes between the library and a model server."""

import http.client
import io
import json
import socket
import threading
from contextlib import contextmanager

from thinkwire import Client


class Exchange:
    """The bytes of one connection, and the requests and responses that they contain."""

    def __init__(self):
        self.sent, self.received = bytearray(), bytearray()

    def requests(self):
        """The bodies of the requests."""
        found, rest = [], bytes(self.sent)
        while rest:
            head, _, rest = rest.partition(b"\r\n\r\n")
            fields = (line.partition(b":") for line in head.split(b"\r\n")[1:])
            headers = {name.lower(): value.strip() for name, _, value in fields}
            length = int(headers.get(b"content-length", 0))
            found.append(json.loads(rest[:length]))
            rest = rest[length:]
        return found

    def responses(self):
        """The responses, as http.client reads them: status, headers with small names, body."""
        stream, found = _OpenStream(bytes(self.received)), []
        while stream.tell() < len(self.received):
            response = http.client.HTTPResponse(_Received(stream))
            response.begin()
            headers = {name.lower(): value for name, value in response.getheaders()}
            found.append((response.status, headers, response.read()))
        return found


class _OpenStream(io.BytesIO):
    """Stays open when http.client closes it after a response."""

    def close(self):
        pass


class _Received:
    """A socket, as far as http.client reads it."""

    def __init__(self, stream):
        self.stream = stream

    def makefile(self, mode):
        return self.stream


class Recorder:
    """Passes connections on to a server, and records the bytes of each."""

    def __init__(self, server):
        self.target = ("127.0.0.1", server.port)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}/v1"
        self.exchanges, self.threads, self.sockets = [], [], []
        self.accepting = threading.Thread(target=self._accept, daemon=True)
        self.accepting.start()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            exchange = Exchange()
            self.exchanges.append(exchange)
            server = socket.create_connection(self.target)
            self.sockets += [client, server]
            for source, sink, record in (
                (client, server, exchange.sent),
                (server, client, exchange.received),
            ):
                thread = threading.Thread(target=_copy, args=(source, sink, record), daemon=True)
                thread.start()
                self.threads.append(thread)

    def close(self):
        """Waits for the end of all connections; the clients must have been closed."""
        # shutdown, unlike close, ends a pending accept.
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.accepting.join()
        for thread in self.threads:
            thread.join()
        for each in self.sockets:
            each.close()


@contextmanager
def recorded(server, key=""):
    """A client, and the recorder of its connections. At the end, all bytes are recorded."""
    recorder = Recorder(server)
    try:
        with Client(recorder.url, key or server.key, timeout=60, max_retries=0) as client:
            yield client, recorder
    finally:
        recorder.close()


def _copy(source, sink, record):
    try:
        while data := source.recv(65536):
            record += data
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        # The other side is gone: both connections end.
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
