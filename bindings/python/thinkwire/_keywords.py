"""Checks the names of keyword arguments whose types are given by a TypedDict."""

from __future__ import annotations

from collections.abc import Iterable


def check_names(given: Iterable[str], known: Iterable[str], hint: str = "") -> None:
    """Raises TypeError for the first name that is not known."""
    names = frozenset(known)
    for name in given:
        if name not in names:
            # Imported here because programs without errors do not need it.
            from difflib import get_close_matches

            similar = get_close_matches(name, names, 1)
            question = f"; did you mean {similar[0]!r}?" if similar else ""
            raise TypeError(f"unexpected argument {name!r}{question}{hint}")
