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

import itertools
import re
import unicodedata
from collections.abc import Iterator
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
_MUHAMMAD = re.compile(
    r"\b(?:mohd|muhd|mohmd|muhmd|mhd|md|muh|mohmad|m/(?=\s))\b\.?(?=\s+\w)|\bm/(?=\s*\w{2})",
    re.IGNORECASE,
)
_SHORTENED = (
    (re.compile(r"\bab(?:d|dl)?\b[.']?\s+(?=[a-z]{4,})", re.IGNORECASE), "Abdul "),
    (re.compile(r"\bgh\b[.']?\s+(?=[a-z]{3,})", re.IGNORECASE), "Ghulam "),
)
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
        "hadji",
        "hajj",
        "alhajj",
        "ustad",
        "ustaz",
        "sahib",
        "saheb",
        "sahab",
        "mawlawi",
        "maulavi",
        "mawlavi",
        "moulvi",
        "molah",
        "mullah",
        "allama",
        "صاحب",
        "علامہ",
        "استاد",
        "استاذ",
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
_TITLES_AHEAD = frozenset(["hafeez", "hafez", "hafidh", "hafeedh", "hafidz"])
"""Names of their own, and titles (hafiz) in another spelling where two words follow."""
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
_PARTICLES = frozenset(
    ["bin", "ben", "ibn", "bint", "binte", "binti", "ould", "walad", "بن", "ابن", "بنت", "ولد"]
)
"""Child of: written or left out, joined or apart, without another person being meant."""
_ABD = re.compile(
    r"\babd(?:[aeiou](?:l|sh(?= ?sh)|([rsznmtd])(?= ?\1))| (?:[aeu][lrsdzntm]|[au]sh)) ?([a-z]{3,})"
)
_ALLAH = re.compile(r"(\w{2,})[ -]([ua]llah\b|اللہ\b|الله\b)")
_ABD_APART = re.compile(r"\bعبد (?:ال|آل)(?=\w{3,})")
_ABD_ARABIC = re.compile("عبدال(.{2,})")
_TWICE = re.compile("([^اوےیي])\\1")
_ARTICLE_INSIDE = re.compile("(.{3,})ال(.{2,})")


@lru_cache(maxsize=65_536)
def clean_name(text: str) -> str:
    """A name without what only an attack or a font puts there.

    Invisible and direction characters go, compatibility forms and vowel signs are folded, letters
    of another script inside a Latin word become the Latin ones they imitate, letters set apart are
    joined.  Order, case and spelling stay.
    """
    text = _unseen(text)[:NAME_LENGTH_MAX]
    if _PLAIN.fullmatch(text):
        return _written_out(text)
    text = _unseen(unicodedata.normalize("NFKC", text))
    text = _MARKS.sub("", re.sub("[یىي]\u0670", "ا", _AIN.sub("'", text)))
    text = _SPACED.sub(lambda found: re.sub(r"[ .]+", "", found[0]), text)
    text = _written_out(text)
    return " ".join(_word_as_meant(word) for word in text.split())


def _written_out(text: str) -> str:
    """The given names that are shortened as a rule: Mohd, Md, M/; Ab.; Gh."""
    text = _MUHAMMAD.sub("Muhammad", text)
    for shortened, whole in _SHORTENED:
        text = shortened.sub(whole, text)
    return text


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


def split_names(text: str) -> tuple[str, ...]:
    """The names in one field: `A alias B`, `A @ B`, `A; B`, `A (B)`, or Latin and Urdu together.

    What stands in brackets is a name only where it has two words and is no remark
    such as `previously listed as`.
    """
    if _PLAIN.fullmatch(text) and not _ALIAS.search(text):
        return (text,)
    outside = _BRACKETS.sub(" ", text)
    inside = [one for one in _BRACKETS.findall(text) if not _REMARK.search(one)]
    found: dict[str, None] = {}
    for part in (outside, *inside):
        for name in _ALIAS.split(part):
            for one in _scripts_apart(name):
                tidy = one.strip(" ,.;-\"“”'")
                # One word alone names too many.
                if tidy and (not found or " " in tidy):
                    found.setdefault(tidy)
    return tuple(found) or (text,)


