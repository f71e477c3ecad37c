"""Client for OpenAI-compatible chat APIs that streams a model's reasoning and answer separately.

    from thinkwire import Client

    with Client() as client:
        for event in client.stream("alibaba/qwen3-32b", "Hello", thinking=True):
            print(event.kind, event.text)

See Client, Stream, Reply and Error.
"""

from ._library import library as _library
from ._request import stored_messages
from ._typing import TYPE_CHECKING
from ._version import package_version as _package_version
from .client import Client
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
from .reply import Reply
from .stream import Stream

if TYPE_CHECKING:
    from ._enums import Dialect, Status, Thinking
    from ._parse import pydantic_function_tool
    from .async_client import AsyncClient
    from .async_stream import AsyncStream
    from .completions import NOT_GIVEN, NotGiven, omit
    from .images import Image
    from .models import Model, ModelList
    from .openai import AsyncOpenAI, OpenAI
    from .option_values import Limits, Timeout
    from .reply_values import Timing, ToolCall, Usage
    from .tools import Tool

    #: The version of this package.
    __version__: str


def library_version() -> str:
    """Returns the version of libthinkwire. Raises LibraryError if it cannot be loaded."""
    version: bytes = _library().tw_version()
    return version.decode()


#: The names that are imported when they are first used, by module: a program that sends a request
#: and reads its answer does not need them. Type checkers see the imports above.
_LATER = {
    "_enums": ("Dialect", "Status", "Thinking"),
    "_parse": ("pydantic_function_tool",),
    "async_client": ("AsyncClient",),
    "async_stream": ("AsyncStream",),
    "compat": (),
    "completions": ("NOT_GIVEN", "NotGiven", "omit"),
    "images": ("Image",),
    "models": ("Model", "ModelList"),
    "openai": ("AsyncOpenAI", "OpenAI"),
    "option_values": ("Limits", "Timeout"),
    "reply_values": ("Timing", "ToolCall", "Usage"),
    "tools": ("Tool",),
}
_MODULE_OF = {name: module for module, names in _LATER.items() for name in names}


if not TYPE_CHECKING:
    # Hidden from type checkers, which would accept any attribute of a module with __getattr__.
    def __getattr__(name):
        """Returns what is imported on first use, and __version__, for which files are read."""
        if name == "__version__":
            return _package_version() or library_version()
        if name not in _LATER and name not in _MODULE_OF:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        module = import_module(f"{__name__}.{_MODULE_OF.get(name, name)}")
        if name in _LATER:
            return module
        value = globals()[name] = getattr(module, name)
        return value

    def __dir__():
        return sorted({*globals(), *_LATER, *__all__})


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
