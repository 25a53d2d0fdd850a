"""What a replayed pilot came to, as plain facts: for tables, for `--json`, for tests.

Nominal is an integer of units, money an integer of paisa; prices and yields are text.  Everything
is read from where the system keeps it, nothing from the pilot's folder but names, sources and the
published figures that a sheet is held against.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import asdict
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Connection

from amanat.auctions.acts_book import bidders_of, decision_of, published_of, result_of
from amanat.auctions.sheet import ResultSheet, result_sheet
from amanat.auctions.tables import allotment
from amanat.core.errors import Corrupt
from amanat.ledger import refusals
from amanat.ledger.balances import balances_at
from amanat.ledger.tables import event, order
from amanat.programme.tables import business_day, security
from amanat.replay.acting.auctioning import current_code, tender_row
from amanat.replay.business import business_digest
from amanat.replay.licensing_report import licensing_facts
from amanat.replay.model import Pilot, Tender
from amanat.replay.performing import Performer
from amanat.replay.supervision_report import supervision_facts
from amanat.servicing.tables import entitlement, payment
from amanat.settlement.records import fail_in_words
from amanat.settlement.tables import cash_movement, claim, cycle, instruction

Facts = dict[str, Any]


def report_of(performer: Performer) -> Facts:
    """Everything that is printed at the end of a pilot."""
    pilot = performer.pilot
    names = performer.account_names()
    licensing = licensing_facts(performer)
    supervision = supervision_facts(performer)
    with performer.application.store.reading() as connection:
        return {
            "programme": pilot.programme.code,
            "title": pilot.programme.title,
            "business_days": _business_days(connection, pilot),
            "auctions": [auction_facts(connection, performer, tender) for tender in pilot.tenders],
            "settlements": _settlements(connection, pilot, names),
            "cycles": _cycles(connection, pilot),
            "fails": _fails(connection, pilot),
            "claims": _claims(connection, pilot, names),
            "payments": _payments(connection, pilot),
            "tax_by_class": _tax_by_class(connection, pilot),
            "holders": _holders(connection, pilot, names),
            "securities": _securities(connection, pilot),
            "cash": _cash(connection, performer),
            "gas": _gas(connection, pilot),
            "chain": _chain(connection, performer),
            "business_digest": business_digest(connection, pilot.programme.code),
            "assumed": assumptions_of(pilot),
            **({"licensing": licensing} if licensing is not None else {}),
            **({"supervision": supervision} if supervision is not None else {}),
        }


def assumptions_of(pilot: Pilot) -> list[str]:
    """What the pilot rests on without a source, in words."""
    found = [
        f"rate of {pilot.programme.currency} to the US dollar on {rate.on}"
        for rate in pilot.exchange_rates
        if rate.assumed
    ]
    found += [
        f"tax for {', '.join(rate.holder_classes)}, {rate.first_day} to {rate.last_day}: "
        f"{rate.source}"
        for rate in pilot.tax_rates
        if rate.assumed
    ]
    found += [f"bids of {one.code}: {one.source}" for one in pilot.tenders if one.made]
    if pilot.licensing is not None:
        found += [f"licensing, {one}" for one in pilot.licensing.pack.assumptions()]
    return found


def _business_days(connection: Connection, pilot: Pilot) -> Facts:
    days = connection.execute(
        sql.select(business_day.c.business_date)
        .where(business_day.c.programme == pilot.programme.code)
        .distinct()
        .order_by(business_day.c.business_date)
    ).scalars()
    found = list(days)
    return {"count": len(found), "first": found[0], "last": found[-1]}


def auction_facts(connection: Connection, performer: Performer, tender: Tender) -> Facts:
    """The result sheet of a tender, recomputed from the opened bids, with the published figures.

    Raises `Corrupt` when the result recomputed is not the one that the ledger has.
    """
    row = tender_row(performer, current_code(performer, tender))
    if row is None or row.result is None:
        return {"tender": tender.code, "state": row.state if row else "not announced"}
    found, _published = result_of(connection, row, decision_of(row))
    if found.root != published_of(row).root:
        raise Corrupt(f"tender {tender.code}: the result recomputed has another root")
    sheet = result_sheet(found.result, currency=performer.pilot.programme.currency)
    stated = _as_text(asdict(sheet))
    for one in stated["rows"]:
        del one["bidder"]  # drawn anew in every tender; `dealers` say who it was
    dealers = {number: one.participant for number, one in bidders_of(connection, row).items()}
    return {
        "tender": tender.code,
        "state": row.state,
        "isin": tender.isin,
        "auction_date": row.auction_date,
        "settlement_date": row.settlement_date,
        "made": tender.made,
        "source": tender.source,
        "sheet": stated,
        "dealers": [dealers[one.bidder] for one in sheet.rows],
        "published": held_against(sheet, tender),
    }


def _as_text(value: Any) -> Any:
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, dict):
        return {key: _as_text(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_as_text(one) for one in value]
    return value


def held_against(sheet: ResultSheet, tender: Tender) -> list[Facts]:
    """Each published figure beside ours, and whether they are the same number."""
    ours = {
        "face": sheet.competitive.face_value,
        "realised": sheet.competitive.realised_value,
        "accrued": sheet.competitive.accrued_interest,
        "final": sheet.competitive.final_value,
        "average_yield": sheet.average_yield,
        "cut_off_yield": sheet.cut_off_yield,
        "cut_off_price": sheet.cut_off_price,
        "average_price": sheet.average_price,
        "non_competitive_price": sheet.non_competitive_price,
        "non_competitive_face": sheet.non_competitive.face_value,
        "non_competitive_realised": sheet.non_competitive.realised_value,
    }
    return [
        {
            "figure": name,
            "published": format(figure, "f"),
            "ours": _as_text(ours[name]),
            "same": ours[name] == figure,
        }
        for name, figure in tender.published.items()
    ]


def _settlements(connection: Connection, pilot: Pilot, names: dict[str, str]) -> list[Facts]:
    table = instruction
    rows = connection.execute(
        sql.select(table)
        .where(table.c.programme == pilot.programme.code)
        .order_by(table.c.first_day, table.c.id)
    )
    tenders = {
        row.id: _code_in_folder(pilot, row.tender)
        for row in connection.execute(
            sql.select(allotment.c.id, allotment.c.tender).where(
                allotment.c.programme == pilot.programme.code
            )
        )
    }
    return [
        {
            "purpose": row.purpose,
            "reference": tenders.get(row.reference, row.reference),
            "seller": names.get(row.deliverer, row.deliverer),
            "buyer": names.get(row.receiver, row.receiver),
            "nominal": row.nominal,
            "consideration_paisa": row.consideration_paisa,
            "trade_date": row.trade_date,
            "first_day": row.first_day,
            "settled_on": row.settled_on,
            "attempts": row.attempts,
            "netted": row.cycle is not None,
            "state": row.state,
            "reason": row.reason,
        }
        for row in rows
    ]


def _code_in_folder(pilot: Pilot, code: str) -> str:
    """The pilot's own code of a tender that may have been announced anew under another."""
    own = [one.code for one in pilot.tenders if code == one.code or code.startswith(f"{one.code}_")]
    return max(own, key=len, default=code)


