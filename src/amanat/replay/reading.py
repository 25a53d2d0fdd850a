"""Reads the files of a pilot: TOML and CSV, with the line of every value, all mistakes at once.

A file has one reading.  Digits are ASCII (Python would also take Urdu ones), numbers with a
fraction become `Decimal`, amounts carry their unit, and a table or column that nobody asked for is
a mistake, since it is more likely misspelt than meant to be ignored.
"""

from __future__ import annotations

import csv
import functools
import io
import re
import tomllib
import unicodedata
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from amanat.access.fields import require_plain
from amanat.core.dates import date_from
from amanat.core.errors import Invalid, Place, Refusal, Refused
from amanat.core.quantities import decimal_from

FILE_BYTES_MAX = 4_000_000
"""A file of a pilot is read and edited by people; a larger one is refused unread."""

FILES_MAX = 200
ROWS_MAX = 50_000
CELL_MAX = 131_072
"""Characters of one value of CSV."""
LINES_BROKEN_MAX = 50
"""A file with more lines than this that are not UTF-8 is in another encoding altogether."""

REPLACEMENT = "\ufffd"
"""Stands where bytes are no character (U+FFFD)."""
_FOREIGN_DIGIT = re.compile(r"(?![0-9])\d")

Value = TypeVar("Value")


class FolderNotFound(Invalid):
    """A pilot is a folder with at least the file `programme.toml`."""

    template: ClassVar[str] = "{folder}: {reason}."


class FileTooLarge(Invalid):
    """No file of a pilot is larger than `FILE_BYTES_MAX`; it is refused without being read."""

    template: ClassVar[str] = "{size} bytes; a pilot's file holds at most {size_max}."


class FileNotReadable(Invalid):
    """A file is UTF-8 text in TOML, or CSV with one line of column names."""

    template: ClassVar[str] = "{reason}."


class DigitsNotAscii(Invalid):
    """Numbers are written with the digits 0 to 9 alone, so that a file has one reading."""

    template: ClassVar[str] = "{text!r} has digits that are not 0 to 9."


class FieldMissing(Invalid):
    """A value that the pilot cannot do without."""

    template: ClassVar[str] = "{name} is missing."


class FieldUnknown(Invalid):
    """A value that no rule reads; probably a misspelling, or an amount in another unit."""

    template: ClassVar[str] = "there is no {name} here; known are {known}."


class ValueWrong(Invalid):
    """A value does not have the form that its place asks for."""

    template: ClassVar[str] = "{name} is {value!r}: {reason}."


@dataclass(frozen=True, slots=True)
class Located:
    """Where a row of a table stands: its file, its first line, and the line of each value."""

    file: str
    line: int
    lines: Mapping[str, int] = field(default_factory=dict)
    unread: set[str] = field(default_factory=set, compare=False)
    """The values that could not be read, by name; "" where the row as a whole is wrong."""

    def of(self, name: str | None = None) -> Place:
        """The place of a value of the row, or of the row."""
        return Place(file=self.file, line=self.lines.get(name or "", self.line), field=name)


