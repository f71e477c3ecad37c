"""The list of models that an endpoint offers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Callable

from .reply import Reply

if TYPE_CHECKING:
    from .async_stream import AsyncStream
    from .stream import Stream


class Model(str):
    """The id of a model. The members of its description are attributes: `model.owned_by`.

    `model.id` is the id itself, as in openai-python.
    """

    def __new__(cls, id_: str, description: object = None) -> Model:
        model = super().__new__(cls, id_)
        model._description = description if isinstance(description, dict) else {}
        return model

    _description: dict[str, Any]

    @property
    def id(self) -> str:
        return str(self)

    def __getattr__(self, name: str) -> Any:
        try:
            return self._description[name]
        except KeyError:
            members = ", ".join(self._description) or "an id"
            raise AttributeError(f"the model has no {name!r}, only {members}") from None

    def model_dump(self) -> dict[str, Any]:
        """Returns the description as sent by the server; only the id, if it sent only that."""
        return dict(self._description) or {"id": str(self)}

    to_dict = model_dump


class ModelList(list[Model]):
    """The models in the order of the response.

    `data` is the list itself, as in openai-python. `reply` is the reply that contained the list.
    """

    object = "list"

    def __init__(self, reply: Reply) -> None:
        super().__init__(_models(reply))
        self.reply = reply

    @property
    def data(self) -> list[Model]:
        return self


class Models:
    """`client.models`: `client.models()` and `client.models.list()` return the same list."""

    def __init__(self, open_: Callable[[], Stream]) -> None:
        self._open = open_

    def __call__(self) -> ModelList:
        """Requests the list of models. Raises an Error if the request fails.

        The timeouts, retries and limits are those of the client.
        """
        return ModelList(self._open().finish())

    list = __call__


class AsyncModels:
    """`client.models` of an AsyncClient: `await client.models()`, `await client.models.list()`."""

    def __init__(self, open_: Callable[[], AsyncStream]) -> None:
        self._open = open_

    async def __call__(self) -> ModelList:
        """Requests the list of models; see Models."""
        return ModelList(await self._open().finish())

    list = __call__


def _models(reply: Reply) -> Iterator[Model]:
    """Yields the ids that the library found, each with the element of the JSON that contains it."""
    document = reply.json()
    members = document if isinstance(document, dict) else {"": document}
    arrays = (members.get(name) for name in ("", "data", "models", "result"))
    elements = iter(next((array for array in arrays if isinstance(array, list)), []))
    for id_ in reply.models:
        named = (
            element
            for element in elements
            if element == id_ or isinstance(element, dict) and id_ in element.values()
        )
        yield Model(id_, next(named, None))
