"""What a provider may do follows from its permissions and their changes, on any day.

Pure, so that tables, journal and published feed give the same answer.  A permission stands from
its grant until it ends or its last day is over; suspensions lie over one permission or over all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from amanat.jurisdictions.licensing import LicensingPack, Status, SuspensionLevel
from amanat.licensing.model import Accounts, Change

NO_LEVEL = "none"
APPLICANT, REFUSED = "applicant", "refused"
ENDED = {Change.REVOKE: "revoked", Change.SURRENDER: "surrendered"}
ON_LEDGER = frozenset({"hold", "bid", "acquire", "deliver"})
"""Activities that the ledger's level and the settlement of trades are about."""
_FOR_CLIENTS = frozenset({"client_service", "client_order", "new_clients"})


@dataclass(frozen=True, slots=True)
class Granted:
    """A permission as it was granted: kind and categories; changes say from when to when."""

    id: str
    kind: str
    number: str
    categories: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Changed:
    """A change that has taken effect; `permission` None is all that the provider holds then.

    Changes count in the `order` in which they were decided (ids sort by time), so that what is
    revoked while its grant awaits the ledger does not come back with it.
    """

    permission: str | None
    change: Change
    effective_at: str
    effective_on: date
    order: str
    level: str | None = None
    suspension: str | None = None
    expires_on: date | None = None
    section: str = ""
    law: str = ""
    accounts: str | None = None


@dataclass(frozen=True, slots=True)
class Suspended:
    """A suspension in force: its file, level, since when, by which law, over which permission.

    `accounts` is `own` or `client` where it lies over these alone.
    """

    suspension: str
    level: str
    since: date
    law: str
    permission: str | None
    until: date | None = None
    """Its last day, of an urgent one."""
    accounts: str | None = None

    def binds(self, accounts: Accounts) -> bool:
        """Whether it lies over accounts of this kind."""
        return self.accounts in (None, accounts.value)


@dataclass(frozen=True, slots=True)
class Held:
    """A permission in force on the day: since when, until when, and what lies over it alone."""

    id: str
    kind: str
    number: str
    categories: tuple[str, ...]
    since: date
    expires_on: date | None
    suspended: str | None


@dataclass(frozen=True, slots=True)
class Standing:
    """What a provider may do on a day.

    `status` is the public status, `opens` activities, `services` categories that are open,
    `suspensions` those in force.  `level` and `valid_until` are what the ledger has to say:
    `none` where the provider has no standing there, no last day where nothing changes it.
    """

    provider: str
    status: str
    held: tuple[Held, ...]
    suspensions: tuple[Suspended, ...]
    opens: frozenset[str]
    services: tuple[str, ...]
    level: str
    valid_until: date | None
    ended: Mapping[str, str] = field(default_factory=dict)
    """How permissions that are over ended, by id: a change, or `expired`."""
    dealing: Mapping[Accounts, Suspended] = field(default_factory=dict)
    """The suspension that decides what accounts of a kind do on the ledger, where there is one."""

    def shut_for(self, pack: LicensingPack, accounts: Accounts) -> frozenset[str]:
        """Activities on the ledger that are shut to accounts of a kind, and not for all reasons."""
        over = self.dealing.get(accounts)
        return frozenset(pack.suspension(over.level).shuts) & ON_LEDGER if over else frozenset()


@dataclass(slots=True)
class _Running:
    """One permission while its changes are gone through."""

    granted: Granted
    since: date | None = None
    expires_on: date | None = None
    ended: str | None = None
    over: dict[str, Suspended] = field(default_factory=dict)


