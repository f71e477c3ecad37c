"""The output file: append-only, and complete up to its last line after any interruption."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import stat
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from .finished import IdSet
from .inputs import InputLine
from .results import is_failure

#: The beginning of each line.
_BEGINNING = b'{"id":'

#: File systems without locks fail with these errors.
_NO_LOCKS = {errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOLCK}


class JournalError(Exception):
    """The output cannot be used. The message names the file and the reason."""


class Journal:
    """The output of a run, which only one process at a time may write.

    A process that is killed has written whole lines, except perhaps for the last one, which the
    next run removes if it is incomplete.
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
        #: The ids of the results, which depend on the requests of numbered lines.
        self._result_ids = IdSet()
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

    def check_result(self, line: InputLine) -> None:
        """Raises JournalError if the result of a numbered line is that of another request."""
        if not line.is_numbered or line.custom_id not in self.finished:
            return
        if line.result_id not in self._result_ids:
            raise JournalError(
                f"{self.path}: the result of {line.custom_id} is that of another request; choose "
                "another output, or add a custom_id to each line of the input"
            )

    def append(self, line: bytes) -> None:
        """Writes a line. Raises OSError, for example if the disk is full."""
        written = 0
        try:
            while written < len(line):
                written += os.write(self._descriptor, line[written:])
        except OSError as error:
            # The next line would be joined with this part.
            os.ftruncate(self._descriptor, os.fstat(self._descriptor).st_size - written)
            raise OSError(error.errno, error.strerror, str(self.path)) from error
        # Not before: another thread may sync in the meantime.
        self._has_unsynced_lines = True

    def sync(self) -> None:
        """Waits until all lines are on the disk. May be called on another thread."""
        if self._has_unsynced_lines:
            self._has_unsynced_lines = False
            try:
                os.fsync(self._descriptor)
            except OSError:
                self._has_unsynced_lines = True
                raise

    def close(self) -> None:
        try:
            self.sync()
        finally:
            os.close(self._descriptor)

    def _open(self) -> int:
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise JournalError(
                    f"{self.path}: not a regular file; choose one, because a run reads its output "
                    "before it continues"
                )
            self._lock(descriptor)
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor

    def _lock(self, descriptor: int) -> None:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # The process that held the lock may have replaced the file.
            if os.fstat(descriptor).st_ino != self.path.stat().st_ino:
                raise BlockingIOError
        except OSError as error:
            reason = "another process is writing this file"
            if error.errno in _NO_LOCKS:
                reason = f"the file system has no locks ({error.strerror}); choose another one"
            raise JournalError(f"{self.path}: {reason}") from error

    def _load(self, loaded: Callable[[dict[str, Any]], None]) -> None:
        """Reads the finished lines, and removes or completes the last one."""
        end = 0
        text = b""
        for text, line in self._lines():
            self.finished.add(line["custom_id"])
            self._result_ids.add(str(line.get("id")))
            self.failed += is_failure(line)
            loaded(line)
            end += len(text)
        os.ftruncate(self._descriptor, end)
        if text and not text.endswith(b"\n"):
            self.append(b"\n")

    def _lines(self) -> Iterator[tuple[bytes, dict[str, Any]]]:
        """Yields the complete lines as text and as objects. Other files are refused."""
        with self.path.open("rb") as file:
            blank = b""
            for number, text in enumerate(file, 1):
                if not text.endswith(b"\n"):
                    # After a power failure, a file may end with zeros.
                    text = text.rstrip(b"\0")
                    if _is_cut(text):
                        return
                if not text.strip():
                    blank += text
                    continue
                try:
                    line = json.loads(text)
                    is_result = isinstance(line["custom_id"], str) and "response" in line
                except (ValueError, KeyError, TypeError, RecursionError):
                    is_result = False
                if not is_result:
                    raise JournalError(
                        f"{self.path}:{number}: not a batch result; choose another output file, "
                        "or remove the line"
                    )
                yield blank + text, line
                blank = b""

    def _remove_failed(self) -> None:
        """Replaces the file by one without failures, so that their requests are sent again."""
        # Not the symbolic link that the path may be.
        path = self.path.resolve()
        self.finished = IdSet()
        descriptor, temporary = tempfile.mkstemp(".tmp", f"{path.name}.", path.parent)
        with open(descriptor, "wb") as file:
            try:
                for text, line in self._lines():
                    if not is_failure(line):
                        self.finished.add(line["custom_id"])
                        file.write(text)
                file.flush()
                os.fchmod(file.fileno(), stat.S_IMODE(os.fstat(self._descriptor).st_mode))
                os.fsync(file.fileno())
                os.replace(temporary, path)
            except BaseException:
                Path(temporary).unlink(missing_ok=True)
                raise
        old_descriptor, self._descriptor = self._descriptor, self._open()
        os.close(old_descriptor)
        self.failed = 0


def _is_cut(text: bytes) -> bool:
    """Whether a text without an end of line is the beginning of a result."""
    if not (text.startswith(_BEGINNING) or _BEGINNING.startswith(text)):
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return True
    return False
