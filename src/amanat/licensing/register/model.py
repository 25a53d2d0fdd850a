"""What the public register of providers says, and every change of it: values and laws; pure.

The register is the fold of its changes.  A change carries the whole entry as it is from then on,
its number (dense, from 1) and the digest of the change before it, so that whoever holds the
changes from the first one can rebuild the register of any past date and sees at once where one is
missing, altered or out of turn.  "As of a date" is the end of that business date of the programme.
"""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, ClassVar

from amanat.core.canonical import canonical_bytes
from amanat.core.dates import date_from
from amanat.core.errors import Invalid, Refusal

FIRST_PREVIOUS = "0" * 64
"""What the first change names as the digest of the one before it."""


class ChangesDiffer(Refusal):
    """Changes follow each other without a gap, each naming the digest of the one before it."""

    template: ClassVar[str] = "Change {number} of the register: {reason}."


class ChangeInvalid(Invalid):
    """A change has exactly the members of its schema, each of its type."""

    template: ClassVar[str] = "{field}: {reason}."


LICENCE = "licence"
"""The kind of permission that is a licence; every other kind is something less."""

IN_FORCE = "in_force"
EXPIRED = "expired"
ENDED = ("revoked", "surrendered", "converted", "withdrawn", EXPIRED)
"""States from which a permission does not come back; the rest are levels of a suspension."""


class ChangeKind(enum.StrEnum):
    """What happened to the register."""

    ENTERED = "entered"
    CHANGED = "changed"
    WARNED = "warned"
    WARNING_WITHDRAWN = "warning_withdrawn"


class WarningReason(enum.StrEnum):
    """Why the public is warned of somebody."""

    NO_PERMISSION = "no_permission"
    PERMISSION_ENDED = "permission_ended"
    IMPERSONATION = "impersonation"
    OUTSIDE_PERMISSION = "outside_permission"


@dataclass(frozen=True, slots=True)
class ListedPermission:
    """One permission as the register shows it.

    `categories` are the services that it is about, of a licence exactly one; `state` is `in_force`,
    a level of suspension, or how it ended; `expires_on` is the last day on which it holds, None
    where it has none; `law` cites the section under which it was granted.
    """

    number: str
    kind: str
    categories: tuple[str, ...]
    state: str
    state_since: date
    granted_on: date
    expires_on: date | None
    law: str
    conditions: tuple[str, ...] = ()

    def on(self, day: date) -> ListedPermission:
        """As it stands at the end of a day: expired from the day after its last one."""
        if self.expires_on is None or day <= self.expires_on or self.state in ENDED:
            return self
        return replace(self, state=EXPIRED, state_since=self.expires_on + timedelta(days=1))


@dataclass(frozen=True, slots=True)
class Later:
    """What becomes of a provider from a day on as permissions expire, if nothing is done."""

    begins: date
    status: str
    services: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RegisterEntry:
    """One provider as the register shows it; `lei` only with correct check digits.

    `services` are the categories that it may offer to clients, which is less than what its
    permissions are about.  With `later` the register of a later day follows from the last change.
    """

    provider: str
    name: str
    trade_names: tuple[str, ...]
    lei: str | None
    registration: str | None
    country: str
    website: str | None
    status: str
    status_since: date
    services: tuple[str, ...]
    flags: tuple[str, ...]
    permissions: tuple[ListedPermission, ...]
    later: tuple[Later, ...] = ()

    def on(self, day: date) -> RegisterEntry:
        """As it stands at the end of a day."""
        status, since, services = self.status, self.status_since, self.services
        for one in self.later:
            if one.begins > day:
                break
            services = one.services
            if one.status != status:
                status, since = one.status, one.begins
        return replace(
            self,
            status=status,
            status_since=since,
            services=services,
            permissions=tuple(one.on(day) for one in self.permissions),
            later=tuple(one for one in self.later if one.begins > day),
        )


@dataclass(frozen=True, slots=True)
class ProviderWarning:
    """A warning of somebody who offers services without permission."""

    number: str
    name: str
    also_known_as: tuple[str, ...]
    websites: tuple[str, ...]
    reason: WarningReason
    text: str
    published_on: date
    withdrawn_on: date | None


