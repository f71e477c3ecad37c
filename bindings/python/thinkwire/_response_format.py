"""Structured answers: the `response_format` that requests an answer with the fields of a type."""

from __future__ import annotations

from typing import Any

from . import _pydantic
from ._schema import schema_of


def response_format_of(type_: type) -> dict[str, Any]:
    """Returns the `response_format` for a dataclass, a TypedDict or a pydantic model."""
    is_model = _pydantic.is_model(type_)
    schema = _pydantic.strict_schema(type_) if is_model else schema_of(type_)
    return {
        "type": "json_schema",
        "json_schema": {"name": type_.__name__, "schema": schema, "strict": _is_strict(schema)},
    }


def _is_strict(schema: Any) -> bool:
    """Whether a server with strict structured answers accepts the schema.

    Every field of every object must be required, and no object may have fields with other names.
    Source: https://platform.openai.com/docs/guides/structured-outputs (supported schemas).
    """
    if isinstance(schema, list):
        return all(map(_is_strict, schema))
    if not isinstance(schema, dict):
        return True
    if schema.get("type") == "object" and (
        schema.get("additionalProperties") is not False
        or sorted(schema.get("properties", {})) != sorted(schema.get("required", []))
    ):
        return False
    return all(map(_is_strict, schema.values()))
