"""The rows that scenarios read: narrow, integers alone, one set per step of days.

A step covers the days from `first` to `last`; its rows begin `lookback` days earlier, because a
window on the first day reaches back.  Pieces of earlier steps are kept as long as a window may
still reach into them, so that no file is read twice in a run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import ibis
import ibis.expr.types as ir
from ibis import _

from amanat.supervision.monitoring.engines import Engine
from amanat.supervision.monitoring.expressions import LOW, within
from amanat.supervision.monitoring.model import SourceFile
from amanat.supervision.monitoring.reported import ONCE, of_days, other_sides
from amanat.supervision.transactions import Kind

KINDS = {kind.value: number for number, kind in enumerate(Kind, 1)}
FIAT_IN, FIAT_OUT, TRADE = KINDS["fiat_in"], KINDS["fiat_out"], KINDS["trade"]
DEPOSIT, WITHDRAWAL, TRANSFER = KINDS["deposit"], KINDS["withdrawal"], KINDS["transfer"]
INCOMING = (FIAT_IN, DEPOSIT, TRANSFER)
"""Kinds that bring value to an account of a customer."""
OUTGOING = (FIAT_OUT, WITHDRAWAL, TRANSFER)
"""Kinds that take value from an account of a customer."""
HOSTED, UNHOSTED = 2, 1

READ = (
    *("id", "day", "at", "kind", "value", "cash", "hosted", "travel_rule"),
    *("from_party", "from_account", "from_exchange", "from_country"),
    *("to_party", "to_account", "to_exchange", "to_country"),
)
"""Columns of the stored rows that scenarios may rest on."""


def country_number(code: str) -> int:
    """ISO 3166 alpha-2 as a number, as `staged` has it."""
    return ord(code[0]) * 256 + ord(code[1])


def _country(column: Any) -> Any:
    number = column.substr(0, 1).ascii_str() * 256 + column.substr(1, 1).ascii_str()
    return ibis.coalesce(number, 0).cast("int32")


@contextmanager
def rows_on(
    engine: Engine, files: Sequence[SourceFile], first: int, last: int
) -> Iterator[ir.Table]:
    """The staged rows of these days, each told what the other side reports of it."""
    scanned = engine.scan(of_days(files, first, last), READ, first, last)
    with other_sides(engine, files, first, last) as others:
        yield staged(scanned, others)


def once(rows: ir.Table) -> ir.Table:
    """Staged rows without the second report of a transfer."""
    return rows.filter(_.second == ONCE)


def staged(scanned: ir.Table, others: ir.Table | None) -> ir.Table:
    """Stored rows as integers, with what `others` says by the rows of the other side.

    `from_who` and `to_who` are the pseudonym of the person or, where nobody is identified, the
    negative of the account's; `outside` is the pseudonym of an address outside, or 0; `second`
    is as in `reported`.  A withdrawal that is another exchange's deposit is a transfer.
    """
    if others is None:
        blank = {"from_person": "int64", "to_person": "int64", "joined": "int64"}
        homes = {"from_home": "string", "to_home": "string"}
        scanned = scanned.mutate(
            **{name: ibis.null(kind) for name, kind in (blank | homes).items()},
            second=ibis.literal(ONCE, "int64"),
        )
    else:
        told = others.rename(told_of="id")
        scanned = scanned.left_join(told, scanned.id == told.told_of)
    joined = (_.joined == 1, ibis.literal(TRANSFER, "int8"))
    kinds = [(_.kind == name, ibis.literal(number, "int8")) for name, number in KINDS.items()]
    return scanned.select(
        id=_.id,
        file=_.file,
        day=_.day,
        at=_.at,
        kind=ibis.cases(joined, *kinds, else_=ibis.literal(0, "int8")),
        from_who=ibis.coalesce(_.from_party, _.from_person, -_.from_account),
        to_who=ibis.coalesce(_.to_party, _.to_person, -_.to_account),
        outside=ibis.cases(
            (_.kind == "deposit", _.from_account),
            (_.kind == "withdrawal", _.to_account),
            else_=ibis.literal(0, "int64"),
        ),
        value=_.value,
        cash=_.cash,
        between=ibis.coalesce(_.from_exchange, "") != ibis.coalesce(_.to_exchange, ""),
        from_country=_country(ibis.coalesce(_.from_home, _.from_country)),
        to_country=_country(ibis.coalesce(_.to_home, _.to_country)),
        hosted=ibis.cases((_.hosted, 2), (~_.hosted, 1), else_=0).cast("int8"),
        told=ibis.coalesce(_.travel_rule, "") != "",
        second=ibis.coalesce(_.second, ONCE).cast("int8"),
    )


@dataclass(frozen=True, slots=True)
class Lists:
    """Pseudonyms that a scenario looks for: outside addresses, and persons or accounts."""

    addresses: frozenset[int] = frozenset()
    parties: frozenset[int] = frozenset()


@dataclass
class Step:
    """The rows of one step, and what its scenarios share."""

    engine: Engine
    first: int
    last: int
    rows: ir.Table
    """Staged rows of the days from `first` less the longest lookback to `last`."""
    daily: ir.Table
    """who, day and what came and went, for the longest history that a scenario asks for."""
    lists: Lists
    _shared: dict[str, ir.Table] = field(default_factory=dict)
    _kept: list[ir.Table] = field(default_factory=list)

    def own(self) -> ir.Table:
        """The rows of the step's own days: what every scenario has to class."""
        return within(self.rows, self.first, self.last)

    def back(self, days: int) -> ir.Table:
        """The rows of the step's days and of so many days before."""
        return within(self.rows, self.first - days, self.last)

    def keep(self, expression: ir.Table, name: str) -> ir.Table:
        """Compute once; given back when the step ends."""
        table = self.engine.keep(expression, name)
        self._kept.append(table)
        return table

    def share(self, key: str, made: Callable[[], ir.Table]) -> ir.Table:
        """Compute once for all scenarios that ask for the same thing."""
        if key not in self._shared:
            self._shared[key] = self.keep(made(), key.split(":")[0])
        return self._shared[key]

    def lend(self, rows: Any, name: str) -> ir.Table:
        """A small table of ours, given back when the step ends."""
        table = self.engine.lend(rows, name)
        self._kept.append(table)
        return table

    def release(self, since: int) -> None:
        """Give back what was kept since there were `since` tables, but for what is shared."""
        shared = {table.get_name() for table in self._shared.values()}
        kept = self._kept[:since]
        for table in self._kept[since:]:
            if table.get_name() in shared:
                kept.append(table)
            else:
                self.engine.forget(table)
        self._kept = kept

    @property
    def kept(self) -> int:
        """How many tables are kept now."""
        return len(self._kept)

    def end(self) -> None:
        """Give everything back."""
        for table in self._kept:
            self.engine.forget(table)
        self._kept.clear()
        self._shared.clear()


