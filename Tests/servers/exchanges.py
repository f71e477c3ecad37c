"""Exchanges that are held against what they say of themselves."""

import thinkwire
from thinkwire import Status


def ended(client, model="m", message="Hello", in_the_middle=None):
    """How a stream ended, when what was told of it is what the reply says. Behind its first event something may be done to it."""
    told = []
    stream = client.stream(model, message)
    try:
        for event in stream:
            told.append((str(event.kind), event.text))
            if len(told) == 1 and in_the_middle:
                in_the_middle()
    except thinkwire.Error as error:
        assert error.reply is stream.reply
    assert told or not in_the_middle
    reply = stream.reply
    for kind, said in (("reasoning", reply.reasoning), ("content", reply.content)):
        assert "".join(text for each, text in told if each == kind) == said
    return reply


def all_came(reply):
    """What peers.WHOLE says."""
    return reply.status is Status.OK and (reply.reasoning, reply.content) == ("Hm.", "Hi")
