"""What is screened, what it is screened against, and the laws of evidence.

    ScreenedParty × ListedSubject -> [Evidence] -> Grade

A name finds a hit; what else is known on both sides grades it.  A date of birth never outweighs a
name: it neither makes a hit nor unmakes one, it moves it within the queue.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import IntEnum, StrEnum
from typing import ClassVar

from amanat.core.errors import Invalid, Refusal

NAMES_MAX = 64
"""Names of one subject that are compared; lists have fewer."""


class Subject(StrEnum):
    """What a party or a listed subject is."""

    PERSON = "person"
    ORGANISATION = "organisation"
    WALLET = "wallet"


class DocumentKind(StrEnum):
    """What a number identifies."""

    CNIC = "cnic"
    """Pakistan's computerised national identity card: 13 digits."""
    PASSPORT = "passport"
    REGISTRATION = "registration"
    """Of an organisation: at the companies' registrar."""
    LEI = "lei"
    TAX = "tax"
    OTHER = "other"


class Topic(StrEnum):
    """Why a subject is on a list, in the words of followthemoney's topics where it has one."""

    SANCTION = "sanction"
    PROSCRIBED = "crime.terror"
    PEP = "role.pep"
    RELATIVE = "role.rca"
    """A politically exposed person's relative or close associate."""
    OWNER = "poi"
    """A beneficial owner of a listed subject: owned, not listed itself."""


@dataclass(frozen=True, slots=True)
class Document:
    """A number by which a person or company is identified; `country` is ISO 3166 alpha-2."""

    kind: DocumentKind
    number: str
    country: str | None = None


@dataclass(frozen=True, slots=True)
class ScreenedParty:
    """Somebody who is screened: `pseudonym` names them, and `revision` what is known of them.

    Whoever yields parties changes `revision` whenever anything else here changes; a party whose
    revision was screened is compared with changed entries of lists alone.  `born_on` is a day, a
    month or a year (`1970-01-31`, `1970-01`, `1970`).  `roles` says in what quality the party is
    screened: `customer`, `controller`, `key_individual`, `beneficial_owner`, `provider`.
    """

    pseudonym: str
    kind: Subject
    names: tuple[str, ...]
    father_name: str | None = None
    documents: tuple[Document, ...] = ()
    born_on: str | None = None
    country: str | None = None
    addresses: tuple[str, ...] = ()
    """Addresses on chains that are the party's."""
    roles: tuple[str, ...] = ("customer",)
    revision: str = ""
    further_fathers: tuple[str, ...] = ()
    """Father's names that others report of the same person."""
    further_births: tuple[str, ...] = ()
    """Days of birth that others report."""
    customer: int | None = None
    """Of licensing's people: the pseudonym that they have as customers, if they are any."""


@dataclass(frozen=True, slots=True)
class ListedSubject:
    """One entry of a list, as it was read.

    `reference` is the list's own and stable across versions.  `weak_names` are those that the list
    itself calls weak: found alone they make no hit.  `shared` are those of its numbers that others
    on the same list bear too: see `marked`.
    """

    reference: str
    kind: Subject
    names: tuple[str, ...]
    weak_names: tuple[str, ...] = ()
    fathers: tuple[str, ...] = ()
    documents: tuple[Document, ...] = ()
    born_on: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    topics: tuple[Topic, ...] = (Topic.SANCTION,)
    programmes: tuple[str, ...] = ()
    listed_on: str | None = None
    places: tuple[str, ...] = ()
    shared: frozenset[tuple[DocumentKind, str]] = frozenset()


# -- identity cards -------------------------------------------------------------------------------

_DIGITS = re.compile(r"\D")
CNIC_DIGITS = 13
_DISTINCT_MIN = 4


def cnic_of(text: str) -> str | None:
    """The 13 digits of a CNIC as it is written (`35202-1234567-1`), or None where it is none.

    The first digit is the province's (1 to 7; 8 and 9 stand for Azad Kashmir and Gilgit-Baltistan
    in older and newer series), the last the sex; there is no check digit.
    """
    number = _DIGITS.sub("", ascii_digits(text))
    if len(number) != CNIC_DIGITS or number[0] == "0":
        return None
    return number


def ascii_digits(text: str) -> str:
    """A text with the digits 0 to 9 for those of other scripts (`۳۵۲۰۲`, as Urdu writes them)."""
    if text.isascii():
        return text
    return "".join(str(unicodedata.decimal(one)) if one.isdecimal() else one for one in text)


