#!/usr/bin/env python3
"""Tests a wheel in new systems that have neither libcurl nor a compiler.

run.py ARCH WHEEL MOCK SUITE…: SUITE names a release of Debian, such as "bookworm". Needs root and
mmdebstrap; for another architecture than this machine's, also what emulate.py needs.

thinkwire-mock is that of this machine, with the libraries that it needs. KEEP=1 keeps the systems.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.append(str(ROOT / "Tests"))

from chroot import CERTIFICATES, apt_options, copy, copy_settings, mirrors  # noqa: E402

DEBIAN = {"x86_64": "amd64", "aarch64": "arm64"}
#: The Python package comes from the wheel.
IGNORED = shutil.ignore_patterns("__pycache__", "*.egg-info", ".*", "*.so*")
SOURCES = [
    "README.md",
    "LICENSE",
    "Package.swift",
    "include",
    "Tests",
    "Sources",
    "bindings/python",
]
ENTER = """
# A namespace of users may not mount a file system for processes if that of this machine has mounts.
mount -t proc proc "$root/proc" 2>/dev/null || mount --rbind /proc "$root/proc"
mount --rbind /dev "$root/dev"
exec chroot "$root" /usr/bin/env -i "$@"
"""


def emulated(arch: str, command: list[str]) -> list[str]:
    """The command, in a namespace where programs of `arch` can run."""
    native = arch == platform.machine()
    return command if native else [str(ROOT / "Tests/wheel/emulate.py"), arch, *command]


def create(root: Path, work: Path, suite: str, arch: str) -> None:
    """Creates the new system, with Python and what the tests need."""
    packages = "python3,python3-venv,binutils"
    command = ["mmdebstrap", "--variant=minbase", f"--include={packages}", *apt_options()]
    command += [f"--architectures={DEBIAN[arch]}", suite, str(root)]
    command += [str(path) for path in mirrors(work, suite)]
    if arch != platform.machine():
        command[1:1] = ["--mode=root", "--skip=check/qemu"]
    subprocess.run(emulated(arch, command), check=True)


def copy_mock(mock: Path, target: Path) -> None:
    """Copies thinkwire-mock with the libraries and the loader of this machine."""
    output = subprocess.run(["ldd", mock], check=True, stdout=subprocess.PIPE, text=True).stdout
    for path in re.findall(r"(/\S+) \(0x", output):
        copy(Path(path), target / "lib" / Path(path).name)
    copy(mock, target / "program")
    (loader,) = (target / "lib").glob("ld-linux*")
    inside = Path("/") / target.relative_to(target.parents[1])
    script = target / "thinkwire-mock"
    command = f"{inside}/lib/{loader.name} --library-path {inside}/lib {inside}/program"
    script.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
    for path in (script, loader, target / "program"):
        path.chmod(0o755)


def test(arch: str, wheel: Path, mock: Path, suite: str) -> int:
    work = Path(tempfile.mkdtemp(prefix="thinkwire-wheel."))
    # mmdebstrap and the new system's users must be able to enter the directory.
    work.chmod(0o755)
    root = work / "root"
    try:
        create(root, work, suite, arch)
        copy_settings(root)
        copy_mock(mock, root / "root/mock")
        copy(wheel, root / "root" / wheel.name)
        for name in SOURCES:
            target = root / "root/thinkwire" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, target, ignore=IGNORED)
            else:
                shutil.copy(ROOT / name, target)
        passed_on = re.compile(r"PIP_\w+|(https?|all|no)_proxy|TESTS", re.IGNORECASE)
        variables = {name: value for name, value in os.environ.items() if passed_on.fullmatch(name)}
        variables |= {"PIP_CERT": "/root/pip.pem", "HOME": "/root", "LANG": "C.UTF-8"}
        variables |= {"EMULATED": "yes" if arch != platform.machine() else ""}
        variables |= {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
        command = emulated(
            arch,
            ["unshare", "--mount", "--propagation=private", "--pid", "--fork", "--kill-child"]
            + ["sh", "-eu", "-c", ENTER, "sh", *(f"{n}={v}" for n, v in variables.items())]
            + ["/root/thinkwire/Tests/wheel/inside.sh", f"/root/{wheel.name}"],
        )
        environment = {**os.environ, "root": str(root)}
        return subprocess.run(command, env=environment, stdin=subprocess.DEVNULL).returncode
    finally:
        if os.environ.get("KEEP"):
            print(f"wheel: kept {root}")
        else:
            # Deletes nothing on other file systems, if a mount remains.
            subprocess.run(["rm", "-rf", "--one-file-system", str(work)], check=False)


def main() -> int:
    arch, wheel, mock, *suites = sys.argv[1:]
    if os.geteuid() != 0 or not shutil.which("mmdebstrap"):
        sys.exit("wheel: needs root and mmdebstrap")
    assert CERTIFICATES.exists(), "pip needs certificates"
    results = {suite: test(arch, Path(wheel), Path(mock), suite) for suite in suites}
    for suite, status in results.items():
        print(f"wheel: {arch} on {suite}: {'passed' if status == 0 else f'FAILED ({status})'}")
    return max(results.values())


if __name__ == "__main__":
    sys.exit(main())
