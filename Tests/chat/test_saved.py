"""Conversations that are saved and continued."""

import json
import os
import stat

import pytest
from chat_program import run, run_on_terminal
from chat_server import answer
from http_server import chunk

pytestmark = pytest.mark.usefixtures("uses_server")


def contents(file):
    return [message["content"] for message in json.loads(file.read_text())["messages"]]


def test_a_saved_conversation_is_continued(server, tmp_path):
    file = tmp_path / "chat.json"
    server.answers = [answer("Eins.", reasoning=["Hm."])]
    run("--save", file, "-s", "Be brief.", "-m", "m1", "-o", "seed=1", "One?")
    assert contents(file) == ["Be brief.", "One?", "Eins."]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    run(f"--continue={file}", "Two?")
    server.request()
    second = server.request()
    assert [each["content"] for each in second["messages"]] == [
        "Be brief.",
        "One?",
        "Eins.",
        "Two?",
    ]
    assert (second["model"], second["seed"]) == ("m1", 1)
    # A file after the option is no question; the options replace what the file says.
    run("-c", file, "-m", "m2", "-s", "Be polite.", "Three?")
    third = server.request()
    assert third["model"] == "m2"
    assert third["messages"][0] == {"role": "system", "content": "Be polite."}
    assert contents(file)[-3:] == ["Answer 2.", "Three?", "Answer 3."]
    run("--no-save", "-c", file, "Four?")
    assert contents(file)[-1] == "Answer 3."


def test_the_last_conversation_on_a_terminal_is_continued(server, home):
    run_on_terminal("--system", "Be brief.", "One?")
    run("-q", "In a script")
    run("--continue", "Two?")
    run_on_terminal("--no-save", "Not saved")
    run("-c", "Three?")
    for _ in range(4):
        server.request()
    assert server.contents() == ["Be brief.", "One?", "Answer 1.", "Two?", "Answer 3.", "Three?"]
    file = home / ".local" / "state" / "thinkwire" / "last.json"
    assert contents(file)[-1] == "Answer 5."
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert "a-secret-key" not in file.read_text()


def test_retry_after_continue_keeps_the_reasoning_of_earlier_answers(
    server, open_terminal, tmp_path
):
    file = tmp_path / "chat.json"
    server.answers = [answer(f"A{n}.", reasoning=["Hm."]) for n in range(3)]
    run("--save", file, "One?")
    run("--continue", file, "Two?")
    terminal = open_terminal("--continue", str(file))
    terminal.wait_for_prompt()
    terminal.enter("/system Be brief.")
    terminal.enter("/retry")
    terminal.wait_for(r"^A2\.$")
    terminal.wait_for_prompt()
    assert contents(file) == ["Be brief.", "One?", "A0.", "Two?", "A2."]
    kept = ["thinkwire_reasoning" in each for each in json.loads(file.read_text())["messages"]]
    assert kept == [False, False, True, False, True]


def test_another_directory_for_state(home, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(home / "state"))
    run_on_terminal("One?")
    assert contents(home / "state" / "thinkwire" / "last.json") == ["One?", "Answer 1."]


def test_without_a_home_directory_nothing_is_saved(monkeypatch):
    monkeypatch.delenv("HOME")
    assert "Answer 1." in run_on_terminal("One?")
    assert "cannot continue" in run("--continue", "Two?", status=2)[1]


def test_the_received_part_of_an_answer_is_saved(server, tmp_path):
    file = tmp_path / "chat.json"
    server.answers = [[chunk(content="Half")]]
    run("--save", file, "One?", status=1)
    assert contents(file) == ["One?", "Half"]


def test_a_failure_leaves_the_file_unchanged(server, tmp_path):
    file = tmp_path / "chat.json"
    run("--save", file, "One?")
    before = file.read_text()
    server.answers = [[chunk(reasoning_content="Hm.")]]
    run("--continue", file, "Two?", status=1)
    assert file.read_text() == before
    assert sorted(os.listdir(tmp_path)) == ["chat.json", "home"]


def test_links_and_devices_are_written_not_replaced(tmp_path):
    file, link = tmp_path / "chat.json", tmp_path / "link.json"
    file.write_text("")
    file.chmod(0o640)
    link.symlink_to(file)
    run("--save", link, "One?")
    assert link.is_symlink() and contents(file) == ["One?", "Answer 1."]
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    run("--save", "/dev/null", "One?")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


@pytest.mark.parametrize(
    ("text", "message"),
    [(None, "No such file or directory"), ("", "JSON"), ("[]", "object"), ('{"a":', "JSON")],
)
def test_files_that_are_no_conversation(server, tmp_path, text, message):
    file = tmp_path / "chat.json"
    if text is not None:
        file.write_text(text)
    _, errors = run("--continue", file, "Two?", status=2)
    assert str(file) in errors and message in errors
    assert not server.has_request()


def test_a_file_that_cannot_be_written(tmp_path):
    output, errors = run("-q", "--save", tmp_path / "none" / "chat.json", "One?", status=1)
    assert output == "Answer 1.\n"
    assert "cannot save the conversation to " in errors and "No such file" in errors
