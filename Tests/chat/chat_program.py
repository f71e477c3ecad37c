"""Runs thinkwire-chat in pipes, and on a terminal whose output is recorded."""

import json
import os
import pty
import subprocess

import mock_process

CHAT = mock_process.ROOT / ".build" / "release" / "thinkwire-chat"
#: The same program without libedit, and with the address sanitizer.
CHECKED = mock_process.ROOT / ".build" / "chat" / "checked"
SECONDS = 60


def run(*arguments, status=0, stdin=b"", **options):
    """Runs the program; returns its output and its messages."""
    data = stdin.encode() if isinstance(stdin, str) else stdin
    done = subprocess.run(
        [CHECKED, *arguments], input=data, capture_output=True, timeout=SECONDS, **options
    )
    assert done.returncode == status, done.stderr
    return done.stdout.decode(), done.stderr.decode()


def sent(*arguments, **options):
    """The request that the program sends, which the model mock/echo answers with."""
    output, _ = run("--quiet", *arguments, **options)
    return json.loads(output)


def question(*arguments, **options):
    """The content of the only message that the program sends."""
    [message] = sent(*arguments, **options)["messages"]
    assert message["role"] == "user"
    return message["content"]


def run_on_terminal(*arguments, status=0):
    """Everything that the program writes to a terminal, escape sequences included."""
    keyboard, terminal = pty.openpty()
    with subprocess.Popen(
        [CHECKED, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=terminal,
        stderr=terminal,
        env={**os.environ, "TERM": "xterm"},
    ) as process:
        os.close(terminal)
        output = b""
        try:
            while piece := os.read(keyboard, 65536):
                output += piece
        except OSError:
            pass  # EIO: the program has ended.
        assert process.wait(SECONDS) == status, output
    os.close(keyboard)
    return output.decode().replace("\r\n", "\n")
