"""The part of a client that does not depend on how its exchanges run."""

from __future__ import annotations

from ctypes import byref, c_void_p

from . import _fork
from ._handle import Handle, NotCopyable, check
from ._library import library as load_library
from ._request import Messages, Request, build
from ._typing import TYPE_CHECKING, Any, Optional, TypeVar
from .arguments import Arguments
from .errors import MisuseError
from .options import AllOptions, ClientOptions, Options

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager
    from weakref import WeakSet

    from typing_extensions import Unpack

_Client = TypeVar("_Client", bound="BaseClient")

#: The number of clients that a client keeps for with_options() and `extra_headers`.
_VARIANTS = 8


class BaseClient(NotCopyable):
    """Owner of a client of the library."""

    def __init__(
        self,
        base_url: Optional[str] = None,
        api_key: Optional[str] = None,
        **options: Unpack[ClientOptions],
    ) -> None:
        self._library = load_library()
        #: The arguments, for the clients that are derived from this one.
        self._arguments: AllOptions = {"base_url": base_url, "api_key": api_key, **options}
        self._options = Options(self._library, self._arguments)
        # Reentrant because a signal handler may run on the thread that holds the lock.
        self._lock = _fork.RLock()
        self._generation = _fork.generation
        #: Clients with other options, the last used at the end.
        self._variants: dict[object, Any] = {}
        #: Those of them that were forgotten, but are still in use.
        self._forgotten: Optional[WeakSet[Any]] = None
        self._handle: Optional[Handle] = self._create()

    def with_options(self: _Client, **changes: Unpack[AllOptions]) -> _Client:
        """Returns a client with other options; `headers` are added to those of this client.

        The same options return the same client, so that its connections are reused. It is closed
        when this client is closed. Options that neither client was given are read from the
        environment.
        """
        key = tuple((name, _snapshot(value)) for name, value in sorted(changes.items()))
        with self._process_lock():
            # Raises an exception if this client is closed.
            self._address()
            variant: Optional[_Client] = self._variants.pop(key, None)
            if variant is None or variant._handle is None:
                variant = self._variant(changes)
            self._variants[key] = variant
            if len(self._variants) > _VARIANTS:
                # Exchanges in progress, and other references, keep the client.
                self._forget(self._variants.pop(next(iter(self._variants))))
        return variant

    def _variant(self: _Client, changes: AllOptions) -> _Client:
        headers = {**(self._arguments.get("headers") or {}), **(changes.get("headers") or {})}
        changed: AllOptions = {**self._arguments, **changes, "headers": headers}
        return type(self)(**changed)

    def _forget(self, variant: BaseClient) -> None:
        if self._forgotten is None:
            from weakref import WeakSet

            self._forgotten = WeakSet()
        self._forgotten.add(variant)

    def _with_headers(self: _Client, headers: Optional[Mapping[str, str]]) -> _Client:
        """Returns a client that also sends these headers, which the library sets per client."""
        return self.with_options(headers=headers) if headers else self

    def _request(self, model: str, messages: Messages, arguments: Arguments) -> Request:
        """Creates a request from the arguments of `send`. The caller owns it."""
        return build(self._library, model, messages, arguments)

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

    def _taken_variants(self: _Client) -> list[_Client]:
        """Returns the clients with other options, once, so that they are closed with this one."""
        with self._process_lock():
            variants = [*self._variants.values(), *(self._forgotten or ())]
            self._variants, self._forgotten = {}, None
        return variants

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
                    self._lock, self._generation = _fork.RLock(), _fork.generation
        return self._lock


def _snapshot(value: object) -> object:
    """Returns what identifies the value of an option, even if the value is changed later.

    A function is identified by its address, which is not reused as long as its client is kept.
    """
    return id(value) if callable(value) else repr(value)
