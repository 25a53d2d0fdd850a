"""A report's content from a case: its stored transactions, and who stands behind them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from amanat.jurisdictions.goaml import GoamlPack
from amanat.supervision.goaml.commands import ReportFields
from amanat.supervision.goaml.content import (
    FilledParty,
    ReportContent,
    ReportedAccount,
    ReportedParty,
    ReportedSide,
    ReportedTransaction,
)
from amanat.supervision.goaml.model import NothingToReport, PartiesUnknown
from amanat.supervision.transactions import Kind

_SAID = {
    Kind.FIAT_IN: "Money came from a bank account",
    Kind.FIAT_OUT: "Money went to a bank account",
    Kind.TRADE: "Leg of a trade",
    Kind.DEPOSIT: "Deposit on a chain",
    Kind.WITHDRAWAL: "Withdrawal on a chain",
    Kind.TRANSFER: "Transfer between customers",
}
_ACCOUNTS_SHOWN = 20


def content_of(
    fields: ReportFields,
    case: str,
    rows: Sequence[Mapping[str, Any]],
    pack: GoamlPack,
    filled: Sequence[tuple[ReportedParty, FilledParty]] = (),
) -> ReportContent:
    """What the report says; `filled` are parties that the vault knew.

    Refuses `NothingToReport`, `PartiesUnknown` (all at once).
    """
    transactions = fields.transactions
    if not transactions and not fields.activity:
        if not rows:
            raise NothingToReport(case=case)
        transactions = _from_rows(rows, (*fields.parties, *(one for one, _ in filled)), pack)
    return ReportContent(
        report_code=fields.report_code,
        branch=fields.branch,
        reporting_person=fields.reporting_person,
        location=fields.location,
        reason=fields.reason,
        action=fields.action,
        transactions=transactions,
        activity=fields.activity,
        indicators=fields.indicators,
        filled=tuple(one for _, one in filled),
    )


def _from_rows(
    rows: Sequence[Mapping[str, Any]], parties: Sequence[ReportedParty], pack: GoamlPack
) -> tuple[ReportedTransaction, ...]:
    known = {one.pseudonym: one for one in parties}
    for row in rows:
        for way in ("from", "to"):
            account = str(row[f"{way}_account"])
            if account not in known and _is_wallet(row, way):
                known[account] = _wallet(account, row)
    missing = sorted(
        {
            str(row[f"{way}_account"])
            for row in rows
            for way in ("from", "to")
            if str(row[f"{way}_account"]) not in known
        }
    )
    if missing:
        raise PartiesUnknown(accounts=", ".join(missing[:_ACCOUNTS_SHOWN]))
    return tuple(_transaction(row, known, pack) for row in rows)


def _is_wallet(row: Mapping[str, Any], way: str) -> bool:
    """Whether a side is an address on a chain outside any exchange."""
    outside = {"deposit": "from", "withdrawal": "to"}.get(str(row["kind"]))
    return outside == way and bool(row.get("address"))


def _wallet(account: str, row: Mapping[str, Any]) -> ReportedParty:
    hosted = row.get("hosted")
    name = "Hosted wallet" if hosted else "Unhosted wallet" if hosted is False else "Wallet"
    country = row.get("to_country") if row["kind"] == "withdrawal" else row.get("from_country")
    return ReportedParty(
        pseudonym=account,
        account=ReportedAccount(
            institution_name=name,
            account=str(row["address"])[:50],
            currency=str(row["asset"])[:12],
        ),
        country=str(country or pack_country(row)),
    )


def pack_country(row: Mapping[str, Any]) -> str:
    """Where nobody knows the country of a wallet: the one of whose customer it dealt with."""
    return str(row.get("from_country") or row.get("to_country") or "PK")


def _transaction(
    row: Mapping[str, Any], known: Mapping[str, ReportedParty], pack: GoamlPack
) -> ReportedTransaction:
    kind = Kind(str(row["kind"]))
    codes = pack.kinds[kind.value]
    cash = bool(row.get("cash"))
    funds = codes.cash_funds if cash else codes.funds
    said = f"{_SAID[kind]}: {row['quantity']} {row['asset']}"
    further = [
        f"{name} {row[field]}"
        for name, field in (
            ("network", "network"),
            ("transaction", "transaction_hash"),
            ("travel rule message", "travel_rule"),
        )
        if row.get(field)
    ]
    return ReportedTransaction(
        number=str(row["reference"])[:50],
        internal_number=str(row["id"]),
        location="Online",
        description=said,
        day=date.fromisoformat(str(row["day"])),
        transmode=codes.cash_transmode if cash else codes.transmode,
        amount=int(row["value"]),
        source=_side(known[str(row["from_account"])], funds),
        target=_side(known[str(row["to_account"])], funds),
        comments="; ".join(further)[:4_000] or None,
    )


def _side(party: ReportedParty, funds: str) -> ReportedSide:
    return ReportedSide(
        my_client=party.my_client,
        funds=funds,
        account=party.account,
        person=party.person if party.account is None else None,
        entity=party.entity if party.account is None and party.person is None else None,
        country=party.country,
    )
