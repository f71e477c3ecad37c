#!/usr/bin/env python3
"""Runs a command in a namespace where programs of another architecture can run, by qemu-user.

emulate.py ARCH COMMAND…: needs root, and Linux 6.7, where a namespace of users has interpreters of
its own (binfmt_misc). The namespace has the users of this machine, and the interpreters of this
machine do not change.
"""

import ctypes
import os
import shutil
import sys
from pathlib import Path

CLONE_NEWNS, CLONE_NEWUSER = 0x00020000, 0x10000000
#: The beginning of a program: the header of ELF with the architecture (elf.h, EM_AARCH64).
HEADERS = {
    "aarch64": r"\x7fELF\x02\x01\x01" + r"\x00" * 9 + r"\x02\x00\xb7\x00",
}
MASK = r"\xff" * 7 + r"\x00" + r"\xff" * 8 + r"\xfe\xff\xff\xff"
INTERPRETERS = Path("/proc/sys/fs/binfmt_misc")


def enter(emulator: str, header: str, ready: int, mapped: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0:
        sys.exit(f"emulate: unshare: {os.strerror(ctypes.get_errno())}")
    os.write(ready, b"1")
    os.read(mapped, 1)
    if libc.mount(b"none", bytes(INTERPRETERS), b"binfmt_misc", 0, None) != 0:
        sys.exit(f"emulate: binfmt_misc needs Linux 6.7: {os.strerror(ctypes.get_errno())}")
    # F: the emulator is opened now, so that it need not exist in the new system.
    (INTERPRETERS / "register").write_text(f":thinkwire:M::{header}:{MASK}:{emulator}:F")


def main() -> int:
    arch, *command = sys.argv[1:]
    emulator = shutil.which(f"qemu-{arch}-static")
    if not emulator:
        sys.exit(f"emulate: needs qemu-{arch}-static; apt-get install qemu-user-static")
    (is_ready, ready), (is_mapped, mapped) = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        enter(emulator, HEADERS[arch], ready, is_mapped)
        os.execvp(command[0], command)
    os.read(is_ready, 1)
    for name in ("uid_map", "gid_map"):
        Path(f"/proc/{child}/{name}").write_text("0 0 65536\n")
    os.write(mapped, b"1")
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    sys.exit(main())
