"""Conversations, in a real terminal."""

import json
import shlex
import stat

import pytest
from chat_program import CHAT, CHECKED
from chat_server import Gate, answer
from http_server import chunk

pytestmark = pytest.mark.usefixtures("uses_server")

PROGRAMS = pytest.mark.parametrize("program", [CHAT, CHECKED], ids=["libedit", "plain"])
THREE_LINES = "first\n\tsecond – ü\nthird"


@PROGRAMS
def test_questions_and_answers(server, open_terminal, program):
    terminal = open_terminal(program=program)
    terminal.wait_for_prompt()
    terminal.enter("One?")
    assert server.contents() == ["One?"]
    terminal.wait_for(r"^Answer 1\.$")
    terminal.wait_for_prompt()
    terminal.enter("Two? – ü")
    assert server.contents() == ["One?", "Answer 1.", "Two? – ü"]
    terminal.wait_for_prompt()
    terminal.press("C-d")
    assert terminal.status() == 0


@pytest.mark.parametrize("word", ["exit", "quit", "/exit", "/quit"])
def test_words_that_end_the_conversation(server, open_terminal, word):
    terminal = open_terminal()
    terminal.wait_for_prompt()
    terminal.enter(word)
    assert terminal.status() == 0
    assert not server.has_request()


@PROGRAMS
def test_control_c_cancels_the_reasoning_but_not_the_program(server, open_terminal, program):
    gate = Gate()
    server.answers = [[chunk(reasoning_content="Let me think about it "), gate]]
    terminal = open_terminal(program=program)
    terminal.wait_for_prompt()
    terminal.enter("One?")
    terminal.wait_for("Let me think about")
    terminal.press("C-c")
    terminal.wait_for("^thinkwire-chat: interrupted$")
    gate.open()
    terminal.wait_for_prompt()
    terminal.enter("Two?")
    assert server.contents() == ["One?"]
    # The question without an answer is not part of the conversation.
    assert server.contents() == ["Two?"]
    terminal.wait_for(r"^Answer 2\.$")
    terminal.wait_for_prompt()
    terminal.press("C-d")
    assert terminal.status() == 0


@PROGRAMS
def test_control_c_at_the_prompt_discards_the_line(server, open_terminal, program):
    terminal = open_terminal(program=program)
    terminal.wait_for_prompt()
    terminal.type("not sent")
    terminal.wait_for("not sent")
    terminal.press("C-c")
    terminal.wait_for_prompt()
    terminal.enter("sent")
    assert server.contents() == ["sent"]


@PROGRAMS
def test_pasted_lines_are_one_message(server, open_terminal, program):
    terminal = open_terminal(program=program)
    terminal.wait_for_prompt()
    terminal.paste(THREE_LINES)
    terminal.wait_for("third")
    assert not server.has_request()
    terminal.press("Enter")
    assert server.contents() == [THREE_LINES]
    terminal.wait_for_prompt()
    # A line end after the last line does not send the message either.
    terminal.paste("/not a command\nbut text\n")
    terminal.wait_for("but text")
    terminal.press("Enter")
    assert server.contents()[-1] == "/not a command\nbut text"


def test_lines_are_edited_and_kept(server, open_terminal, home):
    terminal = open_terminal()
    terminal.wait_for_prompt()
    terminal.type("Hallo world")
    terminal.press("Home", "Right", "DC")
    terminal.type("e")
    terminal.press("Enter")
    assert server.contents() == ["Hello world"]
    terminal.wait_for_prompt()
    terminal.press("C-d")
    assert terminal.status() == 0
    history = home / ".local" / "state" / "thinkwire" / "history"
    assert stat.S_IMODE(history.stat().st_mode) == 0o600
    # The history is that of all conversations.
    terminal = open_terminal()
    terminal.wait_for_prompt()
    terminal.press("Up", "Enter")
    assert server.contents() == ["Hello world"]


