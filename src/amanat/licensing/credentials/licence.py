"""The verifiable licence: an SD-JWT VC (draft-ietf-oauth-sd-jwt-vc), which is checked offline.

Who checks has three things: the credential, the authority's public keys (a JWK set, or its issuer
metadata) and a status list that is young enough.  Nothing is fetched and nobody is asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from amanat.core.errors import Invalid, Refusal
from amanat.licensing.credentials.jose import (
    AuthorityKeys,
    Es256Signer,
    decode,
    is_time,
    json_value,
    time_told,
)
from amanat.licensing.credentials.sd_jwt import DisclosureInvalid, issue_sd_jwt, verify_sd_jwt
from amanat.licensing.credentials.status_lists import CheckedList, Status, StatusUnknown, status_in
from amanat.licensing.register.model import (
    ENDED,
    IN_FORCE,
    LICENCE,
    ListedPermission,
    RegisterEntry,
)

CREDENTIAL_TYPE = "urn:amanat:licence:1"
TOKEN_TYPE = "dc+sd-jwt"
MEDIA_TYPE = "application/dc+sd-jwt"
VALIDITY_MAX = timedelta(days=366)
"""A credential lives a year at most and is then issued anew, so that keys can be changed."""
DISCLOSABLE = ("trade_names", "registration", "website", "conditions")
# Never in a disclosure (draft-ietf-oauth-sd-jwt-vc, "Registered JWT Claims").
_ALWAYS_SHOWN = frozenset(
    ("iss", "nbf", "exp", "cnf", "vct", "vct#integrity", "aka_vcts", "status")
)
_TEXT_CLAIMS = ("iss", "sub", "authority", "name", "number", "kind", "law", "granted_on")


class CredentialInvalid(Invalid):
    """A licence credential has the claims of its type."""

    template: ClassVar[str] = "Not a licence: {reason}."


class CredentialExpired(Refusal):
    """After its last second a credential says nothing, whatever its status."""

    template: ClassVar[str] = "Expired: {kind} {number} held until {until}."


class CredentialNotYetValid(Refusal):
    """A credential holds from a time on."""

    template: ClassVar[str] = "Not valid yet: {kind} {number} holds from {since}."


class CredentialSuspended(Refusal):
    """The authority has suspended what the credential says, or narrowed it to closing out."""

    template: ClassVar[str] = "Suspended: {kind} {number} of {name} (status of {status_of})."


class CredentialRevoked(Refusal):
    """The authority has taken back what the credential says."""

    template: ClassVar[str] = "Revoked: {kind} {number} of {name} (status of {status_of})."


@dataclass(frozen=True, slots=True)
class StatusPlace:
    """Where the status of a credential stands."""

    uri: str
    index: int


@dataclass(frozen=True, slots=True)
class Issuing:
    """Who issues: its address (`iss`), its name, its programme and its time zone."""

    issuer: str
    authority: str
    programme: str
    zone: str


@dataclass(frozen=True, slots=True)
class VerifiedLicence:
    """A credential that holds; `categories` are the services that it is about.

    `claims` has everything that was shown; `status_of` is when the status list was made.
    """

    kind: str
    number: str
    categories: tuple[str, ...]
    name: str
    provider: str
    authority: str
    issuer: str
    expires: float
    status_of: float
    hidden: int
    bound: bool
    claims: Mapping[str, Any]


def end_of(day: date, zone: str) -> int:
    """The Unix time at which a day ends in a zone: midnight after it."""
    return int(datetime.combine(day + timedelta(days=1), time(), ZoneInfo(zone)).timestamp())


def issue_licence(
    entry: RegisterEntry,
    permission: ListedPermission,
    issuing: Issuing,
    status: StatusPlace,
    signer: Es256Signer,
    now: int,
    holder: Mapping[str, str] | None = None,
) -> str:
    """The credential of one permission; `holder` is the JWK of the key that shows it, if any.

    Refuses `CredentialInvalid`: a permission that is not in force, or whose last day is over.
    """
    if permission.state != IN_FORCE:
        raise CredentialInvalid(reason=f"{permission.number} is {permission.state}")
    latest = now + int(VALIDITY_MAX.total_seconds())
    ends = latest
    if permission.expires_on is not None:
        ends = min(latest, end_of(permission.expires_on, issuing.zone))
    if ends <= now:
        raise CredentialInvalid(reason=f"{permission.number} held until {permission.expires_on}")
    payload: dict[str, Any] = {
        "iss": issuing.issuer,
        "iat": now,
        "exp": ends,
        "vct": CREDENTIAL_TYPE,
        "sub": f"urn:amanat:provider:{issuing.programme}:{entry.provider}",
        "status": {"status_list": {"idx": status.index, "uri": status.uri}},
        "authority": issuing.authority,
        "name": entry.name,
        "country": entry.country,
        "number": permission.number,
        "kind": permission.kind,
        "categories": list(permission.categories),
        "law": permission.law,
        "granted_on": permission.granted_on.isoformat(),
    }
    if permission.expires_on is not None:
        payload["expires_on"] = permission.expires_on.isoformat()
    if entry.lei is not None:
        payload["lei"] = entry.lei
    if holder is not None:
        payload["cnf"] = {"jwk": dict(holder)}
    shown: dict[str, Any] = {
        "trade_names": list(entry.trade_names),
        "registration": entry.registration,
        "website": entry.website,
        "conditions": list(permission.conditions),
    }
    disclosable = {name: value for name, value in shown.items() if value}
    return issue_sd_jwt({"typ": TOKEN_TYPE}, payload, disclosable, signer)


def status_of(permission: ListedPermission) -> Status:
    """What the status list says of a permission as it stands."""
    if permission.state == IN_FORCE:
        return Status.VALID
    return Status.INVALID if permission.state in ENDED else Status.SUSPENDED


def status_place(claims: Mapping[str, Any]) -> StatusPlace:
    """Where a credential's status stands.  Refuses `CredentialInvalid`."""
    status = claims.get("status")
    listed = status.get("status_list") if isinstance(status, dict) else None
    if isinstance(listed, dict):
        uri, index = listed.get("uri"), listed.get("idx")
        if isinstance(uri, str) and type(index) is int and index >= 0:
            return StatusPlace(uri, index)
    raise CredentialInvalid(reason="it names no status list")


