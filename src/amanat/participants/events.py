"""What the journal says of participants; the outcomes come from the ledger's own entries."""

from __future__ import annotations

from amanat.store.journal import Audience, declare

PARTICIPANT_ADMISSION_REQUESTED = declare(
    "ParticipantAdmissionRequested",
    ("participant", "number", "participant_class", "country", "lei", "level", "valid_until"),
)
PARTICIPANT_RENEWAL_REQUESTED = declare(
    "ParticipantRenewalRequested", ("participant", "level", "valid_until")
)
LEVEL_CHANGE_REQUESTED = declare(
    "LevelChangeRequested", ("participant", "former", "level", "binds_now", "reason")
)
ACCOUNTS_ENROLMENT_REQUESTED = declare(
    "AccountsEnrolmentRequested",
    ("participant", "accounts", "holders"),
    audience=Audience.CONFIDENTIAL,
    private=("holders",),
)
TAX_STATUS_RECORDED = declare(
    "TaxStatusRecorded",
    (
        "address",
        "holder_class",
        "active_taxpayer",
        "valid_from",
        "valid_to",
        "tax_residency",
        "certificate",
        "certificate_number",
        "reduced_rate",
        "source",
    ),
    audience=Audience.CONFIDENTIAL,
    private=("certificate_number",),
)
INSTITUTION_ENTERED = declare("InstitutionEntered", ("institution", "name", "capacities"))
PERSON_ENTERED = declare(
    "PersonEntered",
    ("institution", "person", "role", "address", "name"),
    audience=Audience.CONFIDENTIAL,
    private=("name",),
)
KEY_GIVEN = declare(
    "KeyGiven",
    ("institution", "person", "address", "former"),
    audience=Audience.CONFIDENTIAL,
)
KEY_ROTATED = declare(
    "KeyRotated",
    ("institution", "person", "address", "former", "reason"),
    audience=Audience.CONFIDENTIAL,
)
KEY_EXTENDED = declare(
    "KeyExtended",
    ("institution", "address", "former", "expires_at"),
    audience=Audience.CONFIDENTIAL,
)
KEY_ENTERED = declare(
    "KeyEntered",
    ("institution", "address", "purpose", "holder", "place", "expires_at"),
    private=("place",),
    audience=Audience.CONFIDENTIAL,
)
KEY_ENDED = declare(
    "KeyEnded",
    ("institution", "address", "purpose", "lost", "reason"),
    audience=Audience.CONFIDENTIAL,
)
PERSON_RETIRED = declare(
    "PersonRetired",
    ("institution", "person", "reason", "tokens"),
    audience=Audience.CONFIDENTIAL,
)
