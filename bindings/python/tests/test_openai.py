"""The classes, names and arguments of openai-python: see test_openai_examples.py."""

from __future__ import annotations

import asyncio
from typing import Any, TypedDict

import pytest
import thinkwire
from conftest import Echo
from thinkwire import AsyncClient, AsyncOpenAI, Client, OpenAI, Timeout


def test_names_of_openai_python_are_aliases() -> None:
    assert thinkwire.APIError is thinkwire.OpenAIError is thinkwire.Error
    assert thinkwire.APITimeoutError is thinkwire.TimeoutError
    assert thinkwire.InternalServerError is thinkwire.ServerError
    assert issubclass(thinkwire.ConflictError, thinkwire.BadRequestError)


def test_omitted_arguments_are_not_sent(echo: Echo) -> None:
    omitted = thinkwire.NOT_GIVEN
    assert not omitted and repr(omitted) == "NOT_GIVEN" and thinkwire.omit is omitted
    with OpenAI(api_key="key", base_url=echo.base_url) as client:
        client.chat.completions.create(
            model="m",
            messages="Hello",
            stream=omitted,
            tools=omitted,
            timeout=thinkwire.omit,
            temperature=omitted,
            extra_headers=omitted,
            seed=None,
        )
    message = {"role": "user", "content": "Hello"}
    assert echo.bodies == [{"model": "m", "messages": [message], "seed": None}]


def test_constructor_has_the_arguments_of_openai_python(echo: Echo) -> None:
    with OpenAI(
        api_key="key",
        base_url=echo.base_url,
        organization="org",
        project="proj",
        default_headers={"X-Title": "Test"},
        max_retries=1,
    ) as client:
        client.chat.completions.create(model="m", messages="Hello")
        client.with_options(headers={"X-More": "1"}).send("m", "Hello")
    names = ("authorization", "openai-organization", "openai-project", "x-title")
    for sent in echo.headers:
        assert [sent[name] for name in names] == ["Bearer key", "org", "proj", "Test"]
    assert [sent.get("x-more") for sent in echo.headers] == [None, "1"]


def test_address_is_that_of_openai_python(echo: Echo, monkeypatch: pytest.MonkeyPatch) -> None:
    def address(**options: Any) -> object:
        return OpenAI(**options)._arguments.get("base_url")

    monkeypatch.setenv("AIMLAPI_API_KEY", "key")
    assert address() is None  # The library chooses, by the keys in the environment.
    assert address(api_key="key") == "https://api.openai.com/v1"
    monkeypatch.setenv("OPENAI_API_KEY", "key")
    assert address() == "https://api.openai.com/v1"
    monkeypatch.setenv("OPENAI_BASE_URL", echo.base_url)
    assert address() == address(api_key="key") == echo.base_url
    assert address(base_url="http://localhost/v1") == "http://localhost/v1"
    monkeypatch.setenv("THINKWIRE_BASE_URL", "http://localhost/v2")
    assert address() is address(api_key="key") is None


def test_keys_go_only_to_their_provider(echo: Echo, monkeypatch: pytest.MonkeyPatch) -> None:
    """THINKWIRE_API_KEY without THINKWIRE_BASE_URL belongs to the library's default provider."""
    monkeypatch.setenv("THINKWIRE_API_KEY", "of AI/ML API")
    monkeypatch.setenv("OPENAI_API_KEY", "of OpenAI")
    monkeypatch.setenv("OPENAI_BASE_URL", echo.base_url)
    with OpenAI() as client:
        client.chat.completions.create(model="m", messages=[{"role": "user", "content": "Hello"}])
    assert [sent["authorization"] for sent in echo.headers] == ["Bearer of OpenAI"]


