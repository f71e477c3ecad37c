"""Runs exchanges and checks that the events and the reply of each agree."""

import thinkwire
from thinkwire import Status


def run_stream(client, model="m", message="Hello", after_first_event=None):
    """Streams an answer and returns its reply, whatever its status.

    Checks that the texts of the events are the texts of the reply. Calls `after_first_event`
    after the first event.
    """
    events = []
    stream = client.stream(model, message)
    try:
        for event in stream:
            events.append((str(event.kind), event.text))
            if len(events) == 1 and after_first_event:
                after_first_event()
    except thinkwire.Error as error:
        assert error.reply is stream.reply
    assert events or not after_first_event
    reply = stream.reply
    for kind, text in (("reasoning", reply.reasoning), ("content", reply.content)):
        assert "".join(piece for each, piece in events if each == kind) == text
    return reply


def is_answer(reply):
    """Whether the reply is that of http_server.ANSWER."""
    return reply.status is Status.OK and (reply.reasoning, reply.content) == ("Hm.", "Hi")