def test_pasted_lines_are_kept_as_one(server, open_terminal):
    terminal = open_terminal()
    terminal.wait_for_prompt()
    terminal.paste(THREE_LINES)
    terminal.press("Enter")
    assert server.contents() == [THREE_LINES]
    terminal.wait_for_prompt()
    terminal.press("C-d")
    assert terminal.status() == 0
    terminal = open_terminal()
    terminal.wait_for_prompt()
    terminal.press("Up")
    terminal.wait_for("third")
    terminal.press("Enter")
    assert server.contents() == [THREE_LINES]


def test_lines_are_not_kept_with_no_save(server, open_terminal, home):
    terminal = open_terminal("--no-save")
    terminal.wait_for_prompt()
    terminal.enter("One?")
    terminal.wait_for(r"^Answer 1\.$")
    terminal.wait_for_prompt()
    terminal.press("C-d")
    assert terminal.status() == 0
    assert list(home.iterdir()) == []


def test_large_pastes(server, open_terminal):
    """More text than fits into the terminal, and than the kernel keeps in a line."""
    text = "\n".join(f"line {number}: " + "x" * 100 for number in range(500))
    terminal = open_terminal()
    terminal.wait_for_prompt()
    terminal.paste(text)
    terminal.wait_for("line 499")
    terminal.press("Enter")
    assert server.contents() == [text]


def test_the_editor_obeys_the_settings_of_the_user(server, open_terminal, home):
    (home / ".editrc").write_text("bind -v\n")
    terminal = open_terminal()
    terminal.wait_for_prompt()
    terminal.type("Hallo")
    terminal.press("Escape", "0", "l", "r", "e")
    terminal.type("A")
    terminal.paste("\nworld")
    terminal.press("Enter")
    assert server.contents() == ["Hello\nworld"]


def test_commands_are_completed(server, open_terminal):
    terminal = open_terminal()
    terminal.wait_for_prompt()
    terminal.type("/sy")
    terminal.press("Tab")
    terminal.enter("Be brief.")
    terminal.wait_for(r"^Be brief\.$")
    terminal.type("/mo")
    terminal.press("Tab", "Tab")
    terminal.wait_for(r"^/model +/models$")
    terminal.press("Enter")
    terminal.wait_for("^mock/echo$")
    assert not server.has_request()


@PROGRAMS
def test_unknown_commands_are_not_sent(server, open_terminal, program):
    terminal = open_terminal(program=program)
    terminal.wait_for_prompt()
    terminal.enter("/nonsense gpt")
    screen = terminal.wait_for("unknown command")
    assert "/nonsense gpt" in screen
    assert not server.has_request()
    terminal.wait_for_prompt()
    terminal.enter(" /etc/hosts, what is it?")
    assert server.contents() == [" /etc/hosts, what is it?"]


def test_commands(server, open_terminal, tmp_path):
    terminal = open_terminal(width=200)
    terminal.wait_for_prompt()
    terminal.enter("/help")
    screen = terminal.wait_for(r"^  /save \[FILE\]  +save the conversation")
    for name in ("/model", "/models", "/system", "/retry", "/save", "/quit"):
        assert f"\n  {name}" in screen
    terminal.enter("/retry")
    terminal.wait_for("there is no question to repeat")
    terminal.enter("/save")
    terminal.wait_for("saved in .*last.json, also after every answer")
    terminal.enter("/model other")
    terminal.wait_for("^other$")
    terminal.enter("/models")
    terminal.wait_for("^some-model$")
    terminal.enter("/system Be brief.")
    terminal.wait_for(r"^Be brief\.$")
    terminal.enter("One?")
    request = server.request()
    assert request["model"] == "other"
    assert [message["role"] for message in request["messages"]] == ["system", "user"]
    terminal.wait_for_prompt()
    terminal.enter("/system -")
    terminal.wait_for("^no system message$")
    file = tmp_path / "saved.json"
    terminal.enter(f"/save {file}")
    terminal.wait_for("saved in .*saved.json")
    terminal.enter("Two?")
    assert server.contents() == ["One?", "Answer 1.", "Two?"]
    terminal.wait_for_prompt()
    saved = json.loads(file.read_text())
    assert [each["content"] for each in saved["messages"]][-2:] == ["Two?", "Answer 2."]


