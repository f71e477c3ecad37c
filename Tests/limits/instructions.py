#!/usr/bin/env python3
"""Limits the instructions that the library executes per chunk of a stream.

instructions.py PROGRAM MOCK LIBRARY

Counts with callgrind, so the result does not depend on the load of the machine. Instructions that
libcurl and libc execute are not counted. The difference between a short and a long stream is
what each chunk adds.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

# Instructions per chunk: whole events, events that the network splits, and other forms of chunks.
# With two choices, one chunk of each.
LIMITS = {
    "": 600,
    ",piece=100": 750,
    ",choices=2": 1350,
    ",escapes=5": 700,
    ",obfuscation=1": 1600,
    ",logprobs=1": 3200,
}
SHORT, LONG = 1000, 8000


def instructions(profile: Path, library: str) -> int:
    """The instructions in a profile that were executed in the library itself."""
    names: dict[str, str] = {}
    total = 0
    is_own = is_call = False
    for line in profile.read_text().splitlines():
        if match := re.match(r"(c?)ob=\((\d+)\)(?: (.*))?", line):
            callee, number, name = match.groups()
            if name:
                names[number] = name
            if not callee:
                is_own = Path(names[number]).name.startswith(library)
        elif line.startswith("calls="):
            # The next line has the inclusive cost of the call.
            is_call = True
        elif re.match(r"[+\-*\d]", line):
            if is_own and not is_call:
                total += int(line.split()[1])
            is_call = False
    return total


def measure(program: str, url: str, library: str, model: str) -> int:
    with tempfile.TemporaryDirectory() as directory:
        profile = Path(directory) / "profile"
        done = subprocess.run(
            [
                "valgrind",
                "--tool=callgrind",
                f"--callgrind-out-file={profile}",
                program,
                url,
                model,
            ],
            capture_output=True,
            text=True,
            timeout=300,
        )
        if done.returncode != 0:
            sys.exit(f"{program} failed: {done.stdout}{done.stderr}")
        return instructions(profile, library)


def main() -> None:
    program, mock, library = sys.argv[1:]
    with subprocess.Popen([mock, "--port", "0"], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        url = server.stdout.readline().strip()
        try:
            failed = False
            for options, limit in LIMITS.items():
                short, long = (
                    measure(program, url, library, f"mock/synthetic#chunks={count}{options}")
                    for count in (SHORT, LONG)
                )
                found = (long - short) / (LONG - SHORT)
                failed = failed or not 0 < found <= limit
                how = options.replace(",", ", ")
                print(f"{found:.0f} instructions per chunk{how}; limit {limit}")
        finally:
            server.terminate()
    if failed:
        sys.exit("the library executes more instructions per chunk than the limit, or none")


if __name__ == "__main__":
    main()