@dataclass
class Pieces:
    """Rows and daily sums of consecutive spans of days, dropped when no window reaches them."""

    engine: Engine
    files: Sequence[SourceFile]
    lookback: int
    history: int
    _rows: list[tuple[int, int, ir.Table]] = field(default_factory=list)
    _daily: list[tuple[int, int, ir.Table]] = field(default_factory=list)

    def step(self, first: int, last: int, lists: Lists) -> Step:
        """The rows of the days from `first` to `last` with what windows reach back to."""
        self._reach(self._rows, first - self.lookback, first, last, self._stage)
        self._reach(self._daily, first - max(self.history, self.lookback), first, last, self._add)
        return Step(self.engine, first, last, _joined(self._rows), _joined(self._daily), lists)

    def _reach(
        self,
        pieces: list[tuple[int, int, ir.Table]],
        back: int,
        first: int,
        last: int,
        made: Callable[[int, int], ir.Table],
    ) -> None:
        while pieces and pieces[0][1] < back:
            self.engine.forget(pieces.pop(0)[2])
        if not pieces or pieces[-1][1] != first - 1:
            for _first, _last, table in pieces:
                self.engine.forget(table)
            pieces.clear()
            if back < first:
                pieces.append((back, first - 1, made(back, first - 1)))
        pieces.append((first, last, made(first, last)))

    def _stage(self, first: int, last: int) -> ir.Table:
        with rows_on(self.engine, self.files, first, last) as rows:
            return self.engine.keep(rows, "rows")

    def _add(self, first: int, last: int) -> ir.Table:
        for known_first, known_last, table in self._rows:
            if known_first <= first and last <= known_last:
                return self.engine.keep(daily_flows(within(table, first, last)), "daily")
        with rows_on(self.engine, self.files, first, last) as rows:
            return self.engine.keep(daily_flows(rows), "daily")

    def end(self) -> None:
        """Give everything back."""
        for _first, _last, table in [*self._rows, *self._daily]:
            self.engine.forget(table)
        self._rows.clear()
        self._daily.clear()


def _joined(pieces: Sequence[tuple[int, int, ir.Table]]) -> ir.Table:
    tables = [table for _first, _last, table in pieces]
    return tables[0] if len(tables) == 1 else ibis.union(tables[0], *tables[1:])


def daily_flows(rows: ir.Table) -> ir.Table:
    """Per party and day: value and number of what came and what went; trades apart.

    `n`, `hi` and `lo` count every transaction once, at the side that is its customer's: the
    sender's, or the receiver's where value came from outside.  A transfer that both sides report
    is one.
    """
    rows = once(rows)
    none = ibis.literal(0, "int64")
    one = ibis.literal(1, "int64")
    gone = rows.filter(_.kind.isin(OUTGOING)).select(
        who=_.from_who,
        day=_.day,
        in_value=none,
        in_n=none,
        out_value=_.value,
        out_n=one,
        n=one,
        hi=_.id >> 32,
        lo=_.id & LOW,
    )
    alone = _.kind != TRANSFER
    come = rows.filter(_.kind.isin(INCOMING)).select(
        who=_.to_who,
        day=_.day,
        in_value=_.value,
        in_n=one,
        out_value=none,
        out_n=none,
        n=ibis.cases((alone, one), else_=none),
        hi=ibis.cases((alone, _.id >> 32), else_=none),
        lo=ibis.cases((alone, _.id & LOW), else_=none),
    )
    columns = ("in_value", "in_n", "out_value", "out_n", "n", "hi", "lo")
    return (
        gone.union(come)
        .group_by("who", "day")
        .agg(**{name: _[name].sum().cast("int64") for name in columns})
    )
