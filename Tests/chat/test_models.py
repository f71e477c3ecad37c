"""Which model and which server are used, and what the messages about them say."""

import json
import re
import subprocess

import pytest
from chat_program import CHAT, run
from mock_process import ROOT


@pytest.fixture(autouse=True)
def no_model(monkeypatch):
    monkeypatch.delenv("THINKWIRE_MODEL")


@pytest.fixture
def openai_only(server, monkeypatch):
    """Only the key of OpenAI is set, and the address of a server in place of OpenAI's."""
    monkeypatch.delenv("THINKWIRE_API_KEY")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-key")
    monkeypatch.setenv("OPENAI_BASE_URL", server.url("127.0.0.1"))


def test_the_only_model_of_a_server_is_used(server, openai_only):
    assert run("-q", "Hello")[0] == "Answer 1.\n"
    assert server.request()["model"] == "some-model"


def test_several_models_require_a_choice(server, openai_only):
    server.models = ["gpt-a", "gpt-b", "gpt-c", "gpt-d"]
    _, errors = run("Hello", status=2)
    assert errors == (
        "thinkwire-chat: name a model with --model or THINKWIRE_MODEL, such as gpt-a, gpt-b, "
        "gpt-c; --list-models prints all\n"
    )
    assert not server.has_request()
    assert run("--list-models")[0] == "gpt-a\ngpt-b\ngpt-c\ngpt-d\n"


def test_a_server_without_a_list_requires_a_choice(server, openai_only):
    server.models = None
    assert run("Hello", status=2)[1] == (
        "thinkwire-chat: name a model with --model or THINKWIRE_MODEL\n"
    )
    assert run("-q", "-m", "m", "Hello")[0] == "Answer 1.\n"


def test_aimlapi_has_a_default_model(server, monkeypatch):
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{server.port}")
    address = ["--base-url", "http://api.aimlapi.com/v1", "--allow-cleartext", "api.aimlapi.com"]
    run(*address, "Hello")
    assert server.request()["model"] == "alibaba/qwen3-32b"


def test_an_unknown_model_leads_to_the_list(mock):
    _, errors = run("--base-url", mock.url, "-m", "no/such-model", "Hello", status=1)
    assert errors.endswith("(--list-models prints the models)\n")


LAN = ["--base-url", "http://gpu.lan:8000/v1", "-m", "m", "Hello"]


def test_a_key_in_clear_text_needs_permission(server, monkeypatch):
    _, errors = run(*LAN, status=2)
    assert "allow it with --allow-cleartext HOST or THINKWIRE_ALLOW_CLEARTEXT" in errors
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{server.port}")
    assert run("-q", *LAN, "--allow-cleartext", "gpu.lan")[0] == "Answer 1.\n"
    monkeypatch.setenv("THINKWIRE_ALLOW_CLEARTEXT", "other.lan, gpu.lan")
    assert run("-q", *LAN)[0] == "Answer 2.\n"


def test_a_missing_key_is_explained(monkeypatch):
    monkeypatch.delenv("THINKWIRE_API_KEY")
    assert run("Hello", status=2)[1] == (
        "thinkwire-chat: no API key: set THINKWIRE_API_KEY or AIMLAPI_API_KEY in the environment\n"
    )


def test_a_timeout_names_the_option(mock):
    address = ["--base-url", mock.url, "-m", "mock/synthetic#delay=60000"]
    _, errors = run(*address, "--timeout", "0.2", "Hello", status=1)
    assert "no response within" in errors and "raise it with --timeout" in errors


def test_unreadable_certificates_name_the_option():
    _, errors = run("--ca-file", "/missing", "Hello", status=2)
    assert errors.startswith("thinkwire-chat: --ca-file: ")


def functions():
    header = (ROOT / "include" / "thinkwire.h").read_text()
    return set(re.findall(r"^TW_API .*?\b(tw_\w+)\(", header, re.MULTILINE))


def advised():
    """The functions of the library that its messages about requests and exchanges name."""
    names = set()
    for module in ("Chat", "Engine", "Transport"):
        for source in (ROOT / "Sources" / module).rglob("*.swift"):
            code = re.sub(r"^\s*//.*", "", source.read_text(), flags=re.MULTILINE)
            for text in re.findall(r'"""(.*?)"""|"([^"\n]*)"', code, re.DOTALL):
                names |= set(re.findall(r"\btw_\w+", "".join(text)))
    return names & functions()


def test_the_advice_of_every_message_is_translated():
    source = (ROOT / "bindings" / "c" / "chat" / "report.c").read_text()
    table = source[source.index("advice[] = {") : source.index("};")]
    assert advised() - set(re.findall(r"\btw_\w+", table)) == set()
    assert "tw_options_set_timeout" in advised()


def test_the_stream_cannot_be_switched_off(mock):
    _, errors = run("--base-url", mock.url, "-m", "m", "-o", "stream=false", "Hello", status=2)
    assert "tw_" not in errors and "always streams" in errors


def test_list_of_models_as_json(mock):
    listed = json.loads(run("--base-url", mock.url, "--list-models", "--json")[0])
    names = run("--base-url", mock.url, "--list-models")[0].split()
    assert [model["id"] for model in listed["data"]] == names


def test_the_library_does_not_need_libedit():
    needed = subprocess.run(
        ["readelf", "-d", CHAT.parent / "libthinkwire.so"], capture_output=True, text=True
    ).stdout
    assert "NEEDED" in needed and "libedit" not in needed
