"""The exceptions: one for each way in which an exchange can fail, named as in openai-python.

Error
 ├── InvalidArgumentError (ValueError)      an argument is invalid; nothing was sent
 ├── MisuseError (RuntimeError)             the call is not allowed in the current state
 ├── LibraryError (ImportError)             libthinkwire is missing or incompatible
 ├── CancelledError                         another thread or task cancelled the exchange
 ├── APIConnectionError (ConnectionError)   name resolution, connection or TLS failed,
 │    │                                     or the connection was lost before a response
 │    └── TimeoutError (TimeoutError)       a timeout expired; the message names it
 ├── APIStatusError                         the server returned an error response
 │    ├── AuthenticationError               401
 │    ├── PermissionDeniedError             403
 │    ├── QuotaError                        402, or the credit is used up
 │    ├── NotFoundError                     404
 │    ├── BadRequestError                   400, 413 and other 4xx
 │    │    ├── ConflictError                409
 │    │    └── UnprocessableEntityError     422
 │    ├── RateLimitError                    429
 │    └── ServerError                       5xx, or an error within a stream
 ├── TruncatedError                         the stream ended early; .reply has the received part
 ├── ProtocolError                          the response violates the protocol
 ├── LimitError                             the response exceeds a limit
 ├── LengthFinishReasonError                parse() received an answer that max_tokens ended,
 └── ContentFilterFinishReasonError         or that a content filter ended

The other names of openai-python are aliases; they are at the end of this file.
"""

from __future__ import annotations

import builtins

from . import _abi
from ._typing import TYPE_CHECKING, Any, Optional

if TYPE_CHECKING:
    from ._enums import Status
    from .reply import Reply
    from .response import Response


