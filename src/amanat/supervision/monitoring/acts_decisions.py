"""A provider asks before it settles; the answer is kept, and the transaction counts from then on.

Who asks is told the scenarios' names and no figures: these may rest on other providers' returns.
"""

from __future__ import annotations

import re
import threading
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any, ClassVar

import sqlalchemy as sql
from sqlalchemy.engine import Connection, Engine

from amanat.access.acts import ActContext, Result, act
from amanat.core.errors import Invalid, Refusal
from amanat.jurisdictions.returns import load_returns
from amanat.licensing.model import APPLICANT
from amanat.licensing.records import pack_of
from amanat.licensing.standing import require_permission
from amanat.supervision.identities.model import SECRET
from amanat.supervision.identities.pseudonyms import Pseudonyms
from amanat.supervision.identities.tables import account as held_account
from amanat.supervision.identities.tables import owner
from amanat.supervision.identities.vault import Vault
from amanat.supervision.monitoring import events
from amanat.supervision.monitoring.acts import supervision_of
from amanat.supervision.monitoring.commands import DecideTransaction
from amanat.supervision.monitoring.deciding import Deciding, rules_in_force, state_from
from amanat.supervision.monitoring.decisions import Answer, Asked, Decision, Reason
from amanat.supervision.monitoring.engines import DuckEngine
from amanat.supervision.monitoring.keeping import insert_new
from amanat.supervision.monitoring.model import SourceFile, day_number
from amanat.supervision.monitoring.planning import in_force, lists_of, versions_of
from amanat.supervision.monitoring.running import plan_sources
from amanat.supervision.monitoring.scenarios import SCENARIOS
from amanat.supervision.monitoring.staging import KINDS, country_number
from amanat.supervision.monitoring.tables import decision
from amanat.supervision.returns.manifest import REPORT
from amanat.supervision.returns.tables import manifest
from amanat.supervision.screening.freezing import frozen_parties
from amanat.supervision.transactions import transaction_id

_HELD: weakref.WeakKeyDictionary[Engine, dict[str, tuple[Any, Deciding]]] = (
    weakref.WeakKeyDictionary()
)
_LOCK = threading.Lock()
SPILL = "supervision/spill"
WITH_A_BANK = ("fiat_in", "fiat_out")
ON_A_CHAIN = ("deposit", "withdrawal")


class CounterpartyIncomplete(Invalid):
    """A deposit or withdrawal names a network of the list, and an address as it writes them."""

    template: ClassVar[str] = "A {kind} names the network of the counterparty's address."


class AskedOtherwise(Refusal):
    """A reference stands for one transaction: its answer holds for no other."""

    template: ClassVar[str] = "{reference} was asked before of another transaction."


@act(capacities=[APPLICANT], confidential=True, untold=True)
def decide_transaction(command: DecideTransaction, context: ActContext) -> Result:
    """Answer allow, review or block; the same reference again gets the same answer.

    Refuses, in order: `ProviderSuspended`, `PermissionMissing`, `CounterpartyIncomplete`,
    `AskedOtherwise`, `NoParametersForDate`.
    """
    connection, exchange = context.uow.connection, context.actor.institution
    today = context.business_date
    require_permission(connection, context.programme, exchange, REPORT, today)
    identifier = transaction_id(exchange, command.reference)
    known = connection.execute(
        sql.select(decision.c.answer, decision.c.reasons, decision.c.transaction).where(
            decision.c.programme == context.programme, decision.c.id == identifier
        )
    ).one_or_none()
    asked = _asked(command, context, identifier)
    stated = asdict(asked) | {"accounts": _named(command, context)}
    if known is not None:
        if _differs(stated, known.transaction):
            raise AskedOtherwise(reference=command.reference)
        return _told(command.reference, known.answer, known.reasons)
    decided = _stopped(command, context, asked) or deciding_of(context).decide(asked)
    reasons = [asdict(one) | {"values": dict(one.values)} for one in decided.reasons]
    rows = [
        {
            "programme": context.programme,
            "id": identifier,
            "exchange": exchange,
            "reference": command.reference,
            "asked_at": context.now.isoformat(),
            "answer": decided.answer.value,
            "reasons": reasons,
            "transaction": stated,
        }
    ]
    insert_new(connection, decision, rows)
    context.uow.journal.append(
        events.TRANSACTION_DECIDED,
        {"transaction": str(identifier), "answer": decided.answer.value},
        subject="monitoring:decisions",
    )
    return _told(command.reference, decided.answer.value, reasons)


