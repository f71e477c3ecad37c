"""Cancellation, slow readers, threads, and servers that are killed during an answer."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import SERVERS
from dialogues import DIALOGUES
from model_servers import MLX, LiteLLM
from thinkwire import CancelledError, Client, Error

LONG = {"thinking": False, "temperature": 0, "max_tokens": 900}
COUNTED = DIALOGUES["Count to fifty"][1]


@pytest.fixture
def client(server):
    with Client(server.url, server.key, timeout=60, max_retries=0) as client:
        yield client


@pytest.fixture(params=SERVERS)
def doomed(request, tmp_path, mlx):
    """A server that the test may kill."""
    server = MLX(tmp_path) if request.param == "mlx" else LiteLLM(tmp_path, mlx)
    yield server
    server.stop()


def first_texts(stream, count):
    """Reads until that many pieces of the answer were received."""
    found = []
    for event in stream:
        found += [event.text] if event.kind == "content" else []
        if len(found) == count:
            return "".join(found)
    raise AssertionError(f"the answer ended after {found}")


def test_a_cancelled_client_can_be_used_again(server, client):
    for _ in range(3):
        with client.stream(server.model, "Count to fifty", **LONG) as stream:
            text = first_texts(stream, 3)
            begin = time.monotonic()
            stream.cancel()
            with pytest.raises(CancelledError):
                list(stream)
            assert time.monotonic() - begin < 1
        assert COUNTED.startswith(stream.reply.content) and len(stream.reply.content) < len(COUNTED)
        assert stream.reply.content.startswith(text)
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
    assert "".join(texts) == COUNTED
    assert stream.reply.finish_reason == "stop"


def test_threads_share_a_client(server, client):
    questions = ["Hello", "Say the word", "Use other scripts", "Who is Ada? As JSON"] * 3

    def answer(question):
        with client.stream(server.model, question, **LONG) as stream:
            return "".join(event.text for event in stream if event.kind == "content")

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(answer, questions))
    assert answers == [DIALOGUES[question][1] for question in questions]


def test_a_killed_server_never_looks_like_success(doomed):
    with Client(doomed.url, doomed.key, timeout=30, max_retries=0) as client:
        with client.stream(doomed.model, "Count to fifty", **LONG) as stream:
            text = first_texts(stream, 5)
            doomed.kill()
            with pytest.raises(Error) as caught:
                for _ in stream:
                    pass
        reply = caught.value.reply
        assert reply.status.name in ("TRUNCATED", "NETWORK")
        assert reply.content.startswith(text) and COUNTED.startswith(reply.content)
        assert len(reply.content) < len(COUNTED)
        with pytest.raises(Error) as caught:
            client.send(doomed.model, "Hello", **LONG)
        assert caught.value.reply.status.name == "CONNECT"
        doomed.start()
        assert client.send(doomed.model, "Hello", **LONG).content == DIALOGUES["Hello"][1]
