#!/usr/bin/env python3
"""Prints the seconds from `pip install` to the first token of the program in README.md.

first_token.py DISTRIBUTION VENV MOCK
"""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def main() -> None:
    distribution, environment, mock = sys.argv[1:]
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (program,) = re.findall(r"^```python\n(.*?)^```", readme, re.DOTALL | re.MULTILINE)
    with subprocess.Popen([mock, "--port", "0"], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        url = server.stdout.readline().strip()
        start = time.monotonic()
        pip = [f"{environment}/bin/pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--no-deps", distribution], check=True)
        installed = time.monotonic()
        variables = {**os.environ, "THINKWIRE_BASE_URL": url, "THINKWIRE_API_KEY": "test"}
        command = [f"{environment}/bin/python", "-c", program]
        with subprocess.Popen(command, env=variables, stdout=subprocess.PIPE) as client:
            assert client.stdout
            first = os.read(client.stdout.fileno(), 1)
            arrived = time.monotonic()
            output = (first + client.stdout.read()).decode()
        server.terminate()
    plain = re.sub(r"\033\[\d*m", "", output)
    assert client.returncode == 0, output
    assert plain.startswith("Okay, the user said"), output
    assert "Hello! How can I assist you today?" in plain, output
    print(
        f"wheel: installed after {installed - start:.2f} s, "
        f"first token after {arrived - start:.2f} s"
    )


if __name__ == "__main__":
    main()
