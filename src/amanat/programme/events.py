"""What the journal says of the programme; outcomes come from the ledger's own entries."""

from __future__ import annotations

from amanat.store.journal import Audience, declare

PROGRAMME_FOUNDING_BEGUN = declare(
    "ProgrammeFoundingBegun",
    (
        "programme",
        "name",
        "currency",
        "zone",
        "calendar",
        "calendar_version",
        "ceiling",
        "simulation",
        "redemption_frees_headroom",
        "institutions",
        "classes",
        "kinds",
        "quorum",
        "sender_list",
        "terms_digest",
    ),
)
PERSON_FOUNDED = declare(
    "PersonFounded",
    ("institution", "person", "role", "address", "name"),
    audience=Audience.CONFIDENTIAL,
    private=("name",),
)
FOUNDING_SIGNED = declare("FoundingSigned", ("contracts", "signers"))
FIRST_DAY_SIGNED = declare("FirstDaySigned", ("business_date", "signers"))
EXCHANGE_RATE_RECORDED = declare(
    "ExchangeRateRecorded", ("currency", "rate_date", "rate", "source", "assumed")
)
AUTHORISATION_REQUESTED = declare(
    "AuthorisationRequested",
    (
        "number",
        "isin",
        "kind",
        "nominal",
        "usd_value",
        "rate",
        "rate_date",
        "rate_assumed",
        "asset",
        "authority",
        "classes",
        "terms",
        "terms_hash",
        "expires_on",
        "headroom_after",
    ),
)
AUTHORISATION_WITHDRAWAL_REQUESTED = declare(
    "AuthorisationWithdrawalRequested", ("proposal", "digest", "institution", "reason")
)
HEADROOM_RELEASE_REQUESTED = declare(
    "HeadroomReleaseRequested", ("authorisation", "isin", "nominal", "reason")
)
ISSUE_REQUESTED = declare("IssueRequested", ("isin", "nominal", "authorisation", "account"))
CANCELLATION_REQUESTED = declare(
    "UnsoldCancellationRequested", ("isin", "nominal", "authorisation", "account")
)
RESERVES_ATTESTATION_REQUESTED = declare(
    "ReservesAttestationRequested", ("reserves", "valid_until")
)
DAY_MOVE_REQUESTED = declare(
    "DayMoveRequested", ("former_date", "former_phase", "to_date", "to_phase", "unconfirmed_days")
)
HALT_REQUESTED = declare("HaltRequested", ("scope", "reason"))
RESUME_REQUESTED = declare("ResumeRequested", ("scope", "reason"))
DIRECTORY_CHANGE_REQUESTED = declare(
    "DirectoryChangeRequested", ("change", "number", "change_kind", "subject", "value", "reason")
)
DIRECTORY_CHANGE_EXECUTION_REQUESTED = declare("DirectoryChangeExecutionRequested", ("change",))
DIRECTORY_CHANGE_CANCELLATION_REQUESTED = declare(
    "DirectoryChangeCancellationRequested", ("change", "reason")
)
SUCCESSOR_CREATION_REQUESTED = declare(
    "SuccessorCreationRequested", ("contract", "former", "reason")
)
SENDER_APPOINTMENT_REQUESTED = declare(
    "SenderAppointmentRequested",
    ("key", "sender", "former", "former_lost", "endow_coins", "reason"),
)
SENDER_APPOINTED = declare("SenderAppointed", ("key", "sender", "former"))
KEY_REVOCATION_REQUESTED = declare("KeyRevocationRequested", ("key", "institution", "reason"))
