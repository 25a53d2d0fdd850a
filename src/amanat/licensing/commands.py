"""The commands and queries of licensing, as the API, files and command line write them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, JsonValue, StringConstraints

from amanat.access.actors import Role
from amanat.access.acts import Command, Query
from amanat.access.fields import Day, Whole
from amanat.licensing.model import SCORE_MAX, Accounts, Completeness, Entity, Outcome, Position
from amanat.participants.commands import Code, Country, Words

FileNumber = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2,6}-[0-9]{4}-[0-9]{4,6}$")]
"""A file as people call it, such as `NOC-2025-0001`."""
Identifier = Annotated[str, StringConstraints(pattern=r"^[0-9a-f-]{36}$")]
"""The id of a question, consultation or permission."""
Form = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,23}$")]
"""A form as the jurisdiction calls it, such as `A1`."""
Prose = Annotated[str, StringConstraints(min_length=1, max_length=8_000)]
"""A longer text that a person wrote."""
Reference = Annotated[str, StringConstraints(min_length=1, max_length=120)]
"""A number or date under which another institution keeps something."""
Categories = Annotated[tuple[Code, ...], Field(max_length=20)]
"""Service categories of the jurisdiction."""


# -- what a provider does -------------------------------------------------------------------------


class OpenFile(Command):
    """Open a file of one's own: an application, a variation, a renewal.

    `country` is where the provider's head is, with its first file.  `permission` is the number of
    the one that is to be varied or renewed.
    """

    kind: Code
    categories: Categories = ()
    country: Country | None = None
    permission: Annotated[str, StringConstraints(max_length=32)] | None = None


class SaveSection(Command):
    """Save one section of a form of one's own file, complete or not; the last one counts.

    `content` has answers by question; of a section that repeats a list of these.  `former` is the
    digest of the section as one read it, empty where nothing was saved: where a colleague has saved
    another since, this is refused.  Left out, nothing is compared.
    """

    file: FileNumber
    form: Form
    section: Code
    former: Annotated[str, StringConstraints(pattern=r"^([0-9a-f]{64})?$")] | None = None
    content: dict[Code, JsonValue] | Annotated[list[dict[Code, JsonValue]], Field(max_length=60)]


class SubmitFile(Command):
    """Submit a file; from now on the clocks run, and its sections stand."""

    file: FileNumber
    declaration: Words


class WithdrawFile(Command):
    """Take back a file before it is decided."""

    file: FileNumber
    reason: Words


class AnswerQuestion(Command):
    """Answer a question on one's own file; clocks that stood still run again."""

    file: FileNumber
    question: Identifier
    answer: Prose


class Surrender(Command):
    """Ask to give back all permissions, or the licence of one category."""

    category: Code | None = None
    reason: Prose


class EnterColleague(Command):
    """Enter a colleague of an applicant, with a link by which they register a passkey."""

    name: Words
    role: Role = Role.OFFICER


# -- review ---------------------------------------------------------------------------------------


class CheckCompleteness(Command):
    """Say that a file is complete, or return it with what is missing."""

    file: FileNumber
    outcome: Completeness
    missing: Annotated[tuple[Words, ...], Field(max_length=50)] = ()


class AskApplicant(Command):
    """Put a question to the applicant; clocks that the rules stop stand still until the answer."""

    file: FileNumber
    text: Prose
    form: Form | None = None
    section: Code | None = None


class Score(Command):
    """The score of one point of a checklist, from 0 to 5, why so, and on what evidence."""

    item: Code
    score: Annotated[Whole, Field(ge=0, le=SCORE_MAX)]
    note: Words
    evidence: Annotated[tuple[Words, ...], Field(max_length=20)] = ()


class ScoreReview(Command):
    """Score the checklist of one area, whole; scored again, the last review counts."""

    file: FileNumber
    area: Code
    scores: Annotated[tuple[Score, ...], Field(min_length=1, max_length=60)]
    rationale: Prose


class AssignFile(Command):
    """Take a file onto one's own desk, or give it to a colleague (`to`)."""

    file: FileNumber
    to: Code | None = None


class PutBackFile(Command):
    """Put a file back where everybody takes from."""

    file: FileNumber


class OpenConsultation(Command):
    """Consult a stakeholder on a file; the rules say how many working days it has."""

    file: FileNumber
    stakeholder: Code
    question: Prose


class AnswerConsultation(Command):
    """Answer what one's institution was consulted on."""

    file: FileNumber
    position: Position
    answer: Prose


class Recommend(Command):
    """Recommend how to decide; who does so does not decide.

    `conditions` are codes of the jurisdiction's templates, or texts of their own.
    """

    file: FileNumber
    outcome: Outcome
    conditions: Annotated[tuple[Words, ...], Field(max_length=40)] = ()
    rationale: Prose


class ReturnFile(Command):
    """Send a recommended file back to the review."""

    file: FileNumber
    reason: Prose


class Decide(Command):
    """Decide on a file: grant with conditions, or refuse with reasons; what is said is published.

    `criteria` says by what it was judged, `conflicts` which interests were declared.
    """

    file: FileNumber
    outcome: Outcome
    conditions: Annotated[tuple[Words, ...], Field(max_length=40)] = ()
    reasons: Prose
    criteria: Prose
    conflicts: Prose


# -- facts that others confirm --------------------------------------------------------------------


