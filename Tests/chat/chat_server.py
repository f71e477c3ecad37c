"""A server whose answers the tests control, and whose requests they await."""

import json
import queue
import threading

from http_server import DONE, HEAD, PATIENCE, Server, chunk, content_length, response


def answer(*pieces, reasoning=()):
    """The steps of a complete answer: one chunk for each piece of the reasoning and the content."""
    chunks = [chunk(reasoning_content=piece) for piece in reasoning]
    chunks += [chunk(content=piece) for piece in pieces]
    return [*chunks, chunk(finish="stop") + DONE]


class Gate:
    """A step of an answer that lasts until the test opens it."""

    def __init__(self):
        self._opened = threading.Event()

    def open(self):
        self._opened.set()

    def wait(self):
        self._opened.wait(PATIENCE)


class ChatServer(Server):
    """Answers each question with the next of `answers`, or with its number.

    The steps of an answer are bytes, which are sent, and gates.
    """

    def __init__(self):
        self.answers = []
        #: The ids of the list of models; None: there is no list.
        self.models = ["some-model"]
        self._bodies = queue.Queue()
        self._count = 0
        super().__init__()

    def serve(self, connection):
        while True:
            head = connection.read_head()
            body = connection.read(content_length(head))
            if head.startswith(b"GET "):
                connection.send(self._list())
                continue
            self._count += 1
            self._bodies.put(json.loads(body))
            steps = self.answers.pop(0) if self.answers else answer(f"Answer {self._count}.")
            connection.send(HEAD + b"Connection: close\r\n\r\n")
            for step in steps:
                if isinstance(step, Gate):
                    step.wait()
                else:
                    connection.send(step)
            return

    def _list(self):
        if self.models is None:
            return response(b"{}", "404 Not Found", "application/json")
        models = {"object": "list", "data": [{"id": each} for each in self.models]}
        return response(json.dumps(models).encode(), content_type="application/json")

    def request(self):
        """The next request, as soon as it is received."""
        return self._bodies.get(timeout=PATIENCE)

    def contents(self):
        """The contents of the messages of the next request."""
        return [message["content"] for message in self.request()["messages"]]

    def has_request(self):
        return not self._bodies.empty()