def verify_licence(
    text: str,
    keys: AuthorityKeys,
    lists: Iterable[CheckedList],
    now: float,
    *,
    audience: str | None = None,
    nonce: str | None = None,
) -> VerifiedLicence:
    """A licence that holds at `now` (Unix seconds).

    Refuses, in order: `TokenUnreadable`, `ForeignSigner`, `TokenAltered`, `DisclosureInvalid`,
    `HolderUnproven`, `CredentialInvalid`, `CredentialNotYetValid`, `CredentialExpired`,
    `StatusListOther`, `StatusListStale`, `StatusUnknown`, `CredentialSuspended`,
    `CredentialRevoked`.
    """
    text = text.strip()
    found = verify_sd_jwt(text, (TOKEN_TYPE,), keys, audience=audience, nonce=nonce)
    _require_always_shown(text)
    claims = found.claims
    _require_claims(claims)
    told = {"kind": _kind_told(claims["kind"]), "number": claims["number"]}
    starts = claims.get("nbf", claims["iat"])
    if now < starts:
        raise CredentialNotYetValid(**told, since=time_told(starts))
    if now >= claims["exp"]:
        raise CredentialExpired(**told, until=time_told(claims["exp"]))
    place = status_place(claims)
    status, made = status_in(lists, place.uri, place.index, now)
    if status == Status.SUSPENDED:
        raise CredentialSuspended(**told, name=claims["name"], status_of=time_told(made))
    if status == Status.INVALID:
        raise CredentialRevoked(**told, name=claims["name"], status_of=time_told(made))
    if status != Status.VALID:
        raise StatusUnknown(reason=f"its status is {status}, which has no meaning here")
    return VerifiedLicence(
        kind=claims["kind"],
        number=claims["number"],
        categories=tuple(claims["categories"]),
        name=claims["name"],
        provider=claims["sub"].rpartition(":")[2],
        authority=claims["authority"],
        issuer=claims["iss"],
        expires=claims["exp"],
        status_of=made,
        hidden=found.hidden,
        bound=found.bound,
        claims=claims,
    )


def _kind_told(kind: str) -> str:
    return {"noc": "NOC", "aml_registration": "AML registration"}.get(kind, kind.replace("_", " "))


def _require_claims(claims: Mapping[str, Any]) -> None:
    if claims.get("vct") != CREDENTIAL_TYPE:
        raise CredentialInvalid(reason=f"it is a credential of type {str(claims.get('vct'))[:80]}")
    for name in _TEXT_CLAIMS:
        if not isinstance(claims.get(name), str):
            raise CredentialInvalid(reason=f"it does not say {name}")
    for name in ("iat", "exp"):
        if not is_time(claims.get(name)):
            raise CredentialInvalid(reason=f"it does not say {name}")
    if not is_time(claims.get("nbf", 0)):
        raise CredentialInvalid(reason="its nbf is no time")
    categories = claims.get("categories")
    if not isinstance(categories, list) or not all(isinstance(one, str) for one in categories):
        raise CredentialInvalid(reason="it does not say categories")


def _require_always_shown(text: str) -> None:
    """Refuse `DisclosureInvalid` where a claim that must not be hidden is."""
    for one in text.split("~")[1:-1]:
        content = json_value(decode(one))
        if len(content) == 3 and content[1] in _ALWAYS_SHOWN:
            raise DisclosureInvalid(reason=f"{content[1]} is never hidden")


def summary(found: VerifiedLicence) -> str:
    """One line for people: what holds, for whom, until when, and as of when that is known."""
    what = f"{_kind_told(found.kind)} {found.number}"
    if found.categories:
        what += f" ({', '.join(found.categories).replace('_', ' ')})"
    note = "" if found.kind == LICENCE else " It is not a licence."
    return (
        f"Valid: {what} of {found.name}, by {found.authority}, until {time_told(found.expires)};"
        f" status of {time_told(found.status_of)}.{note}"
    )
