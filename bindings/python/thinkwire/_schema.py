"""Converts Python types to JSON schemas, and JSON values to values of those types."""

from __future__ import annotations

import dataclasses
import enum
import inspect
import json
import types
import typing
from collections.abc import Mapping, Sequence
from typing import Any, Callable, Literal, Union

from . import _pydantic
from .errors import InvalidArgumentError

_SCALARS: dict[Any, str] = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    type(None): "null",
}

# The origins of `X | Y` and of `Union[X, Y]`. Python 3.9 has only Union.
_UNIONS = (Union, getattr(types, "UnionType", Union))


def schema_of(type_: Any, enclosing: tuple[Any, ...] = ()) -> dict[str, Any]:
    """Returns the JSON schema of a type.

    Supported are str, int, float, bool, None, lists, dicts with str keys, unions, Literal, enums,
    dataclasses, TypedDicts and pydantic models. `enclosing` contains the dataclasses and TypedDicts
    that the type is nested in.
    """
    if _is_any(type_):
        return {}
    if type_ in _SCALARS:
        return {"type": _SCALARS[type_]}
    origin, arguments = typing.get_origin(type_), typing.get_args(type_)
    if origin in _UNIONS:
        return {"anyOf": [schema_of(argument, enclosing) for argument in arguments]}
    if origin is Literal:
        return {"enum": list(arguments)}
    if _is_sequence(type_, origin):
        return {"type": "array", "items": schema_of(_element_type(arguments), enclosing)}
    if _is_mapping(type_, origin):
        members = schema_of(_member_type(arguments), enclosing)
        return {"type": "object", "additionalProperties": members}
    if isinstance(type_, type) and issubclass(type_, enum.Enum):
        return {"enum": [member.value for member in type_]}
    if _pydantic.is_model(type_):
        return _pydantic.self_contained_schema(type_)
    if _has_fields(type_):
        if type_ in enclosing:
            raise InvalidArgumentError(
                f"{type_.__name__} contains itself; "
                "a JSON schema without references cannot describe it"
            )
        types_, required = _fields(type_)
        properties = {name: schema_of(field, (*enclosing, type_)) for name, field in types_.items()}
        return object_schema(properties, required)
    raise InvalidArgumentError(f"no JSON schema is known for the type {type_!r}")


