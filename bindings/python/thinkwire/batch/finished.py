"""A set of ids that needs at most 32 bytes for each."""

from __future__ import annotations

from array import array
from hashlib import blake2b


class IdSet:
    """A set of strings, of which it stores 64-bit hashes in a table with open addressing.

    Two of a million ids have the same hash with a probability of 3e-8. The check of the input would
    report them as duplicates, so that no line is skipped because of its hash.
    """

    def __init__(self) -> None:
        self._table = array("Q", bytes(8 * 1024))
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __contains__(self, id_: str) -> bool:
        return self._table[self._slot(_hash(id_))] != 0

    def add(self, id_: str) -> bool:
        """Adds an id. Returns False if it was present."""
        hashed = _hash(id_)
        slot = self._slot(hashed)
        if self._table[slot]:
            return False
        self._table[slot] = hashed
        self._count += 1
        if 2 * self._count > len(self._table):
            self._grow()
        return True

    def _slot(self, hashed: int) -> int:
        """Returns the slot that contains the hash, or the free one where it belongs."""
        table, mask = self._table, len(self._table) - 1
        slot = hashed & mask
        while table[slot] not in (0, hashed):
            slot = (slot + 1) & mask
        return slot

    def _grow(self) -> None:
        old = self._table
        self._table = array("Q", bytes(2 * 8 * len(old)))
        for hashed in old:
            if hashed:
                self._table[self._slot(hashed)] = hashed


def _hash(id_: str) -> int:
    # Zero marks a free slot.
    encoded = id_.encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(encoded, digest_size=8).digest(), "little") or 1