class Row:
    """One table of TOML or line of CSV; each value is read once and what is wrong is noted.

    `lost` are values of which it has been noted already that they cannot be read.
    """

    def __init__(
        self,
        values: Mapping[str, Any],
        where: Located,
        refused: Refused,
        lost: Collection[str] = (),
    ) -> None:
        self._left = dict(values)
        self._known: list[str] = []
        self._lost = frozenset(lost)
        self.where = where
        self.refused = refused
        where.unread.update(lost)

    @property
    def sound(self) -> bool:
        """Whether nothing was noted so far."""
        return not self.where.unread

    def take(self, name: str, read: Callable[[Any], Value], default: Value) -> Value:
        """The value through `read`; when absent or wrong that is noted and `default` given."""
        if not self.has(name):
            self.note(name, FieldMissing(name=name))
            return default
        return self.take_or(name, read, default)

    def take_or(self, name: str, read: Callable[[Any], Value], default: Value) -> Value:
        """As `take`, but the value may be absent, and an empty cell of CSV is."""
        self._known.append(name)
        value = self._left.pop(name, "")
        if value == "" or name in self._lost:
            return default
        try:
            return read(value)
        except Refusal as refusal:
            self.note(name, refusal)
        except (ValueError, TypeError) as error:
            self.note(name, ValueWrong(name=name, value=str(value)[:60], reason=str(error)))
        return default

    def has(self, name: str) -> bool:
        """Whether the row gives a value for `name`."""
        if name not in self._known:
            self._known.append(name)
        return bool(self._left.get(name, "") != "")

    def peek(self, name: str) -> str:
        """A value as text, without reading it."""
        return str(self._left.get(name, ""))

    def children(self, name: str) -> list[Any]:
        """The tables of TOML that stand under this one, each as a mapping; [] where none."""
        self._known.append(name)
        found = self._left.pop(name, [])
        return found if isinstance(found, list) else [found]

    def names(self) -> list[str]:
        """The values that have not been read yet."""
        return list(self._left)

    def note(self, name: str | None, refusal: Refusal) -> None:
        """Note a mistake at the line of this value."""
        self.where.unread.add(name or "")
        self.refused.add(refusal.at(self.where.of(name)))

    def finish(self) -> None:
        """Note every value that nobody asked for."""
        for name in self._left:
            self.note(name, FieldUnknown(name=name, known=", ".join(sorted(set(self._known)))))


