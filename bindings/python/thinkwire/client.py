"""An endpoint and its connections."""

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
from ._handle import Handle, Single, check
from ._library import library as load_library
from ._log import LogFunction
from ._request import Messages, ThinkingMode, build, listed
from .compat import Chat
from .errors import InvalidArgumentError, LimitError, MisuseError
from .options import Limits, Options, TimeoutLike
from .reply import Reply
from .stream import OnEvent, Stream
from .tools import Tool, ToolFunction, answer


class Client(Single):
    """An endpoint and its kept connections. Any number of threads may use one at once; none waits for another's network.

        with Client(base_url="https://api.aimlapi.com/v1", api_key="…") as client:
            print(client.send("alibaba/qwen3-32b", "Hello", thinking=True).content)

    What is not given comes from the environment (THINKWIRE_BASE_URL, THINKWIRE_API_KEY, AIMLAPI_API_KEY, OPENAI_API_KEY, the
    proxies), which is read here and nowhere else. It survives fork(): a child makes connections of its own.

    base_url         the address that "/chat/completions" is put behind
    api_key          "" sends none, whatever the environment says
    headers          sent with every request, in place of the library's own of the same name; "" sends none of that name
    timeout          seconds for the whole exchange, or a Timeout or a dict of connect, first_byte, idle, total
    max_retries      how many times more an exchange is tried that failed before anything of the answer was told; default 2
    comments_keep_alive   whether a comment in a stream sets the idle clock to zero
    proxy            in curl's notation; "" uses none
    no_proxy         the hosts that it is not used for, in curl's notation or as a list; "" for none
    ca_file          the certificates (PEM) to trust in place of the system's
    ca_directory     the same, as a directory of files named as `openssl rehash` does
    limits           a Limits or a dict of event, reply, headers: the bytes a server may send
    http_version     "1.1", or "2" over TLS where the server speaks it; else the one of which no copy of the key stays in memory:
                     "2" with libcurl 8.11.1 or later
    dialect          in which words models are told whether to think, where the library cannot know: "enable_thinking",
                     "chat_template", "reasoning_effort", "reasoning_object", "none"
    allow_cleartext  hosts, other than this machine, that the key may go to over http
    log              called with each line about what exchanges do, on the exchange's thread; keys and texts are never in it
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
        self._lock = threading.RLock()  # A signal handler may come in on the thread that holds it.
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
        """Sends the messages and waits for the whole answer. Whatever goes wrong is raised, with what had come in its `reply`.

        model, messages   which model, and a str, one message or a list of them (see Message)
        thinking          True, False, "low", "medium", "high", or None to leave it to the model
        thinking_budget   the most tokens to think with
        starts_thinking   the model's chat template holds the opening <think>, so that only the closing tag comes
        timeout           clocks of this exchange's own, in place of the client's; as for the client
        on_event          called for every event: the answer is then streamed. If it returns False, the exchange is cancelled and
                          the reply given, with Status.CANCELLED; what it raises cancels too, and comes out of this call
        fields            any other field of the request's body, sent as JSON: temperature=0.2, tools=[…]; None is null
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
        """Streams the answer: gives its events to iterate over; with `on_event`, does as send() does. Arguments as for send()."""
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
        """Sends the messages, calls the tools that the model asks for and tells it what they gave, until it answers.

        `tools` are functions; their signatures and docstrings describe them (see Tool). A list of messages is extended by every
        turn, the answer included, so that the conversation can go on. What a tool raises comes out of this call; a mistake of the
        model's is told to the model. LimitError, when it still asks after `max_rounds` answers. Else as send().
        """
        if max_rounds < 1:
            raise InvalidArgumentError(f"max_rounds is at least 1, not {max_rounds}")
        by_name: dict[str, Tool] = {}
        for tool in map(Tool, tools):
            if inspect.iscoroutinefunction(tool.function):
                raise InvalidArgumentError(
                    f"the tool {tool.name} is async, and nobody would wait for it here: give a function that does"
                )
            if by_name.setdefault(tool.name, tool) is not tool:
                raise InvalidArgumentError(f"two tools have the name {tool.name}")
        fields["tools"] = list(by_name.values())
        # What the caller is left with is plain; what goes out has the replies themselves, reasoning and all.
        plain = messages if isinstance(messages, list) else []
        turns = list(listed(messages))
        for _ in range(max_rounds):
            reply = self.send(model, turns, on_event=on_event, **fields)
            if reply.status is not Status.OK:
                return reply
            turns.append(reply)
            plain.append(reply.as_message())
            for call in reply.tool_calls:
                if call.choice == 0:
                    told = answer(by_name, call)
                    turns.append(told)
                    plain.append(told)
            if turns[-1] is reply:
                return reply
        raise LimitError(
            f"the model still asks for tools after {max_rounds} answers", reply, Status.LIMIT
        )

    @property
    def chat(self) -> Chat:
        """For programs written for openai-python: `client.chat.completions.create(model=…, messages=…, stream=…)`."""
        return Chat(self)

    def close(self) -> None:
        """Lets go of the client and its idle connections, once; what is under way goes on. From any thread."""
        with self._own_lock():
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
        with self._own_lock():  # Against close(): nothing here waits for a network.
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

    def _own_lock(self) -> AbstractContextManager[Any]:
        """The client's lock; in a forked child another, for there its parent's may look as if somebody held it."""
        if self._generation != _fork.generation:
            with _fork.lock:
                if self._generation != _fork.generation:
                    self._lock, self._generation = threading.RLock(), _fork.generation
        return self._lock
