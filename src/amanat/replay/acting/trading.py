"""Cash, trades, netted cycles, and the settlement of what is due."""

from __future__ import annotations

from datetime import date

import sqlalchemy as sql

from amanat.auctions.tables import allotment
from amanat.instruments.payments import invoice
from amanat.jurisdictions.conventions import load_convention
from amanat.replay.acting.auctioning import current_code
from amanat.replay.model import CashEntry, Pilot, Tender, Trade
from amanat.replay.performing import Performer
from amanat.replay.plan import Step
from amanat.settlement.tables import instruction


def move_cash(performer: Performer, step: Step) -> None:
    """Create cash against money in the RTGS, or withdraw it."""
    entry: CashEntry = step.about
    performer.perform(
        step.key,
        "WithdrawCash" if entry.withdraws else "CreateCash",
        {
            "account": performer.account(entry.account),
            "amount_paisa": entry.paisa,
            "rtgs_reference": entry.reference,
        },
        institution=performer.pilot.with_capacity("cash_issuer")[0].code,
    )
    performer.pump()


def consideration(pilot: Pilot, trade: Trade) -> int:
    """What a trade costs in paisa: clean price and accrued interest to its settlement date.

    The convention is that of the trade date; the amount stands even if the trade settles later.
    """
    terms = pilot.instruments[trade.isin].terms
    convention = load_convention(terms.convention, trade.traded_on)
    return invoice(terms, convention, trade.settles_on, trade.nominal, trade.price).total.minor


def instruct(performer: Performer, step: Step) -> None:
    """Both sides instruct the same trade, each by its own people; the two match."""
    trade: Trade = step.about
    pilot = performer.pilot
    fields = {
        "isin": trade.isin,
        "deliverer": performer.account(trade.seller),
        "receiver": performer.account(trade.buyer),
        "nominal": trade.nominal,
        "consideration_paisa": consideration(pilot, trade),
        "trade_date": trade.traded_on,
        "first_day": trade.settles_on,
        "last_day": trade.last_day,
        "reference": trade.code,
    }
    for side, account in (("deliver", trade.seller), ("receive", trade.buyer)):
        performer.perform(
            f"{step.key}/{side}",
            "Instruct",
            fields | {"side": side},
            institution=pilot.accounts[account].participant,
        )


def net(performer: Performer, step: Step) -> None:
    """Trades of one cycle settle together by their net positions, which each account signs."""
    trades: tuple[Trade, ...] = step.about
    pilot = performer.pilot
    performer.perform(
        step.key,
        "NetCycle",
        {
            "trades": [
                {
                    "isin": trade.isin,
                    "deliverer": performer.account(trade.seller),
                    "receiver": performer.account(trade.buyer),
                    "nominal": trade.nominal,
                    "consideration_paisa": consideration(pilot, trade),
                    "trade_date": trade.traded_on,
                    "reference": trade.code,
                }
                for trade in trades
            ],
            "first_day": step.day,
            "last_day": max(trade.last_day for trade in trades),
        },
        institution=pilot.with_capacity("registrar")[0].code,
    )
    performer.pump()


def deliver_allotments(performer: Performer, step: Step) -> None:
    """The issuer instructs delivery of what was allotted; each winner confirms its own."""
    tender: Tender = step.about
    if not _allotted(performer, tender):
        return
    made = performer.perform(
        step.key,
        "InstructAllotments",
        {"tender": current_code(performer, tender)},
        institution=performer.pilot.with_capacity("issuer")[0].code,
    )
    for identifier in made["instructions"]:
        confirm(performer, f"{step.key}/{identifier}", identifier)


def _allotted(performer: Performer, tender: Tender) -> bool:

    with performer.application.store.reading() as connection:
        return (
            connection.execute(
                sql.select(allotment.c.id).where(
                    allotment.c.programme == performer.programme,
                    allotment.c.tender == current_code(performer, tender),
                    allotment.c.nominal > 0,
                )
            ).first()
            is not None
        )


def confirm(performer: Performer, key: str, identifier: str) -> None:
    """The receiver signs an instruction that the deliverer has signed."""
    with performer.application.store.reading() as connection:
        receiver = connection.execute(
            sql.select(instruction.c.receiver_institution).where(
                instruction.c.programme == performer.programme, instruction.c.id == identifier
            )
        ).scalar_one()
    fields = {"instruction": identifier}
    performer.perform(key, "ConfirmInstruction", fields, institution=receiver)


def settle(performer: Performer, step: Step) -> None:
    """Give what is due today to the ledger; what failed before is tried again."""
    if not _waiting(performer, step.day):
        return
    bank = performer.pilot.with_capacity("cash_issuer")[0].code
    performer.perform(step.key, "SettleDay", {}, institution=bank)
    performer.pump()


def _waiting(performer: Performer, day: date) -> bool:
    """Whether anything may settle today, or has been given to the ledger today already."""
    with performer.application.store.reading() as connection:
        found = connection.execute(
            sql.select(instruction.c.id)
            .where(
                instruction.c.programme == performer.programme,
                instruction.c.state.in_(("matched", "failed", "requested")),
                instruction.c.first_day <= day.isoformat(),
            )
            .limit(1)
        ).first()
    return found is not None
