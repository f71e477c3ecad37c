"""Client for one endpoint."""

from __future__ import annotations

import inspect
import os
import threading
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from ctypes import byref, c_void_p
from types import TracebackType
from typing import Any, Optional, Union, overload

from . import _fork
from ._abi import Dialect, Status
from ._handle import Handle, NotCopyable, check
from ._library import library as load_library
from ._log import LogFunction
from ._request import Messages, ThinkingMode, build, message_list
from .compat import Chat
from .errors import InvalidArgumentError, LimitError, MisuseError
from .options import Limits, Options, TimeoutLike
from .reply import Reply
from .stream import OnEvent, Stream
from .tools import Tool, ToolFunction, tool_message


class Client(NotCopyable):
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
                     first_byte, idle and total
    max_retries      the number of retries for an exchange that failed before any part of the answer
                     was received; the default is 2
    comments_keep_alive  whether SSE comments reset the idle timeout
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
    allow_cleartext  hosts other than this machine to which the key may be sent over http
    log              called with each line of the log, on the thread of the exchange; the log never
                     contains keys or texts of a conversation
    """

    def __init__(
        self,
        base_url: Optional[str] = None,
        api_key: Optional[str] = None,
        *,
        headers: Optional[Mapping[str, str]] = None,
        timeout: TimeoutLike = None,
        max_retries: Optional[int] = None,
        comments_keep_alive: bool = True,
        proxy: Optional[str] = None,
        no_proxy: Union[str, Iterable[str], None] = None,
        ca_file: Union[str, os.PathLike[str], None] = None,
        ca_directory: Union[str, os.PathLike[str], None] = None,
        limits: Union[Limits, Mapping[str, int], None] = None,
        http_version: Optional[str] = None,
        dialect: Union[str, Dialect, None] = None,
        allow_cleartext: Union[str, Iterable[str]] = (),
        log: Optional[LogFunction] = None,
    ) -> None:
        self._library = load_library()
        self._options = Options(
            self._library,
            base_url=base_url,
            api_key=api_key,
            headers=headers,
            timeout=timeout,
            max_retries=max_retries,
            comments_keep_alive=comments_keep_alive,
            proxy=proxy,
            no_proxy=no_proxy,
            ca_file=ca_file,
            ca_directory=ca_directory,
            limits=limits,
            http_version=http_version,
            dialect=dialect,
            allow_cleartext=allow_cleartext,
            log=log,
        )
        # Reentrant because a signal handler may run on the thread that holds the lock.
        self._lock = threading.RLock()
        self._generation = _fork.generation
        self._handle: Optional[Handle] = self._create()

    def send(
        self,
        model: str,
        messages: Messages,
        *,
        thinking: ThinkingMode = None,
        thinking_budget: Optional[int] = None,
        starts_thinking: bool = False,
        timeout: TimeoutLike = None,
        on_event: Optional[OnEvent] = None,
        **fields: Any,
    ) -> Reply:
        """Sends the messages and waits for the whole answer.

        Raises an Error if the exchange fails; its `reply` contains the received part.

        model             the name of the model
        messages          a str, one message or a list of messages (see Message)
        thinking          True, False, "low", "medium", "high", or None for the model's default
        thinking_budget   the maximum number of reasoning tokens
        starts_thinking   the chat template of the model contains the opening <think>, so that the
                          answer contains only the closing tag
        timeout           timeouts of this exchange, in place of the client's, in the same format
        on_event          called for every event of the answer, which is then streamed. If it
                          returns False, the exchange is cancelled and the reply, with
                          Status.CANCELLED, is returned. If it raises, the exchange is cancelled
                          and the exception propagates
        fields            further fields of the request body, sent as JSON: temperature=0.2,
                          tools=[…]; None is sent as null
        """
        function = "tw_chat_open_unstreamed" if on_event is None else "tw_chat_open"
        stream = self._open(
            function, model, messages, thinking, thinking_budget, starts_thinking, timeout, fields
        )
        return stream.finish() if on_event is None else stream.run(on_event)

    @overload
    def stream(
        self,
        model: str,
        messages: Messages,
        *,
        thinking: ThinkingMode = None,
        thinking_budget: Optional[int] = None,
        starts_thinking: bool = False,
        timeout: TimeoutLike = None,
        on_event: None = None,
        **fields: Any,
    ) -> Stream: ...

    @overload
    def stream(
        self,
        model: str,
        messages: Messages,
        *,
        thinking: ThinkingMode = None,
        thinking_budget: Optional[int] = None,
        starts_thinking: bool = False,
        timeout: TimeoutLike = None,
        on_event: OnEvent,
        **fields: Any,
    ) -> Reply: ...

    def stream(
        self,
        model: str,
        messages: Messages,
        *,
        thinking: ThinkingMode = None,
        thinking_budget: Optional[int] = None,
        starts_thinking: bool = False,
        timeout: TimeoutLike = None,
        on_event: Optional[OnEvent] = None,
        **fields: Any,
    ) -> Union[Stream, Reply]:
        """Streams the answer: returns an iterator over its events.

        With `on_event`, it behaves as send(). The arguments are those of send().
        """
        stream = self._open(
            "tw_chat_open",
            model,
            messages,
            thinking,
            thinking_budget,
            starts_thinking,
            timeout,
            fields,
        )
        return stream if on_event is None else stream.run(on_event)

    def run(
        self,
        model: str,
        messages: Messages,
        *,
        tools: Iterable[ToolFunction],
        max_rounds: int = 10,
        on_event: Optional[OnEvent] = None,
        **fields: Any,
    ) -> Reply:
        """Sends the messages and executes the requested tools until the model answers.

        `tools` are functions, described by their signatures and docstrings (see Tool). If
        `messages` is a list, every new message, including the answer, is appended to it, so that
        the conversation can be continued. Exceptions of a tool propagate; invalid arguments are
        reported to the model. Raises LimitError if the model still requests tools after
        `max_rounds` answers. The other arguments are those of send().
        """
        if max_rounds < 1:
            raise InvalidArgumentError(f"max_rounds must be at least 1, not {max_rounds}")
        by_name: dict[str, Tool] = {}
        for tool in map(Tool, tools):
            if inspect.iscoroutinefunction(tool.function):
                raise InvalidArgumentError(
                    f"the tool {tool.name} is async; run() does not await tools, "
                    "so pass a regular function"
                )
            if by_name.setdefault(tool.name, tool) is not tool:
                raise InvalidArgumentError(f"two tools have the name {tool.name}")
        fields["tools"] = list(by_name.values())
        # The caller's list receives plain messages. The requests contain the replies themselves,
        # with their reasoning.
        plain = messages if isinstance(messages, list) else []
        history = list(message_list(messages))
        for _ in range(max_rounds):
            reply = self.send(model, history, on_event=on_event, **fields)
            if reply.status is not Status.OK:
                return reply
            history.append(reply)
            plain.append(reply.as_message())
            for call in reply.tool_calls:
                if call.choice == 0:
                    message = tool_message(by_name, call)
                    history.append(message)
                    plain.append(message)
            if history[-1] is reply:
                return reply
        raise LimitError(
            f"the model still requested tools after {max_rounds} answers", reply, Status.LIMIT
        )

    @property
    def chat(self) -> Chat:
        """The interface of openai-python: `client.chat.completions.create(model=…, messages=…)`."""
        return Chat(self)

    def close(self) -> None:
        """Closes the client and its idle connections. Exchanges in progress continue.

        May be called from any thread and more than once.
        """
        with self._process_lock():
            handle, self._handle = self._handle, None
        if handle is not None:
            handle.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        self.close()

    def _open(
        self,
        function: str,
        model: str,
        messages: Messages,
        thinking: ThinkingMode,
        thinking_budget: Optional[int],
        starts_thinking: bool,
        timeout: TimeoutLike,
        fields: Mapping[str, Any],
    ) -> Stream:
        request = build(
            self._library,
            model,
            messages,
            thinking,
            thinking_budget,
            fields,
            starts_thinking,
            timeout,
        )
        # Protects the handle from close(). Nothing here waits for the network.
        with self._process_lock():
            handle = self._handle
            if handle is None:
                raise MisuseError("the client is closed")
            chat = getattr(self._library, function)(handle.address, request.address)
        return Stream(self._library, chat, self._options)

    def _create(self) -> Handle:
        address = c_void_p()
        check(
            self._library,
            self._library.tw_client_create(self._options.handle.address, byref(address)),
        )
        assert address.value is not None
        return Handle(address.value, self._library.tw_client_destroy)

    def _process_lock(self) -> AbstractContextManager[Any]:
        """Returns the lock of the client in this process.

        After a fork the child needs a new lock: a thread of the parent may have held the old one.
        """
        if self._generation != _fork.generation:
            with _fork.lock:
                if self._generation != _fork.generation:
                    self._lock, self._generation = threading.RLock(), _fork.generation
        return self._lock
