#!/usr/bin/env python3
"""Tests the archive of another architecture with run.sh: its programs run under qemu-user.

emulated.py ARCH ARCHIVE EXAMPLES: programs are compiled by Swift's clang. The C library and libcurl
of Debian 12 are unpacked into a directory, not installed, so nothing else is emulated. The
thinkwire-mock that answers is that of this machine.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "Tests"))

from chroot import SUITE, apt_options, mirrors, toolchain  # noqa: E402

DEBIAN = {"x86_64": "amd64", "aarch64": "arm64"}
PACKAGES = "libc6-dev,libgcc-12-dev,libcurl4-openssl-dev"


def unpack(root: Path, work: Path, arch: str) -> None:
    command = ["mmdebstrap", "--quiet", "--variant=extract", "--mode=root", *apt_options()]
    command += ["--skip=check/qemu", f"--architectures={DEBIAN[arch]}", f"--include={PACKAGES}"]
    subprocess.run([*command, SUITE, root, *mirrors(work, SUITE)], check=True)
    # Absolute links would lead to files of this machine.
    for path in root.rglob("*"):
        if path.is_symlink() and (target := os.readlink(path)).startswith("/"):
            path.unlink()
            path.symlink_to(os.path.relpath(f"{root}{target}", path.parent))


def main() -> int:
    arch, *arguments = sys.argv[1:]
    emulator = shutil.which(f"qemu-{arch}-static")
    if not emulator:
        sys.exit(f"dist: needs qemu-{arch}-static; apt-get install qemu-user-static")
    with tempfile.TemporaryDirectory(prefix="thinkwire-dist.") as name:
        work = Path(name)
        root = work / "root"
        unpack(root, work, arch)
        compiler = f"{toolchain()}/bin/clang --target={arch}-linux-gnu --sysroot={root}"
        variables = {
            # clang warns about an option for the linker if it only compiles.
            "CC": f"{compiler} -fuse-ld=lld -Wno-unused-command-line-argument",
            "EMULATOR": f"{emulator} -L {root}",
            "MOCK": str(ROOT / ".build/release/thinkwire-mock"),
        }
        command = [ROOT / "Tests/dist/run.sh", *arguments]
        return subprocess.run(command, env={**os.environ, **variables}).returncode


if __name__ == "__main__":
    sys.exit(main())