def _cycles(connection: Connection, pilot: Pilot) -> list[Facts]:
    rows = connection.execute(
        sql.select(cycle).where(cycle.c.programme == pilot.programme.code).order_by(cycle.c.id)
    )
    return [
        {
            "state": row.state,
            "purpose": row.purpose,
            "trades": row.trades,
            "accounts": len(row.positions),
            "gross_paisa": row.gross_paisa,
            "net_paisa": row.net_paisa,
        }
        for row in rows
    ]


def _fails(connection: Connection, pilot: Pilot) -> list[Facts]:
    """Every time that the ledger refused an instruction, from its own events."""
    rows = {
        row.digest: row
        for row in connection.execute(
            sql.select(instruction).where(instruction.c.programme == pilot.programme.code)
        )
    }
    told = connection.execute(
        sql.select(event.c.arguments, event.c.business_date)
        .where(event.c.programme == pilot.programme.code, event.c.name == "InstructionFailed")
        .order_by(event.c.position)
    )
    found = []
    for one in told:
        said = json.loads(one.arguments)
        reason = refusals.decode(bytes.fromhex(said["reason"].removeprefix("0x")))
        row = rows[said["digest"].removeprefix("0x")]
        found.append(
            {
                "trade": row.reference,
                "on": one.business_date,
                "error": reason.name,
                "reason": fail_in_words(connection, row, reason),
            }
        )
    return found


