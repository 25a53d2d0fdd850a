"""What is wrong with a return: every error counted, the first ones shown, memory bounded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from amanat.supervision.returns.specification import PARTIES, PERSONAL, RECORDS, RULES

SHOWN_OF_ONE_MAX = 20
"""How many errors of one rule in one column are shown; the rest are counted."""
SHOWN_MAX = 1000
_VALUE_MAX = 60
_QUOTES_LINES = frozenset({"row_shape", "encoding", "file_readable"})
"""Rules whose value is a line of the file, or a part of one."""
_NAMES_COLUMNS = frozenset({"column_unknown", "column_twice"})


@dataclass(frozen=True, slots=True)
class Finding:
    """One error: `row` counts the file's rows from 1, without its header; None is the file."""

    file: str
    row: int | None
    column: str | None
    rule: str
    value: str | None

    def __str__(self) -> str:
        where = self.file if self.row is None else f"{self.file}: row {self.row}"
        where = where if self.column is None else f"{where}: {self.column}"
        found = "" if self.value is None else f" (found {self.value!r})"
        return f"{where}: {self.rule}: {RULES[self.rule]}{found}"

    def as_json(self, *, kept: bool = False) -> dict[str, Any]:
        """As JSON; what is `kept` quotes nothing of a person.

        Where a row is torn or a header is missing, names stand in any column, and as names of
        columns: of rows of parties no value is kept, of lines no text, of columns their own names.
        """
        return {
            "file": self.file,
            "row": self.row,
            "column": None if kept and self._names_strange() else self.column,
            "rule": self.rule,
            "value": None if kept and self._quotes() else self.value,
        }

    def _quotes(self) -> bool:
        record = self.file.partition(".")[0]
        of_a_party = record == PARTIES.name and self.row is not None
        return of_a_party or (record, self.column) in PERSONAL or self.rule in _QUOTES_LINES

    def _names_strange(self) -> bool:
        record = RECORDS.get(self.file.partition(".")[0])
        known = () if record is None else [one.name for one in record.columns]
        return self.rule in _NAMES_COLUMNS and self.column not in known


class Findings:
    """Collects the errors of one return."""

    def __init__(self) -> None:
        self.count = 0
        self.shown: list[Finding] = []
        self._counts: Counter[tuple[str, str | None, str]] = Counter()

    def __bool__(self) -> bool:
        return self.count > 0

    def add(
        self,
        file: str,
        rule: str,
        *,
        row: int | None = None,
        column: str | None = None,
        value: object = None,
    ) -> None:
        """Note one error."""
        assert rule in RULES, rule
        self.add_many(file, rule, column, [(row, value)], 1)

    def add_many(
        self,
        file: str,
        rule: str,
        column: str | None,
        first: Iterable[tuple[int | None, object]],
        count: int,
    ) -> None:
        """Note `count` errors of one kind, of which the `first` can be shown; of 0 none."""
        if not count:
            return
        key = (file, column, rule)
        room = min(SHOWN_OF_ONE_MAX - self._counts[key], SHOWN_MAX - len(self.shown))
        for (row, value), _ in zip(first, range(max(room, 0)), strict=False):
            self.shown.append(Finding(file, row, column, rule, _shortened(value)))
        self._counts[key] += count
        self.count += count

    def room_for(self, file: str, column: str | None, rule: str) -> int:
        """How many more of one kind would be shown."""
        room = SHOWN_OF_ONE_MAX - self._counts[(file, column, rule)]
        return max(0, min(room, SHOWN_MAX - len(self.shown)))

    @property
    def by_rule(self) -> Mapping[str, int]:
        """How many there are of each rule, by its name."""
        found: Counter[str] = Counter()
        for (_, _, rule), count in self._counts.items():
            found[rule] += count
        return dict(sorted(found.items()))

    def has(self, file: str, *rules: str) -> bool:
        """Whether a file breaks one of these rules, or any at all."""
        return any(one == file and (not rules or rule in rules) for one, _, rule in self._counts)


def _shortened(value: object) -> str | None:
    if value is None:
        return None
    text = value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)
    plain = "".join(one if one.isprintable() else f"\\x{ord(one):02x}" for one in text[:_VALUE_MAX])
    return plain if len(text) <= _VALUE_MAX else f"{plain}…"