def is_placeholder(number: str) -> bool:
    """Whether a number stands for a missing one: one digit again and again, or a run of digits."""
    digits = _DIGITS.sub("", ascii_digits(number))
    if not digits:
        return True
    if len(digits) < CNIC_DIGITS:
        return len(set(digits)) == 1
    body = digits[5:12]
    return (
        len(set(digits)) < _DISTINCT_MIN
        or set(body) == {"0"}
        or body in "0123456789012345"
        or body in "9876543210987654"
    )


def normal_number(document: Document) -> str | None:
    """A document's number as it is compared; None where it identifies nobody."""
    if document.kind is DocumentKind.CNIC:
        number = cnic_of(document.number)
        return None if number is None or is_placeholder(number) else number
    number = re.sub(r"[^0-9A-Z]", "", ascii_digits(document.number).upper())
    if len(number) < 5 or len(set(number)) == 1:
        return None
    return number


def shared_numbers(subjects: Iterable[ListedSubject]) -> frozenset[tuple[DocumentKind, str]]:
    """Numbers that one list gives to several entries: they identify nobody.

    NACTA's list has such placeholders.  Entries whose names sound alike may be one person twice,
    but a number that two entries bear is not proof for either.
    """
    seen: dict[tuple[DocumentKind, str], str] = {}
    shared = set()
    for subject in subjects:
        for document in subject.documents:
            number = normal_number(document)
            if number is None:
                continue
            key = (document.kind, number)
            if seen.setdefault(key, subject.reference) != subject.reference:
                shared.add(key)
    return frozenset(shared)


def marked(subjects: Iterable[ListedSubject]) -> tuple[ListedSubject, ...]:
    """The entries of one list, each with those of its numbers that others on it bear.

    A number that another *list* has as well is the same person there, and stays evidence.
    """
    found = tuple(subjects)
    shared = shared_numbers(found)
    if not shared:
        return found
    return tuple(replace(one, shared=_numbers_of(one) & shared) for one in found)


def _numbers_of(subject: ListedSubject) -> frozenset[tuple[DocumentKind, str]]:
    numbers = ((one.kind, normal_number(one)) for one in subject.documents)
    return frozenset((kind, number) for kind, number in numbers if number is not None)


# -- evidence -------------------------------------------------------------------------------------


class Verdict(StrEnum):
    """What one feature says of two subjects being one."""

    AGREES = "agrees"
    UNCLEAR = "unclear"
    MISSING = "missing"
    """Not known on one side, or on both."""
    DISAGREES = "disagrees"


class Feature(StrEnum):
    """What is compared, beside the name."""

    NAME = "name"
    DOCUMENT = "document"
    FATHER = "father_name"
    BORN = "born_on"
    COUNTRY = "country"
    ADDRESS = "address"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one feature says, with both values as compared; `detail` explains it in words."""

    feature: Feature
    verdict: Verdict
    party: str = ""
    listed: str = ""
    detail: str = ""


class Grade(IntEnum):
    """How strong a hit is, the strongest first: the order of the queue."""

    IDENTIFIED = 1
    """Name and a number (or the address of a wallet) agree."""
    CORROBORATED = 2
    """The name agrees, and the father's name or the full date of birth; nothing disagrees."""
    NUMBER_ALONE = 3
    """A number agrees and the name does not: a wrong number, or another name."""
    SUPPORTED = 4
    """The name agrees; the year of birth or the country does, or features contradict each other."""
    NAME_ALONE = 5
    """The name agrees and nothing else is known."""
    CONTRADICTED = 6
    """The name agrees and all else that is known disagrees."""


STRONG = frozenset({Feature.DOCUMENT, Feature.ADDRESS})
SOLID = frozenset({Feature.FATHER, Feature.BORN})


def grade_of(evidence: Sequence[Evidence]) -> Grade:
    """The grade of a hit by what agrees, disagrees and is missing."""
    said = {one.feature: one.verdict for one in evidence}
    agree = {feature for feature, verdict in said.items() if verdict is Verdict.AGREES}
    disagree = {feature for feature, verdict in said.items() if verdict is Verdict.DISAGREES}
    unclear = {feature for feature, verdict in said.items() if verdict is Verdict.UNCLEAR}
    named = Feature.NAME in agree
    if agree & STRONG:
        wallet = Feature.ADDRESS in agree
        return Grade.IDENTIFIED if named or wallet else Grade.NUMBER_ALONE
    if agree & SOLID and not disagree:
        return Grade.CORROBORATED
    beside = agree - {Feature.NAME}
    if beside or (unclear and not disagree):
        return Grade.SUPPORTED
    return Grade.CONTRADICTED if disagree else Grade.NAME_ALONE


