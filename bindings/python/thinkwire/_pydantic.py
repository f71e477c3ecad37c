"""JSON schemas of pydantic models.

A model is recognized by its functions, so that this package neither needs nor imports pydantic.
"""

from __future__ import annotations

from typing import Any

from .errors import InvalidArgumentError

#: The beginning of a reference to one of the definitions of a schema.
_PREFIX = "#/$defs/"

#: Keywords whose values are not schemas.
_VALUES = frozenset(("const", "enum", "examples"))


class _ContainsItself(Exception):
    """A definition is part of itself."""


def is_model(type_: Any) -> bool:
    """Whether the type is a pydantic model, or another class with the same two functions."""
    return isinstance(type_, type) and all(
        callable(getattr(type_, name, None)) for name in ("model_json_schema", "model_validate")
    )


def strict_schema(model: Any) -> Any:
    """Returns the schema of a model in the form that strict structured answers require.

    As in openai-python, every field is required, no other field is allowed, no default is given,
    and a reference has no other keywords next to it.
    """
    schema = model.model_json_schema()
    try:
        return _strict(_inlined(schema))
    except _ContainsItself:
        definitions = schema["$defs"]
        root = _referenced(schema, definitions)
        return _strict({**(definitions[root] if root else schema), "$defs": definitions})


def self_contained_schema(model: Any) -> dict[str, Any]:
    """Returns the schema of a model without references, for use inside of another schema."""
    try:
        schema: dict[str, Any] = _inlined(model.model_json_schema())
    except _ContainsItself as error:
        raise InvalidArgumentError(
            f"{error} contains itself; a model with it can be a response_format, "
            "but not a part of another type"
        ) from None
    return schema


def _strict(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_strict(element) for element in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return {"$ref": schema["$ref"]}
    strict: dict[str, Any] = {}
    for keyword, value in schema.items():
        if keyword in _VALUES:
            strict[keyword] = value
        elif keyword in ("properties", "$defs"):
            strict[keyword] = {name: _strict(member) for name, member in value.items()}
        elif keyword != "default":
            strict[keyword] = _strict(value)
    if "properties" in strict:
        strict.update(required=list(strict["properties"]), additionalProperties=False)
    return strict


def _inlined(schema: dict[str, Any]) -> Any:
    """Returns the schema with a copy of its definition in place of each reference."""
    definitions = schema.get("$defs", {})

    def inlined(part: Any, enclosing: tuple[str, ...] = ()) -> Any:
        if isinstance(part, list):
            return [inlined(element, enclosing) for element in part]
        if not isinstance(part, dict):
            return part
        name = _referenced(part, definitions)
        if name is None:
            return {key: inlined(value, enclosing) for key, value in part.items()}
        if name in enclosing:
            raise _ContainsItself(name)
        others = {key: value for key, value in part.items() if key != "$ref"}
        return inlined({**definitions[name], **others}, (*enclosing, name))

    return inlined({key: value for key, value in schema.items() if key != "$defs"})


def _referenced(schema: dict[str, Any], definitions: dict[str, Any]) -> Any:
    """Returns the name of the definition that a schema refers to, or None."""
    reference = schema.get("$ref")
    name = reference[len(_PREFIX) :] if isinstance(reference, str) else None
    return name if name in definitions else None
