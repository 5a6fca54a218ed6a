"""Rows of a long measurement, kept as they come: what was interrupted goes on where it stopped."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from perturber.errors import InvalidInputError


class Kept:
    """Rows in a file of JSON lines, of which the first says what is measured; without a file, in memory only.

    Args:
        path: that may exist; a row that was being written when all ended is left out.
        what: the measurement's arguments.

    Attributes:
        rows: in order; those of the file first.

    Raises:
        InvalidInputError: the file's rows are of another measurement.
    """

    def __init__(self, path: Path | None, what: Mapping[str, Any]) -> None:
        self.path = path
        self.rows: list[dict[str, Any]] = []
        if path is None:
            return
        lines = path.read_text().splitlines(keepends=True) if path.exists() else []
        whole = [json.loads(line) for line in lines if line.endswith("\n")]
        if whole and whole[0] != what:
            raise InvalidInputError(f"{path} holds rows of another measurement: {whole[0]}. Name another file.")
        self.rows = whole[1:]
        path.write_text("".join(json.dumps(one) + "\n" for one in (what, *self.rows)))

    def add(self, row: dict[str, Any]) -> None:
        """One more row."""
        self.rows.append(row)
        if self.path is not None:
            with self.path.open("a") as file:
                file.write(json.dumps(row) + "\n")
