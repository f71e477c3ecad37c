"""OpenTelemetry spans, one for each chat request, with the attributes for generative AI.

Spans are recorded if the program uses OpenTelemetry: it has imported `opentelemetry.trace`, and has
set a tracer provider. They contain no texts of the conversation. Source of the names:
docs/gen-ai/client-inference.md of https://github.com/open-telemetry/semantic-conventions-genai
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping

from ._enums import Status
from ._typing import TYPE_CHECKING, Any, Optional
from ._version import package_version
from .errors import error_of

if TYPE_CHECKING:
    from ._request import Request
    from .reply import Reply

_REQUEST = "gen_ai.request."

#: The attributes that are fields of the body, and the type of their values.
_FIELDS: dict[str, tuple[str, type]] = {
    "frequency_penalty": (_REQUEST + "frequency_penalty", float),
    "max_tokens": (_REQUEST + "max_tokens", int),
    "max_completion_tokens": (_REQUEST + "max_tokens", int),
    "presence_penalty": (_REQUEST + "presence_penalty", float),
    "seed": (_REQUEST + "seed", int),
    "temperature": (_REQUEST + "temperature", float),
    "top_k": (_REQUEST + "top_k", float),
    "top_p": (_REQUEST + "top_p", float),
}

#: The well-known values of gen_ai.provider.name, by the end of the host's name. The convention for
#: other hosts is not defined; "openai" says that they have the API of OpenAI.
_PROVIDERS = {
    "openai.azure.com": "azure.ai.openai",
    "ai.azure.com": "azure.ai.inference",
    "anthropic.com": "anthropic",
    "cohere.com": "cohere",
    "deepseek.com": "deepseek",
    "generativelanguage.googleapis.com": "gcp.gemini",
    "groq.com": "groq",
    "mistral.ai": "mistral_ai",
    "perplexity.ai": "perplexity",
    "x.ai": "x_ai",
}


class Span:
    """The span of an exchange in progress."""

    __slots__ = ("_span", "_is_streamed")

    def __init__(self, span: Any, is_streamed: bool) -> None:
        self._span = span
        self._is_streamed = is_streamed

    def end(self, reply: Optional[Reply]) -> None:
        """Ends the span with the result, or without one if the exchange was abandoned."""
        if sys.is_finalizing():
            return
        import contextlib

        # An exporter that fails must not change the result of an exchange.
        with contextlib.suppress(Exception):
            if reply is not None:
                self._span.set_attributes(dict(_response(reply, self._is_streamed)))
                if reply.status not in (Status.OK, Status.CANCELLED):
                    self._fail(reply)
            self._span.end()

    def _fail(self, reply: Reply) -> None:
        trace = sys.modules["opentelemetry.trace"]
        self._span.set_attribute("error.type", type(error_of(reply)).__name__)
        self._span.set_status(trace.Status(trace.StatusCode.ERROR, reply.message))


def begin(base_url: Optional[str], function: str, *requests: Request) -> Optional[Span]:
    """Begins the span of an exchange as a child of the current one.

    Returns None if no spans are recorded, or for an exchange without a request.
    """
    trace: Any = sys.modules.get("opentelemetry.trace")
    if trace is None or not requests:
        return None
    import contextlib

    with contextlib.suppress(Exception):
        (request,) = requests
        is_streamed = not function.endswith("unstreamed")
        span = trace.get_tracer("thinkwire", package_version()).start_span(
            f"chat {request.model}",
            kind=trace.SpanKind.CLIENT,
            attributes=dict(_attributes(base_url, request, is_streamed)),
        )
        return Span(span, is_streamed) if span.is_recording() else None
    return None


def _attributes(
    base_url: Optional[str], request: Request, is_streamed: bool
) -> Iterator[tuple[str, Any]]:
    yield "gen_ai.operation.name", "chat"
    yield "gen_ai.request.model", request.model
    if is_streamed:
        yield "gen_ai.request.stream", True
    yield from _server(base_url or os.environ.get("THINKWIRE_BASE_URL"))
    fields = request.fields
    for name, (attribute, type_) in _FIELDS.items():
        if isinstance(fields.get(name), (int, float)):
            yield attribute, type_(fields[name])
    stop = fields.get("stop")
    if stop:
        yield "gen_ai.request.stop_sequences", [stop] if isinstance(stop, str) else list(stop)
    if fields.get("n") not in (None, 1):
        yield "gen_ai.request.choice.count", fields["n"]
    form = fields.get("response_format")
    if form is not None:
        is_text = isinstance(form, Mapping) and form.get("type") == "text"
        yield "gen_ai.output.type", "text" if is_text else "json"


def _server(base_url: Optional[str]) -> Iterator[tuple[str, Any]]:
    """Yields the attributes of the server, as far as the base URL is known here."""
    from urllib.parse import urlsplit

    url = urlsplit(base_url or "")
    host = url.hostname or ""
    known = (name for end, name in _PROVIDERS.items() if f".{host}".endswith(f".{end}"))
    yield "gen_ai.provider.name", next(known, "openai")
    if host:
        yield "server.address", host
        yield "server.port", url.port or (80 if url.scheme == "http" else 443)


def _response(reply: Reply, is_streamed: bool) -> Iterator[tuple[str, Any]]:
    for member in ("id", "model"):
        value = reply.get(f"/{member}")
        if value:
            yield f"gen_ai.response.{member}", value
    if reply.finish_reason:
        yield "gen_ai.response.finish_reasons", list(_finish_reasons(reply))
    timing, usage = reply.timing, reply.usage
    received = [time for time in (timing.first_reasoning, timing.first_content) if time is not None]
    if is_streamed and received:
        yield "gen_ai.response.time_to_first_chunk", min(received)
    counts = {
        "input_tokens": usage and usage.prompt_tokens,
        "output_tokens": usage and usage.completion_tokens,
        "reasoning.output_tokens": usage and usage.reasoning_tokens,
        "cache_read.input_tokens": usage and usage.cached_tokens,
    }
    for name, count in counts.items():
        if count is not None:
            yield f"gen_ai.usage.{name}", count


def _finish_reasons(reply: Reply) -> Iterator[str]:
    """Yields the reason of each choice."""
    yield reply.finish_reason or ""
    for index in range(1, 128):
        reason = reply.get(f"/choices/{index}/finish_reason")
        if reason is None:
            return
        yield reason
