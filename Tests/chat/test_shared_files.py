"""The manual page and the completions for shells know every option."""

import re
import shlex
import subprocess

import pytest
from chat_program import CHAT, run
from mock_process import ROOT
from terminal import Terminal

MANUAL = ROOT / "bindings" / "c" / "man" / "thinkwire-chat.1"
SHARE = ROOT / "bindings" / "c" / "share"
BASH = SHARE / "bash-completion" / "completions" / "thinkwire-chat"
ZSH = SHARE / "zsh" / "site-functions"
FISH = SHARE / "fish" / "vendor_completions.d" / "thinkwire-chat.fish"
LEVELS = {"none", "minimal", "low", "medium", "high", "xhigh", "max"}


@pytest.fixture(scope="module")
def options():
    output = subprocess.run([CHAT, "--help"], capture_output=True, check=True, text=True).stdout
    found = set(re.findall(r"^  (?:-\w, |    )(--[\w-]+)", output, re.MULTILINE))
    assert len(found) == 24
    return found


def test_help_fits_into_a_terminal():
    assert max(len(line) for line in run("--help")[0].split("\n")) <= 100


def test_the_manual_page_is_valid():
    done = subprocess.run(
        ["mandoc", "-T", "lint", "-W", "warning", MANUAL], capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_the_manual_page_describes_every_option(options):
    text = subprocess.run(
        ["mandoc", "-T", "ascii", "-O", "width=200", MANUAL], capture_output=True, text=True
    ).stdout
    text = re.sub(".\b", "", text)
    entries = "\n".join(re.findall(r"^ {5}(-.*)$", text, re.MULTILINE))
    assert set(re.findall(r"--[\w-]+", entries)) == options


def bash(line):
    """What bash offers at the end of the line."""
    words = line.split(" ")
    script = f"""
        source {BASH}
        COMP_WORDS=({shlex.join(words)}) COMP_CWORD={len(words) - 1}
        _thinkwire_chat
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(
        ["bash", "--norc", "-c", script], capture_output=True, check=True, text=True
    )
    return set(done.stdout.split())


def test_bash_completes_options_files_and_levels(options, tmp_path):
    assert bash("thinkwire-chat --") == options
    assert bash("thinkwire-chat --mar") == {"--markdown"}
    assert bash("thinkwire-chat --effort ") == LEVELS
    assert bash("thinkwire-chat --effort = m") == {"minimal", "medium", "max"}
    (tmp_path / "notes.txt").touch()
    assert bash(f"thinkwire-chat -f {tmp_path}/no") == {f"{tmp_path}/notes.txt"}
    assert bash("thinkwire-chat --model ") == set()


def fish(line):
    script = f"source {FISH}; complete -C {shlex.quote(line)}"
    done = subprocess.run(
        ["fish", "--no-config", "-c", script], capture_output=True, check=True, text=True
    )
    return {each.split("\t")[0] for each in done.stdout.splitlines()}


def test_fish_completes_options_files_and_levels(options, tmp_path):
    assert {each.rstrip("=") for each in fish("thinkwire-chat --")} == options
    assert fish("thinkwire-chat --effort ") == LEVELS
    (tmp_path / "notes.txt").touch()
    assert fish(f"thinkwire-chat -f {tmp_path}/no") == {f"{tmp_path}/notes.txt"}


@pytest.fixture
def zsh(tmp_path):
    terminal = Terminal(["zsh", "-f"], width=100, height=60)
    terminal.enter(f"fpath=({ZSH} $fpath) PS1='$ '; cd {tmp_path}; unset zle_bracketed_paste")
    terminal.enter("autoload -U compinit; compinit -u -d dump; LISTMAX=999; echo ready")
    terminal.wait_for("^ready$")
    yield terminal
    terminal.close()


def test_zsh_completes_options_files_and_levels(options, zsh, tmp_path):
    zsh.type("thinkwire-chat --")
    zsh.press("Tab")
    screen = zsh.wait_for("^--version")
    assert options <= set(re.findall(r"^(--[\w-]+)", screen, re.MULTILINE)) | set(
        re.findall(r"^--\w[\w-]*  +-\w|(--[\w-]+)", screen)
    )
    zsh.press("C-u")
    zsh.type("thinkwire-chat --effort=mi")
    zsh.press("Tab")
    zsh.wait_for("--effort=minimal")
    (tmp_path / "notes.txt").touch()
    zsh.press("C-u")
    zsh.type("thinkwire-chat -f no")
    zsh.press("Tab")
    zsh.wait_for("-f notes.txt")