def _claims(connection: Connection, pilot: Pilot, names: dict[str, str]) -> list[Facts]:
    """Coupons that went to the wrong side of a trade across the record date, and their payment."""
    rows = connection.execute(
        sql.select(claim, instruction.c.reference)
        .join(
            instruction,
            (instruction.c.programme == claim.c.programme)
            & (instruction.c.id == claim.c.instruction),
        )
        .where(claim.c.programme == pilot.programme.code)
        .order_by(claim.c.raised_on, claim.c.instruction)
    )
    return [
        {
            "trade": row.reference,
            "debtor": names.get(row.debtor, row.debtor),
            "creditor": names.get(row.creditor, row.creditor),
            "amount_paisa": row.amount_paisa,
            "raised_on": row.raised_on,
            "state": row.state,
        }
        for row in rows
    ]


def _payments(connection: Connection, pilot: Pilot) -> list[Facts]:
    rows = connection.execute(
        sql.select(payment)
        .where(payment.c.programme == pilot.programme.code)
        .order_by(payment.c.payment_date, payment.c.kind)
    )
    names = (
        "isin", "kind", "due_date", "payment_date", "record_date", "state", "holders", "nominal",
        "gross_paisa", "tax_paisa", "net_paisa", "paid_paisa", "tax_paid_paisa", "escrow_paisa",
        "assumed",
    )  # fmt: skip
    return [{name: row._mapping[name] for name in names} for row in rows]


def _tax_by_class(connection: Connection, pilot: Pilot) -> list[Facts]:
    """Sums over all payments by class of holder, rate and the reason for it."""
    table = entitlement
    rows = connection.execute(
        sql.select(
            table.c.holder_class,
            table.c.tax_rate,
            table.c.tax_basis,
            sql.func.count().label("payments"),
            sql.func.sum(table.c.gross_paisa).label("gross_paisa"),
            sql.func.sum(table.c.tax_base_paisa).label("base_paisa"),
            sql.func.sum(table.c.tax_paisa).label("tax_paisa"),
        )
        .where(table.c.programme == pilot.programme.code, table.c.tax_base_paisa > 0)
        .group_by(table.c.holder_class, table.c.tax_rate, table.c.tax_basis)
        .order_by(table.c.holder_class, table.c.tax_rate, table.c.tax_basis)
    )
    sums = ("payments", "gross_paisa", "base_paisa", "tax_paisa")
    return [
        {name: row._mapping[name] for name in ("holder_class", "tax_rate", "tax_basis")}
        | {name: int(row._mapping[name]) for name in sums}
        for row in rows
    ]