def _differs(stated: Mapping[str, Any], before: Mapping[str, Any]) -> bool:
    """Whether a question says something else than the one before, as far as that was kept."""
    return any(stated[name] != before[name] for name in before if name not in _CHANGING)


_CHANGING = frozenset({"day", "from_who", "to_who"})
"""What changes with the day, and with what returns say of accounts."""
_ASKED = tuple(one.name for one in fields(Asked))


def _named(command: DecideTransaction, context: ActContext) -> list[int]:
    """The accounts of a question, whoever holds them; an address is in it already."""
    pseudonyms = _pseudonyms(context)
    accounts = _accounts(command, context, pseudonyms)
    if command.kind in WITH_A_BANK:
        accounts.append(pseudonyms.bank_account(command.counterparty))
    return accounts


def _stopped(command: DecideTransaction, context: ActContext, asked: Asked) -> Decision | None:
    """Nothing moves from or to who is frozen, whatever its value; None: nobody is.

    A freeze holds for every account of a person and of the companies that it owns, however many
    hold the account: any of them stops it.
    """
    connection, told = context.uow.connection, context.actor.institution
    frozen = frozen_parties(connection, context.programme, context.business_date, told=told)
    if not frozen:
        return None
    accounts = _accounts(command, context, _pseudonyms(context))
    behind = _behind(connection, context.programme, accounts) | {asked.from_who, asked.to_who}
    parties = sorted(who for who in behind if str(who) in frozen)
    if not parties:
        return None
    figures = {"total_minor": asked.value, "transactions": 1}
    return Decision(Answer.BLOCK, tuple(Reason("high_risk", who, figures) for who in parties))


def _behind(connection: Connection, programme: str, accounts: list[int]) -> set[int]:
    """Who holds one of the accounts, and who owns such a holder, as returns said."""
    holders = sql.select(held_account.c.person).where(
        held_account.c.programme == programme, held_account.c.account.in_(accounts)
    )
    owners = sql.select(owner.c.owner).where(
        owner.c.programme == programme, owner.c.person.in_(holders)
    )
    return set(connection.execute(holders.union(owners)).scalars())


def _told(reference: str, answer: str, reasons: list[dict[str, Any]]) -> Result:
    codes = sorted({one["scenario"] for one in reasons})
    said = [
        {"scenario": code, "explains": SCENARIOS[code].explanation.splitlines()[0]}
        for code in codes
    ]
    return {"reference": reference, "answer": answer, "reasons": said}


def _asked(command: DecideTransaction, context: ActContext, identifier: int) -> Asked:
    connection, own = context.uow.connection, context.actor.institution
    pseudonyms = _pseudonyms(context)
    kind = KINDS[command.kind]
    customer = _who(connection, context.programme, _accounts(command, context, pseudonyms)[0])
    other, outside = _other(command, context, pseudonyms)
    incoming = command.kind in ("fiat_in", "deposit")
    countries = [
        country_number(one) if one else 0 for one in (command.country, command.counterparty_country)
    ]
    sides = (other, customer) if incoming else (customer, other)
    return Asked(
        id=identifier,
        day=day_number(context.business_date),
        kind=kind,
        from_who=sides[0],
        to_who=sides[1],
        value=command.value_minor,
        outside=outside,
        cash=command.cash,
        between=command.counterparty_exchange not in (None, own),
        from_country=countries[1] if incoming else countries[0],
        to_country=countries[0] if incoming else countries[1],
        hosted={None: 0, False: 1, True: 2}[command.hosted],
        told=command.travel_rule is not None,
    )