class ConfirmFact(Command):
    """Confirm a fact of a provider, or take a confirmation back (`holds` false), with its dates."""

    provider: Code
    fact: Code
    holds: bool = True
    category: Code | None = None
    entity: Entity | None = None
    entity_name: Words | None = None
    registration: Annotated[str, StringConstraints(min_length=1, max_length=64)] | None = None
    reference: Reference
    amount: Annotated[Whole, Field(ge=0, le=2**53 - 1)] | None = None
    valid_from: Day
    valid_until: Day | None = None


class HandOverReporting(Command):
    """Let another entity of a provider report on goAML from a day on."""

    provider: Code
    entity: Entity
    entity_name: Words
    registration: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    first_day: Day


# -- what is granted and withdrawn ----------------------------------------------------------------


class GrantLicence(Command):
    """Grant the licence of one category on an approved file; it stands once the ledger has it."""

    file: FileNumber
    category: Code
    valid_until: Day
    conditions: Annotated[tuple[Words, ...], Field(max_length=40)] = ()


class Vary(Command):
    """Carry out an approved variation: conditions that come, and ids of those that go."""

    file: FileNumber
    conditions: Annotated[tuple[Words, ...], Field(max_length=40)] = ()
    lifted: Annotated[tuple[Identifier, ...], Field(max_length=40)] = ()
    reason: Prose


class Renew(Command):
    """Carry out an approved renewal: the permission's new last day."""

    file: FileNumber
    valid_until: Day


class Suspend(Command):
    """Suspend a provider, or its licence of one category; it binds here from now.

    `level` is one of the jurisdiction: no_new_business, close_out_only, wind_down, full_freeze.
    `accounts` leaves its other accounts as they are: its own alone, or those of clients alone.
    """

    provider: Code
    level: Code
    category: Code | None = None
    accounts: Accounts | None = None
    reason: Prose


class LiftSuspension(Command):
    """Lift a suspension; what it gives back stands once the ledger has it."""

    file: FileNumber
    reason: Prose


class Direct(Command):
    """Direct a provider to do or to leave something, by a day."""

    provider: Code
    text: Prose
    due_on: Day | None = None
    public: bool = False


class Revoke(Command):
    """Revoke all permissions of a provider, or its licence of one category; it binds here now."""

    provider: Code
    category: Code | None = None
    reason: Prose


class AcceptSurrender(Command):
    """Accept a surrender: what was given back is over."""

    file: FileNumber
    reason: Prose


class ConvertPermission(Command):
    """Let an older permission go on as one under the law in force (transition)."""

    provider: Code
    permission: Annotated[str, StringConstraints(min_length=1, max_length=32)]
    valid_until: Day | None = None
    reason: Prose


# -- queries --------------------------------------------------------------------------------------


PAGE_MAX = 200
AMOUNT_MAX = 2**63 - 1


class FilesAsked(Query):
    """Which files to list, newest first; `after` is the number after which a page goes on."""

    kind: Code | None = None
    stage: Code | None = None
    provider: Code | None = None
    open: bool | None = None
    words: Annotated[str, StringConstraints(max_length=80)] | None = None
    after: FileNumber | None = None
    limit: Annotated[Whole, Field(ge=1, le=PAGE_MAX)] = 50


class WorkAsked(Query):
    """Which open files to list, the most urgent first, from the one numbered `start` on.

    `mine` leaves those that lie on the reader's own desk.
    """

    kind: Code | None = None
    stage: Code | None = None
    overdue: bool = False
    mine: bool = False
    words: Annotated[str, StringConstraints(max_length=80)] | None = None
    start: Annotated[Whole, Field(ge=0, le=1_000_000)] = 0
    limit: Annotated[Whole, Field(ge=1, le=PAGE_MAX)] = 50


class FileAsked(Query):
    """One file by its number."""

    file: FileNumber


class ProvidersAsked(Query):
    """Which providers to list, by number; `after` is the number after which a page goes on."""

    status: Code | None = None
    words: Annotated[str, StringConstraints(max_length=80)] | None = None
    after: Annotated[Whole, Field(ge=0, le=1_000_000_000)] = 0
    limit: Annotated[Whole, Field(ge=1, le=PAGE_MAX)] = 50


class ProviderAsked(Query):
    """One provider by its code, as it stood on a day; without one, as it stands now."""

    provider: Code
    day: Day | None = None


class PermittedAsked(Query):
    """Whether a provider may do something: an activity, of a category, for an amount.

    `amount` and `done` (before, in the period that a cap is about) in minor units of `currency`.
    """

    provider: Code
    activity: Code
    category: Code | None = None
    amount: Annotated[Whole, Field(ge=0, le=AMOUNT_MAX)] | None = None
    done: Annotated[Whole, Field(ge=0, le=AMOUNT_MAX)] = 0
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")] = "PKR"


class ConsultationsAsked(Query):
    """Which consultations to list: open ones, or all; a page goes on after the one with an id."""

    open: bool = True
    after: Identifier | None = None
    limit: Annotated[Whole, Field(ge=1, le=PAGE_MAX)] = 100


class CalendarAsked(Query):
    """Within how many calendar days what is due is listed; what is overdue always is.

    Of all providers that the reader sees, or of one.
    """

    days: Annotated[Whole, Field(ge=0, le=400)] = 60
    provider: Code | None = None
    limit: Annotated[Whole, Field(ge=1, le=1_000)] = 200
