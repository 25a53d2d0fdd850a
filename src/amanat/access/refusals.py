"""What the desk refuses, whatever the act."""

from __future__ import annotations

from amanat.core.errors import Invalid, Refusal, Unavailable


class FieldNotAccepted(Invalid):
    """A field of a command or query does not have the form that its schema prescribes."""

    template = "{field}: {reason} (given: {value})"


class FurtherRefusals(Invalid):
    """Of very many refusals the first are told, and how many there are."""

    template = "{count} further fields were refused."


class KeyNotUsable(Invalid):
    """An idempotency key is 1 to 120 visible ASCII characters."""

    template = "{key} is no idempotency key: 1 to 120 visible ASCII characters."


class SecondPersonRequired(Refusal):
    """What moves money or rights is proposed by one person and approved by another."""

    status = 403
    template = "{person} proposed {act} {proposal}; another person of {institution} approves it."


class NotAwaited(Refusal):
    """An approval that the proposal does not need, or has already."""

    template = "{act} {proposal} awaits nothing more of {institution}."


class ProposalNotOpen(Refusal):
    """Only an open proposal can be approved or withdrawn; it expires by itself."""

    template = "{act} {proposal} is {state}."


class SignatureNotTheirs(Invalid):
    """A signature must recover to the key of the person or account that signs."""

    template = "{act} {proposal}: the signature recovers to {recovered}, not to {expected}."


class IdempotencyKeyReused(Refusal):
    """One idempotency key stands for one command."""

    template = "Idempotency key {key} was used for another command."


class SignerHasLeft(Refusal):
    """An approval counts while whoever gave it is an approver of that institution."""

    template = (
        "{act} {proposal} was approved by {person}, who is no longer an approver of "
        "{institution}: propose it again."
    )


class Contended(Unavailable):
    """Several acts wanted the same thing at once, and this one came last again and again."""
