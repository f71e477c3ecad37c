#!/usr/bin/env python3
"""Plays the corpus to other clients and prints a table of scores. README.md states the criterion.

rivals.py play CLIENT      plays every case to openai, litellm or liter-llm, which is installed
rivals.py table FILE…      prints the table for the outputs of `play`
"""

import asyncio
import importlib.metadata
import json
import pathlib
import sys

import corpus

MESSAGES = [{"role": "user", "content": "Hello"}]
#: Seconds after which a case has failed. The longest successful one takes milliseconds.
TIMEOUT = 10
ASPECTS = ("outcome", "reasoning", "content", "tool_calls", "finish_reason", "usage")
COUNTS = ("prompt_tokens", "completion_tokens", "total_tokens")


class Received:
    """What a client reported of the first choice, piece by piece."""

    def __init__(self):
        self.texts = {"reasoning": "", "content": ""}
        self.calls, self.finish_reason, self.usage, self.error = {}, None, None, None

    def add(self, chunk, member):
        """Adds a chunk or a complete answer; `member` is the name of its delta or message."""
        self.usage = getattr(chunk, "usage", None) or self.usage
        for choice in chunk.choices or []:
            if choice.index in (0, None):
                self.finish_reason = choice.finish_reason or self.finish_reason
                self.add_delta(getattr(choice, member, None))

    def add_delta(self, delta):
        # openai-python keeps unknown members as attributes.
        reasoning = [getattr(delta, name, None) for name in ("reasoning_content", "reasoning")]
        pieces = {
            "reasoning": next(filter(None, reasoning), None),
            "content": getattr(delta, "content", None),
        }
        for name, piece in pieces.items():
            self.texts[name] += str(piece) if piece is not None else ""
        for position, part in enumerate(getattr(delta, "tool_calls", None) or []):
            index = getattr(part, "index", None)
            call = self.calls.setdefault(position if index is None else index, ["", ""])
            call[0] = call[0] or part.function.name or ""
            call[1] += part.function.arguments or ""

    def wrong_aspects(self, case):
        """The aspects of the case that the client did not report correctly."""
        is_success = self.error is None and self.finish_reason is not None
        if case.reply["status"] != "TW_OK":
            return ["outcome"] if is_success else []
        if self.error is not None:
            return ["outcome"]
        found = {
            "reasoning": self.texts["reasoning"].strip(),
            "content": self.texts["content"].strip(),
            "tool_calls": [call for _, call in sorted(self.calls.items())],
            "finish_reason": self.finish_reason and str(self.finish_reason),
            "usage": {name: getattr(self.usage, name, None) for name in COUNTS},
        }
        usage = case.reply["usage"] or {}
        expected = {
            "reasoning": case.reply["reasoning"].strip(),
            "content": case.reply["content"].strip(),
            "tool_calls": [call[2:4] for call in case.reply["tool_calls"] if not call[4:]],
            "finish_reason": case.reply["finish_reason"],
            "usage": {name: usage.get(name, found["usage"][name]) for name in COUNTS},
        }
        return [name for name in ASPECTS[1:] if found[name] != expected[name]]


# ---- The clients: each adds what it reports to `received` ---------------------------------------


def by_openai(url, is_streamed, received):
    import openai

    options = {"stream": True, "stream_options": {"include_usage": True}} if is_streamed else {}
    with openai.OpenAI(base_url=url, api_key="k", max_retries=0, timeout=TIMEOUT) as client:
        answer = client.chat.completions.create(model="m", messages=MESSAGES, **options)
        for chunk in answer if is_streamed else [answer]:
            received.add(chunk, "delta" if is_streamed else "message")


def by_litellm(url, is_streamed, received):
    import litellm

    litellm.suppress_debug_info = True
    options = {"stream": True, "stream_options": {"include_usage": True}} if is_streamed else {}
    settings = {"api_base": url, "api_key": "k", "max_retries": 0, "timeout": TIMEOUT}
    answer = litellm.completion(model="openai/m", messages=MESSAGES, **settings, **options)
    for chunk in answer if is_streamed else [answer]:
        received.add(chunk, "delta" if is_streamed else "message")


def by_liter_llm(url, is_streamed, received):
    import liter_llm
    from liter_llm.options import ChatCompletionRequest, StreamOptions

    async def play():
        client = liter_llm.create_client("k", url, TIMEOUT, 0, "openai")
        options = {"stream_options": StreamOptions(include_usage=True)} if is_streamed else {}
        request = ChatCompletionRequest(model="openai/m", messages=MESSAGES, **options)
        if is_streamed:
            async for chunk in liter_llm.chat_stream(client, request):
                received.add(chunk, "delta")
        else:
            received.add(await liter_llm.chat(client, request), "message")

    asyncio.run(play())


CLIENTS = {"openai": by_openai, "litellm": by_litellm, "liter-llm": by_liter_llm}


def play(name):
    """Prints one line of JSON for the client, and one for each case: the wrong aspects."""
    print(json.dumps({"client": name, "version": importlib.metadata.version(name)}))
    server = corpus.Server()
    for case in corpus.cases():
        received = Received()
        url = server.url_of(case.name)
        is_streamed = corpus.body_of(corpus.CASES / f"{case.name}.json").suffix == ".sse"
        try:
            CLIENTS[name](url, is_streamed, received)
        except Exception as error:
            received.error = f"{type(error).__name__}: {error}"[:200]
        wrong = received.wrong_aspects(case)
        print(json.dumps({"case": case.name, "wrong": wrong, "error": received.error}))
    server.stop()


def table(paths):
    """Prints for each case what each client got wrong, and the scores."""
    columns = []
    for path in paths:
        first, *rest = map(json.loads, pathlib.Path(path).read_text().splitlines())
        title = f"{first['client']} {first['version']}"
        columns.append((title, {line["case"]: line["wrong"] for line in rest}))
    names = [case.name for case in corpus.cases()]
    assert all(list(results) == names for _, results in columns), "an output is incomplete"
    width = max(map(len, names))
    print(" " * width, *(f"{title:24}" for title, _ in columns))
    for name in names:
        cells = [", ".join(results[name]) or "pass" for _, results in columns]
        print(f"{name:{width}}", *(f"{cell:24}" for cell in cells))
    print()
    for title, results in columns:
        wrong = [aspect for aspects in results.values() for aspect in aspects]
        passed = sum(not aspects for aspects in results.values())
        counts = ", ".join(f"{aspect} {wrong.count(aspect)}" for aspect in ASPECTS)
        print(f"{title}: {passed} of {len(names)} passed; wrong: {counts}")
    failed_by_all = [name for name in names if all(results[name] for _, results in columns)]
    print(f"passed by none of them: {len(failed_by_all)}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["play"] and sys.argv[2:3] and sys.argv[2] in CLIENTS:
        play(sys.argv[2])
    elif sys.argv[1:2] == ["table"] and sys.argv[2:]:
        table(sys.argv[2:])
    else:
        sys.exit(__doc__)
