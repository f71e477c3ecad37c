"""The output file: append-only, and complete up to its last line after any interruption."""

from __future__ import annotations

import fcntl
import json
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from .finished import IdSet
from .results import is_failure

#: The beginning of each line.
_BEGINNING = b'{"id":'


class JournalError(Exception):
    """The output cannot be used. The message names the file and the reason."""


class Journal:
    """The output of a run, which only one process at a time may write.

    A process that is killed has written whole lines, except perhaps for the last one, which the
    next run removes.
    """

    def __init__(
        self,
        path: Path,
        *,
        retry_failed: bool = False,
        loaded: Callable[[dict[str, Any]], None] = lambda line: None,
    ) -> None:
        """Opens the file, and calls `loaded` with each of its lines."""
        self.path = path
        self.finished = IdSet()
        #: The number of lines that report a failure.
        self.failed = 0
        self._descriptor = self._open()
        self._has_unsynced_lines = False
        try:
            self._load(loaded)
            if retry_failed and self.failed:
                self._remove_failed()
        except BaseException:
            os.close(self._descriptor)
            raise

    def append(self, line: bytes) -> None:
        """Writes a line. Raises OSError, for example if the disk is full."""
        self._has_unsynced_lines = True
        written = 0
        while written < len(line):
            written += os.write(self._descriptor, line[written:])

    def sync(self) -> None:
        """Waits until all lines are on the disk. May be called on another thread."""
        if self._has_unsynced_lines:
            self._has_unsynced_lines = False
            os.fsync(self._descriptor)

    def close(self) -> None:
        try:
            self.sync()
        finally:
            os.close(self._descriptor)

    def _open(self) -> int:
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # The process that held the lock may have replaced the file.
            if os.fstat(descriptor).st_ino != self.path.stat().st_ino:
                raise BlockingIOError
        except OSError as error:
            os.close(descriptor)
            raise JournalError(f"{self.path}: another process is writing this file") from error
        return descriptor

    def _load(self, loaded: Callable[[dict[str, Any]], None]) -> None:
        """Reads the finished lines, and removes an incomplete last line."""
        end = number = 0
        for line_end, line in self._lines():
            self.finished.add(line["custom_id"])
            self.failed += is_failure(line)
            loaded(line)
            end = line_end
            number += 1
        # After a power failure, a file may end with zeros.
        beginning = os.pread(self._descriptor, len(_BEGINNING), end).rstrip(b"\0")
        if not _BEGINNING.startswith(beginning):
            raise self._not_a_result(number + 1)
        os.ftruncate(self._descriptor, end)

    def _lines(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yields the lines, each with the offset of its end."""
        end = 0
        with self.path.open("rb") as file:
            for number, text in enumerate(file, 1):
                if not text.endswith(b"\n"):
                    return
                end += len(text)
                try:
                    line = json.loads(text)
                    is_result = isinstance(line["custom_id"], str) and "response" in line
                except (ValueError, KeyError, TypeError):
                    is_result = False
                if not is_result:
                    raise self._not_a_result(number)
                yield end, line

    def _not_a_result(self, number: int) -> JournalError:
        return JournalError(
            f"{self.path}:{number}: not a batch result; choose another output file, or remove the "
            "line"
        )

    def _remove_failed(self) -> None:
        """Replaces the file by one without failures, so that their requests are sent again."""
        # Not the symbolic link that the path may be.
        path = self.path.resolve()
        temporary = path.with_name(path.name + ".tmp")
        self.finished = IdSet()
        with temporary.open("wb") as file, self.path.open("rb") as old:
            for (_, line), text in zip(self._lines(), old):
                if not is_failure(line):
                    self.finished.add(line["custom_id"])
                    file.write(text)
            file.flush()
            os.fchmod(file.fileno(), stat.S_IMODE(os.fstat(self._descriptor).st_mode))
            os.fsync(file.fileno())
        os.replace(temporary, path)
        old_descriptor, self._descriptor = self._descriptor, self._open()
        os.close(old_descriptor)
        self.failed = 0
