"""Client.models: the list of models, and its form in openai-python."""

from __future__ import annotations

import json

import pytest
from http_server import ScriptedServer, response  # type: ignore[import-not-found]
from thinkwire import AuthenticationError, Client, Model, ModelList, ProtocolError, Status

MODELS = {
    "alibaba/qwen3-32b",
    "alibaba/qwen3-next-80b-a3b-thinking",
    "alibaba/qwen3-vl-32b-thinking",
    "alibaba/qwen3.6-35b-a3b",
}


def list_of(body: object) -> ModelList:
    """The list of models from a server that answers with this JSON."""
    answer = response(json.dumps(body).encode(), content_type="application/json")
    server = ScriptedServer([answer])
    try:
        with Client(server.url("127.0.0.1"), "key", max_retries=0) as client:
            return client.models()
    finally:
        server.stop()


def test_the_ids_are_strings(client: Client) -> None:
    models = client.models()
    assert MODELS <= set(models)
    assert isinstance(models, list) and all(isinstance(model, str) for model in models)
    assert models.reply.status is Status.OK
    assert models.reply.models == models
    assert models.reply.json()["data"][0]["id"] == models[0]


def test_the_list_has_the_form_of_openai(client: Client) -> None:
    page = client.models.list()
    assert page == client.models()
    assert page.object == "list"
    assert MODELS <= {model.id for model in page}
    first = page.data[0]
    assert (first.object, first.owned_by, type(first.created)) == ("model", "alibaba", int)
    assert first.model_dump()["id"] == first.id == first
    with pytest.raises(AttributeError, match="owned_by"):
        _ = first.context_length


@pytest.mark.parametrize(
    ("body", "ids", "sizes"),
    [
        ([{"id": "a", "size": 1}, {"id": "b", "size": 2}], ["a", "b"], [1, 2]),
        ({"models": [{"size": 0}, {"name": "a", "size": 1}]}, ["a"], [1]),
        ({"data": None, "models": [{"model": "a", "size": 1}]}, ["a"], [1]),
        ({"models": [{"name": "x", "size": 1}], "data": [{"id": "y", "size": 2}]}, ["y"], [2]),
    ],
)
def test_each_model_has_its_description(body: object, ids: list[str], sizes: list[int]) -> None:
    models = list_of(body)
    assert models == ids
    assert [model.size for model in models] == sizes


def test_a_model_without_a_description_has_an_id() -> None:
    (model,) = list_of(["a"])
    assert isinstance(model, Model)
    assert (model, model.id, model.model_dump()) == ("a", "a", {"id": "a"})
    assert list_of({"object": "list", "data": None}) == []


def test_errors_are_those_of_a_chat(base_url: str) -> None:
    faults = {"x-mock": "status=401,message=no"}
    with Client(base_url, "key", headers=faults) as client, pytest.raises(AuthenticationError):
        client.models()
    with pytest.raises(ProtocolError, match="not a list of models"):
        list_of({"status": "ok"})


def test_a_failed_request_is_retried(base_url: str) -> None:
    faults = {"x-mock": "status=503,header=retry-after-ms:1,tries=1,key=models of Python"}
    with Client(base_url, "key", headers=faults) as client:
        assert client.models.list().reply.attempts == 2
