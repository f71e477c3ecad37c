"""Responses in the form of openai-python: of errors, and of `with_raw_response`."""

from __future__ import annotations

from ._typing import TYPE_CHECKING, Any, Optional, TypeVar, Union

if TYPE_CHECKING:
    from .compat import Object
    from .reply import Reply

_T = TypeVar("_T")


class Headers:
    """The headers of a response by name, ignoring case.

    They cannot be enumerated: the library looks up single names.
    """

    def __init__(self, reply: Optional[Reply]) -> None:
        self._reply = reply

    def __getitem__(self, name: str) -> str:
        value = self._reply.header(name) if self._reply is not None else None
        if value is None:
            raise KeyError(name)
        return value

    def get(self, name: str, default: Union[str, _T, None] = None) -> Union[str, _T, None]:
        value = self._reply.header(name) if self._reply is not None else None
        return default if value is None else value

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.get(name) is not None

    # Without this, Python would iterate with the indices 0, 1, …
    __iter__ = None


class Response:
    """What programs written for openai-python read of a response.

    The response of an error that was pickled has no headers and no text.
    """

    def __init__(self, status_code: int, reply: Optional[Reply]) -> None:
        #: The HTTP status.
        self.status_code = status_code
        self.headers = Headers(reply)
        #: The JSON of the response; "" if it was not JSON.
        self.text: str = reply.raw_json() if reply is not None else ""

    def json(self) -> Any:
        """Returns the parsed JSON. Raises ValueError if the response was not JSON."""
        import json

        return json.loads(self.text)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} [{self.status_code}]>"


class RawResponse(Response):
    """The response that contains a completion."""

    def __init__(self, reply: Reply, completion: Object) -> None:
        super().__init__(reply.http_status, reply)
        self.request_id = reply.request_id
        self._completion = completion

    def parse(self) -> Object:
        """Returns the chat.completion that create() returns."""
        return self._completion
