"""Answers the prompts of a Ray data set on the workers of a cluster: `thinkwire.ray.map_batches`.

Requires ray and pyarrow: pip install 'thinkwire[ray]'.
"""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING, Any, Callable, Optional

import pyarrow
import ray

from ._enums import Status
from .arguments import Arguments
from .async_client import AsyncClient
from .batch.inputs import without_nulls
from .batch.limits import demanded_pause, used_tokens
from .batch.retries import (
    COUNTED_ATTEMPTS,
    LONE_RETRIES,
    OVERLOAD_RETRIES,
    RecentFailures,
    backoff,
    is_overload,
    is_transient,
)
from .batch.shared_rate import SharedRate
from .errors import Error
from .options import ClientOptions
from .reply import Reply

if TYPE_CHECKING:
    from typing_extensions import Unpack

#: The columns that are added, with the function that reads each from a reply.
_COLUMNS: dict[str, tuple[Any, Callable[[Reply], Any]]] = {
    "content": (pyarrow.string(), lambda reply: reply.content),
    "reasoning": (pyarrow.string(), lambda reply: reply.reasoning),
    "finish_reason": (pyarrow.string(), lambda reply: reply.finish_reason),
    "prompt_tokens": (pyarrow.int64(), lambda reply: reply.usage and reply.usage.prompt_tokens),
    "completion_tokens": (
        pyarrow.int64(),
        lambda reply: reply.usage and reply.usage.completion_tokens,
    ),
}

#: If less than this part of the requests of a worker fails, one that is rejected again and again is
#: itself the cause. The shared rate is adapted by rejections, which are about a sixth of all.
_OVERLOAD = 0.5


def map_batches(
    dataset: Any,
    model: str,
    *,
    prompt: str = "prompt",
    workers: int = 1,
    num_cpus: Optional[float] = None,
    concurrency: int = 64,
    batch_size: int = 256,
    rpm: Optional[float] = None,
    tpm: Optional[float] = None,
    retries: int = 4,
    base_url: Optional[str] = None,
    api_key: Optional[str] = None,
    arguments: Optional[Arguments] = None,
    **options: Unpack[ClientOptions],
) -> Any:
    """Returns the data set with columns for the answers. The prompts are sent when it is read.

    The column `prompt` contains texts or lists of messages. The new columns are content, reasoning,
    finish_reason, prompt_tokens, completion_tokens and error; they replace columns of these names.
    A row whose prompt was not answered has a text in `error`, and in the other columns what was
    received; elsewhere `error` is null.

    Each of the `workers` is an actor with one AsyncClient, which sends up to `concurrency` requests
    at once. It reserves `num_cpus` processors of the cluster: one if this is None, which is more
    than it uses. One more actor limits the rate of all workers: to `rpm` requests and `tpm` tokens
    per minute, and to what the server accepts. `arguments` are those of AsyncClient.send, and the
    other options those of AsyncClient; without `base_url` and `api_key`, each worker reads them
    from its environment. Ray may execute a batch again after a worker has failed.
    """
    if prompt in (*_COLUMNS, "error"):
        raise ValueError(f"the column {prompt} is replaced by the answers; rename it")
    # If its machine fails, it begins anew on another one.
    actor = ray.remote(num_cpus=0, max_restarts=-1, max_task_retries=-1)(_Limits)
    limits = actor.remote(rpm, tpm)
    client: dict[str, Any] = {"base_url": base_url, "api_key": api_key, **options, "max_retries": 0}
    return dataset.map_batches(
        _Worker,
        fn_constructor_args=(limits, client, model, arguments or {}, prompt, concurrency, retries),
        batch_format="pyarrow",
        batch_size=batch_size,
        concurrency=workers,
        num_cpus=num_cpus,
    )


def _with_column(table: Any, name: str, values: Any) -> Any:
    """Returns the table with a column, in place of one of that name."""
    if name in table.column_names:
        return table.set_column(table.column_names.index(name), name, values)
    return table.append_column(name, values)


class _Limits:
    """The actor that all workers ask before they send a request."""

    def __init__(self, rpm: Optional[float], tpm: Optional[float]) -> None:
        self._rate = SharedRate(rpm, tpm, time.monotonic())

    def request(self, tokens: float) -> tuple[bool, float]:
        return self._rate.request(tokens, time.monotonic())

    def correct(self, tokens: float) -> None:
        self._rate.correct(tokens, time.monotonic())

    def rejected(self, age: float, pause: float) -> None:
        """`age` is the time since the request was sent: the clocks of machines differ."""
        now = time.monotonic()
        self._rate.rejected(now - age, pause, now)