def without_form(name: str) -> str | None:
    """A company's name without its legal form (`… (Pvt) Ltd`); None where two words do not stay."""
    bare = _LEGAL_FORM.sub("", name)
    return bare if bare != name and " " in bare.strip() else None


_LEGAL_FORM = re.compile(
    r"(?:[\s,.()-]+(?:pvt|private|smc|ltd|limited|llc|llp|plc|inc|incorporated)\b)+[\s.)]*$",
    re.IGNORECASE,
)


def apart(text: str) -> str | None:
    """A name with a space for each non-joiner between letters of Arabic script; None without."""
    spaced = _NON_JOINER.sub(" ", text)
    return spaced if spaced != text else None


_NON_JOINER = re.compile("(?<=[\u0620-\u06ff]{2})\u200c(?=[\u0620-\u06ff]{2})")


def _scripts_apart(name: str) -> tuple[str, ...]:
    parts = name.split()
    arabic = [word for word in parts if _ARABIC.search(word)]
    other = [word for word in parts if not _ARABIC.search(word)]
    if len(arabic) < 2 or len(other) < 2 or _FATHER.search(name):
        return (name,)
    return (" ".join(other), " ".join(arabic))


_ALIAS = re.compile(
    r"\s*(?:[@;؛]|\b(?:alias|urf|a\.?\s?k\.?\s?a|aka)\b\.?|\bعرف\b)\s*", re.IGNORECASE
)
_BRACKETS = re.compile(r"[(（]([^()（）]*)[)）]")
_REMARK = re.compile(
    r"\b(?:listed|name|born|deceased|late|spelling|title|husband|wife|customer|account)\b",
    re.IGNORECASE,
)


@lru_cache(maxsize=65_536)
def words(name: str) -> tuple[str, ...]:
    """The words of a cleaned name that tell people apart: folded, without titles and articles.

    `Abdur Rehman`, `Abdurrehman` and `عبدالرحمان` each give one word; `bin`, `ibn` and the like go
    where two words are left.
    """
    found = _kept_words(name)
    apart = tuple(word for word in found if word not in _PARTICLES)
    return apart if len(apart) > 1 else found


