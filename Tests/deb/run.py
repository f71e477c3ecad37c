#!/usr/bin/env python3
"""Installs the Debian packages in a new Debian 12, uses them and removes them: inside.sh.

run.py DIRECTORY: the packages are in DIRECTORY. Needs root and mmdebstrap.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "Tests"))

from chroot import SUITE, apt_options, mirrors  # noqa: E402


def main() -> int:
    packages = sorted(Path(sys.argv[1]).resolve().glob("*.deb"))
    hooks = [
        'mkdir "$1/root/packages"',
        f"copy-in {' '.join(map(str, packages))} /root/packages",
        f"copy-in {ROOT / 'bindings/c/examples'} /root",
        f"copy-in {ROOT / 'Tests/deb/inside.sh'} /root",
        'chroot "$1" /root/inside.sh /root/packages /root/examples',
    ]
    with tempfile.TemporaryDirectory(prefix="thinkwire-deb.") as work:
        command = ["mmdebstrap", "--variant=minbase", "--format=null", *apt_options()]
        command += [f"--customize-hook={hook}" for hook in hooks]
        command += [SUITE, "/dev/null", *map(str, mirrors(Path(work), SUITE))]
        return subprocess.run(command).returncode


if __name__ == "__main__":
    sys.exit(main())
