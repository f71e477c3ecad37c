"""Tells whether this process is the one an object was made in.

A child of fork() shares its parent's sockets: to use them, or even to close them properly, would corrupt what the parent says on
them. So whatever holds a connection remembers the generation it was made in, and leaves it alone in any other.
"""
from __future__ import annotations

import os

#: How many forks lie between the first process and this one.
generation = 0


def _in_child() -> None:
    global generation
    generation += 1


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
