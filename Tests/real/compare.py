"""Compares a reply of the library with the bytes that it received, read by the fault oracle."""

from types import SimpleNamespace

import oracle

CALL_ID = 1


def expected_of(response, is_streamed, is_thinking_off):
    """What the library must report of a complete response: the status, and members of the reply.

    `response`: the status, the headers and the body. The oracle reads the body without the library.
    """
    code, headers, body = response
    known = SimpleNamespace(
        status=code,
        headers=headers,
        request={"thinking": "off"} if is_thinking_off else {},
        events=[],
        reply={"status": error_status(code, body)},
    )
    case = oracle.Case("response.sse" if is_streamed else "response.body", body, known)
    outcome = oracle.Oracle(case).after(len(body))
    return outcome.statuses[0], {
        name: value for name, value in outcome.reported.items() if name != "events"
    }


def error_status(code, body):
    """The status for an error response, or for an error in a response with status 200."""
    if code < 300:
        errors = [
            value["error"]
            for value in map(oracle.value_or_none, [body, *data_of(body)])
            if isinstance(value, dict) and value.get("error")
        ]
        code = next((int(error["code"]) for error in errors if isinstance(error, dict)), 500)
    return oracle.status_of_code(code)


def data_of(body):
    return [data for _, data, _ in oracle.events_of(body)]


def reported_by(reply):
    """The same members of a reply of the Python binding."""
    import corpus

    return {
        name: value
        for name, value in corpus.reply_of(reply).items()
        if name not in ("status", "message")
    }


def texts_in(events):
    """The texts of choice 0 that a stream's events add up to."""
    texts = {"reasoning": "", "content": ""}
    for event in events:
        if event.choice == 0 and str(event.kind) in texts:
            texts[str(event.kind)] += event.text
    return texts


def parts_of(reply):
    """What the answer contains, in the words of the scenarios."""
    found = {
        name for name in ("reasoning", "content", "tool_calls", "usage") if getattr(reply, name)
    }
    found |= {reply.finish_reason} if reply.finish_reason else set()
    return found | ({"error"} if reply.status.name not in ("OK", "TRUNCATED") else set())
