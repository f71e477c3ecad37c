"""Inputs, output and progress of `thinkwire batch`, without a server."""

from __future__ import annotations

import errno
import gc
import json
import os
import sqlite3
import sys
from collections.abc import Iterator
from datetime import datetime, timezone
from importlib import import_module
from pathlib import Path
from typing import Any, Optional

import pytest
from thinkwire.batch.cost import recorded_cost
from thinkwire.batch.finished import IdSet
from thinkwire.batch.inputs import InputError, count, read
from thinkwire.batch.journal import Journal, JournalError
from thinkwire.batch.progress import Progress, display
from thinkwire.batch.results import is_failure


def test_id_set_agrees_with_a_set() -> None:
    ids, expected = IdSet(), set()
    for number in range(20000):
        id_ = f"id-{number % 15000}"
        assert ids.add(id_) == (id_ not in expected)
        expected.add(id_)
    assert len(ids) == len(expected) == 15000
    assert "id-14999" in ids and "id-15000" not in ids and "\ud800" not in ids


def test_released_id_set_closes_its_file() -> None:
    ids = IdSet()
    database = ids._database
    del ids
    gc.collect()
    with pytest.raises(sqlite3.ProgrammingError, match="closed database"):
        database.execute("SELECT 1")


def bodies(path: Path, model: str = "m") -> list[tuple[str, object, object]]:
    lines = read(path, model)
    return [(line.custom_id, line.body["model"], line.body["messages"]) for line in lines]


HELLO = [{"role": "user", "content": "Hello"}]


@pytest.mark.parametrize(
    ("name", "text", "custom_id"),
    [
        ("a.jsonl", '\n{"prompt": "Hello", "temperature": 0}\n', "request-2"),
        ("a.jsonl", json.dumps({"custom_id": "x", "messages": HELLO}), "x"),
        (
            "a.jsonl",
            json.dumps(
                {
                    "custom_id": "x",
                    "method": "POST",
                    "url": "/v1/chat/completions",
                    "body": {"model": "other", "messages": HELLO},
                }
            ),
            "x",
        ),
        ("a.csv", "\ufeffcustom_id,prompt,ignored\r\n7,Hello,data\r\n", "7"),
        ("a.csv", 'messages\n"' + json.dumps(HELLO).replace('"', '""') + '"\n', "request-1"),
    ],
)
def test_inputs(tmp_path: Path, name: str, text: str, custom_id: str) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    assert bodies(path) == [(custom_id, "m", HELLO)]


def test_csv_and_parquet_of_pyarrow(tmp_path: Path) -> None:
    pyarrow = import_module("pyarrow")
    csv, parquet = import_module("pyarrow.csv"), import_module("pyarrow.parquet")
    table = pyarrow.table(
        {
            "custom_id": [7, 8, None],
            "prompt": ["Hello", None, "Hello"],
            "messages": [None, json.dumps(HELLO), None],
            "ignored": [1.5, 2.5, None],
        }
    )
    csv.write_csv(table, tmp_path / "a.csv")
    parquet.write_table(table, tmp_path / "a.parquet", row_group_size=2)
    structured = pyarrow.table({"messages": [HELLO, HELLO]})
    parquet.write_table(structured, tmp_path / "b.parquet")
    expected = [("7", "m", HELLO), ("8", "m", HELLO), ("request-3", "m", HELLO)]
    assert bodies(tmp_path / "a.csv") == bodies(tmp_path / "a.parquet") == expected
    assert bodies(tmp_path / "b.parquet")[1] == ("request-2", "m", HELLO)