class Folder:
    """The files of one pilot, read once and within bounds."""

    def __init__(self, path: Path, refused: Refused) -> None:
        self.path = path
        self.refused = refused
        self.texts: dict[str, str] = {}
        self._broken: dict[str, frozenset[int]] = {}

    def open(self) -> None:
        """Read all files.  Raises `FolderNotFound`; notes files that are too large or not text."""
        if not self.path.is_dir():
            raise FolderNotFound(folder=self.path, reason="there is no such folder")
        files = sorted(
            one
            for one in self.path.rglob("*")
            if one.suffix in (".toml", ".csv") and one.is_file() and not one.is_symlink()
        )
        if not files:
            raise FolderNotFound(folder=self.path, reason="the folder holds no TOML or CSV file")
        if len(files) > FILES_MAX:
            reason = f"the folder holds {len(files)} files, at most {FILES_MAX}"
            raise FolderNotFound(folder=self.path, reason=reason)
        for one in files:
            self.read(one, one.relative_to(self.path).as_posix())

    def read(self, path: Path, name: str) -> None:
        """Read one file under its name; notes one that is too large or not text."""
        size = path.stat().st_size
        if size > FILE_BYTES_MAX:
            refusal = FileTooLarge(place=Place(file=name), size=size, size_max=FILE_BYTES_MAX)
            self.refused.add(refusal)
            return
        whole = path.read_bytes().removeprefix(b"\xef\xbb\xbf")
        broken = _broken_lines(whole)
        if len(broken) > LINES_BROKEN_MAX:
            reason = f"not UTF-8 text (line {broken[0]} and {len(broken) - 1} more)"
            self.refused.add(FileNotReadable(place=Place(file=name), reason=reason))
            return
        for line in broken:
            place = Place(file=name, line=line)
            self.refused.add(FileNotReadable(place=place, reason="not UTF-8 text"))
        content = whole.decode("utf-8", "replace")
        for line, text in foreign_digits(content):
            self.refused.add(DigitsNotAscii(place=Place(file=name, line=line), text=text))
        # Noted, and then read as if they were 0 to 9: what else is wrong is told in one answer.
        self.texts[name] = _FOREIGN_DIGIT.sub(lambda one: str(unicodedata.decimal(one[0])), content)
        self._broken[name] = frozenset(broken)

    def toml(self, name: str, *, required: bool = True) -> dict[str, list[Row]]:
        """The tables of a TOML file by name: `[x]` and `[[x]]` alike give rows."""
        content = self._content(name, required)
        if content is None:
            return {}
        try:
            # The standard library turns 7.00 into a float unless it is told otherwise.
            found = tomllib.loads(content, parse_float=Decimal)
        except (ValueError, RecursionError) as error:
            # Beside what is no TOML: numbers of thousands of digits, and brackets without end.
            place = Place(file=name, line=_line_in(str(error)))
            self.refused.add(FileNotReadable(place=place, reason=f"not TOML: {error}"))
            return {}
        lines = toml_lines(content)
        tables: dict[str, list[Row]] = {}
        for key, value in found.items():
            if isinstance(value, dict):
                value = [value]
            if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
                where = Place(file=name, line=lines.get((key,), 1))
                self.refused.add(FieldUnknown(place=where, name=key, known="tables"))
                continue
            tables[key] = [
                Row(one, _located(name, lines, (key, index)), self.refused)
                for index, one in enumerate(value)
            ]
        return tables

    def csv(self, name: str, *, required: bool = True) -> list[Row]:
        """The lines of a CSV file; lines that are empty or begin with # are comments."""
        content = self._content(name, required)
        if content is None:
            return []
        broken = self._broken[name]
        numbered = [
            (number, text)
            for number, text in enumerate(_lines(content), 1)
            if text.strip() and not text.lstrip().startswith("#")
        ]
        if not numbered:
            self.refused.add(FileNotReadable(place=Place(file=name), reason="no line of columns"))
            return []
        if len(numbered) > ROWS_MAX:
            reason = f"{len(numbered)} lines, at most {ROWS_MAX}"
            self.refused.add(FileNotReadable(place=Place(file=name), reason=reason))
            return []
        columns = self._cells(name, *numbered[0])
        twice = sorted({one for one in columns if columns.count(one) > 1})
        if twice:
            place, reason = Place(file=name, line=numbered[0][0]), "two columns are called "
            self.refused.add(FileNotReadable(place=place, reason=reason + ", ".join(twice)))
        if twice or not columns:
            return []
        rows = []
        for number, text in numbered[1:]:
            cells = self._cells(name, number, text)
            if len(cells) != len(columns):
                reason = f"{len(cells)} values for {len(columns)} columns"
                if cells:  # else it is noted already
                    place = Place(file=name, line=number)
                    self.refused.add(FileNotReadable(place=place, reason=reason))
                continue
            values = dict(zip(columns, cells, strict=True))
            lost = [one for one in columns if number in broken and REPLACEMENT in values[one]]
            rows.append(Row(values, Located(name, number), self.refused, lost))
        return rows

    def _cells(self, name: str, number: int, text: str) -> list[str]:
        """The cells of a line; none, and a refusal, where it is no line of CSV."""
        try:
            cells = [cell.strip() for cell in next(csv.reader(io.StringIO(text), strict=True))]
            # The reader's own limit belongs to the process, and libraries lift it.
            if max(map(len, cells), default=0) > CELL_MAX:
                raise csv.Error(f"field larger than field limit ({CELL_MAX})")
            return cells
        except csv.Error as error:
            place = Place(file=name, line=number)
            self.refused.add(FileNotReadable(place=place, reason=f"not CSV: {error}"))
            return []

    def _content(self, name: str, required: bool) -> str | None:
        if name in self.texts:
            return self.texts[name]
        noted = any(one.place and one.place.file == name for one in self.refused.refusals)
        if required and not noted:
            reason = "the file is missing"
            self.refused.add(FileNotReadable(place=Place(file=name), reason=reason))
        return None


def csv_rows(path: Path, refused: Refused) -> list[Row]:
    """The lines of one CSV file that is no part of a pilot, read by the same rules."""
    folder = Folder(path.parent, refused)
    if path.is_file():
        folder.read(path, path.name)
    return folder.csv(path.name)


