"""Client for one endpoint."""

from __future__ import annotations

import sys

from ._base_client import BaseClient
from ._request import Messages, Request
from ._typing import TYPE_CHECKING, Optional, TypeVar, Union, overload
from .arguments import Arguments, RunArguments
from .reply import Reply
from .stream import OnEvent, Stream

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType

    from typing_extensions import Unpack

    from .completions import Beta, Chat
    from .models import Models
    from .tools import Tool, ToolFunction

_SyncClient = TypeVar("_SyncClient", bound="Client")


class Client(BaseClient):
    """An endpoint and its pool of connections. Any number of threads may use it concurrently.

        with Client(base_url="https://api.aimlapi.com/v1", api_key="…") as client:
            print(client.send("alibaba/qwen3-32b", "Hello", thinking=True).content)

    Arguments that are not given are read from the environment (THINKWIRE_BASE_URL,
    THINKWIRE_API_KEY, AIMLAPI_API_KEY, OPENAI_API_KEY and the proxy variables) when the client is
    created. A client remains usable after fork(); the child opens connections of its own.

    base_url         the URL to which "/chat/completions" is appended
    api_key          "" sends no key, even if the environment contains one
    headers          sent with every request; they replace headers of the library with the same
                     name, and "" removes such a header
    timeout          seconds for the whole exchange, or a Timeout or a dict with the keys connect,
                     first_byte, idle and total, or an httpx.Timeout
    max_retries      the number of retries for an exchange that failed before any part of the answer
                     was received; the default is 2
    comments_keep_alive  whether SSE comments reset the idle timeout
    require_finish   whether a streamed answer must end with a finish_reason or [DONE]; False
                     accepts a clean end of the response, for servers that send neither
    proxy            a proxy in the notation of curl; "" disables proxies
    no_proxy         hosts that are contacted without the proxy, in the notation of curl or as a
                     list; "" for no hosts
    ca_file          trusted certificates (PEM), in place of the system's
    ca_directory     the same as a directory, with file names as created by `openssl rehash`
    limits           a Limits or a dict with the keys event, reply and headers: the maximum sizes of
                     a response in bytes
    http_version     "1.1", or "2" for HTTP/2 over TLS if the server supports it. The default is a
                     version with which no copy of the key stays in memory: "2" with libcurl 8.11.1
                     or later
    dialect          the request fields that switch thinking, for servers that the library does not
                     know: "enable_thinking", "chat_template", "reasoning_effort",
                     "reasoning_object" or "none"
    reasoning_tags   a pair of tags that encloses reasoning at the beginning of an answer, in
                     addition to those of known models; False: no tags
    reasoning_replay  the form in which the reasoning of earlier replies is sent back: "auto" for
                     what the model and the host require, "none", or the name of a field such as
                     "reasoning_content"; see tw_options_set_reasoning_replay in thinkwire.h
    allow_cleartext  hosts other than this machine to which the key may be sent over http
    log              called with each line of the log, on the thread of the exchange; the log never
                     contains keys or texts of a conversation. Without it, the lines are passed to
                     logging.getLogger("thinkwire") if that logs DEBUG when the client is created
    """

    def send(
        self,
        model: str,
        messages: Messages,
        *,
        on_event: Optional[OnEvent] = None,
        **arguments: Unpack[Arguments],
    ) -> Reply:
        """Sends the messages and waits for the whole answer.

        Raises an Error if the exchange fails; its `reply` contains the received part.

        model             the name of the model
        messages          a str, one message or a list of messages (see Message)
        system            a system message that precedes the messages
        thinking          True, False, an effort ("none", "minimal", "low", "medium", "high",
                          "xhigh" or "max"), or None for the model's default
        thinking_budget   the maximum number of reasoning tokens
        starts_thinking   the chat template of the model contains the opening <think>, so that the
                          answer contains only the closing tag
        reasoning_tags    tags that enclose reasoning, in place of the client's
        timeout           timeouts of this exchange, in place of the client's, in the same format
        on_event          called for every event of the answer, which is then streamed. If it
                          returns False, the exchange is cancelled and the reply, with
                          Status.CANCELLED, is returned. If it raises, the exchange is cancelled
                          and the exception propagates
        tools             functions (see Tool), or definitions in the format of the API
        response_format   a dataclass, a TypedDict, a pydantic model or an object of the API
        temperature, max_tokens, top_p, stop, seed, tool_choice, …
                          fields of the request body: see thinkwire.arguments.Fields. None is sent
                          as null
        extra_headers     headers of this request, in addition to the client's. Each set of headers
                          has connections of its own, which later requests with it use
        extra_body        fields of the request body for which there is no argument
        """
        function = "tw_chat_open_unstreamed" if on_event is None else "tw_chat_open"
        stream = self._open(function, model, messages, arguments)
        return stream.finish() if on_event is None else stream.run(on_event)

    @overload
    def stream(
        self,
        model: str,
        messages: Messages,
        *,
        on_event: None = None,
        **arguments: Unpack[Arguments],
    ) -> Stream: ...

    @overload
    def stream(
        self,
        model: str,
        messages: Messages,
        *,
        on_event: OnEvent,
        **arguments: Unpack[Arguments],
    ) -> Reply: ...

    def stream(
        self,
        model: str,
        messages: Messages,
        *,
        on_event: Optional[OnEvent] = None,
        **arguments: Unpack[Arguments],
    ) -> Union[Stream, Reply]:
        """Streams the answer: returns an iterator over its events.

        With `on_event`, it behaves as send(). The arguments are those of send().
        """
        stream = self._open("tw_chat_open", model, messages, arguments)
        return stream if on_event is None else stream.run(on_event)

    def run(
        self,
        model: str,
        messages: Messages,
        *,
        tools: Iterable[Union[Tool, ToolFunction]],
        max_rounds: int = 10,
        on_event: Optional[OnEvent] = None,
        **arguments: Unpack[RunArguments],
    ) -> Reply:
        """Sends the messages and executes the requested tools until the model answers.

        `tools` are functions, described by their signatures and docstrings (see Tool). If
        `messages` is a list, every new message, including the answer, is appended to it, so that
        the conversation can be continued; an answer that requests tools together with all of their
        results. Exceptions of a tool propagate. Invalid arguments are reported to the model, and
        replaced by {} in the conversation. The calls of an answer that was cut off (finish reason
        "length" or "content_filter") are not executed, and that answer is returned. Raises
        LimitError if the model still requests tools after `max_rounds` answers. The other arguments
        are those of send().
        """
        from ._tool_run import ToolRun

        conversation = ToolRun(messages, tools, max_rounds)
        sent: Arguments = {**arguments, "tools": conversation.tools}
        while True:
            reply = self.send(model, conversation.history, on_event=on_event, **sent)
            calls = conversation.add_reply(reply)
            if not calls:
                return reply
            for call in calls:
                conversation.execute(call)
            conversation.end_round(reply)

    @property
    def chat(self) -> Chat:
        """The interface of openai-python: `client.chat.completions.create(model=…, messages=…)`."""
        from .completions import Chat

        return Chat(self)

    @property
    def beta(self) -> Beta:
        """`client.beta.chat` of older programs is `client.chat`."""
        from .completions import Beta

        return Beta(self)

    @property
    def models(self) -> Models:
        """The models of the endpoint: `client.models()` returns their ids.

        `client.models.list()` returns the same list, as in openai-python.
        """
        from .models import Models

        return Models(lambda: self._start("tw_models_open"))

    def close(self) -> None:
        """Closes the client and its idle connections. Exchanges in progress continue.

        May be called from any thread and more than once.
        """
        for variant in self._taken_variants():
            variant.close()
        self._destroy_handle()

    def __enter__(self: _SyncClient) -> _SyncClient:
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        self.close()

    def _open(self, function: str, model: str, messages: Messages, arguments: Arguments) -> Stream:
        client = self._with_headers(arguments.get("extra_headers"))
        return client._start(function, client._request(model, messages, arguments))

    def _start(self, function: str, *requests: Request) -> Stream:
        # Nothing here waits for the network.
        with self._process_lock():
            chat = getattr(self._library, function)(
                self._address(), *(request.address for request in requests)
            )
        stream = Stream(self._library, chat, self._options)
        if "opentelemetry.trace" in sys.modules:
            from . import _tracing

            stream.span = _tracing.begin(self._arguments.get("base_url"), function, *requests)
        return stream
