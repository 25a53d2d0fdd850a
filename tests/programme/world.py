"""A small programme, founded on a real node, and people who act in it; for tests of every room."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from tests.prepared import prepared

from amanat.access.actors import Actor, Role, load_actor
from amanat.access.acts import Command
from amanat.access.desk import Outcome
from amanat.app import Application
from amanat.assets.commands import AddEvidence, RegisterAsset
from amanat.assets.model import EvidenceKind
from amanat.core.identifiers import isin_check_digit
from amanat.participants.commands import AccountToEnrol, AdmitParticipant, EnrolAccounts
from amanat.participants.model import AccountKind
from amanat.programme.commands import AuthoriseSecurity
from amanat.programme.founding import found
from amanat.programme.terms import (
    ClassTerms,
    ExchangeRateTerms,
    InstitutionTerms,
    KindTerms,
    PersonTerms,
    ProgrammeTerms,
)

CODE = "test"
FIRST_DAY = date(2021, 3, 1)
VALID_UNTIL = date(2030, 12, 31)
GAZETTE = """
code = "test"
version = "1"
weekend = ["saturday", "sunday"]
[[span]]
first_day = 2020-01-01
last_day = 2026-12-31
[reroll]
payment = "roll_again"
[[day_off]]
first_day = 2021-03-23
name = "Pakistan Day"
closed = "settlement"
standing = "confirmed"
source = "made for tests"
"""

INSTITUTIONS: Mapping[str, tuple[int, tuple[str, ...]]] = {
    "ministry": (1, ("issuer", "day_keeper", "guardian", "orders", "participant")),
    "central_bank": (
        2,
        (
            "cash_issuer",
            "auctioneer",
            "agent",
            "day_keeper",
            "guardian",
            "orders",
            "registrar",
            "tax_agent",
        ),
    ),
    "secp": (3, ("clears.debt_law", "guardian", "orders")),
    "bank_a": (0, ("participant", "primary_dealer")),
    "bank_b": (0, ("participant", "primary_dealer")),
    "fund_c": (0, ("participant",)),
    "auditor": (0, ("auditor",)),
}
CLASSES = (
    ClassTerms(code="issuer", authority="central_bank"),
    ClassTerms(code="bank", authority="central_bank"),
    ClassTerms(code="fund", authority="secp"),
)
BOND = {
    "kind": "bond",
    "isin": "PK0000000015",
    "cfi": "DBFTFR",
    "fisn": "TEST/7 BD 20230820",
    "currency": "PKR",
    "issue_date": "2020-08-20",
    "maturity_date": "2023-08-20",
    "denomination": "100000",
    "convention": "pk-pib-fixed",
    "calendar": "test",
    "coupon_rate": "7.00",
    "coupons_per_year": "2",
}


def terms(keys: Mapping[str, str], **changes: Any) -> ProgrammeTerms:
    """Sound terms; `keys` are addresses by person, `changes` replace fields."""
    fields: dict[str, Any] = {
        "code": CODE,
        "name": "Programme for tests",
        "gazette": GAZETTE,
        "calendar": "test",
        "ceiling_usd_cents": 200_000_000_00,
        "institutions": tuple(
            InstitutionTerms(code=code, number=number, name=code.upper(), capacities=capacities)
            for code, (number, capacities) in INSTITUTIONS.items()
        ),
        "people": tuple(people(keys)),
        "classes": CLASSES,
        "kinds": (
            KindTerms(code="bill", clearances=("debt_law",), confirmations=("central_bank",)),
            KindTerms(code="bond", clearances=("debt_law",), confirmations=("central_bank",)),
        ),
        "first_business_date": FIRST_DAY,
        "exchange_rates": (
            ExchangeRateTerms(
                rate_date=FIRST_DAY, rate="157.50", source="made for tests", assumed=True
            ),
        ),
    }
    return ProgrammeTerms(**fields | changes)


def people(keys: Mapping[str, str]) -> list[PersonTerms]:
    """An officer and an approver of each institution, and a viewer."""
    found_people = [
        PersonTerms(
            code=f"{institution}_{role.value}",
            institution=institution,
            role=role,
            name=f"{role.value.title()} of {institution}",
            address=keys.get(f"{institution}_{role.value}"),
        )
        for institution in INSTITUTIONS
        for role in (Role.OFFICER, Role.APPROVER)
    ]
    viewer = PersonTerms(
        code="bank_a_viewer", institution="bank_a", role=Role.VIEWER, name="Viewer of bank_a"
    )
    return [*found_people, viewer]


@dataclass
class World:
    """A founded programme and what is done in it."""

    app: Application
    accounts: dict[str, str] = field(default_factory=dict)

    def actor(self, person: str) -> Actor:
        """The person as they act."""
        with self.app.store.reading() as connection:
            return load_actor(connection, CODE, person, "test")

    def propose(self, institution: str, command: Command) -> Outcome:
        """Submitted by the officer of an institution."""
        return self.app.desk.submit(self.actor(f"{institution}_officer"), command)

    def approve(self, institution: str, outcome: Outcome) -> Outcome:
        """Approved by the approver of an institution."""
        assert outcome.proposal is not None
        return self.app.desk.approve(self.actor(f"{institution}_approver"), outcome.proposal)

    def do(self, institution: str, command: Command, *, pump: bool = True) -> Outcome:
        """Submitted, approved by everyone who must, and done on the ledger."""
        outcome = self.propose(institution, command)
        while outcome.state == "proposed":
            outcome = self.approve(outcome.awaits[0], outcome)
        if pump:
            self.app.pump()
        return outcome

    def view(self, name: str, person: str | None = None, **fields: Any) -> Any:
        """What a person, or the public, is shown."""
        actor = self.actor(person) if person else None
        return self.app.desk.view(actor, CODE, name, fields)

    def admit(self, participant: str, participant_class: str, authority: str) -> Outcome:
        """Admit a participant for years."""
        return self.do(
            authority,
            AdmitParticipant(
                participant=participant,
                participant_class=participant_class,
                country="PK",
                valid_until=VALID_UNTIL,
            ),
        )

    def enrol(
        self, participant: str, authority: str, kind: AccountKind = AccountKind.OWN, **fields: Any
    ) -> str:
        """Enrol an account whose key this server holds; its address."""
        label = fields.pop("label", f"{kind.value}")
        address = self.app.keys.create(participant, f"account_{label}")
        one = AccountToEnrol(
            address=address,
            kind=kind,
            label=label,
            holder_class=fields.pop("holder_class", "company"),
            tax_residency="PK",
            **fields,
        )
        self.do(authority, EnrolAccounts(participant=participant, accounts=(one,)))
        self.accounts[f"{participant}.{label}"] = address
        return address


def furnish(world: World) -> World:
    """Admit the issuer, two banks and a fund, enrol an account each, and prove an asset."""
    for participant, participant_class, authority in (
        ("ministry", "issuer", "central_bank"),
        ("bank_a", "bank", "central_bank"),
        ("bank_b", "bank", "central_bank"),
        ("fund_c", "fund", "secp"),
    ):
        world.admit(participant, participant_class, authority)
        kind = AccountKind.DISTRIBUTION if participant == "ministry" else AccountKind.OWN
        world.enrol(participant, authority, kind)
    register_asset(world, "full_faith")
    return world


def register_asset(world: World, code: str, expires_on: date | None = None) -> None:
    """An asset with its title, which may expire."""
    world.do(
        "ministry",
        RegisterAsset(
            asset=code, kind="full_faith", description="Full faith and credit", place="Islamabad"
        ),
    )
    world.do(
        "ministry",
        AddEvidence(
            asset=code,
            kind=EvidenceKind.TITLE,
            digest="0" * 64,
            issuer="Parliament",
            reference="made for tests",
            issued_on=date(2020, 1, 1),
            expires_on=expires_on,
        ),
    )


def authorisation(**changes: Any) -> AuthoriseSecurity:
    """A sound authorisation of PKR 10 million nominal."""
    fields: dict[str, Any] = {
        "terms": BOND,
        "nominal": 10_000_000,
        "rate_date": FIRST_DAY,
        "asset": "full_faith",
        "authority": "made for tests",
        "classes": ("bank", "fund"),
        "expires_on": date(2021, 12, 31),
    }
    return AuthoriseSecurity(**fields | changes)


def bond(serial: int) -> dict[str, str]:
    """The terms of another bond, with an ISIN of its own."""
    stem = f"PK{serial:09d}"
    return BOND | {"isin": stem + isin_check_digit(stem)}


def make_keys(app: Application) -> dict[str, str]:
    """A key for each officer and approver."""
    return {
        f"{institution}_{role}": app.keys.create(institution, role)
        for institution in INSTITUTIONS
        for role in ("officer", "approver")
    }


def found_world(app: Application, **changes: Any) -> World:
    """Found the programme on a started application."""
    found(app, terms(make_keys(app), **changes))
    return World(app)


def prepared_world(folder: Path, database_url: str, **changes: Any) -> Iterator[World]:
    """The same, copied from one that was founded before."""

    def make(app: Application) -> None:
        found_world(app, **changes)
        app.pump()

    with prepared(f"world {sorted(changes.items())}", folder, database_url, make) as (app, _):
        yield World(app)
