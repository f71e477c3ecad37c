"""A streamed and an unstreamed answer give the same document.

The provider sends some members as null in only one of the two forms: `system_fingerprint` and
`logprobs` unstreamed, `refusal` in the chunks of a stream. A client cannot reconstruct them, so
they are excluded from the comparison. All other members are equal. The order of members, which has
no meaning in JSON, is that of the received form.
"""

from __future__ import annotations

from typing import Any

import pytest
from conftest import NEXT, QWEN3, QWEN36, VL, recorded
from thinkwire import Client

RECORDINGS = {
    QWEN3: "qwen3-32b.json",
    NEXT: "qwen3-next-80b-a3b-thinking.json",
    VL: "qwen3-vl-32b-thinking.json",
    QWEN36: "qwen3.6-35b-a3b.json",
}


def without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: without_nulls(member) for name, member in value.items() if member is not None}
    return [without_nulls(element) for element in value] if isinstance(value, list) else value


def nulls(value: Any) -> set[str]:
    """Returns the names of all members that are null, at any depth."""
    if isinstance(value, list):
        return set().union(*map(nulls, value))
    if not isinstance(value, dict):
        return set()
    return {name for name, member in value.items() if member is None}.union(
        *map(nulls, value.values())
    )


@pytest.mark.parametrize("model", RECORDINGS)
def test_streamed_and_unstreamed_documents_are_equal(client: Client, model: str) -> None:
    streamed = client.stream(model, "Hello").finish().json()
    sent = client.send(model, "Hello").json()
    assert sent == recorded(RECORDINGS[model]).document
    assert without_nulls(streamed) == without_nulls(sent)
    assert (nulls(streamed), nulls(sent)) == ({"refusal"}, {"system_fingerprint", "logprobs"})


def test_send_streams_for_models_that_think_only_when_streamed(
    client: Client,
) -> None:
    reply = client.send(QWEN3, "Hello", thinking=True)
    assert reply.raw_json() == client.stream(QWEN3, "Hello", thinking=True).finish().raw_json()
    recording = recorded("qwen3-32b.sse")
    first, last = recording.document[0], recording.document[-1]
    assert without_nulls(reply.json()) == {
        "id": first["id"],
        "object": "chat.completion",
        "created": first["created"],
        "model": first["model"],
        "choices": [
            {
                "index": 0,
                "finish_reason": "stop",
                "message": {
                    "role": "assistant",
                    "content": recording.content,
                    "reasoning_content": recording.reasoning,
                },
            }
        ],
        "usage": last["usage"],
    }
