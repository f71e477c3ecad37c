"""The log in the logging module."""

from __future__ import annotations

import logging

import pytest
from conftest import QWEN3, run_python
from thinkwire import AsyncClient, Client


def test_lines_are_passed_to_the_logger(base_url: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "thinkwire"), Client(base_url, "a-secret-key") as client:
        client.send(QWEN3, "Text of the message", thinking=False)
    assert [record.name for record in caplog.records] == ["thinkwire"] * len(caplog.records)
    assert {record.levelname for record in caplog.records} == {"DEBUG"}
    assert caplog.messages[0] == f"POST {base_url}/chat/completions"
    assert caplog.messages[-1].startswith("TW_OK, HTTP 200, ")
    assert "secret" not in caplog.text and "Text of" not in caplog.text


def test_log_function_replaces_the_logger(base_url: str, caplog: pytest.LogCaptureFixture) -> None:
    lines: list[str] = []
    with caplog.at_level(logging.DEBUG), Client(base_url, "key", log=lines.append) as client:
        client.send(QWEN3, "Hello", thinking=False)
    assert lines and not [record for record in caplog.records if record.name == "thinkwire"]


def test_logger_of_another_level_receives_nothing(
    base_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO), Client(base_url, "key") as client:
        assert client._options.log_number is None
        caplog.set_level(logging.DEBUG)
        client.send(QWEN3, "Hello", thinking=False)
        assert AsyncClient(base_url, "key")._options.log_number is not None
    assert not [record for record in caplog.records if record.name == "thinkwire"]


WITHOUT = """
import sys
from thinkwire import Client
with Client(sys.argv[1], "key") as client:
    client.send("mock/echo", "Hello")
assert "logging" not in sys.modules
"""


@pytest.mark.slow
def test_logging_is_not_imported(base_url: str) -> None:
    run_python(WITHOUT, base_url)
