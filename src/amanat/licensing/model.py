"""Licensing: what is decided of a provider, and the refusals that name what is missing."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from amanat.core.errors import Invalid, Refusal

NOC = "noc"
AML_REGISTRATION = "aml_registration"
LICENCE = "licence"
"""Permissions that acts here name; a pack may have others."""

AUTHORITY_CAPACITY = "authority"
APPLICANT = "applicant"
CONFIRMS = "confirms"
CONSULTED = "consulted"
"""In what capacity a step is done: as the authority of the class that is licensed, as the provider
itself, as who confirms a fact (`confirms.<fact>`), as who is consulted (`consulted.<code>`)."""

SCORE_MAX = 5


class Outcome(StrEnum):
    """How the authority decides on a file."""

    GRANT = "grant"
    REFUSE = "refuse"


class Completeness(StrEnum):
    """What the check of a file's completeness found."""

    COMPLETE = "complete"
    INCOMPLETE = "incomplete"


class Position(StrEnum):
    """What a stakeholder answers."""

    NO_OBJECTION = "no_objection"
    CONDITIONS = "conditions"
    OBJECTION = "objection"
    NO_COMMENT = "no_comment"


class Entity(StrEnum):
    """Which of a provider's two companies: the one abroad, or the one incorporated here."""

    FOREIGN = "foreign"
    LOCAL = "local"


class Accounts(StrEnum):
    """Which accounts a suspension is about, where it is not about all of them."""

    OWN = "own"
    CLIENT = "client"


class Change(StrEnum):
    """What happens to a permission, or to all permissions of a provider."""

    GRANT = "grant"
    RENEW = "renew"
    VARY = "vary"
    SUSPEND = "suspend"
    LIFT = "lift"
    REVOKE = "revoke"
    SURRENDER = "surrender"
    CONVERT = "convert"
    WITHDRAW = "withdraw"
    """Its ground fell away, such as the confirmation that it rests on."""

    @property
    def grants(self) -> bool:
        """Whether it gives something, and so waits for the ledger; others bind at once."""
        return self in (Change.GRANT, Change.RENEW, Change.VARY, Change.LIFT, Change.CONVERT)

    @property
    def ends(self) -> bool:
        """Whether the permission is over with it."""
        return self in (Change.REVOKE, Change.SURRENDER, Change.WITHDRAW, Change.CONVERT)


class StepNotAllowed(Refusal):
    """A file moves by the steps that the jurisdiction's table has, and by no other."""

    template: ClassVar[str] = "{file} is {stage}: {act} is no step from there ({law})."


class NotTheirStep(Refusal):
    """Each step is done in one capacity, by people in certain roles."""

    status: ClassVar[int] = 403
    template: ClassVar[str] = "{act} on {file} is done as {capacity} by {roles}, not by {actor}."


class WrongStatus(Refusal):
    """Some steps need that the provider has a certain public status."""

    template: ClassVar[str] = "{provider} is {status}; {act} needs: {needed} ({law})."


class RequirementMissing(Refusal):
    """What a step requires must hold before it."""

    template: ClassVar[str] = "{act} on {file} is not possible until {requirement} ({law})."


class OwnWork(Refusal):
    """Nobody decides what they recommended; what the table separates stays with two people."""

    status: ClassVar[int] = 403
    template: ClassVar[str] = "{person} did {former} on {file} and may take no part in {act}."


class Conflicted(Refusal):
    """Who declared a conflict of interest with a provider takes no part in its files."""

    status: ClassVar[int] = 403
    template: ClassVar[str] = "{person} is recused from the files of {provider}: {reason}."


class PermissionMissing(Refusal):
    """A provider does what its permissions open, and nothing else."""

    status: ClassVar[int] = 403
    template: ClassVar[str] = (
        "{provider} may not {activity}: it is {status}; missing: {missing} ({section})."
    )


class ProviderSuspended(PermissionMissing):
    """A suspension shuts activities from the moment at which it was decided."""

    template: ClassVar[str] = (
        "{provider} may not {activity}: it is suspended ({level}) since {since}, {section}; "
        "suspension {suspension}."
    )


class CategoryNotOpen(PermissionMissing):
    """Services are open by category."""

    template: ClassVar[str] = (
        "{provider} may not offer {category}: it is {status}; missing: {missing} ({section})."
    )