def _other(
    command: DecideTransaction, context: ActContext, pseudonyms: Pseudonyms
) -> tuple[int, int]:
    """The other side as rows name it, and the address outside where it is one."""
    if command.kind in WITH_A_BANK:
        return -pseudonyms.bank_account(command.counterparty), 0
    if command.kind in ON_A_CHAIN:
        pack = load_returns(pack_of(context.uow.connection, context.programme).code)
        network = pack.network(command.network) if command.network else None
        # Written in any other way, an address would be none of those that are listed.
        if network is None or not re.fullmatch(network.address, command.counterparty):
            raise CounterpartyIncomplete(kind=command.kind)
        address = command.counterparty.lower() if network.fold else command.counterparty
        number = pseudonyms.address(network.code, address)
        return -number, number
    number = _accounts(command, context, pseudonyms)[1]
    return _who(context.uow.connection, context.programme, number), 0


def _pseudonyms(context: ActContext) -> Pseudonyms:
    return Vault(context.uow.store.secret(SECRET)).pseudonyms


def _accounts(command: DecideTransaction, context: ActContext, pseudonyms: Pseudonyms) -> list[int]:
    """The customer's account, and the other one where an exchange keeps it too."""
    own = context.actor.institution
    numbers = [pseudonyms.account(own, command.account)]
    if command.kind not in (*WITH_A_BANK, *ON_A_CHAIN):
        keeper = command.counterparty_exchange or own
        numbers.append(pseudonyms.account(keeper, command.counterparty))
    return numbers


def _who(connection: Connection, programme: str, account: int) -> int:
    """Whose account it is, as returns said; the account where they did not yet."""
    person = connection.execute(
        sql.select(sql.func.min(held_account.c.person)).where(
            held_account.c.programme == programme, held_account.c.account == account
        )
    ).scalar_one_or_none()
    return int(person) if person is not None else -account


def deciding_of(context: ActContext) -> Deciding:
    """The programme's state in this process, made anew when a return, a day or a list is new."""
    connection, programme = context.uow.connection, context.programme
    day = context.business_date
    lists = lists_of(connection, programme, day, frozen=False)
    planned = in_force(versions_of(connection, programme), supervision_of(context), day)
    rules = rules_in_force(planned, lists)
    newest = connection.execute(
        sql.select(sql.func.count(), sql.func.max(manifest.c.received_at)).where(
            manifest.c.programme == programme
        )
    ).one()
    mark = (day, tuple(newest), rules)
    with _LOCK:
        held = _HELD.setdefault(connection.engine, {})
        if programme in held and held[programme][0] == mark:
            return held[programme][1]
        folder = context.uow.store.folder
        if folder is None:
            raise LookupError("this store has no folder of files")
        files = plan_sources(connection, programme, folder, day, rules.history_days)
        engine = DuckEngine(folder / SPILL)
        try:
            made = Deciding(state_from(engine, files, rules, day))
        finally:
            engine.close()
        made.recall(_since(connection, programme, files, day_number(day) - rules.history_days))
        held[programme] = (mark, made)
        return made


def _since(
    connection: Connection, programme: str, files: Sequence[SourceFile], first: int
) -> list[tuple[Asked, Decision]]:
    """What was asked from a day on, of days that no return of who asked covers yet."""
    covered: dict[str, list[range]] = {}
    for one in files:
        days = range(day_number(one.first_day), day_number(one.last_day) + 1)
        covered.setdefault(one.exchange, []).append(days)
    rows = connection.execute(
        sql.select(decision).where(decision.c.programme == programme).order_by(decision.c.asked_at)
    )
    found = []
    for row in rows:
        asked = Asked(**{name: row.transaction[name] for name in _ASKED})
        if asked.day < first or any(asked.day in days for days in covered.get(row.exchange, ())):
            continue
        reasons = tuple(Reason(**one) for one in row.reasons)
        found.append((asked, Decision(Answer(row.answer), reasons)))
    return found