def standing_from(
    pack: LicensingPack,
    provider: str,
    granted: Iterable[Granted],
    changes: Iterable[Changed],
    day: date,
    *,
    refused: bool = False,
) -> Standing:
    """The standing on `day` from all changes that took effect by then.

    `refused` says that an application of the provider was refused by that day and none granted.
    """
    running = {one.id: _Running(one) for one in granted}
    whole: dict[str, Suspended] = {}
    last_end: Change | None = None
    for change in sorted(changes, key=lambda one: one.order):
        if change.effective_on > day or _lapsed(change, day):
            continue
        ended = _apply(running, whole, change)
        last_end = change.change if ended and change.change in ENDED else last_end
    for one in running.values():
        if one.ended is None and one.expires_on is not None and one.expires_on < day:
            one.ended = "expired"
    held = [one for one in running.values() if one.since is not None and one.ended is None]
    ever = any(_on_ledger(pack, one.granted.kind) for one in running.values() if one.since)
    return _stand(pack, provider, held, whole, last_end, refused, ever, running)


def _lapsed(change: Changed, day: date) -> bool:
    """Whether this is an urgent suspension whose last day is over."""
    urgent = change.change is Change.SUSPEND and change.expires_on is not None
    return urgent and change.expires_on is not None and change.expires_on < day


def _apply(running: Mapping[str, _Running], whole: dict[str, Suspended], change: Changed) -> bool:
    """Let one change take effect; whether it ended something."""
    if change.permission is None:
        theirs = [one for one in running.values() if one.since is not None and one.ended is None]
    else:
        theirs = [running[change.permission]]
    if change.change is Change.SUSPEND and change.suspension and change.level:
        over = Suspended(
            change.suspension,
            change.level,
            change.effective_on,
            change.law,
            change.permission,
            change.expires_on,
            change.accounts,
        )
        (whole if change.permission is None else theirs[0].over)[change.suspension] = over
        return False
    if change.change is Change.LIFT and change.suspension:
        whole.pop(change.suspension, None)
        for one in running.values():
            one.over.pop(change.suspension, None)
        return False
    for one in theirs:
        if change.change is Change.GRANT:
            one.since, one.expires_on = change.effective_on, change.expires_on
        elif change.change is Change.RENEW:
            one.expires_on = change.expires_on
        elif change.change.ends:
            one.ended = change.change.value
    return change.change.ends and bool(theirs)


def _on_ledger(pack: LicensingPack, kind: str) -> bool:
    return pack.status(pack.permission(kind).status).level != NO_LEVEL


def _stand(
    pack: LicensingPack,
    provider: str,
    held: Sequence[_Running],
    whole: Mapping[str, Suspended],
    last_end: Change | None,
    refused: bool,
    ever: bool,
    running: Mapping[str, _Running],
) -> Standing:
    shown = tuple(_held(one) for one in sorted(held, key=lambda one: _rank(pack, one)))
    ended = {one.granted.id: one.ended for one in running.values() if one.ended is not None}
    if not held:
        code = ENDED[last_end] if last_end else REFUSED if refused else APPLICANT
        status = pack.status(code)
        level = status.level if ever else NO_LEVEL
        opens = frozenset(status.opens)
        return Standing(provider, code, (), (), opens, (), level, None, ended)
    best = max(held, key=lambda one: _rank(pack, one))
    base = pack.status(pack.permission(best.granted.kind).status)
    top = [one for one in held if one.granted.kind == best.granted.kind]
    dealers = [one for one in top if _deals(pack, one)] or top
    over = _over_all(pack, whole, top)
    there = _over_all(pack, whole, dealers)
    dealing = {
        kind: found for kind in Accounts if (found := _over(pack, whole, dealers, kind)) is not None
    }
    shut = _shut(pack, whole, over, there, dealing)
    suspensions = (*whole.values(), *(one for run in held for one in run.over.values()))
    days = [one.expires_on for one in held if _on_ledger(pack, one.granted.kind)]
    return Standing(
        provider=provider,
        status=base.code if over is None else over.status,
        held=shown,
        suspensions=tuple(suspensions),
        opens=frozenset(base.opens) - shut,
        services=_services(pack, base, held, shut),
        level=_level(base, there, ever),
        valid_until=max((one for one in days if one is not None), default=None),
        ended=ended,
        dealing=dealing,
    )