_WEIGHTS = {
    Feature.DOCUMENT: 40,
    Feature.ADDRESS: 40,
    Feature.FATHER: 12,
    Feature.BORN: 8,
    Feature.COUNTRY: 2,
    Feature.NAME: 0,
}
_VERDICTS = {
    Verdict.AGREES: 2,
    Verdict.UNCLEAR: 1,
    Verdict.MISSING: 0,
    Verdict.DISAGREES: -1,
}


def strength_of(evidence: Sequence[Evidence], name_permille: int) -> int:
    """An order within a grade: what agrees beside the name, then how well the name does.

    `name_permille` is the name's score in thousandths.  The result has no other meaning.
    """
    beside = sum(_WEIGHTS[one.feature] * _VERDICTS[one.verdict] for one in evidence)
    return (beside + 100) * 1001 + name_permille


# -- what is decided of a hit ---------------------------------------------------------------------


class HitState(StrEnum):
    """Where a hit stands."""

    OPEN = "open"
    TRUE = "true_match"
    FALSE = "false_match"
    GONE = "gone"
    """The entry left its list, or no longer matches."""


DECIDED = (HitState.TRUE.value, HitState.FALSE.value)
"""States of a hit that a person gave it, each until a day."""


class FreezeState(StrEnum):
    """The life of a freeze; what withdraws binds from `ordered`."""

    ORDERED = "ordered"
    """Signed by two people; confidential until it is served."""
    SERVED = "served"
    """The exchange has acknowledged it."""
    RELEASED = "released"
    LAPSED = "lapsed"
    """Its last day has passed without an extension."""


class FreezeOrderState(StrEnum):
    """Where the order to one exchange stands."""

    ORDERED = "ordered"
    ACKNOWLEDGED = "acknowledged"
    RELEASED = "released"


class ListRefused(Refusal):
    """A list of sanctions is stored whole or not at all."""

    template: ClassVar[str] = "The list {list} was refused: {reason}."


class ListStale(Refusal):
    """A version is newer than the one in force."""

    template: ClassVar[str] = "{list}: a version of {day} is in force already."


class ListedLater(Invalid):
    """A version's day is not after the business date."""

    template: ClassVar[str] = "The list's day {day} lies after the business date {business_date}."


class ListShrinks(Refusal):
    """A list that loses more than a tenth of its entries may have been cut off on its way.

    Whoever takes it in states how many its publisher took off.
    """

    template: ClassVar[str] = (
        "The file lacks {missing} of the {before} entries that {list} has: "
        "state them as taken off, or fetch the file again."
    )


class AlreadyDecided(Refusal):
    """A hit is decided while it is open, or where its decision has lapsed."""

    template: ClassVar[str] = "Hit {hit} is {state}."


class NotATrueMatch(Refusal):
    """Accounts are frozen on a true match that two people confirmed."""

    template: ClassVar[str] = "Hit {hit} is {state}; a freeze takes a true match."


class ExpiryOutOfRange(Invalid):
    """A decision or order lasts until a day to come, and no longer than the law's term."""

    template: ClassVar[str] = "{what}: {day} is not between {first} and {last}."


class FreezeNotInForce(Refusal):
    """What is extended, licensed or released is in force."""

    template: ClassVar[str] = "Freeze {freeze} is {state}."


class NothingToFreeze(Refusal):
    """A freeze names an exchange or an account on the ledger."""

    template: ClassVar[str] = "No account of {party} is known: name an exchange or an account."


class AlreadyFrozen(Refusal):
    """A freeze in force is extended; a further one is for what it does not name."""

    template: ClassVar[str] = "{party} is frozen already by {freeze}."


class NotYourOrder(Refusal):
    """An exchange answers each order to it once."""

    template: ClassVar[str] = "The order of {freeze} to {exchange} is {state}."


class AlreadyReported(Refusal):
    """A freeze is reported once to each."""

    template: ClassVar[str] = "{freeze} was reported to {to} already."


class NotDelisted(Refusal):
    """A release cites a delisting that the list shows, or a court's order."""

    template: ClassVar[str] = "{reference} is still on the list {list}."


class ExpensesExceeded(Refusal):
    """Withdrawals for basic expenses stay within what was licensed."""

    template: ClassVar[str] = "{asked} is asked; {left} of the licence is left."


def day_after(day: date, days: int) -> date:
    """So many days later."""
    return date.fromordinal(day.toordinal() + days)
