"""A folder to break: a copy of a shipped pilot in which one thing is changed."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from amanat.cli.root import app
from amanat.core.errors import Refusal, Refusals
from amanat.replay.loading import load_pilot

PILOTS = Path(__file__).parents[2] / "pilots"


@dataclass(frozen=True)
class Copy:
    """A copy of a pilot; each edit answers with the line that it changed."""

    path: Path

    def cell(self, file: str, row: int, column: str, value: str) -> int:
        """Set one cell of a CSV file; rows count from 1 below the names of the columns."""
        lines = self.lines(file)
        places = [n for n, line in enumerate(lines) if line.strip() and not line.startswith("#")]
        place = lines[places[0]].split(",").index(column)
        cells = lines[places[row]].split(",")
        cells[place] = value
        lines[places[row]] = ",".join(cells)
        self.write(file, lines)
        return places[row] + 1

    def read_cell(self, file: str, row: int, column: str) -> str:
        """One cell of a CSV file."""
        rows = [line for line in self.lines(file) if line.strip() and not line.startswith("#")]
        return rows[row].split(",")[rows[0].split(",").index(column)]

    def key(self, file: str, name: str, value: str, occurrence: int = 1) -> int:
        """Set a key of a TOML file to a value as it is written there."""
        lines = self.lines(file)
        places = [n for n, line in enumerate(lines) if re.match(rf"{name}\s*=", line)]
        place = places[occurrence - 1]
        lines[place] = f"{name} = {value}"
        self.write(file, lines)
        return place + 1

    def append(self, file: str, line: str) -> int:
        """Add a line at the end of a file."""
        self.write(file, [*self.lines(file), line])
        return len(self.lines(file))

    def lines(self, file: str) -> list[str]:
        """The lines of a file."""
        return (self.path / file).read_text(encoding="utf-8").splitlines()

    def write(self, file: str, lines: list[str]) -> None:
        """Write a file anew."""
        (self.path / file).write_text("\n".join(lines) + "\n", encoding="utf-8")

    def refusals(self) -> list[Refusal]:
        """Every refusal of the folder, in the order in which it is reported.

        A folder that is refused must leave neither ledger nor database behind.
        """
        found: list[Refusal] = []
        try:
            load_pilot(self.path)
        except Refusals as refusals:
            found = list(refusals.refusals)
        except Refusal as refusal:
            found = [refusal]
        if found:
            data = self.path.parent / "installation"
            told = CliRunner().invoke(app, ["pilot", str(self.path), "--data", str(data)])
            assert told.exit_code == 1, told.output
            assert not data.exists()
        return found


@pytest.fixture
def shipped() -> Callable[[str], Path]:
    """A shipped pilot by its kind of security."""

    def find(kind: str) -> Path:
        for one in sorted(PILOTS.glob("*/instruments.toml")):
            if f'kind = "{kind}"' in one.read_text(encoding="utf-8"):
                return one.parent
        raise LookupError(kind)

    return find


@pytest.fixture
def copy(shipped: Callable[[str], Path], tmp_path: Path) -> Copy:
    """A copy of the shipped pilot with a bond."""
    return Copy(Path(shutil.copytree(shipped("bond"), tmp_path / "pilot")))
