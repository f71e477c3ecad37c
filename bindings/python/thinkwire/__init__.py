"""Client for OpenAI-compatible chat APIs that streams a model's reasoning and answer separately.

    from thinkwire import Client

    with Client() as client:
        for event in client.stream("alibaba/qwen3-32b", "Hello", thinking=True):
            print(event.kind, event.text)

See Client, Stream, Reply and Error.
"""

from typing import TYPE_CHECKING

from ._abi import Dialect, Status, Thinking
from ._library import library as _library
from ._parse import pydantic_function_tool
from ._request import stored_messages
from ._version import package_version as _package_version
from .async_client import AsyncClient
from .async_stream import AsyncStream
from .client import Client
from .completions import NOT_GIVEN, NotGiven, omit
from .errors import (
    APIConnectionError,
    APIError,
    APIResponseValidationError,
    APIStatusError,
    APITimeoutError,
    AuthenticationError,
    BadRequestError,
    CancelledError,
    ConflictError,
    ContentFilterFinishReasonError,
    Error,
    InternalServerError,
    InvalidArgumentError,
    LengthFinishReasonError,
    LibraryError,
    LimitError,
    MisuseError,
    NotFoundError,
    OpenAIError,
    PermissionDeniedError,
    ProtocolError,
    QuotaError,
    RateLimitError,
    ServerError,
    TimeoutError,
    TruncatedError,
    UnprocessableEntityError,
)
from .event_batch import EventBatch
from .events import Event, EventKind
from .images import Image
from .models import Model, ModelList
from .openai import AsyncOpenAI, OpenAI
from .options import Limits, Timeout
from .reply import Reply, Timing, ToolCall, Usage
from .stream import Stream
from .tools import Tool


def library_version() -> str:
    """Returns the version of libthinkwire. Raises LibraryError if it cannot be loaded."""
    version: bytes = _library().tw_version()
    return version.decode()


if TYPE_CHECKING:
    #: The version of this package.
    __version__: str
else:
    # Hidden from type checkers, which would accept any attribute of a module with __getattr__.
    def __getattr__(name: str) -> str:
        """Computes __version__ on first use: importing the package reads no files."""
        if name != "__version__":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return _package_version() or library_version()


__all__ = [
    "APIConnectionError",
    "APIError",
    "APIResponseValidationError",
    "APIStatusError",
    "APITimeoutError",
    "AsyncClient",
    "AsyncOpenAI",
    "AsyncStream",
    "AuthenticationError",
    "BadRequestError",
    "CancelledError",
    "Client",
    "ConflictError",
    "ContentFilterFinishReasonError",
    "Dialect",
    "Error",
    "Event",
    "EventBatch",
    "EventKind",
    "Image",
    "InternalServerError",
    "InvalidArgumentError",
    "LengthFinishReasonError",
    "LibraryError",
    "LimitError",
    "Limits",
    "MisuseError",
    "Model",
    "ModelList",
    "NOT_GIVEN",
    "NotFoundError",
    "NotGiven",
    "OpenAI",
    "OpenAIError",
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
    "UnprocessableEntityError",
    "Usage",
    "__version__",
    "library_version",
    "omit",
    "pydantic_function_tool",
    "stored_messages",
]