class _Worker:
    """The actor that answers batches of rows."""

    def __init__(
        self,
        limits: Any,
        client: dict[str, Any],
        model: str,
        arguments: Arguments,
        prompt: str,
        concurrency: int,
        retries: int,
    ) -> None:
        self._limits = limits
        self._client = AsyncClient(**client)
        self._client.max_exchanges = self._client.max_connections = concurrency
        self._model = model
        self._arguments = arguments
        self._prompt = prompt
        self._concurrency = concurrency
        self._retries = retries
        self._failures = RecentFailures()
        # The mean of completion tokens, for estimates.
        maximum = arguments.get("max_completion_tokens") or arguments.get("max_tokens")
        self._completion_tokens = float(maximum or 0)
        # One for all batches, because connections belong to an event loop.
        self._event_loop = asyncio.new_event_loop()

    def __call__(self, table: Any) -> Any:
        results = self._event_loop.run_until_complete(
            self._all(table.column(self._prompt).to_pylist())
        )
        for name, (kind, value) in _COLUMNS.items():
            values = [None if reply is None else value(reply) for reply, _ in results]
            table = _with_column(table, name, pyarrow.array(values, kind))
        errors = [error for _, error in results]
        return _with_column(table, "error", pyarrow.array(errors, pyarrow.string()))

    async def _all(self, prompts: list[Any]) -> list[tuple[Optional[Reply], Optional[str]]]:
        slots, asking = asyncio.Semaphore(self._concurrency), asyncio.Lock()

        async def in_slot(prompt: Any) -> tuple[Optional[Reply], Optional[str]]:
            async with slots:
                try:
                    return await self._answer(prompt, asking)
                except (TypeError, ValueError, RecursionError) as error:
                    return None, f"the prompt cannot be sent: {error}"

        tasks = [asyncio.ensure_future(in_slot(prompt)) for prompt in prompts]
        try:
            return await asyncio.gather(*tasks)
        finally:
            # If one fails, for example because the cluster ends, the others do not continue.
            for task in tasks:
                task.cancel()

    async def _answer(
        self, prompt: Any, asking: asyncio.Lock
    ) -> tuple[Optional[Reply], Optional[str]]:
        """Returns the reply, and the reason if it is not an answer."""
        prompt = without_nulls(prompt)
        prompt_tokens = len(json.dumps(prompt, default=lambda _: "")) / 4
        # Lone rejections are those while the server answers others.
        attempt = overloads = lone = 0
        while True:
            attempt += 1
            estimate = prompt_tokens + self._completion_tokens
            async with asking:
                await self._permission(estimate)
            sent_at = time.monotonic()
            try:
                reply = await self._client.send(self._model, prompt, **self._arguments)
            except Error as error:
                if error.reply is None:
                    return None, str(error)
                reply = error.reply
            if reply.usage is not None:
                self._limits.correct.remote(used_tokens(reply.usage) - estimate)
                completion = reply.usage.completion_tokens or 0
                self._completion_tokens += (completion - self._completion_tokens) / 20
            is_rejected = is_overload(reply)
            self._failures.count(is_rejected or reply.status is Status.TIMEOUT, attempt)
            if reply.status is Status.OK:
                return reply, None
            overloads += is_rejected
            failures = attempt - overloads
            wait = backoff(overloads if is_rejected else failures)
            if is_rejected:
                pause = demanded_pause(reply.header, time.time()) or 0.0
                is_lone = self._failures.part < _OVERLOAD
                lone += is_lone
                if is_lone and attempt > COUNTED_ATTEMPTS:
                    # Only this row waits.
                    wait = max(wait, pause)
                else:
                    self._limits.rejected.remote(time.monotonic() - sent_at, pause)
            may_retry = (
                is_transient(reply)
                and failures <= self._retries
                and overloads <= OVERLOAD_RETRIES
                and lone <= LONE_RETRIES
            )
            if not may_retry:
                return reply, reply.message
            await asyncio.sleep(wait)

    async def _permission(self, estimate: float) -> None:
        """Waits until the limits of all workers permit a request."""
        is_permitted = False
        while not is_permitted:
            is_permitted, wait = await self._limits.request.remote(estimate)
            await asyncio.sleep(wait)
