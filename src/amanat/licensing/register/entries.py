"""A provider as the register has to show it: from its standing, permissions and conditions."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Connection

from amanat.access.tables import institution
from amanat.jurisdictions.licensing import LicensingPack
from amanat.licensing.deriving import Changed, Granted, Standing, standing_from
from amanat.licensing.forms.filling import answers_of
from amanat.licensing.model import Change as PermissionChange
from amanat.licensing.model import Outcome
from amanat.licensing.openness.grounds import ADVISES, advisers
from amanat.licensing.records import find_provider, pack_of
from amanat.licensing.register.columns import (
    published_number,
    published_text,
    published_website,
)
from amanat.licensing.register.model import IN_FORCE, Later, ListedPermission, RegisterEntry
from amanat.licensing.standing import changes_of, first_refusal, granted_of
from amanat.licensing.tables import condition, decision, file_section, permission

_ENDINGS = {
    PermissionChange.REVOKE.value: "revoked",
    PermissionChange.SURRENDER.value: "surrendered",
    PermissionChange.CONVERT.value: "converted",
    PermissionChange.WITHDRAW.value: "withdrawn",
}


def entry_of(connection: Connection, programme: str, code: str, day: date) -> RegisterEntry:
    """A provider as its standing has it on a day, by what was known at its end.

    Refuses `NotAProvider`.
    """
    row = find_provider(connection, programme, code)
    name = connection.execute(
        sql.select(institution.c.name).where(
            institution.c.programme == programme, institution.c.code == code
        )
    ).scalar_one()
    pack = pack_of(connection, programme)
    granted = granted_of(connection, programme, [code]).get(code, [])
    every = changes_of(connection, programme, [code]).get(code, [])
    changes = [one for one in every if one.effective_on <= day]
    refused_on = first_refusal(connection, programme, code)

    def stood(one: date) -> Standing:
        refused = refused_on is not None and refused_on <= min(one, day)
        return standing_from(pack, code, granted, changes, one, refused=refused)

    standing = stood(day)
    told = _told_in_forms(connection, programme, code, pack, day)
    return RegisterEntry(
        provider=code,
        name=published_text(str(name)),
        trade_names=trade_names_in(told.get("trade_names")),
        lei=row.lei,
        registration=published_number(told.get("registration")),
        country=row.country,
        website=published_website(row.website),
        status=standing.status,
        status_since=_since(stood, changes, day),
        services=standing.services,
        flags=(ADVISES,) if advisers(connection, programme, day, [code]) else (),
        permissions=_listed(connection, programme, code, pack, granted, changes, standing, day),
        later=_later(stood, standing, day),
    )


def _told_in_forms(
    connection: Connection, programme: str, code: str, pack: LicensingPack, day: date
) -> dict[str, Any]:
    """What the pack takes into the register from the last file that was granted by a day."""
    if not pack.register:
        return {}
    file = connection.execute(
        sql.select(decision.c.file)
        .where(
            decision.c.programme == programme,
            decision.c.provider == code,
            decision.c.outcome == Outcome.GRANT.value,
            decision.c.recorded_on <= day.isoformat(),
            sql.exists().where(
                file_section.c.file == decision.c.file,
                file_section.c.form.in_({one.partition(".")[0] for one in pack.register.values()}),
            ),
        )
        .order_by(decision.c.id.desc())
        .limit(1)
    ).scalar_one_or_none()
    if file is None:
        return {}
    answers = answers_of(connection, file)
    found = {}
    for column, place in pack.register.items():
        form, section, question = place.split(".")
        content = answers.get(form, {}).get(section)
        found[column] = content.get(question) if isinstance(content, dict) else None
    return found


def trade_names_in(text: Any) -> tuple[str, ...]:
    """The names in an answer, parted by commas, semicolons or lines, each once."""
    if not isinstance(text, str):
        return ()
    names = (published_text(one) for one in re.split(r"[,;\n]", text) if one.strip())
    return tuple(dict.fromkeys(names))[:_TRADE_NAMES_MAX]


_TRADE_NAMES_MAX = 20


def _listed(
    connection: Connection,
    programme: str,
    code: str,
    pack: LicensingPack,
    granted: Sequence[Granted],
    changes: Sequence[Changed],
    standing: Standing,
    day: date,
) -> tuple[ListedPermission, ...]:
    rows = {
        row.id: row
        for row in connection.execute(
            sql.select(permission).where(
                permission.c.programme == programme, permission.c.provider == code
            )
        )
    }
    conditions: dict[str, list[str]] = {}
    table = condition
    for row in connection.execute(
        sql.select(table.c.permission, table.c.text)
        .where(
            table.c.programme == programme,
            table.c.provider == code,
            table.c.recorded_on <= day.isoformat(),
            table.c.lifted_on.is_(None) | (table.c.lifted_on > day.isoformat()),
        )
        .order_by(table.c.id)
    ):
        conditions.setdefault(row.permission, []).append(published_text(row.text))
    found = []
    for one in granted:
        own = [
            change
            for change in changes
            if change.permission in (None, one.id) and change.effective_on <= day
        ]
        grants = [c for c in own if c.permission == one.id and c.change is PermissionChange.GRANT]
        if not grants:
            continue
        terms = [c for c in own if c.permission == one.id and c.change in _WITH_TERM]
        state, since = _state_of(pack, one, own, standing, grants[0].effective_on)
        found.append(
            ListedPermission(
                number=one.number,
                kind=one.kind,
                categories=one.categories,
                state=state,
                state_since=since,
                granted_on=grants[0].effective_on,
                expires_on=terms[-1].expires_on,
                law=published_text(rows[one.id].law),
                conditions=tuple(dict.fromkeys(conditions.get(one.id, ()))),
            ).on(day)
        )
    return tuple(sorted(found, key=lambda held: held.number))


_WITH_TERM = (PermissionChange.GRANT, PermissionChange.RENEW)


def _state_of(
    pack: LicensingPack,
    one: Granted,
    own: Sequence[Changed],
    standing: Standing,
    granted_on: date,
) -> tuple[str, date]:
    """How a permission stands, and since when: ended, under its strictest suspension, in force."""
    ended = standing.ended.get(one.id)
    if ended in _ENDINGS:
        last = [change for change in own if change.change.value == ended]
        return _ENDINGS[ended], last[-1].effective_on
    levels = [level.code for level in pack.suspensions]
    # What lies over own accounts alone, or clients' alone, leaves the permission itself in force.
    over = [
        held
        for held in standing.suspensions
        if held.permission in (None, one.id) and held.accounts is None
    ]
    if ended is None and over:
        strictest = max(over, key=lambda held: levels.index(held.level))
        return strictest.level, strictest.since
    lifted = [change for change in own if change.change is PermissionChange.LIFT]
    return IN_FORCE, max([granted_on, *(change.effective_on for change in lifted)])


def _since(
    standing_then: Callable[[date], Standing], changes: Sequence[Changed], day: date
) -> date:
    """Since when the provider has the status that it has on `day`."""
    days = {change.effective_on for change in changes if change.effective_on <= day}
    days |= {
        _after(change.expires_on)
        for change in changes
        if change.expires_on is not None and _after(change.expires_on) <= day
    }
    since, status = day, None
    for one in sorted(days):
        found = standing_then(one).status
        if found != status:
            since, status = one, found
    return since


def _later(
    standing_then: Callable[[date], Standing], standing: Standing, day: date
) -> tuple[Later, ...]:
    """What becomes of it as permissions and urgent suspensions end, if nothing else happens."""
    ends = [*(one.expires_on for one in standing.held), *(s.until for s in standing.suspensions)]
    days = {_after(one) for one in ends if one is not None and _after(one) > day}
    found, former = [], standing
    for one in sorted(days):
        becomes = standing_then(one)
        if (becomes.status, becomes.services) != (former.status, former.services):
            found.append(Later(one, becomes.status, becomes.services))
            former = becomes
    return tuple(found)


def _after(day: date) -> date:
    return day + timedelta(days=1)