def test_headers_of_a_request(echo: Echo) -> None:
    """Requests with the same headers share connections; the other requests do not have them."""
    with Client(echo.base_url, "key", headers={"X-Title": "Test"}) as client:
        replies = [
            client.send("m", "Hello", extra_headers=headers)
            for headers in ({"X-Trace": "1"}, {"X-Trace": "1"}, None, {"X-Trace": "2"})
        ]
    assert [sent.get("x-trace") for sent in echo.headers] == ["1", "1", None, "2"]
    assert {sent["x-title"] for sent in echo.headers} == {"Test"}
    reused = [reply.timing.reused_connection for reply in replies]
    assert reused == [False, True, False, False]
    with pytest.raises(thinkwire.MisuseError, match="closed"):
        client.send("m", "Hello", extra_headers={"X-Trace": "1"})
    with pytest.raises(thinkwire.InvalidArgumentError, match="X-Trace"):
        Client(echo.base_url, "key").send("m", "Hello", extra_headers={"X-Trace": "a\r\nb"})


def test_clients_for_headers_are_closed_with_their_client(echo: Echo) -> None:
    client = Client(echo.base_url, "key")
    for number in range(20):
        client.send("m", "Hello", extra_headers={"X-Trace": str(number)})
    variants = list(client._variants.values())
    assert len(variants) == 8
    client.close()
    assert [variant._handle for variant in variants] == [None] * 8


def test_same_options_return_the_same_client(echo: Echo) -> None:
    headers = {"X-Title": "1"}
    with Client(echo.base_url, "key") as client:
        for expected in (False, True):
            reply = client.with_options(max_retries=5, timeout=Timeout(idle=5)).send("m", "Hello")
            assert reply.timing.reused_connection is expected
        first = client.with_options(headers=headers)
        headers["X-Title"] = "2"
        second = client.with_options(headers=headers)
        assert first is not second is client.with_options(headers={"X-Title": "2"})
        second.close()
        assert client.with_options(headers=headers) is not second
        client.with_options(headers=headers).send("m", "Hello")
        logged = client.with_options(log=print)
        assert logged is client.with_options(log=print) is not client.with_options(log=repr)
    assert echo.headers[-1]["x-title"] == "2"
    with pytest.raises(thinkwire.MisuseError, match="closed"):
        first.send("m", "Hello")
    with pytest.raises(thinkwire.MisuseError, match="closed"):
        client.with_options(max_retries=5)


def test_headers_of_a_request_of_an_async_client(echo: Echo) -> None:
    async def main() -> None:
        async with AsyncClient(echo.base_url, "key") as client:
            client.max_connections = 3
            await client.send("m", "Hello", extra_headers={"X-Trace": "1"})
            (variant,) = client._variants.values()
            assert variant.max_connections == 3
        assert variant._handle is None and variant._loops is None

    asyncio.run(main())
    assert [sent["x-trace"] for sent in echo.headers] == ["1"]


@pytest.mark.slow
def test_number_as_timeout_limits_each_phase(base_url: str) -> None:
    """A stream may take longer than that, as in openai-python."""
    model = "mock/synthetic#chunks=8,pace=100"
    options: dict[str, Any] = {"base_url": base_url, "api_key": "key", "max_retries": 0}
    with OpenAI(**options, timeout=0.4) as client:
        reply = client.stream(model, "Hello").finish()
        assert reply.timing.total is not None and reply.timing.total > 0.4
        with pytest.raises(thinkwire.APITimeoutError, match="first-byte timeout"):
            client.send("mock/synthetic#delay=5000", "Hello")
    with Client(**options, timeout=0.4) as client:
        with pytest.raises(thinkwire.TimeoutError, match="total timeout"):
            client.stream(model, "Hello").finish()


def test_async_parse(echo: Echo) -> None:
    class Place(TypedDict):
        name: str

    async def main() -> Any:
        async with AsyncOpenAI(base_url=echo.base_url, api_key="key") as client:
            completion = await client.beta.chat.completions.parse(
                model="m", messages="Where?", response_format=Place
            )
            raw = await client.chat.completions.with_raw_response.create(model="m", messages="Hi")
            assert raw.parse().choices[0].message.content == "ok" and raw.request_id == "req-1"
            assert raw.json() == raw.parse() and repr(raw) == "<RawResponse [200]>"
        return completion.choices[0].message.parsed

    echo.script = [{"role": "assistant", "content": '{"name": "Köln"}'}]
    assert asyncio.run(main()) == {"name": "Köln"}
