"""What the journal says of licensing.

What becomes of a provider is public: permissions and their changes, decisions with their reasons,
directions that are published.  Applications, reviews, questions, consultations and confirmations
are confidential; of their content the journal has the digest.
"""

from __future__ import annotations

from amanat.store.journal import Audience, EventKind, declare


def _confidential(name: str, *fields: str, private: tuple[str, ...] = ()) -> EventKind:
    return declare(name, fields, private=private, audience=Audience.CONFIDENTIAL)


APPLICANT_SIGNED_UP = _confidential(
    "ApplicantSignedUp",
    "institution",
    "first_person",
    "invitation",
    "expires_at",
    private=("name", "person", "address"),
)
COLLEAGUE_ENTERED = _confidential(
    "ColleagueEntered", "institution", "invitation", "expires_at", private=("name", "colleague")
)
PROVIDER_ENTERED = _confidential("ProviderEntered", "provider", "number", "country")
FILE_OPENED = _confidential("FileOpened", "file", "kind", "provider", "categories", "permission")
SECTION_SAVED = _confidential("SectionSaved", "file", "form", "section", "digest", "complete")
FILE_MOVED = _confidential(
    "FileMoved",
    "file",
    "act",
    "outcome",
    "from_stage",
    "to_stage",
    "section",
    "law",
    "rulebook",
    "reason",
)
FILE_ASSIGNED = _confidential("FileAssigned", "file", "to")
QUESTION_ASKED = _confidential("QuestionAsked", "file", "question", "digest")
QUESTION_ANSWERED = _confidential("QuestionAnswered", "file", "question", "digest")
REVIEW_SCORED = _confidential("ReviewScored", "file", "area", "percent", "passed", "digest")
CONSULTATION_OPENED = _confidential(
    "ConsultationOpened", "file", "consultation", "stakeholder", "consulted", "days"
)
CONSULTATION_ANSWERED = _confidential(
    "ConsultationAnswered", "file", "consultation", "stakeholder", "position", "digest"
)
RECOMMENDED = _confidential("Recommended", "file", "outcome", "conditions", "digest")
FACT_CONFIRMED = _confidential(
    "FactConfirmed",
    "provider",
    "fact",
    "holds",
    "category",
    "entity",
    "reference",
    "valid_from",
    "valid_until",
    "amount",
    private=("amount",),
)
REPORTING_HANDED_OVER = _confidential(
    "ReportingHandedOver", "provider", "entity", "entity_name", "registration", "first_day"
)

FILE_DECIDED = declare(
    "FileDecided",
    (
        "file",
        "kind",
        "provider",
        "outcome",
        "section",
        "law",
        "reasons",
        "criteria",
        "conflicts",
        "conditions",
        "applicants",
        "appeal_until",
    ),
)
PERMISSION_CHANGED = declare(
    "PermissionChanged",
    (
        "provider",
        "change",
        "permission",
        "kind",
        "categories",
        "level",
        "accounts",
        "suspension",
        "expires_on",
        "section",
        "law",
        "reason",
        "awaits_ledger",
    ),
)
CONDITIONS_SET = declare("ConditionsSet", ("provider", "permission", "set", "lifted", "rulebook"))
PROVIDER_DIRECTED = declare(
    "ProviderDirected", ("provider", "direction", "text", "due_on", "section", "law")
)
PROVIDER_DIRECTED_CONFIDENTIALLY = _confidential(
    "ProviderDirectedConfidentially", "provider", "direction", "digest", "due_on", "section", "law"
)
