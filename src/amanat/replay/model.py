"""What a pilot says, as values: nothing here knows files, acts or the ledger.

Nominal is an integer of units (PKR 1 of face), money of minor units (paisa, cents).  Every row
knows where it stands in the folder, so that a law can name file and line.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

from amanat.auctions.model import TenderTerms
from amanat.core.calendars import Calendar
from amanat.instruments.model import Terms
from amanat.replay.licensing_model import Licensing
from amanat.replay.reading import Located
from amanat.replay.supervision_model import Supervision


@dataclass(frozen=True, slots=True)
class Institution:
    """An organisation with its capacities, and which of its people propose and approve."""

    code: str
    name: str
    number: int
    capacities: frozenset[str]
    proposes: str
    approves: tuple[str, ...]
    where: Located


@dataclass(frozen=True, slots=True)
class Person:
    """A person by role, never by name: `central_bank_officer`."""

    code: str
    institution: str
    role: str
    where: Located


@dataclass(frozen=True, slots=True)
class HolderClass:
    """A class of participants and the institution that admits to it."""

    code: str
    name: str
    authority: str
    where: Located


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of instrument: which clearances are mandatory and which agents confirm."""

    code: str
    name: str
    clearances: tuple[str, ...]
    agents: tuple[str, ...]
    where: Located


@dataclass(frozen=True, slots=True)
class Asset:
    """What stands behind a security, and one piece of evidence for it."""

    code: str
    kind: str
    description: str
    place: str
    evidence_kind: str
    document: str
    issued_on: date
    expires_on: date | None
    where: Located


@dataclass(frozen=True, slots=True)
class Participant:
    """An institution admitted to a class."""

    institution: str
    holder_class: str
    country: str
    valid_until: date
    where: Located


@dataclass(frozen=True, slots=True)
class Account:
    """An account of a participant: its own, a client's, or one of the state's.

    `holder` says by role whose a client's account is; `holder_class` is what tax goes by.
    """

    code: str
    participant: str
    kind: str
    holder: str
    holder_class: str
    residency: str
    where: Located


@dataclass(frozen=True, slots=True)
class TaxStanding:
    """On which days the holder of an account is an active taxpayer, or has a certificate."""

    account: str
    active: bool
    first_day: date
    last_day: date | None
    certificate: str
    certificate_number: str
    reduced_rate: Decimal | None
    source: str
    where: Located


@dataclass(frozen=True, slots=True)
class TaxRate:
    """Rates of tax at source, in per cent of the income, for classes of holders and days."""

    instrument: str
    holder_classes: tuple[str, ...]
    first_day: date
    last_day: date
    active_percent: Decimal
    inactive_percent: Decimal
    final: bool
    source: str
    assumed: bool
    where: Located


@dataclass(frozen=True, slots=True)
class Instrument:
    """A security as it is to be authorised: its terms and who may hold it."""

    terms: Terms
    asset: str
    classes: tuple[str, ...]
    authorised: int
    authorised_on: date
    authority: str
    expires_on: date
    where: Located

    @property
    def isin(self) -> str:
        """Its ISIN."""
        return str(self.terms.isin)


@dataclass(frozen=True, slots=True)
class Bid:
    """A competitive bid of a dealer; `value` is a price or a yield as the tender asks."""

    bidder: str
    nominal: int
    value: Decimal
    where: Located


@dataclass(frozen=True, slots=True)
class InvestorBid:
    """A non-competitive bid that a dealer places for the holder of an account."""

    dealer: str
    investor: str
    nominal: int
    where: Located


@dataclass(frozen=True, slots=True)
class Decision:
    """What the ministry decided: a cut-off, an amount, both, or (neither) no award at all."""

    cut_off: Decimal | None
    amount: int | None


@dataclass(frozen=True, slots=True)
class Tender:
    """One auction: its terms, its days, its bids and its decision.

    `terms.tender` stands in for the id that the ledger gives.  `published` holds figures that
    were published, against which the sheet is checked.
    """

    code: str
    isin: str
    terms: TenderTerms
    announced_on: date
    auction_on: date
    settles_on: date
    last_settlement_on: date
    decision: Decision
    bids: tuple[Bid, ...]
    investor_bids: tuple[InvestorBid, ...]
    made: bool
    source: str
    published: Mapping[str, Decimal]
    where: Located


@dataclass(frozen=True, slots=True)
class Trade:
    """A sale between two accounts at a clean price; the same `cycle` makes one netted cycle."""

    code: str
    traded_on: date
    settles_on: date
    last_day: date
    isin: str
    seller: str
    buyer: str
    nominal: int
    price: Decimal
    cycle: str
    note: str
    where: Located


@dataclass(frozen=True, slots=True)
class CashEntry:
    """Tokenised cash created against, or withdrawn to, money in the RTGS."""

    on: date
    account: str
    paisa: int
    reference: str
    withdraws: bool
    where: Located


@dataclass(frozen=True, slots=True)
class ExchangeRate:
    """What one US dollar cost on a day, and from where that is known."""

    on: date
    per_usd: Decimal
    source: str
    assumed: bool
    where: Located


@dataclass(frozen=True, slots=True)
class Programme:
    """The programme's own terms and how the replay walks through it."""

    code: str
    title: str
    jurisdiction: str
    currency: str
    zone: str
    ceiling_usd_cents: int
    simulation: bool
    redemption_frees_headroom: bool
    first_day: date
    last_day: date
    bidding_window_seconds: int
    where: Located


@dataclass(frozen=True, slots=True)
class Pilot:
    """A whole programme, read and found sound."""

    folder: Path
    programme: Programme
    calendar: Calendar
    institutions: Mapping[str, Institution]
    people: Mapping[str, Person]
    classes: Mapping[str, HolderClass]
    kinds: Mapping[str, Kind]
    assets: Mapping[str, Asset]
    participants: Mapping[str, Participant]
    accounts: Mapping[str, Account]
    tax_standings: tuple[TaxStanding, ...]
    tax_rates: tuple[TaxRate, ...]
    instruments: Mapping[str, Instrument]
    tenders: tuple[Tender, ...]
    trades: tuple[Trade, ...]
    cash: tuple[CashEntry, ...]
    exchange_rates: tuple[ExchangeRate, ...]
    licensing: Licensing | None = None
    supervision: Supervision | None = None
    unread: frozenset[str] = frozenset()
    """ISINs of securities whose rows could not be read; nobody is told that they are missing."""

    def with_capacity(self, capacity: str) -> list[Institution]:
        """The institutions that act in this capacity, in the order of the folder."""
        return [one for one in self.institutions.values() if capacity in one.capacities]
