#!/usr/bin/env python3
"""Runs a command on a copy of the sources in a new Debian 12 with its current updates.

chroot.py [--keep] [COMMAND…]: the default command is `make test`. Needs root, mmdebstrap, and a
Swift toolchain outside of /usr.

The new system has the essential packages, apt and make, from bookworm, bookworm-updates and
bookworm-security. It shows whether .ci/setup installs everything else. How to reach the mirrors of
Debian and PyPI is taken from this machine: apt's sources and Acquire settings, pip.conf, the
variables PIP_* and *_proxy, and the certificates that pip trusts.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SUITE = "bookworm"
DEBIAN = """\
deb http://deb.debian.org/debian {0} main
deb http://deb.debian.org/debian {0}-updates main
deb http://deb.debian.org/debian-security {0}-security main
"""
PASSED_ON = re.compile(r"PIP_\w+|(https?|all|no)_proxy", re.IGNORECASE)
CERTIFICATES = Path(os.environ.get("PIP_CERT", "/etc/ssl/certs/ca-certificates.crt"))
# Runs in namespaces of its own: its mounts and processes end with it, however it ends.
ENTER = """
mkdir -p "$root$toolchain"
mount --bind "$toolchain" "$root$toolchain"
mount -o remount,bind,ro "$root$toolchain"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
exec chroot "$root" /usr/bin/env -i "$@"
"""


def toolchain() -> Path:
    """The directory that contains Swift's `bin`."""
    swift = shutil.which(os.environ.get("SWIFT", "swift"))
    if not swift:
        sys.exit("chroot: Swift is not in the PATH")
    folder = Path(swift).resolve().parent.parent
    if folder == Path("/usr"):
        sys.exit(
            "chroot: Swift is in /usr, where the new system has its own files; unpack it elsewhere"
        )
    return folder


def mirrors(work: Path, suite: str) -> list[Path]:
    """Files with apt's sources: those of this machine if it has all suites, else Debian's own."""
    apt = Path("/etc/apt")
    lists = [apt / "sources.list", *sorted((apt / "sources.list.d").glob("*"))]
    lists = [path for path in lists if path.suffix in {".list", ".sources"} and path.is_file()]
    lists = [path for path in lists if suite in path.read_text()]
    text = "\n".join(path.read_text() for path in lists)
    if all(
        re.search(rf"^[^#]*\b{suite}{part}\b", text, re.M) for part in ("-updates", "-security")
    ):
        return lists
    own = work / "debian.list"
    own.write_text(DEBIAN.format(suite))
    return [own]


def apt_options() -> list[str]:
    """mmdebstrap's options for how this machine reaches Debian's mirrors."""
    apt = Path("/etc/apt")
    settings = [apt / "apt.conf", *sorted((apt / "apt.conf.d").glob("*"))]
    settings = [path for path in settings if path.is_file() and "Acquire::" in path.read_text()]
    return [f"--aptopt={path}" for path in settings]


def create(root: Path, work: Path) -> None:
    """Creates the new system and copies the sources and what the packages of PyPI need."""
    command = ["mmdebstrap", "--variant=minbase", "--include=make", *apt_options(), SUITE]
    subprocess.run([*command, root, *mirrors(work, SUITE)], check=True)
    copy_settings(root)
    ignored = shutil.ignore_patterns(".build", ".git", "__pycache__", ".*_cache")
    shutil.copytree(ROOT, root / "root/thinkwire", symlinks=True, ignore=ignored)


def copy_settings(root: Path) -> None:
    """Copies how this machine reaches PyPI."""
    home = Path.home()
    for path in ("/etc/resolv.conf", "/etc/hosts", "/etc/pip.conf"):
        copy(Path(path), root / path[1:])
    for path in (".config/pip/pip.conf", ".pip/pip.conf"):
        copy(home / path, root / "root" / path)
    # Only pip trusts the certificates of this machine; the tests use those of the new system.
    copy(CERTIFICATES, root / "root/pip.pem")


def copy(source: Path, target: Path) -> None:
    if source.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)


def enter(root: Path, swift: Path, command: list[str]) -> int:
    """Runs the command in the new system, in the copy of the sources; returns its exit status."""
    variables = {name: value for name, value in os.environ.items() if PASSED_ON.fullmatch(name)}
    variables["PIP_CERT"] = "/root/pip.pem"
    variables["HOME"] = "/root"
    variables["LANG"] = "C.UTF-8"
    variables["PATH"] = f"{swift}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    namespaces = ["unshare", "--mount", "--propagation=private", "--pid", "--fork", "--kill-child"]
    process = subprocess.Popen(
        [*namespaces, "sh", "-eu", "-c", ENTER, "sh"]
        + [f"{name}={value}" for name, value in variables.items()]
        + ["sh", "-c", 'cd /root/thinkwire && exec "$@"', "sh", *command],
        env={**os.environ, "root": str(root), "toolchain": str(swift)},
        stdin=subprocess.DEVNULL,
    )
    try:
        return process.wait()
    finally:
        process.kill()
        process.wait()


def main() -> int:
    parser = argparse.ArgumentParser(description="Runs a command in a new Debian 12.")
    parser.add_argument("--keep", action="store_true", help="do not delete the new system")
    parser.add_argument("command", nargs=argparse.REMAINDER, default=[])
    arguments = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("chroot: needs root")
    if not shutil.which("mmdebstrap"):
        sys.exit("chroot: needs mmdebstrap; apt-get install mmdebstrap")
    swift = toolchain()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    work = Path(tempfile.mkdtemp(prefix="thinkwire-chroot."))
    # mmdebstrap and the new system's users must be able to enter the directory.
    work.chmod(0o755)
    root = work / "root"
    try:
        create(root, work)
        status = enter(root, swift, arguments.command or ["make", "test"])
        logs = root / "root/thinkwire/.build/test"
        if logs.is_dir():
            shutil.copytree(logs, ROOT / ".build/test-chroot", dirs_exist_ok=True)
    finally:
        if arguments.keep:
            print(f"chroot: kept in {root}")
        else:
            # Deletes nothing on other file systems, if a mount remains.
            subprocess.run(["rm", "-rf", "--one-file-system", str(work)], check=False)
    print(f"chroot: the command ended with status {status}")
    return status


if __name__ == "__main__":
    sys.exit(main())
