"""The blocking index: which entries of the lists a name, number or address may concern.

    party -> numbers and addresses, exactly
          -> words -> postings (exact, symbol, sound, edit distance) -> estimate per listed name

A word finds the listed words that are it, that the reference data of names hold to be it (`symbols`
of rigour), that sound the same in another spelling or script, or that differ by a typing mistake.
What a word found is kept, since names share their words; so a name costs the sum of a few arrays.
The estimate has the form of logic-v2's score of a pair of names: matched words over all words, one
too many in the query weighing 0.8 and one too many on the list 0.2.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from rigour.names import NameTypeTag, Symbol, analyze_names
from rigour.text import levenshtein

from amanat.supervision.screening.entities import names_to_compare
from amanat.supervision.screening.model import (
    Document,
    DocumentKind,
    ListedSubject,
    normal_number,
)
from amanat.supervision.screening.reading import WHOLE_WORDS_MIN
from amanat.supervision.screening.spelling import joints, sounds_of, sounds_same, words

Ids = NDArray[np.int32]
Weights = NDArray[np.float32]

_EXTRA_QUERY, _EXTRA_LISTED = 0.8, 0.2
_SYMBOL, _SOUND = 0.9, 0.95
_EDITS_SHARE_MAX = 0.34
_DICE_MIN = 0.4
_JOINED_MIN = 0.72
_POSTINGS_KEPT = 200_000


@dataclass(frozen=True, slots=True)
class Candidate:
    """A listed name that may be the query's, with the estimate of how well it fits."""

    entry: int
    name: str
    estimate: float


@dataclass(frozen=True, slots=True)
class _Postings:
    names: Ids
    weights: Weights


@dataclass(frozen=True, slots=True)
class _Counts:
    """Per listed name: the weight of the words found, how many, and how many of the query's not."""

    weight: Weights
    matched: Weights
    missing: Weights


@dataclass(slots=True)
class _Grams:
    """Which texts have which pairs of letters."""

    texts: list[str] = field(default_factory=list)
    postings: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    arrays: dict[str, Ids] = field(default_factory=dict)
    counts: Weights = field(default_factory=lambda: np.zeros(0, dtype=np.float32))

    def add(self, text: str) -> None:
        for gram in _grams(text):
            self.postings[gram].append(len(self.texts))
        self.texts.append(text)

    def close(self) -> None:
        self.arrays = {gram: np.array(ids, dtype=np.int32) for gram, ids in self.postings.items()}
        self.counts = np.array([len(_grams(text)) for text in self.texts], dtype=np.float32)

    def near(self, text: str, least: float) -> list[int]:
        """Texts whose pairs of letters are those of `text` to a share of `least` (Dice)."""
        grams = _grams(text)
        found = [self.arrays[gram] for gram in grams if gram in self.arrays]
        if not found:
            return []
        common = np.bincount(np.concatenate(found), minlength=len(self.texts))
        dice = 2 * common / (self.counts + len(grams))
        return [int(one) for one in np.flatnonzero(dice >= least)]


def _grams(text: str) -> frozenset[str]:
    padded = f"^{text}$"
    return frozenset(padded[at : at + 2] for at in range(len(padded) - 1))


@lru_cache(maxsize=_POSTINGS_KEPT)
def symbols_of(word: str) -> frozenset[Symbol]:
    """What the reference data know a word to stand for, such as a given name in all its forms."""
    found: set[Symbol] = set()
    for name in analyze_names(NameTypeTag.PER, [word], phonetics=False, numerics=False):
        found.update(
            one
            for one in name.symbols
            if one.category in (Symbol.Category.NAME, Symbol.Category.NICK)
        )
    return frozenset(found)


