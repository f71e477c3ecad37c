"""OpenTelemetry: the spans of exchanges, with the attributes for generative AI."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import thinkwire
from conftest import QWEN3, STALLED, SYNTHETIC, Echo, run_python
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode
from thinkwire import AsyncClient, Client

provider = TracerProvider()
exporter = InMemorySpanExporter()
provider.add_span_processor(SimpleSpanProcessor(exporter))


@pytest.fixture(autouse=True)
def _provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Sets the tracer provider for one test; a program sets it once."""
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", provider)
    exporter.clear()
    yield


def spans() -> list[Any]:
    return list(exporter.get_finished_spans())


def test_span_has_the_attributes_of_the_request_and_the_response(client: Client) -> None:
    with trace.get_tracer("test").start_as_current_span("parent") as parent:
        reply = client.send(
            QWEN3,
            "A secret question",
            thinking=True,
            temperature=0.5,
            max_tokens=5000,
            seed=1,
            stop="END",
            response_format={"type": "text"},
        )
    span, _ = spans()
    address = urlsplit(client._arguments["base_url"] or "")
    assert span.name == f"chat {QWEN3}" and span.kind is SpanKind.CLIENT
    assert span.parent.span_id == parent.get_span_context().span_id
    assert span.status.status_code is StatusCode.UNSET
    assert span.instrumentation_scope.name == "thinkwire"
    assert span.end_time - span.start_time >= (reply.timing.total or 0) * 0.5e9
    assert reply.usage is not None
    assert dict(span.attributes) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": QWEN3,
        "gen_ai.request.temperature": 0.5,
        "gen_ai.request.max_tokens": 5000,
        "gen_ai.request.seed": 1,
        "gen_ai.request.stop_sequences": ("END",),
        "gen_ai.output.type": "text",
        "server.address": "127.0.0.1",
        "server.port": address.port,
        "gen_ai.response.id": reply.json()["id"],
        "gen_ai.response.model": reply.json()["model"],
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.usage.input_tokens": reply.usage.prompt_tokens,
        "gen_ai.usage.output_tokens": 2010,
        "gen_ai.usage.reasoning.output_tokens": 82,
        **(
            {"gen_ai.usage.cache_read.input_tokens": reply.usage.cached_tokens}
            if reply.usage.cached_tokens is not None
            else {}
        ),
    }


def test_span_of_a_stream_ends_with_the_stream(client: Client) -> None:
    with client.stream(SYNTHETIC, "Hello") as stream:
        next(stream)
        assert spans() == []
        stream.finish()
    (span,) = spans()
    assert span.attributes["gen_ai.request.stream"] is True
    assert 0 < span.attributes["gen_ai.response.time_to_first_chunk"] < 60
    with client.stream(STALLED, "Hello") as stream:
        next(stream)
    # A cancelled exchange has not failed.
    assert [span.status.status_code for span in spans()] == [StatusCode.UNSET] * 2
    assert "error.type" not in spans()[1].attributes


def test_span_of_a_failed_exchange(client: Client) -> None:
    with pytest.raises(thinkwire.NotFoundError) as raised:
        client.send("no/such-model", "Hello")
    (span,) = spans()
    assert span.status.status_code is StatusCode.ERROR
    assert span.status.description == str(raised.value)
    assert span.attributes["error.type"] == "NotFoundError"


def test_reasons_of_all_choices(echo: Echo) -> None:
    choices = [
        {"index": index, "delta": {"content": "a"}, "finish_reason": reason}
        for index, reason in enumerate(("stop", "length"))
    ]
    echo.script = [[{"choices": choices}]]
    with Client(echo.base_url, "") as client:
        client.stream("m", "Hello", n=2, extra_body={"top_k": 3}).finish()
    (span,) = spans()
    assert span.attributes["gen_ai.response.finish_reasons"] == ("stop", "length")
    assert span.attributes["gen_ai.request.choice.count"] == 2
    assert span.attributes["gen_ai.request.top_k"] == 3.0


def test_exchanges_of_an_async_client_have_spans(base_url: str) -> None:
    async def main() -> None:
        async with AsyncClient(base_url, "test") as client:
            await asyncio.gather(*(client.send(SYNTHETIC, "Hello") for _ in range(3)))
            stream = client.stream(STALLED, "Hello")
            await stream.__anext__()
        # The end of the client ends its exchanges.
        with pytest.raises(thinkwire.CancelledError):
            await stream.finish()

    asyncio.run(main())
    assert [span.name for span in spans()] == [f"chat {SYNTHETIC}"] * 3 + [f"chat {STALLED}"]


def test_list_of_models_has_no_span(client: Client) -> None:
    client.models()
    assert spans() == []


@pytest.mark.parametrize(
    "host, name",
    [
        ("https://api.openai.com/v1", "openai"),
        ("https://api.deepseek.com", "deepseek"),
        ("https://me.openai.azure.com/openai/v1", "azure.ai.openai"),
        ("https://notx.ai/v1", "openai"),
        ("https://api.x.ai/v1", "x_ai"),
    ],
)
def test_provider_is_known_by_its_host(echo: Echo, host: str, name: str) -> None:
    with Client(host.replace("https", "http"), "", proxy=echo.base_url) as client:
        client.send("m", "Hello")
    (span,) = spans()
    assert span.attributes["gen_ai.provider.name"] == name
    assert span.attributes["server.address"] == urlsplit(host).hostname
    assert span.attributes["server.port"] == 80


class BrokenExporter(SpanExporter):
    def export(self, spans: object) -> SpanExportResult:
        raise OSError("no collector")


def test_failing_processor_does_not_change_the_result(
    base_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken(SimpleSpanProcessor):
        def on_start(self, *arguments: object, **others: object) -> None:
            raise OSError

        def on_end(self, span: object) -> None:
            raise OSError

    broken = TracerProvider()
    broken.add_span_processor(Broken(BrokenExporter()))
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", broken)

    async def main() -> None:
        async with AsyncClient(base_url, "test") as client:
            assert (await client.send(SYNTHETIC, "Hello")).content

    with Client(base_url, "test") as client:
        assert client.send(SYNTHETIC, "Hello").content
    asyncio.run(main())


WITHOUT = """
import sys
from thinkwire import Client
with Client(sys.argv[1], "key") as client:
    client.send("mock/echo", "Hello")
assert not any(name.startswith("opentelemetry") for name in sys.modules)
"""


@pytest.mark.slow
def test_opentelemetry_is_not_imported(base_url: str) -> None:
    run_python(WITHOUT, base_url)
