"""What is known beside the name, feature by feature: each says agrees, disagrees or missing.

Each function's docstring is the explanation that the analyst reads.
"""

from __future__ import annotations

from amanat.supervision.screening.entities import names_to_compare
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
from amanat.supervision.screening.reading import share_of
from amanat.supervision.screening.spelling import clean_name, split_father

_FATHER_AGREES, _FATHER_UNCLEAR = 0.75, 0.5


def evidence_of(
    party: ScreenedParty,
    subject: ListedSubject,
    *,
    agrees: bool,
    scored: tuple[str, str],
) -> tuple[Evidence, ...]:
    """All features in their order; `scored` are the two names that were compared best."""
    name = Evidence(
        Feature.NAME,
        Verdict.AGREES if agrees else Verdict.DISAGREES,
        scored[0] or "; ".join(party.names),
        scored[1] or "; ".join(subject.names),
    )
    compared = [
        numbers_agree(party, subject),
        addresses_agree(party, subject),
        father_agrees(party, subject),
        birth_agrees(party, subject),
        country_agrees(party, subject),
    ]
    return (name, *compared)


def numbers_agree(party: ScreenedParty, subject: ListedSubject) -> Evidence:
    """The same number of an identity card, passport or register; placeholders say nothing.

    Disagreement takes two numbers of one kind that name one person each: identity cards and LEIs.
    A person may have had several passports.
    """
    own = {(one.kind, number) for one in party.documents if (number := normal_number(one))}
    listed = {
        (one.kind, number)
        for one in subject.documents
        if (number := normal_number(one)) and (one.kind, number) not in subject.shared
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
        (number := normal_number(one)) is None or (one.kind, number) in subject.shared
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
    half of it is found.  Of what several exchanges report the nearest counts.
    """
    own = [one for one in (party.father_name, *party.further_fathers) if one]
    own = own or [father for name in party.names if (father := split_father(clean_name(name))[1])]
    behind = [father for name in subject.names if (father := split_father(clean_name(name))[1])]
    listed = (*subject.fathers, *behind)
    shown = ("; ".join(own), "; ".join(listed))
    if subject.kind is not Subject.PERSON or not own or not listed:
        return Evidence(Feature.FATHER, Verdict.MISSING, *shown)
    best = max(
        (
            share_of(one, other)
            for one in names_to_compare(own)
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


def birth_agrees(party: ScreenedParty, subject: ListedSubject) -> Evidence:
    """Date of birth: the same day agrees; the same year, or day and month exchanged, is unclear.

    Years one apart are unclear too, since lists give many as "approximately".  Of what several
    exchanges report the nearest counts.
    """
    own = [one for one in (party.born_on, *party.further_births) if one]
    shown = (", ".join(own), ", ".join(subject.born_on))
    if subject.kind is not Subject.PERSON or not own or not subject.born_on:
        return Evidence(Feature.BORN, Verdict.MISSING, *shown)
    verdicts = {_births(born, one) for born in own for one in subject.born_on}
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
