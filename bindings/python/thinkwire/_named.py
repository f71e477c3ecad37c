"""Integers of the C interface that are printed as names."""

from __future__ import annotations

from enum import IntEnum


class Named(IntEnum):
    """An enumeration whose members are integers, and are printed as their names."""

    def __str__(self) -> str:
        return self.name

    def __format__(self, specification: str) -> str:
        """Formats the name, or with a type for integers, such as in f"{status:d}", the integer."""
        if specification[-1:].isalpha() and not specification.endswith("s"):
            return format(int(self), specification)
        return format(self.name, specification)