def test_members_that_only_other_objects_of_a_column_have_are_not_sent(tmp_path: Path) -> None:
    pyarrow, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
    text = [{"type": "text", "text": "Hello"}]
    image = [{"type": "image_url", "image_url": {"url": "data:,"}}]
    calls = [{"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}]
    conversations = [
        [{"role": "user", "content": text}, {"role": "user", "content": image, "name": "Ada"}],
        [{"role": "assistant", "content": None, "tool_calls": calls}],
    ]
    path = tmp_path / "a.parquet"
    parquet.write_table(pyarrow.table({"messages": conversations}), path)
    assert [messages for _, _, messages in bodies(path)] == conversations


def test_long_prompt_in_csv(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("prompt\n" + "a" * 200_000 + "\n", encoding="utf-8")
    assert count(path, "m") == 1


@pytest.mark.parametrize("messages", ["hello", "[" * 100_000, "{}"])
def test_unusable_messages_in_a_column_are_reported(tmp_path: Path, messages: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"messages\n{messages}\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"a\.csv:1: .*messages"):
        count(path, "m")


def test_quotation_mark_that_is_not_closed_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('prompt\n"Hello" he said,\nB\n', encoding="utf-8")
    with pytest.raises(InputError, match="not CSV"):
        count(path, "m")
    path.write_text('prompt\nA\n"Hello\nB\n', encoding="utf-8")
    with pytest.raises(InputError, match="not CSV"):
        count(path, "m")


def test_columns_that_cannot_be_sent_are_reported(tmp_path: Path) -> None:
    import pyarrow
    from pyarrow import parquet

    (tmp_path / "a.csv").write_text("body,text\n{},a\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"a\.csv:1: .* column named prompt or messages"):
        count(tmp_path / "a.csv", "m")
    times = [[{"role": "user", "content": "a", "at": datetime.now(timezone.utc)}]]
    parquet.write_table(pyarrow.table({"messages": times}), tmp_path / "a.parquet")
    with pytest.raises(InputError, match=r"a\.parquet:1: a value is not JSON"):
        count(tmp_path / "a.parquet", "m")


@pytest.mark.parametrize("name", ["a.csv", "a.parquet"])
def test_files_of_another_format_are_reported(tmp_path: Path, name: str) -> None:
    import_module("pyarrow")
    (tmp_path / name).write_bytes(b"prompt\n\xff\xfe\n")
    with pytest.raises(InputError, match=name):
        count(tmp_path / name, "m")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "1: not JSON"),
        ("[" * 100_000, "1: not JSON"),
        ("[]", "expected a JSON object"),
        ('{"custom_id": 1, "prompt": "a"}', "custom_id must be a string"),
        ('{"text": "a"}', "expected one of body, messages"),
        ('{"prompt": "a", "model": 3}', "no model"),
        ('{"prompt": "a", "messages": []}', "both prompt and messages"),
        ('{"body": {"model": "m"}}', "array of messages"),
        ('{"body": {"messages": []}, "url": "/v1/embeddings"}', "only POST requests"),
        ('{"custom_id": "a", "prompt": "a", "model": "m"}\n' * 2, "'a' occurs twice"),
    ],
)
def test_unusable_lines_are_reported(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(line, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        count(path, None)


def result(custom_id: str, *, failed: bool = False) -> bytes:
    error = {"code": "server", "message": "m"} if failed else None
    response = None if failed else {"status_code": 200, "request_id": "", "body": {}}
    line = {"id": "b", "custom_id": custom_id, "response": response, "error": error}
    return json.dumps(line).encode() + b"\n"


def test_incomplete_last_line_is_removed_wherever_it_ends(tmp_path: Path) -> None:
    path, complete, last = tmp_path / "out", result("a"), result("b")
    for length in range(len(last) - 1):
        path.write_bytes(complete + last[:length])
        journal = Journal(path)
        assert len(journal.finished) == 1
        journal.append(last)
        journal.close()
        assert path.read_bytes() == complete + last


@pytest.mark.parametrize("end", [b"", b"\n\n", b"\0\0"])
def test_complete_last_line_is_kept_however_it_ends(tmp_path: Path, end: bytes) -> None:
    path, complete = tmp_path / "out", result("a") + b"\n" + result("b")
    path.write_bytes(complete.rstrip(b"\n") + end)
    journal = Journal(path)
    assert len(journal.finished) == 2
    journal.append(result("c"))
    journal.close()
    assert path.read_bytes() == complete + result("c")


@pytest.mark.parametrize(
    ("contents", "line"),
    [
        (b"notes\nof mine", 1),
        (b'[{"id": 1}]', 1),
        (b'{"prompt": "a"}', 1),
        (b'{"id": "chatcmpl-1", "object": "chat.completion"}', 1),
        (result("a") + b'{"id": "b"}', 2),
        (b"{", None),
        (result("a") + b"notes", 2),
        (result("a") + bytes(100), None),
    ],
)
def test_other_files_are_not_changed(tmp_path: Path, contents: bytes, line: Optional[int]) -> None:
    path = tmp_path / "out"
    path.write_bytes(contents)
    if line is None:
        return Journal(path).close()
    with pytest.raises(JournalError, match=f"{line}: not a batch result"):
        Journal(path)
    assert path.read_bytes() == contents


def test_two_processes_cannot_write_the_same_output(tmp_path: Path) -> None:
    first = Journal(tmp_path / "out")
    with pytest.raises(JournalError, match="another process"):
        Journal(tmp_path / "out")
    first.close()
    Journal(tmp_path / "out").close()


def test_output_that_cannot_be_read_again_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "out")
    for path in (tmp_path / "out", Path(os.devnull)):
        with pytest.raises(JournalError, match="not a regular file"):
            Journal(path)


def test_file_system_without_locks_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def flock(descriptor: int, operation: int) -> None:
        raise OSError(errno.ENOSYS, "Function not implemented")

    monkeypatch.setattr("fcntl.flock", flock)
    with pytest.raises(JournalError, match="the file system has no locks"):
        Journal(tmp_path / "out")


def test_line_that_does_not_fit_on_the_disk_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal, write = Journal(tmp_path / "out"), os.write
    journal.append(result("a"))

    def write_a_part(descriptor: int, data: bytes) -> int:
        if len(data) < 20:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(descriptor, data[:-10])

    monkeypatch.setattr("os.write", write_a_part)
    with pytest.raises(OSError, match="No space"):
        journal.append(result("b"))
    monkeypatch.setattr("os.write", write)
    journal.append(result("c"))
    journal.close()
    assert (tmp_path / "out").read_bytes() == result("a") + result("c")


def test_failed_sync_is_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    errors = [OSError(errno.EIO, "Input/output error")]

    def fsync(descriptor: int) -> None:
        if errors:
            raise errors.pop()

    monkeypatch.setattr("os.fsync", fsync)
    journal = Journal(tmp_path / "out")
    journal.append(result("a"))
    with pytest.raises(OSError, match="Input/output"):
        journal.sync()
    errors.append(OSError(errno.EIO, "Input/output error"))
    with pytest.raises(OSError, match="Input/output"):
        journal.close()


def test_output_is_synced_in_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    monkeypatch.setattr("os.fsync", lambda file: sizes.append(os.fstat(file).st_size))
    journal, line = Journal(tmp_path / "out"), result("a")
    journal.sync()
    for _ in range(3):
        journal.append(line)
    assert sizes == []
    journal.sync()
    journal.sync()
    journal.append(line)
    journal.close()
    assert sizes == [3 * len(line), 4 * len(line)]


def test_failed_lines_are_removed_to_be_sent_again(tmp_path: Path) -> None:
    path, link, other = tmp_path / "out", tmp_path / "link", tmp_path / "out.tmp"
    other.write_bytes(b"mine")
    path.write_bytes(result("a") + result("b", failed=True) + result("c"))
    path.chmod(0o640)
    link.symlink_to("out")
    journal = Journal(link, retry_failed=True)
    assert "a" in journal.finished and "b" not in journal.finished and "c" in journal.finished
    journal.append(result("b"))
    journal.close()
    assert path.read_bytes() == result("a") + result("c") + result("b")
    assert sorted(tmp_path.iterdir()) == [link, path, other] and other.read_bytes() == b"mine"
    assert link.is_symlink() and path.stat().st_mode & 0o777 == 0o640


def clocks() -> Iterator[tuple[Progress, float, str]]:
    yield Progress(10, 0, started=0), 1, "0/10, 0.0 answers/s"
    progress = Progress(100, 10, answered=28, failed=2, tokens=600, started=0)
    progress.add_cost(0.5, "USD")
    yield (
        progress,
        60,
        "40/100, 0.5 answers/s, 2 failed, 10 tokens/s, 0.5000 USD, 0:02:00 left",
    )


def test_summary_of_the_progress() -> None:
    for progress, now, summary in clocks():
        assert progress.summary(now) == summary


@pytest.mark.parametrize(
    ("response", "failed"),
    [
        ({"status_code": 200}, False),
        ({"status_code": 201}, False),
        ({"status_code": 400}, True),
        ({"status_code": "200"}, True),
        (None, True),
    ],
)
def test_recorded_failures(response: Any, failed: bool) -> None:
    assert is_failure({"response": response, "error": None}) == failed


@pytest.mark.parametrize("module", ["tqdm", "rich", None])
def test_progress_in_a_terminal(
    module: Optional[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if module is not None:
        import_module(module)
    for other in {"tqdm", "rich"} - {module}:
        # An import of this module fails.
        monkeypatch.setitem(sys.modules, other, None)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("TERM", "xterm")
    progress = Progress(4, 1)
    show = display(progress, quiet=False)
    show(False)
    progress.answered = 3
    show(True)
    printed = capsys.readouterr()
    assert printed.out == "" and "4/4, " in printed.err
    is_bar = any(block in printed.err for block in "█━")
    assert is_bar == (module is not None), printed.err


@pytest.mark.parametrize(
    ("body", "prices", "cost"),
    [
        ({"usage": {"cost": 0.5}}, None, (0.5, "USD")),
        ({"usage": {"cost": 0.5}, "meta": {"usage": {"usd_spent": 2}}}, None, (2, "USD")),
        ({"meta": {"usage": {"credits_used": 7}}}, None, (7, "credits")),
        ({"usage": {"prompt_tokens": 1000, "completion_tokens": 10}}, (1, 2), (0.00102, "USD")),
        ({"usage": {"cost": True}}, None, (None, "USD")),
        ({"usage": {"prompt_tokens": "9"}}, (1, 2), (None, "USD")),
        ([], None, (None, "USD")),
        (None, (1, 2), (None, "USD")),
    ],
)
def test_recorded_cost(body: Any, prices: Any, cost: Any) -> None:
    assert recorded_cost({"response": {"body": body}}, prices) == cost
    assert recorded_cost({"response": None}, prices)[0] is None
