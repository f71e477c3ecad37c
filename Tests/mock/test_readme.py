"""The examples of thinkwire-mock's README.md run, and its man page names every option.

THINKWIRE_LIBRARY names the library; by default, it is the one next to the mock's program.
"""

import json
import os
import pathlib
import re
import subprocess
import sys

import pytest
from mock_process import PROGRAM, ROOT
from test_server import run

README = (ROOT / "Sources" / "thinkwire-mock" / "README.md").read_text(encoding="utf-8")
BUILT = pathlib.Path(PROGRAM).resolve().parent
LIBRARY = pathlib.Path(os.environ.get("THINKWIRE_LIBRARY", BUILT / "libthinkwire.so"))

APPLICATION = """#!/usr/bin/env python3
import json, os, urllib.request
request = urllib.request.Request(
    os.environ["OPENAI_BASE_URL"] + "/chat/completions",
    json.dumps({"model": "any", "messages": [{"role": "user", "content": "Hi"}]}).encode(),
    {"Authorization": "Bearer " + os.environ["OPENAI_API_KEY"]},
)
answer = json.load(urllib.request.urlopen(request))
print(answer["choices"][0]["message"]["content"])
raise SystemExit(3)
"""


def example(language):
    (text,) = re.findall(rf"^```{language}\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
    return text


@pytest.fixture
def folder(tmp_path):
    """A folder with the script, and an application."""
    (tmp_path / "script.json").write_text(example("json"), encoding="utf-8")
    application = tmp_path / "my-application"
    application.write_text(APPLICATION)
    application.chmod(0o755)
    return tmp_path


def execute(folder, *command, status=0):
    kept = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
    variables = {
        **kept,
        "PATH": f"{BUILT}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT / "bindings" / "python"),
        "THINKWIRE_LIBRARY": str(LIBRARY),
        "LD_LIBRARY_PATH": str(LIBRARY.parent),
    }
    done = subprocess.run(
        command, cwd=folder, env=variables, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout


def test_python_example(folder):
    (folder / "test_answer.py").write_text(example("python"), encoding="utf-8")
    output = execute(folder, sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    assert "1 passed" in output


def test_c_example(folder):
    (folder / "test.c").write_text(example("c"), encoding="utf-8")
    strict = ["-std=gnu99", "-Wall", "-Wextra", "-Wpedantic", "-Werror", f"-I{ROOT / 'include'}"]
    execute(folder, "cc", *strict, "test.c", "-o", "test", f"-L{LIBRARY.parent}", "-lthinkwire")
    execute(folder, "./test")


def test_shell_example(folder):
    output = execute(folder, "sh", "-c", example("sh"), status=3)
    assert "I don't have personal opinions" in output or "How can I assist" in output
    (line,) = (folder / "requests.jsonl").read_text().splitlines()
    assert json.loads(line)["body"]["model"] == "any"


def test_man_page_names_every_option_of_the_help():
    text = run("--help")[1]
    page = (ROOT / "bindings" / "c" / "man" / "thinkwire-mock.1").read_text(encoding="utf-8")
    page = page.replace("\\-", "-")
    options = set(re.findall(r"^ {2}(--[a-z-]+)", text, re.MULTILINE))
    assert len(options) > 10
    for option in options:
        assert re.search(rf"^\.B {option}( |$)", page, re.MULTILINE), option
