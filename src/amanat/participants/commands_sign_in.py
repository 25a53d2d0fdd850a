"""The commands and queries of signing in: tokens, invitations, passkeys, identities, lock-outs."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from amanat.access.acts import Command, Query
from amanat.access.fields import Whole
from amanat.participants.commands import Code, Words

Identifier = Annotated[str, StringConstraints(pattern=r"^[0-9a-f-]{36}$")]
"""The id of a token or passkey, as `my_access` shows it."""
Label = Annotated[str, StringConstraints(min_length=1, max_length=80)]
"""Where a token or passkey is used, in its owner's words."""
Days = Annotated[Whole, Field(ge=1, le=366)]
Scopes = Annotated[
    tuple[Annotated[str, StringConstraints(max_length=80)], ...],
    Field(
        min_length=1,
        max_length=200,
        description="such as submit:SubmitBid, approve:*, look:tender; without any: everything",
    ),
]


class IssueToken(Command):
    """Issue a token for the API to yourself, shown once."""

    label: Label
    days: Days = 30
    scopes: Scopes | None = None


class GiveToken(Command):
    """Give a token for the API to a person of your institution, such as a system's; shown once."""

    person: Code
    label: Label
    days: Days = 90
    scopes: Scopes | None = None


class RotateToken(Command):
    """Replace a token of yours by a successor, shown once; both serve for some hours."""

    token: Identifier
    overlap_hours: Annotated[Whole, Field(ge=0, le=168)] = 24


class RevokeToken(Command):
    """Revoke a token of yours, and end the sessions that were begun with it."""

    token: Identifier
    reason: Words


class InvitePerson(Command):
    """Invite a person of your institution to register a passkey by a link that serves once."""

    person: Code
    hours: Annotated[Whole, Field(ge=1, le=168)] = 24


class RemovePasskey(Command):
    """Remove a passkey of yours: it signs in no more."""

    passkey: Identifier


class LinkIdentity(Command):
    """Let a person of your institution sign in as whom an OpenID provider names."""

    person: Code
    issuer: Annotated[str, StringConstraints(pattern=r"^https?://\S{1,190}$")]
    subject: Annotated[str, StringConstraints(min_length=1, max_length=200)]


class UnlinkIdentity(Command):
    """Let a person of your institution no longer sign in by an OpenID provider."""

    person: Code
    issuer: Annotated[str, StringConstraints(max_length=200)]


class WithdrawAccess(Command):
    """End every token, session, passkey and invitation of a person of your institution at once."""

    person: Code
    reason: Words


class LiftLockout(Command):
    """Let a person of your institution sign in again before their lock-out ends."""

    person: Code
    reason: Words


class LiftAddressLockout(Command):
    """Let an address sign in again before its lock-out ends."""

    address: Annotated[str, StringConstraints(min_length=2, max_length=60)]
    reason: Words


class MyAccessAsked(Query):
    """One's own ways of signing in."""


class PeopleAccessAsked(Query):
    """How the people of one's institution sign in."""


class LockoutsAsked(Query):
    """Who is locked out at the moment."""
