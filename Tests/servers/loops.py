"""Runs several exchanges at once in one tw_loop, through the C interface."""

from ctypes import string_at

from thinkwire._abi import tw_event_fn
from thinkwire._enums import Kind
from thinkwire._request import build
from thinkwire.reply import Reply


class Exchange:
    """An exchange of a loop: the events that were received, and the reply when it has ended."""

    def __init__(self, loop, model, message, on_event):
        self._loop = loop
        self._on_event = on_event
        #: The texts by kind, such as `texts["content"]`.
        self.texts = {"reasoning": "", "content": ""}
        self.reply = None
        # ctypes does not keep a callback alive.
        self._callback = tw_event_fn(self._receive)
        library = loop.library
        request = build(library, model, message, {})
        self.chat = library.tw_loop_start(loop.address, request.address, self._callback, None)
        request.close()

    def cancel(self):
        self._loop.library.tw_chat_cancel(self.chat)

    def _receive(self, _, pointer):
        event = pointer.contents
        assert self.reply is None, "an event follows the last one"
        if event.kind == Kind.DONE:
            library = self._loop.library
            self.reply = Reply(library, library.tw_reply_retain(event.reply))
            return 0
        name = Kind(event.kind).name.lower()
        if name in self.texts:
            self.texts[name] += string_at(event.text, event.text_len).decode()
        if self._on_event:
            self._on_event(self)
        return 0


class Loop:
    """A loop for exchanges of a client."""

    def __init__(self, client):
        self.library = client._library
        self.address = self.library.tw_loop_create(client._address())
        self.exchanges = []

    def start(self, model="m", message="Hello", on_event=None):
        """Starts an exchange. `on_event` is called with it for each event but the last."""
        self.exchanges.append(Exchange(self, model, message, on_event))
        return self.exchanges[-1]

    def run(self):
        """Runs all exchanges to their ends, and returns the replies of those started since."""
        while self.library.tw_loop_active(self.address):
            assert self.library.tw_loop_poll(self.address, -1) >= 0
        ended, self.exchanges = self.exchanges, []
        for exchange in ended:
            reply = exchange.reply
            assert exchange.texts == {"reasoning": reply.reasoning, "content": reply.content}
        return [exchange.reply for exchange in ended]

    def close(self):
        self.library.tw_loop_destroy(self.address)
