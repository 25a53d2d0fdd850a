"""Parties of a report from the vault: the reporting entity's own customers, each opening kept.

An exchange is given what it said itself, in its latest return that said something new, and of
accounts that its case cites alone: nothing of what another exchange says of the same person.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Row

from amanat.access.acts import ActContext
from amanat.access.tables import institution
from amanat.jurisdictions.goaml import GoamlPack
from amanat.supervision.cases.model import CaseClosed, CaseState
from amanat.supervision.goaml.commands import ReportFields
from amanat.supervision.goaml.content import (
    FilledParty,
    ReportedAccount,
    ReportedAddress,
    ReportedEntity,
    ReportedParty,
    ReportedPerson,
    ReportedPhone,
)
from amanat.supervision.goaml.latin import LATIN_NAME
from amanat.supervision.identities.model import SECRET, Identity
from amanat.supervision.identities.openings import keep_opening
from amanat.supervision.identities.tables import account as identity_account
from amanat.supervision.identities.vault import Vault

NATURAL, PASSPORT = "natural", "passport"
_CARDS = ("cnic", "nicop", "poc")
_NAME_MAX, _LINE_MAX, _SHORT_MAX, _CLIENT_MAX = 100, 255, 50, 30
_ASKED_AT_ONCE = 500


def filled_parties(
    context: ActContext,
    command: ReportFields,
    of: Row[Any],
    rows: Sequence[Mapping[str, Any]],
    pack: GoamlPack,
) -> list[tuple[ReportedParty, FilledParty]]:
    """Own customers behind the accounts of a case whom nobody typed.  Refuses `CaseClosed`."""
    if of.state == CaseState.CLOSED.value:
        raise CaseClosed(case=of.number, day=of.closed_on)
    given = {one.pseudonym for one in command.parties}
    cited = {str(row[side]) for row in rows for side in ("from_account", "to_account")}
    held = _own_accounts(context, sorted(int(one) for one in cited - given))
    if not held:
        return []
    connection, own = context.uow.connection, context.actor.institution
    vault = Vault(context.uow.store.secret(SECRET))
    said: dict[int, Identity] = {}
    counted: dict[int, int] = {}
    persons = [one.person for one in held.values()]
    for identity in vault.identities(connection, context.programme, persons=persons, exchange=own):
        said[identity.person] = max(
            identity, said.get(identity.person, identity), key=lambda one: one.return_id
        )
        counted[identity.person] = counted.get(identity.person, 0) + 1
    reason = command.opening_reason or ""
    openings = {
        person: keep_opening(context, person, of.number, reason, counted[person]) for person in said
    }
    name = connection.execute(
        sql.select(institution.c.name).where(
            institution.c.programme == context.programme, institution.c.code == own
        )
    ).scalar_one()
    found = []
    for row in held.values():
        if row.person not in said:
            continue
        number = vault.account_number(context.programme, row.account, bytes(row.number))
        party = party_of(said[row.person], str(row.account), number, row.opened, name, pack)
        found.append((party, _source(party, said[row.person], openings[row.person])))
    return found


def _own_accounts(context: ActContext, accounts: Sequence[int]) -> dict[int, Row[Any]]:
    """Of these accounts those at the actor's exchange, each with who holds it last."""
    table = identity_account
    found: dict[int, Row[Any]] = {}
    for begin in range(0, len(accounts), _ASKED_AT_ONCE):
        rows = context.uow.connection.execute(
            sql.select(table)
            .where(
                table.c.programme == context.programme,
                table.c.exchange == context.actor.institution,
                table.c.account.in_(accounts[begin : begin + _ASKED_AT_ONCE]),
            )
            .order_by(table.c.account, table.c.first_return)
        )
        found |= {row.account: row for row in rows}
    return found


def party_of(
    said: Identity, account: str, number: str, opened: str, keeper: str, pack: GoamlPack
) -> ReportedParty:
    """A client's account with its owner, as goAML asks for one; what is not known is left out."""
    natural = said.kind == NATURAL
    return ReportedParty(
        pseudonym=account,
        my_client=True,
        account=ReportedAccount(
            institution_name=keeper[:_LINE_MAX],
            account=number[:_SHORT_MAX],
            account_name=(said.name_latin or said.name)[:_LINE_MAX],
            client_number=said.reference[:_CLIENT_MAX],
            opened=date.fromisoformat(opened),
            owner=_person(said, pack) if natural else None,
            entity=None if natural else _entity(said, pack),
        ),
        country=said.residence or said.document.country,
    )


def _person(said: Identity, pack: GoamlPack) -> ReportedPerson:
    name = _latin(said)
    first, _, last = name.rpartition(" ")
    document = said.document
    carded = document.type in _CARDS and re.fullmatch(
        pack.form.local_identifier_pattern, document.number
    )
    travels = document.type == PASSPORT
    return ReportedPerson(
        first_name=(first or last)[:_NAME_MAX],
        last_name=last[:_NAME_MAX],
        original_name=_original(said, name),
        birthdate=date.fromisoformat(said.born) if said.born else None,
        identifier=document.number if carded else None,
        passport=document.number[:_SHORT_MAX] if travels else None,
        passport_country=document.country if travels else None,
        nationality=said.nationality,
        residence=said.residence,
        phones=_phones(said),
        addresses=_addresses(said, pack),
        email=_contact(said, "mail"),
    )


def _entity(said: Identity, pack: GoamlPack) -> ReportedEntity:
    name = _latin(said)
    return ReportedEntity(
        name=name[:_LINE_MAX],
        original_name=_original(said, name),
        number=said.document.number[:_SHORT_MAX],
        phones=_phones(said),
        addresses=_addresses(said, pack),
        country=said.document.country,
    )


def _latin(said: Identity) -> str:
    """How the exchange writes the name in Latin letters; else as it is, which the report spells."""
    stated = " ".join((said.name_latin or "").split())
    if stated and (said.kind != NATURAL or LATIN_NAME.fullmatch(stated)):
        return stated
    return " ".join(said.name.split())


def _original(said: Identity, name: str) -> str | None:
    """The name as it was written, where the report has it otherwise."""
    written = " ".join(said.name.split())
    return written[:_LINE_MAX] if written != name else None


def _contact(said: Identity, field: str) -> str | None:
    return next((value[:_LINE_MAX] for name, value in said.contact if name == field), None)


def _phones(said: Identity) -> tuple[ReportedPhone, ...]:
    number = _contact(said, "telephone")
    return (ReportedPhone(number=number[:_SHORT_MAX]),) if number else ()


def _addresses(said: Identity, pack: GoamlPack) -> tuple[ReportedAddress, ...]:
    address, district = _contact(said, "address"), _contact(said, "district")
    if not address or not district:
        return ()
    country = said.residence or pack.form.country
    return (ReportedAddress(address=address, district=district, country=country),)


def _source(party: ReportedParty, said: Identity, opened: str) -> FilledParty:
    account = party.account
    assert account is not None
    owner = account.owner or account.entity
    assert owner is not None
    return FilledParty(
        account=party.pseudonym,
        opening=opened,
        source_return=said.return_id,
        elements=tuple(sorted(owner.model_dump(exclude_none=True, exclude_defaults=True))),
    )
