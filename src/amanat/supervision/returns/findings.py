"""What is wrong with a return: every error counted, the first ones shown, memory bounded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from amanat.supervision.returns.specification import PERSONAL, RULES

SHOWN_OF_ONE_MAX = 20
"""How many errors of one rule in one column are shown; the rest are counted."""
SHOWN_MAX = 1000
_VALUE_MAX = 60


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
        """As JSON; what is `kept` quotes nothing of a person."""
        record = self.file.partition(".")[0]
        hidden = kept and (record, self.column) in PERSONAL
        return {
            "file": self.file,
            "row": self.row,
            "column": self.column,
            "rule": self.rule,
            "value": None if hidden else self.value,
        }


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