class Index:
    """Finds entries of lists by words, numbers and addresses; built once per set of entries."""

    def __init__(self, entries: Sequence[ListedSubject]) -> None:
        self.entries = entries
        self.names: list[str] = []
        self._entry_of: list[int] = []
        self._length: list[int] = []
        self._numbers: dict[tuple[DocumentKind, str], list[int]] = defaultdict(list)
        self._addresses: dict[str, list[int]] = defaultdict(list)
        self._with_word: dict[str, list[int]] = defaultdict(list)
        self._with_initial: dict[str, list[int]] = defaultdict(list)
        self._by_joint: dict[str, list[tuple[str, int, int]]] = defaultdict(list)
        self._joined = _Grams()
        for at, entry in enumerate(entries):
            self._add(at, entry)
        self._joined.close()
        self._entry_array = np.array(self._entry_of, dtype=np.int32)
        self._lengths = np.array(self._length, dtype=np.float32)
        self._words = list(self._with_word)
        self._posted = {
            word: np.array(ids, dtype=np.int32) for word, ids in self._with_word.items()
        }
        self._grams = _Grams()
        self._by_sound: dict[str, list[str]] = defaultdict(list)
        self._by_symbol: dict[Symbol, list[str]] = defaultdict(list)
        for word in self._words:
            self._grams.add(word)
            for key in {sound.key for sound in sounds_of(word)}:
                self._by_sound[key].append(word)
            for symbol in symbols_of(word):
                self._by_symbol[symbol].append(word)
        self._grams.close()
        self._kept: dict[str, _Postings] = {}
        self._kept_joints: dict[str, _Postings] = {}
        self._kept_words: dict[str, _Postings] = {}

    def _add(self, at: int, entry: ListedSubject) -> None:
        for document in entry.documents:
            number = normal_number(document)
            if number is not None and (document.kind, number) not in entry.shared:
                self._numbers[document.kind, number].append(at)
        for address in entry.addresses:
            self._addresses[address_key(address)].append(at)
        for name in names_to_compare((*entry.names, *entry.weak_names)):
            cut = words(name)
            if not cut:
                continue
            number_of_name = len(self.names)
            self.names.append(name)
            self._entry_of.append(at)
            self._length.append(len(cut))
            self._joined.add("".join(cut))
            for text, stands_for in joints(name):
                for key in {sound.key for sound in sounds_of(text)}:
                    self._by_joint[key].append((text, number_of_name, len(stands_for)))
            for word in dict.fromkeys(cut):
                self._with_word[word].append(number_of_name)
                self._with_initial[word[0]].append(number_of_name)
                bare = _bare(word)
                if bare and bare not in cut:
                    self._with_word[bare].append(number_of_name)

    # -- exact ------------------------------------------------------------------------------------

    def by_numbers(self, documents: Iterable[Document]) -> list[int]:
        """Entries that bear one of these numbers; placeholders and shared numbers find none."""
        found: dict[int, None] = {}
        for document in documents:
            number = normal_number(document)
            if number is not None:
                found.update(dict.fromkeys(self._numbers.get((document.kind, number), ())))
        return list(found)

    def by_addresses(self, addresses: Iterable[str]) -> list[int]:
        """Entries that name one of these addresses of a chain."""
        found: dict[int, None] = {}
        for address in addresses:
            found.update(dict.fromkeys(self._addresses.get(address_key(address), ())))
        return list(found)

    # -- by name ----------------------------------------------------------------------------------

    def by_name(self, name: str, floor: float, most: int) -> list[Candidate]:
        """Listed names that may be `name`, the likeliest first: at most `most`, from `floor` on."""
        cut = words(name)
        if not cut or not self.names:
            return []
        size = len(self.names)
        weight, matched = np.zeros(size, dtype=np.float32), np.zeros(size, dtype=np.float32)
        for word in cut:
            posted = self._postings(word)
            weight[posted.names] += posted.weights
            matched[posted.names] += 1
        counts = _Counts(weight, matched, len(cut) - matched)
        self._join(name, cut, counts)
        missing = np.maximum(counts.missing, 0)
        extra = np.maximum(self._lengths - matched, 0)
        estimate = weight / (matched + _EXTRA_QUERY * missing + _EXTRA_LISTED * extra)
        # A listed name of some length that is all there is not hidden by words put between.
        whole = (matched >= self._lengths) & (self._lengths >= WHOLE_WORDS_MIN)
        estimate[whole] = np.maximum(estimate, _SYMBOL * weight / np.maximum(matched, 1))[whole]
        joined = "".join(cut)
        near = self._joined.near(joined, _JOINED_MIN) if len(joined) > 5 else []
        for at in near:
            estimate[at] = max(estimate[at], _JOINED_MIN)
        found = np.flatnonzero(estimate >= floor)
        if len(found) > most:
            found = found[np.argpartition(-estimate[found], most)[:most]]
        found = found[np.argsort(-estimate[found], kind="stable")]
        return [
            Candidate(int(self._entry_array[at]), self.names[at], float(estimate[at]))
            for at in found
        ]

    def _sounding(self, word: str) -> list[str]:
        """Listed words that sound the same."""
        return [
            other
            for key in {sound.key for sound in sounds_of(word)}
            for other in self._by_sound.get(key, ())
            if sounds_same(word, other)
        ]

    def _join(self, name: str, cut: tuple[str, ...], counts: _Counts) -> None:
        """Words written together on one side and apart on the other: one stands for two."""
        for word in cut:
            posted = self._joint_postings(word)
            if not posted.names.size:
                continue
            counts.weight[posted.names] += posted.weights
            counts.matched[posted.names] += posted.weights / _SOUND
            counts.missing[posted.names] -= 1
        for text, stands_for in joints(name):
            heard = self._joint_words(text)
            if heard.names.size:
                counts.weight[heard.names] += _SOUND
                counts.matched[heard.names] += 1
                counts.missing[heard.names] -= len(stands_for)

    def _joint_postings(self, word: str) -> _Postings:
        kept = self._kept_joints.get(word)
        if kept is None:
            weights = np.zeros(len(self.names), dtype=np.float32)
            for key in {sound.key for sound in sounds_of(word)}:
                for other, listed, many in self._by_joint.get(key, ()):
                    if sounds_same(word, other):
                        weights[listed] = _SOUND * many
            names = np.flatnonzero(weights).astype(np.int32)
            kept = _Postings(names, weights[names])
            if len(self._kept_joints) >= _POSTINGS_KEPT:
                self._kept_joints.clear()
            self._kept_joints[word] = kept
        return kept

    def _joint_words(self, text: str) -> _Postings:
        kept = self._kept_words.get(text)
        if kept is None:
            weights = np.zeros(len(self.names), dtype=np.float32)
            for other in self._sounding(text):
                weights[self._posted[other]] = _SOUND
            names = np.flatnonzero(weights).astype(np.int32)
            kept = _Postings(names, weights[names])
            if len(self._kept_words) >= _POSTINGS_KEPT:
                self._kept_words.clear()
            self._kept_words[text] = kept
        return kept

    def _postings(self, word: str) -> _Postings:
        kept = self._kept.get(word)
        if kept is None:
            kept = self._look_up(word)
            if len(self._kept) >= _POSTINGS_KEPT:
                self._kept.clear()
            self._kept[word] = kept
        return kept

    def _look_up(self, word: str) -> _Postings:
        best: dict[str, float] = {}
        if word in self._posted:
            best[word] = 1.0
        for symbol in symbols_of(word):
            for other in self._by_symbol.get(symbol, ()):
                best[other] = max(best.get(other, 0), _SYMBOL)
        bare = _bare(word)
        if bare in self._posted:
            best[bare] = max(best.get(bare, 0), _SYMBOL)
        for other in self._sounding(word):
            best[other] = max(best.get(other, 0), _SOUND)
        for at in self._grams.near(word, _DICE_MIN) if len(word) > 2 else ():
            other = self._grams.texts[at]
            if best.get(other, 0) < _SYMBOL:
                best[other] = max(best.get(other, 0), _by_edits(word, other))
        weights = np.zeros(len(self.names), dtype=np.float32)
        for other, weight in best.items():
            posted = self._posted[other]
            weights[posted] = np.maximum(weights[posted], weight)
        if len(word) == 1:
            initial = np.array(self._with_initial.get(word, ()), dtype=np.int32)
            weights[initial] = np.maximum(weights[initial], _SYMBOL)
        names = np.flatnonzero(weights).astype(np.int32)
        return _Postings(names, weights[names])


def _bare(word: str) -> str:
    """The second part of `abdulrashid`, by which alone its bearer may be known; else nothing."""
    return word[5:] if word.startswith("abdul") and len(word) > 8 else ""


def _by_edits(word: str, other: str) -> float:
    longer = max(len(word), len(other))
    edits: int = levenshtein(word, other)
    share = edits / longer
    return 1 - share if share <= _EDITS_SHARE_MAX else 0.0


def address_key(address: str) -> str:
    """An address as it is compared: letters of hexadecimal and bech32 addresses have no case.

    Base58 addresses (Bitcoin's older, Tron's, Solana's) keep theirs.
    """
    trimmed = address.strip()
    lowered = trimmed.lower()
    if lowered.startswith(("0x", "bc1", "tb1", "ltc1", "addr1", "cosmos1", "bnb1")):
        return lowered
    return trimmed
