"""Names in Latin letters, as goAML takes them; what was written is kept beside them.

A word of the jurisdiction's table is written as passports write it; any other goes letter by
letter (ICU `Any-Latin; Latin-ASCII`), which for scripts without vowels gives consonants alone: who
files may give the spelling of the passport instead.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import icu

LATIN_NAME = re.compile(r"[A-Za-z][A-Za-z .'-]*")
LATIN_TEXT = re.compile(r"[ -~\s]*")
_NOT_IN_NAMES = re.compile(r"[^A-Za-z .'-]+")
_NOT_IN_TEXTS = re.compile(r"[^ -~\s]+")
# What Arabic-script keyboards of Iran and Arabia write for letters of Urdu.
_SAME = str.maketrans({"ي": "ی", "ك": "ک", "ه": "ہ", "ة": "ہ", "ى": "ی", "\u200c": "", "ـ": ""})
_MARKS = re.compile("[\u064b-\u065f\u0670]")


@dataclass(frozen=True, slots=True)
class Romanised:
    """A text in Latin letters; `original` is what was written, None where nothing was changed.

    `by_letter` lists the words that no table had.
    """

    latin: str
    original: str | None
    by_letter: tuple[str, ...]


@cache
def _romaniser() -> icu.Transliterator:
    return icu.Transliterator.createInstance("Any-Latin; Latin-ASCII")


def romanise_name(name: str, words: Mapping[str, str]) -> Romanised:
    """A person's or institution's name in the letters that goAML takes."""
    plain = " ".join(name.split())
    if LATIN_NAME.fullmatch(plain):
        return Romanised(plain, None, ())
    known = {_plain(word): latin for word, latin in words.items()}
    found, by_letter = [], []
    for word in _plain(plain).split():
        latin = known.get(word)
        if latin is None and not LATIN_NAME.fullmatch(word):
            latin = _NOT_IN_NAMES.sub("", _romaniser().transliterate(word)).strip().capitalize()
            by_letter.append(word)
        found.append(latin if latin is not None else word)
    return Romanised(" ".join(one for one in found if one), plain, tuple(by_letter))


def romanise_text(text: str) -> Romanised:
    """A text in ASCII, as reasons and addresses are taken."""
    if LATIN_TEXT.fullmatch(text):
        return Romanised(text, None, ())
    latin = _NOT_IN_TEXTS.sub("", _romaniser().transliterate(text))
    return Romanised(latin, text, ())


def _plain(text: str) -> str:
    return _MARKS.sub("", text.translate(_SAME))
