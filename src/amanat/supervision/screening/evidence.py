"""What is known beside the name, feature by feature: each says agrees, disagrees or missing.

Each function's docstring is the explanation that the analyst reads.
"""

from __future__ import annotations

from amanat.supervision.screening.entities import Numbers, names_to_compare
from amanat.supervision.screening.index import address_key
from amanat.supervision.screening.model import (
    DocumentKind,
    Evidence,
    Feature,
    ListedSubject,
    ScreenedParty,
    Subject,
    Verdict,
    normal_number,
)
from amanat.supervision.screening.spelling import clean_name, sounds_same, split_father, words

_FATHER_AGREES, _FATHER_UNCLEAR = 0.75, 0.5


def evidence_of(
    party: ScreenedParty,
    subject: ListedSubject,
    *,
    agrees: bool,
    scored: tuple[str, str],
    ignored: Numbers,
) -> tuple[Evidence, ...]:
    """All features in their order; `scored` are the two names that were compared best."""
    name = Evidence(
        Feature.NAME,
        Verdict.AGREES if agrees else Verdict.DISAGREES,
        scored[0] or "; ".join(party.names),
        scored[1] or "; ".join(subject.names),
    )
    compared = [
        numbers_agree(party, subject, ignored),
        addresses_agree(party, subject),
        father_agrees(party, subject),
        birth_agrees(party, subject),
        country_agrees(party, subject),
    ]
    return (name, *compared)


def numbers_agree(party: ScreenedParty, subject: ListedSubject, ignored: Numbers) -> Evidence:
    """The same number of an identity card, passport or register; placeholders say nothing.

    Disagreement takes two numbers of one kind that name one person each: identity cards and LEIs.
    A person may have had several passports.
    """
    own = {(one.kind, number) for one in party.documents if (number := normal_number(one))}
    listed = {
        (one.kind, number)
        for one in subject.documents
        if (number := normal_number(one)) and (one.kind, number) not in ignored
    }
    common = sorted(own & listed)
    shown = (_numbers(own), _numbers(listed))
    if common:
        return Evidence(Feature.DOCUMENT, Verdict.AGREES, *shown, detail=_numbers(set(common)))
    single = {DocumentKind.CNIC, DocumentKind.LEI}
    apart = {kind for kind, _ in own} & {kind for kind, _ in listed} & single
    if apart:
        return Evidence(Feature.DOCUMENT, Verdict.DISAGREES, *shown)
    left_out = any(
        (one.kind, normal_number(one)) in ignored or normal_number(one) is None
        for one in subject.documents
    )
    detail = "placeholder" if left_out else ""
    return Evidence(Feature.DOCUMENT, Verdict.MISSING, *shown, detail=detail)


def _numbers(found: set[tuple[DocumentKind, str]]) -> str:
    return ", ".join(sorted(f"{kind} {number}" for kind, number in found))


def addresses_agree(party: ScreenedParty, subject: ListedSubject) -> Evidence:
    """The same address on a chain.  Another address says nothing: anyone makes many."""
    own = {address_key(one) for one in party.addresses}
    common = own & {address_key(one) for one in subject.addresses}
    verdict = Verdict.AGREES if common else Verdict.MISSING
    return Evidence(Feature.ADDRESS, verdict, *([", ".join(sorted(common))] * 2))


def father_agrees(party: ScreenedParty, subject: ListedSubject) -> Evidence:
    """The father's name, in any spelling or script: most of its words are found on the other side.

    A husband's name may stand in its place, so that another name is unclear for a moment only where
    half of it is found.
    """
    own = party.father_name or next(
        (father for name in party.names if (father := split_father(clean_name(name))[1])), None
    )
    behind = [father for name in subject.names if (father := split_father(clean_name(name))[1])]
    listed = (*subject.fathers, *behind)
    shown = (own or "", "; ".join(listed))
    if subject.kind is not Subject.PERSON or not own or not listed:
        return Evidence(Feature.FATHER, Verdict.MISSING, *shown)
    best = max(
        (
            _share(one, other)
            for one in names_to_compare([own])
            for other in names_to_compare(listed)
        ),
        default=0.0,
    )
    verdict = Verdict.DISAGREES
    if best >= _FATHER_AGREES:
        verdict = Verdict.AGREES
    elif best >= _FATHER_UNCLEAR:
        verdict = Verdict.UNCLEAR
    return Evidence(Feature.FATHER, verdict, *shown)


def _share(one: str, other: str) -> float:
    """The share of words of the shorter name that the other has too; of one word all or nothing."""
    left, right = words(one), list(words(other))
    if not left or not right:
        return 0.0
    found = 0
    for word in left:
        same = next((each for each in right if sounds_same(word, each)), None)
        if same is not None:
            right.remove(same)
            found += 1
    return found / min(len(left), len(words(other)))


def birth_agrees(party: ScreenedParty, subject: ListedSubject) -> Evidence:
    """Date of birth: the same day agrees; the same year, or day and month exchanged, is unclear.

    Years one apart are unclear too, since lists give many as "approximately".
    """
    own = party.born_on
    shown = (own or "", ", ".join(subject.born_on))
    if subject.kind is not Subject.PERSON or not own or not subject.born_on:
        return Evidence(Feature.BORN, Verdict.MISSING, *shown)
    verdicts = {_births(own, one) for one in subject.born_on}
    for verdict in (Verdict.AGREES, Verdict.UNCLEAR):
        if verdict in verdicts:
            return Evidence(Feature.BORN, verdict, *shown)
    return Evidence(Feature.BORN, Verdict.DISAGREES, *shown)


def _births(one: str, other: str) -> Verdict:
    if len(one) == len(other) == 10:
        if one == other:
            return Verdict.AGREES
        exchanged = f"{one[:4]}-{one[8:10]}-{one[5:7]}"
        if exchanged == other:
            return Verdict.UNCLEAR
    elif one[:4] == other[:4] and (one.startswith(other) or other.startswith(one)):
        return Verdict.UNCLEAR
    near = abs(int(one[:4]) - int(other[:4])) <= 1
    return Verdict.UNCLEAR if near else Verdict.DISAGREES


def country_agrees(party: ScreenedParty, subject: ListedSubject) -> Evidence:
    """Country of nationality or registration; one may have several, so that none disagrees."""
    own, listed = party.country or "", [one.upper() for one in subject.countries]
    same = bool(own) and own.upper() in listed
    verdict = Verdict.AGREES if same else Verdict.MISSING
    return Evidence(Feature.COUNTRY, verdict, own, ", ".join(listed))