def _lines(content: str) -> list[str]:
    """Lines as editors count them: Python alone would also break at form feeds and the like."""
    return re.split(r"\r\n|\r|\n", content)


def _broken_lines(content: bytes) -> list[int]:
    """The lines, from 1, that are not UTF-8."""
    broken = []
    for number, line in enumerate(re.split(rb"\r\n|\r|\n", content), 1):
        try:
            line.decode("utf-8")
        except UnicodeDecodeError:
            broken.append(number)
    return broken


def foreign_digits(content: str) -> list[tuple[int, str]]:
    """Words, and their lines from 1, with decimal digits other than 0 to 9; not in comments."""
    found = []
    for number, line in enumerate(_lines(content), 1):
        said = line.split("#", 1)[0]
        if _FOREIGN_DIGIT.search(said):
            words = re.findall(r"[^\s,=\"']+", said)
            found += [(number, word) for word in words if _FOREIGN_DIGIT.search(word)]
    return found


_HEAD = re.compile(r"^\s*(\[\[?)\s*([A-Za-z0-9_.\-]+)\s*\]\]?")
_KEY = re.compile(r"^\s*([A-Za-z0-9_\-]+)\s*=")


def toml_lines(content: str) -> dict[tuple[str | int, ...], int]:
    """The line of every table and bare key: ("tender", 0, "target") -> 12.

    The standard library keeps no positions.  This scan knows the part of TOML that the pilots use:
    headers, bare keys, values that may go over several lines in brackets or triple quotes.
    """
    lines: dict[tuple[str | int, ...], int] = {}
    counts: dict[tuple[str | int, ...], int] = {}
    at: tuple[str | int, ...] = ()
    depth, quoted = 0, False
    for number, line in enumerate(_lines(content), 1):
        if quoted or depth:
            quoted ^= line.count('"""') % 2 == 1
            depth += 0 if quoted else _brackets(line)
            continue
        head = _HEAD.match(line)
        if head:
            at = _open_table(head.group(2).split("."), head.group(1) == "[[", counts)
            lines.setdefault(at, number)
            continue
        key = _KEY.match(line)
        if key:
            lines.setdefault((*at, key.group(1)), number)
            value = line[key.end() :]
            quoted = value.count('"""') % 2 == 1
            depth = 0 if quoted else max(0, _brackets(value))
    return lines


def _open_table(
    names: list[str], repeated: bool, counts: dict[tuple[str | int, ...], int]
) -> tuple[str | int, ...]:
    at: tuple[str | int, ...] = ()
    for name in names[:-1]:
        at = (*at, name)
        at = (*at, counts.get(at, 0))
    at = (*at, names[-1])
    counts[at] = counts[at] + 1 if repeated and at in counts else counts.get(at, 0)
    return (*at, counts[at])


def _brackets(text: str) -> int:
    bare = re.sub(r'"[^"]*"', "", text).split("#", 1)[0]
    return bare.count("[") + bare.count("{") - bare.count("]") - bare.count("}")


def _located(
    file: str, lines: Mapping[tuple[str | int, ...], int], at: tuple[str | int, ...]
) -> Located:
    inner = {
        str(path[len(at)]): line
        for path, line in lines.items()
        if path[: len(at)] == at and len(path) > len(at)
    }
    return Located(file, lines.get(at, 1), inner)


def _line_in(message: str) -> int | None:
    found = re.search(r"line (\d+)", message)
    return int(found.group(1)) if found else None


# -- readers of single values ---------------------------------------------------------------------

_SCALE = {"million": 6, "billion": 9, "": 0}
_AMOUNT = re.compile(r"(-?[0-9]+(?:\.[0-9]+)?)(?: (million|billion))? ([A-Z]{3})")
_CODE = re.compile(r"[a-z][a-z0-9_]{0,62}")


