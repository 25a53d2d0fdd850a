"""Net capital over time: what a licensed provider states, day by day, against what it must have."""

from __future__ import annotations

from datetime import date
from typing import ClassVar

import sqlalchemy as sql
from sqlalchemy.engine import Connection

from amanat.access.acts import ActContext, Result, act
from amanat.core.errors import Invalid, Refusal
from amanat.core.ids import new_id
from amanat.core.money import money_text
from amanat.licensing.duties import events
from amanat.licensing.duties.acts import NET_CAPITAL
from amanat.licensing.duties.commands import StateNetCapital
from amanat.licensing.duties.periods import meet_duty, open_duty
from amanat.licensing.duties.tables import net_capital
from amanat.licensing.model import APPLICANT
from amanat.licensing.ordering import written
from amanat.licensing.records import find_provider, pack_of
from amanat.licensing.standing import standing_on

LICENCE = "licence"


class NoCapitalOwed(Refusal):
    """Net capital is stated for days on which a licence was held."""

    template: ClassVar[str] = "{provider} held no licence on {day} that asks for net capital."


class AsOfToCome(Invalid):
    """What is stated was so on a day that is over."""

    template: ClassVar[str] = "{day} is not over: it lies after {business_date}."


def required_on(
    connection: Connection, programme: str, code: str, day: date
) -> tuple[int, str] | None:
    """The net capital that a provider must have on a day, in minor units, and its currency.

    Of several licences the highest counts, as a licence for one category covers the whole company.
    """
    pack = pack_of(connection, programme)
    held = standing_on(connection, programme, code, day).held
    found = [
        pack.category(category)
        for one in held
        if one.kind == LICENCE
        for category in one.categories
    ]
    if not found:
        return None
    most = max(found, key=lambda one: one.net_capital)
    return most.net_capital, most.currency


@act(capacities=[APPLICANT], confidential=True)
def state_net_capital(command: StateNetCapital, context: ActContext) -> Result:
    """State the net capital of a day; the last statement of a day counts.

    It meets the earliest open period of the duty that had ended by that day.
    Refuses, in order: `NotAProvider`, `AsOfToCome`, `NoCapitalOwed`.
    """
    connection, code = context.uow.connection, context.actor.institution
    find_provider(connection, context.programme, code)
    if command.as_of > context.business_date:
        raise AsOfToCome(day=command.as_of, business_date=context.business_date)
    needed = required_on(connection, context.programme, code, command.as_of)
    if needed is None:
        raise NoCapitalOwed(provider=code, day=command.as_of)
    required, currency = needed
    short = command.amount < required
    entry = context.uow.journal.append(
        events.NET_CAPITAL_STATED,
        {
            "provider": code,
            "as_of": command.as_of.isoformat(),
            "amount": money_text(command.amount, currency),
            "required": money_text(required, currency),
            "short": short,
            "document": command.document,
        },
        subject=f"licensing:{code}",
    )
    connection.execute(
        sql.insert(net_capital).values(
            id=new_id(),
            programme=context.programme,
            provider=code,
            as_of=command.as_of.isoformat(),
            amount=command.amount,
            required=required,
            currency=currency,
            document=command.document,
            **written(context, entry),
        )
    )
    owed = open_duty(connection, context.programme, code, NET_CAPITAL, command.as_of)
    if owed is not None:
        meet_duty(context, owed, f"stated as of {command.as_of.isoformat()}", entry)
    return {
        "provider": code,
        "short": short,
        "required": money_text(required, currency),
        "period_end": owed.period_end.isoformat() if owed else None,
        "late": owed is not None and context.business_date > owed.due_on,
        "entry": entry,
    }