class Error(Exception):
    """Base class of all exceptions of this package.

    `reply` contains everything received so far; it is None if no exchange was started.
    """

    #: The status of an error without a reply.
    default_status = _abi.TW_INVALID

    #: The error in the JSON of an error response, as openai-python reports it: the value of the
    #: member "error", or else the whole document. None without JSON.
    body: Any = None
    #: The members of `body` with these names; None if it has none.
    code: Any = None
    type: Any = None
    param: Any = None

    def __init__(
        self, message: str, reply: Optional[Reply] = None, status: Optional[Status] = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.reply = reply
        if status is None:
            from ._enums import Status

            status = reply.status if reply is not None else Status(self.default_status)
        self.status: Status = status
        #: The HTTP status; 0 without a response. It is 200 if the error occurred within a stream.
        self.http_status: int = reply.http_status if reply is not None else 0
        #: The provider's identifier of the request, for inquiries to its support.
        self.request_id: Optional[str] = reply.request_id if reply is not None else None

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> tuple[Any, ...]:
        # The reply belongs to this process, so a pickled error does not contain it.
        return type(self), (self.message,), {**self.__dict__, "reply": None}


class InvalidArgumentError(Error, ValueError):
    """An argument is invalid; the message names it and the reason. Nothing was sent."""


class MisuseError(Error, RuntimeError):
    """The call is not allowed in the current state, for example on a closed client."""

    default_status = _abi.TW_MISUSE


class LibraryError(Error, ImportError):
    """libthinkwire was not found, cannot be loaded, or has an incompatible version."""

    default_status = _abi.TW_MISUSE


class CancelledError(Error):
    """The exchange was cancelled from another thread or task, or its AsyncClient was closed.

    `reply` contains the received part. It is not the exception with which asyncio ends a task.
    """

    default_status = _abi.TW_CANCELLED


class APIConnectionError(Error, ConnectionError):
    """Name resolution, connection or TLS failed, or the connection was lost before a response.

    `status` distinguishes these cases.
    """

    default_status = _abi.TW_NETWORK


class TimeoutError(APIConnectionError, builtins.TimeoutError):
    """A timeout expired. The message contains its name and its duration."""

    default_status = _abi.TW_TIMEOUT


class APIStatusError(Error):
    """The server returned an error response or an error within a stream.

    The message contains the text of the provider.
    """

    default_status = _abi.TW_SERVER

    def __init__(
        self, message: str, reply: Optional[Reply] = None, status: Optional[Status] = None
    ) -> None:
        super().__init__(message, reply, status)
        self.body = _body_of(reply)
        if isinstance(self.body, dict):
            self.code, self.type, self.param = map(self.body.get, ("code", "type", "param"))

    @property
    def status_code(self) -> int:
        """The HTTP status, as in openai-python."""
        return self.http_status

    @property
    def response(self) -> Response:
        """The response, as in openai-python: its `headers`, its `text` and its `json()`."""
        from .response import Response

        return Response(self.http_status, self.reply)


class AuthenticationError(APIStatusError):
    """401: the API key is missing or invalid."""

    default_status = _abi.TW_AUTH


class PermissionDeniedError(APIStatusError):
    """403: the API key has no permission for this request."""

    default_status = _abi.TW_FORBIDDEN


class QuotaError(APIStatusError):
    """402, or an error response which says that the credit is used up."""

    default_status = _abi.TW_QUOTA


class NotFoundError(APIStatusError):
    """404: the model, or the path under the base URL, does not exist."""

    default_status = _abi.TW_NOT_FOUND


class BadRequestError(APIStatusError):
    """400, 413 or another 4xx: the server rejected the request."""

    default_status = _abi.TW_BAD_REQUEST


class ConflictError(BadRequestError):
    """409: the request conflicts with another one."""


class UnprocessableEntityError(BadRequestError):
    """422: the server understood the request, but cannot process it."""


class RateLimitError(APIStatusError):
    """429: too many requests."""

    default_status = _abi.TW_RATE_LIMITED


class ServerError(APIStatusError):
    """5xx, or an error reported by the server within a stream."""

    default_status = _abi.TW_SERVER


class TruncatedError(Error):
    """The stream ended before the model had finished. `reply` contains the received part."""

    default_status = _abi.TW_TRUNCATED


class ProtocolError(Error):
    """The response violates the protocol."""

    default_status = _abi.TW_PROTOCOL


class LimitError(Error):
    """The response exceeds a limit."""

    default_status = _abi.TW_LIMIT


class LengthFinishReasonError(Error):
    """The answer cannot be parsed because it reached the maximum number of tokens."""

    default_status = _abi.TW_LIMIT
    #: The chat.completion with the received part.
    completion: Any = None


class ContentFilterFinishReasonError(Error):
    """The answer cannot be parsed because a content filter ended it."""

    default_status = _abi.TW_LIMIT


#: The exception for every status except OK.
BY_STATUS: dict[int, type[Error]] = {
    _abi.TW_INVALID: InvalidArgumentError,
    _abi.TW_MISUSE: MisuseError,
    _abi.TW_CANCELLED: CancelledError,
    _abi.TW_RESOLVE: APIConnectionError,
    _abi.TW_CONNECT: APIConnectionError,
    _abi.TW_TLS: APIConnectionError,
    _abi.TW_NETWORK: APIConnectionError,
    _abi.TW_TIMEOUT: TimeoutError,
    _abi.TW_AUTH: AuthenticationError,
    _abi.TW_FORBIDDEN: PermissionDeniedError,
    _abi.TW_QUOTA: QuotaError,
    _abi.TW_NOT_FOUND: NotFoundError,
    _abi.TW_BAD_REQUEST: BadRequestError,
    _abi.TW_RATE_LIMITED: RateLimitError,
    _abi.TW_SERVER: ServerError,
    _abi.TW_TRUNCATED: TruncatedError,
    _abi.TW_PROTOCOL: ProtocolError,
    _abi.TW_LIMIT: LimitError,
}


#: More specific exceptions for some of the HTTP statuses that the library reports as BAD_REQUEST.
_BAD_REQUESTS: dict[int, type[Error]] = {409: ConflictError, 422: UnprocessableEntityError}


def error_of(reply: Reply) -> Error:
    """Returns the exception for a reply whose status is not OK."""
    kind = BY_STATUS[reply.status]
    if kind is BadRequestError:
        kind = _BAD_REQUESTS.get(reply.http_status, kind)
    return kind(reply.message, reply)


def _body_of(reply: Optional[Reply]) -> Any:
    import json

    try:
        document = json.loads(reply.raw_json()) if reply is not None else None
    except (ValueError, RecursionError):
        # No JSON was received, or nothing that Python can parse.
        return None
    return document.get("error", document) if isinstance(document, dict) else document


# The names of openai-python.
APIError = OpenAIError = Error
APITimeoutError = TimeoutError
APIResponseValidationError = ProtocolError
InternalServerError = ServerError