def code(value: Any) -> str:
    """A name by which the files of a pilot speak of a thing: `dealer_3_client`."""
    if not isinstance(value, str) or not _CODE.fullmatch(value):
        raise ValueError(
            "a code is small letters, digits and _, at most 63, and begins with a letter"
        )
    return value


def codes(value: Any) -> tuple[str, ...]:
    """Codes in a list of TOML, or separated by blanks in a cell of CSV."""
    parts = value.split() if isinstance(value, str) else value
    if not isinstance(parts, list):
        raise ValueError("expected a list of codes")
    return tuple(code(part) for part in parts)


def text(value: Any) -> str:
    """Any text that is not empty, at most 400 characters.  Refuses `TextNotPlain`, as acts do."""
    if not isinstance(value, str) or not value.strip() or len(value) > 400:
        raise ValueError("expected a text of at most 400 characters")
    require_plain(value, "text")
    return value.strip()


def flag(value: Any) -> bool:
    """true or false."""
    if value in (True, "true"):
        return True
    if value in (False, "false"):
        return False
    raise ValueError("expected true or false")


def number(value: Any) -> Decimal:
    """An exact number without unit.  Refuses `InvalidNumber`."""
    return decimal_from(value)


def natural(value: Any) -> int:
    """A whole number from 0."""
    found = decimal_from(value)
    if found < 0 or found != found.to_integral_value():
        raise ValueError("expected a whole number from 0")
    return int(found)


def percent(value: Any) -> Decimal:
    """A rate from 0 to 100 per cent."""
    found = decimal_from(value)
    if not 0 <= found <= 100:
        raise ValueError("a rate lies between 0 and 100 per cent")
    return found


def amount_in(currency: str, *, minor: bool = False) -> Callable[[Any], int]:
    """A reader of amounts such as "40000 million PKR": whole units, or minor ones (paisa, cents).

    The unit is never assumed: an amount in another currency, or without one, is refused.
    """

    def read(value: Any) -> int:
        said = _AMOUNT.fullmatch(value) if isinstance(value, str) else None
        if said is None:
            raise ValueError(f'an amount is written with its unit, as "250 million {currency}"')
        figure, scale, unit = said.groups()
        if unit != currency:
            raise ValueError(f"the unit is {unit}, but this amount is in {currency}")
        return scaled(figure, _SCALE[scale or ""] + (2 if minor else 0))

    return read


def scaled(figure: str | int | Decimal, digits: int) -> int:
    """A non-negative figure times ten to the `digits`, which must come out whole."""
    exact = decimal_from(figure).scaleb(digits)
    if exact < 0:
        raise ValueError("it is negative; sizes and amounts are not")
    if exact != exact.to_integral_value():
        raise ValueError("it has a fraction of the smallest unit")
    return int(exact)


def _scaled_by(digits: int, value: Any) -> int:
    return scaled(value, digits)


def take_amount(
    row: Row, stem: str, currency: str, default: int = 0, *, minor: bool = False
) -> int:
    """The amount of a CSV column whose name carries the unit: `face_pkr_million`, `face_pkr`."""
    unit = currency.lower()
    for suffix, digits in (("_million", 6), ("", 0), ("_billion", 9)):
        name = f"{stem}_{unit}{suffix}"
        if row.has(name):
            places = digits + (2 if minor else 0)
            return row.take(name, functools.partial(_scaled_by, places), default)
    wrong = next((name for name in row.names() if name.startswith(f"{stem}_")), None)
    if wrong is None:
        row.note(None, FieldMissing(name=f"{stem}_{unit}_million"))
    else:
        row.take_or(wrong, lambda value: value, "")
        reason = f"the unit of {stem} is {currency}, as in {stem}_{unit}_million"
        row.note(wrong, ValueWrong(name=wrong, value=wrong, reason=reason))
    return default


def day(value: Any) -> date:
    """A date, as TOML's own or as YYYY-MM-DD.  Refuses `InvalidDate`."""
    return date_from(value)
