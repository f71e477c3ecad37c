"""A real terminal: tmux, with the program in its only pane."""

import os
import re
import select
import shlex
import signal
import subprocess
import tempfile
import time
from pathlib import Path

#: Seconds that a test waits for the screen before it fails.
PATIENCE = 30

SETTINGS = """\
set -g remain-on-exit on
set -g status off
set -g escape-time 0
"""

#: Runs a command and writes its exit status to a file. tmux sometimes fails to report it.
RECORD_STATUS = 'trap : INT; "$@"; echo $? >"$0.new"; mv "$0.new" "$0"'


class Terminal:
    """A program in a terminal."""

    def __init__(self, command, width=80, height=24):
        # The path of a socket has at most 107 bytes.
        self._directory = tempfile.TemporaryDirectory(prefix="tw-", dir="/tmp")
        self._socket = self._directory.name + "/tmux"
        settings = Path(self._directory.name, "settings")
        settings.write_text(SETTINGS)
        self._status = Path(self._directory.name, "status")
        line = shlex.join(["sh", "-c", RECORD_STATUS, str(self._status), *command])
        size = ["-x", str(width), "-y", str(height)]
        self._tmux("-f", str(settings), "new-session", "-d", *size, line)

    def _tmux(self, *arguments, **options):
        command = ["tmux", "-u", "-S", self._socket, *arguments]
        done = subprocess.run(command, capture_output=True, check=True, timeout=60, **options)
        return done.stdout.decode()

    def type(self, text):
        self._tmux("send-keys", "-l", "--", text)

    def press(self, *keys):
        """Presses keys, such as Enter, C-c, Up."""
        self._tmux("send-keys", *keys)

    def enter(self, text):
        self.type(text)
        self.press("Enter")

    def paste(self, text):
        """Pastes text, with the marks around it if the program has asked for them."""
        self._tmux("load-buffer", "-", input=text.encode())
        self._tmux("paste-buffer", "-p")

    def resize(self, width, height=24):
        self._tmux("resize-window", "-x", str(width), "-y", str(height))

    def screen(self, *options, start="-"):
        """The text of the terminal from the beginning, or from the line `start` of the window.

        With "-e": with escape sequences. With "-J": with lines joined that the terminal has broken.
        """
        lines = self._tmux("capture-pane", "-p", "-S", start, *options).split("\n")
        return "\n".join(line.rstrip() for line in lines).rstrip() + "\n"

    def wait_for(self, pattern, count=1):
        """Returns the screen as soon as the pattern is found so many times."""
        deadline = time.monotonic() + PATIENCE
        while len(re.findall(pattern, screen := self.screen(), re.MULTILINE)) < count:
            assert time.monotonic() < deadline, f"no {pattern!r} in:\n{screen}"
            time.sleep(0.02)
        return screen

    def wait_for_prompt(self):
        """Returns the screen when the last line is an empty prompt."""
        return self.wait_for(r"^>\n\Z")

    def status(self):
        """The exit status of the program, as soon as it has ended."""
        deadline = time.monotonic() + PATIENCE
        while not self._status.exists():
            assert time.monotonic() < deadline, f"the program has not ended:\n{self.screen()}"
            time.sleep(0.02)
        return int(self._status.read_text())

    def close(self):
        # After "kill-server", tmux and the shell may continue for some time, and create files in
        # the directory while it is removed.
        for process in self._tmux("display-message", "-p", "#{pane_pid} #{pid}").split():
            kill(int(process))
        self._directory.cleanup()


def kill(process):
    """Kills a process, and waits for its end."""
    try:
        descriptor = os.pidfd_open(process)
    except ProcessLookupError:
        return
    signal.pidfd_send_signal(descriptor, signal.SIGKILL)
    select.select([descriptor], [], [])
    os.close(descriptor)
