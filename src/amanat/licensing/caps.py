"""How much a provider may do as its status stands, and which kind of account it may have.

Both are rows of the jurisdiction's pack.  Whoever takes an order, a trade or money asks here, with
the amount and with what was done before; the refusal cites the row and its section.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy.engine import Connection

from amanat.access.acts import ActContext, ViewContext, view
from amanat.core.errors import NotFound
from amanat.core.messages import Message, Word
from amanat.core.money import money_text
from amanat.jurisdictions.licensing import BankAccount, Cap, LicensingPack, SectionNotInForce
from amanat.jurisdictions.licensing_model import DAY, MONTH
from amanat.licensing.commands import PermittedAsked
from amanat.licensing.model import AccountNotAllowed, Accounts, CapExceeded, NotAProvider
from amanat.licensing.records import find_provider, pack_of
from amanat.licensing.standing import require_permission, standing_on
from amanat.participants.acts_accounts import governs_accounts

_WANTED = {
    None: Message("new money"),
    Accounts.OWN: Message("money of its own"),
    Accounts.CLIENT: Message("clients' money"),
}
DoneSince = Callable[[date], int]
"""What was done from a day on until now, in minor units."""


def cited(pack: LicensingPack, section: str, day: date) -> str:
    """The section that has a rule on a day, in words; where no law is in force, that."""
    try:
        return pack.section_on(section, day).text
    except SectionNotInForce as refusal:
        return refusal.message


def caps_on(
    connection: Connection,
    programme: str,
    code: str,
    what: str,
    day: date,
    category: str | None = None,
) -> tuple[Cap, ...]:
    """The caps on an activity of a provider, as its status is on `day`; none of no provider.

    With a category those that count in it or in all; without one only those that count in all.
    """
    pack = pack_of(connection, programme)
    if not any(what in one.activities for one in pack.caps):
        return ()
    try:
        find_provider(connection, programme, code)
    except NotAProvider:
        return ()
    status = standing_on(connection, programme, code, day).status
    return tuple(
        one
        for one in pack.caps_of(status)
        if what in one.activities and one.category in ("", category)
    )


def first_counted(cap: Cap, day: date) -> date | None:
    """The first day that counts together with `day`; None where each time counts by itself."""
    return {DAY: day, MONTH: day.replace(day=1)}.get(cap.period)


@dataclass(frozen=True, slots=True)
class Asked:
    """Something that a provider would do: the activity, on which day, and how much it is."""

    provider: str
    what: str
    day: date
    amount: int
    currency: str
    category: str | None = None


def require_within(
    connection: Connection, programme: str, asked: Asked, done_since: DoneSince
) -> None:
    """Refuse `CapExceeded` with the first cap that would be exceeded, or cannot be counted."""
    pack = pack_of(connection, programme)
    caps = caps_on(connection, programme, asked.provider, asked.what, asked.day, asked.category)
    for cap in caps:
        first = first_counted(cap, asked.day)
        done = done_since(first) if first is not None else 0
        if cap.unit == asked.currency and done + asked.amount <= cap.amount:
            continue
        raise CapExceeded(
            provider=asked.provider,
            activity=Message(pack.activities.get(asked.what, asked.what)),
            amount=money_text(asked.amount, asked.currency),
            status=Word(cap.status),
            most=money_text(cap.amount, cap.unit),
            period=Word(cap.period),
            done=money_text(done, asked.currency),
            cap=cap.code,
            section=cited(pack, cap.section, asked.day),
        )


def account_on(connection: Connection, programme: str, code: str, day: date) -> BankAccount | None:
    """The kind of account that a provider may have on `day`; None of who is no provider."""
    try:
        find_provider(connection, programme, code)
    except NotAProvider:
        return None
    pack = pack_of(connection, programme)
    return pack.account(pack.status(standing_on(connection, programme, code, day).status).account)


def require_account(
    connection: Connection,
    programme: str,
    code: str,
    day: date,
    *,
    holds: Accounts | None = None,
    money_in: bool = False,
) -> None:
    """Refuse `AccountNotAllowed` where the provider's status gives it no such account.

    `holds` says whose money lies there, `money_in` that new money comes to it.
    """
    kind = account_on(connection, programme, code, day)
    if kind is None:
        return
    whose = holds is not None and holds.value not in kind.holds
    if not whose and not (money_in and not kind.money_in):
        return
    pack = pack_of(connection, programme)
    raise AccountNotAllowed(
        provider=code,
        status=Word(standing_on(connection, programme, code, day).status),
        wanted=_WANTED[holds if whose else None],
        account=Message(kind.title),
        row=kind.code,
        section=cited(pack, kind.section, day),
    )


def limits_json(pack: LicensingPack, status: str, day: date) -> dict[str, Any]:
    """The kind of account and the caps of a status, as views show them."""
    account = pack.account(pack.status(status).account)
    return {
        "account": {
            "code": account.code,
            "title": account.title,
            "holds": list(account.holds),
            "money_in": account.money_in,
            "money_out": account.money_out,
            "assumed": account.assumed,
        },
        "caps": [
            {
                "code": one.code,
                "title": one.title,
                "activities": list(one.activities),
                "category": one.category or None,
                "most": money_text(one.amount, one.unit),
                "period": one.period,
                "law": cited(pack, one.section, day),
                "assumed": one.assumed,
            }
            for one in pack.caps_of(status)
        ],
    }


@view("permitted")
def permitted(query: PermittedAsked, context: ViewContext) -> dict[str, Any]:
    """Whether a provider may do something now, asked by whoever would deal with it.

    With an amount, what was done already in the period (`done`) counts with it, as the asker knows.
    Answers with the caps that it keeps to.  Refuses `NotFound`, `ProviderSuspended`,
    `PermissionMissing`, `CategoryNotOpen`, `CapExceeded`: HTTP 403, but for the first.
    """
    connection, programme, day = context.connection, context.programme, context.business_date
    pack = pack_of(connection, programme)
    if query.activity not in pack.activities:
        raise NotFound(thing="activity", value=query.activity)
    found = require_permission(
        connection, programme, query.provider, query.activity, day, category=query.category
    )
    if query.amount is not None:
        asked = Asked(
            query.provider, query.activity, day, query.amount, query.currency, query.category
        )
        require_within(connection, programme, asked, lambda _first: query.done)
    return {
        "provider": query.provider,
        "activity": query.activity,
        "category": query.category,
        "status": found.status,
        "day": day.isoformat(),
        **limits_json(pack, found.status, day),
    }


@governs_accounts
def _licensed_accounts(context: ActContext, code: str, kinds: frozenset[str]) -> None:
    """An account on the ledger is of a kind that the status gives."""
    for kind in Accounts:
        if kind.value in kinds:
            require_account(
                context.uow.connection, context.programme, code, context.business_date, holds=kind
            )