def object_schema(properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def parsed(document: str) -> Any:
    """Parses JSON written by a model. Raises ValueError if it is invalid or nested too deeply."""
    try:
        return json.loads(document)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def value_of(type_: Any, value: Any, path: str = "the value") -> Any:
    """Converts a JSON value to a value of the type.

    Raises ValueError, with the path of the value in the message, if the value does not fit.
    """
    if _is_any(type_):
        return value
    if type_ in _SCALARS:
        return _scalar(type_, value, path)
    origin, arguments = typing.get_origin(type_), typing.get_args(type_)
    if origin in _UNIONS:
        return _first_match(arguments, value, path)
    if origin is Literal:
        if any(value == literal and type(value) is type(literal) for literal in arguments):
            return value
        raise ValueError(f"{path} must be one of {', '.join(map(repr, arguments))}")
    if _is_sequence(type_, origin):
        if not isinstance(value, list):
            raise ValueError(f"{path} must be a list")
        element_type = _element_type(arguments)
        return [
            value_of(element_type, element, f"{path}[{index}]")
            for index, element in enumerate(value)
        ]
    if _is_mapping(type_, origin):
        if not isinstance(value, dict):
            raise ValueError(f"{path} must be an object")
        member_type = _member_type(arguments)
        return {
            name: value_of(member_type, member, f"{path}.{name}") for name, member in value.items()
        }
    if isinstance(type_, type) and issubclass(type_, enum.Enum):
        try:
            return type_(value)
        except ValueError:
            values = ", ".join(repr(member.value) for member in type_)
            raise ValueError(f"{path} must be one of {values}") from None
    if _pydantic.is_model(type_):
        # The exception of pydantic for a value that does not fit is a ValueError.
        # From JSON, because strict models accept texts as dates and UUIDs only there.
        return type_.model_validate_json(json.dumps(value))
    if _has_fields(type_):
        return type_(**values_of(*_fields(type_), value, path))
    raise InvalidArgumentError(f"no JSON representation is known for the type {type_!r}")


def values_of(
    types_: Mapping[str, Any], required: Sequence[str], value: Any, path: str
) -> dict[str, Any]:
    """Converts the members of a JSON object. Missing required and unknown members are errors."""
    if not isinstance(value, dict):
        raise ValueError(f"{path} must be an object")
    missing = [name for name in required if name not in value]
    unknown = [name for name in value if name not in types_]
    problems = []
    if missing:
        problems.append(f"must have the field {', '.join(missing)}")
    if unknown:
        problems.append(f"must not have the field {', '.join(unknown)}")
    if problems:
        raise ValueError(f"{path} {' and '.join(problems)}")
    return {
        name: value_of(types_[name], member, f"{path}.{name}") for name, member in value.items()
    }


def hints_of(annotated: Union[type, Callable[..., object]]) -> dict[str, Any]:
    """Returns the resolved type annotations of a function or a class."""
    try:
        return typing.get_type_hints(annotated)
    except (NameError, TypeError) as error:
        name = getattr(annotated, "__name__", annotated)
        raise InvalidArgumentError(
            f"the annotations of {name} cannot be resolved: {error}"
        ) from error


def _scalar(type_: Any, value: Any, path: str) -> Any:
    if type_ is float and type(value) is int:
        try:
            return float(value)
        except OverflowError:
            raise ValueError(f"{path} is too large for a float") from None
    if type(value) is type_:
        return value
    raise ValueError(f"{path} must be of type {_SCALARS[type_]}")


def _first_match(types_: tuple[Any, ...], value: Any, path: str) -> Any:
    """Converts the value to the first type of a union that it fits."""
    reasons = []
    for type_ in types_:
        try:
            return value_of(type_, value, path)
        except InvalidArgumentError:
            raise
        except ValueError as error:
            reasons.append(str(error))
    raise ValueError("; ".join(dict.fromkeys(reasons)))


def _has_fields(type_: Any) -> bool:
    return isinstance(type_, type) and (dataclasses.is_dataclass(type_) or _is_typed_dict(type_))


def _fields(type_: Any) -> tuple[dict[str, Any], list[str]]:
    """Returns the types of the fields of a dataclass or a TypedDict, and the required names."""
    hints = hints_of(type_)
    if _is_typed_dict(type_):
        required = []
        # `__required_keys__` does not know Required and NotRequired in annotations that are texts,
        # as `from __future__ import annotations` makes them.
        for name, hint in typing.get_type_hints(type_, include_extras=True).items():
            hint = getattr(hint, "__origin__", hint) if hasattr(hint, "__metadata__") else hint
            origin = typing.get_origin(hint)
            form = getattr(origin, "_name", None)
            if form in ("Required", "NotRequired") and typing.get_origin(hints[name]) is origin:
                # Python 3.10 does not know that this is no part of the type.
                (hints[name],) = typing.get_args(hint)
            if form == "Required" or form != "NotRequired" and name in type_.__required_keys__:
                required.append(name)
        return hints, required
    # Only fields in the initializer.
    fields = [field for field in dataclasses.fields(type_) if field.init]
    required = [
        field.name
        for field in fields
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    ]
    return {field.name: hints[field.name] for field in fields}, required


def _is_typed_dict(type_: Any) -> bool:
    # typing.is_typeddict does not exist in Python 3.9.
    return (
        isinstance(type_, type) and issubclass(type_, dict) and hasattr(type_, "__required_keys__")
    )


def _is_any(type_: Any) -> bool:
    return type_ is Any or type_ is inspect.Parameter.empty


def _is_sequence(type_: Any, origin: Any) -> bool:
    return type_ is list or origin in (list, Sequence)


def _is_mapping(type_: Any, origin: Any) -> bool:
    return type_ is dict or origin in (dict, Mapping)


def _element_type(arguments: tuple[Any, ...]) -> Any:
    return arguments[0] if arguments else Any


def _member_type(arguments: tuple[Any, ...]) -> Any:
    return arguments[1] if len(arguments) == 2 else Any
