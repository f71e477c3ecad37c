"""Clients with the names and the constructors of openai-python.

    from thinkwire import OpenAI     # instead of: from openai import OpenAI
    import thinkwire as openai       # instead of: import openai

A number as `timeout` limits each phase of an exchange, as in openai-python, not the whole exchange.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Optional, cast

from .async_client import AsyncClient
from .client import Client
from .options import AllOptions, phases

if TYPE_CHECKING:
    from typing_extensions import Unpack


class OpenAIOptions(AllOptions, total=False):
    """The arguments of OpenAI and AsyncOpenAI: those of Client, and those of openai-python."""

    default_headers: Optional[Mapping[str, str]]
    organization: Optional[str]
    project: Optional[str]


class OpenAI(Client):
    """A Client that is created like the one of openai-python."""

    def __init__(self, **options: Unpack[OpenAIOptions]) -> None:
        super().__init__(**_native(options))


class AsyncOpenAI(AsyncClient):
    """An AsyncClient that is created like the one of openai-python."""

    def __init__(self, **options: Unpack[OpenAIOptions]) -> None:
        super().__init__(**_native(options))


def _native(options: OpenAIOptions) -> AllOptions:
    """Returns the arguments of Client."""
    accounts = {
        "OpenAI-Organization": options.pop("organization", None),
        "OpenAI-Project": options.pop("project", None),
    }
    headers = {
        **(options.get("headers") or {}),
        **(options.pop("default_headers", None) or {}),
        **{name: account for name, account in accounts.items() if account},
    }
    native: dict[str, Any] = {
        **options,
        **_endpoint(options.get("base_url"), options.get("api_key")),
        "headers": headers,
        "timeout": phases(options.get("timeout")),
    }
    return cast(AllOptions, native)


def _endpoint(base_url: Optional[str], api_key: Optional[str]) -> dict[str, Optional[str]]:
    """Returns the address and the key that openai-python uses, or None for those of the library.

    The library has defaults of its own. No key is sent to the address of another provider.
    """
    environment = os.environ
    own_key = api_key or environment.get("OPENAI_API_KEY")
    if base_url or environment.get("THINKWIRE_BASE_URL") or not own_key:
        return {"base_url": base_url, "api_key": api_key}
    return {
        "base_url": environment.get("OPENAI_BASE_URL") or "https://api.openai.com/v1",
        "api_key": own_key,
    }