def test_a_rejected_change_leaves_the_conversation_as_it_was(server, open_terminal):
    """The terminal sends a byte that is not UTF-8, which libedit would discard."""
    terminal = open_terminal(program=CHECKED)
    terminal.wait_for_prompt()
    for count, prefix in enumerate(["/system Be brief. ", "/model other "], 1):
        terminal.type(prefix)
        terminal.press("-H", "ff", "0d")
        terminal.wait_for("thinkwire-chat: the .*UTF-8", count)
    terminal.enter("One?")
    request = server.request()
    assert request["model"] == "mock/echo"
    assert [message["content"] for message in request["messages"]] == ["One?"]


def test_retry_replaces_the_answer(server, open_terminal):
    gate = Gate()
    server.answers = [answer("Wrong."), answer("Right."), [gate]]
    terminal = open_terminal("--system", "Be brief.")
    terminal.wait_for_prompt()
    terminal.enter("One?")
    assert server.contents() == ["Be brief.", "One?"]
    terminal.wait_for("^Wrong.$")
    terminal.wait_for_prompt()
    terminal.enter("/model better")
    terminal.enter("/retry")
    request = server.request()
    assert request["model"] == "better"
    assert [message["content"] for message in request["messages"]] == ["Be brief.", "One?"]
    terminal.wait_for("^Right.$")
    terminal.wait_for_prompt()
    terminal.enter("Two?")
    assert server.contents() == ["Be brief.", "One?", "Right.", "Two?"]
    # A question without an answer is asked again, too.
    terminal.press("C-c")
    gate.open()
    terminal.wait_for("interrupted")
    terminal.wait_for_prompt()
    terminal.enter("/retry")
    assert server.contents() == ["Be brief.", "One?", "Right.", "Two?"]
    terminal.wait_for(r"^Answer 4\.$")


def test_files_and_images_belong_to_the_first_question(server, open_terminal, tmp_path):
    file = tmp_path / "notes.txt"
    file.write_text("Notes\n")
    gate = Gate()
    server.answers = [[gate]]
    terminal = open_terminal("-f", str(file), "-i", "https://host/a.png")
    terminal.wait_for_prompt()
    terminal.enter("One?")
    [parts] = server.contents()
    terminal.press("C-c")
    gate.open()
    terminal.wait_for_prompt()
    terminal.enter("/retry")
    assert server.contents() == [parts]
    assert parts[0]["text"] == f"One?\n\nFile {file}:\nNotes"
    assert parts[1]["image_url"]["url"] == "https://host/a.png"
    terminal.wait_for_prompt()
    terminal.enter("Two?")
    assert server.contents()[-1] == "Two?"


@PROGRAMS
def test_a_resized_window_changes_no_message(server, open_terminal, program):
    terminal = open_terminal(program=program)
    terminal.wait_for_prompt()
    words = " ".join(f"word{number}" for number in range(20))
    terminal.type(words)
    terminal.wait_for("word19")
    for width in (100, 40, 75):
        terminal.resize(width)
        terminal.type(f" {width}")
        words += f" {width}"
        terminal.wait_for(f"{width}$")
        # The window shows the line once, also where tmux has moved its beginning out of sight.
        shown = terminal.screen(start="0").replace("\n", "")
        assert shown.count("word1 ") <= 1 and shown.count("word19") == 1
    terminal.press("Enter")
    assert server.contents() == [words]


def test_the_line_survives_a_stopped_program(server, open_terminal):
    """Ctrl-Z returns to the shell, and fg to the line."""
    command = f"PS1='$ ' bash --norc -i -c {shlex.quote(f'set -m; {CHAT}; fg; exit')}"
    terminal = open_terminal("-c", command, program="sh")
    terminal.wait_for_prompt()
    terminal.type("Hel")
    terminal.wait_for("> Hel")
    terminal.press("C-z")
    terminal.wait_for("Stopped|^> Hel$", 2)
    terminal.enter("lo")
    assert server.contents() == ["Hello"]
