"""Every way to fail is its own exception, and says all that is known."""

from __future__ import annotations

import builtins
import pickle
import socket
import time

import pytest
import thinkwire
from conftest import NEXT, QWEN3, SYNTHETIC, recorded
from thinkwire import Client, Error, Event, EventKind, Status
from thinkwire.errors import BY_STATUS

REFUSALS = [
    (400, thinkwire.BadRequestError, Status.BAD_REQUEST),
    (401, thinkwire.AuthenticationError, Status.AUTH),
    (402, thinkwire.QuotaError, Status.QUOTA),
    (403, thinkwire.PermissionDeniedError, Status.FORBIDDEN),
    (404, thinkwire.NotFoundError, Status.NOT_FOUND),
    (422, thinkwire.BadRequestError, Status.BAD_REQUEST),
    (429, thinkwire.RateLimitError, Status.RATE_LIMITED),
    (500, thinkwire.ServerError, Status.SERVER),
    (503, thinkwire.ServerError, Status.SERVER),
]


@pytest.mark.parametrize("http_status, kind, status", REFUSALS)
def test_a_refusal_is_an_exception_of_its_own(
    client: Client, http_status: int, kind: type[Error], status: Status
) -> None:
    model = f"{QWEN3}#status={http_status}"
    with pytest.raises(thinkwire.APIStatusError) as sent:
        client.send(model, "Hello")
    with pytest.raises(thinkwire.APIStatusError) as streamed:
        list(client.stream(model, "Hello"))
    for error in (sent.value, streamed.value):
        assert type(error) is kind
        assert (error.status, error.http_status) == (status, http_status)
        assert error.reply is not None and error.reply.status is status
        assert error.message == str(error) == error.reply.message != ""
        assert error.request_id == error.reply.request_id


def test_no_key_and_no_such_model(base_url: str, client: Client) -> None:
    with Client(base_url=base_url, api_key="") as keyless:
        with pytest.raises(thinkwire.AuthenticationError) as refused:
            keyless.send(QWEN3, "Hello")
    assert refused.value.http_status == 401
    with pytest.raises(thinkwire.NotFoundError):
        client.send("no/such-model", "Hello")


def test_an_error_goes_to_another_process_without_its_reply(client: Client) -> None:
    with pytest.raises(thinkwire.NotFoundError) as refused:
        client.send("no/such-model", "Hello")
    here = refused.value
    there = pickle.loads(pickle.dumps(here))
    assert (
        type(there) is thinkwire.NotFoundError
        and str(there) == str(here)
        and there.status is Status.NOT_FOUND
    )
    assert (there.http_status, there.request_id) == (404, here.request_id) and here.request_id
    assert there.reply is None and here.reply is not None


def test_the_providers_own_words_are_in_the_message(client: Client) -> None:
    with pytest.raises(thinkwire.BadRequestError) as refused:
        client.send(QWEN3, "Hello", top_logprobs=3)
    assert "top_logprobs" in refused.value.message
    assert refused.value.reply is not None and "top_logprobs" in refused.value.reply.raw_json()


def test_what_the_model_is_known_to_refuse_is_not_sent(client: Client) -> None:
    with pytest.raises(
        thinkwire.InvalidArgumentError,
        match=r"max_tokens must be at least 1, not 0 \(alibaba/qwen3-32b\)",
    ) as refused:
        client.send(QWEN3, "Hello", max_tokens=0)
    assert refused.value.reply is None


def test_a_stream_that_breaks_off_gives_what_came_and_then_raises(client: Client) -> None:
    events: list[Event] = []
    with pytest.raises(thinkwire.TruncatedError) as broken:
        with client.stream(f"{QWEN3}#cut=2000", "Hello", thinking=True) as stream:
            for event in stream:
                events.append(event)
    came = "".join(event.text for event in events if event.kind is EventKind.REASONING)
    assert came and recorded("qwen3-32b.sse").reasoning.startswith(came)
    assert broken.value.reply is stream.reply
    assert (stream.reply.reasoning, stream.reply.content) == (came, "")
    assert list(stream) == []  # It is told once.


