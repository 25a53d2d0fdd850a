"""What a pilot says about licensing: providers, what happens to them, what was published of them.

What happens is listed in the order in which it is done; days never go back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from amanat.jurisdictions.licensing import LicensingPack
from amanat.replay.reading import Located


class What(StrEnum):
    """What happens to a provider; `amanat.replay.acting.licensing` has one function for each."""

    APPLY = "apply"
    ASK = "ask"
    REVIEW = "review"
    DECIDE = "decide"
    CONFIRM = "confirm"
    HAND_OVER = "hand_over"
    LICENSE = "license"
    SUSPEND = "suspend"
    TRY = "try"


BID, DELIVER, TRANSFER = "bid", "deliver", "transfer"
"""What is tried with an act (a bid: while bids are taken), or at the contract.

Whatever else is tried is asked of the standing, as every door does before it opens.
"""


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider; `invented` ones stand for nobody, all others are real and have a source."""

    code: str
    country: str
    invented: bool
    assumed: bool
    source: str
    where: Located


@dataclass(frozen=True, slots=True)
class Application:
    """A file is opened, filled with stand-in answers and submitted."""

    kind: str
    categories: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """An officer asks the applicant, which owes the answer from then on."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Review:
    """A file is found complete, scored by area from 0 to 5, consulted on, and recommended."""

    kind: str
    scores: Mapping[str, int]
    consulted: tuple[str, ...]
    outcome: str
    conditions: tuple[str, ...]
    rationale: str


@dataclass(frozen=True, slots=True)
class Decision:
    """The authority decides, and publishes why."""

    kind: str
    outcome: str
    conditions: tuple[str, ...]
    reasons: str
    criteria: str
    conflicts: str


@dataclass(frozen=True, slots=True)
class Confirmation:
    """An institution confirms a fact; amounts in minor units of the programme's currency."""

    fact: str
    reference: str
    category: str | None
    amount: int | None
    entity: str | None
    entity_name: str | None
    registration: str | None
    valid_from: date


@dataclass(frozen=True, slots=True)
class Handover:
    """Another entity of the provider reports on goAML from `first_day` on."""

    entity: str
    entity_name: str
    registration: str
    first_day: date


@dataclass(frozen=True, slots=True)
class Licence:
    """The licence of one category is granted on an approved file."""

    category: str
    valid_until: date
    conditions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Suspension:
    """A suspension of everything, or of the licence of one category."""

    level: str
    category: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """Something that is tried so that its refusal shows.

    `expects` is the refusal's code, or the name of the contract's error; `names` are words that it
    has to say.  `isin`, `account` and `nominal` are of a delivery or transfer.
    """

    activity: str
    category: str | None
    expects: str
    names: tuple[str, ...]
    isin: str
    account: str
    nominal: int


Said = (
    Application
    | Question
    | Review
    | Decision
    | Confirmation
    | Handover
    | Licence
    | Suspension
    | Attempt
)


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happens to a provider on a day.

    `during` names a tender of that day: it happens while bids are taken.  `code` is the provider's
    and the event's place among its own.
    """

    code: str
    on: date
    what: What
    provider: str
    during: str
    said: Said
    source: str
    where: Located


@dataclass(frozen=True, slots=True)
class Agreement:
    """An agreement that was published, entered on the day on which it was signed.

    `advises`: the party advises the programme by it.  Amounts in cents, None where it names none.
    """

    code: str
    party: str
    title: str
    kind: str
    binding: bool
    advises: bool
    scope: str
    up_to_usd_cents: int | None
    signed_on: date
    source: str
    where: Located


@dataclass(frozen=True, slots=True)
class Awaited:
    """What is still to come for a provider, by which rule; nobody knows the day."""

    provider: str
    what: str
    section: str
    source: str
    where: Located


@dataclass(frozen=True, slots=True)
class Published:
    """What was published of a provider on a day; `status` is `absent` before its first permission.

    `permits` lists in the source's words what the permission lets it do.
    """

    on: date
    provider: str
    status: str
    permits: tuple[str, ...]
    source: str
    where: Located


@dataclass(frozen=True, slots=True)
class Licensing:
    """The licensing of a pilot, read and found sound.

    `recommends` and `decides` are people of the authority, whose approvers stand in
    institutions.csv.
    """

    pack: LicensingPack
    authority: str
    recommends: str
    decides: str
    providers: Mapping[str, Provider]
    events: tuple[Event, ...]
    agreements: tuple[Agreement, ...]
    awaited: tuple[Awaited, ...]
    published: tuple[Published, ...]
    where: Located

    def licensed(self) -> frozenset[str]:
        """Providers that are granted a licence, and with it accounts on the ledger."""
        return frozenset(one.provider for one in self.events if one.what is What.LICENSE)
