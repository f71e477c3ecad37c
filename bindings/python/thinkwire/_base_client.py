"""The part of a client that does not depend on how its exchanges run."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from ctypes import byref, c_void_p
from typing import Any, Optional, Union

from . import _fork
from ._abi import Dialect
from ._handle import Handle, NotCopyable, check
from ._library import library as load_library
from ._log import LogFunction
from ._request import Messages, ThinkingMode, build
from .errors import MisuseError
from .options import Limits, Options, ReasoningTags, TimeoutLike


class BaseClient(NotCopyable):
    """Owner of a client of the library."""

    def __init__(
        self,
        base_url: Optional[str] = None,
        api_key: Optional[str] = None,
        *,
        headers: Optional[Mapping[str, str]] = None,
        timeout: TimeoutLike = None,
        max_retries: Optional[int] = None,
        comments_keep_alive: bool = True,
        require_finish: bool = True,
        proxy: Optional[str] = None,
        no_proxy: Union[str, Iterable[str], None] = None,
        ca_file: Union[str, os.PathLike[str], None] = None,
        ca_directory: Union[str, os.PathLike[str], None] = None,
        limits: Union[Limits, Mapping[str, int], None] = None,
        http_version: Optional[str] = None,
        dialect: Union[str, Dialect, None] = None,
        reasoning_tags: ReasoningTags = None,
        reasoning_replay: Optional[str] = None,
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
            require_finish=require_finish,
            proxy=proxy,
            no_proxy=no_proxy,
            ca_file=ca_file,
            ca_directory=ca_directory,
            limits=limits,
            http_version=http_version,
            dialect=dialect,
            reasoning_tags=reasoning_tags,
            reasoning_replay=reasoning_replay,
            allow_cleartext=allow_cleartext,
            log=log,
        )
        # Reentrant because a signal handler may run on the thread that holds the lock.
        self._lock = threading.RLock()
        self._generation = _fork.generation
        self._handle: Optional[Handle] = self._create()

    def _request(
        self,
        model: str,
        messages: Messages,
        thinking: ThinkingMode,
        thinking_budget: Optional[int],
        starts_thinking: bool,
        timeout: TimeoutLike,
        fields: Mapping[str, Any],
    ) -> Handle:
        """Creates a request from the arguments of `send`. The caller owns it."""
        return build(
            self._library,
            model,
            messages,
            thinking,
            thinking_budget,
            fields,
            starts_thinking,
            timeout,
        )

    def _address(self) -> int:
        """The library's client. The caller holds _process_lock(), to prevent its destruction."""
        if self._handle is None:
            raise MisuseError("the client is closed")
        assert self._handle.address is not None
        return self._handle.address

    def _destroy_handle(self) -> None:
        """Destroys the library's client, if it is not destroyed yet. From any thread."""
        with self._process_lock():
            handle, self._handle = self._handle, None
        if handle is not None:
            handle.close()

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