def test_an_answer_that_breaks_off_keeps_nothing_back(client: Client) -> None:
    with pytest.raises((thinkwire.TruncatedError, thinkwire.ProtocolError)) as broken:
        client.send(f"{NEXT}#cut=300", "Hello")
    assert broken.value.http_status == 200


def test_no_connection() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # Bound, but not listening.
        with Client(
            base_url=f"http://127.0.0.1:{taken.getsockname()[1]}/v1", api_key="test"
        ) as client:
            with pytest.raises(thinkwire.APIConnectionError) as refused:
                client.send(QWEN3, "Hello")
    assert (refused.value.status, refused.value.http_status, refused.value.request_id) == (
        Status.CONNECT,
        0,
        None,
    )
    assert isinstance(refused.value, ConnectionError)


def test_no_such_host() -> None:
    with Client(base_url="https://thinkwire.invalid/v1", api_key="test", proxy="") as client:
        with pytest.raises(thinkwire.APIConnectionError) as unresolved:
            client.send(QWEN3, "Hello")
    assert unresolved.value.status is Status.RESOLVE


def test_a_reset_before_the_response(client: Client) -> None:
    with pytest.raises(thinkwire.Error) as reset:
        client.send(f"{QWEN3}#reset=0", "Hello")
    assert reset.value.status in (Status.NETWORK, Status.TRUNCATED)


@pytest.mark.parametrize("how", ["send", "stream"])
def test_a_timeout_is_pythons_own_too(base_url: str, how: str) -> None:
    with Client(base_url=base_url, api_key="test", timeout=0.3) as client:
        began = time.monotonic()
        with pytest.raises(builtins.TimeoutError) as late:
            if how == "send":
                client.send(f"{QWEN3}#delay=5000", "Hello")
            else:
                list(client.stream(f"{SYNTHETIC}#chunks=10,stall=500", "Hello"))
        assert 0.25 < time.monotonic() - began < 4
    assert isinstance(late.value, thinkwire.TimeoutError) and isinstance(
        late.value, thinkwire.APIConnectionError
    )
    assert late.value.status is Status.TIMEOUT and "total" in late.value.message


@pytest.mark.parametrize(
    "timeout, model, word",
    [
        ({"first_byte": 0.2}, f"{QWEN3}#delay=5000", "first"),
        (thinkwire.Timeout(idle=0.2), f"{SYNTHETIC}#chunks=50,stall=500", "idle"),
    ],
)
def test_each_clock_by_its_name(
    base_url: str, timeout: thinkwire.Timeout, model: str, word: str
) -> None:
    with Client(base_url=base_url, api_key="test", timeout=timeout) as client:
        with pytest.raises(thinkwire.TimeoutError, match=word):
            client.stream(model, "Hello").finish()


def test_a_limit(base_url: str) -> None:
    with Client(base_url=base_url, api_key="test", limits={"reply": 1000}) as client:
        with pytest.raises(thinkwire.LimitError) as over:
            client.send(NEXT, "Hello")
    assert over.value.status is Status.LIMIT


def test_garbage_is_not_an_answer(client: Client) -> None:
    with pytest.raises(thinkwire.Error) as odd:
        client.send(f"{NEXT}#garbage=1", "Hello")
    assert odd.value.status in (Status.PROTOCOL, Status.TRUNCATED)


def test_every_status_but_ok_has_its_exception() -> None:
    assert set(BY_STATUS) == set(Status) - {Status.OK}
    for status, kind in BY_STATUS.items():
        error = kind("what happened", status=status)
        assert (error.status, str(error), error.reply, error.http_status, error.request_id) == (
            status,
            "what happened",
            None,
            0,
            None,
        )
        assert isinstance(error, Error)