@lru_cache(maxsize=65_536)
def joints(name: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Neighbouring words written as one, with the words of `words` that each stands for.

    `Nizam ud-Din` is heard as Nizamuddin, `bin Laden` as Binladen, `نور محمد` as نورمحمد.
    """
    found, kept = _kept_words(name), words(name)
    return tuple(
        (
            _joined(one, other),
            tuple(word for word in (one, other) if word in kept),
        )
        for one, other in itertools.pairwise(found)
        if other not in _PARTICLES
    )


def _joined(one: str, other: str) -> str:
    if is_arabic(one) or is_arabic(other):
        return one + other.removeprefix("ال")
    return f"{one}{_JOINT}{other}"


@lru_cache(maxsize=65_536)
def titles(name: str) -> frozenset[str]:
    """The titles and honorifics in a cleaned name: they tell nobody apart, but may bear out."""
    return frozenset(word for word in _all_words(name) if word in _TITLES)


def _kept_words(name: str) -> tuple[str, ...]:
    found = _all_words(name)
    if len(found) > 2 and found[0] in _TITLES_AHEAD:
        found = found[1:]
    return tuple(word for word in found if word not in _TITLES and word not in _ARTICLES)


@lru_cache(maxsize=65_536)
def _all_words(name: str) -> tuple[str, ...]:
    folded = _fold(name)
    folded = _ABD.sub(r"abdul\2", folded)
    folded = _ABD_APART.sub("عبدال", folded)
    folded = _ALLAH.sub(r"\1\2", folded)
    return tuple(re.sub("['’`ʼ]", "", match[0]) for match in _WORD.finditer(folded))


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
_JOINT = "|"
"""Where two words in Latin letters are heard as one."""
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
def sounds_of(word: str) -> tuple[Sound, ...]:
    """How a folded word in Latin or Arabic letters may be heard; nothing for another script."""
    if _ARABIC.search(word):
        found = map(_arabic_sound, _arabic_readings(word))
    elif word.isascii() and word.replace(_JOINT, "").isalpha():
        found = map(_latin_sound, _latin_readings(word))
    else:
        return ()
    return tuple(dict.fromkeys(one for one in found if one.consonants))


_ARTICLE_AHEAD = re.compile("[ae]l[^aeiouyhl]\\w{3}")  # alrashid, elsayed; neither Aleem nor Alhaj


def _latin_readings(word: str) -> Iterator[str]:
    """`th` and `dh` stand for an Arabic letter that Urdu and Persian sound as s or z.

    Across a joint letters make no digraph, and an alif carries whatever vowel begins the next word.
    """
    if _JOINT in word:
        yield word
        yield re.sub(r"\|[aeiou]+", "|a", word)
        word = word.replace(_JOINT, "")
    yield word
    if "th" in word:
        yield word.replace("th", "s")
    if "dh" in word:
        yield word.replace("dh", "z")
    if _ARTICLE_AHEAD.match(word):
        yield word[2:]


def _arabic_readings(word: str) -> Iterator[str]:
    """The article may be one (العلي) or not (الیاس); a last ye may be long a (عیسی, مصطفے)."""
    for text in dict.fromkeys((word, word.replace("ة", "ت").replace("ۃ", "ت"))):
        yield text
        if text.startswith("ال") and len(text) in (4, 5):
            yield text[2:]
        inside = _ARTICLE_INSIDE.fullmatch(text)
        if inside and not text.startswith("عبد"):
            yield inside[1] + inside[2]
        if _TWICE.search(text):
            yield _TWICE.sub(r"\1", text)
        if len(text) > 3 and text[-1] in "یيىے":
            yield text[:-1] + "ا"


def _latin_sound(word: str) -> Sound:
    word = re.sub(r"^u([rsznmtd])(?=\1)", "", word)  # uddin, urrehman: the article
    for written, letter in _DIGRAPHS:
        word = word.replace(written, letter)
    word = word.replace(_JOINT, "")
    word = re.sub(r"(.)\1+", lambda found: found[1] * (2 if found[1] in _VOWELS else 1), word)
    word = re.sub(r"h$", "", word.replace("x", "Ks")).translate(_LATIN)
    word = re.sub(r"abdul(?!ah)(?=\w{3})", "abd", word)
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
    word = word.replace("دايود", "داود")  # دائود is داؤد
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
    return any(
        one.key == other.key
        and all(map(_vowels_agree, one.vowels[1:], other.vowels[1:]))
        and _ends_agree(one.vowels[-1], other.vowels[-1], is_arabic(left), is_arabic(right))
        for one in sounds_of(left)
        for other in sounds_of(right)
    )


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
    if (_long_u(one) and _open(other)) or (_long_u(other) and _open(one)):
        return False  # Mahmood is not Muhammad
    return not ((_front(one) and _back(other)) or (_front(other) and _back(one)))


def _ends_agree(one: str, other: str, one_arabic: bool, other_arabic: bool) -> bool:
    """A last i or u is written in Arabic script: صعب is not Sabawi."""
    if one_arabic == other_arabic:
        return True
    arabic, latin = (one, other) if one_arabic else (other, one)
    return bool(arabic) or not any(letter in "iuoy" for letter in latin)


def _long_alone(one: str, other: str) -> bool:
    """A vowel that Arabic script writes has to be there in Latin letters too."""
    return one != other and (one + other).isupper()


def _front(vowels: str) -> bool:
    return "ee" in vowels or any(letter in "iy" for letter in vowels)


def _long_u(vowels: str) -> bool:
    return "oo" in vowels or "ou" in vowels


def _open(vowels: str) -> bool:
    return all(letter in "ae" for letter in vowels)


def _back(vowels: str) -> bool:
    return all(letter in "aouw" for letter in vowels)


def is_arabic(word: str) -> bool:
    """Whether a word has letters of the Arabic script (Arabic, Urdu, Persian, Pashto, …)."""
    return bool(_ARABIC.search(word))
