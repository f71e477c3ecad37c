"""Detects whether an object was created in this process or in a parent that forked it.

The parent continues to use its streams. A lock that another thread holds during fork() is never
released in the child. Objects with a stream or a lock therefore store the generation in which they
were created.
"""

from __future__ import annotations

import os

from ._typing import TYPE_CHECKING

if TYPE_CHECKING:
    from threading import RLock as RLock
    from threading import get_ident as get_ident
else:
    # What `threading` exports, which takes 5 ms to import.
    from _thread import RLock as RLock
    from _thread import get_ident as get_ident

#: The number of forks between the first process and this one.
generation = 0

#: A lock for short operations. Each process has its own. It is reentrant because a signal handler
#: may run on the thread that holds it.
lock = RLock()


def _after_fork_in_child() -> None:
    global generation, lock
    generation, lock = generation + 1, RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