@dataclass(frozen=True, slots=True)
class Change:
    """One change of the register.

    `id` is the journal entry's, `at` when it became public (UTC), `day` the programme's business
    date then, `law` what is cited.  Exactly one of `entry` and `warning` is there, by its kind.
    """

    number: int
    id: str
    previous: str
    kind: ChangeKind
    at: datetime
    day: date
    law: str | None
    reason: str
    entry: RegisterEntry | None = None
    warning: ProviderWarning | None = None

    @property
    def subject(self) -> str:
        """The provider, or the number of the warning."""
        if self.entry is not None:
            return self.entry.provider
        return self.warning.number if self.warning is not None else ""

    def digest(self) -> str:
        """SHA-256 over the canonical bytes, in hexadecimal."""
        return hashlib.sha256(change_bytes(self)).hexdigest()


@dataclass(frozen=True, slots=True)
class Register:
    """The register at the end of a day; `number` and `digest` are of its last change."""

    day: date
    number: int
    digest: str
    entries: tuple[RegisterEntry, ...]
    warnings: tuple[ProviderWarning, ...]


def as_of(changes: Iterable[Change], day: date) -> Register:
    """The register at the end of a business date, from all changes from the first one on.

    Refuses `ChangesDiffer`: a gap, another order, or an altered change.
    """
    entries: dict[str, RegisterEntry] = {}
    warnings: dict[str, ProviderWarning] = {}
    former: Change | None = None
    last: Change | None = None
    for change in changes:
        _require_next(change, former)
        former = change
        if change.day > day:
            continue
        last = change
        if change.entry is not None:
            entries[change.subject] = change.entry
        if change.warning is not None:
            warnings[change.subject] = change.warning
    return Register(
        day=day,
        number=last.number if last else 0,
        digest=last.digest() if last else FIRST_PREVIOUS,
        entries=tuple(entries[code].on(day) for code in sorted(entries)),
        warnings=tuple(warnings[code] for code in sorted(warnings)),
    )


def _require_next(change: Change, former: Change | None) -> None:
    """The laws of one change after another."""
    number, digest = (former.number, former.digest()) if former else (0, FIRST_PREVIOUS)
    reason = ""
    if change.number != number + 1:
        reason = f"it follows change {number}"
    elif change.previous != digest:
        reason = "it does not follow the change before it: one of the two was altered"
    elif former is not None and (change.at < former.at or change.day < former.day):
        reason = "it is earlier than the change before it"
    elif (change.entry is None) == (change.warning is None):
        reason = "it carries exactly one entry or warning"
    elif (change.warning is not None) != (change.kind in WARNING_KINDS):
        reason = f"what it carries is not of kind {change.kind}"
    if reason:
        raise ChangesDiffer(number=change.number, reason=reason)


WARNING_KINDS = frozenset((ChangeKind.WARNED, ChangeKind.WARNING_WITHDRAWN))


def chained(changes: Sequence[Change]) -> list[Change]:
    """The same changes, numbered and chained from the first one."""
    found: list[Change] = []
    previous = FIRST_PREVIOUS
    for number, change in enumerate(changes, 1):
        one = replace(change, number=number, previous=previous)
        previous = one.digest()
        found.append(one)
    return found


# -- as JSON ----------------------------------------------------------------------------------


