"""The lines of the output, in the format of OpenAI batch results."""

from __future__ import annotations

import json
from typing import Any, Optional

from .._enums import Status
from ..reply import Reply
from .inputs import InputLine


def result_line(line: InputLine, reply: Optional[Reply], code: str, message: str) -> bytes:
    """Returns the line of the output for the end of an exchange.

    A failure has an `error`, also if there is a response. The body of the response contains what
    was received of an incomplete answer. `reply` is None if nothing was sent.
    """
    response: Optional[dict[str, Any]] = None
    if reply is not None and reply.http_status:
        response = {
            "status_code": reply.http_status,
            "request_id": reply.request_id or "",
            "body": _document(reply),
        }
    error = None if code == Status.OK.name else {"code": code.lower(), "message": message}
    result = {
        "id": line.result_id,
        "custom_id": line.custom_id,
        "response": response,
        "error": error,
    }
    # ASCII, because many programs also split lines at U+2028 and U+0085.
    return json.dumps(result, separators=(",", ":")).encode() + b"\n"


def is_failure(line: dict[str, Any]) -> bool:
    """Whether a line of the output reports a failure, also in the files of OpenAI."""
    response = line.get("response")
    if line.get("error") or not isinstance(response, dict):
        return True
    status = response.get("status_code")
    return not (isinstance(status, int) and 200 <= status < 300)


def _document(reply: Reply) -> Any:
    """Returns the JSON of a response; None if it is not JSON."""
    try:
        # NaN is not JSON; it becomes null.
        return json.loads(reply.raw_json(), parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        return None
