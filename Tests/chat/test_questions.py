"""The question: words, standard input, files and images; and the options of the request."""

import base64
import os
import subprocess

import pytest
from chat_program import CHAT, question, run, sent

pytestmark = pytest.mark.usefixtures("uses_mock")

GIF = b"GIF89a.."


def test_piped_text_follows_the_question():
    assert question("Summarise", "this", stdin="one\ntwo\n\n") == "Summarise this\n\none\ntwo"


def test_piped_text_alone_is_the_question():
    assert question(stdin="Hello\r\n") == "Hello"


def test_empty_input_adds_nothing():
    assert question("Hello", stdin="") == "Hello"


def test_closed_input_adds_nothing():
    assert question("Hello", stdin=None, preexec_fn=lambda: os.close(0)) == "Hello"


def test_dash_is_standard_input_at_that_place():
    assert question("-", stdin="Hello\n") == "Hello"
    assert question("Compare", "-", "with", "this", stdin="A\n") == "Compare\n\nA\n\nwith this"


def test_files_follow_with_their_names(tmp_path):
    one, two = tmp_path / "one.txt", tmp_path / "two.txt"
    one.write_text("Eins\n")
    two.write_text("Zwei – 2\n")
    expected = f"Compare\n\nFile {one}:\nEins\n\nFile {two}:\nZwei – 2"
    assert question("Compare", "-f", one, f"--file={two}") == expected
    assert question("Compare", f"-f{one}", "-f", "-", stdin="input") == (
        f"Compare\n\nFile {one}:\nEins\n\ninput"
    )
    assert question("-f", one) == f"File {one}:\nEins"


def test_large_input_is_sent_completely():
    text = "0123456789abcdef" * 65536
    assert question("Summarise", stdin=text) == f"Summarise\n\n{text}"


def test_images_from_files_addresses_and_standard_input(tmp_path):
    (tmp_path / "image.gif").write_bytes(GIF)
    data = "data:image/gif;base64," + base64.b64encode(GIF).decode()
    message = sent("What?", "-i", tmp_path / "image.gif", "--image", "https://host/b.png")
    parts = message["messages"][0]["content"]
    assert parts[0] == {"type": "text", "text": "What?"}
    assert [part["image_url"]["url"] for part in parts[1:]] == [data, "https://host/b.png"]
    parts = sent("What?", "--image", "-", stdin=GIF)["messages"][0]["content"]
    assert [part["image_url"]["url"] for part in parts[1:]] == [data]


def test_fields_of_the_request():
    body = sent(
        "Hello",
        "--system=Be brief.",
        "--temperature",
        "0.2",
        "-o",
        'stop=["a=b"]',
        "--set",
        "max_tokens=5",
    )
    assert body["messages"][0] == {"role": "system", "content": "Be brief."}
    assert (body["temperature"], body["stop"], body["max_tokens"]) == (0.2, ["a=b"], 5)


@pytest.mark.parametrize(
    ("arguments", "stdin", "message"),
    [
        (["-", "-"], "", "standard input can be used only once"),
        (["-", "--image", "-"], "", "standard input can be used only once"),
        (["Hello"], b"a\0b", "standard input contains a zero byte"),
        (["Hello"], b"\xff", "standard input is not UTF-8"),
        (["Hello", "-f", "/missing"], "", "cannot read /missing: No such file"),
        (["Hello", "-f", "/"], "", "cannot read /: Is a directory"),
        (["Hello", "-i", "/missing.png"], "", "--image: "),
        (["Hello", "--temperature", "0,2"], "", "--temperature: "),
        (["Hello", "-o", "user=bob"], "", "--set: "),
        (["Hello", "-o", "user"], "", "--set requires NAME=JSON, not user"),
        (["Hello", "--timeout", "soon"], "", "--timeout requires a number of seconds, not soon"),
        ([], "", "the question is empty"),
    ],
)
def test_invalid_usage_is_explained(arguments, stdin, message):
    output, errors = run(*arguments, stdin=stdin, status=2)
    assert output == ""
    assert errors.startswith("thinkwire-chat: ") and errors.count("\n") == 1
    assert message in errors


def test_a_silent_pipe_is_explained():
    """Nothing was written to the pipe, and it remains open."""
    with subprocess.Popen(
        [CHAT, "Hello"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert b"waiting for standard input; use </dev/null" in process.stderr.readline()
        output, _ = process.communicate(b"late", timeout=60)
    assert process.returncode == 0 and rb"Hello\n\nlate" in output
