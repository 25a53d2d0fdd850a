"""A signed list as the ledger takes it: all lines that both signed, and which of them are tried."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Connection, Row

from amanat.ledger.typed_data import Listed, pack_list
from amanat.settlement.records import securities_of
from amanat.settlement.signing import Leg
from amanat.settlement.tables import instruction, signed_list


def packed_list(connection: Connection, programme: str, identifier: str) -> bytes:
    """Calldata of a list of which no line is tried: what proves that both signed one of them."""
    return packed_lists(connection, programme, [(identifier, [])])[0]


def packed_lists(
    connection: Connection, programme: str, tried: Sequence[tuple[str, Sequence[Row[Any]]]]
) -> list[bytes]:
    """Calldata of lists by their ids: every line in its order; of each the given rows are tried."""
    found = {
        row.id: row
        for row in connection.execute(
            sql.select(signed_list).where(
                signed_list.c.programme == programme,
                signed_list.c.id.in_({identifier for identifier, _ in tried}),
            )
        )
    }
    securities = securities_of(connection, programme)
    packed = []
    for identifier, part in tried:
        one, wanted = found[identifier], {row.id for row in part}
        rows = sorted(part, key=lambda row: int(row.place))
        if len(rows) < one.instructions:
            rows = _lines(connection, programme, identifier)
        packed.append(
            pack_list(
                (bytes.fromhex(one.first[2:]), bytes.fromhex(one.second[2:])),
                (bytes(one.first_signature), bytes(one.second_signature)),
                [_line(row, securities[row.isin], row.id in wanted) for row in rows],
            )
        )
    return packed


def _lines(connection: Connection, programme: str, identifier: str) -> list[Row[Any]]:
    return list(
        connection.execute(
            sql.select(instruction)
            .where(instruction.c.programme == programme, instruction.c.list == identifier)
            .order_by(instruction.c.place)
        )
    )


def _line(row: Row[Any], security: str, is_tried: bool) -> Listed:
    leg = Leg.of(row, security)
    return Listed(
        security=bytes.fromhex(leg.security[2:]),
        deliverer=bytes.fromhex(leg.deliverer[2:]),
        receiver=bytes.fromhex(leg.receiver[2:]),
        nominal=leg.nominal,
        consideration=leg.consideration,
        number=leg.number,
        first_day=leg.first_day,
        last_day=leg.last_day,
        is_tried=is_tried,
    )


def runs(rows: Sequence[Row[Any]], size: int) -> list[tuple[str | None, list[Row[Any]]]]:
    """The rows in their order, cut where the list changes: (list or None, its rows).

    Rows of a list are also cut at `size`; those of none are cut by the bounds of a batch.
    """
    found: list[tuple[str | None, list[Row[Any]]]] = []
    for row in rows:
        full = bool(found) and row.list is not None and len(found[-1][1]) == size
        if not found or found[-1][0] != row.list or full:
            found.append((row.list, []))
        found[-1][1].append(row)
    return found
