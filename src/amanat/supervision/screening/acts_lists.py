"""Takes in versions of lists, and screens whom licensing knows against what they change."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from itertools import chain
from typing import Any

from amanat.access.acts import ActContext, Result, act
from amanat.jurisdictions.returns import load_returns
from amanat.jurisdictions.screening import ScreeningPack, load_screening
from amanat.licensing.records import pack_of
from amanat.supervision.identities.model import FIU, SECRET, SUPERVISES
from amanat.supervision.identities.vault import Vault
from amanat.supervision.screening import events, versions
from amanat.supervision.screening.commands import Rescreen, TakeInList
from amanat.supervision.screening.index import address_key
from amanat.supervision.screening.model import ListedLater, ListedSubject, ScreenedParty
from amanat.supervision.screening.running import (
    Run,
    behind,
    drop_removed,
    run_content,
    screen_parties,
    written_versions,
)
from amanat.supervision.screening.sources import (
    licensing_parties,
    persons_behind,
    vault_parties,
)

_CUSTOMERS_AT_ONCE = 5_000
"""Customers whom an act that takes in a list compares at once; the rest wait for `Rescreen`."""
SCREENS = (SUPERVISES, FIU)
"""Capacities of institutions that screen, decide hits and order freezes."""


def screening_pack(context: ActContext) -> ScreeningPack:
    """How the programme's jurisdiction screens."""
    return load_screening(pack_of(context.uow.connection, context.programme).code)


def written(context: ActContext, entry: str) -> dict[str, Any]:
    """Who wrote a row, when, and the entry that says so."""
    return {
        "institution": context.actor.institution,
        "person": context.actor.person,
        "recorded_at": context.now.isoformat(),
        "entry": entry,
    }


@act(capacities=SCREENS, confidential=True)
def take_in_list(command: TakeInList, context: ActContext) -> Result:
    """Take in a version, then screen providers, their people and customers against what changed.

    The same file again changes nothing.  Refuses, in order: `NotFound` (list), `ListedLater`,
    `ListRefused`, `ListStale`; `NotTheFormat`, or `EntryWrong` and `EntriesMissing` all at once;
    `ListShrinks`.
    """
    connection, programme = context.uow.connection, context.programme
    kind = screening_pack(context).list_kind(command.list)
    if command.dated_on > context.business_date:
        raise ListedLater(day=command.dated_on, business_date=context.business_date)
    content = versions.content_of(kind, command.content)
    versions.require_newer(connection, programme, kind, command.dated_on)
    read_list = versions.read(kind, content)
    last = versions.last_version(connection, programme, kind.code)
    if last is not None and last.digest == read_list.digest:
        return {"list": kind.code, "version": last.number, "digest": last.digest, "new": False}
    change = versions.difference_from(connection, programme, kind, read_list)
    versions.require_whole(connection, programme, kind, change, command.taken_off)
    number = 1 if last is None else last.number + 1
    entry = context.uow.journal.append(
        events.LIST_TAKEN_IN,
        {
            "list": kind.code,
            "version": number,
            "digest": read_list.digest,
            "dated_on": command.dated_on.isoformat(),
            "entries": len(read_list.subjects),
            **change.counts(),
        },
        subject=f"screening:{kind.code}",
    )
    number, difference = versions.store(
        connection, programme, kind, read_list, content, command.dated_on, written(context, entry),
        _pseudonyms(context),
    )  # fmt: skip
    gone = drop_removed(connection, programme, kind.code, difference.removed, context.now)
    done = _screen(context, "list", everybody=False, most=_CUSTOMERS_AT_ONCE)
    return {
        "list": kind.code,
        "version": number,
        "digest": read_list.digest,
        "new": True,
        **difference.counts(),
        "hits_gone": [*gone, *done.gone],
        "hits_new": done.new,
        "hits_reopened": done.reopened,
        "parties_behind": behind(connection, programme),
        "entry": entry,
    }


def _as_written(addresses: Iterable[str]) -> Iterable[str]:
    """Addresses as a list has them, and as returns do: `BC1…` and `0X…` are the same in small."""
    return dict.fromkeys(form for one in addresses for form in (address_key(one), one))


def _pseudonyms(context: ActContext) -> Callable[[ListedSubject], list[int]]:
    """What transactions name the addresses of an entry by, on each network that writes them so."""
    networks = load_returns(pack_of(context.uow.connection, context.programme).code).networks

    def made(subject: ListedSubject) -> list[int]:
        if not subject.addresses:
            return []
        of = Vault(context.uow.store.secret(SECRET)).pseudonyms
        found = (
            of.address(network.code, address.lower() if network.fold else address)
            for address in _as_written(subject.addresses)
            for network in networks
            if re.search(network.address, address)
        )
        return list(dict.fromkeys(found))

    return made


@act(capacities=SCREENS, confidential=True)
def rescreen(command: Rescreen, context: ActContext) -> Result:
    """Screen providers and their people, and customers who wait; `parties_behind` still do."""
    done = _screen(context, "rescreening", everybody=command.everybody, most=command.customers_max)
    return {
        "run": done.id,
        "parties": done.parties,
        "skipped": done.skipped,
        "hits_new": done.new,
        "hits_gone": done.gone,
        "hits_reopened": done.reopened,
        "parties_behind": behind(context.uow.connection, context.programme),
    }


def _screen(context: ActContext, reason: str, *, everybody: bool, most: int) -> Run:
    connection, programme = context.uow.connection, context.programme
    vault = Vault(context.uow.store.secret(SECRET))
    known = licensing_parties(connection, programme, vault.pseudonyms)
    waiting = persons_behind(connection, programme, written_versions(connection, programme), most)
    customers: Iterable[ScreenedParty] = ()
    if waiting:
        customers = vault_parties(vault, connection, programme, waiting)
    done = screen_parties(
        connection,
        programme,
        chain(known, customers),
        now=context.now,
        day=context.business_date,
        reason=reason,
        everybody=everybody,
    )
    context.uow.journal.append(events.PARTIES_SCREENED, run_content(done), subject="screening")
    return done
