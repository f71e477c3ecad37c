"""Runs of `thinkwire batch` in the process of a test."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from thinkwire.batch.command import main


class Files:
    """An input with numbered prompts, and its output."""

    def __init__(self, directory: Path, lines: int) -> None:
        self.input, self.output = directory / "in.jsonl", directory / "out.jsonl"
        self.ids = [f"id-{number}" for number in range(lines)]
        rows = ({"custom_id": id_, "prompt": id_} for id_ in self.ids)
        self.input.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")

    def run(self, base_url: str, *arguments: str) -> int:
        return main(
            [str(self.input), "-o", str(self.output), "--base-url", base_url, "-m", "m"]
            + [*arguments]
        )

    def results(self) -> dict[str, Any]:
        """Returns the lines of the output by their ids. Fails if an id occurs twice."""
        lines = [json.loads(line) for line in self.output.read_bytes().splitlines()]
        by_id = {line["custom_id"]: line for line in lines}
        assert len(by_id) == len(lines)
        return by_id
