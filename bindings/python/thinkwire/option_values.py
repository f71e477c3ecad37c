"""The values of options that have several fields."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional


@dataclass(frozen=True)
class Timeout:
    """Timeouts of an exchange in seconds. None selects the default; 0 disables the timeout."""

    #: Time to establish the connection, including TLS. Default: 10 s.
    connect: Optional[float] = None
    #: Time from the connection to the first byte of the response. Default: 10 min, because a model
    #: may reason for a long time first.
    first_byte: Optional[float] = None
    #: Time without any received bytes. Default: 2 min.
    idle: Optional[float] = None
    #: Time for the whole exchange, including retries and their delays. Default: disabled.
    total: Optional[float] = None


@dataclass(frozen=True)
class Limits:
    """Maximum sizes of a response in bytes. None selects the default.

    A larger response raises LimitError.
    """

    #: One line, or the data of one event, of a stream. Default: 16 MiB.
    event: Optional[int] = None
    #: The body of a response. Default: 256 MiB.
    reply: Optional[int] = None
    #: The headers of a response. Default: 256 KiB.
    headers: Optional[int] = None
