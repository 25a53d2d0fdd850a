"""Names as they are compared: cleaned of tricks, cut into words, and heard across scripts.

    "M\\u200buhаmmаd s/o …" -> clean_name, split_father -> words -> Sound (consonants, vowels)

A word's *sound* is what stays the same however a name is spelled in Latin letters (Rehman, Rahman)
and whether it is written in Urdu or Arabic, which leave short vowels out (رحمان).  Two words sound
the same where their consonants agree one by one and no vowel between them contradicts.  It finds
candidates and aids the comparison; it never decides alone.

The table of letters follows the national romanisation of Urdu (and ALA-LC for Arabic), folded to
what the spellings in use have in common.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache

import icu

NAME_LENGTH_MAX = 300

# Letters of other scripts that look like Latin ones, as Unicode's confusables.txt lists them
# (UTS 39); those that occur in names alone.
_LOOKS_LIKE = str.maketrans(
    "аевіїјкмнорстухѕһԁԛԝгпАВЕІЈКМНОРСТУХЅΑΒΕΖΗΙΚΜΝΟΡΤΥΧοαιυνκρսոօ",
    "aebiijkmhopctyxshdqwrnABEIJKMHOPCTYXSABEZHIKMNOPTYXoaiuvkpuno",
)
_DIGIT_LETTERS = str.maketrans("013457@$", "oieastas")
_MARKS = re.compile("[\u0640\u064b-\u065f\u0670\u06d6-\u06ed]")
_PLAIN = re.compile(r"[A-Za-z]{2,}(?: [A-Za-z]{2,})*")
# How romanisations write ain and hamza, and typewriters the marks beside them.
_AIN = re.compile("[ʿʾʻʼ‘’`´]")
_MUHAMMAD = re.compile(r"\b(?:mohd|muhd|mohmd|muhmd|md)\b\.?(?=\s+\w)", re.IGNORECASE)
_SPACED = re.compile(r"\b(?:\w[ .]+){2,}\w\b")
_FATHER = re.compile(
    r"\s+(?:[sdwc]\s*/\s*o\.?|son of|daughter of|wife of|ولد|بنت|زوجہ|دختر)\s+", re.IGNORECASE
)
_WORD = re.compile(r"[^\W_]+(?:['’`ʼ][^\W_]+)*")
_ARABIC = re.compile("[\u0600-\u06ff\u0750-\u077f\ufb50-\ufdff\ufe70-\ufeff]")
_TITLES = frozenset(
    [
        "mr",
        "mrs",
        "ms",
        "miss",
        "dr",
        "prof",
        "sir",
        "haji",
        "hajji",
        "al-haj",
        "alhaj",
        "hazrat",
        "sheikhul",
        "mufti",
        "maulana",
        "molana",
        "moulana",
        "maulvi",
        "molvi",
        "mullah",
        "mulla",
        "qari",
        "hafiz",
        "janab",
        "mst",
        "mohtarma",
        "capt",
        "captain",
        "col",
        "gen",
        "brig",
        "maj",
        "engr",
        "مولانا",
        "مولوی",
        "مفتی",
        "قاری",
        "حافظ",
        "حاجی",
        "ملا",
        "جناب",
        "ڈاکٹر",
        "پروفیسر",
        "محترمہ",
    ]
)
_ARTICLES = frozenset(
    [
        "al",
        "el",
        "ul",
        "ur",
        "us",
        "ud",
        "uz",
        "un",
        "ush",
        "ar",
        "as",
        "ad",
        "az",
        "an",
        "ash",
        "at",
        "ol",
        "or",
        "e",
        "i",
    ]
)
_ABD = re.compile(
    r"\babd(?:[aeiou](?:l|sh(?= ?sh)|([rsznmtd])(?= ?\1))| (?:[aeu][lrsdzntm]|[au]sh)) ?([a-z]{3,})"
)
_ALLAH = re.compile(r"(\w{2,})[ -]([ua]llah\b|اللہ\b|الله\b)")
_ABD_APART = re.compile(r"\bعبد (?:ال|آل)(?=\w{3,})")
_ABD_ARABIC = re.compile("عبدال(.{2,})")


@lru_cache(maxsize=65_536)
def clean_name(text: str) -> str:
    """A name without what only an attack or a font puts there.

    Invisible and direction characters go, compatibility forms and vowel signs are folded, letters
    of another script inside a Latin word become the Latin ones they imitate, letters set apart are
    joined.  Order, case and spelling stay.
    """
    text = _unseen(text)[:NAME_LENGTH_MAX]
    if _PLAIN.fullmatch(text):
        return _MUHAMMAD.sub("Muhammad", text)
    text = _unseen(unicodedata.normalize("NFKC", text))
    text = _MARKS.sub("", re.sub("[یىي]\u0670", "ا", _AIN.sub("'", text)))
    text = _SPACED.sub(lambda found: re.sub(r"[ .]+", "", found[0]), text)
    text = _MUHAMMAD.sub("Muhammad", text)
    return " ".join(_word_as_meant(word) for word in text.split())


def _unseen(text: str) -> str:
    """A text without characters that are not seen; before it is cut, so that none fill it up."""
    if text.isascii() and text.isprintable():
        return text
    kept = []
    for character in text:
        if unicodedata.category(character) in ("Cf", "Cc", "Cn", "Co"):
            # A break of line between two words separates them; a joiner inside a word does not.
            kept.append(" " if character in "\t\n\r\v\f" else "")
        else:
            kept.append(character)
    return "".join(kept)


def _word_as_meant(word: str) -> str:
    latin = sum("a" <= letter.lower() <= "z" for letter in word)
    if not latin:
        return word
    letters = sum(letter.isalpha() for letter in word)
    if latin < letters:
        word = word.translate(_LOOKS_LIKE)
    if latin >= 3 and any(letter.isdigit() or letter in "@$" for letter in word):
        word = word.translate(_DIGIT_LETTERS)
    return word


def imitation(text: str) -> str | None:
    """The Latin name that a name wholly of look-alike letters imitates; None if it is none."""
    translated = text.translate(_LOOKS_LIKE)
    if translated == text:
        return None
    plain = all(ord(letter) < 128 for letter in translated)
    return translated if plain else None


def romanised(text: str) -> str | None:
    """A name in a script other than Latin and Arabic in Latin letters; None if it is in those."""
    foreign = any(
        ord(letter) > 0x24F and letter.isalpha() and not _ARABIC.match(letter) for letter in text
    )
    return _NOT_HEARD.sub("", _romaniser().transliterate(text)) if foreign else None


_NOT_HEARD = re.compile("['\u02b9\u02ba`]")  # soft and hard signs


@cache
def _romaniser() -> icu.Transliterator:
    return icu.Transliterator.createInstance("Any-Latin; Latin-ASCII")


def split_father(name: str) -> tuple[str, str | None]:
    """A name and the father's (or husband's) that is written behind it: `A s/o B`, `الف ولد ب`."""
    parts = _FATHER.split(name, maxsplit=1)
    return (parts[0], parts[1]) if len(parts) == 2 else (name, None)


@lru_cache(maxsize=65_536)
def words(name: str) -> tuple[str, ...]:
    """The words of a cleaned name that tell people apart: folded, without titles and articles.

    `Abdur Rehman`, `Abdurrehman` and `عبدالرحمان` each give one word.
    """
    folded = _fold(name)
    folded = _ABD.sub(r"abdul\2", folded)
    folded = _ABD_APART.sub("عبدال", folded)
    folded = _ALLAH.sub(r"\1\2", folded)
    found = []
    for match in _WORD.finditer(folded):
        word = re.sub("['’`ʼ]", "", match[0])
        if word in _TITLES or word in _ARTICLES:
            continue
        found.append(word)
    return tuple(found)


def _fold(name: str) -> str:
    decomposed = unicodedata.normalize("NFKD", name.casefold())
    plain = "".join(one for one in decomposed if not unicodedata.combining(one))
    return plain.replace("-", " ")


# -- sounds ---------------------------------------------------------------------------------------

_DIGRAPHS = (
    ("sch", "S"), ("kh", "K"), ("gh", "G"), ("sh", "S"), ("ch", "C"), ("ph", "f"), ("th", "t"),
    ("dh", "d"), ("bh", "b"), ("jh", "j"), ("ck", "K"), ("dj", "j"),
)  # fmt: skip
_LATIN = str.maketrans({"k": "K", "q": "K", "c": "K", "g": "G", "v": "w"})
_VOWELS = "aeiou"
_ARABIC_CONSONANTS = {
    "ب": "b", "پ": "p", "ت": "t", "ٹ": "t", "ط": "t", "ث": "s", "س": "s", "ص": "s", "ج": "j",
    "چ": "C", "ح": "h", "ه": "h", "ہ": "h", "ھ": "", "ة": "", "ۃ": "", "خ": "K", "ک": "K", "ك": "K",
    "ق": "K", "د": "d", "ڈ": "d", "ذ": "z", "ز": "z", "ض": "z", "ظ": "z", "ژ": "z", "ر": "r",
    "ڑ": "r", "ش": "S", "غ": "G", "گ": "G", "ف": "f", "ل": "l", "م": "m", "ن": "n", "ں": "n",
}  # fmt: skip
_ARABIC_VOWELS = {
    "ا": "A", "آ": "A", "أ": "A", "إ": "A", "ٱ": "A", "ع": "", "ء": "", "ئ": "I", "ؤ": "U",
    "و": "U", "ۆ": "U", "ي": "I", "ی": "I", "ى": "I", "ے": "I", "ې": "I",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sound:
    """Consonants of a word, and what was written before, between and after them.

    In `vowels` small letters are Latin vowels, large ones the long vowels that Arabic script
    writes.  `opens` says whether the word begins with a vowel (or a letter that carries one).
    """

    consonants: str
    vowels: tuple[str, ...]
    opens: bool

    @property
    def key(self) -> str:
        """What words that sound the same have in common."""
        return ("a" if self.opens else "") + self.consonants


@lru_cache(maxsize=262_144)
def sound_of(word: str) -> Sound | None:
    """The sound of a folded word in Latin or Arabic letters; None for another script."""
    if _ARABIC.search(word):
        return _arabic_sound(word)
    if not word.isascii() or not word.isalpha():
        return None
    return _latin_sound(word)


def _latin_sound(word: str) -> Sound:
    word = re.sub(r"^u([rsznmtd])(?=\1)", "", word)  # uddin, urrehman: the article
    for written, letter in _DIGRAPHS:
        word = word.replace(written, letter)
    word = re.sub(r"(.)\1+", lambda found: found[1] * (2 if found[1] in _VOWELS else 1), word)
    word = re.sub(r"h$", "", word.replace("x", "Ks")).translate(_LATIN)
    if word.startswith("abdul") and len(word) > 7:
        word = "abd" + word[5:]
    consonants, vowels, between = [], [], ""
    for position, letter in enumerate(word):
        if letter in _VOWELS or (letter in "wy" and position > 0):
            between += letter
        else:
            consonants.append(letter)
            vowels.append(between)
            between = ""
    return Sound("".join(consonants), (*vowels, between), word[:1] in _VOWELS)


def _arabic_sound(word: str) -> Sound:
    found = _ABD_ARABIC.fullmatch(word)
    if found:
        word = "عبد" + found[1]
    elif word.startswith("ال") and (len(word) > 5 or word in _SHORT_WITH_ARTICLE):
        word = word[2:]
    elif word[1:4] == "وال":  # ذوالفقار: the article inside is not heard
        word = word[0] + "ول" + word[4:]
    word = word.replace("لل", "ل").replace("رحمن", "رحمان")  # written without its alif as a rule
    consonants, vowels, between = [], [], ""
    for position, letter in enumerate(word):
        last = position == len(word) - 1
        if position == 0 and letter in "وؤ":
            consonants.append("w")
        elif position == 0 and letter in "یي":
            consonants.append("y")
        elif letter in _ARABIC_VOWELS:
            between += _ARABIC_VOWELS[letter]
            continue
        else:
            sounded = _ARABIC_CONSONANTS.get(letter, "")
            if not sounded or (last and letter in "هہ"):
                continue
            consonants.append(sounded)
        vowels.append(between)
        between = ""
    opens = word[:1] in _ARABIC_VOWELS and word[:1] not in "ویيؤ"
    return Sound("".join(consonants), (*vowels, between), opens)


@lru_cache(maxsize=262_144)
def sounds_same(left: str, right: str) -> bool:
    """Whether two folded words may be one name: same consonants, no vowel against another."""
    if left == right:
        return True
    one, other = sound_of(left), sound_of(right)
    if one is None or other is None or one.key != other.key or not one.consonants:
        return False
    return all(map(_vowels_agree, one.vowels[1:], other.vowels[1:]))


_SHORT_WITH_ARTICLE = frozenset({"الدین", "الدين", "الحق", "الہی"})
_SPELLS = {"A": "ae", "I": "iey", "U": "uow"}


def _vowels_agree(one: str, other: str) -> bool:
    if one == other or not one or not other:
        return not _long_alone(one, other)
    written = [text for text in (one, other) if text.isupper()]
    if len(written) == 2:
        return False
    if written:
        latin = other if one.isupper() else one
        return all(any(letter in latin for letter in _SPELLS[long]) for long in written[0])
    return not ((_front(one) and _back(other)) or (_front(other) and _back(one)))


def _long_alone(one: str, other: str) -> bool:
    """A vowel that Arabic script writes has to be there in Latin letters too."""
    return one != other and (one + other).isupper()


def _front(vowels: str) -> bool:
    return "ee" in vowels or any(letter in "iy" for letter in vowels)


def _back(vowels: str) -> bool:
    return all(letter in "aouw" for letter in vowels)


def is_arabic(word: str) -> bool:
    """Whether a word has letters of the Arabic script (Arabic, Urdu, Persian, Pashto, …)."""
    return bool(_ARABIC.search(word))
