"""Sends the requests of a run and writes their answers."""

from __future__ import annotations

import asyncio
import contextlib
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
from .limits import RateLimits, demanded_pause, exhausted_for, used_tokens
from .progress import Progress
from .results import result_line
from .retries import LONE_RETRIES, OVERLOAD_RETRIES, backoff, is_overload, is_transient

#: Statuses with which every further request would fail, too. They stop the run.
_FATAL = {Status.AUTH, Status.QUOTA}

#: Statuses with which nothing was received from the server.
_UNREACHABLE = {Status.CONNECT, Status.RESOLVE, Status.TLS}

#: A `max_tokens` of at least this number is not used as an estimate.
_MAX_ESTIMATE = 10_000_000

#: A server is not taken for unreachable in this time after a response, in seconds.
_REACHED = 30.0

#: The number of finished lines that are skipped before the event loop runs.
_SKIPPED_AT_ONCE = 100

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
        #: The mean of completion tokens, for estimates. Unknown before the first answer.
        self._completion_tokens: Optional[float] = None
        #: The cost of the answers of this run, and the bytes of their requests, for estimates.
        self._billed_cost = 0.0
        self._billed_bytes = 0
        #: The number of lines of the output when the run began. Their cost is in that of progress.
        self._recorded = len(journal.finished)
        #: When the server last responded.
        self._responded_at = float("-inf")
        #: Why the run stopped before the end of the input.
        self.stop_reason: Optional[str] = None
        self._stopped = asyncio.Event()
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
                    self._progress.skipped += 1
                    if self._progress.skipped % _SKIPPED_AT_ONCE == 0:
                        await asyncio.sleep(0)
                    continue
                body = json.dumps(line.body).encode()
                if not await self._wait_for_slot(body):
                    break
                estimate = await self._reserve(line, body)
                if estimate is None:
                    break
                task = asyncio.ensure_future(self._complete(line, body, estimate))
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
        self._stopped.set()
        self._changed.set()

    async def _wait_for_slot(self, body: bytes) -> bool:
        """Waits until one more line may run. Returns False if the run is stopped."""
        while self.stop_reason is None:
            if len(self._running) < self._concurrency.limit and not self._would_exceed_cost(body):
                return True
            if self._running:
                await self._change()
            else:
                self.stop(f"--max-cost {self._settings.max_cost} is reached; raise it")
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
        finished = self._recorded + progress.answered + progress.failed
        mean = progress.cost / max(1, finished)
        mean_per_byte = self._billed_cost / max(1, self._billed_bytes)
        expected = max(
            mean * (len(self._running) + 1),
            mean_per_byte * (self._bytes_in_progress + len(body)),
        )
        return progress.cost + expected > maximum

    async def _reserve(self, line: InputLine, body: bytes) -> Optional[float]:
        """Waits until the limits permit a request, counts it, and returns its estimated tokens.

        This includes lines that are sent again: after an overload, more lines may be in progress
        than requests are permitted. Returns None if the run is stopped.
        """
        while self.stop_reason is None:
            now = time.monotonic()
            wait = self._limits.wait(now)
            if wait > 0:
                # Not longer: an answer may have used fewer tokens than estimated.
                await self._sleep(min(wait, 1.0))
            elif self._sending < self._concurrency.limit:
                self._sending += 1
                estimate = self._estimate(line, body)
                self._limits.send(estimate, now)
                return estimate
            else:
                await self._change()
        return None

    def _estimate(self, line: InputLine, body: bytes) -> float:
        known = [] if self._completion_tokens is None else [self._completion_tokens]
        maximum = line.body.get("max_completion_tokens") or line.body.get("max_tokens")
        # Some servers take -1 for no maximum.
        if isinstance(maximum, int) and 0 < maximum < _MAX_ESTIMATE:
            known.append(maximum)
        return len(body) * _TOKENS_PER_BYTE + min(known, default=0.0)

    async def _sleep(self, seconds: float) -> None:
        """Waits for this time, or until the run is stopped."""
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._stopped.wait(), seconds)

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

    async def _complete(self, line: InputLine, body: bytes, reserved: float) -> None:
        """Sends a line until it is answered or cannot be, and writes the result.

        `reserved` is what _reserve() has returned for the first attempt.
        """
        # Lone rejections are those while the server answers others.
        attempt = overloads = lone = 0
        began_at, estimate = time.monotonic(), reserved
        while True:
            attempt += 1
            sent_at = time.monotonic()
            try:
                reply = await self._send(line, body)
            except InvalidArgumentError as error:
                self._limits.correct(-estimate, time.monotonic())
                return self._write(line, None, error.status, str(error))
            finally:
                self._sending -= 1
                self._changed.set()
            status, now = reply.status, time.monotonic()
            if reply.http_status:
                self._responded_at = now
            self._count(reply, body, estimate)
            if status is Status.OK:
                self._concurrency.answered(len(self._running), now, attempt=attempt)
                return self._write(line, reply, status, "")
            if status in _FATAL:
                # No result, so that the line is sent again when the cause is removed.
                return self.stop(f"the server rejected the key or the account: {reply.message}")
            is_rejected = is_overload(reply)
            overloads += is_rejected
            failures = attempt - overloads
            if is_rejected or status is Status.TIMEOUT:
                self._concurrency.unanswered(sent_at, now, attempt=attempt)
            lone += is_rejected and not self._concurrency.is_overloaded
            may_retry = (
                is_transient(reply)
                and failures <= self._settings.retries
                and overloads <= OVERLOAD_RETRIES
                and lone <= LONE_RETRIES
            )
            if not may_retry:
                if self._is_unreachable(status, min(began_at, now - _REACHED)):
                    return self.stop(f"the server cannot be reached: {reply.message}")
                return self._write(line, reply, status, reply.message)
            # Some servers demand a wait of 0, or until a time that has passed.
            demanded = self._demanded(reply, attempt, now) if is_rejected else None
            await self._sleep(demanded or backoff(overloads if is_rejected else failures))
            again = await self._reserve(line, body)
            if again is None:
                # The run is stopped. The line has no result, so that the next run sends it.
                return
            estimate = again

    def _is_unreachable(self, status: Status, since: float) -> bool:
        """Whether every line would fail, because the server has sent no response since a time.

        A TLS handshake that fails is not repeated, so that one after a response shows nothing.
        """
        if status is Status.TLS:
            return self._responded_at == float("-inf")
        return status in _UNREACHABLE and self._responded_at < since

    def _demanded(self, reply: Reply, attempt: int, now: float) -> Optional[float]:
        """Returns the seconds that a rejection demands to wait, during which the run pauses.

        It does not pause again for the same line while others are answered.
        """
        wait = demanded_pause(reply.header, time.time())
        if wait and (attempt == 1 or self._concurrency.is_overloaded):
            self._limits.pause(wait, now)
        return wait

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
        if usage is None:
            # What the server counts for a failure is not known; nothing was generated.
            if reply.status is not Status.OK:
                prompt = len(body) * _TOKENS_PER_BYTE
                self._limits.correct(prompt - estimate, time.monotonic())
        else:
            self._limits.correct(used_tokens(usage) - estimate, time.monotonic())
            completion = usage.completion_tokens or 0
            mean = self._completion_tokens
            self._completion_tokens = (
                completion if mean is None else mean + (completion - mean) / 20
            )
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
        self._journal.append(result_line(line, reply, status.name, text))
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
