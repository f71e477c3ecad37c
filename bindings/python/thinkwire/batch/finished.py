"""A set of ids on the disk, whose memory does not grow with their number."""

from __future__ import annotations

import sqlite3


class IdSet:
    """A set of strings in a temporary file, of which at most 2 MiB are in memory.

    SQLite deletes the file when the set is released or the process ends. It is in the directory
    that SQLITE_TMPDIR or TMPDIR names, or in /var/tmp. Raises OSError if the disk is full.
    """

    def __init__(self) -> None:
        # An empty name stands for a temporary file.
        self._database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._count = 0
        self._execute("PRAGMA journal_mode = OFF")
        self._execute("CREATE TABLE ids (id BLOB PRIMARY KEY) WITHOUT ROWID")
        # One transaction that is never committed: nothing has to survive the process.
        self._execute("BEGIN")

    def __del__(self) -> None:
        # Any thread may release the set. Python 3.13 warns of databases that are not closed.
        self._database.close()

    def __len__(self) -> int:
        return self._count

    def __contains__(self, id_: str) -> bool:
        found = self._execute("SELECT 1 FROM ids WHERE id = ?", _key(id_))
        return found.fetchone() is not None

    def add(self, id_: str) -> bool:
        """Adds an id. Returns False if it was present."""
        is_new = self._execute("INSERT OR IGNORE INTO ids VALUES (?)", _key(id_)).rowcount == 1
        self._count += is_new
        return is_new

    def _execute(self, statement: str, *values: bytes) -> sqlite3.Cursor:
        try:
            return self._database.execute(statement, values)
        except sqlite3.Error as error:
            raise OSError(f"the temporary file of the ids: {error}") from error


def _key(id_: str) -> bytes:
    # Text of SQLite cannot contain surrogates, which JSON can.
    return id_.encode("utf-8", "surrogatepass")
