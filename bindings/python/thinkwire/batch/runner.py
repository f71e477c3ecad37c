"""Sends the requests of a run and writes their answers."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from ctypes import byref, c_void_p
from dataclasses import dataclass
from functools import partial
from typing import Any, Callable, Optional

from .._enums import Status
from .._handle import check
from .._request import Request
from ..async_client import AsyncClient
from ..async_stream import AsyncStream
from ..errors import Error, InvalidArgumentError
from ..reply import Reply
from ..reply_values import Usage
from .concurrency import AdaptiveConcurrency
from .cost import Prices, priced
from .inputs import InputLine
from .journal import Journal
from .limits import RateLimits, demanded_pause, exhausted_for
from .progress import Progress
from .results import result_line
from .retries import OVERLOAD_RETRIES, TRANSIENT, backoff, is_overload

#: Statuses with which every further request would fail, too. They stop the run.
_FATAL = {Status.AUTH, Status.QUOTA}

#: Seconds between two calls that sync the output and show the progress.
_SYNC_INTERVAL = 0.5

#: The part of the bytes of a request body that is its estimated number of tokens.
_TOKENS_PER_BYTE = 0.25


@dataclass(frozen=True)
class Settings:
    """The settings of a run."""

    concurrency: int = 200
    #: Attempts after a failure. Rejections because of overload do not count.
    retries: int = 4
    rpm: Optional[float] = None
    tpm: Optional[float] = None
    max_cost: Optional[float] = None
    #: USD per million prompt tokens and completion tokens, for servers that report no cost.
    prices: Optional[Prices] = None


class Runner:
    """One run over the lines of an input, in one event loop.

    `client` must not retry by itself: the run has to see each rejection.
    """

    def __init__(
        self, client: AsyncClient, journal: Journal, settings: Settings, progress: Progress
    ) -> None:
        self._client = client
        self._journal = journal
        self._settings = settings
        self._progress = progress
        now = time.monotonic()
        self._limits = RateLimits(settings.rpm, settings.tpm, now)
        self._concurrency = AdaptiveConcurrency(settings.concurrency)
        #: The lines that are not finished. Some of them wait before another attempt.
        self._running: set[asyncio.Task[None]] = set()
        #: The number of requests without a reply, and the bytes of the bodies of all lines.
        self._sending = 0
        self._bytes_in_progress = 0
        self._changed = asyncio.Event()
        #: The mean of completion tokens, for estimates.
        self._completion_tokens = 0.0
        #: The cost of the answers of this run, and the bytes of their requests, for estimates.
        self._billed_cost = 0.0
        self._billed_bytes = 0
        #: Why the run stopped before the end of the input.
        self.stop_reason: Optional[str] = None
        self._failure: Optional[BaseException] = None

    async def run(self, lines: Iterator[InputLine], show: Callable[[bool], None]) -> None:
        """Sends all lines that are not finished. Raises OSError if the output cannot be written.

        If the task is cancelled, the exchanges in progress are cancelled, and the received answers
        are on the disk.
        """
        syncing = asyncio.ensure_future(self._sync_regularly(show))
        try:
            for line in lines:
                if line.custom_id in self._journal.finished:
                    continue
                body = json.dumps(line.body).encode()
                if not (await self._wait_for_slot(body) and await self._reserve(body)):
                    break
                task = asyncio.ensure_future(self._complete(line, body))
                self._running.add(task)
                self._bytes_in_progress += len(body)
                task.add_done_callback(partial(self._ended, len(body)))
            while self._running and self._failure is None:
                await self._change()
        finally:
            tasks = [syncing, *self._running]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            show(True)
        if self._failure is not None:
            raise self._failure

    def stop(self, reason: str) -> None:
        """Sends nothing more. The exchanges in progress are completed."""
        self.stop_reason = self.stop_reason or reason
        self._changed.set()

    async def _wait_for_slot(self, body: bytes) -> bool:
        """Waits until one more line may run. Returns False if the run is stopped."""
        while self.stop_reason is None:
            if len(self._running) < self._concurrency.limit and not self._would_exceed_cost(body):
                return True
            if self._running:
                await self._change()
            else:
                self.stop(f"--max-cost {self._settings.max_cost} is reached")
        return False

    def _would_exceed_cost(self, body: bytes) -> bool:
        """Whether the expected cost exceeds its maximum with one more request.

        A request is expected to cost the mean, or the mean per byte if that is more.
        """
        maximum, progress = self._settings.max_cost, self._progress
        if maximum is None:
            return False
        if progress.cost is None:
            # One request at a time, until the cost of one is known.
            return bool(self._running)
        # As many as there are lines in the output, because the cost is theirs.
        finished = progress.skipped + progress.answered + progress.failed
        mean = progress.cost / max(1, finished)
        mean_per_byte = self._billed_cost / max(1, self._billed_bytes)
        expected = max(
            mean * (len(self._running) + 1),
            mean_per_byte * (self._bytes_in_progress + len(body)),
        )
        return progress.cost + expected > maximum

    async def _reserve(self, body: bytes) -> bool:
        """Waits until the limits permit a request, and counts it with its estimated tokens.

        This includes lines that are sent again: after an overload, more lines may be in progress
        than requests are permitted. Returns False if the run is stopped.
        """
        while self.stop_reason is None:
            now = time.monotonic()
            wait = self._limits.wait(now)
            if wait > 0:
                # Not longer, so that a stopped run ends soon.
                await asyncio.sleep(min(wait, 1.0))
            elif self._sending < self._concurrency.limit:
                self._sending += 1
                self._limits.send(self._estimate(body), now)
                return True
            else:
                await self._change()
        return False

    def _estimate(self, body: bytes) -> float:
        return len(body) * _TOKENS_PER_BYTE + self._completion_tokens

    async def _change(self) -> None:
        """Waits until a request has a reply or the run is stopped."""
        self._changed.clear()
        await self._changed.wait()

    def _ended(self, length: int, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._bytes_in_progress -= length
        if not task.cancelled() and task.exception() is not None:
            self._failure = self._failure or task.exception()
            self.stop(f"{task.exception()}")
        self._changed.set()

    async def _complete(self, line: InputLine, body: bytes) -> None:
        """Sends a line until it is answered or cannot be, and writes the result.

        The caller has called _reserve() for the first attempt.
        """
        failures = overloads = 0
        while True:
            estimate = self._estimate(body)
            sent_at = time.monotonic()
            try:
                reply = await self._send(line, body)
            except InvalidArgumentError as error:
                return self._write(line, None, error.status, str(error))
            finally:
                self._sending -= 1
                self._changed.set()
            status = reply.status
            self._count(reply, body, estimate)
            if status is Status.OK:
                self._concurrency.answered(len(self._running), time.monotonic())
                return self._write(line, reply, status, "")
            if status in _FATAL:
                # No result, so that the line is sent again when the cause is removed.
                return self.stop(f"the server rejected the key or the account: {reply.message}")
            is_rejected = is_overload(reply)
            if is_rejected:
                overloads += 1
                now = time.monotonic()
                self._concurrency.overloaded(sent_at, now)
                # Some servers demand a wait of 0, or until a time that has passed.
                wait = demanded_pause(reply.header, time.time()) or backoff(overloads)
                self._limits.pause(wait, now)
            else:
                failures += 1
                if status is Status.TIMEOUT:
                    self._concurrency.overloaded(sent_at, time.monotonic())
            may_retry = (
                status in TRANSIENT
                and failures <= self._settings.retries
                and overloads <= OVERLOAD_RETRIES
            )
            if not may_retry:
                return self._write(line, reply, status, reply.message)
            if not is_rejected and self.stop_reason is None:
                await asyncio.sleep(backoff(failures))
            if not await self._reserve(body):
                # The run is stopped. The line has no result, so that the next run sends it.
                return

    async def _send(self, line: InputLine, body: bytes) -> Reply:
        """Sends a line once. Raises InvalidArgumentError if the library does not send it."""
        library = self._client._library
        address = c_void_p()
        check(library, library.tw_request_parse(body, len(body), byref(address)))
        assert address.value is not None
        request = Request(library, address.value, line.body["model"], line.body)
        stream = AsyncStream(self._client, "tw_loop_start_unstreamed", request)
        try:
            return await stream.finish()
        except Error as error:
            if error.reply is None:
                raise
            return error.reply

    def _count(self, reply: Reply, body: bytes, estimate: float) -> None:
        """Counts the tokens and the cost of an attempt, and obeys the limits that it reports."""
        usage = reply.usage
        if usage is not None:
            used = usage.total_tokens or 0
            self._limits.correct(used - estimate, time.monotonic())
            completion = usage.completion_tokens or 0
            self._completion_tokens += (completion - self._completion_tokens) / 20
            self._progress.tokens += completion
            cost, unit = self._cost(usage)
            if cost is not None:
                self._progress.add_cost(cost, unit)
                self._billed_cost += cost
                self._billed_bytes += len(body)
        if self._settings.max_cost is not None and self._progress.cost is None:
            if reply.status is Status.OK:
                self.stop("the server reports no cost, which --max-cost requires; add --prices")
        wait = exhausted_for(reply.header)
        if wait is not None:
            self._limits.pause(wait, time.monotonic())

    def _cost(self, usage: Usage) -> tuple[Optional[float], str]:
        prices = self._settings.prices
        if prices is not None:
            return priced(prices, usage.prompt_tokens, usage.completion_tokens), "USD"
        return usage.cost, usage.cost_unit or "USD"

    def _write(self, line: InputLine, reply: Optional[Reply], status: Status, text: str) -> None:
        self._journal.append(result_line(line.custom_id, reply, status.name, text))
        if status is Status.OK:
            self._progress.answered += 1
        else:
            self._progress.failed += 1

    async def _sync_regularly(self, show: Callable[[bool], None]) -> None:
        """Syncs the output in groups, without blocking the exchanges."""
        loop: Any = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(_SYNC_INTERVAL)
            try:
                await loop.run_in_executor(None, self._journal.sync)
            except OSError as error:
                self._failure = self._failure or error
                self.stop(f"{error}")
            show(False)
