"""The market to its supervisor: volumes, flows, alerts by scenario, quality, caps and their use.

Nothing here counts a report to the FIU, a request or a freeze.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Connection

from amanat.access.acts import ViewContext, view
from amanat.core.errors import NotFound
from amanat.jurisdictions.returns import load_returns
from amanat.licensing.duties.views_reported import use_json
from amanat.licensing.records import pack_of
from amanat.licensing.reported import Reported, measures_orders, uses_of_caps
from amanat.supervision.cases.commands import PeriodAsked
from amanat.supervision.cases.model import SUPERVISES
from amanat.supervision.cases.records import desk_of
from amanat.supervision.cases.stored import listed, paths_of
from amanat.supervision.monitoring.tables import alert
from amanat.supervision.returns.tables import manifest, refused

_DAYS = 30
_FLOWS_MAX = 200


@view("market_overview")
def market_overview(query: PeriodAsked, context: ViewContext) -> dict[str, Any]:
    """Volumes by day, exchange and asset, flows, alerts, quality, caps used; to the supervisor.

    `value_minor` is in minor units.  Refuses `NotFound` to everybody else.
    """
    actor = desk_of(context)
    if SUPERVISES not in actor.capacities:
        raise NotFound(thing="desk", value=actor.institution)
    last = query.last_day or context.business_date
    first = query.first_day or last - timedelta(_DAYS)
    paths = paths_of(context.connection, context.programme, first, last)
    sums = _sums(tuple(paths), first, last) if paths else _NOTHING
    return {
        "first_day": first.isoformat(),
        "last_day": last.isoformat(),
        "transactions": sum(one[3] for one in sums["volumes"]),
        "value_minor": str(sum(one[2] for one in sums["volumes"])),
        "volumes": [
            {
                "day": day.isoformat(),
                "exchange": exchange,
                "value_minor": str(value),
                "count": count,
            }
            for day, exchange, value, count in sums["volumes"]
        ],
        "assets": [
            {"exchange": exchange, "traded_asset": asset, "value_minor": str(value), "count": count}
            for exchange, asset, value, count in sums["assets"]
        ],
        "flows": [
            {"source": source, "target": target, "value_minor": str(value), "count": count}
            for source, target, value, count in sums["flows"]
        ],
        "alerts": _alerts(context, first, last),
        "quality": _quality(context),
        "caps": [
            use_json(one)
            for one in uses_of_caps(context.connection, context.programme, first, last)
        ],
    }


@measures_orders
def orders_reported(
    connection: Connection, programme: str, first: date, last: date
) -> list[Reported]:
    """Clients' orders by exchange and day, as the returns in force have them.

    A trade is two legs of one value: half of what both sum up to.
    """
    paths = paths_of(connection, programme, first, last)
    if not paths:
        return []
    currency = load_returns(pack_of(connection, programme).code).currency
    return [
        Reported(exchange, day, (legs + 1) // 2, int(total) // 2, largest, currency)
        for exchange, day, legs, total, largest in _orders(tuple(paths), first, last)
    ]


@lru_cache(maxsize=32)
def _orders(paths: Sequence[str], first: date, last: date) -> list[tuple[Any, ...]]:
    """Legs of trades by exchange and day; files never change, so the same ones are read once."""
    import duckdb

    with duckdb.connect() as database:
        return database.execute(
            "SELECT exchange, day, count(*), sum(value)::HUGEINT, max(value) "
            f"FROM read_parquet({listed(paths)}) "
            f"WHERE kind = 'trade' AND day BETWEEN DATE '{first}' AND DATE '{last}' "
            "GROUP BY ALL ORDER BY exchange, day"
        ).fetchall()


_NOTHING: dict[str, list[tuple[Any, ...]]] = {"volumes": [], "assets": [], "flows": []}
# An account that no exchange keeps is a bank's, or an address on a chain.
_SIDE = (
    "CASE WHEN {way}_exchange IS NOT NULL THEN {way}_exchange "
    "WHEN kind IN ('fiat_in', 'fiat_out') THEN 'bank' "
    "WHEN hosted THEN 'hosted_wallet' ELSE 'unhosted_wallet' END"
)


@lru_cache(maxsize=32)
def _sums(paths: Sequence[str], first: date, last: date) -> dict[str, list[tuple[Any, ...]]]:
    """Three sums over the files; files never change, so that the same ones are read once.

    A transfer that two exchanges report counts once, at the one that sends.
    """
    import duckdb

    from amanat.supervision.monitoring.joined import counted_once

    sides = [_SIDE.format(way=way) for way in ("from", "to")]
    with TemporaryDirectory(prefix="amanat-market-") as folder, duckdb.connect() as database:
        source = counted_once(paths, first, last, Path(folder))
        database.execute(
            f"CREATE TEMP TABLE t AS SELECT day, exchange, asset, {sides[0]} a, {sides[1]} b,"
            f" sum(value)::HUGEINT v, count(*) n FROM {source} GROUP BY ALL"
        )
        return {
            "volumes": database.execute(
                "SELECT day, exchange, sum(v)::HUGEINT, sum(n)::BIGINT FROM t"
                " GROUP BY ALL ORDER BY day, exchange"
            ).fetchall(),
            "assets": database.execute(
                "SELECT exchange, asset, sum(v)::HUGEINT total, sum(n)::BIGINT FROM t"
                " GROUP BY ALL ORDER BY total DESC, exchange, asset"
            ).fetchall(),
            "flows": database.execute(
                "SELECT a, b, sum(v)::HUGEINT total, sum(n)::BIGINT FROM t WHERE a <> b"
                f" GROUP BY ALL ORDER BY total DESC, a, b LIMIT {_FLOWS_MAX}"
            ).fetchall(),
        }


def _alerts(context: ViewContext, first: date, last: date) -> list[dict[str, Any]]:
    """Alerts of these days by scenario, the most first."""
    table = alert
    counted = sql.func.count().label("n")
    rows = context.connection.execute(
        sql.select(table.c.scenario, counted)
        .where(
            table.c.programme == context.programme,
            table.c.day >= first.isoformat(),
            table.c.day <= last.isoformat(),
            table.c.state.in_(("open", "closed")),
        )
        .group_by(table.c.scenario)
        .order_by(counted.desc(), table.c.scenario)
    )
    return [{"scenario": row.scenario, "alerts": row.n} for row in rows]


def _quality(context: ViewContext) -> list[dict[str, Any]]:
    """Of each exchange: returns that were accepted and refused, and rows."""
    found: dict[str, dict[str, Any]] = {}
    for name, table, rows in (
        ("accepted", manifest, sql.func.sum(manifest.c.rows)),
        ("refused", refused, sql.func.sum(refused.c.errors)),
    ):
        query = (
            sql.select(table.c.exchange, sql.func.count().label("n"), rows.label("rows"))
            .where(table.c.programme == context.programme)
            .group_by(table.c.exchange)
            .order_by(table.c.exchange)
        )
        for row in context.connection.execute(query):
            empty = {"exchange": row.exchange, "accepted": 0, "refused": 0, "rows": 0, "errors": 0}
            one = found.setdefault(row.exchange, empty)
            one[name] = row.n
            one["rows" if name == "accepted" else "errors"] = int(row.rows or 0)
    return [
        one | {"accepted_percent": one["accepted"] * 100 // (one["accepted"] + one["refused"])}
        for _exchange, one in sorted(found.items())
    ]