def _holders(connection: Connection, pilot: Pilot, names: dict[str, str]) -> list[Facts]:
    """Who held each security at its last record date within the programme."""
    found = []
    for isin in pilot.instruments:
        row = connection.execute(
            sql.select(sql.func.max(payment.c.record_date)).where(
                payment.c.programme == pilot.programme.code, payment.c.isin == isin
            )
        ).scalar_one()
        token = connection.execute(
            sql.select(security.c.address).where(
                security.c.programme == pilot.programme.code, security.c.isin == isin
            )
        ).scalar_one_or_none()
        if row is None or token is None:
            continue
        balances = balances_at(connection, token, block=None, business_date=row)
        found.append(
            {
                "isin": isin,
                "on": row,
                "holders": [
                    {"account": names.get(account, account), "nominal": nominal}
                    for account, nominal in sorted(
                        balances.items(),
                        key=lambda item: (-item[1], names.get(item[0], item[0])),
                    )
                    if nominal
                ],
            }
        )
    return found


def _securities(connection: Connection, pilot: Pilot) -> list[Facts]:
    rows = connection.execute(
        sql.select(security)
        .where(security.c.programme == pilot.programme.code)
        .order_by(security.c.isin)
    )
    names = ("isin", "authorised", "issued", "cancelled", "redeemed")
    return [
        {name: row._mapping[name] for name in names}
        | {"outstanding": row.issued - row.cancelled - row.redeemed}
        for row in rows
    ]


def _cash(connection: Connection, performer: Performer) -> Facts:
    """Created and withdrawn against the RTGS, and what accounts hold of it on the ledger."""
    rows = connection.execute(
        sql.select(
            cash_movement.c.direction, sql.func.sum(cash_movement.c.amount_paisa).label("paisa")
        )
        .where(cash_movement.c.programme == performer.programme, cash_movement.c.state == "done")
        .group_by(cash_movement.c.direction)
    )
    sums: dict[str, int] = defaultdict(int)
    for row in rows:
        sums[row.direction] += int(row.paisa)
    token = performer.application.gateway(performer.programme).address("Cash")
    return {
        "created_paisa": sums["created"],
        "withdrawn_paisa": sums["withdrawn"],
        "held_paisa": sum(balances_at(connection, token).values()),
    }


def _chain(connection: Connection, performer: Performer) -> Facts:
    """Blocks, gas, and seconds from sending an order to its taking effect once it was final."""
    rows = connection.execute(
        sql.select(order.c.block_number, order.c.sent_at, order.c.completed_at, order.c.gas_used)
        .where(order.c.programme == performer.programme, order.c.state == "done")
        .where(order.c.sent_at.is_not(None))
        .order_by(order.c.sequence)
    ).all()
    waits = sorted(
        (datetime.fromisoformat(row.completed_at) - datetime.fromisoformat(row.sent_at))
        / timedelta(milliseconds=1)
        for row in rows
    )
    blocks = {row.block_number for row in rows}
    settings = performer.application.settings
    return {
        "chain_id": settings.chain_id,
        "nodes": len(settings.node_urls) or 1,
        "embedded": not settings.node_urls,
        "orders": len(rows),
        "blocks": len(blocks),
        "first_block": min(blocks),
        "last_block": max(blocks),
        "gas": sum(int(row.gas_used) for row in rows),
        "final_ms_p50": round(waits[len(waits) // 2]),
        "final_ms_p99": round(waits[len(waits) * 99 // 100]),
    }


def _gas(connection: Connection, pilot: Pilot) -> list[Facts]:
    """Gas by function of the contracts, as the ledger charged it."""
    rows = connection.execute(
        sql.select(
            order.c.contract,
            order.c.function,
            sql.func.count().label("calls"),
            sql.func.sum(order.c.gas_used).label("gas"),
        )
        .where(order.c.programme == pilot.programme.code, order.c.gas_used.is_not(None))
        .group_by(order.c.contract, order.c.function)
        .order_by(order.c.contract, order.c.function)
    )
    return [
        {
            "contract": row.contract,
            "function": row.function or "creation",
            "calls": row.calls,
            "gas": int(row.gas),
            "gas_per_call": int(row.gas) // row.calls,
        }
        for row in rows
    ]
