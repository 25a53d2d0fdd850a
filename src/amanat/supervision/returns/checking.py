"""Checks a return whole: every file, row and value, and all errors at once.

Needs the return and the published specification alone, so that an exchange runs it at home; intake
runs the same.  A file is read once for its bytes and once for its rows; memory goes with the number
of accounts and with one batch of rows, not with the number of transactions.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Protocol

import numpy as np

from amanat.jurisdictions.returns import ReturnsPack
from amanat.supervision.returns.contents import Content, Plain
from amanat.supervision.returns.findings import Findings
from amanat.supervision.returns.movements import (
    TRADE,
    MovementRules,
    Movements,
    Period,
    control_totals,
)
from amanat.supervision.returns.reading import Source, Told, batches, examine
from amanat.supervision.returns.registers import (
    Balances,
    Registers,
    enter_accounts,
    enter_messages,
    enter_parties,
)
from amanat.supervision.returns.specification import MANIFEST, RECORDS
from amanat.supervision.returns.spill import IdsSeen
from amanat.supervision.returns.stated import Stated, Total, read_manifest
from amanat.supervision.returns.trades import Trades
from amanat.supervision.returns.values import Rows, typed


class Sink(Protocol):
    """Takes what was checked as it goes by; what it made counts only if nothing is wrong."""

    def begin(self, stated: Stated, seen: Registers) -> None:
        """The manifest was read."""
        ...

    def parties(self, rows: Rows, places: list[int]) -> None:
        """Some parties, and the place of each; -1 of one that was refused."""
        ...

    def accounts(self, rows: Rows, places: list[int]) -> None:
        """Some accounts."""
        ...

    def transactions(self, rows: Rows, moved: Movements) -> None:
        """Some transactions, all before which are sound."""
        ...


@dataclass(slots=True)
class Checked:
    """What became of a return."""

    stated: Stated | None
    findings: Findings
    rows: dict[str, int] = field(default_factory=dict)
    wanted: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Of each column that is wanted: in how many rows it stands, of how many."""
    id_sum: int = 0
    counted: dict[str, Total] = field(default_factory=dict)
    """Of each kind of transaction, what was counted."""

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return not self.findings

    @property
    def completeness(self) -> int:
        """Of what is wanted and may be absent: how much is there, in tenths of a per cent."""
        stands = sum(there for there, _ in self.wanted.values())
        of = sum(rows for _, rows in self.wanted.values())
        return 1000 if of == 0 else 1000 * stands // of


def files_in(folder: Path) -> Mapping[str, Content]:
    """The files of a return's folder by their names."""
    return {
        one.name: Plain(one)
        for one in sorted(folder.iterdir())
        if one.is_file() and not one.name.startswith(".")
    }


