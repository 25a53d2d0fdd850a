"""Compares a party with the entries that the index finds, and explains each hit.

logic-v2 of nomenklatura scores the names.  Where words only sound the same (another spelling, or
Urdu against Latin letters), the party's name is also read with the listed words in their place,
and that reading counts a little less.  Everything else that is known grades the hit and is shown
beside it; neither makes a hit of names that differ, except numbers and addresses.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from followthemoney.proxy import EntityProxy
from nomenklatura.matching.logic_v2.model import LogicV2
from nomenklatura.matching.logic_v2.names.match import match_name_symbolic
from rigour.names import CompareConfig, Name, NameTypeTag, analyze_names

from amanat.supervision.screening.entities import listed_entity, names_to_compare, party_entity
from amanat.supervision.screening.evidence import evidence_of
from amanat.supervision.screening.index import Candidate, Index
from amanat.supervision.screening.model import (
    Evidence,
    Grade,
    ListedSubject,
    ScreenedParty,
    Subject,
    grade_of,
    strength_of,
)
from amanat.supervision.screening.reading import read_as

_CANDIDATES_MAX = 40
_BELOW_CUTOFF = 0.1
_SURE = 0.95
_CONFIG = LogicV2.default_config()
_EXTRA_QUERY = _CONFIG.get_float("nm_extra_query_name")
_EXTRA_LISTED = _CONFIG.get_float("nm_extra_result_name")
_FAMILY = _CONFIG.get_float("nm_family_name_weight")
_COMPARE = CompareConfig(budget_tolerance=_CONFIG.get_float("nm_fuzzy_cutoff_factor"))


@dataclass(frozen=True, slots=True)
class Explained:
    """One feature of logic-v2 as it said: its score and weight, and what it compared."""

    feature: str
    score: float
    detail: str


@dataclass(frozen=True, slots=True)
class Match:
    """One hit: a party and an entry, how well the names agree, and all the evidence.

    `name_score` (0 to 1) is the best of the names; `score` is logic-v2's own, with its reductions
    for what differs; `reading` is the name as it was read where words only sounded the same.
    """

    entry: int
    subject: ListedSubject
    name_score: float
    score: float
    party_name: str
    listed_name: str
    reading: str | None
    grade: Grade
    strength: int
    evidence: tuple[Evidence, ...]
    features: tuple[Explained, ...]


class Matcher:
    """Screens parties against one set of entries; keeps what it prepared of the entries."""

    def __init__(self, entries: Sequence[ListedSubject], cutoff: float) -> None:
        self.entries, self.cutoff = entries, cutoff
        self.index = Index(entries)
        self._entities: dict[int, EntityProxy] = {}
        self._listed_names: dict[int, tuple[str, ...]] = {}
        self._analysed: dict[tuple[str, bool], Name] = {}

    def screen(self, party: ScreenedParty) -> list[Match]:
        """Every hit of a party, the strongest evidence first."""
        names = names_to_compare(party.names)
        exact = [
            *self.index.by_numbers(party.documents),
            *self.index.by_addresses(party.addresses),
        ]
        found: dict[int, str | None] = dict.fromkeys(exact)
        for name in names:
            for candidate in self._likely(name, party.kind):
                found[candidate.entry] = found.get(candidate.entry) or candidate.name
        query = party_entity(party, names) if found else None
        hits = [
            hit
            for at in found
            if (hit := self._compare(party, names, query, at, exact=at in exact)) is not None
        ]
        return sorted(hits, key=lambda hit: (hit.grade, -hit.strength, hit.subject.reference))

    # -- names ------------------------------------------------------------------------------------

    def _likely(self, name: str, kind: Subject) -> Iterator[Candidate]:
        """Candidates of the index whose pair of names logic-v2 scores near the cutoff or above."""
        floor = self.cutoff - _BELOW_CUTOFF
        done: set[int] = set()
        for candidate in self.index.by_name(name, floor, _CANDIDATES_MAX):
            if candidate.entry in done:
                continue
            if self._pair_score(name, candidate.name, kind) >= self.cutoff or read_as(
                name, candidate.name, person=kind is Subject.PERSON
            ):
                done.add(candidate.entry)
                yield candidate

    def _pair_score(self, name: str, listed: str, kind: Subject) -> float:
        query, result = self._name(name, kind, query=True), self._name(listed, kind, query=False)
        if query is None or result is None:
            return 0.0
        if query.comparable == result.comparable:
            return 1.0
        scored, _alignment = match_name_symbolic(
            query, result, _COMPARE, _EXTRA_QUERY, _EXTRA_LISTED, _FAMILY
        )
        return float(scored.score)

    def _name(self, text: str, kind: Subject, *, query: bool) -> Name | None:
        key = (text, query)
        kept = self._analysed.get(key)
        if kept is not None:
            return kept
        tag = NameTypeTag.PER if kind is Subject.PERSON else NameTypeTag.ORG
        analysed = analyze_names(tag, [text], infer_initials=query, consolidate=False)
        name = next(iter(analysed), None)
        if name is not None:
            if len(self._analysed) > 50_000:
                self._analysed.clear()
            self._analysed[key] = name
        return name

    # -- all else ---------------------------------------------------------------------------------

    def _compare(
        self,
        party: ScreenedParty,
        names: tuple[str, ...],
        query: EntityProxy | None,
        at: int,
        *,
        exact: bool,
    ) -> Match | None:
        assert query is not None
        subject = self.entries[at]
        listed = self._entity(at)
        scored = self._score(query, listed)
        reading = None
        name_score = scored.name
        if name_score < _SURE:
            read = self._best_reading(names, at, party.kind)
            if read.score > name_score:
                name_score, reading = read.score, read.name
                scored = scored.as_read(read, name_score)
        if name_score < self.cutoff and not exact:
            return None
        evidence = evidence_of(
            party, subject, agrees=name_score >= self.cutoff, scored=(scored.query, scored.listed)
        )
        return Match(
            entry=at,
            subject=subject,
            name_score=round(name_score, 4),
            score=round(scored.whole, 4),
            party_name=scored.query,
            listed_name=scored.listed,
            reading=reading,
            grade=grade_of(evidence),
            strength=strength_of(evidence, round(name_score * 1000)),
            evidence=evidence,
            features=scored.features,
        )

    def _entity(self, at: int) -> EntityProxy:
        if at not in self._entities:
            self._entities[at] = listed_entity(self.entries[at])
        return self._entities[at]

    def _best_reading(self, names: Iterable[str], at: int, kind: Subject) -> _Reading:
        """The party's name with listed words for those that sound the same, as it scores best."""
        if at not in self._listed_names:
            self._listed_names[at] = names_to_compare(self.entries[at].names)
        best = _Reading(0.0, "", "", "")
        for name in names:
            for listed in self._listed_names[at]:
                read = read_as(name, listed, person=kind is Subject.PERSON)
                if read is None or read.factor <= best.score:
                    continue
                score = self._pair_score(read.name, read.against, kind) * read.factor
                if score > best.score:
                    best = _Reading(score, read.name, name, listed)
        return best

    @staticmethod
    def _score(query: EntityProxy, listed: EntityProxy) -> _Scored:
        result = LogicV2.compare(query, listed, _CONFIG)
        said: Any = result.explanations
        name, weak = said.get("name_match"), said.get("weak_alias_match")
        best = max(name.score if name else 0.0, weak.score * _WEAK_WEIGHT if weak else 0.0)
        return _Scored(
            name=float(best),
            whole=float(result.score),
            query=(name.query if name else None) or "",
            listed=(name.candidate if name else None) or "",
            features=tuple(
                Explained(feature, round(float(one.score), 4), one.detail or "")
                for feature, one in said.items()
            ),
        )


_WEAK_WEIGHT = 0.8


@dataclass(frozen=True, slots=True)
class _Reading:
    score: float
    name: str
    written: str
    listed: str


@dataclass(frozen=True, slots=True)
class _Scored:
    name: float
    whole: float
    query: str
    listed: str
    features: tuple[Explained, ...]

    def as_read(self, read: _Reading, score: float) -> _Scored:
        """The same with the reading's score of the names; what reduces it stays."""
        reduced = min(self.whole - self.name, 0.0) if self.name else 0.0
        said = Explained("name_read", round(score, 4), f"{read.written} as {read.name}")
        others = tuple(one for one in self.features if one.feature != "name_match")
        return _Scored(score, max(score + reduced, 0.0), read.written, read.listed, (said, *others))
