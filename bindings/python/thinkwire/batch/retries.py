"""Which failures are sent again, and when."""

from __future__ import annotations

import random

from .._enums import Status
from ..reply import Reply

#: Statuses of failures that may not occur again, whatever the HTTP status.
_TRANSIENT = {
    Status.CONNECT,
    Status.NETWORK,
    Status.RATE_LIMITED,
    Status.RESOLVE,
    Status.SERVER,
    Status.TIMEOUT,
    Status.TRUNCATED,
}

#: HTTP statuses that say that the server has too much to do.
_OVERLOAD = {429, 503, 529}

#: HTTP statuses of other failures that may not occur again, as in tw_options_set_retries.
_TRANSIENT_HTTP = {408, 409}

#: Attempts after a rejection because of overload.
OVERLOAD_RETRIES = 50

#: Attempts after a rejection while the server answers others.
LONE_RETRIES = 10

#: Later attempts of a request do not show whether the server is overloaded: it may reject them
#: because of the request itself, for example if it exceeds a limit of tokens on its own.
COUNTED_ATTEMPTS = 3

#: The weight of one request in the part of the recent ones that failed: about twenty are recent.
_WEIGHT = 0.05

#: The longest wait before an attempt, in seconds, if the server names none.
_MAX_BACKOFF = 30.0


class RecentFailures:
    """The part of the recent requests that the server rejected or did not answer in time."""

    def __init__(self) -> None:
        #: From 0 to 1. At first, nothing has shown that the server works.
        self.part = 1.0

    def count(self, has_failed: bool, attempt: int) -> None:
        """Counts a request, which was the given attempt: 1 for the first one."""
        if attempt <= COUNTED_ATTEMPTS:
            self.part += _WEIGHT * (has_failed - self.part)


def is_overload(reply: Reply) -> bool:
    """Whether a server rejected a request because of its rate, or has too much to do."""
    return reply.http_status in _OVERLOAD or reply.status is Status.RATE_LIMITED


def is_transient(reply: Reply) -> bool:
    """Whether a failure may not occur again. What the server says about it takes precedence."""
    said = (reply.header("x-should-retry") or "").lower()
    if said in ("true", "false"):
        return said == "true"
    return reply.status in _TRANSIENT or reply.http_status in _TRANSIENT_HTTP


def backoff(attempts: int) -> float:
    """Returns the wait after this number of failures, in seconds, with jitter."""
    longest: float = min(_MAX_BACKOFF, 0.5 * 2.0 ** min(attempts, 10))
    return longest * random.uniform(0.5, 1)