class Check:
    """Checks one return; `sink` takes what is to be stored, where it is."""

    def __init__(
        self,
        files: Mapping[str, Content],
        pack: ReturnsPack,
        today: date,
        *,
        now: datetime | None = None,
        sink: Sink | None = None,
        told: Told = lambda _bytes: None,
        folder: Path | None = None,
    ) -> None:
        self._files, self._pack, self._today = files, pack, today
        self._now = now or datetime.now(UTC)
        self._sink, self._told = sink, told
        self._folder = folder
        self.findings = Findings()

    def run(self, also: Callable[[Stated, Findings], None] | None = None) -> Checked:
        """Look at all of it.  `also` adds what is known of the return among others."""
        content = self._files.get(MANIFEST)
        if content is None:
            self.findings.add(MANIFEST, "manifest_readable", value="it is not there")
            return Checked(None, self.findings)
        stated = read_manifest(content, self._pack, self._today, self.findings)
        if stated is None:
            return Checked(None, self.findings)
        checked = Checked(stated, self.findings)
        if also is not None:
            also(stated, self.findings)
        seen = Registers()
        if self._sink is not None:
            self._sink.begin(stated, seen)
        sources = dict(self._sources(stated))
        with tempfile.TemporaryDirectory(prefix="amanat-check-", dir=self._folder) as spilled:
            self._rows(stated, checked, seen, sources, Path(spilled))
        for listed in stated.files:
            known = self.findings.has(listed.name, "file_listed", "file_readable", "encoding",
                                      "inflates_too_far", "nul", "file_empty")  # fmt: skip
            if not known and checked.rows.get(listed.record, 0) != listed.rows:
                found = f"{checked.rows.get(listed.record, 0)}, stated {listed.rows}"
                self.findings.add(listed.name, "total_rows", value=found)
        return checked

    def _sources(self, stated: Stated) -> Iterator[tuple[str, Source]]:
        """Each record's file that is there, its bytes looked at."""
        listed = {one.name for one in stated.files}
        for name in sorted(self._files.keys() - listed - {MANIFEST}):
            self.findings.add(name[:120], "file_listed", value="the manifest does not list it")
        for one in stated.files:
            content = self._files.get(one.name)
            if content is None:
                self.findings.add(one.name, "file_listed", value="it is not there")
                continue
            if content.size > self._pack.limits.file_mib_max << 20:
                self.findings.add(one.name, "inflates_too_far", value=content.size)
                continue
            source = Source(content, one.name, RECORDS[one.record])
            digest = examine(source, self.findings, self._told)
            if digest != one.sha256:
                self.findings.add(one.name, "digest", value=digest)
            yield one.record, source

    def _rows(
        self,
        stated: Stated,
        checked: Checked,
        seen: Registers,
        sources: Mapping[str, Source],
        spilled: Path,
    ) -> None:
        """Every row, what is referred to before what refers to it."""
        for rows in self._typed(sources.get("parties"), checked):
            places = enter_parties(rows, seen, stated, self._pack)
            if self._sink is not None:
                self._sink.parties(rows, places)
        self._owners(seen, sources.get("parties"))
        for rows in self._typed(sources.get("accounts"), checked):
            places = enter_accounts(rows, seen, stated)
            if self._sink is not None:
                self._sink.accounts(rows, places)
        for rows in self._typed(sources.get("travel_rule"), checked):
            enter_messages(rows, seen)
        period = Period.of(stated, self._pack, self._now)
        rules = MovementRules(stated, self._pack, seen, period)
        ids, trades = IdsSeen(spilled), Trades(spilled)
        transactions = sources.get("transactions")
        for rows in self._typed(transactions, checked):
            moved = rules.check(rows)
            here = rows.given["reference"]
            ids.add(moved.ids[here], rows.numbers[here])
            if not stated.by_rows:
                trades.add(rows, moved.kinds == TRADE, moved.assets)
            if self._sink is not None and not self.findings:
                self._sink.transactions(rows, moved)
        if transactions is not None:
            for row, former in ids.twice():
                self.findings.add(
                    transactions.name,
                    "unique",
                    row=row,
                    column="reference",
                    value=f"as row {former}",
                )
            if not self.findings.has(transactions.name, "file_readable", "row_shape"):
                trades.finish(self.findings, transactions.name)
            self._totals(checked, stated, rules, transactions.name)
        checked.id_sum = ids.id_sum
        self._balances(stated, checked, seen, rules, sources.get("balances"))

    def _typed(self, source: Source | None, checked: Checked) -> Iterator[Rows]:
        if source is None:
            return
        record = source.record
        checked.rows[record.name] = 0
        wanted = [one.name for one in record.columns if one.wanted]
        for batch in batches(source, self._pack.limits, self.findings):
            rows = typed(source, batch, self.findings)
            checked.rows[record.name] += len(rows)
            for name in wanted:
                there, of = checked.wanted.get(f"{record.name}.{name}", (0, 0))
                stands, asked = _wanted(rows, name)
                checked.wanted[f"{record.name}.{name}"] = (there + stands, of + asked)
            yield rows

    def _owners(self, seen: Registers, source: Source | None) -> None:
        if source is None:
            return
        for row, owned, _owner in seen.owners:
            if owned not in seen.parties:
                self.findings.add(
                    source.name, "party_known", row=row, column="owner_of", value=owned
                )

    def _balances(
        self,
        stated: Stated,
        checked: Checked,
        seen: Registers,
        rules: MovementRules,
        source: Source | None,
    ) -> None:
        if source is None:
            return
        balances = Balances(seen, rules.moved, rules.assets)
        for rows in self._typed(source, checked):
            balances.check(rows, rolls=not stated.by_rows)
        if not self.findings.has(source.name, "file_readable", "encoding", "nul", "file_empty"):
            balances.finish(self.findings, source.name, complete=not stated.by_rows)

    def _totals(self, checked: Checked, stated: Stated, rules: MovementRules, name: str) -> None:
        """Compare what was summed with what the manifest states."""
        if self.findings.has(name, "file_readable", "encoding", "nul", "inflates_too_far"):
            return
        found = checked.counted = {
            kind: Total(rows, Decimal(paisa) / 100) for kind, rows, paisa in control_totals(rules)
        }
        for kind in sorted(found.keys() | stated.kinds.keys()):
            one, other = found.get(kind, _NOTHING), stated.kinds.get(kind, _NOTHING)
            if one != other:
                self.findings.add(
                    MANIFEST,
                    "total_value",
                    column=f"totals.kinds.{kind}",
                    value=_differ(one, other),
                )
        whole = Total(
            sum(one.rows for one in found.values()),
            sum((one.value for one in found.values()), Decimal(0)),
        )
        if whole != stated.total:
            self.findings.add(
                MANIFEST, "total_value", column="totals", value=_differ(whole, stated.total)
            )


_NOTHING = Total(0, Decimal(0))


def _differ(found: Total, stated: Total) -> str:
    return f"{found.rows} of {found.value}, stated {stated.rows} of {stated.value}"


def _wanted(rows: Rows, name: str) -> tuple[int, int]:
    """In how many rows a wanted column stands, of how many in which it can."""
    given = rows.given[name]
    if name != "hosted":
        return int(np.count_nonzero(given)), len(rows)
    on_chain = rows.given["network"]
    return int(np.count_nonzero(given & on_chain)), int(np.count_nonzero(on_chain))
