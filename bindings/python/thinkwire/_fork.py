"""Tells whether this process is the one an object was made in.

A stream of the parent's goes on there, and a lock that another thread held when a child of fork() was made is never let go in the
child. So whatever has such a thing remembers the generation it was made in.
"""

from __future__ import annotations

import os
import threading

#: How many forks lie between the first process and this one.
generation = 0

#: For moments. Each process has its own; re-entrant, because a signal handler may come in on the thread that holds it.
lock = threading.RLock()


def _in_child() -> None:
    global generation, lock
    generation, lock = generation + 1, threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
