"""Python types and JSON: the schema of a type, and the value of a type that a JSON value stands for."""

from __future__ import annotations

import dataclasses
import enum
import inspect
import json
import types
import typing
from collections.abc import Mapping, Sequence
from typing import Any, Callable, Literal, Union

from .errors import InvalidArgumentError

_PLAIN: dict[Any, str] = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    type(None): "null",
}

# What `X | Y` is; Python 3.9 has only Union.
_UNIONS = (Union, getattr(types, "UnionType", Union))


def schema_of(shape: Any, within: tuple[Any, ...] = ()) -> dict[str, Any]:
    """The JSON schema of a type: str, int, float, bool, None, lists, dicts by str, unions, Literal, enums, dataclasses."""
    if shape is Any or shape is inspect.Parameter.empty:
        return {}
    if shape in _PLAIN:
        return {"type": _PLAIN[shape]}
    origin, arguments = typing.get_origin(shape), typing.get_args(shape)
    if origin in _UNIONS:
        return {"anyOf": [schema_of(one, within) for one in arguments]}
    if origin is Literal:
        return {"enum": list(arguments)}
    if _is_sequence(shape, origin):
        return {"type": "array", "items": schema_of(arguments[0] if arguments else Any, within)}
    if _is_mapping(shape, origin):
        return {
            "type": "object",
            "additionalProperties": schema_of(arguments[1] if len(arguments) == 2 else Any, within),
        }
    if isinstance(shape, type) and issubclass(shape, enum.Enum):
        return {"enum": [member.value for member in shape]}
    if isinstance(shape, type) and dataclasses.is_dataclass(shape):
        if shape in within:
            raise InvalidArgumentError(
                f"{shape.__name__} contains itself, which no JSON schema without references can say"
            )
        hints, fields = (
            hints_of(shape),
            [field for field in dataclasses.fields(shape) if field.init],
        )
        properties = {
            field.name: schema_of(hints[field.name], (*within, shape)) for field in fields
        }
        return object_schema(properties, [field.name for field in fields if _is_required(field)])
    raise InvalidArgumentError(f"no JSON schema is known for the type {shape!r}")


def object_schema(fields: dict[str, Any], required: list[str]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": fields,
        "required": required,
        "additionalProperties": False,
    }


def parsed(document: str) -> Any:
    """JSON as a model wrote it; ValueError if it is none, or nested deeper than Python reads."""
    try:
        return json.loads(document)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def value_of(shape: Any, value: Any, place: str = "the value") -> Any:
    """The value of that type that a JSON value stands for; ValueError, which names the place, if it stands for none."""
    if shape is Any or shape is inspect.Parameter.empty:
        return value
    if shape is float and type(value) is int:
        try:
            return float(value)
        except OverflowError:
            raise ValueError(f"{place} is larger than a float can be") from None
    if shape in _PLAIN:
        if type(value) is shape:
            return value
        raise ValueError(f"{place} is not of type {_PLAIN[shape]}")
    origin, arguments = typing.get_origin(shape), typing.get_args(shape)
    if origin in _UNIONS:
        return _first_that_holds(arguments, value, place)
    if origin is Literal:
        if any(value == one and type(value) is type(one) for one in arguments):
            return value
        raise ValueError(f"{place} is none of {', '.join(map(repr, arguments))}")
    if _is_sequence(shape, origin):
        if not isinstance(value, list):
            raise ValueError(f"{place} is not a list")
        return [
            value_of(arguments[0] if arguments else Any, one, f"{place}[{at}]")
            for at, one in enumerate(value)
        ]
    if _is_mapping(shape, origin):
        if not isinstance(value, dict):
            raise ValueError(f"{place} is not an object")
        inner = arguments[1] if len(arguments) == 2 else Any
        return {name: value_of(inner, one, f"{place}.{name}") for name, one in value.items()}
    if isinstance(shape, type) and issubclass(shape, enum.Enum):
        try:
            return shape(value)
        except ValueError:
            raise ValueError(
                f"{place} is none of {', '.join(repr(member.value) for member in shape)}"
            ) from None
    if isinstance(shape, type) and dataclasses.is_dataclass(shape):
        fields = [field for field in dataclasses.fields(shape) if field.init]
        required = [field.name for field in fields if _is_required(field)]
        hints = hints_of(shape)
        return shape(
            **values_of({field.name: hints[field.name] for field in fields}, required, value, place)
        )
    raise InvalidArgumentError(f"no JSON is known for the type {shape!r}")


def values_of(
    shapes: Mapping[str, Any], required: Sequence[str], value: Any, place: str
) -> dict[str, Any]:
    """The fields of a JSON object, each as a value of its type; none missing of those required, and none but these."""
    if not isinstance(value, dict):
        raise ValueError(f"{place} is not an object")
    missing = [name for name in required if name not in value]
    unknown = [name for name in value if name not in shapes]
    if missing or unknown:
        parts = [f"lacks {', '.join(missing)}"] * bool(missing) + [
            f"has no field {', '.join(unknown)}"
        ] * bool(unknown)
        raise ValueError(f"{place} {' and '.join(parts)}")
    return {name: value_of(shapes[name], one, f"{place}.{name}") for name, one in value.items()}


def hints_of(thing: Union[type, Callable[..., object]]) -> dict[str, Any]:
    """The types that a function or a class is annotated with."""
    try:
        return typing.get_type_hints(thing)
    except (NameError, TypeError) as error:
        raise InvalidArgumentError(
            f"the annotations of {getattr(thing, '__name__', thing)} can't be read: {error}"
        ) from error


def _first_that_holds(shapes: tuple[Any, ...], value: Any, place: str) -> Any:
    reasons = []
    for shape in shapes:
        try:
            return value_of(shape, value, place)
        except InvalidArgumentError:
            raise
        except ValueError as error:
            reasons.append(str(error))
    raise ValueError("; ".join(dict.fromkeys(reasons)))


def _is_sequence(shape: Any, origin: Any) -> bool:
    return shape is list or origin in (list, Sequence)


def _is_mapping(shape: Any, origin: Any) -> bool:
    return shape is dict or origin in (dict, Mapping)


def _is_required(field: dataclasses.Field[Any]) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