def _deals(pack: LicensingPack, one: _Running) -> bool:
    return any(pack.category(code).dealing for code in one.granted.categories)


def _shut(
    pack: LicensingPack,
    whole: Mapping[str, Suspended],
    over: SuspensionLevel | None,
    there: SuspensionLevel | None,
    dealing: Mapping[Accounts, Suspended],
) -> set[str]:
    """Activities that are shut to the provider, whichever account it is about."""
    found = {
        activity
        for one in whole.values()
        if one.accounts is None
        for activity in pack.suspension(one.level).shuts
    }
    found |= set(over.shuts) if over is not None else set()
    found |= set(there.shuts) & ON_LEDGER if there is not None else set()
    for kind, one in dealing.items():
        # Clients are served on their accounts, and nobody bids but for itself.
        about = _FOR_CLIENTS if kind is Accounts.CLIENT else frozenset({"bid"})
        if one.accounts is not None:
            found |= set(pack.suspension(one.level).shuts) & about
    return found


def _level(base: Status, over: SuspensionLevel | None, ever: bool) -> str:
    if base.level == NO_LEVEL:
        return "wind_down" if ever else NO_LEVEL
    return base.level if over is None else over.level


def _over_all(
    pack: LicensingPack, whole: Mapping[str, Suspended], top: Sequence[_Running]
) -> SuspensionLevel | None:
    """What lies over the provider as a whole: what lies over its own accounts and its clients'.

    Of two levels the milder one, since the ledger has one level for all accounts.
    """
    found = [_over(pack, whole, top, kind) for kind in Accounts]
    if any(one is None for one in found):
        return None
    return pack.suspensions[min(_strictness(pack, one.level) for one in found if one is not None)]


def _over(
    pack: LicensingPack,
    whole: Mapping[str, Suspended],
    top: Sequence[_Running],
    accounts: Accounts,
) -> Suspended | None:
    """The suspension that decides for accounts of a kind.

    Of suspensions of all the strictest; where each permission is suspended by itself, the mildest
    of these counts for the whole.
    """
    strictest = []
    for run in top:
        theirs = [one for one in (*whole.values(), *run.over.values()) if one.binds(accounts)]
        if not theirs:
            return None
        strictest.append(max(theirs, key=lambda one: _strictness(pack, one.level)))
    return min(strictest, key=lambda one: _strictness(pack, one.level), default=None)


def _strictness(pack: LicensingPack, level: str) -> int:
    return pack.suspensions.index(pack.suspension(level))


def _rank(pack: LicensingPack, one: _Running) -> tuple[int, str]:
    return pack.permissions.index(pack.permission(one.granted.kind)), one.granted.number


def _held(one: _Running) -> Held:
    assert one.since is not None
    alone = next((over for over in one.over.values() if over.accounts is None), None)
    return Held(
        id=one.granted.id,
        kind=one.granted.kind,
        number=one.granted.number,
        categories=one.granted.categories,
        since=one.since,
        expires_on=one.expires_on,
        suspended=alone.level if alone else None,
    )


def _services(
    pack: LicensingPack, base: Status, held: Sequence[_Running], shut: set[str]
) -> tuple[str, ...]:
    """Categories of which a client's order may be carried out."""
    if base.services == "none" or "client_order" in shut:
        return ()
    found: set[str] = set()
    for one in held:
        over = [pack.suspension(s.level) for s in one.over.values() if s.binds(Accounts.CLIENT)]
        if any("client_order" in level.shuts for level in over):
            continue
        licensed = pack.status(pack.permission(one.granted.kind).status).services == "licensed"
        if base.services == "licensed" and not licensed:
            continue
        found |= set(one.granted.categories)
    if base.services == "before_licence":
        found &= {one.code for one in pack.categories if one.before_licence}
    return tuple(one.code for one in pack.categories if one.code in found)