class CapExceeded(PermissionMissing):
    """A status opens some activities up to an amount: each time, in a day, or in a month."""

    template: ClassVar[str] = (
        "{provider} may not {activity} for {amount}: as {status} its limit is {most} ({period}),"
        " of which {done} is used (cap {cap}; {section})."
    )


class AccountNotAllowed(Refusal):
    """The kind of account that a provider may have goes with its status."""

    status: ClassVar[int] = 403
    template: ClassVar[str] = (
        "{provider} is {status} and has no account for {wanted}, but: {account} ({row}; {section})."
    )


class NotAProvider(Refusal):
    """Only a provider of this programme has files and permissions."""

    status: ClassVar[int] = 404
    template: ClassVar[str] = "There is no provider {provider}."


class FileStillOpen(Refusal):
    """A provider has one open file of a kind at a time."""

    template: ClassVar[str] = "{provider} has the open file {file} of this kind already."


class SectionMoved(Refusal):
    """Who saves over a colleague's answers has read them."""

    template: ClassVar[str] = (
        "{person} has saved section {section} of form {form} meanwhile, on {at}, with other answers"
        " to: {changed}. Read it again, then save."
    )


class AnswerMoved(Refusal):
    """An answer is given over the one that was shown, and over no later one."""

    template: ClassVar[str] = (
        "{person} has answered this meanwhile, on {at}. Read what is saved now; what you typed is"
        " still here, and saved if you save again."
    )


class QuestionClosed(Refusal):
    """A question is answered once; a later word is another question's answer."""

    template: ClassVar[str] = "Question {question} was answered on {answered_on}."


class ScoresIncomplete(Invalid):
    """A review scores every point of its checklist once, from 0 to 5, and says why."""

    template: ClassVar[str] = "Review of {area}: {reason}."


class ConsultationOpen(Refusal):
    """Each stakeholder is consulted once at a time on a file."""

    template: ClassVar[str] = "{stakeholder} has been consulted on {file} already."


class ApplicantConsulted(Refusal):
    """Who applies itself is shown no other applicant's file, in whatever capacity it came here."""

    template: ClassVar[str] = "{stakeholder} applies itself and is not consulted on {file}."


class NobodyToAsk(Refusal):
    """Whom a rule names must be an institution of this programme."""

    template: ClassVar[str] = "No institution of this programme is {capacity}."


class PermissionNotHeld(Refusal):
    """What is varied, renewed, suspended or revoked must stand."""

    template: ClassVar[str] = "{provider} holds no {permission} that could be changed."


class PermissionHeld(Refusal):
    """A permission is granted once; later it is varied or renewed."""

    template: ClassVar[str] = "{provider} holds {permission} already."


class StandingMoved(Refusal):
    """What two keys signed for the ledger must still be what follows from the permissions."""

    template: ClassVar[str] = "The standing of {provider} has changed meanwhile: propose it again."


class FactDatesDisorderly(Invalid):
    """A confirmation is dated no later than its day, and ends no earlier than it begins."""

    template: ClassVar[str] = "A confirmation cannot run from {valid_from} to {valid_until}."


class FactFieldMissing(Invalid):
    """A confirmation says all that its kind asks for."""

    template: ClassVar[str] = "A confirmation of {fact} needs {field}."


class RegistrationMalformed(Invalid):
    """A registration on goAML is a number of the form that the FIU's gate takes."""

    template: ClassVar[str] = "{registration} is no number of an entity on goAML; it is digits."


class HandoverDisorderly(Refusal):
    """One entity reports at a time, from a day on; a handover follows the one before."""

    template: ClassVar[str] = "{provider}: {reason}."


class ReasonMissing(Invalid):
    """A decision against a provider says why; one for it says on what it rests."""

    template: ClassVar[str] = "A decision to {outcome} needs {field}."


class DayOutOfRange(Invalid):
    """A last day lies after the business date."""

    template: ClassVar[str] = "{what} {day} must lie after {business_date}."


class LicensingGoverns(Refusal):
    """Where a class is licensed, its standing on the ledger follows from the permissions."""

    template: ClassVar[str] = (
        "The standing of {participant} follows from its permissions: use {acts} instead."
    )
