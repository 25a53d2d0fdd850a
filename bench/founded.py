"""A founded programme for the settlement bench, made by the same acts as any other programme.

Twenty banks with ten accounts each, one bond, tokenised cash.  Every account is funded with both,
and has been given the numbers under which it will deliver.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from coincurve import PrivateKey

from amanat.access.actors import Actor, Role, load_actor
from amanat.access.acts import Command
from amanat.access.desk import Outcome
from amanat.access.tokens import issue_token
from amanat.app import Application
from amanat.assets.commands import AddEvidence, RegisterAsset
from amanat.assets.model import EvidenceKind
from amanat.core.dates import business_day_from_date
from amanat.core.identifiers import isin_check_digit
from amanat.ledger.typed_data import INSTRUCTION, Domain, sign
from amanat.participants.commands import AccountToEnrol, AdmitParticipant, EnrolAccounts
from amanat.participants.model import AccountKind
from amanat.programme.commands import AuthoriseSecurity, IssueNominal
from amanat.programme.founding import found
from amanat.programme.terms import (
    ClassTerms,
    ExchangeRateTerms,
    InstitutionTerms,
    KindTerms,
    PersonTerms,
    ProgrammeTerms,
)
from amanat.settlement.commands import (
    CreateCash,
    PresignedInstruction,
    SettleDay,
    SubmitInstructions,
    TakeNumbers,
)

PROGRAMME = "bench"
ISIN = "PKBENCH0001" + isin_check_digit("PKBENCH0001")
DAY = date(2021, 3, 4)
LAST_DAY = DAY + timedelta(days=10)
BANKS = 20
NOMINAL_EACH = 10**9
CASH_EACH_PAISA = 10**13
NUMBERS_EACH = 100_000
CLEARING_HOUSE = "clearing_house"

_AUTHORITIES = {
    "ministry": (1, ("issuer", "participant", "guardian")),
    "central_bank": (
        2,
        (
            "auctioneer", "cash_issuer", "day_keeper", "agent", "registrar", "orders", "guardian",
            "class_authority.government", "class_authority.bank",
        ),
    ),
    "depository": (3, ("agent", "day_keeper", "orders")),
    "law_division": (4, ("clears.debt_law", "orders")),
    CLEARING_HOUSE: (0, ("operator",)),
    "auditor": (0, ("auditor",)),
}  # fmt: skip

Told = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Account:
    """One account of a bank, and the secret that signs for it: the client's, not the server's."""

    address: str
    secret: bytes
    bank: str


@dataclass(frozen=True, slots=True)
class Founded:
    """What a client must know to sign and to submit."""

    chain_id: int
    settlement: str
    security: str
    submitter_token: str
    auditor_token: str


def bank_accounts(count: int) -> list[Account]:
    """Fresh accounts, spread over the banks."""
    made = []
    for at in range(count):
        key = PrivateKey()
        address = _address(key)
        made.append(Account(address, key.secret, f"bank_{at % BANKS + 1}"))
    return made


def _address(key: PrivateKey) -> str:
    from amanat.ledger.wire import address_of_key

    return address_of_key(key.public_key)


def _terms(app: Application) -> ProgrammeTerms:
    numbered = {code: (number, words) for code, (number, words) in _AUTHORITIES.items()}
    banks = {f"bank_{at + 1}": (0, ("participant",)) for at in range(BANKS)}
    everyone = numbered | banks
    people = [
        PersonTerms(
            code=f"{code}_{role.value}",
            institution=code,
            role=role,
            name=f"{role.value} of {code}",
            address=app.keys.create(code, role.value),
        )
        for code in everyone
        for role in (Role.OFFICER, Role.APPROVER)
    ]
    return ProgrammeTerms(
        code=PROGRAMME,
        name="Settlement bench",
        ceiling_usd_cents=10**15,
        institutions=tuple(
            InstitutionTerms(code=code, name=code, number=number, capacities=words)
            for code, (number, words) in everyone.items()
        ),
        people=tuple(people),
        classes=(
            ClassTerms(code="government", authority="central_bank"),
            ClassTerms(code="bank", authority="central_bank"),
        ),
        kinds=(KindTerms(code="bond", clearances=("debt_law",), confirmations=("depository",)),),
        first_business_date=DAY,
        exchange_rates=(
            ExchangeRateTerms(rate_date=DAY, rate="157.25", source="made", assumed=True),
        ),
    )


class People:
    """Submits acts for institutions: an officer proposes, the approvers approve."""

    def __init__(self, app: Application) -> None:
        self.app = app

    def actor(self, institution: str, role: Role = Role.OFFICER) -> Actor:
        with self.app.store.reading() as connection:
            return load_actor(connection, PROGRAMME, f"{institution}_{role.value}", "bench")

    def act(self, institution: str, command: Command) -> Outcome:
        outcome = self.app.desk.submit(self.actor(institution), command)
        while outcome.state == "proposed":
            assert outcome.proposal is not None
            approver = self.actor(outcome.awaits[0], Role.APPROVER)
            outcome = self.app.desk.approve(approver, outcome.proposal)
        return outcome

    def token(self, institution: str) -> str:
        with self.app.store.engine.begin() as connection:
            now = self.app.store.clock()
            lifetime = timedelta(days=1)
            return issue_token(connection, PROGRAMME, f"{institution}_officer", now, lifetime)


def found_and_fund(app: Application, accounts: Sequence[Account], told: Told) -> Founded:
    """Found the programme in an empty installation, and fund all accounts.

    Raises what the acts refuse.
    """
    told("founding the programme")
    found(app, _terms(app))
    people = People(app)
    told("admitting the banks")
    distribution = _admit(people, accounts)
    told("authorising and issuing the bond")
    _issue(people, distribution, NOMINAL_EACH * len(accounts))
    told("creating cash")
    for account in accounts:
        people.act(
            "central_bank",
            CreateCash(
                account=account.address,
                amount_paisa=CASH_EACH_PAISA,
                rtgs_reference=f"bench-{account.address}",
            ),
        )
        people.act(account.bank, TakeNumbers(deliverer=account.address, count=NUMBERS_EACH))
    app.pump(120)
    told("delivering the bond to the accounts")
    founded = _facts(people)
    _distribute(people, founded, distribution, accounts)
    return founded


def _admit(people: People, accounts: Sequence[Account]) -> str:
    distribution = people.app.keys.create("ministry", "distribution")
    enrolled = {"ministry": [(distribution, AccountKind.DISTRIBUTION, "government")]}
    for account in accounts:
        enrolled.setdefault(account.bank, []).append((account.address, AccountKind.OWN, "bank"))
    for code, listed in enrolled.items():
        participant_class = listed[0][2]
        people.act(
            "central_bank",
            AdmitParticipant(
                participant=code,
                participant_class=participant_class,
                country="PK",
                valid_until=DAY + timedelta(days=365),
            ),
        )
    people.app.pump()
    for code, listed in enrolled.items():
        people.act(
            "central_bank",
            EnrolAccounts(
                participant=code,
                accounts=tuple(
                    AccountToEnrol(
                        address=_checksummed(address),
                        kind=kind,
                        label=f"account_{at}",
                        holder_class=holder_class,
                        tax_residency="PK",
                    )
                    for at, (address, kind, holder_class) in enumerate(listed)
                ),
            ),
        )
    people.app.pump()
    return distribution


def _checksummed(address: str) -> str:
    from eth_utils.address import to_checksum_address

    return str(to_checksum_address(address))


def _issue(people: People, distribution: str, nominal: int) -> None:
    people.act(
        "ministry",
        RegisterAsset(asset="fund", kind="public_debt", description="made", place="Islamabad"),
    )
    people.act(
        "ministry",
        AddEvidence(
            asset="fund",
            kind=EvidenceKind.TITLE,
            digest="00" * 32,
            issuer="made",
            reference="made",
            issued_on=date(1944, 2, 28),
        ),
    )
    terms = {
        "kind": "bond",
        "isin": ISIN,
        "cfi": "DBFTFR",
        "fisn": "PAKISTAN/7 BD 20230820",
        "currency": "PKR",
        "issue_date": "2020-08-20",
        "maturity_date": "2023-08-20",
        "denomination": "1",
        "convention": "pk-pib-fixed",
        "calendar": "pk",
        "coupon_rate": "7",
        "coupons_per_year": "2",
    }
    people.act(
        "ministry",
        AuthoriseSecurity(
            terms=terms,
            nominal=nominal,
            rate_date=DAY,
            asset="fund",
            authority="made",
            classes=("government", "bank"),
            expires_on=DAY + timedelta(days=300),
        ),
    )
    people.app.pump()
    people.act("ministry", IssueNominal(isin=ISIN, nominal=nominal, account=distribution))
    people.app.pump()


def _facts(people: People) -> Founded:
    gateway = people.app.gateway(PROGRAMME)
    return Founded(
        chain_id=people.app.settings.chain_id,
        settlement=gateway.address("Settlement"),
        security=gateway.address("Security", ISIN),
        submitter_token=people.token(CLEARING_HOUSE),
        auditor_token=people.token("auditor"),
    )


def _distribute(
    people: People, founded: Founded, distribution: str, accounts: Sequence[Account]
) -> None:
    people.act("ministry", TakeNumbers(deliverer=distribution, count=len(accounts)))
    domain = Domain(founded.chain_id, founded.settlement)
    days = business_day_from_date(DAY), business_day_from_date(LAST_DAY)
    signed = []
    for number, account in enumerate(accounts):
        values = (founded.security, distribution, account.address, NOMINAL_EACH, 100, number, *days)
        digest = domain.digest(INSTRUCTION.hash(*values))
        theirs = people.app.keys.signer(distribution).sign_digest(digest)
        signed.append(
            PresignedInstruction(
                isin=ISIN,
                deliverer=distribution,
                receiver=account.address,
                number=number,
                nominal=NOMINAL_EACH,
                consideration_paisa=100,
                trade_date=DAY,
                first_day=DAY,
                last_day=LAST_DAY,
                deliverer_signature=theirs.hex(),
                receiver_signature=sign(digest, PrivateKey(account.secret)).hex(),
            )
        )
    people.act(CLEARING_HOUSE, SubmitInstructions(instructions=tuple(signed)))
    people.act(CLEARING_HOUSE, SettleDay())
    people.app.pump(120)
