"""Talk to an OpenAI-compatible chat API and hear a thinking model think: its reasoning and its answer, apart.

    from thinkwire import Client

    with Client() as client:
        for event in client.stream("alibaba/qwen3-32b", "Hello", thinking=True):
            print(event.kind, event.text)

Client, Stream, Reply and Error say the rest.
"""

from ._abi import VERSION as __version__
from ._abi import Dialect, Status, Thinking
from ._library import library as _library
from .client import Client
from .errors import (
    APIConnectionError,
    APIStatusError,
    AuthenticationError,
    BadRequestError,
    CancelledError,
    Error,
    InvalidArgumentError,
    LibraryError,
    LimitError,
    MisuseError,
    NotFoundError,
    PermissionDeniedError,
    ProtocolError,
    QuotaError,
    RateLimitError,
    ServerError,
    TimeoutError,
    TruncatedError,
)
from .events import Event, EventKind
from .images import Image
from .options import Limits, Timeout
from .reply import Reply, Timing, ToolCall, Usage
from .stream import Stream
from .tools import Tool


def library_version() -> str:
    """The version of the libthinkwire that is loaded; LibraryError if none can be."""
    version: bytes = _library().tw_version()
    return version.decode()


__all__ = [
    "APIConnectionError",
    "APIStatusError",
    "AuthenticationError",
    "BadRequestError",
    "CancelledError",
    "Client",
    "Dialect",
    "Error",
    "Event",
    "EventKind",
    "Image",
    "InvalidArgumentError",
    "LibraryError",
    "LimitError",
    "Limits",
    "MisuseError",
    "NotFoundError",
    "PermissionDeniedError",
    "ProtocolError",
    "QuotaError",
    "RateLimitError",
    "Reply",
    "ServerError",
    "Status",
    "Stream",
    "Thinking",
    "Timeout",
    "TimeoutError",
    "Timing",
    "Tool",
    "ToolCall",
    "TruncatedError",
    "Usage",
    "__version__",
    "library_version",
]
