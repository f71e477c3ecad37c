"""The exceptions: one for each way in which an exchange can end, named as a user of openai-python expects.

Error
 ├── InvalidArgumentError (ValueError)            the caller's mistake, found before anything was sent
 ├── MisuseError (RuntimeError)             a call that is not allowed now
 ├── LibraryError (ImportError)             libthinkwire itself is missing or not the right one
 ├── CancelledError                         by cancel() from another thread
 ├── APIConnectionError (ConnectionError)   no name, no connection, no trust, cut before a response
 │    └── TimeoutError (TimeoutError)       a clock ran out; the message says which
 ├── APIStatusError                         the server refused
 │    ├── AuthenticationError               401
 │    ├── PermissionDeniedError             403
 │    ├── QuotaError                        402, or the credit is used up
 │    ├── NotFoundError                     404
 │    ├── BadRequestError                   400, 413, 422 and other 4xx
 │    ├── RateLimitError                    429
 │    └── ServerError                       5xx, or an error in the middle of a stream
 ├── TruncatedError                         the stream broke off; what had come is in .reply
 ├── ProtocolError                          not what the protocol promises
 └── LimitError                             larger than a limit allows
"""

from __future__ import annotations

import builtins
from typing import TYPE_CHECKING, Any, Optional

from ._abi import Status

if TYPE_CHECKING:
    from .reply import Reply


class Error(Exception):
    """Whatever goes wrong here. `reply` holds all that had arrived, when an exchange had begun."""

    #: What an error of this class has for a status when no reply says it.
    default_status = Status.INVALID

    def __init__(
        self, message: str, reply: Optional[Reply] = None, status: Optional[Status] = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.reply = reply
        self.status: Status = (
            status
            if status is not None
            else reply.status
            if reply is not None
            else self.default_status
        )
        #: The HTTP status; 0 if no response came. It can be 200: a stream can fail in its middle.
        self.http_status: int = reply.http_status if reply is not None else 0
        #: What the provider calls this request, to be quoted to its support.
        self.request_id: Optional[str] = reply.request_id if reply is not None else None

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> tuple[Any, ...]:
        # To another process goes all but the reply, which belongs to this one.
        return type(self), (self.message,), {**self.__dict__, "reply": None}


class InvalidArgumentError(Error, ValueError):
    """The caller's mistake; the message names the argument and what is wrong with it. Nothing was sent."""


class MisuseError(Error, RuntimeError):
    """A call that is not allowed now, such as one on a closed client."""

    default_status = Status.MISUSE


class LibraryError(Error, ImportError):
    """libthinkwire was not found, does not load, or is not of a version that this package knows."""

    default_status = Status.MISUSE


class CancelledError(Error):
    """The exchange was cancelled from another thread. What had come is in `reply`."""

    default_status = Status.CANCELLED


class APIConnectionError(Error, ConnectionError):
    """No name, no connection or no trust, or the connection was cut before a response; `status` says which."""

    default_status = Status.NETWORK


class TimeoutError(APIConnectionError, builtins.TimeoutError):
    """A clock ran out: the message says which one, and how long it was."""

    default_status = Status.TIMEOUT


class APIStatusError(Error):
    """The server refused, as an HTTP status or in the middle of a stream; the message has the provider's own words."""

    default_status = Status.SERVER


class AuthenticationError(APIStatusError):
    """401: no key, or not a valid one."""

    default_status = Status.AUTH


class PermissionDeniedError(APIStatusError):
    """403: the key may not do this."""

    default_status = Status.FORBIDDEN


class QuotaError(APIStatusError):
    """402, or a refusal that says that the credit is used up."""

    default_status = Status.QUOTA


class NotFoundError(APIStatusError):
    """404: no such model, or no such path under the base URL."""

    default_status = Status.NOT_FOUND


class BadRequestError(APIStatusError):
    """400, 413, 422 and any other 4xx: the server refuses this request."""

    default_status = Status.BAD_REQUEST


class RateLimitError(APIStatusError):
    """429: too many requests for now."""

    default_status = Status.RATE_LIMITED


class ServerError(APIStatusError):
    """5xx, or an error of the server's in the middle of a stream."""

    default_status = Status.SERVER


class TruncatedError(Error):
    """The stream broke off before the model had finished. What had come is in `reply`."""

    default_status = Status.TRUNCATED


class ProtocolError(Error):
    """The answer is not what the protocol promises."""

    default_status = Status.PROTOCOL


class LimitError(Error):
    """The answer is larger than a limit allows."""

    default_status = Status.LIMIT


#: The exception for each status but OK.
BY_STATUS: dict[Status, type[Error]] = {
    Status.INVALID: InvalidArgumentError,
    Status.MISUSE: MisuseError,
    Status.CANCELLED: CancelledError,
    Status.RESOLVE: APIConnectionError,
    Status.CONNECT: APIConnectionError,
    Status.TLS: APIConnectionError,
    Status.NETWORK: APIConnectionError,
    Status.TIMEOUT: TimeoutError,
    Status.AUTH: AuthenticationError,
    Status.FORBIDDEN: PermissionDeniedError,
    Status.QUOTA: QuotaError,
    Status.NOT_FOUND: NotFoundError,
    Status.BAD_REQUEST: BadRequestError,
    Status.RATE_LIMITED: RateLimitError,
    Status.SERVER: ServerError,
    Status.TRUNCATED: TruncatedError,
    Status.PROTOCOL: ProtocolError,
    Status.LIMIT: LimitError,
}


def error_of(reply: Reply) -> Error:
    """The exception that tells of a reply which is not OK."""
    return BY_STATUS[reply.status](reply.message, reply)
