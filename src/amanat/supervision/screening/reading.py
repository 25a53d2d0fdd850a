"""Reads a party's name with the words of a listed one, where they are the same name.

    same -> sounds the same -> joined or apart -> initial -> near -> what is left
    `fazal ur rehman khalil` + `Fazlur Rahman Khalil` -> `fazlur rahman khalil`

A reading says which listed words it was compared with, and how much it counts: each initial that
was filled in, and each common word that was left out, lowers it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

from rigour.text import levenshtein

from amanat.supervision.screening.spelling import joints, sounds_same, titles, words

READING_FACTOR = 0.96
"""What a name counts that was read with words that only sound the same."""
WHOLE_WORDS_MIN = 3
"""A listed name of so many words is found among any others that are written with it."""
_INITIAL_FACTOR = 0.9
_LEFT_OUT_FACTOR = 0.9
_OTHER_FACTOR = 0.9
"""Where each side has a word that the other lacks: a brother's name as a rule."""
_NEAR_SHARE_MAX = 0.2
_COMMON = frozenset(
    ["muhammad", "mohammad", "mohammed", "محمد", "syed", "sayed", "sayyid", "سید", "sheikh", "شیخ"]
)
"""Words before a name that many bear and as many leave out."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A name as it was read, what it was compared with, and what it counts (0 to 1)."""

    name: str
    against: str
    factor: float


@dataclass(slots=True)
class _Alignment:
    query: list[str]
    left: list[str]
    read: dict[int, tuple[str, ...]] = field(default_factory=dict)
    same: int = 0
    exchanged: int = 0
    initials: int = 0
    near: int = 0

    def open(self) -> list[int]:
        """Places of the query's words that are not found yet."""
        return [at for at in range(len(self.query)) if at not in self.read]

    def take(self, at: int, listed: tuple[str, ...]) -> None:
        """Read the word at a place with these listed words, which are then used."""
        self.read[at] = listed
        for word in listed:
            self.left.remove(word)


@lru_cache(maxsize=65_536)
def read_as(name: str, listed: str, *, person: bool) -> Reading | None:
    """The party's name with listed words for those that are the same; None if that says nothing.

    Only where at least two words, or all, are found on the list.  Where a person's listed name
    of three words or more is all there, it is read without the words that were added.
    """
    query, against = words(name), words(listed)
    aligned = _align(name, listed, person=person)
    sure = aligned.same + aligned.exchanged
    found = sure + aligned.near + aligned.initials
    if aligned.initials and sure + len(titles(name) & titles(listed)) < 2:
        return None
    if not sure or found < min(2, max(len(query), len(against) if person else 0)):
        return None
    factor = READING_FACTOR * _INITIAL_FACTOR**aligned.initials
    if person and aligned.left and found < len(query):
        factor *= _OTHER_FACTOR
    whole = " ".join(against)
    unread = [query[at] for at in aligned.open()]
    if person and not aligned.left and unread:
        if len(against) >= WHOLE_WORDS_MIN and not aligned.initials:
            return Reading(whole, whole, READING_FACTOR)
        if sure >= 2 and all(word in _COMMON for word in unread):
            return Reading(whole, whole, factor * _LEFT_OUT_FACTOR)
    read = [word for at in range(len(query)) for word in aligned.read.get(at, (query[at],)) if word]
    return Reading(" ".join(read), whole if person else listed, factor)


def share_of(name: str, listed: str) -> float:
    """The share of the shorter name's words that the other has, joined or apart; 0 to 1.

    An initial is no word of a name here: it would be found in every other one.
    """
    aligned = _align(name, listed, person=True)
    many = len(words(listed))
    if not aligned.query or not many:
        return 0.0
    if len(aligned.query) <= many:
        return (len(aligned.read) - aligned.initials) / len(aligned.query)
    return (many - len(aligned.left) - aligned.initials) / many


def _align(name: str, listed: str, *, person: bool) -> _Alignment:
    against = list(words(listed))
    aligned = _Alignment(list(words(name)), list(against))
    for at in aligned.open():
        if aligned.query[at] in aligned.left:
            aligned.take(at, (aligned.query[at],))
            aligned.same += 1
    for at in aligned.open():
        same = next(
            (
                one
                for heard in _heard(aligned.query, at)
                for one in aligned.left
                if any(sounds_same(heard, text) for text in _heard(against, against.index(one)))
            ),
            None,
        )
        if same is not None:
            aligned.take(at, (same,))
            aligned.exchanged += 1
    if person and aligned.left and aligned.open():
        _join(aligned, name, listed)
        _fill_initials(aligned)
    aligned.near = sum(
        any(_near(aligned.query[at], one) for one in aligned.left) for at in aligned.open()
    )
    return aligned


def _heard(query: list[str], at: int) -> tuple[str, ...]:
    """A word, and without the article that is drawn to its end: `fazlur rehman`."""
    word = query[at]
    after = query[at + 1][:1] if at + 1 < len(query) else ""
    if len(word) > 4 and after and word[-2:] in (f"u{after}", "ul"):
        return (word, word[:-2])
    return (word,)


def _join(aligned: _Alignment, name: str, listed: str) -> None:
    """Words written together on one side and apart on the other, `bin` and `ibn` among them."""
    for text, stands_for in joints(listed):
        if not all(word in aligned.left for word in stands_for):
            continue
        for at in aligned.open():
            if sounds_same(aligned.query[at], text):
                aligned.take(at, stands_for)
                aligned.exchanged += len(stands_for)
                break
    for text, stands_for in joints(name):
        places = [at for at in aligned.open() if aligned.query[at] in stands_for]
        if len(places) != len(stands_for):
            continue
        same = next((one for one in aligned.left if sounds_same(text, one)), None)
        if same is not None:
            aligned.take(places[0], (same,))
            aligned.exchanged += len(places)
            aligned.read.update(dict.fromkeys(places[1:], ("",)))


def _fill_initials(aligned: _Alignment) -> None:
    for at in aligned.open():
        word = aligned.query[at]
        if len(word) == 1:
            whole = next((one for one in aligned.left if one[0] == word), None)
            if whole is not None:
                aligned.take(at, (whole,))
                aligned.initials += 1


def _near(word: str, other: str) -> bool:
    longer = max(len(word), len(other))
    edits: int = levenshtein(word, other)
    return longer > 5 and edits <= _NEAR_SHARE_MAX * longer
