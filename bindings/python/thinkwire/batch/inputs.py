"""Reads the requests of an input file one at a time: JSON lines, CSV or Parquet."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, Callable, Optional

from .finished import IdSet

#: The only endpoint of OpenAI batch files that the library can call.
_ENDPOINT = "/chat/completions"

#: The members of a line that are not fields of the request body.
_OUTSIDE_BODY = ("custom_id", "prompt")


class InputError(Exception):
    """The input cannot be used. The message names the file and the line."""


@dataclass(frozen=True)
class InputLine:
    """A request of the input."""

    #: The identifier of the answer. Unique in the file.
    custom_id: str
    #: The body of a chat completion.
    body: dict[str, Any]
    #: Whether the input has no custom_id, so that it is the number of the line.
    is_numbered: bool = False

    @property
    def result_id(self) -> str:
        """The id of the result. That of a numbered line depends on what is asked."""
        id_ = f"batch_req_{self.custom_id}"
        if not self.is_numbered:
            return id_
        asked = json.dumps({**self.body, "model": None}, sort_keys=True).encode()
        return f"{id_}_{blake2b(asked, digest_size=8).hexdigest()}"


def read(path: Path, model: Optional[str]) -> Iterator[InputLine]:
    """Yields the requests of a file. `model` replaces the model of each request.

    Raises InputError at the first line that is no request.
    """
    rows = _TABLES.get(path.suffix.lower(), _json_lines)
    for number, row in rows(path):
        try:
            line = _input_line(number, row if rows is _json_lines else _columns(row), model)
        except (ValueError, RecursionError) as error:
            raise InputError(f"{path}:{number}: {error}") from error
        yield line


def count(path: Path, model: Optional[str]) -> int:
    """Reads the whole file and returns the number of requests.

    Raises InputError if a line is no request, or has the custom_id of an earlier line.
    """
    if path.exists() and not path.is_file():
        raise InputError(f"{path}: not a regular file; save it first, because it is read twice")
    seen = IdSet()
    for line in read(path, model):
        if not seen.add(line.custom_id):
            raise InputError(
                f"{path}: the custom_id {line.custom_id!r} occurs twice; make it unique, because "
                "it identifies the answer"
            )
    return len(seen)


def _input_line(number: int, row: Any, model: Optional[str]) -> InputLine:
    if not isinstance(row, Mapping):
        raise ValueError(f"expected a JSON object, not {type(row).__name__}")
    custom_id = row.get("custom_id")
    is_numbered = custom_id is None
    if is_numbered:
        custom_id = f"request-{number}"
    if not isinstance(custom_id, str):
        raise ValueError("custom_id must be a string")
    body = _body(row)
    if model is not None:
        body["model"] = model
    if not isinstance(body.get("model"), str):
        raise ValueError("the line has no model; name it in the line, or with -m MODEL")
    return InputLine(custom_id, body, is_numbered)


def _body(row: Mapping[str, Any]) -> dict[str, Any]:
    if "body" in row:
        url = row.get("url", _ENDPOINT)
        if not str(url).endswith(_ENDPOINT) or row.get("method", "POST") != "POST":
            raise ValueError(f"only POST requests to {_ENDPOINT} are supported, not {url!r}")
        body = row["body"]
        if not isinstance(body, dict) or not isinstance(body.get("messages"), list):
            raise ValueError("body must be an object with an array of messages")
        return dict(body)
    if "prompt" in row and "messages" in row:
        raise ValueError("the line has both prompt and messages")
    body = {name: value for name, value in row.items() if name not in _OUTSIDE_BODY}
    if isinstance(row.get("prompt"), str):
        body["messages"] = [{"role": "user", "content": row["prompt"]}]
    if not isinstance(body.get("messages"), list):
        raise ValueError("expected one of body, messages (an array) and prompt (a string)")
    return body


def _json_lines(path: Path) -> Iterator[tuple[int, Any]]:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                try:
                    yield number, json.loads(line)
                except (ValueError, RecursionError) as error:
                    raise InputError(f"{path}:{number}: not JSON: {error}") from error


def _csv_rows(path: Path) -> Iterator[tuple[int, Any]]:
    # A prompt may be longer than the 128 KiB that Python permits by default.
    csv.field_size_limit(2**31 - 1)
    with path.open(encoding="utf-8-sig", newline="") as file:
        # Without `strict`, a quotation mark that is not closed joins all following rows.
        rows = csv.DictReader(file, strict=True)
        try:
            yield from enumerate(rows, 1)
        except (csv.Error, UnicodeDecodeError) as error:
            raise InputError(
                f"{path}: not CSV in UTF-8, after line {rows.line_num}: {error}"
            ) from error


def _parquet_rows(path: Path) -> Iterator[tuple[int, Any]]:
    try:
        from pyarrow import ArrowException, parquet
    except ImportError as error:
        raise InputError(
            f"{path}: reading Parquet requires pyarrow: pip install pyarrow"
        ) from error
    number = 0
    try:
        with parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=1000):
                for row in batch.to_pylist():
                    number += 1
                    yield number, row
    except ArrowException as error:
        raise InputError(f"{path}: not Parquet: {error}") from error


def _columns(row: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the columns that are used; other columns are data of the user's own.

    Raises ValueError if they cannot be sent.
    """
    used = ("custom_id", "prompt", "model", "messages")
    columns = {name: row[name] for name in used if row.get(name) not in (None, "")}
    if isinstance(columns.get("messages"), str):
        try:
            columns["messages"] = json.loads(columns["messages"])
        except (ValueError, RecursionError) as error:
            raise ValueError(f"messages is not JSON: {error}") from error
    elif "messages" in columns:
        columns["messages"] = without_nulls(columns["messages"])
    if "custom_id" in columns:
        columns["custom_id"] = str(columns["custom_id"])
    if "prompt" not in columns and "messages" not in columns:
        raise ValueError("the row has no text in a column named prompt or messages")
    try:
        json.dumps(columns)
    except (TypeError, ValueError) as error:
        raise ValueError(f"a value is not JSON: {error}") from error
    return columns


def without_nulls(value: Any) -> Any:
    """Returns a value of a column without the null members of its objects, except `content`.

    In a column, all objects have the same members: those that an object does not have are null.
    """
    if isinstance(value, Mapping):
        return {
            name: without_nulls(member)
            for name, member in value.items()
            if member is not None or name == "content"
        }
    if isinstance(value, list):
        return [without_nulls(item) for item in value]
    return value


#: The readers of files with columns.
_TABLES: dict[str, Callable[[Path], Iterator[tuple[int, Any]]]] = {
    ".csv": _csv_rows,
    ".parquet": _parquet_rows,
}