def time_text(moment: datetime) -> str:
    """A moment as RFC 3339 in UTC with microseconds: `2026-11-22T07:00:00.000000Z`."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def moment_from(text: str) -> datetime:
    """A moment from the text of `time_text`, and of no other form.  Refuses `ChangeInvalid`."""
    try:
        found = datetime.fromisoformat(text)
        if found.tzinfo is not None and time_text(found) == text:
            return found.astimezone(UTC)
    except (TypeError, ValueError):
        pass
    raise ChangeInvalid(field="at", reason=f"{str(text)[:40]!r} is no UTC time with microseconds")


def permission_json(permission: ListedPermission) -> dict[str, Any]:
    """A permission as the register publishes it."""
    return {
        "number": permission.number,
        "kind": permission.kind,
        "categories": list(permission.categories),
        "state": permission.state,
        "state_since": permission.state_since.isoformat(),
        "granted_on": permission.granted_on.isoformat(),
        "expires_on": _text_of(permission.expires_on),
        "law": permission.law,
        "conditions": list(permission.conditions),
    }


def entry_json(entry: RegisterEntry) -> dict[str, Any]:
    """An entry as the register publishes it."""
    return {
        "provider": entry.provider,
        "name": entry.name,
        "trade_names": list(entry.trade_names),
        "lei": entry.lei,
        "registration": entry.registration,
        "country": entry.country,
        "website": entry.website,
        "status": entry.status,
        "status_since": entry.status_since.isoformat(),
        "services": list(entry.services),
        "flags": list(entry.flags),
        "permissions": [permission_json(one) for one in entry.permissions],
        "later": [
            {"from": one.begins.isoformat(), "status": one.status, "services": list(one.services)}
            for one in entry.later
        ],
    }


def warning_json(warning: ProviderWarning) -> dict[str, Any]:
    """A warning as the register publishes it."""
    return {
        "number": warning.number,
        "name": warning.name,
        "also_known_as": list(warning.also_known_as),
        "websites": list(warning.websites),
        "reason": warning.reason.value,
        "text": warning.text,
        "published_on": warning.published_on.isoformat(),
        "withdrawn_on": _text_of(warning.withdrawn_on),
    }


def change_json(change: Change) -> dict[str, Any]:
    """A change as journal and feed carry it."""
    return {
        "schema": "amanat.register-change/1",
        "number": change.number,
        "id": change.id,
        "previous": change.previous,
        "kind": change.kind.value,
        "at": time_text(change.at),
        "day": change.day.isoformat(),
        "law": change.law,
        "reason": change.reason,
        "entry": entry_json(change.entry) if change.entry is not None else None,
        "warning": warning_json(change.warning) if change.warning is not None else None,
    }


def change_bytes(change: Change) -> bytes:
    """The canonical bytes (RFC 8785) that the digest is over."""
    return canonical_bytes(change_json(change))


def permission_from(value: Mapping[str, Any]) -> ListedPermission:
    """A permission from its JSON; raises `ValueError`, `KeyError`, `TypeError`, `Invalid`."""
    return ListedPermission(
        number=_text(value["number"]),
        kind=_text(value["kind"]),
        categories=_texts(value["categories"]),
        state=_text(value["state"]),
        state_since=date_from(value["state_since"]),
        granted_on=date_from(value["granted_on"]),
        expires_on=_day(value["expires_on"]),
        law=_text(value["law"]),
        conditions=_texts(value["conditions"]),
    )


def entry_from(value: Mapping[str, Any]) -> RegisterEntry:
    """An entry from its JSON; raises `ValueError`, `KeyError`, `TypeError`, `Invalid`."""
    return RegisterEntry(
        provider=_text(value["provider"]),
        name=_text(value["name"]),
        trade_names=_texts(value["trade_names"]),
        lei=_optional(value["lei"]),
        registration=_optional(value["registration"]),
        country=_text(value["country"]),
        website=_optional(value["website"]),
        status=_text(value["status"]),
        status_since=date_from(value["status_since"]),
        services=_texts(value["services"]),
        flags=_texts(value["flags"]),
        permissions=tuple(permission_from(one) for one in value["permissions"]),
        later=tuple(
            Later(date_from(one["from"]), _text(one["status"]), _texts(one["services"]))
            for one in value["later"]
        ),
    )


def warning_from(value: Mapping[str, Any]) -> ProviderWarning:
    """A warning from its JSON; raises `ValueError`, `KeyError`, `TypeError`, `Invalid`."""
    return ProviderWarning(
        number=_text(value["number"]),
        name=_text(value["name"]),
        also_known_as=_texts(value["also_known_as"]),
        websites=_texts(value["websites"]),
        reason=WarningReason(value["reason"]),
        text=_text(value["text"]),
        published_on=date_from(value["published_on"]),
        withdrawn_on=_day(value["withdrawn_on"]),
    )


def change_from(value: Any) -> Change:
    """A change from its JSON, which must have nothing that the schema does not name.

    Refuses `ChangeInvalid`.
    """
    try:
        number = value["number"]
        if type(number) is not int or number < 1:
            raise ChangeInvalid(field="number", reason="a whole number from 1")
        change = Change(
            number=number,
            id=_text(value["id"]),
            previous=_text(value["previous"]),
            kind=ChangeKind(value["kind"]),
            at=moment_from(value["at"]),
            day=date_from(value["day"]),
            law=_optional(value["law"]),
            reason=_text(value["reason"]),
            entry=None if value["entry"] is None else entry_from(value["entry"]),
            warning=None if value["warning"] is None else warning_from(value["warning"]),
        )
    except ChangeInvalid:
        raise
    except (KeyError, TypeError, ValueError, Invalid) as error:
        raise ChangeInvalid(field="change", reason=f"not of its schema ({error})") from None
    if change_json(change) != value:
        raise ChangeInvalid(field="change", reason="has members that its schema does not name")
    return change


def _text_of(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _day(value: Any) -> date | None:
    return None if value is None else date_from(value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{str(value)[:40]} is not text")
    return value


def _optional(value: Any) -> str | None:
    return None if value is None else _text(value)


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise TypeError(f"{str(value)[:40]} is not a list")
    return tuple(_text(one) for one in value)
