"""Cancellation, slow readers, threads, and servers that are killed during an answer."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from dialogues import DIALOGUES
from thinkwire import CancelledError, Client, Error

LONG = {"thinking": False, "temperature": 0, "max_tokens": 900}
COUNTED = DIALOGUES["Count to fifty"][1]


@pytest.fixture
def client(server):
    with Client(server.url, server.key, timeout=60, max_retries=0) as client:
        yield client


def first_texts(stream, count):
    """Reads until that many pieces of the answer were received."""
    found = []
    for event in stream:
        found += [event.text] if event.kind == "content" else []
        if len(found) == count:
            return "".join(found)
    raise AssertionError(f"the answer ended after {found}")


def is_beginning(text, server):
    """Whether the text is an incomplete streamed answer that counts to fifty."""
    whole = server.lead + COUNTED
    return whole.startswith(text) and len(text) < len(whole)


def test_a_cancelled_client_can_be_used_again(server, client):
    for _ in range(3):
        with client.stream(server.model, "Count to fifty", **LONG) as stream:
            text = first_texts(stream, 3)
            begin = time.monotonic()
            stream.cancel()
            with pytest.raises(CancelledError):
                list(stream)
            assert time.monotonic() - begin < 1
        assert stream.reply.content.startswith(text)
        assert is_beginning(stream.reply.content, server)
        assert client.send(server.model, "Hello", **LONG).content == DIALOGUES["Hello"][1]


def test_cancellation_from_another_thread_ends_the_wait(server, client):
    with client.stream(server.model, "Count to fifty", **LONG) as stream:
        first_texts(stream, 1)
        canceller = threading.Thread(target=stream.cancel)
        canceller.start()
        with pytest.raises(CancelledError):
            list(stream)
        canceller.join()


def test_a_slow_reader_receives_everything(server, client):
    texts = []
    with client.stream(server.model, "Count to fifty", **LONG) as stream:
        for event in stream:
            if event.kind == "content":
                texts.append(event.text)
                # The point of the test: the reader is slower than the server.
                time.sleep(0.01)
    assert "".join(texts) == server.lead + COUNTED
    assert stream.reply.finish_reason == "stop"


def test_threads_share_a_client(server, client):
    questions = ["Hello", "Say the word", "Use other scripts", "Who is Ada? As JSON"] * 3

    def answer(question):
        with client.stream(server.model, question, **LONG) as stream:
            return "".join(event.text for event in stream if event.kind == "content")

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(answer, questions))
    assert answers == [server.lead + DIALOGUES[question][1] for question in questions]


def kill_while_answering(server, client):
    """Kills the server after the first pieces of an answer. Returns them, and the reply."""
    with client.stream(server.model, "Count to fifty", **LONG) as stream:
        text = first_texts(stream, 5)
        server.kill()
        try:
            list(stream)
        except Error:
            pass
        return text, stream.reply


def test_a_killed_server_never_looks_like_success(doomed):
    with Client(doomed.url, doomed.key, timeout=30, max_retries=0) as client:
        for _ in range(5):
            text, reply = kill_while_answering(doomed, client)
            if reply.status.name != "OK":
                break
            # A fast server had finished the answer.
            assert reply.content == doomed.lead + COUNTED
            doomed.start()
        assert reply.status.name in ("TRUNCATED", "NETWORK")
        assert reply.content.startswith(text)
        assert is_beginning(reply.content, doomed)
        with pytest.raises(Error) as caught:
            client.send(doomed.model, "Hello", **LONG)
        assert caught.value.reply.status.name == "CONNECT"
        doomed.start()
        assert client.send(doomed.model, "Hello", **LONG).content == DIALOGUES["Hello"][1]
